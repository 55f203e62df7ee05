/**
 * Turns a customer's permission On as a partner's system would: look first, ask with the state that was seen, wait until
 * it is true, and show what the log says. `node turn-on.ts <customer id>`, with API and TOKEN in the environment.
 */

import { PermissionsClient, PermissionsError } from "./permissions-client.ts";

const { API = "http://localhost:7071/api", TOKEN = "" } = process.env;
const [customerId = ""] = process.argv.slice(2);
const product = "azureReservations";
const say = (line: string) => process.stdout.write(`${line}\n`);
const client = new PermissionsClient({ baseUrl: API, token: async () => TOKEN });

try {
  const { body: eligibility } = await client.checkEligibility({ customerId, product });
  for (const { name, result, message, remedy } of eligibility.checks) {
    say(`${name}: ${result}. ${message} ${remedy ?? ""}`);
  }
  const { etag } = await client.getPermission({ customerId, product });
  const wish = { state: "On", reason: "Ticket 4711", acknowledgedCharges: true } as const;
  const accepted = await client.setPermission({ customerId, product }, wish, {
    ...(etag === undefined ? {} : { "If-Match": etag }),
  });
  const { body: permission } = await client.finished(accepted);
  say(`${permission.state} since ${permission.changedAt}`);
  for await (const activity of client.all(await client.listActivities({ customerId, maxpagesize: 10 }))) {
    say(`${activity.at} ${activity.operation} ${activity.result}`);
  }
} catch (error) {
  if (!(error instanceof PermissionsError)) throw error;
  process.stderr.write(`${error.code}: ${error.message}\n`);
  process.exitCode = 1;
}
