/** The sweep over all customers: where it goes on, when it stops, whom it leaves alone, and what a crash leaves. */

import { describe, expect, jest, test } from "@jest/globals";
import { grantChange } from "../../shared/domain/change.ts";
import type { CustomerId } from "../../shared/domain/identifiers.ts";
import { PartnerCenterRefusal, type PartnerCenterRefusalReason } from "../../shared/domain/partner-center-refusal.ts";
import { dependencyUnavailable } from "../../shared/domain/refusal.ts";
import { createCompareCustomer } from "../../shared/use-cases/compare-customer.ts";
import { createDetectDrift } from "../../shared/use-cases/detect-drift.ts";
import { faultIn } from "../fakes/chain-verifier.ts";
import { ada, idOf, noon, robot } from "../fakes/facts.ts";
import { createInMemorySweep } from "../fakes/in-memory-sweep.ts";
import { createInMemoryWorld } from "../fakes/in-memory-world.ts";

const reservations = { resource: "AzureReservedInstances", action: "Purchase" };
const minute = 60_000;

interface Options {
  readonly customers?: number;
  readonly callsPerRun?: number;
  readonly intervalMinutes?: number;
}

function start({ customers = 5, callsPerRun = 1000, intervalMinutes = 10 }: Options = {}) {
  const world = createInMemoryWorld();
  const sweep = createInMemorySweep(world);
  sweep.known.push(...Array.from({ length: customers }, (_, index) => idOf<"customer">(index + 1)));
  /** What happens to every read of a policy, by customer. */
  const trouble = new Map<CustomerId, Error>();
  const reads: CustomerId[] = [];
  const peak = { running: 0, most: 0 };
  let requests = 0;
  let ids = 0x1000;

  /** @param kill ends the process after so many calls of ports: nothing after that has any effect */
  const detectDrift = ({ kill = Number.POSITIVE_INFINITY }: { kill?: number } = {}) => {
    let calls = 0;
    const mortal = <Port extends object>(port: Port): Port =>
      new Proxy(port, {
        get:
          (target, name) =>
          async (...given: unknown[]) => {
            if (calls >= kill) throw new Error("killed");
            calls += 1;
            const result = await (target[name as keyof Port] as (...given: unknown[]) => unknown)(...given);
            if (calls >= kill) throw new Error("killed");
            return result;
          },
      });
    const { store, queue, telemetry, clock } = world;
    const compareCustomer = createCompareCustomer(
      {
        ...{ store: mortal(store), queue: mortal(queue), telemetry, clock, audit: mortal(sweep.audit) },
        policies: mortal({
          read: async (customerId: CustomerId, call) => {
            reads.push(customerId);
            peak.running += 1;
            peak.most = Math.max(peak.most, peak.running);
            await new Promise<void>((go) => setImmediate(go));
            // As with the real one, which needs a token before it sends anything.
            requests += 1;
            peak.running -= 1;
            const error = trouble.get(customerId);
            if (error !== undefined) throw error;
            return world.policies.read(customerId, call);
          },
        } satisfies Parameters<typeof createCompareCustomer>[0]["policies"]),
        checkEligibility: async ({ customerId }) => ({
          eligibility: {
            ...{ customerId, result: "Inconclusive", checkedAt: noon.toISOString() },
            checks: [],
            subscriptions: [],
          },
        }),
        setPermission: () => Promise.reject(new Error("nobody asks")),
        newId: () => idOf<"change">(++ids),
      },
      { action: "report", by: robot },
    );
    const ports = {
      ...{ customers: mortal(sweep.customers), notebook: mortal(sweep.notebook), gate: mortal(sweep.gate) },
      ...{ compareCustomer, telemetry, clock, requestsMade: () => requests },
    };
    const run = createDetectDrift(ports, { callsPerRun, intervalMinutes });
    return { run, calls: () => calls };
  };
  const { run } = detectDrift();
  const at = (number: number) => idOf<"customer">(number);
  const roundsEnded = () => world.events.filter(({ name }) => name === "DriftRoundEnded");
  return { world, sweep, trouble, reads, peak, detectDrift, run, at, roundsEnded, requests: () => requests };
}

const down = dependencyUnavailable("Partner Center");
const refusal = (reason: PartnerCenterRefusalReason) => new PartnerCenterRefusal(reason, reason);

