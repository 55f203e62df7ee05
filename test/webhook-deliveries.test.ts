/**
 * What a receiver sees: a real one, over https. Every change reaches it, signed, whatever it answers at first and
 * whatever is killed in between; what it never takes can be replayed. And what a polling workflow sees.
 */

import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Webhook as Receiver } from "standardwebhooks";
import { type Answer, type Call, type StandIn, startServer } from "../local/stand-ins/https-server.ts";
import { makeEligibleCustomers, oneByOne } from "./harness/customers.ts";
import { countRows, eventually, readLog } from "./harness/ledger.ts";
import { type Product, startProduct } from "./harness/product.ts";
import type { StorageCall } from "./harness/storage-proxy.ts";

const customers = makeEligibleCustomers(20);
const nextCustomer = oneByOne(customers);
const never = () => new Promise<Answer>(() => undefined);
const taken: Answer = { status: 204 };

let product: Product;
let receiver: StandIn;
/** By path: what the receiver says, one after the other; the last one again and again. */
const answers = new Map<string, (() => Answer | Promise<Answer>)[]>();
const received: Call[] = [];

beforeAll(async () => {
  product = await startProduct({
    customers,
    settings: { WEBHOOK_HOSTS: "127.0.0.1" },
  });
  receiver = await startServer({
    certificate: product.certificate,
    failure: (status) => ({ status }),
    answer(call) {
      received.push(call);
      const planned = answers.get(call.path) ?? [];
      return (planned.length > 1 ? planned.shift() : planned[0])?.() ?? taken;
    },
  });
});
afterAll(() => Promise.all([product?.stop(), receiver?.close()]));

const on = async (customerId: string, state = "On") => {
  const path = `/customers/${customerId}/permissions/azureReservations`;
  const { status } = await product.call("PUT", path, { body: { state } });
  expect(status).toBe(200);
};
const at = (customerId: string) => received.filter(({ path }) => path === `/${customerId}`);
const idsAt = (customerId: string) => at(customerId).map(({ headers }) => headers["webhook-id"]);

async function subscribe(customerId: string, ...planned: (Answer | (() => Promise<Answer>))[]) {
  answers.set(
    `/${customerId}`,
    planned.map((answer) => (typeof answer === "function" ? answer : () => answer)),
  );
  const callbackUrl = `${receiver.url}/${customerId}?sig=s3cret`;
  const { status, body } = await product.call("POST", "/webhooks", { body: { callbackUrl, customerId } });
  expect(status).toBe(201);
  return body as { readonly id: string; readonly secret: string };
}

const webhooks = async () =>
  (await product.call("GET", "/webhooks")).body.value as { readonly id: string; readonly failingSince?: string }[];
const webhookOf = async (id: string) => (await webhooks()).find((webhook) => webhook.id === id);

const logged = (customerId: string) =>
  eventually(async () => expect((await countRows(product.connectionString, customerId)).pending).toBe(0));

/** Long enough for a second delivery to come if there were one. */
const aWhile = () => new Promise((go) => setTimeout(go, 1_500));

// First, as it begins two minutes ago: it must not be told what other tests do.
describe("a polling workflow", () => {
  const follow = async (location: string | null) => {
    const { pathname, search } = new URL(location ?? "");
    return product.call("GET", `${pathname.replace("/api", "")}${search}`);
  };

  test("walks from change to change by Location, and waits when there is none", async () => {
    const [one, other] = [nextCustomer(), nextCustomer()];
    await product.kill();
    await product.start({ behind: 120 });
    const all = await product.call("GET", "/triggers/permission-changes?api-version=2026-11-01");
    const own = await product.call("GET", `/triggers/permission-changes?customerId=${one}`);
    expect([all.status, all.body, all.headers.get("retry-after")]).toEqual([202, undefined, "30"]);
    expect(all.headers.get("location")).toContain(`${product.url}/api/triggers/permission-changes?api-version=`);
    await on(one);
    await on(other);
    await on(one, "Off");
    // Not yet half a minute old.
    expect((await follow(all.headers.get("location"))).status).toBe(202);
    await product.kill();
    await product.start();
    const walk = async (location: string | null) => {
      const told: unknown[] = [];
      for (let next = location; ; ) {
        const { status, headers, body } = await follow(next);
        next = headers.get("location");
        if (status === 202) return { told, wait: headers.get("retry-after") };
        expect(status).toBe(200);
        told.push(body);
      }
    };
    const [ofOne, ofOther] = [await readLog(product, one), await readLog(product, other)];
    expect(await walk(all.headers.get("location"))).toEqual({ told: [ofOne[0], ofOther[0], ofOne[1]], wait: "30" });
    expect(await walk(own.headers.get("location"))).toEqual({ told: ofOne, wait: "30" });
    const first = await follow(all.headers.get("location"));
    expect(first.headers.get("retry-after")).toBe("0");
  }, 60_000);

  test.each(["", "x", "W10", Buffer.from('["2026-01-01T00:00:00.000Z","x",1]').toString("base64url")])(
    "is told when its state is damaged: %s",
    async (state) => {
      const { status, body } = await product.call("GET", `/triggers/permission-changes?triggerState=${state}`);
      expect([status, body.error.target]).toEqual([400, "triggerState"]);
    },
  );

  test("needs a role, and may ask for one customer only by its id", async () => {
    const token = await product.token({ roles: [] });
    const ask = (query: string, call = {}) => product.call("GET", `/triggers/permission-changes${query}`, call);
    expect((await ask("", { token })).status).toBe(403);
    expect((await ask("?customerId=contoso")).body.error.target).toBe("customerId");
  });
});

