/** The history of the fleet equals what the log says, whatever was switched when, and wherever its entries are. */

import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { type Activity, operationOf } from "../../shared/domain/activity.ts";
import { beginChange, failChange, finishChange, grantChange } from "../../shared/domain/change.ts";
import { reportDrift } from "../../shared/domain/drift.ts";
import type { FleetDay } from "../../shared/domain/fleet-history.ts";
import type { CustomerId } from "../../shared/domain/identifiers.ts";
import { type CustomerRecord, type PermissionState, type Product, products } from "../../shared/domain/permission.ts";
import { createGetFleetHistory, type FleetHistoryPorts } from "../../shared/use-cases/get-fleet-history.ts";
import { ada, contoso, fabrikam, idOf, noon } from "../fakes/facts.ts";
import { createInMemoryCustomers } from "../fakes/in-memory-customers.ts";
import { createInMemoryWorld, type Fate, type InMemoryWorld } from "../fakes/in-memory-world.ts";

const dayMilliseconds = 24 * 60 * 60 * 1000;
const customers = [contoso, fabrikam, idOf<"customer">(0xc)] as const;

interface Step {
  readonly customerId: CustomerId;
  readonly product: Product;
  readonly state: PermissionState;
  readonly kind: "granted" | "confirmed" | "failed" | "detected";
  /** From the step before it. */
  readonly minutes: number;
  readonly place: "pending" | "logged" | "both";
}

const step = fc.record<Step>({
  customerId: fc.constantFrom(...customers),
  product: fc.constantFrom(...products),
  state: fc.constantFrom("On", "Off"),
  kind: fc.constantFrom("granted", "granted", "confirmed", "failed", "detected"),
  minutes: fc.nat({ max: 3_000 }),
  place: fc.constantFrom("pending", "logged", "both"),
});

/** What the step makes of the record, by the rules that the product itself goes by. */
function taken({ customerId, product, state, kind }: Step, record: CustomerRecord, at: Date, id: number) {
  const wish = { customerId, product, state };
  const ids = { changeId: idOf<"change">(id), by: ada, requestId: `request ${id}` };
  const occasion = { ...ids, at };
  if (kind === "granted") return grantChange(record, wish, occasion);
  if (kind === "detected") {
    const code = state === "On" ? "TurnedOnOutside" : "TurnedOffOutside";
    const news = { code, product, message: "found", status: "Open" } as const;
    return reportDrift(record, { policy: undefined }, news, occasion);
  }
  const begun = beginChange(record, wish, occasion);
  return kind === "confirmed"
    ? finishChange(begun.record, begun.created, at)
    : failChange(begun.record, begun.created, at, { code: "NotConfirmed", message: "Nobody did it." });
}

/** Commits one step; its activity is then where the step says. */
async function take(world: InMemoryWorld, one: Step, at: Date, id: number): Promise<Activity> {
  const stored = await world.store.readCustomer(one.customerId);
  const { record, activity } = taken(one, stored.record, at, id);
  expect(await world.store.commit(stored, { record, activity })).toBe("committed");
  if (one.place !== "pending") world.putLogged(activity);
  if (one.place === "logged") await world.pending.remove(activity);
  return activity;
}

function portsOf(world: InMemoryWorld): FleetHistoryPorts {
  return { known: createInMemoryCustomers(world).known, pending: world.pending, log: world.log, clock: world.clock };
}

/** The log told from its beginning: the other way round, and with nothing in mind but its entries. */
function toldByLog(log: readonly Activity[], now: Date, days: number): FleetDay[] {
  return Array.from({ length: days }, (_, index) => {
    const date = new Date(now.getTime() - (days - 1 - index) * dayMilliseconds).toISOString().slice(0, 10);
    const isLast = index === days - 1;
    const on = new Set<string>();
    const turned = { On: 0, Off: 0 };
    for (const { at, result, operation, product, customerId } of log) {
      const day = at.slice(0, 10);
      if (result !== "Succeeded" || (day > date && !isLast)) continue;
      const key = `${product} ${customerId}`;
      const state = operation === operationOf.On ? "On" : "Off";
      if (on.has(key) !== (state === "On") && (day === date || (isLast && day > date))) turned[state] += 1;
      if (state === "On") on.add(key);
      else on.delete(key);
    }
    const ids = (product: Product) => customers.filter((customerId) => on.has(`${product} ${customerId}`));
    return {
      date,
      customersOn: new Set(products.flatMap(ids)).size,
      on: { azureReservations: ids("azureReservations").length, azureSavingsPlans: ids("azureSavingsPlans").length },
      ...{ turnedOn: turned.On, turnedOff: turned.Off },
    };
  });
}

test("the history equals what the log says", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 40 }),
      fc.integer({ min: 1, max: 30 }),
      // Now may be long after the last step, or, on another instance's clock, before it.
      fc.integer({ min: -30, max: 3_000 }),
      async (steps, days, minutesAfter) => {
        const world = createInMemoryWorld();
        let at = noon.getTime();
        const log: Activity[] = [];
        for (const [index, one] of steps.entries()) {
          at += one.minutes * 60_000;
          log.push(await take(world, one, new Date(at), index + 1));
        }
        const now = new Date(at + minutesAfter * 60_000);
        world.moveClock(now.getTime() - noon.getTime());

        const history = await createGetFleetHistory(portsOf(world))(days);

        expect(history).toEqual(toldByLog(log, now, days));
      },
    ),
    { numRuns: 400 },
  );
});

