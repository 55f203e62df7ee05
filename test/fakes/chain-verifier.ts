/**
 * Verifies a customer's log from nothing but the JSON that the API answers, as an auditor would who has
 * only read the README ("Verify a log"). Written without a line of the product, so that the product is not its own witness.
 */

import { createHash } from "node:crypto";

/** Where the chain ends, from another source than the log; without it nobody can miss entries cut off its end. */
export interface ChainEnd {
  readonly sequence: number;
  readonly headHash: string;
}

/**
 * @param json the entries of one customer, oldest first
 * @returns what is wrong, or undefined
 */
export function faultIn(json: string, end?: ChainEnd): string | undefined {
  const entries: unknown = JSON.parse(json);
  if (!Array.isArray(entries)) return "no list";
  let previousHash = "0".repeat(64);
  for (const [index, entry] of entries.entries()) {
    const { hash, ...rest } = entry as Record<string, unknown>;
    if (rest.sequence !== index + 1) return `entry ${index + 1} has sequence ${rest.sequence}`;
    if (rest.customerId !== entries[0].customerId) return `entry ${index + 1} is of another customer`;
    if (rest.id !== `${rest.customerId}-${rest.sequence}`) return `entry ${index + 1} has id ${rest.id}`;
    if (rest.previousHash !== previousHash) return `entry ${index + 1} does not follow the one before`;
    if (hash !== createHash("sha256").update(canonicalJson(rest)).digest("hex")) return `entry ${index + 1} was edited`;
    previousHash = hash;
  }
  if (end !== undefined && (end.sequence !== entries.length || end.headHash !== previousHash)) return "cut off";
  return undefined;
}

/** RFC 8785: members in the order of their names' UTF-16 code units, no blanks, strings and numbers as in ECMAScript. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`).join(",")}}`;
}
