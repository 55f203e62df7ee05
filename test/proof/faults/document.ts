/** docs/faults.md: what was measured, and how it differs from what stands there. Seconds may differ, answers may not. */

import type { FaultName } from "./fault-kinds.ts";

export interface MeasuredRow {
  readonly call: string;
  readonly operation: string;
  readonly recovery: string;
  readonly cells: ReadonlyMap<FaultName, { readonly outcome: string; readonly seconds: number }>;
}

const head = `# What happens when something outside fails

Written by \`npm run test:faults\`, which plays every cell against the built app, real Azurite and HTTPS stand-ins, and
fails when an answer differs from this table. In each cell: the answer (\`503\` is always \`DependencyUnavailable\` with a
\`Retry-After\` and says nothing but the request id) and the seconds until it came, rounded up, as measured once.

The fault lasts as long as the caller waits, every repetition of the product's included. Then, in every cell, all of
this was checked: the record, its log and the policy in Partner Center are as before or as wished, never in between,
and On never without Partner Center's word and the evidence of the check; nothing of the fault, no stack, path, host, token
or page of a proxy, is in the answer; and the same request goes through after the fault was lifted, in the same process.

- \`401\`, \`403\` … are the service's own errors where it has some for the status (Entra: a wrong secret; Azure Resource
  Manager: 403 \`AuthorizationFailed\`; Partner Center: 401 without a code, 403/900150, 409/600041, 404/600039 for a policy; storage: 409 and 412 of a transaction
  say that somebody else came first), else a gateway's.
- \`200 cut\` and \`200 other JSON\` of a write in Partner Center, and \`200 cut\` of a transaction, come after it was done.
- "PUT On, second": the other switch is On already, so that the policy is changed and not made.
- \`202\`: the change is begun and goes on by itself. Off is accepted while Partner Center is away; On is not.
- Signing keys that were fetched once are kept for a day: this row is of an instance that has none yet.
- Webhooks: "told" is that the receiver was told while the fault was there, "told later" that it was told afterwards,
  without anybody asking again. In every cell the switch was answered and its entry in the log while the fault was there;
  in the end the receiver had been told of that entry at least once, signed, with one id, and of nothing else. Time that
  only the sweep's patience takes was not waited for: the delivery was made old.
- A receiver that answers 2xx has taken it, whatever else it says.

`;

export function documentOf(rows: readonly MeasuredRow[], faults: readonly FaultName[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    head,
    line(["Call", "Asked for", ...faults, "Goes on"]),
    line(Array.from({ length: faults.length + 3 }, () => "---")),
    ...rows.map(({ call, operation, recovery, cells }) =>
      line([call, operation, ...faults.map((fault) => cellOf(cells.get(fault))), recovery]),
    ),
    "",
  ]
    .join("\n")
    .replace("\n\n\n", "\n\n");
}

function cellOf(cell: { readonly outcome: string; readonly seconds: number } | undefined): string {
  return cell === undefined ? "not played" : `${cell.outcome}, ${Math.max(1, Math.ceil(cell.seconds))} s`;
}

/** The same but for the seconds of the cells. */
export function withoutSeconds(document: string): string {
  return document.replace(/, \d+ s(?= \|)/g, "");
}