describe("while others write", () => {
  const on: Step = {
    ...{ customerId: contoso, product: "azureReservations", state: "On" },
    ...{ kind: "granted", minutes: 0, place: "logged" },
  };

  /** Turned On three days ago; meanwhile, as soon as that is called, turned Off. */
  async function readWhile(call: "known.allOn" | "pending.list" | "log.turnsOf", place: Step["place"]) {
    const world = createInMemoryWorld();
    await take(world, on, noon, 1);
    world.moveClock(3 * dayMilliseconds);
    const ports = portsOf(world);
    let isDone = false;
    const meanwhile = async () => {
      if (isDone) return;
      isDone = true;
      world.fate = () => "done";
      await take(world, { ...on, state: "Off", place }, world.clock.now(), 2);
    };
    world.fate = async (each): Promise<Fate> => {
      if (each === call) await meanwhile();
      return "done";
    };
    const known = {
      async *allOn() {
        if (call === "known.allOn") await meanwhile();
        yield* ports.known.allOn();
      },
    };
    return createGetFleetHistory({ ...ports, known })(5);
  }

  test.each([
    ["known.allOn", "pending"],
    ["known.allOn", "logged"],
    ["pending.list", "pending"],
    ["pending.list", "logged"],
    ["log.turnsOf", "logged"],
    // It is in neither: the history is that of a moment ago.
    ["log.turnsOf", "pending"],
  ] as const)("a switch turned at %s, and then %s, does not change the days before", async (call, place) => {
    const history = await readWhile(call, place);

    expect(history.slice(0, 4).map(({ customersOn }) => customersOn)).toEqual([0, 1, 1, 1]);
    const isMissed = call === "log.turnsOf" && place === "pending";
    expect(history[4]).toMatchObject(isMissed ? { customersOn: 1, turnedOff: 0 } : { customersOn: 0, turnedOff: 1 });
  });
});

describe("storage", () => {
  test.each(["pending.list", "log.turnsOf"])("that fails at %s is not guessed at", async (broken) => {
    const world = createInMemoryWorld();
    world.fate = (call) => (call === broken ? "refused" : "done");

    await expect(createGetFleetHistory(portsOf(world))(3)).rejects.toMatchObject({ code: "DependencyUnavailable" });
  });

  test("is read a few days at a time", async () => {
    const world = createInMemoryWorld();
    let running = 0;
    let most = 0;
    world.fate = async (call): Promise<Fate> => {
      if (call !== "log.turnsOf") return "done";
      most = Math.max(most, ++running);
      await new Promise<void>((go) => setImmediate(go));
      running -= 1;
      return "done";
    };

    expect(await createGetFleetHistory(portsOf(world))(366)).toHaveLength(366);
    expect(most).toBe(8);
  });

  test("that is too slow is given up, and read no further", async () => {
    const world = createInMemoryWorld();
    const ports = portsOf(world);
    const slow = (more: Partial<FleetHistoryPorts>) => createGetFleetHistory({ ...ports, ...more }, 30)(366);
    const pause = () => new Promise((go) => setTimeout(go, 20));
    let pages = 0;
    async function* endless<Item>(): AsyncGenerator<readonly Item[]> {
      for (;;) {
        pages += 1;
        await pause();
        yield [];
      }
    }
    for (const [name, more] of [
      ["records", { known: { allOn: () => endless<CustomerRecord>() } }],
      ["log", { log: { turnsOf: () => endless<never>() } }],
    ] as const) {
      pages = 0;
      await expect([name, await slow(more).catch(({ code }) => code)]).toEqual([name, "DependencyUnavailable"]);
      await pause();
      const read = pages;
      await pause();
      await pause();
      expect(pages).toBe(read);
    }
  });

  test("that hangs is given up", async () => {
    const world = createInMemoryWorld();
    world.fate = () => new Promise(() => undefined);

    await expect(createGetFleetHistory(portsOf(world), 30)(1)).rejects.toMatchObject({
      ...{ code: "DependencyUnavailable", message: expect.stringContaining("Storage") },
      cause: { name: "TimeoutError" },
    });
  });

  test("is asked for the day after today, too: another instance's clock may be ahead, and nothing else is", async () => {
    const world = createInMemoryWorld();
    const asked: string[] = [];
    async function* turnsOf(date: string) {
      asked.push(date);
      yield* [];
    }
    const ask = createGetFleetHistory({ ...portsOf(world), log: { turnsOf } });
    await ask(1);
    expect(asked.splice(0)).toEqual(["2026-03-02", "2026-03-01"]);
    await ask(2);
    expect(asked.toSorted()).toEqual(["2026-02-28", "2026-03-01", "2026-03-02"]);
  });
});

test("a day with very many activities takes no more than its switches do", async () => {
  const world = createInMemoryWorld();
  const count = 200_000;
  async function* turnsOf(date: string) {
    if (date !== "2026-02-28") return;
    // Newest first, as the log has them: in the end all are Off.
    for (let sequence = count; sequence > 0; sequence -= 1000) {
      yield Array.from({ length: 1000 }, (_, index) => {
        const state = (sequence - index) % 2 === 0 ? "Off" : "On";
        const customerId = customers[Math.floor((sequence - index - 1) / 2) % 3]!;
        return { customerId, product: "azureReservations", sequence: sequence - index, state, isAgain: false } as const;
      });
    }
  }

  const history = await createGetFleetHistory({ ...portsOf(world), log: { turnsOf } })(3);

  expect(history.map(({ date, customersOn, turnedOn, turnedOff }) => [date, customersOn, turnedOn, turnedOff])).toEqual(
    [
      ["2026-02-27", 0, 0, 0],
      ["2026-02-28", 0, count / 2, count / 2],
      ["2026-03-01", 0, 0, 0],
    ],
  );
});
