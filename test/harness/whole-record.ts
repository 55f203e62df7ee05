/** Holds what callers were told against what is on record: log, state, operations and the rows in storage. */

import type { AskedChange, History } from "./history.ts";
import { countRows, faultsOfLog, type LoggedActivity, readLog } from "./ledger.ts";
import type { Product } from "./product.ts";

export interface WholeRecord {
  readonly entries: number;
  /** In words; none when everything is as it should be. */
  readonly faults: readonly string[];
  /** Of the changes that their callers know nothing about. */
  readonly there: number;
  readonly absent: number;
}

const verbs = { On: "Create", Off: "Delete" } as const;

export async function examineRecord(product: Product, history: History, customerId: string): Promise<WholeRecord> {
  const log = await readLog(product, customerId);
  const asked = new Map([...history.asked].filter(([, change]) => change.customerId === customerId));
  const unknown = [...asked].filter(([, { end }]) => end === "unknown").map(([changeId]) => changeId);
  const there = unknown.filter((changeId) => log.some((entry) => entry.changeId === changeId));
  const faults = [
    ...faultsOfLog(log),
    ...log.flatMap((entry) => faultsOfEntry(entry, asked.get(entry.changeId))),
    ...repeated(log.map(({ changeId }) => changeId)).map((changeId) => `${changeId} is in the log more than once.`),
    ...[...asked].flatMap(([changeId, { end }]) => {
      const entry = log.find((each) => each.changeId === changeId);
      if (end === "acknowledged" && entry?.result !== "Succeeded")
        return [`${changeId} was acknowledged and is not in the log.`];
      return end === "none" && entry?.result === "Succeeded"
        ? [`${changeId} is in the log, its caller was told no.`]
        : [];
    }),
    ...faultsOfOrder(log, history, customerId),
    ...(await faultsOfState(product, customerId, log)),
    ...(await faultsOfList(product, customerId, log)),
    ...(await Promise.all(unknown.map((changeId) => faultsOfOperation(product, customerId, changeId, log)))).flat(),
  ];
  const { pending, logged, byDay, poisoned } = await countRows(product.connectionString, customerId);
  const rows = { pending, logged, byDay, poisoned };
  const expected = { pending: 0, logged: log.length, byDay: log.length, poisoned: 0 };
  if (JSON.stringify(rows) !== JSON.stringify(expected)) {
    faults.push(`The rows are ${JSON.stringify(rows)}, and should be ${JSON.stringify(expected)}.`);
  }
  return {
    entries: log.length,
    faults: faults.map((fault) => `${customerId}: ${fault}`),
    there: there.length,
    absent: unknown.length - there.length,
  };
}

function faultsOfEntry(
  { id, changeId, product, operation }: LoggedActivity,
  change: AskedChange | undefined,
): string[] {
  if (change === undefined) return [`${id} is of change ${changeId}, for which nobody has asked.`];
  const isAsAsked = change.product === product && operation.startsWith(verbs[change.state]);
  return isAsAsked ? [] : [`${id} is not what was asked for as ${changeId}.`];
}

/** Nothing stands in the log after something that was only asked for when this was answered already. */
function faultsOfOrder(log: readonly LoggedActivity[], history: History, customerId: string): string[] {
  const spans = new Map(
    history
      .switches()
      .filter((name) => name.customerId === customerId)
      .flatMap((name) => history.operationsOf(name))
      .flatMap((each) => (each.kind === "write" && each.outcome === "changed" ? [[each.changeId, each] as const] : [])),
  );
  let latest = 0;
  return log.flatMap(({ id, changeId }) => {
    const span = spans.get(changeId);
    if (span === undefined) return [];
    const isLate = span.answered < latest;
    latest = Math.max(latest, span.invoked);
    return isLate ? [`${id} was answered before an earlier entry was asked for.`] : [];
  });
}

async function faultsOfState(product: Product, customerId: string, log: readonly LoggedActivity[]): Promise<string[]> {
  const { body } = await product.call("GET", `/customers/${customerId}/permissions`);
  return body.value.flatMap(
    ({ product: one, state, changeId }: { product: string; state: "On" | "Off"; changeId: string }) => {
      const last = log.findLast((entry) => entry.product === one && entry.result === "Succeeded");
      const isSame = (last?.changeId ?? null) === changeId && (last?.operation ?? "Delete").startsWith(verbs[state]);
      return isSame
        ? []
        : [`${one} is ${state} by ${changeId}, the log ends with ${last?.operation} by ${last?.changeId}.`];
    },
  );
}

/** Who is On is listed as On, and nobody else. */
async function faultsOfList(product: Product, customerId: string, log: readonly LoggedActivity[]): Promise<string[]> {
  const last = new Map(log.filter(({ result }) => result === "Succeeded").map((entry) => [entry.product, entry]));
  const isOn = [...last.values()].some(({ operation }) => operation.startsWith(verbs.On));
  const { body } = await product.call("GET", "/customers?state=On&maxpagesize=200");
  const isListed = body.value.some((each: { customerId: string }) => each.customerId === customerId);
  return isListed === isOn ? [] : [`It is ${isOn ? "On" : "Off"}, and ${isListed ? "" : "not "}listed as On.`];
}

/** A change that nobody was told about is there as a whole, with its entry, or is not there at all. */
async function faultsOfOperation(
  product: Product,
  customerId: string,
  changeId: string,
  log: readonly LoggedActivity[],
): Promise<string[]> {
  const { status, body } = await product.call("GET", `/customers/${customerId}/operations/${changeId}`);
  const operation = status === 404 ? undefined : body.status;
  const entry = log.find((each) => each.changeId === changeId)?.result;
  const isWhole =
    entry === "Succeeded"
      ? operation === entry
      : entry === "Failed"
        ? /^(Failed|Canceled)$/.test(operation)
        : operation === undefined;
  return isWhole ? [] : [`The operation ${changeId} is ${operation}, in the log it is ${entry}.`];
}

function repeated(texts: readonly string[]): string[] {
  return texts.filter((text, index) => texts.indexOf(text) !== index);
}
