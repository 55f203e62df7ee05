/** Going on with a change that an operator makes in Partner Center's portal: looking, and nothing else. */

import { describe, expect, test } from "@jest/globals";
import { beginChange, type Change, grantChange, type Wish } from "../../shared/domain/change.ts";
import { PartnerCenterRefusal } from "../../shared/domain/partner-center-refusal.ts";
import { createContinueChange } from "../../shared/use-cases/continue-change.ts";
import { createWatchPolicy } from "../../shared/use-cases/watch-policy.ts";
import { faultIn } from "../fakes/chain-verifier.ts";
import { ada, ben, contoso, idOf, noon } from "../fakes/facts.ts";
import { createInMemoryWorld } from "../fakes/in-memory-world.ts";
import { crashes } from "../fakes/scripted-fates.ts";

const reservations = { resource: "AzureReservedInstances", action: "Purchase" };
const savings = { resource: "AzureSavingsPlan", action: "Purchase" };
const foreign = { resource: "SomethingElse", action: "Purchase" };
const hour = 60 * 60 * 1000;

const on: Wish = { customerId: contoso, product: "azureReservations", state: "On", reason: "asked for" };
const off: Wish = { ...on, state: "Off" };
const changeId = idOf<"change">(1);
const offId = idOf<"change">(2);

function start({ hours = 24, lagSeconds }: { hours?: number; lagSeconds?: number } = {}) {
  const world = createInMemoryWorld();
  let isUnknown = false;
  let ids = 0;
  const witness = {
    read: async (...asked: Parameters<typeof world.policies.read>) => {
      const policy = await world.policies.read(...asked);
      return isUnknown ? "unknown" : policy;
    },
    ...(lagSeconds === undefined ? {} : { lagSeconds }),
  };
  const watch = createWatchPolicy({ policies: witness, clock: world.clock, newId: () => `call ${++ids}` }, hours);
  const continueChange = createContinueChange(world, watch);
  const begin = async (wish: Wish, id = changeId, overtaken?: Change) => {
    const stored = await world.store.readCustomer(contoso);
    const occasion = { changeId: id, by: ada, at: world.clock.now(), requestId: "r" };
    const begun = beginChange(stored.record, wish, occasion, overtaken);
    expect(await world.store.commit(stored, begun)).toBe("committed");
    world.calls.length = 0;
    return begun.created;
  };
  const recordSaysOn = async () => {
    const stored = await world.store.readCustomer(contoso);
    const occasion = { changeId: idOf<"change">(0x77), by: ben, at: noon, requestId: "r" };
    await world.store.commit(stored, grantChange(stored.record, on, occasion));
  };
  return {
    ...{ world, begin, recordSaysOn },
    proceed: (id = changeId) => continueChange(contoso, id),
    hearNothing: () => {
      isUnknown = true;
    },
    stateOf: () => world.recordOf(contoso).switches.azureReservations.state,
    results: () => world.committed.map(({ operation, result }) => `${operation.split(" ")[0]} ${result}`),
  };
}

