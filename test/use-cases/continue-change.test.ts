/** Going on with a change until Partner Center says what the caller wished, and only then. */

import { afterEach, describe, expect, jest, test } from "@jest/globals";
import {
  beginChange,
  type Change,
  failChange,
  finishChange,
  grantChange,
  type Wish,
} from "../../shared/domain/change.ts";
import { PartnerCenterRefusal } from "../../shared/domain/partner-center-refusal.ts";
import { untouchedCustomer } from "../../shared/domain/permission.ts";
import { dependencyUnavailable, Refusal } from "../../shared/domain/refusal.ts";
import { createContinueChange, type SeenPolicy } from "../../shared/use-cases/continue-change.ts";
import { createMovePolicy } from "../../shared/use-cases/move-policy.ts";
import { faultIn } from "../fakes/chain-verifier.ts";
import { ada, ben, contoso, idOf, noon } from "../fakes/facts.ts";
import { type Call, createInMemoryWorld, type Fate } from "../fakes/in-memory-world.ts";
import { crashes, type Scripts, type Step, scriptFates } from "../fakes/scripted-fates.ts";

const reservations = { resource: "AzureReservedInstances", action: "Purchase" };
const savings = { resource: "AzureSavingsPlan", action: "Purchase" };
const foreign = { resource: "SomethingElse", action: "Purchase" };
const minutes = 60_000;

const on: Wish = { customerId: contoso, product: "azureReservations", state: "On", reason: "asked for" };
const off: Wish = { ...on, state: "Off" };
const changeId = idOf<"change">(1);
const refusal = new PartnerCenterRefusal("RoleMissing", "The account lacks a role.", { partnerCenterCode: "900150" });

function start() {
  const world = createInMemoryWorld();
  let ids = 0;
  const continueChange = createContinueChange(world, createMovePolicy({ ...world, newId: () => `call ${++ids}` }));
  const fates = (scripts: Scripts) => scriptFates(world, scripts);
  const occasion = (id: Change["changeId"], by = ada) => ({ changeId: id, by, at: world.clock.now(), requestId: "r" });
  const begin = async (wish: Wish, id = changeId, overtaken?: Change) => {
    const stored = await world.store.readCustomer(contoso);
    const begun = beginChange(stored.record, wish, occasion(id), overtaken);
    expect(await world.store.commit(stored, begun)).toBe("committed");
    world.calls.length = 0;
    return begun.created;
  };
  /** The switch is On, in the record and in Partner Center. */
  const turnedOn = async () => {
    const stored = await world.store.readCustomer(contoso);
    await world.store.commit(stored, grantChange(stored.record, on, occasion(idOf<"change">(0x77), ben)));
    world.putPolicy(contoso, [reservations]);
  };
  const proceed = () => continueChange(contoso, changeId);
  const writes = () => world.policyCalls.filter(({ name }) => name !== "read").map(({ name }) => name);
  const stateOf = () => world.recordOf(contoso).switches.azureReservations.state;
  return { world, continueChange, proceed, fates, begin, occasion, turnedOn, writes, stateOf };
}

afterEach(() => {
  jest.restoreAllMocks();
});

describe("what was read to decide on a change", () => {
  const reads = (calls: readonly { readonly name: string }[]) => calls.filter(({ name }) => name === "read").length;

  test.each<["whole" | "heard of" | "unknown" | "none", number, number]>([
    ["whole", 0, 1],
    ["whole", 2_000, 1],
    ["whole", 2_001, 2],
    ["heard of", 0, 2],
    ["unknown", 0, 2],
    ["none", 0, 1],
  ])(
    "is used when it is fresh and whole, and what is written is read back anyway (%s, %i ms old)",
    async (kind, age, expected) => {
      const { world, continueChange, begin, stateOf } = start();
      if (kind !== "none") world.putPolicy(contoso, [savings]);
      const whole = await world.policies.read(contoso, { requestId: "r", correlationId: "c" });
      const policies = { whole, "heard of": { permissions: [savings] }, unknown: "unknown", none: whole } as const;
      const seen: SeenPolicy = { policy: policies[kind], readAt: world.clock.now() };
      const change = await begin(on);
      const before = reads(world.policyCalls);
      world.moveClock(age);

      await continueChange(contoso, changeId, { change, seen });

      expect(stateOf()).toBe("On");
      expect(reads(world.policyCalls) - before).toBe(expected);
    },
  );
});

test("what was read to decide on a change is used in the first attempt only", async () => {
  const { world, continueChange, begin, fates, writes, stateOf } = start();
  const change = await begin(on);
  fates({ "store.commit": ["requestLost"] });

  await continueChange(contoso, changeId, { change, seen: { policy: undefined, readAt: world.clock.now() } });

  expect(stateOf()).toBe("On");
  expect(writes()).toEqual(["create"]);
});

