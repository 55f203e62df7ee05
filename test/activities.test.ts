/** The log as callers read it: what an entry says, how to prove it whole, pages, times; and the list of customers. */

import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { partnerTenantId } from "../local/stand-ins/demo-customers.ts";
import { guidOf } from "../local/stand-ins/guid.ts";
import { makeEligibleCustomers, oneByOne } from "./harness/customers.ts";
import { countRows, eventually, faultsOfLog, type LoggedActivity, readLog } from "./harness/ledger.ts";
import { type Answer, type Product, startProduct } from "./harness/product.ts";
import type { StorageCall } from "./harness/storage-proxy.ts";

const customers = makeEligibleCustomers(150);
const nextCustomer = oneByOne(customers);
const day = 24 * 60 * 60;
const guid = expect.stringMatching(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/);
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const sha256 = expect.stringMatching(/^[\da-f]{64}$/);

let product: Product;
/** Whose switches were turned two days ago, yesterday and today. */
let [longAgo, yesterday, today] = ["", "", ""];
/** Customers with an even place end On, the others Off. */
const crowd = Array.from({ length: 60 }, nextCustomer);
const endsOn = (customerId: string) => crowd.indexOf(customerId) % 2 === 0;

beforeAll(async () => {
  product = await startProduct({ customers });
  for (const days of [2, 1]) {
    const customerId = nextCustomer();
    await product.kill();
    await product.start({ behind: days * day });
    const then = Math.floor(Date.now() / 1000) - 3 * day;
    const token = await product.token({ iat: then, nbf: then });
    for (const state of ["On", "Off"]) await turn(customerId, state, { token });
    await eventually(async () => expect((await rows(customerId)).pending).toBe(0));
    [longAgo, yesterday] = [yesterday, customerId];
  }
  await product.kill();
  await product.start();
  const rest = [...crowd];
  const work = async () => {
    for (let next = rest.shift(); next !== undefined; next = rest.shift()) {
      for (const state of endsOn(next) ? ["On", "Off", "On"] : ["On", "Off", "On", "Off"]) await turn(next, state);
    }
  };
  await Promise.all(Array.from({ length: 8 }, work));
  today = nextCustomer();
  for (let change = 0; change < 10; change++) await turn(today, change % 2 === 0 ? "On" : "Off");
}, 60_000);
afterEach(() => {
  product.storage.fate = () => "forward";
});
afterAll(() => product?.stop());

const rows = (customerId: string) => countRows(product.connectionString, customerId);

async function turn(customerId: string, state: string, { token, ...body }: Record<string, unknown> = {}) {
  const answer = await product.call("PUT", `/customers/${customerId}/permissions/azureReservations`, {
    ...(token === undefined ? {} : { token: String(token) }),
    body: { state, ...body },
  });
  expect([answer.status, answer.body.changed]).toEqual([200, true]);
  return answer;
}

const list = (path: string): Promise<Answer> => product.call("GET", path);

/** Follows the links from page to page. @param between is done after every page */
async function walk(first: string, between: () => Promise<unknown> = async () => undefined): Promise<any[][]> {
  const pages: any[][] = [];
  for (let path: string | undefined = first; path !== undefined; ) {
    const { status, body }: Answer = await list(path);
    expect([status, Object.keys(body).filter((name) => name !== "nextLink")]).toEqual([200, ["value"]]);
    pages.push(body.value);
    if (pages.length > 500) throw new Error(`${first} has no last page.`);
    await between();
    path = body.nextLink?.slice(`${product.url}/api`.length);
  }
  return pages;
}

const idsOf = (activities: readonly { id: string }[]) => activities.map(({ id }) => id);

function expectRefused({ status, headers, body }: Answer, target: string): void {
  expect([status, body?.error?.code, body?.error?.target]).toEqual([400, "InvalidRequest", target]);
  expect(headers.get("x-ms-error-code")).toBe("InvalidRequest");
}

