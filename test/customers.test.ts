/**
 * Ten thousand customers: read from Partner Center by a timer that is killed half-way and goes on, listed page by page
 * with their switches, and all of that without a peak in memory.
 */

import { readFileSync } from "node:fs";
import { TableClient } from "@azure/data-tables";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { DemoCustomer } from "../local/stand-ins/demo-customers.ts";
import { makeManyCustomers } from "../local/stand-ins/many-customers.ts";
import { openStorage } from "../shared/adapters/storage-clients.ts";
import { bucketOf, onKeys, permissionsTable } from "../shared/adapters/table-keys.ts";
import { createTableKnownCustomers } from "../shared/adapters/table-known-customers.ts";
import { type CustomerId, parseGuid } from "../shared/domain/identifiers.ts";
import { makeEligibleCustomers } from "./harness/customers.ts";
import { eventually } from "./harness/ledger.ts";
import { type Product, startProduct } from "./harness/product.ts";

const count = 10_000;
const pageOfPartnerCenter = 500;
const pages = count / pageOfPartnerCenter;

const asDemo = (customer: DemoCustomer["customer"]): DemoCustomer => ({ customer, outcome: "On: a user is Owner" });
const idOf = ({ customer }: DemoCustomer) => parseGuid<"customer">(customer.tenantId)!;
/** As the list has them: by bucket, then by id. */
const inOrder = (ids: readonly CustomerId[]) =>
  ids.toSorted((one, other) => (bucketOf(one) + one < bucketOf(other) + other ? -1 : 1));

interface Listed {
  readonly customerId: CustomerId;
  readonly name?: string;
  readonly lastSeenAt?: string;
  readonly permissions: readonly { readonly state: string }[];
}

async function readList(product: Product, query = ""): Promise<{ items: Listed[]; requests: number }> {
  const items: Listed[] = [];
  let requests = 0;
  for (let path: string | undefined = `/customers?maxpagesize=200${query}`; path !== undefined; requests++) {
    const { status, body } = await product.call("GET", path);
    if (status !== 200) throw new Error(`The list of customers was answered ${status}.`);
    items.push(...body.value);
    path = body.nextLink?.slice(`${new URL(body.nextLink).origin}/api`.length);
  }
  return { items, requests };
}

async function noteOf({ connectionString }: Product, name: string) {
  const options = { allowInsecureConnection: true };
  const table = TableClient.fromConnectionString(connectionString, permissionsTable, options);
  return JSON.parse((await table.getEntity<{ note0: string }>("service", `note|${name}`)).note0);
}

/** Resident memory of the app's process, where the system tells. */
function residentMegabytes({ pid }: Product): number | undefined {
  if (process.platform !== "linux") return undefined;
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Math.round(Number(kilobytes) / 1024);
}

