/**
 * Verifies a customer's activity log with nothing but what the API answers: numbered without a gap, each entry chained to
 * the one before, each hash that of its entry. `node verify-log.ts <customer id>`, with API and TOKEN in the environment;
 * ends with 1 when the log does not hold.
 */

import { createHash } from "node:crypto";
import { type Activity, PermissionsClient } from "./permissions-client.ts";

const { API = "http://localhost:7071/api", TOKEN = "" } = process.env;
const [customerId = ""] = process.argv.slice(2);
const client = new PermissionsClient({ baseUrl: API, token: async () => TOKEN });

/** JSON as RFC 8785 writes it: members in the order of their names, no spaces. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(",")}}`;
}

const newestFirst: Activity[] = [];
for await (const activity of client.all(await client.listActivities({ customerId, maxpagesize: 200 }))) {
  newestFirst.push(activity);
}

let sequence = 0;
let previousHash = "0".repeat(64);
const faults: string[] = [];
for (const activity of newestFirst.reverse()) {
  const { hash, ...rest } = activity;
  sequence += 1;
  if (activity.sequence !== sequence) faults.push(`${activity.id} stands where number ${sequence} should.`);
  if (activity.previousHash !== previousHash) faults.push(`${activity.id} is not chained to the entry before it.`);
  if (createHash("sha256").update(canonical(rest)).digest("hex") !== hash) faults.push(`${activity.id} was altered.`);
  previousHash = hash;
}
process.stdout.write(`${[...faults, `${newestFirst.length} entries, ${faults.length} faults.`].join("\n")}\n`);
process.exitCode = faults.length === 0 ? 0 : 1;