describe("a change that an operator makes", () => {
  test("is running while the switch is where it was, at the cost of one look and no write", async () => {
    const { world, begin, proceed, stateOf } = start();
    const begun = await begin(on);

    expect(await proceed()).toEqual(begun);
    expect(world.calls).toEqual(["store.readCustomer", "store.findChange", "policies.read", "store.findChange"]);
    expect(world.policyCalls).toEqual([{ name: "read", requestId: "call 1", correlationId: changeId }]);
    expect(stateOf()).toBe("Off");
    expect(world.warnings).toEqual([]);
  });

  test.each([
    ["On", on, [foreign, reservations]],
    ["Off", off, [foreign, savings]],
    ["Off with the last line", off, undefined],
  ] as const)("ends when the policy says %s, in the name of the one who asked", async (_, wish, policy) => {
    const { world, begin, proceed, recordSaysOn, stateOf } = start();
    if (wish === off) await recordSaysOn();
    const entries = world.committed.length;
    await begin(wish);
    world.putPolicy(contoso, policy);
    world.moveClock(3 * hour);

    expect(await proceed()).toMatchObject({ status: "Succeeded", permission: { state: wish.state, changedBy: ada } });

    expect(stateOf()).toBe(wish.state);
    expect(world.policyOf(contoso)).toEqual(policy);
    expect(world.committed.slice(entries)).toMatchObject([
      { result: "Succeeded", by: ada, reason: "asked for", at: new Date(noon.getTime() + 3 * hour).toISOString() },
    ]);
    expect(world.committed.at(-1)).not.toHaveProperty("operationType");
    expect(faultIn(JSON.stringify(world.committed), world.recordOf(contoso))).toBeUndefined();
  });

  test.each([
    ["what is somebody else's", [foreign]],
    ["the other switch", [savings]],
  ])("to On is not confirmed by %s", async (_, policy) => {
    const { world, begin, proceed } = start();
    await begin(on);
    world.putPolicy(contoso, policy);

    expect(await proceed()).toMatchObject({ status: "Running" });
  });

  test.each([
    ["down", "requestLost" as const],
    ["refusing us", new PartnerCenterRefusal("MfaRequired", "No second factor.")],
  ])("waits while Partner Center is %s, and is confirmed later", async (_, fate) => {
    const { world, begin, proceed } = start();
    await begin(on);
    world.putPolicy(contoso, [reservations]);
    world.fate = (call) => {
      if (call !== "policies.read") return "done";
      if (fate instanceof Error) throw fate;
      return fate;
    };

    expect(await proceed()).toMatchObject({ status: "Running" });
    expect(world.warnings).toMatchObject([{ message: "Partner Center did not confirm a change; it goes on." }]);
    world.fate = () => "done";
    expect(await proceed()).toMatchObject({ status: "Succeeded" });
  });
});

describe("a change that nobody makes", () => {
  test.each([
    [1, "1 hour"],
    [24, "24 hours"],
  ])("fails after the time that the operator has got, not a moment before (%i h)", async (hours, named) => {
    const { world, begin, proceed, stateOf, results } = start({ hours });
    await begin(on);

    world.moveClock(hours * hour - 1);
    expect(await proceed()).toMatchObject({ status: "Running" });
    world.moveClock(1);
    const error = {
      code: "NotConfirmed",
      message: `Nobody has moved the switch in Partner Center within ${named}, or we could not see it.`,
    };
    expect(await proceed()).toMatchObject({ status: "Failed", error });

    expect(stateOf()).toBe("Off");
    expect(results()).toEqual(["Create Failed"]);
    expect(world.committed).toMatchObject([{ error, by: ada, changeId }]);
    expect(world.recordOf(contoso)).not.toHaveProperty("unfinished");
  });

  test("fails in time when Partner Center never answers", async () => {
    const { world, begin, proceed } = start();
    await begin(on);
    world.fate = (call) => (call === "policies.read" ? "refused" : "done");
    world.moveClock(24 * hour);

    expect(await proceed()).toMatchObject({ status: "Failed", error: { code: "NotConfirmed" } });
  });

  test("waits longer by as much as the witness lags: what was done at last is still heard of", async () => {
    const { world, begin, proceed } = start({ lagSeconds: 900 });
    await begin(on);

    world.moveClock(24 * hour + 900_000 - 1);
    expect(await proceed()).toMatchObject({ status: "Running" });
    world.putPolicy(contoso, [reservations]);
    world.moveClock(1);
    expect(await proceed()).toMatchObject({ status: "Succeeded" });
  });

  test("and that was made at the very last is confirmed all the same", async () => {
    const { world, begin, proceed } = start();
    await begin(on);
    world.putPolicy(contoso, [reservations]);
    world.moveClock(25 * hour);

    expect(await proceed()).toMatchObject({ status: "Succeeded" });
  });
});