describe("an activity", () => {
  test("of a switch turned On says who, when, why, for which request and on what evidence", async () => {
    const customerId = nextCustomer();
    const { tenantId, name, subscriptions } = customers.find(
      ({ customer }) => customer.tenantId === customerId,
    )!.customer;
    const [subscription] = subscriptions;
    const answer = await product.call("PUT", `/customers/${tenantId}/permissions/azureSavingsPlans`, {
      headers: { "MS-CorrelationId": "order-4711" },
      body: { state: "On", reason: "asked by phone", acknowledgedCharges: true },
    });
    const { status, body } = await list(`/activities?customerId=${customerId}`);

    expect([status, body]).toEqual([
      200,
      {
        value: [
          {
            id: `${customerId}-1`,
            sequence: 1,
            customerId,
            product: "azureSavingsPlans",
            operation: "Create Customer Purchase Permissions",
            result: "Succeeded",
            at: answer.body.changedAt,
            by: { tenantId: partnerTenantId, objectId: guidOf("user:Ada"), name: "Ada", kind: "User" },
            reason: "asked by phone",
            acknowledgedCharges: true,
            requestId: answer.headers.get("x-ms-request-id"),
            correlationId: "order-4711",
            changeId: answer.body.changeId,
            evidence: {
              checkedAt: time,
              subscriptions: [
                {
                  subscriptionId: subscription?.subscriptionId,
                  displayName: name,
                  state: "Enabled",
                  quotaId: "CSP_2015-05-01",
                  counts: true,
                  owners: [
                    {
                      principalId: guidOf(`owner of ${name}`),
                      principalType: "User",
                      scope: `/subscriptions/${subscription?.subscriptionId}`,
                      conditional: false,
                    },
                  ],
                  ignoredOwners: [],
                },
              ],
            },
            previousHash: "0".repeat(64),
            hash: sha256,
          },
        ],
      },
    ]);
  });

  test("of a switch turned Off follows its predecessor and needs no evidence", async () => {
    const customerId = nextCustomer();
    await turn(customerId, "On");
    const answer = await turn(customerId, "Off", { token: await product.entra.issueApplicationToken() });
    const [newest, oldest] = (await list(`/activities?customerId=${customerId}`)).body.value;
    expect(newest).toEqual({
      id: `${customerId}-2`,
      sequence: 2,
      customerId,
      product: "azureReservations",
      operation: "Delete Customer Purchase Permissions",
      result: "Succeeded",
      at: answer.body.changedAt,
      by: { tenantId: partnerTenantId, objectId: guidOf("application:nightly-automation"), kind: "Application" },
      requestId: guid,
      changeId: answer.body.changeId,
      previousHash: oldest.hash,
      hash: sha256,
    });
  });

  test("is the same before it was logged and after", async () => {
    product.storage.fate = (call) => (isLogInsert(call) ? { delay: 1_000 } : "forward");
    const customerId = nextCustomer();
    await turn(customerId, "On", { reason: "お客様 🙂 \u2028" });
    const read = async () => [
      (await list(`/activities?customerId=${customerId}`)).body.value,
      (await list("/activities?maxpagesize=1")).body.value,
    ];
    expect(await rows(customerId)).toMatchObject({ pending: 1, logged: 0, byDay: 0 });
    const pending = await read();
    await eventually(async () => expect((await rows(customerId)).pending).toBe(0));
    expect(await rows(customerId)).toMatchObject({ logged: 1, byDay: 1 });
    expect(pending[0]).toHaveLength(1);
    expect(pending[1]).toEqual(pending[0]);
    expect(await read()).toEqual(pending);
  });

  test("is read while the log cannot be written", async () => {
    product.storage.fate = (call) => (isLogInsert(call) ? { status: 503 } : "forward");
    const customerId = nextCustomer();
    for (const state of ["On", "Off", "On"]) await turn(customerId, state);
    const log = await readLog(product, customerId);
    expect(faultsOfLog(log)).toEqual([]);
    expect(log).toHaveLength(3);
    const newest = idsOf(log).reverse();
    expect(idsOf((await list("/activities?maxpagesize=3")).body.value)).toEqual(newest);
    expect(idsOf((await list(`/activities?maxpagesize=3&from=${log[0]?.at}`)).body.value)).toEqual(newest);
    expect(idsOf((await walk("/activities?maxpagesize=2"))[0]!)).toEqual(newest.slice(0, 2));
    expect(await rows(customerId)).toMatchObject({ pending: 3, logged: 0 });
  });

  test("of a customer without any is none", async () => {
    expect((await list(`/activities?customerId=${randomUUID()}`)).body).toEqual({ value: [] });
  });
});

