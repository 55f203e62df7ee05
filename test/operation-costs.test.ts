/** What each operation asks of storage, Azure Resource Manager and Partner Center, exactly: docs/cost.md is true. */

import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { costDocument, operationCosts } from "../bench/operation-costs.ts";
import type { DemoCustomer } from "../local/stand-ins/demo-customers.ts";
import { startServer } from "../local/stand-ins/https-server.ts";
import { bucketOf } from "../shared/adapters/table-keys.ts";
import type { CustomerId } from "../shared/domain/identifiers.ts";
import { makeEligibleCustomers, oneByOne } from "./harness/customers.ts";
import { countMessages, countRows, eventually } from "./harness/ledger.ts";
import { type Product, startProduct } from "./harness/product.ts";
import type { StorageCall } from "./harness/storage-proxy.ts";

let product: Product;

const put = async (customerId: string, state: string) => {
  const path = `/customers/${customerId}/permissions/azureReservations`;
  const { status } = await product.call("PUT", path, { body: { state } });
  expect(status).toBe(200);
};

/** What belongs to no request: the logging function and its queue's trigger, and sweeps of the minute. */
const isLogging = ({ service, method, path }: StorageCall) =>
  (service === "queue" && method !== "POST") ||
  /^\/(ActivityLog|ActivityByDay|Webhooks|WebhookDeliveries)\b|pending\|/.test(path);
const isSweep = ({ path }: StorageCall) => /(pending|unfinished)\|' and /.test(path);

async function countDuring(
  work: () => Promise<unknown>,
  counts: (call: StorageCall) => boolean = (call) => !isLogging(call) && !isSweep(call),
) {
  const [stored, arm, partnerCenter] = [
    product.storage.calls.length,
    product.arm.requests.count(),
    product.partnerCenter.requests.count(),
  ];
  await work();
  const calls = product.storage.calls.slice(stored).filter(counts);
  const of = (service: string) => calls.filter((call) => call.service === service).length;
  return {
    tables: of("table"),
    queues: of("queue"),
    arm: product.arm.requests.count() - arm,
    partnerCenter: product.partnerCenter.requests.count() - partnerCenter,
  };
}

const logged = (customerId: string, count: number) =>
  eventually(async () =>
    expect(await countRows(product.connectionString, customerId)).toMatchObject({ pending: 0, byDay: count }),
  );

/** The timers of the minute come at its beginning and its middle. */
async function betweenSweeps(): Promise<void> {
  const second = (Date.now() / 1000) % 30;
  if (second < 2 || second > 22)
    await new Promise((go) => setTimeout(go, (second < 2 ? 3 - second : 33 - second) * 1000));
}