describe("a round", () => {
  test("compares every customer once, and ends with its counts", async () => {
    const { world, sweep, reads, run, roundsEnded } = start({ customers: 250 });
    world.putPolicy(idOf<"customer">(7), [reservations]);
    await run();
    expect(new Set(reads).size).toBe(250);
    expect(sweep.verified.size).toBe(250);
    expect(sweep.note).toEqual({ startedAt: noon.toISOString(), endedAt: noon.toISOString() });
    expect(roundsEnded()).toEqual([
      {
        name: "DriftRoundEnded",
        properties: {},
        measurements: { customers: 250, verified: 250, findings: 1, requests: 252 },
      },
    ]);
  });

  test("over nobody ends as well", async () => {
    const { sweep, run, roundsEnded } = start({ customers: 0 });
    await run();
    expect(sweep.note).toMatchObject({ endedAt: noon.toISOString() });
    expect(roundsEnded()).toMatchObject([{ measurements: { customers: 0 } }]);
  });

  test("begins only after the interval, counted from the end of the one before", async () => {
    const { world, reads, run } = start({ customers: 3, intervalMinutes: 10 });
    await run();
    world.moveClock(10 * minute - 1);
    await run();
    expect(reads).toHaveLength(3);
    world.moveClock(1);
    await run();
    expect(reads).toHaveLength(6);
  });

  test("goes on where the note says, and remembers when the last whole one ended", async () => {
    const { world, sweep, reads, run } = start({ customers: 5, callsPerRun: 2 });
    const endedAt = new Date(noon.getTime() - 20 * minute).toISOString();
    sweep.note = { startedAt: endedAt, endedAt };
    await run();
    expect(sweep.note).toEqual({
      ...{ startedAt: noon.toISOString(), endedAt, position: idOf(2) },
      counts: { customers: 2, verified: 2, findings: 0, requests: 2 },
    });
    world.moveClock(minute);
    await run();
    await run();
    expect(reads).toEqual([1, 2, 3, 4, 5].map((number) => idOf(number)));
    expect(sweep.note).toEqual({
      startedAt: noon.toISOString(),
      endedAt: new Date(noon.getTime() + minute).toISOString(),
    });
  });

  test("leaves out who is just being changed: not verified, and no call", async () => {
    const { world, sweep, reads, run, at, roundsEnded } = start({ customers: 2 });
    const since = world.clock.now().toISOString();
    const unfinished = { changeId: idOf<"change">(1), product: "azureReservations", state: "On", since } as const;
    sweep.outdated.set(at(1), { ...world.recordOf(at(1)), unfinished });
    await run();
    expect(reads).toEqual([at(2)]);
    expect([...sweep.verified.keys()]).toEqual([at(2)]);
    expect(roundsEnded()).toMatchObject([{ measurements: { customers: 2, verified: 1 } }]);
  });

  test("in which nobody can be verified saves nothing about it", async () => {
    const { sweep, trouble, run, at } = start({ customers: 1 });
    const saved = jest.spyOn(sweep.customers, "saveVerified");
    trouble.set(at(1), down);
    await run();
    expect(saved).not.toHaveBeenCalled();
  });
});