const isLogInsert = ({ method, path }: StorageCall) => method === "POST" && path.startsWith("/ActivityLog");

describe("a customer's log is proven whole from the API alone", () => {
  let log: LoggedActivity[];
  beforeAll(async () => {
    log = await readLog(product, today);
  });

  test("ten changes are ten entries, newest first, each sealed onto the one before", async () => {
    const { body } = await list(`/activities?customerId=${today}`);
    expect(idsOf(body.value)).toEqual(Array.from({ length: 10 }, (_, index) => `${today}-${10 - index}`));
    expect(faultsOfLog(log)).toEqual([]);
  });

  test("every customer's is", async () => {
    for (const customerId of [longAgo, yesterday, ...crowd.slice(0, 20)]) {
      const whole = await readLog(product, customerId);
      expect(whole.length).toBeGreaterThan(1);
      expect(faultsOfLog(whole)).toEqual([]);
    }
  });

  test.each<[string, (log: any[]) => unknown]>([
    ["an entry was dropped", (copy) => copy.splice(4, 1)],
    ["the first one was dropped", (copy) => copy.shift()],
    ["two were swapped", (copy) => copy.splice(3, 2, copy[4], copy[3])],
    ["a reason was put in", (copy) => Object.assign(copy[2], { reason: "made up" })],
    ["a name was changed", (copy) => Object.assign(copy[5].by, { name: "Mallory" })],
    [
      "a time was moved",
      (copy) => Object.assign(copy[9], { at: copy[8].at.replace(/\d{3}Z/, "000Z").replace("20", "19") }),
    ],
    ["evidence was taken out", (copy) => Reflect.deleteProperty(copy[0], "evidence")],
  ])("and shows it when %s", (_, damage) => {
    const copy = structuredClone(log);
    damage(copy);
    expect(faultsOfLog(copy)).not.toEqual([]);
  });
});