describe("a change to On", () => {
  test("moves the policy, reads it back, moves the switch, and tells the queue", async () => {
    const { world, proceed, begin } = start();
    const { intent: _, ...begun } = await begin(on);
    world.moveClock(3_000);

    const change = await proceed();

    expect(world.calls).toEqual([
      ...["store.readCustomer", "store.findChange", "policies.read", "store.findChange", "policies.create"],
      ...["policies.read", "store.commit", "queue.push"],
    ]);
    const at = new Date(noon.getTime() + 3_000).toISOString();
    expect(change).toEqual({
      ...begun,
      status: "Succeeded",
      permission: {
        ...{ customerId: contoso, product: "azureReservations", state: "On" },
        ...{ changedAt: at, changedBy: ada, reason: "asked for", changeId },
      },
    });
    expect(await world.store.findChange(contoso, changeId)).toEqual(change);
    expect(world.policyOf(contoso)).toEqual([reservations]);
    expect(world.recordOf(contoso)).toMatchObject({ sequence: 1, switches: { azureReservations: { state: "On" } } });
    expect(world.recordOf(contoso)).not.toHaveProperty("unfinished");
    expect(world.committed).toEqual([
      expect.objectContaining({
        ...{ operation: "Create Customer Purchase Permissions", result: "Succeeded", at, by: ada, changeId },
        operationType: "create_self_serve_policy",
      }),
    ]);
    expect(world.messages).toEqual(world.committed);
    expect(world.warnings).toEqual([]);
  });

  test("gives every call of Partner Center an id of its own, and all of them the change's", async () => {
    const { world, proceed, begin } = start();
    await begin(on);

    await proceed();

    expect(world.policyCalls).toEqual([
      { name: "read", requestId: "call 1", correlationId: changeId },
      { name: "create", requestId: "call 2", correlationId: changeId },
      { name: "read", requestId: "call 3", correlationId: changeId },
    ]);
  });

  test("that the policy says already is only written down, without an operation of Partner Center", async () => {
    const { world, proceed, begin, writes } = start();
    await begin(on);
    world.putPolicy(contoso, [reservations]);

    expect(await proceed()).toMatchObject({ status: "Succeeded" });
    expect(writes()).toEqual([]);
    expect(world.committed[0]).not.toHaveProperty("operationType");
  });

  test("adds to a policy that is there, and keeps what it holds", async () => {
    const { world, proceed, begin } = start();
    await begin(on);
    world.putPolicy(contoso, [foreign, savings]);

    expect(await proceed()).toMatchObject({ status: "Succeeded" });
    expect(world.policyOf(contoso)).toEqual([foreign, savings, reservations]);
    expect(world.committed).toMatchObject([{ operationType: "update_self_serve_policy" }]);
  });
});

describe("a change to Off", () => {
  test("deletes the policy with its last line", async () => {
    const { world, proceed, begin, turnedOn, stateOf } = start();
    await turnedOn();
    await begin(off);

    expect(await proceed()).toMatchObject({ status: "Succeeded", permission: { state: "Off" } });
    expect(world.policyOf(contoso)).toBeUndefined();
    expect(stateOf()).toBe("Off");
    expect(world.committed[1]).toMatchObject({
      operation: "Delete Customer Purchase Permissions",
      operationType: "delete_self_serve_policy",
    });
  });

  test("leaves the other lines in the policy", async () => {
    const { world, proceed, begin, turnedOn } = start();
    await turnedOn();
    world.putPolicy(contoso, [savings, reservations, foreign]);
    await begin(off);

    expect(await proceed()).toMatchObject({ status: "Succeeded" });
    expect(world.policyOf(contoso)).toEqual([savings, foreign]);
  });

  test("stays On in the record while the policy still says On", async () => {
    const { world, proceed, begin, turnedOn, stateOf } = start();
    await turnedOn();
    await begin(off);
    world.fate = (call) => (call === "policies.remove" ? "noEffect" : "done");

    expect(await proceed()).toMatchObject({ status: "Running" });
    expect(stateOf()).toBe("On");
  });
});

