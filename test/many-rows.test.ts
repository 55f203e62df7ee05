/** Where storage holds many rows that are not wanted: each request looks at some of them and no more, and none is lost. */

import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { guidOf } from "../local/stand-ins/guid.ts";
import { changeRow } from "../shared/adapters/change-row.ts";
import { customerRow } from "../shared/adapters/customer-row.ts";
import { seenRow } from "../shared/adapters/profile-row.ts";
import { bucketOf, onKeys, permissionsTable } from "../shared/adapters/table-keys.ts";
import { type GrantedChange, grantChange } from "../shared/domain/change.ts";
import type { Finding } from "../shared/domain/drift.ts";
import type { ChangeId, CustomerId } from "../shared/domain/identifiers.ts";
import { untouchedCustomer } from "../shared/domain/permission.ts";
import { ada, idOf } from "./fakes/facts.ts";
import { eventually } from "./harness/ledger.ts";
import { type Product, startProduct } from "./harness/product.ts";
import type { FleetRow } from "./proof/scale/fleet.ts";
import { loadRows } from "./proof/scale/load.ts";

const dayMilliseconds = 24 * 60 * 60 * 1000;
const idsFrom = (name: string, bucket: (id: CustomerId) => boolean, count: number) => {
  const ids: CustomerId[] = [];
  for (let number = 0; ids.length < count; number++) {
    const id = guidOf(`${name} ${number}`) as CustomerId;
    if (bucket(id)) ids.push(id);
  }
  return ids;
};
/** 1,700 that are On stand together, and of those that are Off some before them, two late among them, some behind. */
const on = idsFrom("on", (id) => bucketOf(id) === "3", 1_700);
const off = [
  ...idsFrom("off", (id) => "29f".includes(bucketOf(id)), 40),
  ...idsFrom("late", (id) => bucketOf(id) === "3" && id > "f8", 2),
];
/** The customer whose changes are purged has so many of them that one transaction cannot remove them. */
const [busy] = on as [CustomerId];
const oldOnes = Array.from({ length: 230 }, (_, index) => idOf<"change">(index + 1));
const freshOnes = [idOf<"change">(1_001), idOf<"change">(1_002)];

/** Every so many of all there is something found of, and only these have names. */
interface FoundOf {
  readonly customerId: CustomerId;
  readonly code: Finding["code"];
  readonly name: string;
}
const codesFound = { On: ["TurnedOffOutside", "OwnerLost", "RelationshipEnded"], Off: ["TurnedOnOutside"] } as const;
const everyTenth = (ids: readonly CustomerId[]) => ids.filter((_, index) => index % 10 === 9);
const found: FoundOf[] = [...everyTenth(on), ...everyTenth(off)].map((customerId, index) => {
  const codes = codesFound[on.includes(customerId) ? "On" : "Off"];
  return { customerId, code: codes[index % codes.length] ?? "OwnerLost", name: `Found ${index}` };
});
const isOff = (name: string) => found.some((one) => one.name === name && off.includes(one.customerId));

let product: Product;

function granted(customerId: CustomerId, state: "On" | "Off", changeId: ChangeId, daysAgo = 0): GrantedChange {
  const at = new Date(Date.now() - daysAgo * dayMilliseconds);
  const wish = { customerId, product: "azureReservations", state } as const;
  return grantChange(untouchedCustomer(customerId), wish, { changeId, by: ada, at, requestId: changeId });
}

beforeAll(async () => {
  product = await startProduct({ partnerCenterMode: "live" });
  const record = (state: "On" | "Off") => (customerId: CustomerId) => {
    const { record } = granted(customerId, state, idOf<"change">(1));
    const code = found.find((one) => one.customerId === customerId)?.code;
    const finding = { product: "azureReservations", message: "found", since: new Date().toISOString() } as const;
    return customerRow(code === undefined ? record : { ...record, findings: [{ ...finding, code }] });
  };
  const change = (customerId: CustomerId, daysAgo: number) => (changeId: ChangeId) =>
    changeRow(customerId, granted(customerId, "On", changeId, daysAgo).created);
  const rows: FleetRow[] = [
    ...on.map(record("On")),
    ...off.map(record("Off")),
    ...on.map((customerId) => ({ ...onKeys(customerId) })),
    ...found.map(({ customerId, name }) => {
      const domain = "found.example";
      return seenRow({ customerId, name, domain, relationship: "reseller" }, new Date());
    }),
    ...oldOnes.map(change(busy, 30.01)),
    ...freshOnes.map(change(busy, 29.9)),
    ...off.map((customerId) => change(customerId, 31)(idOf<"change">(1))),
    ...off.map((customerId) => change(customerId, 29)(idOf<"change">(2))),
  ];
  await loadRows(product.connectionString, permissionsTable, rows);
}, 60_000);
afterAll(() => product.stop());

/** As the list has them. */
function inListOrder(one: CustomerId, other: CustomerId): number {
  return bucketOf(one) + one < bucketOf(other) + other ? -1 : 1;
}

async function statusesOf(customerId: CustomerId, changeIds: readonly ChangeId[]): Promise<number[]> {
  const asked = changeIds.map((id) => product.call("GET", `/customers/${customerId}/operations/${id}`));
  return (await Promise.all(asked)).map(({ status }) => status);
}