describe("pages", () => {
  test.each([1, 3, 9, 10, 11])("of %i hold all of a customer's log once", async (size) => {
    const pages = await walk(`/activities?customerId=${today}&maxpagesize=${size}`);
    expect(pages.map(({ length }) => length)).toEqual(
      Array.from({ length: Math.ceil(10 / size) }, (_, page) => Math.min(size, 10 - page * size)),
    );
    expect(idsOf(pages.flat()).reverse()).toEqual(idsOf(await readLog(product, today)));
  });

  test("of all customers hold every customer's log once, newest first", async () => {
    const pages = await walk("/activities?maxpagesize=1000");
    const all = pages.flat();
    expect(pages[0]).toHaveLength(200);
    expect(new Set(idsOf(all)).size).toBe(all.length);
    const times = all.map(({ at }) => at);
    expect(times).toEqual([...times].sort().reverse());

    const places = new Map(all.map((activity, place) => [activity.id, { place, activity }]));
    for (const customerId of [longAgo, yesterday, today, ...crowd.slice(0, 10)]) {
      const log = await readLog(product, customerId);
      expect(log.map(({ id }) => places.get(id)?.activity)).toEqual(log);
      const order = log.map(({ id }) => places.get(id)?.place ?? -1);
      expect(order).toEqual([...order].sort((one, other) => other - one));
    }
    expect(all.filter(({ customerId }) => crowd.includes(customerId))).toHaveLength(210);
    expect(idsOf(all.slice(-4))).toEqual([`${yesterday}-2`, `${yesterday}-1`, `${longAgo}-2`, `${longAgo}-1`]);
    expect(idsOf((await walk("/activities?maxpagesize=70")).flat())).toEqual(idsOf(all));
  });

  test("hold fifty unless asked otherwise, and two hundred at most", async () => {
    const sizeOf = async (path: string) => (await list(path)).body.value.length;
    expect(await sizeOf("/activities")).toBe(50);
    expect(await sizeOf("/customers")).toBe(50);
    for (const size of ["200", "201", "1000", "2147483647", "9".repeat(400)]) {
      expect(await sizeOf(`/activities?maxpagesize=${size}`)).toBe(200);
    }
    expect(await sizeOf("/customers?maxpagesize=2147483647")).toBeGreaterThanOrEqual(63);
  });

  test.each(["0", "-1", "abc", "", "1.5", "1e2", "0x10", "%205", "5%20", "+5", "00", "NaN", "١"])(
    "of the size %p do not exist",
    async (size) => {
      for (const name of ["activities", "customers"]) {
        expectRefused(await list(`/${name}?maxpagesize=${size}`), "maxpagesize");
      }
    },
  );

  test("are linked by an absolute, opaque link that keeps what was asked for", async () => {
    const [from, to] = ["2026-01-01T00:00:00Z", "2100-01-01T00:00:00+01:00"];
    const query = new URLSearchParams({ customerId: today, from, to, maxpagesize: "3", "api-version": "2026-11-01" });
    const { body } = await list(`/activities?${query}`);
    const link = new URL(body.nextLink);
    expect(`${link.origin}${link.pathname}`).toBe(`${product.url}/api/activities`);
    const { skipToken, ...kept } = Object.fromEntries(link.searchParams);
    expect(kept).toEqual(Object.fromEntries(query));
    expect(skipToken).toMatch(/^[\w-]+$/);
    expect(skipToken).not.toContain(today);
  });

  test("neither repeat nor drop entries of a customer while others are written", async () => {
    const customerId = nextCustomer();
    let state = "Off";
    const change = () => {
      state = state === "On" ? "Off" : "On";
      return turn(customerId, state);
    };
    product.storage.fate = (call) => (isLogInsert(call) ? { delay: 100 } : "forward");
    for (let index = 0; index < 9; index++) await change();
    const expected = Array.from({ length: 9 }, (_, index) => `${customerId}-${9 - index}`);
    const pages = await walk(`/activities?customerId=${customerId}&maxpagesize=2`, change);
    expect(idsOf(pages.flat())).toEqual(expected);
  });

  test("neither repeat nor drop entries of all customers while others are written", async () => {
    const before = idsOf((await walk("/activities?maxpagesize=200")).flat());
    let writing = true;
    product.storage.fate = (call) => (isLogInsert(call) ? { delay: 50 } : "forward");
    const writer = (async () => {
      while (writing) {
        const customerId = nextCustomer();
        await turn(customerId, "On");
        await turn(customerId, "Off");
      }
    })();
    await pause(50);
    const seen = idsOf((await walk("/activities?maxpagesize=60", () => pause(40))).flat());
    writing = false;
    await writer;
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.slice(-before.length)).toEqual(before);
  });
});