describe("what Partner Center answers to a write is not believed:", () => {
  test("a 200 that did nothing is never On, and tried three times in one go", async () => {
    const { world, proceed, begin, writes, stateOf } = start();
    await begin(on);
    world.fate = (call) => (call === "policies.create" ? "noEffect" : "done");

    expect(await proceed()).toMatchObject({ changeId, status: "Running" });
    expect(writes()).toEqual(["create", "create", "create"]);
    expect(world.calls.filter((call) => call === "policies.read")).toHaveLength(4);
    expect(stateOf()).toBe("Off");
    expect(world.committed).toEqual([]);
    expect(world.recordOf(contoso).unfinished).toMatchObject({ changeId, state: "On" });
  });

  test.each<[string, Step[], string[]]>([
    ["a 200 that did nothing, once", ["noEffect"], ["create", "create"]],
    ["a request that was lost", ["requestLost"], ["create", "create"]],
    ["a reply that was lost after the effect", ["replyLost"], ["create"]],
    ["an answer that cannot be relied on", [dependencyUnavailable("Partner Center")], ["create", "create"]],
  ])("%s ends as the policy reads", async (_, steps, written) => {
    const { world, proceed, begin, fates, writes, stateOf } = start();
    await begin(on);
    fates({ "policies.create": steps });

    expect(await proceed()).toMatchObject({ status: "Succeeded" });
    expect(writes()).toEqual(written);
    expect(world.policyOf(contoso)).toEqual([reservations]);
    expect(stateOf()).toBe("On");
    expect(world.committed).toMatchObject([{ operationType: "create_self_serve_policy" }]);
  });

  test("somebody else who creates the policy in between is merged with", async () => {
    const { world, proceed, begin, fates, writes } = start();
    await begin(on);
    fates({ "policies.create": [() => world.putPolicy(contoso, [foreign])] });

    expect(await proceed()).toMatchObject({ status: "Succeeded" });
    expect(writes()).toEqual(["create", "replace"]);
    expect(world.policyOf(contoso)).toEqual([foreign, reservations]);
    expect(world.committed).toMatchObject([{ operationType: "update_self_serve_policy" }]);
  });

  test("somebody else who writes the policy in between is not overwritten", async () => {
    const { world, proceed, begin, fates, writes } = start();
    await begin(on);
    world.putPolicy(contoso, [savings]);
    fates({ "policies.replace": [() => world.putPolicy(contoso, [savings, foreign])] });

    expect(await proceed()).toMatchObject({ status: "Succeeded" });
    expect(writes()).toEqual(["replace", "replace"]);
    expect(world.policyOf(contoso)).toEqual([savings, foreign, reservations]);
  });

  test("somebody else who deletes the policy in between is started anew from", async () => {
    const { world, proceed, begin, fates, writes } = start();
    await begin(on);
    world.putPolicy(contoso, [savings]);
    fates({ "policies.replace": [() => world.putPolicy(contoso, undefined)] });

    expect(await proceed()).toMatchObject({ status: "Succeeded" });
    expect(writes()).toEqual(["replace", "create"]);
    expect(world.policyOf(contoso)).toEqual([reservations]);
  });

  test("somebody else who always comes first is left for later after three moves", async () => {
    const { world, proceed, begin, writes } = start();
    await begin(on);
    world.putPolicy(contoso, [savings]);
    world.fate = (call) => {
      if (call === "policies.replace") world.putPolicy(contoso, [savings]);
      return "done";
    };

    expect(await proceed()).toMatchObject({ status: "Running" });
    expect(writes()).toEqual(["replace", "replace", "replace"]);
  });
});