describe("a change", () => {
  test("is delivered once, signed, as the log has it without its evidence, to whoever wants to know", async () => {
    const customerId = nextCustomer();
    const { id, secret } = await subscribe(customerId);
    await subscribe(nextCustomer());
    await on(customerId);
    await eventually(async () => expect(at(customerId)).toHaveLength(1));
    await aWhile();
    const [{ headers, body, query, method } = {} as Call] = at(customerId);
    expect(received.filter((call) => call.body.includes(customerId))).toHaveLength(1);
    const [logged] = await readLog(product, customerId);
    const { evidence, ...activity } = logged as unknown as Record<string, unknown>;
    expect(evidence).toBeDefined();
    expect([method, query.get("sig"), headers["content-type"]]).toEqual(["POST", "s3cret", "application/json"]);
    expect(JSON.parse(body)).toEqual({ type: "permission.changed", timestamp: activity.at, data: activity });
    expect(headers["webhook-id"]).toBe(activity.id);
    expect(Math.abs(Number(headers["webhook-timestamp"]) - Date.now() / 1000)).toBeLessThan(30);
    expect(new Receiver(secret).verify(body, headers as Record<string, string>)).toEqual(JSON.parse(body));
    expect(headers.authorization).toBeUndefined();
    expect((await webhookOf(id))?.failingSince).toBeUndefined();
  });

  test("is delivered again ten seconds after an error, with the same id", async () => {
    const customerId = nextCustomer();
    const { id } = await subscribe(customerId, { status: 500 }, taken);
    await on(customerId);
    await eventually(async () => expect((await webhookOf(id))?.failingSince).toMatch(/Z$/));
    await eventually(async () => expect(at(customerId)).toHaveLength(2), 30_000);
    expect(new Set(idsAt(customerId)).size).toBe(1);
    await eventually(async () => expect((await webhookOf(id))?.failingSince).toBeUndefined());
  }, 60_000);

  test("is delivered to others while one receiver hangs, and to that one when it is back", async () => {
    const hung = nextCustomer();
    const well = nextCustomer();
    await subscribe(hung, never, taken);
    await subscribe(well);
    await on(hung);
    await eventually(async () => expect(at(hung)).toHaveLength(1));
    await on(well);
    await eventually(async () => expect(at(well)).toHaveLength(1));
    expect(at(hung)).toHaveLength(1);
    await eventually(async () => expect(at(hung)).toHaveLength(2), 45_000);
    expect(new Set(idsAt(hung)).size).toBe(1);
  }, 90_000);

  test("makes a webhook go whose receiver says that it is gone", async () => {
    const customerId = nextCustomer();
    const { id } = await subscribe(customerId, { status: 410 });
    await on(customerId);
    await eventually(async () => expect(await webhookOf(id)).toBeUndefined());
    await on(customerId, "Off");
    await aWhile();
    expect(at(customerId)).toHaveLength(1);
  });

  test("is not sent to where a redirect leads", async () => {
    const customerId = nextCustomer();
    const headers = { location: `${receiver.url}/elsewhere` };
    const { id } = await subscribe(customerId, { status: 307, headers });
    await on(customerId);
    await eventually(async () => expect((await webhookOf(id))?.failingSince).toBeDefined());
    expect(received.filter(({ path }) => path === "/elsewhere")).toEqual([]);
    await product.call("DELETE", `/webhooks/${id}`);
  });

  test("is not sent any more to who has unsubscribed, not even what was waiting", async () => {
    const customerId = nextCustomer();
    const { id } = await subscribe(customerId, { status: 500 });
    await on(customerId);
    await eventually(async () => expect((await webhookOf(id))?.failingSince).toBeDefined());
    await product.call("DELETE", `/webhooks/${id}`);
    await on(customerId, "Off");
    await logged(customerId);
    await subscribe(customerId);
    await new Promise((go) => setTimeout(go, 13_000));
    expect(at(customerId)).toHaveLength(1);
  }, 30_000);
});