test("the list of those that are Off has each of them once, and no page of it reads all that are On", async () => {
  const listed: CustomerId[] = [];
  const reads: number[] = [];
  for (let path: string | undefined = "/customers?state=Off&maxpagesize=5"; path !== undefined; ) {
    product.storage.calls.splice(0);
    const { status, body } = await product.call("GET", path);
    expect(status).toBe(200);
    reads.push(product.storage.calls.reduce((sum, { rows = [] }) => sum + rows.length, 0));
    listed.push(...body.value.map(({ customerId }: { customerId: CustomerId }) => customerId));
    path = body.nextLink?.slice(`${new URL(body.nextLink).origin}/api`.length);
  }
  expect(listed).toEqual(off.toSorted(inListOrder));
  expect(Math.max(...reads)).toBeLessThan(1_600);
  expect(reads.reduce((sum, number) => sum + number)).toBeGreaterThan(on.length);
});

describe("a list of those with findings", () => {
  /** A sweep may run beside a page: two ranges in each of 16 buckets. */
  const ofTimers = 2 * 16;
  const kinds = { Drift: ["TurnedOnOutside", "TurnedOffOutside"], NotEligible: ["OwnerLost", "RelationshipEnded"] };
  const idsOf = (found: readonly FoundOf[]) => found.map(({ customerId }) => customerId).toSorted(inListOrder);
  const listed = async (query: string) => {
    const ids: CustomerId[] = [];
    let most = 0;
    for (let path: string | undefined = `/customers?${query}&maxpagesize=5`; path !== undefined; ) {
      product.storage.calls.splice(0);
      const { status, body } = await product.call("GET", path);
      expect(status).toBe(200);
      expect(body.value.length).toBeLessThanOrEqual(5);
      most = Math.max(most, product.storage.calls.filter(({ service }) => service === "table").length);
      ids.push(...body.value.map(({ customerId }: { customerId: CustomerId }) => customerId));
      path = body.nextLink?.slice(`${new URL(body.nextLink).origin}/api`.length);
    }
    return { ids, most };
  };

  test.each([
    ["finding=Any", idsOf(found)],
    ["finding=Drift", idsOf(found.filter(({ code }) => kinds.Drift.includes(code)))],
    ["finding=NotEligible", idsOf(found.filter(({ code }) => kinds.NotEligible.includes(code)))],
    ["finding=Any&state=On", idsOf(found.filter(({ customerId }) => on.includes(customerId)))],
    ["finding=Drift&state=Off", idsOf(found.filter(({ code }) => code === "TurnedOnOutside"))],
    ["finding=Any&search=found", idsOf(found)],
    ["finding=Any&search=found%201&state=Off", idsOf(found.filter(({ name }) => /^Found 1/.test(name) && isOff(name)))],
    ["search=FOUND%203", idsOf(found.filter(({ name }) => name.startsWith("Found 3")))],
  ])("%s has each of them once, with a bounded number of calls", async (query, ids) => {
    const list = await listed(query);
    expect(list.ids).toEqual(ids);
    expect(list.most).toBeLessThanOrEqual((query.includes("state=On") ? 16 + 2 * 201 : 160) + ofTimers);
  });

  test("shows their names and findings", async () => {
    const { customerId, name, code } = found.find(({ code }) => code === "OwnerLost")!;
    const { body } = await product.call("GET", `/customers?finding=NotEligible&search=${customerId}`);
    expect(body).toEqual({ value: [expect.objectContaining({ customerId, name, findings: [expect.anything()] })] });
    expect(body.value[0].findings[0].code).toBe(code);
    const page = await product.call("GET", "/customers?finding=NotEligible&maxpagesize=200");
    expect(page.body.value).toContainEqual(body.value[0]);
  });
});

test("of the changes those older than 30 days are forgotten, however many, and no other", async () => {
  expect(await statusesOf(busy, [oldOnes[0]!, oldOnes.at(-1)!, ...freshOnes])).toEqual([200, 200, 200, 200]);
  const proxysPage = {
    status: 200,
    headers: { "content-type": "text/html" },
    body: "<html><body>Sorry.</body></html>",
  };
  product.storage.fate = ({ path }) => (path.startsWith("/$batch") ? proxysPage : "forward");
  await product.trigger("PurgeChanges");
  await eventually(async () => expect(product.output.join("\n")).toContain("'Functions.PurgeChanges' (Failed"));
  expect(await statusesOf(busy, oldOnes.slice(0, 2))).toEqual([200, 200]);
  product.storage.fate = () => "forward";
  await product.trigger("PurgeChanges");

  const [, last] = off.toSorted(inListOrder).slice(-2) as [CustomerId, CustomerId];
  await eventually(async () => expect(await statusesOf(last, [idOf<"change">(1)])).toEqual([404]));
  expect(new Set(await statusesOf(busy, oldOnes))).toEqual(new Set([404]));
  expect(await statusesOf(busy, freshOnes)).toEqual([200, 200]);
  for (const customerId of off) {
    expect(await statusesOf(customerId, [idOf<"change">(1), idOf<"change">(2)])).toEqual([404, 200]);
  }
}, 60_000);