describe("what was done in Partner Center and could not be read back at once", () => {
  test.each<[string, Wish, (typeof savings)[] | undefined]>([
    ["create", on, undefined],
    ["update", on, [savings]],
    ["update", off, [reservations, savings]],
    ["delete", off, [reservations]],
  ])("is named by the go that reads it (%s to $state)", async (verb, wish, policy) => {
    const { world, proceed, begin, fates, turnedOn, writes } = start();
    if (wish === off) await turnedOn();
    world.putPolicy(contoso, policy);
    await begin(wish);
    fates({ "policies.read": ["done", "requestLost"] });
    expect(await proceed()).toMatchObject({ status: "Running" });

    expect(await proceed()).toMatchObject({ status: "Succeeded" });
    expect(world.committed.at(-1)).toMatchObject({ operationType: `${verb}_self_serve_policy` });
    expect(writes()).toHaveLength(1);
    expect(faultIn(JSON.stringify(world.committed), world.recordOf(contoso))).toBeUndefined();
  });

  test("is noted once, and nothing but the note is written", async () => {
    const { world, proceed, begin, fates } = start();
    const begun = await begin(on);
    const before = world.recordOf(contoso);
    fates({ "policies.read": ["done", "requestLost", "requestLost"] });

    await proceed();
    expect(await proceed()).toEqual({
      ...begun,
      intent: { ...begun.intent, attempted: "create_self_serve_policy" },
    });
    expect(world.recordOf(contoso)).toEqual(before);
    expect(world.committed).toEqual([]);
    expect(world.calls.filter((call) => call === "store.commit")).toHaveLength(1);
  });

  test("is not noted again when the same was tried once more", async () => {
    const { world, proceed, begin, fates, writes } = start();
    await begin(on);
    fates({
      "policies.read": ["done", "requestLost", "done", "requestLost"],
      "policies.create": ["noEffect", "noEffect"],
    });

    await proceed();
    await proceed();
    expect(writes()).toEqual(["create", "create"]);
    expect(world.calls.filter((call) => call === "store.commit")).toHaveLength(1);
  });

  test("is named after what was tried last", async () => {
    const { world, proceed, begin, fates } = start();
    await begin(on);
    fates({ "policies.read": ["done", "requestLost"], "policies.create": ["noEffect"] });
    await proceed();
    world.putPolicy(contoso, [savings]);

    expect(await proceed()).toMatchObject({ status: "Succeeded" });
    expect(world.committed).toMatchObject([{ operationType: "update_self_serve_policy" }]);
  });

  const unnoted = "What was tried in Partner Center could not be noted; the log will not name it.";
  test.each<[string, Scripts, string[]]>([
    ["a crash", { "policies.read": ["done", new RangeError("killed")] }, []],
    ["a note that was lost", { "policies.read": ["done", "requestLost"], "store.commit": ["requestLost"] }, []],
    [
      "a note that storage refused",
      { "policies.read": ["done", "requestLost"], "store.commit": ["refused"] },
      [unnoted],
    ],
  ])("is not named after %s: nobody knows it any more", async (_, scripts, warnings) => {
    const { world, proceed, begin, fates } = start();
    await begin(on);
    fates(scripts);
    await proceed().catch((error: Error) => expect(error.message).toBe("killed"));

    expect(await proceed()).toMatchObject({ status: "Succeeded" });
    expect(world.committed).toMatchObject([{ result: "Succeeded" }]);
    expect(world.committed[0]).not.toHaveProperty("operationType");
    expect(world.warnings.slice(1).map(({ message }) => message)).toEqual(warnings);
  });

  test("is not noted on a change that was overtaken meanwhile", async () => {
    const { world, proceed, begin, fates } = start();
    const stuck = await begin(on);
    fates({
      "policies.read": [
        "done",
        async () => {
          await begin(off, idOf<"change">(2), stuck);
          throw dependencyUnavailable("Partner Center");
        },
      ],
    });

    const change = await proceed();
    expect(change).toMatchObject({ status: "Canceled" });
    expect(change).not.toHaveProperty("intent");
    expect(world.recordOf(contoso).unfinished).toMatchObject({ changeId: idOf<"change">(2) });
  });
});