describe("kill -9 loses nothing", () => {
  const isDelivery = ({ service, path, method }: StorageCall) =>
    service === "table" && method === "POST" && path.startsWith("/WebhookDeliveries");
  const isRemoval = ({ method, path }: StorageCall) => method === "DELETE" && path.includes("pending|");
  const isMessage = ({ service, method, path }: StorageCall) =>
    service === "queue" && method === "POST" && path.startsWith("/deliveries/messages");

  test.each<[string, (call: StorageCall) => boolean]>([
    ["after the delivery is written", isDelivery],
    ["after the pending activity is removed", isRemoval],
    ["after the message is pushed", isMessage],
  ])(
    "%s",
    async (_, isMoment) => {
      const customerId = nextCustomer();
      await subscribe(customerId);
      // What this instance writes is old when the next one looks, so that its sweeps need not be waited for.
      await product.kill();
      await product.start({ behind: 240 });
      let killed: Promise<void> | undefined;
      product.storage.fate = (call) => {
        if (killed !== undefined || !isMoment(call)) return "forward";
        return {
          afterwards: () => {
            killed = product.kill();
          },
        };
      };
      await on(customerId);
      await eventually(async () => expect(killed).toBeDefined());
      await killed;
      product.storage.fate = () => "forward";
      await product.start();
      await product.trigger("SweepPendingActivities");
      // The other sweep's patience keeps the two apart; here all is old at once.
      await logged(customerId);
      await product.trigger("SweepDeliveries");
      await eventually(async () => expect(at(customerId).length).toBeGreaterThan(0), 25_000);
      await aWhile();
      expect(idsAt(customerId)).toEqual([`${customerId}-1`]);
    },
    60_000,
  );

  test("while the receiver thinks: it is told again, with the same id", async () => {
    const customerId = nextCustomer();
    await subscribe(customerId, never, taken);
    await product.kill();
    await product.start({ behind: 240 });
    await on(customerId);
    await eventually(async () => expect(at(customerId)).toHaveLength(1));
    await product.kill();
    await product.start();
    await product.trigger("SweepDeliveries");
    await eventually(async () => expect(at(customerId)).toHaveLength(2));
    expect(new Set(idsAt(customerId)).size).toBe(1);
  }, 60_000);
});

test("what a receiver did not take for three days is listed, and delivered when it is replayed", async () => {
  const customerId = nextCustomer();
  const { id } = await subscribe(customerId, { status: 500 });
  await on(customerId);
  await eventually(async () => expect((await webhookOf(id))?.failingSince).toBeDefined());
  await product.kill();
  await product.start({ behind: -4 * 24 * 60 * 60 });
  await product.trigger("SweepDeliveries");
  await eventually(async () => expect(at(customerId)).toHaveLength(2));
  await aWhile();
  await product.kill();
  await product.start();
  const path = `/webhooks/${id}`;
  const token = await product.token({ roles: ["SalesAgent"] });
  const listed = await product.call("GET", `${path}/failed-deliveries`, { token });
  expect(listed.body.value).toEqual([
    {
      ...{ id: expect.any(String), activityId: `${customerId}-1`, customerId, failedAt: expect.any(String) },
      ...{ attempts: 2, lastResult: "HTTP 500" },
    },
  ]);
  expect((await product.call("POST", `${path}/replay`, { body: {}, token })).status).toBe(403);
  answers.set(`/${customerId}`, [() => taken]);
  const deliveryId = listed.body.value[0].id;
  const replay = (body: object) => product.call("POST", `${path}/replay`, { body });
  expect((await replay({ deliveryId: "none" })).status).toBe(400);
  const other = await subscribe(nextCustomer());
  const foreign = await product.call("POST", `/webhooks/${other.id}/replay`, { body: { deliveryId } });
  expect([foreign.status, foreign.body]).toEqual([200, { replayed: 0 }]);
  product.storage.fate = ({ path: called }) =>
    called === "/$batch" ? { status: 200, headers: { "Content-Type": "text/html" }, body: "<html>Sign in" } : "forward";
  // What a proxy says is not taken for done.
  expect((await replay({ deliveryId })).status).toBe(503);
  product.storage.fate = () => "forward";
  expect((await replay({ deliveryId })).body).toEqual({ replayed: 1 });
  await eventually(async () => expect(at(customerId)).toHaveLength(3));
  expect((await replay({})).body).toEqual({ replayed: 0 });
  expect((await product.call("GET", `${path}/failed-deliveries`)).body.value).toEqual([]);
  const none = `/webhooks/${"0".repeat(32)}`;
  expect((await product.call("GET", `${none}/failed-deliveries`)).status).toBe(404);
  expect((await product.call("POST", `${none}/replay`, { body: {} })).status).toBe(404);
}, 60_000);

test("no callback URL and no secret of a webhook was ever printed", () => {
  expect(product.output.join("\n")).not.toMatch(/s3cret|whsec_/);
});
