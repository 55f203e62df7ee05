/** Thousands of customers (DRIFT_CUSTOMERS=10000 for more): a round keeps to its calls, its memory is flat, and kill -9 repeats a page at most. */

import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { makeManyCustomers } from "../local/stand-ins/many-customers.ts";
import { readDriftNote } from "./harness/drift-note.ts";
import { eventually, readLog } from "./harness/ledger.ts";
import { type Product, startProduct } from "./harness/product.ts";

const count = Number(process.env.DRIFT_CUSTOMERS ?? 2_000);
const callsPerRun = count / 4;
const customers = makeManyCustomers(count);
const drifted = customers.filter((_, index) => index % (count / 20) === 7);

let product: Product;
beforeAll(async () => {
  product = await startProduct({
    customers: customers.map((customer) => ({ customer, outcome: "On: a user is Owner" })),
    partnerCenterMode: "live",
    rounds: true,
    settings: {
      DRIFT_CALLS_PER_RUN: String(callsPerRun),
      DRIFT_INTERVAL_MINUTES: "10080",
      // Left alone, Node.js tidies up only at several hundred megabytes, and then nothing is to be seen from outside.
      NODE_OPTIONS: "--max-old-space-size=112",
    },
  });
  await product.trigger("SynchroniseCustomers");
  await eventually(async () => expect(await knownCustomers()).toBe(count), 60_000);
}, 90_000);
afterAll(() => product.stop());

async function knownCustomers(): Promise<number> {
  let known = 0;
  for (let path: string | undefined = "/customers?maxpagesize=200"; path !== undefined; ) {
    const { body } = await product.call("GET", path);
    known += body.value.length;
    path = body.nextLink?.slice(`${new URL(body.nextLink).origin}/api`.length);
  }
  return known;
}

function memoryOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;
}

/** How often each customer's policy was read. */
function readsByCustomer(): Map<string, number> {
  const reads = new Map<string, number>();
  for (const { path, query } of product.partnerCenter.requests.entries) {
    const customerId = path === "/v1/SelfServePolicy" ? /entity_id=([0-9a-f-]{36})/.exec(query)?.[1] : undefined;
    if (customerId !== undefined) reads.set(customerId, (reads.get(customerId) ?? 0) + 1);
  }
  return reads;
}

const readsInAll = () => [...readsByCustomer().values()].reduce((sum, reads) => sum + reads, 0);

interface Run {
  readonly calls: number;
  /** More than one when the timer came by itself meanwhile. */
  readonly runs: number;
}

/** The timer's own schedule: the 15th second of every minute. */
const minutesSince = (time: number) => Math.floor((time - 15_000) / 60_000);

async function run(): Promise<Run> {
  const before = product.partnerCenter.requests.entries.length;
  const began = Date.now();
  const noted = JSON.stringify(await readDriftNote(product));
  await product.trigger("DetectDrift");
  let calls = 0;
  await eventually(async () => {
    const note = await readDriftNote(product);
    const now = product.partnerCenter.requests.entries.length - before;
    const isQuiet = now === calls && JSON.stringify(note) !== noted;
    calls = now;
    await new Promise((go) => setTimeout(go, 400));
    expect(isQuiet).toBe(true);
  }, 60_000);
  return { calls, runs: 1 + minutesSince(Date.now()) - minutesSince(began) };
}

test("a round over all of them keeps to the calls of a run, needs no more memory at its end, and survives kill -9", async () => {
  for (const { tenantId } of drifted) product.partnerCenter.policies.set(tenantId, ["AzureReservedInstances"]);
  const began = Date.now();
  const memory = [memoryOf(product.pid)];
  const runs = [await run()];
  memory.push(memoryOf(product.pid));
  runs.push(await run());
  memory.push(memoryOf(product.pid));

  const { position } = (await readDriftNote(product)) ?? {};
  await product.trigger("DetectDrift");
  await eventually(async () => expect((await readDriftNote(product))?.position).not.toBe(position));
  await product.kill();
  await product.start();
  const restarted = memoryOf(product.pid);
  for (let isOpen = true; isOpen; ) {
    runs.push(await run());
    isOpen = (await readDriftNote(product))?.endedAt === undefined;
  }
  const atEnd = memoryOf(product.pid);
  const seconds = (Date.now() - began) / 1000;
  process.stdout.write(
    `${count} customers in ${seconds.toFixed(1)} s, calls ${runs.map(({ calls, runs }) => `${calls} in ${runs}`).join(", ")} runs; RSS ${memory.map(Math.round).join(" → ")} MB, after kill -9 ${Math.round(restarted)} → ${Math.round(atEnd)} MB\n`,
  );

  // Of the customers in hand when the calls are used up, a drifted one is still finished; the probe is not counted.
  for (const { calls, runs: number } of runs) expect(calls).toBeLessThanOrEqual(number * (callsPerRun + 6) + 2);
  expect(runs[0]?.calls).toBeGreaterThanOrEqual(callsPerRun);
  const reads = readsByCustomer();
  expect(reads.size).toBe(count);
  // Each drifted one costs two more: before it is reported, and to see that this was all.
  expect(readsInAll() - count - 2 * drifted.length).toBeLessThanOrEqual(104);
  for (const { tenantId } of drifted) {
    const log = (await readLog(product, tenantId)) as { result: string }[];
    expect(log.map(({ result }) => result)).toEqual(["Detected"]);
  }
  // The first run warms up; after it a run that keeps what it has seen would grow by a page each time.
  expect(memory[2]! - memory[1]!).toBeLessThan(40);
}, 150_000);