describe("a refusal", () => {
  test.each<[string, Wish, Call, (typeof savings)[] | undefined]>([
    ["create", on, "policies.create", undefined],
    ["update", on, "policies.replace", [savings]],
    ["delete", off, "policies.remove", [reservations]],
  ])("of the %s fails the change, and the log says why", async (_, wish, call, policy) => {
    const { world, proceed, begin, fates, turnedOn } = start();
    if (wish === off) await turnedOn();
    const before = world.recordOf(contoso);
    const { intent: __, ...begun } = await begin(wish);
    world.putPolicy(contoso, policy);
    fates({ [call]: [refusal] });

    const change = await proceed();

    const error = { code: "RoleMissing", message: "The account lacks a role.", partnerCenterCode: "900150" };
    expect(change).toEqual({ ...begun, status: "Failed", error });
    expect(await world.store.findChange(contoso, changeId)).toEqual(change);
    expect(world.policyOf(contoso)).toEqual(policy);
    const { switches, unfinished } = world.recordOf(contoso);
    expect({ switches, unfinished }).toEqual({ switches: before.switches, unfinished: undefined });
    const [operation] = [wish.state === "On" ? "Create" : "Delete"];
    expect(world.committed.at(-1)).toMatchObject({
      ...{ operation: `${operation} Customer Purchase Permissions`, result: "Failed", error, changeId, by: ada },
      reason: "asked for",
    });
    expect(world.committed.at(-1)).not.toHaveProperty("operationType");
    expect(world.messages.at(-1)).toEqual(world.committed.at(-1));
    expect(faultIn(JSON.stringify(world.committed), world.recordOf(contoso))).toBeUndefined();
  });

  test("that has no code of Partner Center's own leaves none in the log", async () => {
    const { world, proceed, begin, fates } = start();
    await begin(on);
    fates({ "policies.create": [new PartnerCenterRefusal("Refused", "No.")] });

    await proceed();

    expect(world.committed[0]?.error).toEqual({ code: "Refused", message: "No." });
  });

  test.each<[string, Error | Fate]>([
    ["a refusal", refusal],
    ["no answer", "requestLost"],
  ])("of reading leaves the change running, and the operators are told (%s)", async (_, step) => {
    const { world, proceed, begin, fates, writes } = start();
    const begun = await begin(on);
    fates({ "policies.read": [step] });

    expect(await proceed()).toEqual(begun);
    expect(writes()).toEqual([]);
    expect(world.committed).toEqual([]);
    expect(world.warnings).toEqual([
      {
        message: "Partner Center did not confirm a change; it goes on.",
        cause: step instanceof Error ? step : expect.objectContaining({ code: "DependencyUnavailable" }),
      },
    ]);
  });

  test("of reading back leaves it running too, although the policy was moved", async () => {
    const { world, proceed, begin, fates, stateOf } = start();
    await begin(on);
    fates({ "policies.read": ["done", "requestLost"] });

    expect(await proceed()).toMatchObject({ status: "Running" });
    expect([world.policyOf(contoso), stateOf()]).toEqual([[reservations], "Off"]);

    expect(await proceed()).toMatchObject({ status: "Succeeded" });
    expect(stateOf()).toBe("On");
  });

  test.each<[string, Error | Fate, number]>([
    ["a refusal is an answer", refusal, 0],
    ["no answer is none", "requestLost", 1],
  ])("of reading: %s, for whoever wants to know whether there was one", async (_, step, silences) => {
    const { continueChange, begin, fates } = start();
    await begin(on);
    fates({ "policies.read": [step] });
    const onSilence = jest.fn();

    expect(await continueChange(contoso, changeId, undefined, onSilence)).toMatchObject({ status: "Running" });

    expect(onSilence).toHaveBeenCalledTimes(silences);
  });

  test.each<Call>(["policies.read", "policies.create"])("of another kind, from %s, is thrown on", async (call) => {
    const { world, proceed, begin, fates } = start();
    await begin(on);
    fates({ [call]: [new TypeError("a bug")] });

    await expect(proceed()).rejects.toThrow(new TypeError("a bug"));
    expect(world.committed).toEqual([]);
    expect(world.warnings).toEqual([]);
  });
});

test("a slow Partner Center is not asked for a further move once a go has taken 15 seconds", async () => {
  const { world, proceed, begin, fates, writes } = start();
  await begin(on);
  fates({ "policies.read": [() => world.moveClock(15_000)] });

  expect(await proceed()).toMatchObject({ status: "Running" });
  expect(writes()).toEqual([]);
  expect(await proceed()).toMatchObject({ status: "Succeeded" });
});

describe("after 15 minutes", () => {
  const given = { code: "NotConfirmed", message: "Partner Center has not confirmed the change within 15 minutes." };

  test.each<[string, (call: Call) => Fate]>([
    ["that did nothing", (call) => (call === "policies.create" ? "noEffect" : "done")],
    ["without an answer", (call) => (call === "policies.read" ? "refused" : "done")],
  ])("a change %s is given up, not a moment before", async (_, fate) => {
    const { world, proceed, begin, stateOf } = start();
    await begin(on);
    world.fate = fate;

    world.moveClock(15 * minutes - 1);
    expect(await proceed()).toMatchObject({ status: "Running" });
    world.moveClock(1);
    expect(await proceed()).toMatchObject({ status: "Failed", error: given });

    expect(stateOf()).toBe("Off");
    expect(world.recordOf(contoso).unfinished).toBeUndefined();
    expect(world.committed).toMatchObject([{ result: "Failed", error: given, changeId }]);
  });

  test("a change that Partner Center confirms at last has succeeded", async () => {
    const { world, proceed, begin } = start();
    await begin(on);
    world.moveClock(20 * minutes);

    expect(await proceed()).toMatchObject({ status: "Succeeded" });
  });

  test("a change that was ended by somebody else is not given up", async () => {
    const { world, continueChange, proceed, begin, fates } = start();
    await begin(on);
    world.moveClock(15 * minutes);
    fates({ "policies.read": ["refused"], "store.commit": [() => continueChange(contoso, changeId)] });

    expect(await proceed()).toMatchObject({ status: "Succeeded" });
    expect(world.committed).toHaveLength(1);
  });
});