describe("where our record is the switch", () => {
  const crowd = customersOfOneBucket(51);
  const customers = makeEligibleCustomers(4);
  const nextCustomer = oneByOne(customers);

  beforeAll(async () => {
    const settings = { WEBHOOK_HOSTS: "127.0.0.1" };
    product = await startProduct({ customers: [...customers, ...crowd], settings });
    // The first change makes the tables.
    const first = nextCustomer();
    await put(first, "On");
    await logged(first, 1);
  });
  afterAll(() => product?.stop());

  test("reading is one call, and turning a switch two of tables and one of the queue", async () => {
    const customerId = nextCustomer();
    const path = `/customers/${customerId}/permissions/azureReservations`;
    expect(await countDuring(() => put(customerId, "On"))).toEqual(callsOf("on"));
    expect(await countDuring(() => product.call("GET", path))).toEqual(callsOf("read"));
    expect(await countDuring(() => put(customerId, "On"))).toEqual(callsOf("sameState"));
    expect(await countDuring(() => put(customerId, "Off"))).toEqual(callsOf("off"));
  });

  test("logging an activity is five calls of tables, and one that takes the message away", async () => {
    await betweenSweeps();
    const idle = () =>
      eventually(async () => expect(await countMessages(product.connectionString, "activities")).toBe(0));
    await idle();
    const customerId = nextCustomer();
    const turned = async () => {
      await put(customerId, "On");
      await logged(customerId, 1);
      await idle();
    };
    // Fetching the message is the host's: it looks in vain, too, and it may fetch 16 with one call.
    const isOfIt = (call: StorageCall) =>
      call.service === "queue" ? call.method === "DELETE" : isLogging(call) && !isSweep(call);
    const { tables, queues } = await countDuring(turned, isOfIt);
    expect({ tables, queues: queues + 1 }).toMatchObject({
      tables: operationCosts.logging.tables,
      queues: operationCosts.logging.queues,
    });
  });

  test("telling a webhook is a row more of the log, a message, and four calls of tables", async () => {
    const customerId = nextCustomer();
    const { certificate } = product;
    const receiver = await startServer({
      certificate,
      answer: () => ({ status: 200 }),
      failure: (status) => ({ status }),
    });
    try {
      const callbackUrl = `${receiver.url}/`;
      // The first delivery makes the table and the queue.
      const { body } = await product.call("POST", "/webhooks", { body: { callbackUrl, customerId } });
      const told = async (state: string, count: number) => {
        await put(customerId, state);
        await logged(customerId, count);
        await eventually(async () => expect(receiver.requests.count()).toBe(count));
        await new Promise((go) => setTimeout(go, 500));
      };
      await told("On", 1);
      await betweenSweeps();
      const isOfIt = ({ service, method, path }: StorageCall) =>
        service === "queue"
          ? path.startsWith("/deliveries/messages") && method !== "GET"
          : path.startsWith("/WebhookDeliveries") || (path.startsWith("/Webhooks(") && path.includes(body.id));
      const { tables, queues } = await countDuring(() => told("Off", 2), isOfIt);
      expect({ tables, queues: queues + 1 }).toEqual({
        tables: operationCosts.delivery.tables,
        queues: operationCosts.delivery.queues,
      });
      await product.call("DELETE", `/webhooks/${body.id}`);
    } finally {
      await receiver.close();
    }
  }, 60_000);

  test("polling looks into each bucket and twice into the log, for one customer once into each", async () => {
    await betweenSweeps();
    const [first] = customers;
    const customerId = first?.customer.tenantId ?? "";
    const state = Buffer.from('["2026-01-01T00:00:00.000Z"]').toString("base64url");
    const poll = (query: string) => () =>
      product.call("GET", `/triggers/permission-changes?triggerState=${state}${query}`);
    const ofTables = ({ service }: StorageCall) => service === "table";
    expect(await countDuring(poll(""), ofTables)).toEqual(callsOf("poll"));
    expect(await countDuring(poll(`&customerId=${customerId}`), ofTables)).toEqual(callsOf("customerPoll"));
  });

  test("a sweep that finds nothing looks into each bucket once", async () => {
    await betweenSweeps();
    const swept = async () => {
      const before = product.storage.calls.filter(isSweep).length;
      await product.trigger("SweepPendingActivities");
      await eventually(async () =>
        expect(product.storage.calls.filter(isSweep).length).toBeGreaterThanOrEqual(before + 16),
      );
      await new Promise((go) => setTimeout(go, 300));
    };
    expect(await countDuring(swept, ({ service, method }) => service === "table" || method === "POST")).toEqual(
      callsOf("emptySweep"),
    );
  });

  test("a page of customers is one call of a full bucket, and sixteen when there are few", async () => {
    const list = () => product.call("GET", "/customers?maxpagesize=50");
    expect(await countDuring(list)).toEqual(callsOf("shortList"));
    for (const { customer } of crowd) await put(customer.tenantId, "On");
    expect(await countDuring(list)).toEqual(callsOf("list"));
    expect((await list()).body.value).toHaveLength(50);
  });

  test("a history looks twice into each bucket, and once into each day and tomorrow", async () => {
    await betweenSweeps();
    await eventually(async () => expect(await countMessages(product.connectionString, "activities")).toBe(0), 20_000);
    const history = () => product.call("GET", "/fleet/history");
    const isRead = ({ path, method }: StorageCall) =>
      method === "GET" && (path.startsWith("/CustomerPermissions()") || path.startsWith("/ActivityByDay()"));
    expect(await countDuring(history, isRead)).toEqual(callsOf("fleetHistory"));
  });

  test("a customer's activities are two calls", async () => {
    const [first] = customers;
    const customerId = first?.customer.tenantId ?? "";
    await betweenSweeps();
    const list = () => product.call("GET", `/activities?customerId=${customerId}`);
    const isList = ({ path, method }: StorageCall) => method === "GET" && path.includes(`'${customerId}'`);
    expect(await countDuring(list, isList)).toEqual(callsOf("customerActivities"));
  });
});

describe("where Partner Center has to follow", () => {
  const customers = makeEligibleCustomers(2);
  const nextCustomer = oneByOne(customers);

  beforeAll(async () => {
    product = await startProduct({ customers, partnerCenterMode: "live" });
    const first = nextCustomer();
    await put(first, "On");
    await logged(first, 1);
  });
  afterAll(() => product?.stop());

  test("turning a switch asks Partner Center and storage no more often than the document says", async () => {
    const customerId = nextCustomer();
    expect(await countDuring(() => put(customerId, "On"))).toEqual(callsOf("liveOn"));
    expect(await countDuring(() => put(customerId, "Off"))).toEqual(callsOf("liveOff"));
  });

  test("a search looks for records and profiles in each bucket", async () => {
    expect(await countDuring(() => product.call("GET", "/customers?search=contoso"))).toEqual(callsOf("search"));
  });
});

test("docs/cost.md is what the counts and the prices come to", () => {
  expect(readFileSync("docs/cost.md", "utf8")).toBe(costDocument());
});

function callsOf(name: keyof typeof operationCosts) {
  const { tables, queues, arm, partnerCenter } = operationCosts[name];
  return { tables, queues, arm, partnerCenter };
}

/** Customers whose records stand in one bucket, and more than make a page. */
function customersOfOneBucket(count: number): DemoCustomer[] {
  const found = makeEligibleCustomers(count * 32).filter(
    ({ customer }) => bucketOf(customer.tenantId as CustomerId) === "0",
  );
  expect(found.length).toBeGreaterThanOrEqual(count);
  return found.slice(0, count);
}
