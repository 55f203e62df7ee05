/** One test for each row of the table of crashes in the design: what is left behind, and what heals it. */

import { randomUUID } from "node:crypto";
import { QueueClient } from "@azure/storage-queue";
import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { makeEligibleCustomers, oneByOne } from "./harness/customers.ts";
import { countMessages, countRows, eventually, faultsOfLog, readLog } from "./harness/ledger.ts";
import { type Answer, type Product, startProduct } from "./harness/product.ts";
import type { StorageCall } from "./harness/storage-proxy.ts";

/** Longer ago than the minute that the sweep leaves to the queue. */
const behind = 120;

let product: Product;
let customerId: string;
let requestId: string;
const customers = makeEligibleCustomers(8);
const nextCustomer = oneByOne(customers);

beforeAll(async () => {
  product = await startProduct({ customers });
  // The first change of all makes the tables, by a transaction that fails: no test may mistake that one for its own.
  customerId = nextCustomer();
  requestId = randomUUID();
  expect(await turnOn()).toMatchObject({ status: 200 });
});
afterAll(() => product.stop());

beforeEach(async () => {
  customerId = nextCustomer();
  requestId = randomUUID();
  product.storage.fate = () => "forward";
  await product.kill();
  await product.start({ behind });
});

const turnOn = (): Promise<Answer | undefined> =>
  product
    .call("PUT", `/customers/${customerId}/permissions/azureReservations`, {
      headers: { "repeatability-request-id": requestId },
      body: { state: "On" },
    })
    .catch(() => undefined);

const isCommit = ({ path }: StorageCall) => path === "/$batch";

/** Kills the instance when storage has done this, before it hears of it. */
function killAfter(isIt: (call: StorageCall) => boolean): Promise<void> {
  return new Promise((killed) => {
    product.storage.fate = (call) => (isIt(call) ? { afterwards: () => product.kill().then(killed) } : "forward");
  });
}

async function sweep(): Promise<void> {
  const { status } = await fetch(`${product.url}/admin/functions/SweepPendingActivities`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '{"input":""}',
  });
  expect(status).toBe(202);
}

/** The end that every crash must come to: On, exactly one entry for it, in log and index, nothing left over. */
async function expectHealed(): Promise<void> {
  const rows = await countRows(product.connectionString, customerId);
  const log = await readLog(product, customerId);
  const { body } = await product.call("GET", `/customers/${customerId}/permissions/azureReservations`);
  expect(body).toMatchObject({ state: "On", changeId: requestId });
  expect(log.filter(({ changeId }) => changeId === requestId)).toHaveLength(1);
  expect(faultsOfLog(log)).toEqual([]);
  expect(rows).toEqual({ pending: 0, logged: log.length, byDay: log.length, poisoned: 0 });
}

test("a crash before the transaction leaves nothing, and the caller's retry does it", async () => {
  const before = await countRows(product.connectionString, customerId);
  product.storage.fate = (call) => {
    if (!isCommit(call)) return "forward";
    void product.kill();
    return "hang";
  };
  expect(await turnOn()).toBeUndefined();
  product.storage.fate = () => "forward";
  await product.start();

  const { body } = await product.call("GET", `/customers/${customerId}/permissions/azureReservations`);
  expect(body).toMatchObject({ state: "Off", changeId: null });
  expect(await countRows(product.connectionString, customerId)).toEqual(before);

  expect(await turnOn()).toMatchObject({ status: 200, body: { changed: true } });
  await eventually(expectHealed);
});

test("a crash between the transaction and the answer is complete: the retry gets the answer, the sweep logs it", async () => {
  const killed = killAfter(isCommit);
  expect(await turnOn()).toBeUndefined();
  await killed;
  product.storage.fate = () => "forward";
  await product.start();

  expect(await readLog(product, customerId)).toHaveLength(1);
  expect(await turnOn()).toMatchObject({ status: 200, body: { state: "On", changed: true, changeId: requestId } });
  await sweep();
  await eventually(expectHealed);
});

test("a push that failed is made good by the sweep, and the caller was told the truth", async () => {
  product.storage.fate = ({ service, method }) =>
    service === "queue" && method !== "GET" ? { status: 500 } : "forward";
  expect(await turnOn()).toMatchObject({ status: 200, body: { state: "On", changed: true } });
  expect((await readLog(product, customerId)).at(-1)).toMatchObject({ changeId: requestId });
  expect(await countRows(product.connectionString, customerId)).toMatchObject({ pending: 1 });
  await product.kill();
  product.storage.fate = () => "forward";
  await product.start();

  await sweep();
  await eventually(expectHealed);
});

test.each<[string, (call: StorageCall) => boolean]>([
  ["the log and its index", ({ method, path }) => method === "POST" && path === "/ActivityLog"],
  [
    "the index and the removal of the pending activity",
    ({ method, path }) => method === "PUT" && path.startsWith("/ActivityByDay"),
  ],
])("a crash between %s is finished by the sweep, without a second entry", async (_, isIt) => {
  const killed = killAfter(isIt);
  await turnOn();
  await killed;
  product.storage.fate = () => "forward";
  expect(await countRows(product.connectionString, customerId)).toMatchObject({ pending: 1 });
  await product.start();

  await sweep();
  await eventually(expectHealed);
});

test("a message that comes again after its activity was logged changes nothing", async () => {
  const killed = killAfter(({ method, path }) => method === "DELETE" && path.includes("RowKey='pending|"));
  await turnOn();
  await killed;
  product.storage.fate = () => "forward";
  await product.start();
  await expectHealed();

  const sent = product.storage.calls.findLast(
    ({ method, path }) => method === "POST" && path.startsWith("/activities/messages"),
  );
  const text = /<MessageText>([^<]+)</.exec(sent?.body ?? "")?.[1] ?? "";
  expect(JSON.parse(Buffer.from(text, "base64").toString())).toMatchObject({ changeId: requestId });
  const before = await countMessages(product.connectionString, "activities");
  const deleted = () =>
    product.storage.calls.filter(({ method, service }) => service === "queue" && method === "DELETE").length;
  const deletedBefore = deleted();
  await new QueueClient(product.connectionString, "activities").sendMessage(text);
  await eventually(async () => expect(deleted()).toBe(deletedBefore + 1));
  expect(await countMessages(product.connectionString, "activities")).toBe(before);
  await expectHealed();
});

test("a queue that was wiped loses nothing", async () => {
  product.storage.fate = ({ service, method }) =>
    service === "queue" && method === "GET" ? { status: 503 } : "forward";
  expect(await turnOn()).toMatchObject({ status: 200 });
  await product.kill();
  await new QueueClient(product.connectionString, "activities").clearMessages();
  product.storage.fate = () => "forward";
  await product.start();

  await sweep();
  await eventually(expectHealed);
});
