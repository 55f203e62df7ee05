/**
 * Verifies customers' logs from the API alone: numbers without gaps, every hash, every link, and that each permission's
 * last change is in the log. Plain JavaScript for any Node since 20, without a package and without a line of the product.
 *
 *   TOKEN=… node docs/examples/verify-log.mjs https://<app>/api [customerId …] [--heads file]
 *
 * Without customer ids: all that the API lists. With `--heads` the file of an earlier run is held against the logs (an
 * entry that was there must be there still, so nothing was cut off or begun anew), and the new heads are written to it.
 * Ends with 1 when anything is wrong.
 */

import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({ allowPositionals: true, options: { heads: { type: "string" } } });
const [api, ...named] = positionals;
if (api === undefined || !process.env.TOKEN) {
  process.stderr.write("Say TOKEN=… node verify-log.mjs https://<app>/api [customerId …] [--heads file].\n");
  process.exit(2);
}

const { heads } = values;
const earlier = heads !== undefined && existsSync(heads) ? JSON.parse(readFileSync(heads, "utf8")) : {};
const customers = named.length > 0 ? named : await idsOfAll();
let wrong = 0;
for (const customerId of customers) {
  const log = (await all(`${api}/activities?customerId=${customerId}&maxpagesize=200`)).reverse();
  const permissions = await read(`${api}/customers/${customerId}/permissions`);
  const fault = faultIn(log, permissions.value, earlier[customerId]);
  if (fault === undefined) {
    const last = log.at(-1);
    if (last !== undefined) earlier[customerId] = { sequence: last.sequence, hash: last.hash };
    process.stdout.write(`${customerId}: ${log.length} entries, whole.\n`);
  } else {
    wrong++;
    process.stdout.write(`${customerId}: WRONG: ${fault}.\n`);
  }
}
if (heads !== undefined) writeFileSync(heads, `${JSON.stringify(earlier, null, 2)}\n`);
process.exitCode = wrong === 0 ? 0 : 1;

function faultIn(log, permissions, head) {
  let previousHash = "0".repeat(64);
  for (const [index, { hash, ...entry }] of log.entries()) {
    if (entry.sequence !== index + 1) return `entry ${index + 1} is missing`;
    if (entry.previousHash !== previousHash) return `entry ${index + 1} does not follow the one before it`;
    if (hash !== createHash("sha256").update(canonical(entry)).digest("hex")) return `entry ${index + 1} was edited`;
    previousHash = hash;
  }
  if (head !== undefined && log[head.sequence - 1]?.hash !== head.hash) {
    return `entry ${head.sequence} is not the one that was there before`;
  }
  const lost = permissions.find(
    ({ changeId }) => changeId !== null && !log.some((entry) => entry.changeId === changeId),
  );
  return lost === undefined ? undefined : `the change that made ${lost.product} ${lost.state} is missing`;
}

/** RFC 8785: members in the order of their names' UTF-16 code units, no blanks. */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.keys(value).sort();
  return `{${members.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`;
}

async function idsOfAll() {
  return (await all(`${api}/customers?maxpagesize=200`)).map(({ customerId }) => customerId);
}

/** The token goes to the API and nowhere else, wherever a link leads. */
async function all(first) {
  const items = [];
  for (let url = first; url !== undefined; ) {
    const page = await read(url);
    items.push(...page.value);
    url = page.nextLink === undefined ? undefined : new URL(new URL(page.nextLink).search, first).href;
  }
  return items;
}

async function read(url) {
  const answer = await fetch(url, { headers: { authorization: `Bearer ${process.env.TOKEN}` } });
  if (answer.ok) return answer.json();
  process.stderr.write(`${url} was answered ${answer.status}: ${await answer.text()}\n`);
  process.exit(2);
}