describe("in live mode, with ten thousand customers", () => {
  const customers = makeManyCustomers(count).map(asDemo);
  const switched = customers.filter((_, index) => index % 400 === 7).map(idOf);
  const asked = () => product.partnerCenter.requests.entries.filter(({ path }) => path === "/v1/customers");
  const health = async () => (await product.call("GET", "/health", { token: null })).body;
  let product: Product;

  beforeAll(async () => {
    product = await startProduct({ customers, partnerCenterMode: "live", rounds: true });
  }, 60_000);
  afterAll(() => product.stop());

  const endOfRound = () =>
    eventually(async () => {
      const note = await noteOf(product, "synchronisation");
      expect(note).toMatchObject({ endedAt: expect.any(String) });
      return note;
    }, 60_000);

  test("a round that is killed half-way goes on where it was, and asks for no page but one twice", async () => {
    expect(await health()).toEqual({ status: "Healthy" });
    for (const customerId of switched) {
      const path = `/customers/${customerId}/permissions/azureReservations`;
      expect((await product.call("PUT", path, { body: { state: "On", reason: "asked for" } })).status).toBe(200);
    }
    const before = residentMegabytes(product);
    // The eighth page never comes.
    const hanging = product.partnerCenter.faults.add({
      match: { path: "size=500" },
      after: 7,
      times: 1,
      fault: { kind: "hang" },
    });
    await product.trigger("SynchroniseCustomers");
    await eventually(async () => expect(hanging.hits).toBe(1));
    const half = residentMegabytes(product);
    await product.kill();
    await product.start();
    const restarted = residentMegabytes(product);
    const askedBefore = asked().length;

    await product.trigger("SynchroniseCustomers");
    const note = await endOfRound();
    const after = residentMegabytes(product);

    // One question of how we are received, then the pages; the one that hung is asked for again.
    expect(asked().filter(({ headers }) => headers.validatemfa === "true")).toHaveLength(1);
    expect(asked()).toHaveLength(1 + pages + 1);
    const [last, again] = [asked()[askedBefore - 1], asked()[askedBefore]];
    expect(again?.headers["ms-continuationtoken"]).toBe(last?.headers["ms-continuationtoken"]);
    expect(again?.headers["ms-continuationtoken"]).toBeDefined();
    expect(note).toMatchObject({ done: count });
    process.stdout.write(
      `Resident memory in MB: ${before} before, ${half} after 7 pages; ${restarted} after the restart, ${after} at the end.\n`,
    );
    if (before !== undefined && half !== undefined) expect(half - before).toBeLessThan(150);
    if (restarted !== undefined && after !== undefined) expect(after - restarted).toBeLessThan(150);
    expect(await health()).toEqual({ status: "Healthy", partnerCenter: "Ready" });
  }, 60_000);

  test("is not begun again within the hour", async () => {
    const reads = () => product.storage.calls.filter(({ path }) => path.includes("note|synchronisation")).length;
    const [askedBefore, readBefore] = [asked().length, reads()];
    // When the second has begun the first has ended.
    await product.trigger("SynchroniseCustomers");
    await product.trigger("SynchroniseCustomers");
    await eventually(async () => expect(reads()).toBeGreaterThanOrEqual(readBefore + 2));
    expect(asked()).toHaveLength(askedBefore);
  });

  test("the list has each of them once, in order, with name, switches, and when it was seen", async () => {
    const callsBefore = product.storage.calls.length;
    const { items, requests } = await readList(product);

    expect(items.map(({ customerId }) => customerId)).toEqual(inOrder(customers.map(idOf)));
    const names = new Map(customers.map((each) => [idOf(each), each.customer.name]));
    for (const { customerId, name, lastSeenAt, permissions } of items) {
      const state = switched.includes(customerId) ? "On" : "Off";
      expect([customerId, name, permissions.map((each) => each.state)]).toEqual([
        customerId,
        names.get(customerId),
        [state, "Off"],
      ]);
      expect(Date.parse(lastSeenAt ?? "")).toBeGreaterThan(0);
    }
    expect(requests).toBe(count / 200);
    process.stdout.write(
      `${requests} pages of the list: ${product.storage.calls.length - callsBefore} calls of storage.\n`,
    );
    const memory = residentMegabytes(product);
    process.stdout.write(`Resident memory in MB: ${memory} after the list.\n`);
  }, 60_000);

  test("the list of those that are On has all of them and no other, by whom and since when", async () => {
    const callsBefore = product.storage.calls.length;
    const { items } = await readList(product, "&state=On");

    expect(items.map(({ customerId }) => customerId)).toEqual(inOrder(switched));
    expect(items[0]).toMatchObject({
      name: expect.stringMatching(/^Customer \d{7}$/),
      domain: expect.any(String),
      relationship: "reseller",
      lastSeenAt: expect.any(String),
      permissions: [
        { state: "On", changedAt: expect.any(String), changedBy: { name: "Ada" }, reason: "asked for" },
        { state: "Off", changedAt: null, changedBy: null },
      ],
    });
    // 16 ranges, then record and profile of each that is On: no look at anybody else's.
    const reads = product.storage.calls
      .slice(callsBefore)
      .filter(({ path }) => /'on\||Key='(customer|profile)\|/.test(path));
    expect(reads.length).toBeLessThanOrEqual(16 + 2 * switched.length);
  });

  test("the list of those that are Off has all others", async () => {
    const { items } = await readList(product, "&state=Off");

    const off = customers.map(idOf).filter((customerId) => !switched.includes(customerId));
    expect(items.map(({ customerId }) => customerId)).toEqual(inOrder(off));
  }, 60_000);

  describe("a search", () => {
    const search = (text: string, more = "") => readList(product, `&search=${encodeURIComponent(text)}${more}`);
    const named = (part: string) =>
      inOrder(customers.filter(({ customer }) => customer.name.includes(part)).map(idOf)).map(String);
    const ids = ({ items }: { items: Listed[] }) => items.map(({ customerId }) => String(customerId));

    test.each([
      ["a part of the name", "0000123", named("0000123")],
      ["a part of it that many have, page by page", "CUSTOMER 00001", named("Customer 00001")],
      ["full-width letters", "ｃｕｓｔｏｍｅｒ　０００１２３４", named("Customer 0001234")],
      ["a part of the domain", "0000123", named("0000123")],
      ["nothing that anybody is called", "Fabrikam", []],
    ])("finds by %s", async (_, text, found) => {
      expect(ids(await search(text))).toEqual(found);
    });

    test("finds by the beginning of the id", async () => {
      const beginning = idOf(customers[17]!).slice(0, 10);
      const found = customers.map(idOf).filter((customerId) => customerId.startsWith(beginning));
      expect(ids(await search(beginning.toUpperCase()))).toEqual(inOrder(found));
    });

    test("goes with the state, and nextLink keeps both", async () => {
      const on = inOrder(switched).map(String);
      expect(ids(await search("customer", "&state=On"))).toEqual(on);
      expect(ids(await search("Customer 0000", "&state=Off"))).toEqual(
        named("Customer 0000").filter((customerId) => !on.includes(customerId)),
      );
      const { body } = await product.call("GET", "/customers?state=On&search=%E3%83%84%20or&maxpagesize=1");
      expect(body).toEqual({ value: [] });
      const page = await product.call("GET", "/customers?state=On&search=customer&maxpagesize=1&finding=Any");
      expect(page.body.value).toEqual([]);
      const { nextLink } = (await product.call("GET", "/customers?state=On&search=customer&maxpagesize=1")).body;
      const { skipToken: __, ...kept } = Object.fromEntries(new URL(nextLink).searchParams);
      expect(kept).toEqual({ state: "On", search: "customer", maxpagesize: "1" });
    });

    test("through all of them is one request, and a whole id two reads", async () => {
      const countDuring = async (work: () => Promise<unknown>) => {
        const before = product.storage.calls.length;
        await work();
        const calls = product.storage.calls.slice(before);
        return calls.filter(({ path }) => /customer\||profile\|/.test(path)).length;
      };
      // Record and profile ranges of each of 16 buckets, which hold fewer than a thousand each.
      expect(await countDuring(async () => expect((await search("nobody")).requests).toBe(1))).toBe(2 * 16);
      const customerId = idOf(customers[17]!);
      const whole = async () => expect(ids(await search(customerId.toUpperCase()))).toEqual([customerId]);
      expect(await countDuring(whole)).toBe(2);
      expect(ids(await search(customerId, "&state=On"))).toEqual([]);
      expect(ids(await search(customerId.replace(/.$/, (digit) => (digit === "0" ? "1" : "0"))))).toEqual([]);
    });

    test.each([
      ["nothing", ""],
      ["blanks", "  \u3000 "],
      ["a text of more than 100 characters", "x".repeat(101)],
      ["a control character", "a\u0007b"],
      ["a line break", "a\nb"],
    ])("for %s is refused", async (_, text) => {
      const { status, body } = await product.call("GET", `/customers?search=${encodeURIComponent(text)}`);
      expect([status, body.error.code, body.error.target]).toEqual([400, "InvalidRequest", "search"]);
    });

    test("of 100 characters, not of units, is taken, and blanks around it do not count", async () => {
      for (const text of ["\u{1F642}".repeat(100), `  ${"x".repeat(100)} \n`]) {
        expect(ids(await search(text))).toEqual([]);
      }
      expect(ids(await search(" Customer 0000123 "))).toEqual(named("0000123"));
    });

    test.each(["drift", "", "Drift,NotEligible", "OwnerLost"])("for the finding %p is refused", async (finding) => {
      const { status, body } = await product.call("GET", `/customers?finding=${finding}`);
      expect([status, body.error.target]).toEqual([400, "finding"]);
    });
  });

  describe("what is known of one of them", () => {
    const stranger = parseGuid<"customer">("5712a9e0-0000-4000-8000-000000000001")!;
    const known = () =>
      createTableKnownCustomers(openStorage({ connectionString: product.connectionString }).table(permissionsTable), {
        withProfiles: true,
      });
    const get = async (customerId: CustomerId) => (await product.call("GET", `/customers/${customerId}`)).body;
    const off = (customerId: CustomerId, name: string) => ({
      ...{ customerId, product: name, state: "Off", changedAt: null, changedBy: null, changeId: null },
    });
    const bothOff = (customerId: CustomerId) => [
      off(customerId, "azureReservations"),
      off(customerId, "azureSavingsPlans"),
    ];

    test("is what the list shows, and of one never heard of that both are Off", async () => {
      const [customerId] = inOrder(customers.map(idOf));
      const { body } = await product.call("GET", "/customers?maxpagesize=1");
      expect(await get(customerId!)).toEqual(body.value[0]);
      expect(await get(stranger)).toEqual({ customerId: stranger, permissions: bothOff(stranger) });
    });

    test("lasts: neither does verifying touch what was seen, nor seeing what was verified", async () => {
      const customerId = idOf(customers[20]!);
      const before = await get(customerId);
      const verified = new Date("2026-04-01T00:00:00.000Z");
      await known().saveVerified([customerId, stranger, customerId], verified);

      expect(await get(customerId)).toEqual({ ...before, lastVerifiedAt: verified.toISOString() });
      expect(await get(stranger)).toEqual({
        ...{ customerId: stranger, permissions: bothOff(stranger) },
        lastVerifiedAt: verified.toISOString(),
      });

      const seen = new Date("2026-05-01T00:00:00.000Z");
      const name = "Renamed 'Ünïcode' \u{1F642} & Söhne";
      const who = { name, domain: "renamed.example", relationship: "none" };
      await known().saveSeen([{ customerId, ...who }], seen);
      expect(await get(customerId)).toEqual({
        ...{ ...before, ...who, lastSeenAt: seen.toISOString(), lastVerifiedAt: verified.toISOString() },
      });
    });

    test("comes a hundred rows at a time, however many there are in one bucket", async () => {
      const many = Array.from({ length: 2_500 }, (_, index) => idOf(customers[index]!));
      const at = new Date("2026-06-01T00:00:00.000Z");
      await known().saveVerified(many, at);
      for (const index of [0, 1_234, 2_499]) {
        expect(await get(many[index]!)).toMatchObject({ lastVerifiedAt: at.toISOString() });
      }
    });
  });
});

