/** What `npm start` prints when everything runs: where things are, who the customers are, and what to try first. */

import type { DemoPorts } from "./demo-settings.ts";
import type { DemoCustomer } from "./stand-ins/demo-customers.ts";

export interface Welcome {
  readonly ports: DemoPorts;
  readonly entraUrl: string;
  readonly armUrl: string;
  readonly partnerCenterUrl: string;
  readonly stateFolder: string;
  readonly tokenFile: string;
  readonly caFile: string;
  readonly demo: readonly DemoCustomer[];
  /** Who moves the policies in Partner Center. */
  readonly mode: "live" | "manual";
}

export function welcome({
  ports,
  entraUrl,
  armUrl,
  partnerCenterUrl,
  stateFolder,
  tokenFile,
  caFile,
  demo,
  mode,
}: Welcome): string {
  const app = `http://localhost:${ports.app}`;
  const api = `${app}/api`;
  const [eligible, partnerOnly] = [customerNamed("Contoso", demo), customerNamed("Adatum", demo)];
  const bearer = `-H "Authorization: Bearer $(cat ${quoted(tokenFile)})"`;
  const turnOn = (customerId: string) =>
    `curl -sS -X PUT "${api}/customers/${customerId}/permissions/azureReservations" ${bearer} -H "Content-Type: application/json" -d '{"state":"On"}'`;
  const policy = `curl -sS --cacert ${quoted(caFile)} -X`;
  const move = {
    live: `Move Contoso's policy in Partner Center behind the product's back; within a minute the log has it as "Detected":
  ${policy} DELETE ${partnerCenterUrl}/_policies/${eligible}`,
    manual: `Be the operator who moves Contoso's switch in Partner Center; the product looks there every minute:
  ${policy} PUT ${partnerCenterUrl}/_policies/${eligible} -d '["AzureReservedInstances"]'`,
  };
  const faults = `curl -sS --cacert ${quoted(caFile)} -X PUT ${armUrl}/_faults -d`;
  const width = Math.max(...demo.map(({ customer }) => customer.name.length));
  const rows = demo.map(
    ({ customer, outcome }) => `  ${customer.name.padEnd(width)}  ${customer.tenantId}  ${outcome}`,
  );

  return `
Customer purchase permissions run on this machine only; nothing leaves it.

  Page                    ${app}/ui/   (sign in as Ada, Bob, Carol or Dan)
  API                     ${api}
  Microsoft Entra         ${entraUrl}   (stand-in)
  Azure Resource Manager  ${armUrl}   (stand-in)
  Partner Center          ${partnerCenterUrl}   (stand-in)
  Storage                 queues ${ports.queue}, tables ${ports.table}, blobs ${ports.blob}   (Azurite)
  State                   ${stateFolder}   (npm run reset forgets it)

Customers, and what "On" comes to:
${rows.join("\n")}

Turn Contoso's permission to buy Azure reservations On, as Admin Agent Ada:
  ${turnOn(eligible)}

See it in the log:
  curl -sS "${api}/activities?customerId=${eligible}" ${bearer}

See Adatum refused, whose only Owner is the partner itself:
  ${turnOn(partnerOnly)}

Azure Resource Manager off, and on again with {"down":false} (more faults: local/stand-ins/faults.ts):
  ${faults} '{"down":true}'

${move[mode]}

Ada's token is in ${tokenFile}; for others: npm run --silent token -- --role SalesAgent --name Bob
Ready. Ctrl-C stops everything.
`;
}

function customerNamed(name: string, demo: readonly DemoCustomer[]): string {
  const found = demo.find(({ customer }) => customer.name === name);
  if (found === undefined) throw new Error(`There is no demo customer named ${name}.`);
  return found.customer.tenantId;
}

/** For a POSIX shell: nothing inside single quotes means anything. */
function quoted(path: string): string {
  return `'${path.replaceAll("'", "'\\''")}'`;
}
