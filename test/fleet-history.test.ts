/** GET /fleet/history: from rows of many days as storage has them, and from what was turned a moment ago. */

import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { activityColumns } from "../shared/adapters/activity-row.ts";
import { byDayRow } from "../shared/adapters/by-day-row.ts";
import { customerRow } from "../shared/adapters/customer-row.ts";
import { activityByDayTable, byDayKeys, onKeys, pendingKeys, permissionsTable } from "../shared/adapters/table-keys.ts";
import type { Activity } from "../shared/domain/activity.ts";
import { grantChange } from "../shared/domain/change.ts";
import type { FleetDay } from "../shared/domain/fleet-history.ts";
import type { CustomerId } from "../shared/domain/identifiers.ts";
import { type CustomerRecord, isAnyOn, products, untouchedCustomer } from "../shared/domain/permission.ts";
import { ada, idOf } from "./fakes/facts.ts";
import { makeEligibleCustomers, oneByOne } from "./harness/customers.ts";
import { eventually } from "./harness/ledger.ts";
import { type Product, startProduct } from "./harness/product.ts";
import { loadRows } from "./proof/scale/load.ts";

const dayMilliseconds = 24 * 60 * 60 * 1000;
/** Turned so often on one day that it is read in pages; each time the switch is turned, and at last it is On. */
const busyTurns = 2_501;
const ago = (days: number, milliseconds = 0) => new Date(Date.now() - days * dayMilliseconds + milliseconds);

let product: Product;
const nextCustomer = oneByOne(makeEligibleCustomers(4));

interface Life {
  readonly record: CustomerRecord;
  readonly activities: Activity[];
}

function live(
  customerId: CustomerId,
  turns: readonly (readonly [at: Date, product: 0 | 1, state: "On" | "Off"])[],
): Life {
  let record = untouchedCustomer(customerId);
  const activities = turns.map(([at, number, state], index) => {
    const wish = { customerId, product: products[number], state };
    const granted = grantChange(record, wish, { changeId: idOf<"change">(index), by: ada, at, requestId: "r" });
    record = granted.record;
    return granted.activity;
  });
  return { record, activities };
}

const lives = {
  /** Written by an earlier version, which had no column for turns. */
  old: live(idOf<"customer">(1), [
    [ago(200), 0, "On"],
    [ago(8), 1, "On"],
  ]),
  /** In the end turned Off; in between it was only proven that it is On. */
  again: live(idOf<"customer">(2), [
    [ago(120), 0, "On"],
    [ago(6), 0, "On"],
    [ago(4), 0, "Off"],
  ]),
  busy: live(
    idOf<"customer">(3),
    Array.from({ length: busyTurns }, (_, index) => [
      new Date(Date.parse(ago(3).toISOString().slice(0, 10)) + index * 1000),
      0,
      index % 2 === 0 ? "On" : "Off",
    ]),
  ),
  /** The last of it is not logged yet. */
  pending: live(idOf<"customer">(4), [
    [ago(5), 1, "On"],
    [ago(2), 1, "Off"],
  ]),
};

async function history(query = ""): Promise<FleetDay[]> {
  const { status, body } = await product.call("GET", `/fleet/history${query}`);
  expect(status).toBe(200);
  return body.value;
}

beforeAll(async () => {
  product = await startProduct({ customers: makeEligibleCustomers(4) });
  const { old, again, busy, pending } = lives;
  const records = Object.values(lives).map(({ record }) => record);
  const [late] = pending.activities.slice(-1) as [Activity];
  await loadRows(product.connectionString, permissionsTable, [
    ...records.map(customerRow),
    ...records.filter(isAnyOn).map(({ customerId }) => ({ ...onKeys(customerId) })),
    { ...pendingKeys(late), ...activityColumns(late) },
  ]);
  await loadRows(product.connectionString, activityByDayTable, [
    ...old.activities.map((activity) => ({ ...byDayKeys(activity), ...activityColumns(activity) })),
    ...[again, busy, pending].flatMap(({ activities }) => activities.filter((one) => one !== late)).map(byDayRow),
  ]);
}, 60_000);
afterAll(() => product.stop());