describe("when nothing is heard of the policy,", () => {
  test("On is never confirmed", async () => {
    const { begin, proceed, hearNothing, stateOf } = start();
    await begin(on);
    hearNothing();

    expect(await proceed()).toMatchObject({ status: "Running" });
    expect(stateOf()).toBe("Off");
  });

  test("On is not even confirmed where the record says On", async () => {
    const { begin, proceed, hearNothing, recordSaysOn } = start();
    await recordSaysOn();
    await begin(on);
    hearNothing();

    expect(await proceed()).toMatchObject({ status: "Running" });
  });

  test("Off is not confirmed where the record says On", async () => {
    const { begin, proceed, hearNothing, recordSaysOn, stateOf } = start();
    await recordSaysOn();
    await begin(off);
    hearNothing();

    expect(await proceed()).toMatchObject({ status: "Running" });
    expect(stateOf()).toBe("On");
  });

  test("Off is confirmed where the record says Off: nobody has moved the switch", async () => {
    const { begin, proceed, hearNothing } = start();
    await begin(off);
    hearNothing();

    expect(await proceed()).toMatchObject({ status: "Succeeded", permission: { state: "Off" } });
  });
});

describe("an Off that has overtaken an On", () => {
  async function overtake(lagSeconds?: number) {
    const all = start(lagSeconds === undefined ? {} : { lagSeconds });
    const stuck = await all.begin(on);
    all.world.moveClock(1_000);
    await all.begin(off, offId, stuck);
    return { ...all, finishOff: () => all.proceed(offId) };
  }

  test("is confirmed after 30 seconds when the policy says Off", async () => {
    const { world, finishOff, results } = await overtake();

    world.moveClock(29_999);
    expect(await finishOff()).toMatchObject({ status: "Running" });
    world.moveClock(1);
    expect(await finishOff()).toMatchObject({ status: "Succeeded" });
    expect(results()).toEqual(["Create Failed", "Delete Succeeded"]);
  });

  test("is not confirmed before a late witness has surely heard of an On that was made just before", async () => {
    const { world, finishOff, hearNothing } = await overtake(900);
    hearNothing();

    world.moveClock(30_000 + 900_000 - 1);
    expect(await finishOff()).toMatchObject({ status: "Running" });
    expect(world.policyCalls).toEqual([]);
    world.moveClock(1);
    expect(await finishOff()).toMatchObject({ status: "Succeeded" });
  });

  test("waits until the operator has taken the On back that was made just before", async () => {
    const { world, finishOff } = await overtake();
    world.putPolicy(contoso, [reservations]);
    world.moveClock(hour);

    expect(await finishOff()).toMatchObject({ status: "Running" });
    world.putPolicy(contoso, undefined);
    expect(await finishOff()).toMatchObject({ status: "Succeeded" });
  });
});

test("an error of another kind is thrown on", async () => {
  const { world, begin, proceed } = start();
  await begin(on);
  world.fate = (call) => {
    if (call === "policies.read") throw new TypeError("a bug");
    return "done";
  };

  await expect(proceed()).rejects.toThrow(new TypeError("a bug"));
});

test("a crash at any call heals: the record is what the policy says, and the log has one entry", async () => {
  let healed = 0;
  for (const when of ["before", "after"] as const) {
    for (let crashAt = 0; ; crashAt++) {
      const { world, begin, proceed, stateOf } = start();
      await begin(on);
      world.putPolicy(contoso, [reservations]);
      if (!(await crashes(world, crashAt, when, proceed))) break;
      healed += 1;

      expect(await proceed()).toMatchObject({ status: "Succeeded" });
      expect(stateOf()).toBe("On");
      expect(world.committed).toHaveLength(1);
      expect(faultIn(JSON.stringify(world.committed), world.recordOf(contoso))).toBeUndefined();
    }
  }
  // Five calls, before and after each.
  expect(healed).toBe(10);
});