describe("a damaged link is refused", () => {
  const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const at = "2026-11-01T00:00:00.000Z";
  const id = guidOf("tenant: whoever");

  test.each([
    ["nothing", ""],
    ["no base64", "%%%"],
    ["no JSON", Buffer.from("[1,").toString("base64url")],
    ["an object", encoded({ customerId: id })],
    ["null", encoded(null)],
    ["too few parts", encoded([id, at])],
    ["too many parts", encoded([id, at, 1, 1])],
    ["a customer that is no GUID", encoded(["x' or 1 eq 1", at, 1])],
    ["a time that is none", encoded([id, "2026-99-99T00:00:00.000Z", 1])],
    ["a time with more to it", encoded([id, `${at}' or RowKey gt '`, 1])],
    ["a time before all times", encoded([id, "0001-01-01T00:00:00.000Z", 1])],
    ["a time after all times", encoded([id, "9999-12-31T23:59:59.999Z", 1])],
    ["a sequence of 0", encoded([id, at, 0])],
    ["a negative sequence", encoded([id, at, -1])],
    ["half a sequence", encoded([id, at, 1.5])],
    ["a sequence beyond all", encoded([id, at, 1e10])],
    ["a sequence as text", encoded([id, at, "1"])],
  ])("when it holds %s", async (_, token) => {
    const skipToken = encodeURIComponent(token);
    expectRefused(await list(`/activities?skipToken=${skipToken}`), "skipToken");
    expectRefused(await list(`/activities?customerId=${today}&skipToken=${skipToken}`), "skipToken");
  });

  test("when it is of another list", async () => {
    const { nextLink } = (await list("/customers?maxpagesize=1")).body;
    expectRefused(await list(`/activities${new URL(nextLink).search}`), "skipToken");
    expectRefused(await list("/customers?skipToken=abc"), "skipToken");
  });

  test("when it was cut, wherever; and a changed letter never does harm", async () => {
    const link = new URL((await list(`/activities?customerId=${today}&maxpagesize=3`)).body.nextLink);
    const token = link.searchParams.get("skipToken") ?? "";
    const ask = (changed: string) => {
      link.searchParams.set("skipToken", changed);
      return list(`/activities${link.search}`);
    };
    for (let length = 0; length < token.length - 3; length += 7) {
      expectRefused(await ask(token.slice(0, length)), "skipToken");
    }
    for (let place = 0; place < token.length; place += 2) {
      const letter = token[place] === "A" ? "B" : "A";
      expect([200, 400]).toContain((await ask(token.slice(0, place) + letter + token.slice(place + 1))).status);
    }
  });
});