describe("a Partner Center that refuses us", () => {
  let product: Product;
  beforeAll(async () => {
    product = await startProduct({ customers: makeEligibleCustomers(3), partnerCenterMode: "live", rounds: true });
  });
  afterAll(() => product.stop());

  test("is called no more, and health says so without its words", async () => {
    product.entra.partnerUsers[0]!.mfa = false;
    await product.trigger("SynchroniseCustomers");
    const said = await eventually(async () => {
      const { status, body } = await product.call("GET", "/health", { token: null });
      expect([status, body]).toEqual([200, { status: "Healthy", partnerCenter: "MfaNotCompliant" }]);
      return body;
    }, 20_000);
    expect(Object.keys(said)).toEqual(["status", "partnerCenter"]);
    const { body } = await product.call("GET", "/customers");
    expect(body.value).toEqual([]);

    await eventually(async () => expect((await noteOf(product, "partnerCenter")).refusal.reason).toBe("MfaRequired"));
    const calls = () => product.partnerCenter.requests.entries.length;
    const reads = () => product.storage.calls.filter(({ path }) => path.includes("note|partnerCenter")).length;
    const [callsBefore, readsBefore] = [calls(), reads()];
    await product.trigger("SynchroniseCustomers");
    await product.trigger("SynchroniseCustomers");
    await eventually(async () => expect(reads()).toBeGreaterThanOrEqual(readsBefore + 2));
    expect(calls()).toBe(callsBefore);
  }, 60_000);
});

