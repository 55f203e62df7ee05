/** Reading Partner Center's customers: in rounds that survive whatever ends a run, with one page in memory. */

import { describe, expect, test } from "@jest/globals";
import { PartnerCenterRefusal } from "../../shared/domain/partner-center-refusal.ts";
import type { PartnerCustomer } from "../../shared/domain/partner-customer.ts";
import { dependencyUnavailable } from "../../shared/domain/refusal.ts";
import { createPartnerCenterGate } from "../../shared/use-cases/partner-center-gate.ts";
import { createSynchroniseCustomers } from "../../shared/use-cases/synchronise-customers.ts";
import { idOf, noon } from "../fakes/facts.ts";
import { type CustomersCall, createInMemoryCustomers } from "../fakes/in-memory-customers.ts";
import { createInMemoryWorld } from "../fakes/in-memory-world.ts";

const minute = 60 * 1000;
const hour = 60 * minute;
const noonPlus = (milliseconds: number) => new Date(noon.getTime() + milliseconds).toISOString();

function customer(number: number): PartnerCustomer {
  return {
    customerId: idOf<"customer">(number),
    name: `Customer ${number}`,
    domain: `customer${number}.example`,
    relationship: "reseller",
  };
}

function createRun(count = 5) {
  const world = createInMemoryWorld();
  const customers = createInMemoryCustomers(world);
  customers.listed.push(...Array.from({ length: count }, (_, index) => customer(index + 1)));
  const { telemetry, clock } = world;
  const { notebook, probe, known, partnerCustomers } = customers;
  const gate = createPartnerCenterGate({ notebook, probe, telemetry, clock });
  let ids = 0;
  const newId = () => `id ${++ids}`;
  const ports = { partnerCustomers, known, notebook, gate, telemetry, clock, newId };
  return {
    world,
    customers,
    synchronise: createSynchroniseCustomers(ports),
    note: () => customers.note("synchronisation"),
    positions: () => customers.asked.map(({ position }) => position),
    seen: () => customers.listed.filter(({ customerId }) => customers.profileOf(customerId) !== undefined).length,
    /** The n-th call of this name fails. */
    failAt(name: CustomersCall, nth: number, failure: Error) {
      let calls = 0;
      customers.fate = (call) => {
        if (call === name && ++calls === nth) throw failure;
      };
    },
  };
}

describe("a round", () => {
  test("saves every page of customers, notes its end, and tells how many there were", async () => {
    const { synchronise, customers, note, positions, world } = createRun();

    await synchronise();

    expect(positions()).toEqual([undefined, "2", "4"]);
    for (const { customerId, ...who } of customers.listed) {
      expect(customers.profileOf(customerId)).toEqual({ ...who, seenAt: noonPlus(0) });
    }
    expect(note()).toEqual({ startedAt: noonPlus(0), endedAt: noonPlus(0), done: 5 });
    expect(world.events).toEqual([
      { name: "CustomersSynchronised", properties: {}, measurements: { customers: 5, seconds: 0 } },
    ]);
  });

  test("has a page saved and noted before it asks for the next", async () => {
    const { synchronise, customers } = createRun(4);

    await synchronise();

    expect(customers.calls.slice(2)).toEqual([
      "notebook.write",
      "notebook.read",
      ...["partnerCustomers.list", "known.saveSeen", "notebook.write"],
      ...["partnerCustomers.list", "known.saveSeen", "notebook.write"],
    ]);
  });

  test("is one whole for Partner Center, with an id of its own for each question", async () => {
    const { synchronise, customers } = createRun();

    await synchronise();

    expect(new Set(customers.asked.map(({ correlationId }) => correlationId)).size).toBe(1);
    expect(new Set(customers.asked.map(({ requestId }) => requestId)).size).toBe(3);
  });

  test("of a partner without customers ends as any other", async () => {
    const { synchronise, note } = createRun(0);

    await synchronise();

    expect(note()).toEqual({ startedAt: noonPlus(0), endedAt: noonPlus(0), done: 0 });
  });

  test("is not begun within an hour after the last one ended, and is from then on", async () => {
    const { synchronise, customers, world, note } = createRun();
    await synchronise();

    world.moveClock(hour);
    await synchronise();
    expect(customers.asked).toHaveLength(3);
    world.moveClock(1);
    await synchronise();

    expect(customers.asked).toHaveLength(6);
    expect(note()).toEqual({ startedAt: noonPlus(hour + 1), endedAt: noonPlus(hour + 1), done: 5 });
  });

  test("keeps customers that Partner Center lists no more, as they were seen last", async () => {
    const { synchronise, customers, world } = createRun();
    await synchronise();
    const [gone] = customers.listed.splice(0, 1);
    world.moveClock(hour + 1);

    await synchronise();

    expect(customers.profileOf(gone!.customerId)).toMatchObject({ seenAt: noonPlus(0) });
    expect(customers.profileOf(customers.listed[0]!.customerId)).toMatchObject({ seenAt: noonPlus(hour + 1) });
  });
});