describe("from and to", () => {
  let log: LoggedActivity[];
  const ask = async (query: Record<string, string>) =>
    idsOf((await list(`/activities?${new URLSearchParams({ maxpagesize: "200", ...query })}`)).body.value);
  const plus = (at: string, milliseconds: number) => new Date(Date.parse(at) + milliseconds).toISOString();
  const newestFirst = (entries: readonly LoggedActivity[]) => idsOf(entries).reverse();

  beforeAll(async () => {
    log = await readLog(product, today);
  });

  /** Both lists: of the customer, and of all customers, of which only this one's entries are looked at. */
  const askBoth = async (range: Record<string, string>) => {
    const own = await ask({ customerId: today, ...range });
    const all = (await walk(`/activities?${new URLSearchParams({ maxpagesize: "200", ...range })}`)).flat();
    expect(idsOf(all.filter(({ customerId }) => customerId === today))).toEqual(own);
    return own;
  };

  test("from is inclusive", async () => {
    const { at } = log[4]!;
    const since = log.filter((activity) => activity.at >= at);
    expect(await askBoth({ from: at })).toEqual(newestFirst(since));
    expect(await askBoth({ from: plus(at, 1) })).not.toContain(log[4]?.id);
  });

  test("to is exclusive", async () => {
    const { at } = log[4]!;
    const before = log.filter((activity) => activity.at < at);
    expect(await askBoth({ to: at })).toEqual(newestFirst(before));
    expect(await askBoth({ to: plus(at, 1) })).toContain(log[4]?.id);
  });

  test("together they cut a piece out, and nothing when they are one", async () => {
    const [from, to] = [log[2]!.at, log[7]!.at];
    const within = log.filter(({ at }) => at >= from && at < to);
    expect(await askBoth({ from, to })).toEqual(newestFirst(within));
    expect(await askBoth({ from, to: from })).toEqual([]);
    expect(await askBoth({ from: to, to: from })).toEqual([]);
  });

  test("hold for entries that are not logged yet", async () => {
    product.storage.fate = (call) => (isLogInsert(call) ? { status: 503 } : "forward");
    const customerId = nextCustomer();
    for (const state of ["On", "Off", "On"]) {
      await turn(customerId, state);
      await pause(3);
    }
    const [first, second, third] = await readLog(product, customerId);
    for (const query of [{ customerId }, {}] as Record<string, string>[]) {
      const range = { ...query, from: second!.at };
      expect(await ask(range)).toEqual([third!.id, second!.id]);
      expect(await ask({ ...range, to: third!.at })).toEqual([second!.id]);
      const earlier = await ask({ ...query, from: first!.at, to: second!.at });
      expect(earlier).toEqual([first!.id]);
    }
  });

  test("the zone does not matter", async () => {
    const { at } = log[4]!;
    const inKolkata = new Date(Date.parse(at) + 5.5 * 3600_000).toISOString().replace("Z", "+05:30");
    expect(await ask({ customerId: today, from: inKolkata })).toEqual(await ask({ customerId: today, from: at }));
    expect(await ask({ customerId: today, from: at.replace("Z", "0000Z") })).toContain(log[4]?.id);
  });

  test("days are cut at midnight", async () => {
    const midnight = (id: string) => readLog(product, id).then(([first]) => `${first!.at.slice(0, 10)}T00:00:00Z`);
    const [then, next] = [await midnight(yesterday), await midnight(today)];
    const old = [`${yesterday}-2`, `${yesterday}-1`, `${longAgo}-2`, `${longAgo}-1`];
    expect(await ask({ to: next })).toEqual(old);
    expect(await ask({ to: then })).toEqual(old.slice(2));
    expect(await ask({ from: then, to: next })).toEqual(old.slice(0, 2));
    expect(await ask({ to: next, maxpagesize: "3" })).toEqual(old.slice(0, 3));
    expect((await walk(`/activities?to=${next}&maxpagesize=1`)).map(idsOf)).toEqual(old.map((id) => [id]));
    expect((await walk(`/activities?from=${next}&maxpagesize=200`)).flat().map(({ at }) => at >= next)).not.toContain(
      false,
    );
  });

  test.each([
    ["from", "0001-01-01T00:00:00Z"],
    ["from", "1969-12-31T23:59:59.9999999Z"],
    ["to", "9999-12-31T23:59:59.9999999Z"],
    ["to", "9999-12-31T23:59:59-23:59"],
  ])("%s may be as far away as %s", async (name, far) => {
    expect(await askBoth({ [name]: far })).toEqual(newestFirst(log));
  });

  test.each([
    ["from", "9999-12-31T23:59:59.9999999Z"],
    ["to", "0001-01-01T00:00:00Z"],
  ])("%s %s leaves nothing", async (name, far) => {
    expect(await askBoth({ [name]: far })).toEqual([]);
  });

  test.each([
    "yesterday",
    "",
    "2026-11-01",
    "2026-11-01T00:00:00",
    "2026-11-01 00:00:00Z",
    "1793491200",
    "2026-02-30T00:00:00Z",
    "2025-02-29T12:00:00+01:00",
    "2026-13-01T00:00:00Z",
    "2026-11-00T00:00:00Z",
    "2026-11-01T25:00:00Z",
    "2026-11-01T00:60:00Z",
    "2026-11-01T00:00:00+25:00",
    "2026-11-01T00:00:00Z' or 1 eq 1",
    "+002026-11-01T00:00:00Z",
    "２０２６-11-01T00:00:00Z",
  ])("%p is no time", async (text) => {
    for (const name of ["from", "to"]) {
      expectRefused(await list(`/activities?${new URLSearchParams({ [name]: text })}`), name);
    }
  });
});