test("tells the end of each day from what is On now and what the log says", async () => {
  const days = await history("?days=10");

  const date = (days: number) => ago(days).toISOString().slice(0, 10);
  const numbers = days.map(({ date, customersOn, on, turnedOn, turnedOff }) => [
    date,
    ...[customersOn, on.azureReservations, on.azureSavingsPlans, turnedOn, turnedOff],
  ]);
  expect(numbers).toEqual([
    [date(9), 2, 2, 0, 0, 0],
    [date(8), 2, 2, 1, 1, 0],
    [date(7), 2, 2, 1, 0, 0],
    [date(6), 2, 2, 1, 0, 0],
    [date(5), 3, 2, 2, 1, 0],
    [date(4), 2, 1, 2, 0, 1],
    [date(3), 3, 2, 2, Math.ceil(busyTurns / 2), Math.floor(busyTurns / 2)],
    [date(2), 2, 2, 1, 0, 1],
    [date(1), 2, 2, 1, 0, 0],
    [date(0), 2, 2, 1, 0, 0],
  ]);
});

test("is of ninety days unless asked otherwise, and of a year at most", async () => {
  expect(await history()).toHaveLength(90);
  expect(await history("?days=1")).toEqual((await history()).slice(-1));
  const year = await history("?days=366");
  expect(year).toHaveLength(366);
  expect(year.map(({ date }) => date)).toEqual(year.map(({ date }) => date).toSorted());
  expect(year.at(0)).toMatchObject({ customersOn: 0, turnedOn: 0 });
}, 60_000);

test("shows a switch the moment that it is turned, logged or not", async () => {
  const customerId = nextCustomer();
  const today = async () => (await history("?days=1"))[0]!;
  const before = await today();
  const turn = (state: string) =>
    product.call("PUT", `/customers/${customerId}/permissions/azureSavingsPlans`, { body: { state } });
  const after = (on: number, turnedOn: number, turnedOff: number) => ({
    ...before,
    customersOn: before.customersOn + on,
    on: { ...before.on, azureSavingsPlans: before.on.azureSavingsPlans + on },
    ...{ turnedOn: before.turnedOn + turnedOn, turnedOff: before.turnedOff + turnedOff },
  });

  expect((await turn("On")).status).toBe(200);
  expect(await today()).toEqual(after(1, 1, 0));
  const isPending = async () => {
    const { body } = await product.call("GET", `/activities?customerId=${customerId}`);
    return body.value.length;
  };
  await eventually(async () => expect(await isPending()).toBe(1));
  expect((await turn("Off")).status).toBe(200);
  expect(await today()).toEqual(after(0, 1, 1));
  await new Promise((go) => setTimeout(go, 1_500));
  expect(await today()).toEqual(after(0, 1, 1));
});

describe("is refused", () => {
  test.each(["0", "367", "1000", "-1", "1.5", "01", "ninety", "", " 9"])("for %p days", async (days) => {
    const { status, body } = await product.call("GET", `/fleet/history?days=${encodeURIComponent(days)}`);
    expect([status, body.error.code, body.error.target]).toEqual([400, "InvalidRequest", "days"]);
  });

  test("to strangers", async () => {
    expect((await product.call("GET", "/fleet/history", { token: null })).status).toBe(401);
  });
});

describe("while storage", () => {
  const faulty = async (fate: Product["storage"]["fate"], query = "") => {
    const before = Date.now();
    product.storage.fate = fate;
    try {
      const { status, headers } = await product.call("GET", `/fleet/history${query}`);
      return { status, isForLater: headers.has("retry-after"), seconds: (Date.now() - before) / 1000 };
    } finally {
      product.storage.fate = () => "forward";
    }
  };

  test.each(["CustomerPermissions", "ActivityByDay"])("fails at %s nothing is guessed", async (table) => {
    expect(await faulty(({ path }) => (path.startsWith(`/${table}`) ? { status: 500 } : "forward"))).toMatchObject({
      ...{ status: 503, isForLater: true },
    });
  });

  test("is slow the caller is told after fifteen seconds at most", async () => {
    const slow = await faulty(
      ({ path }) => (path.startsWith("/ActivityByDay") ? { delay: 2_500 } : "forward"),
      "?days=366",
    );
    expect(slow).toMatchObject({ status: 503, isForLater: true });
    expect(slow.seconds).toBeLessThan(15.5);
    expect(await history("?days=1")).toHaveLength(1);
  }, 40_000);
});