describe("a run that ends early", () => {
  test.each<[CustomersCall, number, (string | undefined)[]]>([
    // The page that was not noted is read once more; that changes nothing.
    ["partnerCustomers.list", 2, [undefined, "2", "2", "4"]],
    ["known.saveSeen", 2, [undefined, "2", "2", "4"]],
    ["notebook.write", 3, [undefined, "2", "2", "4"]],
    ["partnerCustomers.list", 1, [undefined, undefined, "2", "4"]],
    ["notebook.read", 2, [undefined, "2", "4"]],
  ])("because of an outage at %s %i warns, and the next one goes on", async (name, nth, asked) => {
    const { synchronise, customers, positions, note, seen, world, failAt } = createRun();
    const outage = dependencyUnavailable("Something");
    failAt(name, nth, outage);

    await synchronise();
    expect(world.warnings).toEqual([{ message: expect.stringContaining("next run goes on"), cause: outage }]);
    expect(world.events).toEqual([]);
    customers.fate = () => {};
    await synchronise();

    expect(positions()).toEqual(asked);
    expect([seen(), note()?.endedAt, note()?.done]).toEqual([5, noonPlus(0), 5]);
    expect(world.events).toHaveLength(1);
  });

  test("after four minutes leaves the rest to the next one", async () => {
    const { synchronise, customers, positions, note, world } = createRun(7);
    customers.fate = (call) => call === "partnerCustomers.list" && world.moveClock(2 * minute);

    await synchronise();
    expect(positions()).toEqual([undefined, "2"]);
    expect(note()).toEqual({ startedAt: noonPlus(0), position: "4", done: 4 });
    world.moveClock(minute);
    await synchronise();

    expect(positions()).toEqual([undefined, "2", "4", "6"]);
    expect(note()).toEqual({ startedAt: noonPlus(0), endedAt: noonPlus(9 * minute), done: 7 });
    expect(world.events[0]).toMatchObject({ measurements: { customers: 7, seconds: 9 * 60 } });
  });

  test("of a second round goes on as well, whenever the first one ended", async () => {
    const { synchronise, customers, positions, note, world, failAt } = createRun();
    await synchronise();
    world.moveClock(hour + 1);
    failAt("partnerCustomers.list", 2, dependencyUnavailable("Partner Center"));
    await synchronise();
    expect(note()).toEqual({ startedAt: noonPlus(hour + 1), position: "2", done: 2, endedAt: noonPlus(0) });
    customers.fate = () => {};
    world.moveClock(3 * hour);
    await synchronise();

    expect(positions().slice(3)).toEqual([undefined, "2", "2", "4"]);
    expect(note()?.endedAt).toBe(noonPlus(4 * hour + 1));
  });

  test("because of a fault of ours fails", async () => {
    const { synchronise, failAt } = createRun();
    failAt("known.saveSeen", 1, new TypeError("a fault"));

    await expect(synchronise()).rejects.toThrow("a fault");
  });
});

describe("a position that Partner Center does not know any more", () => {
  test("begins the round again", async () => {
    const { synchronise, customers, positions, note, world, failAt, seen } = createRun();
    failAt("partnerCustomers.list", 2, dependencyUnavailable("Partner Center"));
    await synchronise();
    customers.fate = (call) => {
      if (call === "known.saveSeen") customers.oldestPosition = 0;
    };
    customers.oldestPosition = 3;
    world.moveClock(minute);

    await synchronise();

    expect(positions()).toEqual([undefined, "2", "2", undefined, "2", "4"]);
    expect([seen(), note()]).toEqual([5, { startedAt: noonPlus(minute), endedAt: noonPlus(minute), done: 5 }]);
  });

  test("in a second round still tells when the first one ended", async () => {
    const { synchronise, customers, note, world } = createRun();
    await synchronise();
    world.moveClock(2 * hour);
    customers.oldestPosition = 100;

    await synchronise();

    expect(note()).toEqual({ startedAt: noonPlus(2 * hour), position: "2", done: 2, endedAt: noonPlus(0) });
  });

  test("is not asked for without end when every one is lost", async () => {
    const { synchronise, customers, positions, note, world } = createRun();
    customers.oldestPosition = 100;

    await synchronise();

    expect(positions()).toEqual([undefined, "2", undefined, "2"]);
    expect(world.warnings).toEqual([
      { message: "Partner Center has lost the position in the list of customers twice.", cause: undefined },
    ]);
    expect(note()?.endedAt).toBeUndefined();
  });
});

describe("a refusal", () => {
  test("closes the gate and ends the run; the round goes on when the gate opens again", async () => {
    const { synchronise, customers, positions, note, world, failAt } = createRun();
    failAt("partnerCustomers.list", 2, new PartnerCenterRefusal("RoleMissing", "403/900150"));

    await synchronise();
    expect(customers.note("partnerCenter")).toMatchObject({ refusal: { reason: "RoleMissing" } });
    expect(note()).toMatchObject({ position: "2" });
    world.moveClock(hour - 1);
    await synchronise();
    expect(customers.asked).toHaveLength(2);
    world.moveClock(1);
    await synchronise();

    expect(positions()).toEqual([undefined, "2", "2", "4"]);
    expect(world.warnings).toEqual([]);
    expect(world.events.map(({ name }) => name)).toEqual(["PartnerCenterRefused", "CustomersSynchronised"]);
  });
});