describe("an Off that has overtaken an On", () => {
  const offId = idOf<"change">(2);

  async function overtake() {
    const all = start();
    const stuck = await all.begin(on);
    all.world.moveClock(1_000);
    await all.begin(off, offId, stuck);
    return { ...all, finishOff: () => all.continueChange(contoso, offId) };
  }

  test("ends the On as cancelled, and the log says so", async () => {
    const { world } = await overtake();

    const error = {
      code: "Overtaken",
      message: `Change ${offId} turned the permission Off before this one was confirmed.`,
    };
    const cancelled = await world.store.findChange(contoso, changeId);
    expect(cancelled).toMatchObject({ status: "Canceled", error, permission: { state: "Off", changeId: null } });
    expect(cancelled).not.toHaveProperty("intent");
    expect(world.committed).toMatchObject([
      { operation: "Create Customer Purchase Permissions", result: "Failed", error, changeId },
    ]);
    expect(world.recordOf(contoso).unfinished).toMatchObject({ changeId: offId, state: "Off" });
  });

  test("is not finished for 30 seconds, although the policy reads Off already", async () => {
    const { world, finishOff, writes } = await overtake();

    world.moveClock(29_999);
    expect(await finishOff()).toMatchObject({ changeId: offId, status: "Running" });
    world.moveClock(1);
    expect(await finishOff()).toMatchObject({ changeId: offId, status: "Succeeded" });
    expect(writes()).toEqual([]);
    expect(world.committed.map(({ result }) => result)).toEqual(["Failed", "Succeeded"]);
    expect(faultIn(JSON.stringify(world.committed), world.recordOf(contoso))).toBeUndefined();
  });

  test("takes back what the On wrote late", async () => {
    const { world, finishOff } = await overtake();
    expect(await finishOff()).toMatchObject({ status: "Running" });
    world.putPolicy(contoso, [reservations]);
    world.moveClock(30_000);

    expect(await finishOff()).toMatchObject({ status: "Succeeded" });
    expect(world.policyOf(contoso)).toBeUndefined();
  });

  test("writes at once when there is something to take back, and still waits", async () => {
    const { world, finishOff } = await overtake();
    world.putPolicy(contoso, [reservations]);

    expect(await finishOff()).toMatchObject({ status: "Running" });
    expect(world.policyOf(contoso)).toBeUndefined();
    world.moveClock(30_000);
    expect(await finishOff()).toMatchObject({ status: "Succeeded" });
    expect(world.committed[1]).toMatchObject({ operationType: "delete_self_serve_policy" });
  });

  test("stops the On that is being continued: it writes no more", async () => {
    const { world, begin, proceed, fates, writes } = start();
    const stuck = await begin(on);
    fates({ "policies.read": [async () => void (await begin(off, offId, stuck))] });

    expect(await proceed()).toMatchObject({ changeId, status: "Canceled" });
    expect(writes()).toEqual([]);
    expect(world.policyOf(contoso)).toBeUndefined();
  });

  test("stops it between two of its moves as well", async () => {
    const { begin, proceed, fates, writes } = start();
    const stuck = await begin(on);
    fates({ "policies.create": ["requestLost"], "policies.read": ["done", () => begin(off, offId, stuck)] });

    expect(await proceed()).toMatchObject({ changeId, status: "Canceled" });
    expect(writes()).toEqual(["create"]);
  });

  test("is not undone by an On whose policy read On just before", async () => {
    const { world, begin, proceed, fates, stateOf } = start();
    const stuck = await begin(on);
    world.putPolicy(contoso, [reservations]);
    fates({ "store.commit": [() => begin(off, offId, stuck)] });

    expect(await proceed()).toMatchObject({ changeId, status: "Canceled" });
    expect(stateOf()).toBe("Off");
    expect(world.committed).toMatchObject([{ result: "Failed", changeId }]);
  });
});