describe("the list of customers", () => {
  const customersOf = async (query: string) =>
    (await walk(`/customers?${query}`)).flat() as { customerId: string; permissions: { state: string }[] }[];
  const idsIn = (found: { customerId: string }[]) => found.map(({ customerId }) => customerId);

  test("shows both switches of each, as they are read one by one", async () => {
    const all = await customersOf("maxpagesize=200");
    for (const customerId of [today, ...crowd.slice(0, 5)]) {
      const { value } = (await list(`/customers/${customerId}/permissions`)).body;
      expect(all.find((each) => each.customerId === customerId)).toEqual({ customerId, permissions: value });
    }
  });

  test.each([3, 7, 50, 200])(
    "in pages of %i holds each customer once, and none that was never switched",
    async (size) => {
      const pages = await walk(`/customers?maxpagesize=${size}`);
      const found = idsIn(pages.flat());
      expect(new Set(found).size).toBe(found.length);
      expect(crowd.filter((customerId) => !found.includes(customerId))).toEqual([]);
      for (const page of pages.slice(0, -1)) expect(page).toHaveLength(size);
      expect(found).not.toContain(customers.at(-1)?.customer.tenantId);
    },
  );

  test("of those who are On, and of those who are not, is the whole list", async () => {
    const [on, off, all] = [
      await customersOf("state=On&maxpagesize=20"),
      await customersOf("state=Off&maxpagesize=20"),
      await customersOf("maxpagesize=200"),
    ];
    expect(
      idsIn(on)
        .filter((id) => crowd.includes(id))
        .sort(),
    ).toEqual(crowd.filter(endsOn).sort());
    expect(idsIn(off).filter((id) => crowd.includes(id))).toHaveLength(30);
    expect([...idsIn(on), ...idsIn(off)].sort()).toEqual(idsIn(all).sort());
    expect(on.filter(({ permissions }) => permissions.every(({ state }) => state === "Off"))).toEqual([]);
    expect(off.filter(({ permissions }) => permissions.some(({ state }) => state === "On"))).toEqual([]);
  });

  test("counts a customer as On for either switch", async () => {
    const customerId = nextCustomer();
    await product.call("PUT", `/customers/${customerId}/permissions/azureSavingsPlans`, { body: { state: "On" } });
    expect(idsIn(await customersOf("state=On&maxpagesize=200"))).toContain(customerId);
    await product.call("PUT", `/customers/${customerId}/permissions/azureSavingsPlans`, { body: { state: "Off" } });
    expect(idsIn(await customersOf("state=On&maxpagesize=200"))).not.toContain(customerId);
    expect(idsIn(await customersOf("state=Off&maxpagesize=200"))).toContain(customerId);
  });

  test("keeps the filter from page to page", async () => {
    const { nextLink } = (await list("/customers?state=Off&maxpagesize=2&api-version=2026-11-01")).body;
    const { skipToken: _, ...kept } = Object.fromEntries(new URL(nextLink).searchParams);
    expect(kept).toEqual({ state: "Off", maxpagesize: "2", "api-version": "2026-11-01" });
    expect(nextLink.startsWith(`${product.url}/api/customers?`)).toBe(true);
  });

  test("neither repeats nor drops customers while new ones come", async () => {
    const before = idsIn(await customersOf("maxpagesize=200"));
    const during = idsIn((await walk("/customers?maxpagesize=20", () => turn(nextCustomer(), "On"))).flat());
    expect(new Set(during).size).toBe(during.length);
    expect(before.filter((customerId) => !during.includes(customerId))).toEqual([]);
  });

  test.each(["on", "", "Any", "On,Off", "true"])("knows no state %p", async (state) => {
    expectRefused(await list(`/customers?state=${state}`), "state");
  });
});