describe("a run", () => {
  test("does nothing at all while the gate is closed", async () => {
    const { world, sweep, reads, run } = start();
    sweep.refusal = refusal("MfaRequired");
    await run();
    expect(reads).toEqual([]);
    expect(sweep.note).toBeUndefined();
    expect(world.calls).toEqual([]);
  });

  test("looks at one customer first, then at four at a time", async () => {
    const { peak, run } = start({ customers: 40 });
    await run();
    expect(peak.most).toBe(4);
    const { trouble, reads, run: refused, at } = start({ customers: 40 });
    trouble.set(at(1), refusal("MfaRequired"));
    await refused();
    expect(reads).toEqual([at(1)]);
  });

  test.each([1, 2, 3, 7, 100, 101, 130])("makes exactly its %d calls when nothing is found", async (callsPerRun) => {
    const { sweep, run, requests, roundsEnded } = start({ customers: 260, callsPerRun });
    for (let runs = 1; runs * callsPerRun < 260; runs++) {
      await run();
      expect(requests()).toBe(runs * callsPerRun);
      expect(sweep.note?.position).toBe(idOf(runs * callsPerRun));
    }
    await run();
    await run();
    expect(requests()).toBe(260);
    expect(roundsEnded()).toMatchObject([{ measurements: { customers: 260, requests: 260 } }]);
    expect(sweep.verified.size).toBe(260);
  });

  test("finishes a customer that it has begun, and begins no other when its calls are used up", async () => {
    const { world, reads, run, at } = start({ customers: 9, callsPerRun: 2 });
    world.putPolicy(at(1), [reservations]);
    await run();
    // To compare, to report, and to see that this was all.
    expect(reads).toEqual([at(1), at(1), at(1)]);
    expect(world.recordOf(at(1)).findings).toHaveLength(1);
  });

  test("ends after four minutes", async () => {
    const { world, sweep, reads, run, at, trouble } = start({ customers: 300 });
    const { read } = world.policies;
    world.policies.read = (customerId, call) => {
      if (reads.length === 150) world.moveClock(4 * minute);
      return read(customerId, call);
    };
    await run();
    expect(trouble.size).toBe(0);
    expect(reads.length).toBeGreaterThanOrEqual(150);
    expect(reads.length).toBeLessThan(155);
    expect(sweep.note?.position).toBe(at(reads.length));
  });

  test("is not ended by one customer that always fails, whatever it fails with", async () => {
    for (const error of [down, refusal("Refused"), new TypeError("a bug")]) {
      const { world, sweep, trouble, run, at, roundsEnded } = start({ customers: 10 });
      trouble.set(at(4), error);
      await run();
      expect(roundsEnded()).toMatchObject([{ measurements: { customers: 10, verified: 9 } }]);
      expect(sweep.verified.has(at(4))).toBe(false);
      expect(sweep.refusal).toBeUndefined();
      expect(world.warnings).toEqual([
        { message: "A customer could not be compared with Partner Center.", cause: error },
      ]);
    }
  });

  test("is not ended by two in a row, again and again", async () => {
    const { sweep, trouble, run, at, roundsEnded } = start({ customers: 250 });
    for (let number = 1; number <= 250; number++) if (number % 3 !== 0) trouble.set(at(number), down);
    await run();
    expect(roundsEnded()).toHaveLength(1);
    expect(sweep.verified.size).toBe(83);
  });

  test("ends when three in a row fail, and the next one goes on before them", async () => {
    const { sweep, trouble, reads, run, at } = start({ customers: 30 });
    const close = jest.spyOn(sweep.gate, "close");
    for (const number of [11, 12, 13]) trouble.set(at(number), down);
    await run();
    expect(sweep.note?.position).toBe(at(10));
    expect(close).not.toHaveBeenCalled();
    expect(sweep.note?.counts).toMatchObject({ customers: 10, verified: 10 });
    expect(reads.length).toBeLessThanOrEqual(17);
    trouble.clear();
    await run();
    expect(sweep.verified.size).toBe(30);
  });

  test("goes back over the border of a page when the three stand on both sides of it", async () => {
    const { sweep, trouble, run, at } = start({ customers: 120 });
    for (const number of [99, 100, 101]) trouble.set(at(number), down);
    await run();
    expect(sweep.note?.position).toBe(at(98));
  });

  test("ends at the very beginning when nothing can be reached, with few calls", async () => {
    const { world, sweep, trouble, reads, run, at } = start({ customers: 50 });
    for (const customerId of sweep.known) trouble.set(customerId, down);
    await run();
    expect(sweep.note).toEqual({
      ...{ startedAt: noon.toISOString(), failedRuns: 1 },
      counts: { customers: 0, verified: 0, findings: 0, requests: reads.length },
    });
    expect(reads.length).toBeLessThanOrEqual(7);
    world.moveClock(minute);
    for (const customerId of sweep.known) trouble.delete(customerId);
    await run();
    expect(sweep.verified.has(at(1))).toBe(true);
    expect(sweep.verified.size).toBe(50);
  });

  test("passes customers over when they were still failing in the third run", async () => {
    const { sweep, trouble, run, at, roundsEnded } = start({ customers: 30 });
    for (const number of [11, 12, 13, 14]) trouble.set(at(number), down);
    for (const failedRuns of [1, 2]) {
      await run();
      expect(sweep.note).toMatchObject({ position: at(10), failedRuns });
    }
    await run();
    expect(sweep.note?.position).toBe(at(13));
    expect(sweep.note).not.toHaveProperty("failedRuns");
    await run();
    expect(roundsEnded()).toMatchObject([{ measurements: { customers: 30, verified: 26 } }]);
    expect(sweep.verified.size).toBe(26);
  });

  test("begins to count the failed runs anew when it has got further", async () => {
    const { sweep, trouble, run, at } = start({ customers: 30 });
    for (const first of [4, 11, 18]) {
      trouble.clear();
      for (const number of [first, first + 1, first + 2]) trouble.set(at(number), down);
      await run();
      expect(sweep.note).toMatchObject({ position: at(first - 1), failedRuns: 1 });
    }
  });

  test("asks for no further page when its calls are used up at the end of one", async () => {
    const { sweep, run } = start({ customers: 250, callsPerRun: 100 });
    const list = jest.spyOn(sweep.customers, "list");
    await run();
    expect(list).toHaveBeenCalledTimes(1);
  });

  test("goes on behind a page that is empty", async () => {
    const { sweep, reads, run, at, roundsEnded } = start({ customers: 3 });
    jest.spyOn(sweep.customers, "list").mockResolvedValueOnce({ items: [], next: at(2) });
    await run();
    expect(reads).toEqual([at(3)]);
    expect(roundsEnded()).toHaveLength(1);
  });

  test.each(["MfaRequired", "RoleMissing", "AppOnlyToken", "SignInRequired"] as const)(
    "that is refused with %s closes the gate and stays before that customer",
    async (reason) => {
      const { sweep, trouble, reads, run, at } = start({ customers: 30 });
      const error = refusal(reason);
      trouble.set(at(9), error);
      await run();
      expect(sweep.refusal).toBe(error);
      expect(sweep.note?.position).toBe(at(8));
      expect(reads.length).toBeLessThanOrEqual(12);
      const made = reads.length;
      await run();
      expect(reads).toHaveLength(made);
      trouble.clear();
      sweep.refusal = undefined;
      await run();
      expect(sweep.verified.size).toBe(30);
    },
  );

  test("in which three customers in a row are refused closes the gate too", async () => {
    const { sweep, trouble, run, at } = start({ customers: 30 });
    for (const number of [4, 5, 6]) trouble.set(at(number), refusal("Refused"));
    await run();
    expect(sweep.refusal).toMatchObject({ reason: "Refused" });
    expect(sweep.note?.position).toBe(at(3));
  });

  test("in which some of the three are refused and some get no answer leaves the gate open", async () => {
    for (const errors of [
      [refusal("Refused"), refusal("Refused"), down],
      [down, refusal("Refused"), refusal("Refused")],
    ]) {
      const { sweep, trouble, run, at } = start({ customers: 30 });
      for (const [index, error] of errors.entries()) trouble.set(at(4 + index), error);
      await run();
      expect(sweep.refusal).toBeUndefined();
      expect(sweep.note?.position).toBe(at(3));
    }
  });
});