describe("an Off that has overtaken an On of the other switch", () => {
  const offId = idOf<"change">(2);
  const otherOn: Wish = { ...on, product: "azureSavingsPlans" };

  /** Reservations are On; savings plans are on their way to On and do not get there; reservations are turned Off. */
  async function overtake({ recorded = "Off" }: { recorded?: "On" | "Off" } = {}) {
    const all = start();
    const { world } = all;
    await all.turnedOn();
    if (recorded === "On") {
      const stored = await world.store.readCustomer(contoso);
      const earlier = { ...all.occasion(idOf<"change">(0x78), ben) };
      await world.store.commit(stored, grantChange(stored.record, otherOn, earlier));
    }
    const stuck = await all.begin(otherOn);
    world.moveClock(1_000);
    const begun = await all.begin(off, offId, stuck);
    const entries = world.committed.length;
    const states = () => Object.values(world.recordOf(contoso).switches).map(({ state }) => state);
    return { ...all, begun, entries, states, finishOff: () => all.continueChange(contoso, offId) };
  }
  const words = `Change ${offId}, which turns azureReservations Off, came before this one was confirmed.`;

  test("ends the On as cancelled, and the log says what becomes of it", async () => {
    const { world, begun } = await overtake();

    const error = {
      code: "Overtaken",
      message: `${words} It also takes back what this one may bring about in Partner Center.`,
    };
    expect(await world.store.findChange(contoso, changeId)).toMatchObject({ status: "Canceled", error });
    expect(world.committed.at(-1)).toMatchObject({
      ...{ operation: "Create Customer Purchase Permissions", product: "azureSavingsPlans", result: "Failed" },
      ...{ error, changeId },
    });
    expect(begun.intent).toMatchObject({ alsoOff: "azureSavingsPlans", notBefore: "2026-03-01T12:00:31.000Z" });
    expect(world.recordOf(contoso).unfinished).toMatchObject({ changeId: offId, product: "azureReservations" });
  });

  test.each<[string, (typeof savings)[], (typeof savings)[] | undefined, string]>([
    ["both", [reservations, savings], undefined, "delete"],
    ["both, beside somebody else's", [savings, foreign, reservations], [foreign], "update"],
    ["the other one, which came late", [savings], undefined, "delete"],
  ])("takes back %s in one write, and is done after 30 seconds", async (_, before, after, verb) => {
    const { world, entries, states, finishOff, writes } = await overtake();
    world.putPolicy(contoso, before);

    expect(await finishOff()).toMatchObject({ status: "Running" });
    expect(world.policyOf(contoso)).toEqual(after);
    world.moveClock(30_000);
    expect(await finishOff()).toMatchObject({ status: "Succeeded" });

    expect(writes()).toHaveLength(1);
    expect(states()).toEqual(["Off", "Off"]);
    expect(world.committed.slice(entries)).toMatchObject([
      { product: "azureReservations", result: "Succeeded", operationType: `${verb}_self_serve_policy` },
    ]);
    expect(faultIn(JSON.stringify(world.committed), world.recordOf(contoso))).toBeUndefined();
  });

  test("takes back what the On writes late, even if that brings both back", async () => {
    const { world, finishOff } = await overtake();
    expect(await finishOff()).toMatchObject({ status: "Running" });
    expect(world.policyOf(contoso)).toBeUndefined();
    world.putPolicy(contoso, [reservations, savings]);
    world.moveClock(30_000);

    expect(await finishOff()).toMatchObject({ status: "Succeeded" });
    expect(world.policyOf(contoso)).toBeUndefined();
  });

  test("leaves the other switch On when it was so on record, and was only being confirmed", async () => {
    const { world, begun, entries, states, finishOff } = await overtake({ recorded: "On" });
    expect(begun.intent).not.toHaveProperty("alsoOff");
    expect(world.committed.at(-1)).toMatchObject({
      ...{ product: "azureSavingsPlans", result: "Failed" },
      error: { code: "Overtaken", message: `${words} This permission stays On as recorded.` },
    });
    world.putPolicy(contoso, [reservations, savings]);

    expect(await finishOff()).toMatchObject({ status: "Running" });
    // The On lands late, with what it had read before.
    world.putPolicy(contoso, [reservations, savings]);
    world.moveClock(30_000);
    expect(await finishOff()).toMatchObject({ status: "Succeeded" });

    expect(world.policyOf(contoso)).toEqual([savings]);
    expect(states()).toEqual(["Off", "On"]);
    expect(world.committed.slice(entries)).toMatchObject([{ product: "azureReservations", result: "Succeeded" }]);
  });

  test("stops the On that is being continued: it writes no more", async () => {
    const { world, begin, proceed, fates, turnedOn, writes } = start();
    await turnedOn();
    const stuck = await begin(otherOn);
    fates({ "policies.read": [async () => void (await begin(off, offId, stuck))] });

    expect(await proceed()).toMatchObject({ changeId, status: "Canceled" });
    expect(writes()).toEqual([]);
    expect(world.policyOf(contoso)).toEqual([reservations]);
  });

  test("is given up like any other, and the record of both stays as it was", async () => {
    const { fates, states, finishOff } = await overtake();
    fates({ "policies.remove": [refusal] });

    expect(await finishOff()).toMatchObject({ status: "Failed", error: { code: "RoleMissing" } });
    expect(states()).toEqual(["On", "Off"]);
  });
});