test("no Off fails for want of the row that lists a customer as On, and no such row alone makes one On", async () => {
  const customers = makeEligibleCustomers(2);
  const [customerId, other] = customers.map(idOf) as [CustomerId, CustomerId];
  const product = await startProduct({ customers });
  try {
    const path = `/customers/${customerId}/permissions/azureReservations`;
    const turn = async (state: string) => (await product.call("PUT", path, { body: { state } })).status;
    const listedOn = async () => (await readList(product, "&state=On")).items.map((each) => each.customerId);
    expect(await turn("On")).toBe(200);
    expect(await listedOn()).toEqual([customerId]);
    const table = await openStorage({ connectionString: product.connectionString }).table(permissionsTable)();
    await table.deleteEntity(onKeys(customerId).partitionKey, onKeys(customerId).rowKey);
    await table.createEntity({ ...onKeys(other) });

    expect(await turn("Off")).toBe(200);
    expect((await product.call("GET", path)).body).toMatchObject({ state: "Off" });
    expect(await listedOn()).toEqual([]);
    expect(await turn("On")).toBe(200);
    expect(await listedOn()).toEqual([customerId]);
  } finally {
    await product.stop();
  }
});

test("without Partner Center nobody looks for profiles, and health does not speak of it", async () => {
  const customers = makeEligibleCustomers(2);
  const product = await startProduct({ customers });
  try {
    const customerId = idOf(customers[0]!);
    const path = `/customers/${customerId}/permissions/azureReservations`;
    expect((await product.call("PUT", path, { body: { state: "On" } })).status).toBe(200);
    product.storage.calls.splice(0);

    const one = await product.call("GET", `/customers/${customerId}`);
    expect(one.body).toMatchObject({ customerId, permissions: [{ state: "On" }, { state: "Off" }] });
    for (const [query, items] of [
      ["", [one.body]],
      ["?state=On", [one.body]],
      ["?state=Off", []],
    ] as const) {
      expect((await product.call("GET", `/customers${query}`)).body).toEqual({ value: items });
    }
    expect((await product.call("GET", "/health", { token: null })).body).toEqual({ status: "Healthy" });
    const paths = product.storage.calls.map((call) => call.path);
    expect(paths.filter((each) => /profile|note/.test(each))).toEqual([]);
    expect(paths.filter((each) => each.includes("'on|"))).toHaveLength(16);
    expect(paths.filter((each) => each.includes("'customer|"))).toHaveLength(1 + 2 * 16 + 1);
    await expect(product.trigger("SynchroniseCustomers")).rejects.toThrow("404");

    // Only ids can be searched for, by their keys.
    const searched = async (query: string) => {
      product.storage.calls.splice(0);
      const { body } = await product.call("GET", `/customers?${query}`);
      return [
        body.value.length,
        product.storage.calls.filter(({ path }) => /'(customer|on|profile)\|/.test(path)).length,
      ];
    };
    const beginning = customerId.slice(0, 9).toUpperCase();
    expect(await searched("search=Contoso")).toEqual([0, 0]);
    expect(await searched(`search=${customerId}`)).toEqual([1, 1]);
    expect(await searched(`search=${idOf(customers[1]!)}`)).toEqual([0, 1]);
    expect(await searched(`search=${beginning}`)).toEqual([1, 16]);
    expect(await searched(`search=${beginning}&state=On`)).toEqual([1, 17]);
    expect(await searched(`search=${beginning}&state=Off`)).toEqual([0, 16]);
    expect(await searched("search=0000-&state=On")).toEqual([0, 16]);
    expect(await searched("finding=Any")).toEqual([0, 16]);
  } finally {
    await product.stop();
  }
}, 60_000);
