/** Activities as RFC 4180 CSV that a spreadsheet can open without running anything that stands in it. */

import type { Activity } from "../shared/domain/activity.ts";

const columns = {
  at: ({ at }) => at,
  customerId: ({ customerId }) => customerId,
  sequence: ({ sequence }) => String(sequence),
  operation: ({ operation }) => operation,
  product: ({ product }) => product,
  result: ({ result }) => result,
  byName: ({ by }) => by.name ?? "",
  byObjectId: ({ by }) => by.objectId,
  byKind: ({ by }) => by.kind,
  reason: ({ reason }) => reason ?? "",
  acknowledgedCharges: ({ acknowledgedCharges }) =>
    acknowledgedCharges === undefined ? "" : String(acknowledgedCharges),
  finding: ({ finding }) => finding?.code ?? "",
  error: ({ error }) => error?.code ?? "",
  requestId: ({ requestId }) => requestId,
  changeId: ({ changeId }) => changeId,
  previousHash: ({ previousHash }) => previousHash,
  hash: ({ hash }) => hash,
} as const satisfies Record<string, (activity: Activity) => string>;

/** @returns a head and a row for each; a byte order mark before it tells Excel that it is UTF-8 */
export function csvOf(activities: readonly Activity[]): string {
  const rows = activities.map((activity) => Object.values(columns).map((read) => field(read(activity))));
  return `\uFEFF${[Object.keys(columns), ...rows].map((row) => `${row.join(",")}\r\n`).join("")}`;
}

/** A formula begins with one of these, or their full-width forms; behind an apostrophe it is text. https://owasp.org/www-community/attacks/CSV_Injection */
function field(value: string): string {
  const text = /^[=+\-@＝＋－＠\t\r\n]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