describe("the end of a change", () => {
  test("is written once, when two continue it at a time", async () => {
    const { world, proceed, begin } = start();
    await begin(on);

    const [one, other] = await Promise.all([proceed(), proceed()]);

    expect(one).toEqual(other);
    expect(one).toMatchObject({ status: "Succeeded" });
    expect(world.committed).toHaveLength(1);
    expect(world.messages).toHaveLength(1);
  });

  test.each<[string, Fate, number]>([
    ["was lost before it arrived", "requestLost", 2],
    ["was written although no answer came", "replyLost", 1],
  ])("that %s is looked for, then written again if need be", async (_, fate, commits) => {
    const { world, proceed, begin, fates } = start();
    await begin(on);
    fates({ "store.commit": [fate] });

    expect(await proceed()).toMatchObject({ status: "Succeeded" });
    expect(world.calls.filter((call) => call === "store.commit")).toHaveLength(commits);
    expect(world.committed).toMatchObject([{ operationType: "create_self_serve_policy" }]);
  });

  test("that cannot be written is left to the next one after five attempts with growing pauses", async () => {
    const { world, proceed, begin, stateOf } = start();
    const begun = await begin(on);
    const pause = jest.spyOn(world.clock, "pause");
    jest.spyOn(Math, "random").mockReturnValue(1);
    world.fate = (call) => (call === "store.commit" ? "requestLost" : "done");

    expect(await proceed()).toEqual(begun);
    expect(world.calls.filter((call) => call === "store.commit")).toHaveLength(5);
    expect(pause.mock.calls).toEqual([[100], [200], [300], [400]]);
    expect([world.policyOf(contoso), stateOf()]).toEqual([[reservations], "Off"]);
  });

  test("that storage refuses is thrown on, and the next one heals it", async () => {
    const { proceed, begin, fates, stateOf } = start();
    await begin(on);
    fates({ "store.commit": ["refused"] });

    await expect(proceed()).rejects.toMatchObject({ code: "DependencyUnavailable" });
    expect(await proceed()).toMatchObject({ status: "Succeeded" });
    expect(stateOf()).toBe("On");
  });

  test("is kept when the queue is down, and the operators are told", async () => {
    const { world, proceed, begin, fates } = start();
    await begin(on);
    fates({ "queue.push": ["refused"] });

    expect(await proceed()).toMatchObject({ status: "Succeeded" });
    expect(world.messages).toEqual([]);
    expect(world.pendingOf(contoso)).toHaveLength(1);
    expect(world.warnings).toEqual([
      {
        message: "An activity could not be queued; the sweep will log it.",
        cause: expect.any(Refusal),
      },
    ]);
  });

  test("is told again to whoever asks, without a call of Partner Center", async () => {
    const { world, proceed, begin } = start();
    await begin(on);
    const first = await proceed();
    world.calls.length = 0;

    expect(await proceed()).toEqual(first);
    expect(world.calls).toEqual(["store.readCustomer", "store.findChange"]);
  });
});

test("a change that nobody has begun is none", async () => {
  const { world, proceed } = start();

  expect(await proceed()).toBeUndefined();
  expect(world.policyCalls).toEqual([]);
});

test("a crash at any call heals: the record is what the policy says, and the log has one entry", async () => {
  let healed = 0;
  for (const wish of [on, off]) {
    for (const when of ["before", "after"] as const) {
      for (let crashAt = 0; ; crashAt++) {
        const { world, proceed, begin, turnedOn, stateOf } = start();
        if (wish === off) await turnedOn();
        await begin(wish);
        const entries = world.committed.length;
        if (!(await crashes(world, crashAt, when, proceed))) break;
        healed += 1;

        expect(await proceed()).toMatchObject({ status: "Succeeded" });
        expect(stateOf()).toBe(wish.state);
        expect(world.policyOf(contoso)).toEqual(wish === on ? [reservations] : undefined);
        expect(world.committed).toHaveLength(entries + 1);
        expect(faultIn(JSON.stringify(world.committed), world.recordOf(contoso))).toBeUndefined();
      }
    }
  }
  // Eight calls, before and after each, to On and to Off.
  expect(healed).toBe(32);
});

test("a change that has ended can be neither finished, failed nor overtaken", () => {
  const record = untouchedCustomer(contoso);
  const occasion = { changeId, by: ada, at: noon, requestId: "r" };
  const { created } = grantChange(record, on, occasion);
  const words = `Change ${changeId} is not running.`;

  expect(() => finishChange(record, created, noon, undefined)).toThrow(words);
  expect(() => failChange(record, created, noon, { code: "Refused", message: "No." })).toThrow(words);
  expect(() => beginChange(record, off, { ...occasion, changeId: idOf<"change">(2) }, created)).toThrow(words);
});