/** The four kinds of drift that need nothing but record and policy, and customers without any. */
async function scatterDrift({ world, at }: ReturnType<typeof start>): Promise<void> {
  for (const number of [2, 3, 6]) {
    const stored = await world.store.readCustomer(at(number));
    const wish = { customerId: at(number), product: "azureReservations", state: "On" } as const;
    const occasion = { changeId: idOf<"change">(number), by: ada, at: noon, requestId: "r" };
    await world.store.commit(stored, grantChange(stored.record, wish, occasion));
  }
  for (const number of [3, 4, 5]) world.putPolicy(at(number), [reservations]);
}

test("a crash after any call whatever leaves a round that goes on, and nothing is found twice", async () => {
  const whole = start({ customers: 7 });
  await scatterDrift(whole);
  const untroubled = whole.detectDrift();
  await untroubled.run();
  const expected = whole.world.committed.filter(({ result }) => result === "Detected").length;
  expect(expected).toBe(4);

  for (let kill = 0; kill <= untroubled.calls(); kill++) {
    const tried = start({ customers: 7 });
    const { world, sweep } = tried;
    await scatterDrift(tried);
    await tried
      .detectDrift({ kill })
      .run()
      .catch(() => undefined);
    for (let again = 0; again < 3; again++) await tried.run();

    const detected = world.committed.filter(({ result }) => result === "Detected");
    expect({ kill, found: detected.map(({ customerId }) => customerId).sort() }).toEqual({
      kill,
      found: [2, 4, 5, 6].map((number) => idOf(number)),
    });
    expect(sweep.verified.size).toBe(7);
    expect(sweep.note?.endedAt).toBeDefined();
    for (const customerId of sweep.known) {
      const entries = world.committed.filter((activity) => activity.customerId === customerId);
      const { sequence, headHash } = world.recordOf(customerId);
      expect(faultIn(JSON.stringify(entries), { sequence, headHash })).toBeUndefined();
    }
  }
});

test("a crash repeats one page at most", async () => {
  const { sweep, reads, detectDrift, run } = start({ customers: 350 });
  // Gate, note, and for each of two pages the list, its policies, what was verified and the note; then into the third.
  await expect(detectDrift({ kill: 2 + 2 * 103 + 50 }).run()).rejects.toThrow("killed");
  expect(sweep.note?.position).toBe(idOf(200));
  reads.length = 0;
  await run();
  expect(reads[0]).toBe(idOf(201));
  expect(reads).toHaveLength(150);
});
