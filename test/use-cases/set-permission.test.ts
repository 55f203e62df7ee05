/** Turning a switch, promise by promise. What any mixture of them does is in permission-state-machine.test.ts. */

import { afterEach, describe, expect, jest, test } from "@jest/globals";
import type { Eligibility } from "../../shared/domain/eligibility.ts";
import { PartnerCenterRefusal } from "../../shared/domain/partner-center-refusal.ts";
import { Refusal } from "../../shared/domain/refusal.ts";
import type { CheckEligibility, EligibilityFinding } from "../../shared/use-cases/check-eligibility.ts";
import { createContinueChange } from "../../shared/use-cases/continue-change.ts";
import { createMovePolicy } from "../../shared/use-cases/move-policy.ts";
import { createSetPermission, type SetPermissionRequest } from "../../shared/use-cases/set-permission.ts";
import { ada, ben, contoso, idOf, noon } from "../fakes/facts.ts";
import { type Call, createInMemoryWorld, type InMemoryWorld } from "../fakes/in-memory-world.ts";
import { type Scripts, type Step, scriptFates } from "../fakes/scripted-fates.ts";

const eligible: EligibilityFinding = {
  eligibility: {
    customerId: contoso,
    result: "Eligible",
    checkedAt: noon.toISOString(),
    checks: [],
    subscriptions: [],
  },
};

const turnOn: SetPermissionRequest = {
  customerId: contoso,
  product: "azureReservations",
  state: "On",
  by: ada,
  requestId: "request-1",
};
const turnOff: SetPermissionRequest = { ...turnOn, state: "Off", requestId: "request-2" };
const repeatableAs = idOf<"change">(0x99);

function start({ finding = eligible }: { finding?: EligibilityFinding } = {}) {
  const world = createInMemoryWorld();
  const checkEligibility = jest.fn<CheckEligibility>(async () => finding);
  let changes = 0;
  const set = createSetPermission({
    ...world,
    checkEligibility,
    newChangeId: () => idOf<"change">(++changes),
  });
  /** Gives these fates to the first calls of that name; the others are done. */
  const fates = (name: Call, ...steps: Step[]) => scriptFates(world, { [name]: steps });
  return { world, set, checkEligibility, fates };
}

afterEach(() => {
  jest.restoreAllMocks();
});

describe("a change", () => {
  test("is one read, one commit and one message", async () => {
    const { world, set, checkEligibility } = start();

    const answer = await set({
      ...turnOn,
      correlationId: "correlation-1",
      reason: "asked for",
      acknowledgedCharges: true,
    });

    expect(world.calls).toEqual(["store.readCustomer", "store.commit", "queue.push"]);
    expect(checkEligibility).toHaveBeenCalledTimes(1);
    expect(answer).toEqual({
      permission: {
        customerId: contoso,
        product: "azureReservations",
        state: "On",
        changedAt: noon.toISOString(),
        changedBy: ada,
        reason: "asked for",
        changeId: idOf(1),
      },
      changed: true,
    });
    expect(world.pendingOf(contoso)).toEqual([
      expect.objectContaining({
        sequence: 1,
        operation: "Create Customer Purchase Permissions",
        by: ada,
        reason: "asked for",
        acknowledgedCharges: true,
        requestId: "request-1",
        correlationId: "correlation-1",
        changeId: idOf(1),
        evidence: { checkedAt: noon.toISOString(), subscriptions: [] },
      }),
    ]);
    const [{ evidence: _, ...message } = { evidence: undefined }] = world.pendingOf(contoso);
    expect(world.messages).toEqual([message]);
    expect(world.warnings).toEqual([]);
  });

  test("to Off needs no eligibility and carries no evidence", async () => {
    const { world, set, checkEligibility } = start();
    await set(turnOn);
    checkEligibility.mockClear();

    const answer = await set(turnOff);

    expect(answer).toMatchObject({ changed: true, permission: { state: "Off", changeId: idOf(2) } });
    expect(checkEligibility).not.toHaveBeenCalled();
    expect(world.pendingOf(contoso)[1]).not.toHaveProperty("evidence");
    expect(world.pendingOf(contoso)[1]).not.toHaveProperty("correlationId");
  });

  test("to what is already so writes nothing and checks nothing", async () => {
    const { world, set, checkEligibility } = start();

    expect(await set(turnOff)).toEqual({
      permission: expect.objectContaining({ state: "Off", changedAt: null, changeId: null }),
      changed: false,
    });
    expect(world.calls).toEqual(["store.readCustomer"]);
    expect(checkEligibility).not.toHaveBeenCalled();
  });

  test("hands the named subscription on to the check", async () => {
    const { set, checkEligibility } = start();

    await set({ ...turnOn, subscriptionId: idOf<"subscription">(7) });

    expect(checkEligibility.mock.calls[0]?.[0]).toMatchObject({ customerId: contoso, subscriptionId: idOf(7) });
  });

  test("is answered as done when the queue is down, and the operators are told", async () => {
    const { world, set, fates } = start();
    fates("queue.push", "refused");

    expect(await set(turnOn)).toMatchObject({ changed: true });
    expect(world.messages).toEqual([]);
    expect(world.pendingOf(contoso)).toHaveLength(1);
    expect(world.warnings).toEqual([
      {
        message: "An activity could not be queued; the sweep will log it.",
        cause: expect.objectContaining({ code: "DependencyUnavailable" }),
      },
    ]);
  });
});

describe("a refused On writes nothing and is told to the operators:", () => {
  const passed = {
    name: "azureSubscription",
    result: "Passed",
    code: "AzureSubscriptionFound",
    message: "One.",
  } as const;
  const noPlan = {
    name: "azureSubscription",
    result: "Failed",
    code: "NoAzureSubscription",
    message: "No plan.",
    remedy: "Buy one.",
  } as const;
  const unseen = { ...noPlan, result: "Inconclusive", code: "NoVisibleSubscription" } as const;
  const noOwner = {
    name: "ownerRole",
    result: "Failed",
    code: "OwnerRoleMissing",
    message: "No owner.",
    remedy: "Assign it.",
  } as const;
  const unread = { ...noOwner, result: "Inconclusive", code: "ReaderRoleMissing", message: "Not readable." } as const;

  const cases: [string, Eligibility["result"], Eligibility["checks"], string, string][] = [
    ["no subscription", "NotEligible", [noPlan, unread], "NoAzureSubscription", "No plan. Buy one."],
    ["no Owner", "NotEligible", [passed, noOwner], "OwnerRoleMissing", "No owner. Assign it."],
    ["no Owner, subscription unsure", "NotEligible", [unseen, noOwner], "OwnerRoleMissing", "No owner. Assign it."],
    ["nothing visible", "Inconclusive", [unseen, unread], "EligibilityInconclusive", "No plan. Buy one."],
    ["roles not readable", "Inconclusive", [passed, unread], "EligibilityInconclusive", "Not readable. Assign it."],
  ];

  test.each(cases)("%s", async (_, result, checks, code, message) => {
    const { world, set } = start({ finding: { eligibility: { ...eligible.eligibility, result, checks } } });

    const refusal = await set(turnOn).catch((error: unknown) => error);

    expect(refusal).toBeInstanceOf(Refusal);
    expect(refusal).toMatchObject({ code, message, details: checks, retryAfterSeconds: undefined });
    expect(world.calls).toEqual(["store.readCustomer"]);
    expect(world.events).toEqual([
      {
        name: "ChangeRefused",
        properties: {
          customerId: contoso,
          product: "azureReservations",
          code,
          checks: checks.map((check) => check.code).join(","),
        },
      },
    ]);
  });

  test("Azure asked to wait, so we ask to wait", async () => {
    const finding: EligibilityFinding = {
      eligibility: { ...eligible.eligibility, result: "Inconclusive", checks: [passed, unread] },
      retryAfterSeconds: 42,
    };
    const { world, set } = start({ finding });

    await expect(set(turnOn)).rejects.toMatchObject({
      code: "DependencyUnavailable",
      message: "The eligibility check is unavailable.",
      retryAfterSeconds: 42,
    });
    expect(world.calls).toEqual(["store.readCustomer"]);
    expect(world.events).toMatchObject([{ properties: { code: "DependencyUnavailable" } }]);
  });

  test("an unexpected error of the check is thrown on", async () => {
    const { world, set, checkEligibility } = start();
    checkEligibility.mockRejectedValue(new TypeError("a bug"));

    await expect(set(turnOn)).rejects.toThrow(new TypeError("a bug"));
    expect(world.committed).toEqual([]);
  });
});

describe("a precondition", () => {
  test("sees the permission as it is, and lets the change through when it holds", async () => {
    const { set } = start();
    await set(turnOn);
    const precondition = jest.fn(() => true);

    await set({ ...turnOff, precondition });

    expect(precondition.mock.calls).toEqual([
      [expect.objectContaining({ customerId: contoso, product: "azureReservations", state: "On", changeId: idOf(1) })],
    ]);
  });

  test.each([
    ["Off since ever", [], turnOn],
    [`On since ${noon.toISOString()}`, [turnOn], turnOff],
  ])("that does not hold refuses the change, because it is %s", async (words, earlier, request) => {
    const { world, set, checkEligibility } = start();
    for (const each of earlier) await set(each);
    checkEligibility.mockClear();
    const before = world.committed.length;

    await expect(set({ ...request, precondition: () => false })).rejects.toMatchObject({
      code: "ConditionNotMet",
      target: "If-Match",
      message: expect.stringContaining(`it is ${words}.`),
    });
    expect(world.committed).toHaveLength(before);
    expect(checkEligibility).not.toHaveBeenCalled();
  });

  test("that does not hold refuses even what is already so", async () => {
    const { set } = start();

    await expect(set({ ...turnOff, precondition: () => false })).rejects.toMatchObject({ code: "ConditionNotMet" });
  });

  test("is asked again after somebody else came first", async () => {
    const { world, set, fates } = start();
    fates("store.commit", () => set({ ...turnOn, by: ben }));

    const refused = set({ ...turnOn, precondition: ({ changeId }) => changeId === null });

    await expect(refused).rejects.toMatchObject({ code: "ConditionNotMet" });
    expect(world.committed.map(({ by }) => by)).toEqual([ben]);
  });
});

describe("a repeated request", () => {
  const request = { ...turnOn, repeatableAs };

  test("gets the first answer again, although the switch was moved since, without any check", async () => {
    const { world, set, checkEligibility } = start();
    const first = await set(request);
    await set(turnOff);
    checkEligibility.mockClear();
    world.calls.length = 0;

    const again = await set({ ...request, requestId: "request-3", precondition: () => false });

    expect(again).toEqual(first);
    expect(again).toMatchObject({ changed: true, permission: { changeId: repeatableAs } });
    expect(world.calls).toEqual(["store.readCustomer", "store.findChange"]);
    expect(checkEligibility).not.toHaveBeenCalled();
    expect(world.recordOf(contoso).switches.azureReservations.state).toBe("Off");
  });

  test.each<[string, Partial<SetPermissionRequest>]>([
    ["state", { state: "Off" }],
    ["product", { product: "azureSavingsPlans" }],
    ["reason", { reason: "another" }],
    ["subscription", { subscriptionId: idOf<"subscription">(1) }],
    ["acknowledgement", { acknowledgedCharges: true }],
  ])("with another %s is refused", async (_, otherwise) => {
    const { world, set } = start();
    await set(request);

    await expect(set({ ...request, ...otherwise })).rejects.toMatchObject({
      code: "RequestIdReused",
      message: expect.stringContaining(repeatableAs),
    });
    expect(world.committed).toHaveLength(1);
  });

  test("of another customer is another request", async () => {
    const { set } = start();
    const other = idOf<"customer">(0xd);
    await set(request);

    expect(await set({ ...request, customerId: other })).toMatchObject({
      changed: true,
      permission: { customerId: other },
    });
  });

  test("is decided anew when the first one was refused or changed nothing", async () => {
    const { set, checkEligibility } = start();
    checkEligibility.mockResolvedValueOnce({ eligibility: { ...eligible.eligibility, result: "NotEligible" } });

    await expect(set(request)).rejects.toBeInstanceOf(Refusal);
    expect(await set({ ...request, state: "Off" })).toMatchObject({ changed: false });
    expect(await set(request)).toMatchObject({ changed: true });
  });

  test("running beside the first one makes one change and gets one answer", async () => {
    const { world, set } = start();

    const [one, other] = await Promise.all([set(request), set(request)]);

    expect(one).toEqual(other);
    expect(world.committed).toHaveLength(1);
  });
});

describe("a commit without a good end", () => {
  test("whose reply was lost is found, and answered as done", async () => {
    const { world, set, checkEligibility, fates } = start();
    fates("store.commit", "replyLost");

    expect(await set(turnOn)).toEqual({
      permission: expect.objectContaining({ state: "On", changeId: idOf(1) }),
      changed: true,
    });
    expect(world.calls).toEqual(["store.readCustomer", "store.commit", "store.readCustomer", "store.findChange"]);
    expect(world.committed).toHaveLength(1);
    expect(checkEligibility).toHaveBeenCalledTimes(1);
  });

  test("that never arrived is made again, with the evidence of the one check", async () => {
    const { world, set, checkEligibility, fates } = start();
    fates("store.commit", "requestLost");

    expect(await set(turnOn)).toMatchObject({ changed: true });
    expect(world.committed).toHaveLength(1);
    expect(world.committed[0]).toMatchObject({ changeId: idOf(1), evidence: expect.any(Object) });
    expect(checkEligibility).toHaveBeenCalledTimes(1);
  });

  test.each<[string, Call]>([
    ["before the state is read again", "store.readCustomer"],
    ["before the change is looked for", "store.findChange"],
    ["before the second commit", "store.commit"],
  ])("that arrives late, %s, is the change", async (_, name) => {
    const { world, set } = start();
    let commits = 0;
    world.fate = (call) => {
      if (call === "store.commit" && ++commits === 1) return "late";
      if (call === name && commits > 0) world.arrive();
      return "done";
    };

    expect(await set(turnOn)).toMatchObject({ changed: true, permission: { changeId: idOf(1) } });
    expect(world.committed).toHaveLength(1);
  });

  test("that arrives after the second one has made the change does nothing any more", async () => {
    const { world, set, fates } = start();
    fates("store.commit", "late");
    await set(turnOn);

    world.arrive();

    expect(world.committed).toHaveLength(1);
    expect(world.recordOf(contoso).sequence).toBe(1);
  });

  test("that another writer came before is decided again over what that one left", async () => {
    const { world, set, checkEligibility, fates } = start();
    fates("store.commit", () => set({ ...turnOn, product: "azureSavingsPlans", by: ben }));

    expect(await set(turnOn)).toMatchObject({ changed: true });
    expect(world.committed.map(({ sequence, by, product }) => [sequence, by, product])).toEqual([
      [1, ben, "azureSavingsPlans"],
      [2, ada, "azureReservations"],
    ]);
    expect(checkEligibility).toHaveBeenCalledTimes(2);
  });

  test("that another writer made unnecessary writes nothing", async () => {
    const { world, set, fates } = start();
    fates("store.commit", () => set({ ...turnOn, by: ben }));

    expect(await set(turnOn)).toMatchObject({ changed: false, permission: { changedBy: ben } });
    expect(world.committed).toHaveLength(1);
  });

  test("is tried again for five seconds, then the caller is told to", async () => {
    const { world, set } = start();
    jest.spyOn(Math, "random").mockReturnValue(0);
    const moves = [0, 4_999, 1];
    world.fate = (call) => {
      if (call !== "store.commit" || moves.length === 0) return "done";
      world.moveClock(moves.shift() ?? 0);
      return "requestLost";
    };

    await expect(set(turnOn)).rejects.toMatchObject({
      code: "DependencyUnavailable",
      message: "Table storage is unavailable.",
      retryAfterSeconds: 5,
    });

    expect(moves).toEqual([]);
    expect(world.calls.filter((call) => call === "store.commit")).toHaveLength(3);
    expect(world.committed).toEqual([]);
  });

  test("is tried again after pauses that grow by 20 ms up to 200 ms, and are random up to that", async () => {
    const pausesWhen = async (random: number) => {
      const { world, set } = start();
      const pause = jest.spyOn(world.clock, "pause");
      jest.spyOn(Math, "random").mockReturnValue(random);
      world.fate = (call) => (call === "store.commit" ? "requestLost" : "done");
      await expect(set(turnOn)).rejects.toMatchObject({ code: "DependencyUnavailable" });
      return pause.mock.calls.slice(0, 12).map(([milliseconds]) => milliseconds);
    };

    expect(await pausesWhen(1)).toEqual([20, 40, 60, 80, 100, 120, 140, 160, 180, 200, 200, 200]);
    expect(await pausesWhen(0.5)).toEqual([10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 100, 100]);
  });

  test("the five seconds begin with the first commit, not with the check before it", async () => {
    const { world, set, checkEligibility, fates } = start();
    checkEligibility.mockImplementation(async () => {
      world.moveClock(20_000);
      return eligible;
    });
    fates("store.commit", "requestLost");

    expect(await set(turnOn)).toMatchObject({ changed: true });
  });

  test("that storage refuses is not tried again", async () => {
    const { world, set, fates } = start();
    fates("store.commit", "refused");

    await expect(set(turnOn)).rejects.toMatchObject({ code: "DependencyUnavailable" });
    expect(world.calls).toEqual(["store.readCustomer", "store.commit"]);
  });
});

test.each<Call>(["store.readCustomer", "store.findChange"])("nothing is decided when %s fails", async (name) => {
  const { world, set, fates, checkEligibility } = start();
  fates(name, "refused");

  await expect(set({ ...turnOn, repeatableAs })).rejects.toMatchObject({ code: "DependencyUnavailable" });
  expect(world.committed).toEqual([]);
  expect(checkEligibility).not.toHaveBeenCalled();
});

describe("where Partner Center has to follow, a change", () => {
  const reservations = { resource: "AzureReservedInstances", action: "Purchase" };
  const savings = { resource: "AzureSavingsPlan", action: "Purchase" };
  const refusal = new PartnerCenterRefusal("RoleMissing", "No role.", { partnerCenterCode: "900150" });

  test("to Off is recorded at once when the relationship has ended: no policy of ours is left", async () => {
    const { world, set, fates, stateOf, results } = startLive();
    await set(turnOn);
    fates({ "policies.read": [new PartnerCenterRefusal("NoRelationship", "Not yours.")] });

    expect(await set(turnOff)).toMatchObject({ changed: true, permission: { state: "Off" } });
    expect(stateOf()).toBe("Off");
    expect(results()).toEqual(["Create Succeeded", "Delete Succeeded"]);
    expect(world.reminders).toEqual([]);
  });

  test("to Off overtakes an On also when the relationship has ended meanwhile, and is followed up", async () => {
    const { world, set, fates, writesDoNothing } = startLive();
    writesDoNothing();
    await set(turnOn);
    const ended = () => new PartnerCenterRefusal("NoRelationship", "Not yours.");
    fates({ "policies.read": [ended(), ended()] });

    expect(await set(turnOff)).toMatchObject({ changed: false, permission: { state: "Off" } });
    expect(world.warnings).toMatchObject([{ message: "Partner Center did not confirm a change; it goes on." }]);
  });

  test("to On is refused without the relationship", async () => {
    const { set, fates } = startLive();
    fates({ "policies.read": [new PartnerCenterRefusal("NoRelationship", "Not yours.")] });

    await expect(set(turnOn)).rejects.toMatchObject({ code: "PartnerCenterRefused" });
  });

  function startLive() {
    const world = createInMemoryWorld();
    const checkEligibility = jest.fn<CheckEligibility>(async () => eligible);
    let ids = 0;
    const newId = () => idOf<"change">(++ids);
    const continueChange = jest.fn(createContinueChange(world, createMovePolicy({ ...world, newId })));
    const set = createSetPermission({
      ...world,
      ...{ checkEligibility, newChangeId: newId, partnerCenter: { ...world, continueChange } },
    });
    const fates = (scripts: Scripts) => scriptFates(world, scripts);
    /** From now on nothing that is written to a policy has an effect. */
    const writesDoNothing = () => {
      world.fate = (call) => (/^policies\.(create|replace|remove)$/.test(call) ? "noEffect" : "done");
    };
    const stateOf = (product = turnOn.product) => world.recordOf(contoso).switches[product].state;
    const results = () => world.committed.map(({ operation, result }) => `${operation.split(" ")[0]} ${result}`);
    return { world, set, checkEligibility, continueChange, fates, writesDoNothing, stateOf, results };
  }

  test("is begun, made in Partner Center, read back, and then answered as done", async () => {
    const { world, set, results } = startLive();

    const answer = await set({ ...turnOn, repeatableAs });

    expect(answer).toEqual({
      permission: expect.objectContaining({ state: "On", changedAt: noon.toISOString(), changeId: repeatableAs }),
      changed: true,
    });
    expect(world.calls).toEqual([
      ...["store.readCustomer", "store.findChange", "policies.read", "store.commit"],
      ...["store.readCustomer", "policies.create", "policies.read", "store.commit", "queue.push"],
    ]);
    expect(new Set(world.policyCalls.map(({ correlationId }) => correlationId))).toEqual(new Set([repeatableAs]));
    expect(new Set(world.policyCalls.map(({ requestId }) => requestId)).size).toBe(world.policyCalls.length);
    expect(world.policyOf(contoso)).toEqual([reservations]);
    expect(results()).toEqual(["Create Succeeded"]);
    expect(world.committed[0]).toMatchObject({
      operationType: "create_self_serve_policy",
      evidence: { checkedAt: noon.toISOString(), subscriptions: [] },
    });
    expect(world.reminders).toEqual([]);
  });

  describe("goes on with the policy that was read to decide on it,", () => {
    const goOf = (calls: readonly Call[]) => calls.slice(calls.indexOf("store.commit") + 1);

    test("when a line is added, which a stale etag would refuse", async () => {
      const { world, set } = startLive();
      world.putPolicy(contoso, [savings]);

      expect(await set(turnOn)).toMatchObject({ changed: true });
      expect(goOf(world.calls)).toEqual([
        ...["store.readCustomer", "policies.replace", "policies.read", "store.commit", "queue.push"],
      ]);
      expect(world.policyOf(contoso)).toEqual([savings, reservations]);
    });

    test("but not to delete it, which would take whatever is there", async () => {
      const { world, set, fates } = startLive();
      await set(turnOn);
      world.calls.length = 0;
      fates({ "store.commit": [() => world.putPolicy(contoso, [reservations, savings])] });

      expect(await set(turnOff)).toMatchObject({ changed: true });
      expect(goOf(world.calls)).toEqual([
        ...["store.readCustomer", "policies.read", "store.findChange", "policies.replace"],
        ...["policies.read", "store.commit", "queue.push"],
      ]);
      expect(world.policyOf(contoso)).toEqual([savings]);
    });

    test("but not when the check took longer than two seconds", async () => {
      const { world, set, checkEligibility } = startLive();
      checkEligibility.mockImplementation(async () => {
        world.moveClock(2_001);
        return eligible;
      });

      expect(await set(turnOn)).toMatchObject({ changed: true });
      expect(goOf(world.calls).slice(0, 4)).toEqual([
        ...["store.readCustomer", "policies.read", "store.findChange", "policies.create"],
      ]);
    });

    test.each<[string, (typeof savings)[] | undefined]>([
      ["created", undefined],
      ["changed", [savings]],
    ])("and finds out when somebody else has %s it meanwhile", async (_, before) => {
      const { world, set, fates } = startLive();
      const foreign = { resource: "SomethingElse", action: "Purchase" };
      world.putPolicy(contoso, before);
      fates({ "store.commit": [() => world.putPolicy(contoso, [foreign])] });

      expect(await set(turnOn)).toMatchObject({ changed: true });
      expect(world.policyOf(contoso)).toEqual([foreign, reservations]);
    });

    test("unless an Off came in between: then nothing is written", async () => {
      const { world, set, fates, results } = startLive();
      fates({ "store.readCustomer": ["done", () => set({ ...turnOff, repeatableAs })] });

      await expect(set(turnOn)).rejects.toMatchObject({ details: [{ code: "Overtaken" }] });
      expect(world.calls.filter((call) => call === "policies.create")).toEqual([]);
      expect(results()).toEqual(["Create Failed"]);
      expect(world.recordOf(contoso).unfinished).toMatchObject({ changeId: repeatableAs, state: "Off" });
    });
  });

  test("that is so in the record and in Partner Center writes nothing", async () => {
    const { world, set, checkEligibility } = startLive();
    await set(turnOn);
    checkEligibility.mockClear();
    world.calls.length = 0;

    expect(await set(turnOn)).toMatchObject({ changed: false, permission: { state: "On" } });
    expect(world.calls).toEqual(["store.readCustomer", "policies.read"]);
    expect(checkEligibility).not.toHaveBeenCalled();
  });

  test("that Partner Center answers with 200 and does not do is not done: the switch is as before", async () => {
    const { world, set, writesDoNothing, stateOf } = startLive();
    writesDoNothing();

    expect(await set(turnOn)).toEqual({
      permission: expect.objectContaining({ state: "Off", changedAt: null, changeId: null }),
      changed: false,
      unfinished: idOf(1),
    });
    expect(stateOf()).toBe("Off");
    expect(world.committed).toEqual([]);
    expect(world.reminders).toEqual([{ change: { customerId: contoso, changeId: idOf(1) }, afterSeconds: 5 }]);
    expect(world.warnings).toEqual([]);
  });

  test("of which the queue cannot remind is accepted all the same, and the operators are told", async () => {
    const { world, set } = startLive();
    world.fate = (call) => {
      if (call === "policies.create") return "noEffect";
      return call === "changes.push" ? "refused" : "done";
    };

    expect(await set(turnOn)).toMatchObject({ changed: false, unfinished: idOf(1) });
    expect(world.warnings).toEqual([
      { message: "A change could not be queued; the sweep goes on with it.", cause: expect.any(Refusal) },
    ]);
    expect(await world.store.listUnfinished(new Date(noon.getTime() + 1))).toHaveLength(1);
  });

  test("that cannot be continued at once is accepted, queued, and told to the operators", async () => {
    const { world, set, continueChange } = startLive();
    const bug = new TypeError("a bug");
    continueChange.mockRejectedValueOnce(bug);

    expect(await set(turnOn)).toMatchObject({ changed: false, unfinished: idOf(1) });
    expect(world.reminders).toHaveLength(1);
    expect(world.warnings).toEqual([
      { message: "A change could not be continued at once; it goes on later.", cause: bug },
    ]);
  });

  test("that is forgotten at once is answered as begun", async () => {
    const { world, set, continueChange } = startLive();
    continueChange.mockResolvedValueOnce(undefined);

    expect(await set(turnOn)).toMatchObject({ changed: false, unfinished: idOf(1) });
    expect(world.reminders).toEqual([]);
  });

  test("that Partner Center refuses to write is refused with the remedy, and logged as failed", async () => {
    const { world, set, fates, stateOf, results } = startLive();
    fates({ "policies.create": [refusal] });

    await expect(set(turnOn)).rejects.toMatchObject({
      code: "PartnerCenterRefused",
      message: expect.stringMatching(/^No role\. Give the account of this service the role Admin Agent/),
      details: [{ code: "RoleMissing", partnerCenterCode: "900150" }],
    });
    expect(stateOf()).toBe("Off");
    expect(results()).toEqual(["Create Failed"]);
    expect(world.committed[0]).toMatchObject({
      error: { code: "RoleMissing", message: "No role.", partnerCenterCode: "900150" },
    });
    expect(world.reminders).toEqual([]);
  });

  test.each([turnOn, turnOff])("that Partner Center refuses to look at is not begun ($state)", async (request) => {
    const { world, set, fates, checkEligibility } = startLive();
    fates({ "policies.read": [refusal] });

    await expect(set(request)).rejects.toMatchObject({
      code: "PartnerCenterRefused",
      details: [{ code: "RoleMissing", partnerCenterCode: "900150" }],
    });
    expect(world.calls).toEqual(["store.readCustomer", "policies.read"]);
    expect(checkEligibility).not.toHaveBeenCalled();
  });

  test("to On is not begun while Partner Center is down", async () => {
    const { world, set, fates } = startLive();
    fates({ "policies.read": ["requestLost"] });

    await expect(set(turnOn)).rejects.toMatchObject({ code: "DependencyUnavailable", retryAfterSeconds: 5 });
    expect(world.calls).toEqual(["store.readCustomer", "policies.read"]);
  });

  test("to Off is begun while Partner Center is down, and followed up", async () => {
    const { world, set, stateOf, results } = startLive();
    await set(turnOn);
    world.fate = (call) => (call.startsWith("policies.") ? "refused" : "done");
    world.calls.splice(0);

    const { unfinished } = await set(turnOff);

    expect(unfinished).toBeDefined();
    expect(stateOf()).toBe("On");
    expect(world.reminders).toMatchObject([{ change: { changeId: unfinished } }]);
    expect(results()).toEqual(["Create Succeeded"]);
    // The caller has waited for one answer that did not come, and does not wait for another.
    expect(world.calls).toEqual(["store.readCustomer", "policies.read", "store.commit", "changes.push"]);
  });

  test("is not begun after an unexpected error of Partner Center's adapter, not even Off", async () => {
    const { world, set, fates } = startLive();
    fates({ "policies.read": [new TypeError("a bug")] });

    await expect(set(turnOff)).rejects.toThrow(new TypeError("a bug"));
    expect(world.recordOf(contoso).unfinished).toBeUndefined();
  });

  describe("where record and policy differ,", () => {
    test("to On adopts what was turned On there, after the check, without touching the policy", async () => {
      const { world, set, checkEligibility, results } = startLive();
      world.putPolicy(contoso, [reservations]);

      expect(await set(turnOn)).toMatchObject({ changed: true, permission: { state: "On" } });
      expect(world.calls).toEqual(["store.readCustomer", "policies.read", "store.commit", "queue.push"]);
      expect(checkEligibility).toHaveBeenCalledTimes(1);
      expect(results()).toEqual(["Create Succeeded"]);
      expect(world.committed[0]).not.toHaveProperty("operationType");
    });

    test("to On does not adopt what is not eligible", async () => {
      const { world, set, checkEligibility, stateOf } = startLive();
      checkEligibility.mockResolvedValue({ eligibility: { ...eligible.eligibility, result: "NotEligible" } });
      world.putPolicy(contoso, [reservations]);

      await expect(set(turnOn)).rejects.toMatchObject({ code: "NoAzureSubscription" });
      expect(stateOf()).toBe("Off");
    });

    test("to Off adopts what was turned Off there", async () => {
      const { world, set, stateOf, results } = startLive();
      await set(turnOn);
      world.putPolicy(contoso, undefined);

      expect(await set(turnOff)).toMatchObject({ changed: true });
      expect(stateOf()).toBe("Off");
      expect(results()).toEqual(["Create Succeeded", "Delete Succeeded"]);
      expect(world.committed[1]).not.toHaveProperty("operationType");
    });

    test("to On puts right what was turned Off there", async () => {
      const { world, set, results } = startLive();
      await set(turnOn);
      world.putPolicy(contoso, [savings]);

      expect(await set(turnOn)).toMatchObject({ changed: true });
      expect(world.policyOf(contoso)).toEqual([savings, reservations]);
      expect(results()).toEqual(["Create Succeeded", "Create Succeeded"]);
    });

    test("to Off puts right what was turned On there", async () => {
      const { world, set, results } = startLive();
      world.putPolicy(contoso, [reservations, savings]);

      expect(await set(turnOff)).toMatchObject({ changed: true });
      expect(world.policyOf(contoso)).toEqual([savings]);
      expect(results()).toEqual(["Delete Succeeded"]);
    });
  });

  describe("while another one is unfinished,", () => {
    const otherOn: SetPermissionRequest = { ...turnOn, product: "azureSavingsPlans" };
    const otherOff: SetPermissionRequest = { ...turnOff, product: "azureSavingsPlans" };

    /** Reservations are on their way to the state, and do not get there. */
    async function stuckOn(state: "On" | "Off") {
      const all = startLive();
      if (state === "Off") all.world.putPolicy(contoso, [reservations]);
      all.writesDoNothing();
      const { unfinished } = await all.set({ ...turnOn, state });
      expect(unfinished).toBeDefined();
      all.world.fate = () => "done";
      return { ...all, stuck: unfinished! };
    }

    test.each<["On" | "Off", string, SetPermissionRequest]>([
      ["On", "another On of it", turnOn],
      ["On", "an On of the other switch", otherOn],
      ["Off", "an On of it", turnOn],
      ["Off", "another Off of it", turnOff],
      ["Off", "an On of the other switch", otherOn],
      ["Off", "an Off of the other switch", otherOff],
    ])("to %s, %s has to wait", async (state, _, request) => {
      const { world, set, stuck } = await stuckOn(state);
      const before = world.recordOf(contoso);
      world.calls.length = 0;

      await expect(set(request)).rejects.toMatchObject({
        code: "ChangeInProgress",
        message: expect.stringContaining(stuck),
        details: [{ changeId: stuck, product: "azureReservations", state, since: noon.toISOString() }],
      });
      expect(world.calls).toEqual(["store.readCustomer", "store.findChange"]);
      expect(world.recordOf(contoso)).toEqual(before);
    });

    test("to On, its Off does not wait: the On is cancelled and logged, and the Off follows after it", async () => {
      const { world, set, stuck, results } = await stuckOn("On");

      const answer = await set({ ...turnOff, by: ben, repeatableAs });

      expect(answer).toMatchObject({ changed: false, unfinished: repeatableAs, permission: { state: "Off" } });
      expect(await world.store.findChange(contoso, stuck)).toMatchObject({
        status: "Canceled",
        error: { code: "Overtaken" },
      });
      expect(results()).toEqual(["Create Failed"]);
      expect(world.committed[0]).toMatchObject({ changeId: stuck, by: ada, error: { code: "Overtaken" } });
      expect(world.messages).toHaveLength(1);
      expect(world.reminders.at(-1)).toMatchObject({ change: { changeId: repeatableAs } });
    });

    test("to On, its Off is not done before the last write of the On has surely landed", async () => {
      const { world, set, continueChange, results } = await stuckOn("On");
      await set({ ...turnOff, repeatableAs });

      world.moveClock(29_999);
      expect(await continueChange(contoso, repeatableAs)).toMatchObject({ status: "Running" });
      world.putPolicy(contoso, [reservations]);
      world.moveClock(1);
      expect(await continueChange(contoso, repeatableAs)).toMatchObject({ status: "Succeeded" });

      expect(world.policyOf(contoso)).toBeUndefined();
      expect(results()).toEqual(["Create Failed", "Delete Succeeded"]);
    });

    test("to On, its Off does not wait for Partner Center either", async () => {
      const { world, set, stuck } = await stuckOn("On");
      world.fate = (call) => (call.startsWith("policies.") ? "refused" : "done");

      expect(await set({ ...turnOff, repeatableAs })).toMatchObject({ unfinished: repeatableAs });
      expect(await world.store.findChange(contoso, stuck)).toMatchObject({ status: "Canceled" });
    });

    describe("to On, an Off of the other switch", () => {
      const other = "azureSavingsPlans";

      /** Savings plans are On before reservations get stuck. */
      async function stuckBesideOn() {
        const all = startLive();
        await all.set(otherOn);
        all.writesDoNothing();
        const { unfinished } = await all.set(turnOn);
        all.world.fate = () => "done";
        return { ...all, stuck: unfinished! };
      }

      test("does not wait either: the On is cancelled and logged, and both are Off in the end", async () => {
        const { world, set, continueChange, stuck, stateOf, results } = await stuckBesideOn();

        const answer = await set({ ...otherOff, by: ben, repeatableAs });

        expect(answer).toMatchObject({ changed: false, unfinished: repeatableAs, permission: { product: other } });
        expect(await world.store.findChange(contoso, stuck)).toMatchObject({
          status: "Canceled",
          error: { code: "Overtaken", message: expect.stringContaining(`turns ${other} Off`) },
        });
        // The overtaken On lands late, with what it had read before.
        world.putPolicy(contoso, [savings, reservations]);
        world.moveClock(30_000);
        expect(await continueChange(contoso, repeatableAs)).toMatchObject({ status: "Succeeded" });
        expect(world.policyOf(contoso)).toBeUndefined();
        expect([stateOf(), stateOf(other)]).toEqual(["Off", "Off"]);
        expect(results()).toEqual(["Create Succeeded", "Create Failed", "Delete Succeeded"]);
        expect(world.committed.map(({ product }) => product)).toEqual([other, "azureReservations", other]);
      });

      test("leaves an On alone that only confirms what is on record", async () => {
        const { world, set, continueChange, writesDoNothing, stateOf } = startLive();
        await set(otherOn);
        await set(turnOn);
        world.putPolicy(contoso, [savings]);
        writesDoNothing();
        expect(await set(turnOn)).toMatchObject({ unfinished: expect.any(String), permission: { state: "On" } });
        world.fate = () => "done";

        await set({ ...otherOff, repeatableAs });
        world.putPolicy(contoso, [savings, reservations]);
        world.moveClock(30_000);
        expect(await continueChange(contoso, repeatableAs)).toMatchObject({ status: "Succeeded" });

        expect(world.policyOf(contoso)).toEqual([reservations]);
        expect([stateOf(), stateOf(other)]).toEqual(["On", "Off"]);
      });

      test("that is so already changes nothing, and the On goes on", async () => {
        const { world, set, continueChange, stuck } = await stuckOn("On");

        expect(await set(otherOff)).toMatchObject({ changed: false, permission: { product: other, state: "Off" } });
        expect(world.committed).toEqual([]);
        expect(await continueChange(contoso, stuck)).toMatchObject({ status: "Succeeded" });
        expect(world.policyOf(contoso)).toEqual([reservations]);
      });

      test.each<[string, (world: InMemoryWorld) => void]>([
        ["was turned On in Partner Center", (world) => world.putPolicy(contoso, [savings])],
        [
          "may be On there, for all we know",
          (world) => {
            world.fate = (call) => (call.startsWith("policies.") ? "refused" : "done");
          },
        ],
      ])("that is so on record and %s goes first as well", async (_, prepare) => {
        const { world, set, stuck } = await stuckOn("On");
        prepare(world);

        expect(await set({ ...otherOff, repeatableAs })).toMatchObject({ unfinished: repeatableAs });
        expect(await world.store.findChange(contoso, stuck)).toMatchObject({ status: "Canceled" });
      });
    });

    test("to On, an Off that comes just as it ends has to wait, and may come again", async () => {
      const { world, set, fates, continueChange, stuck, results } = await stuckOn("On");
      fates({ "store.findChange": [() => continueChange(contoso, stuck)] });

      await expect(set(turnOff)).rejects.toMatchObject({ code: "ChangeInProgress" });
      expect(await set(turnOff)).toMatchObject({ changed: true });
      expect(world.policyOf(contoso)).toBeUndefined();
      expect(results()).toEqual(["Create Succeeded", "Delete Succeeded"]);
    });

    test("and finished just before the Off was committed, the Off is decided again", async () => {
      const { world, set, fates, continueChange, stuck, results } = await stuckOn("On");
      fates({ "store.commit": [() => continueChange(contoso, stuck)] });

      expect(await set(turnOff)).toMatchObject({ changed: true, permission: { state: "Off" } });
      expect(world.policyOf(contoso)).toBeUndefined();
      expect(results()).toEqual(["Create Succeeded", "Delete Succeeded"]);
    });
  });

  describe("that is repeated", () => {
    const request = { ...turnOn, repeatableAs };

    test("while it is running is answered as running, and not begun again", async () => {
      const { world, set, writesDoNothing } = startLive();
      writesDoNothing();
      const first = await set(request);
      world.calls.length = 0;

      expect(await set(request)).toEqual(first);
      expect(first).toMatchObject({ unfinished: repeatableAs });
      expect(world.calls).toEqual(["store.readCustomer", "store.findChange"]);
    });

    test("after it was done at last is answered as done", async () => {
      const { world, set, continueChange, writesDoNothing } = startLive();
      writesDoNothing();
      await set(request);
      world.fate = () => "done";
      await continueChange(contoso, repeatableAs);

      const again = await set(request);

      expect(again).toMatchObject({ changed: true, permission: { state: "On", changeId: repeatableAs } });
      expect(again).not.toHaveProperty("unfinished");
      expect(world.committed).toHaveLength(1);
    });

    test("after it has failed is refused with the same words, and not tried again", async () => {
      const { world, set, fates } = startLive();
      fates({ "policies.create": [refusal] });
      const first = await set(request).catch((error: unknown) => error);
      world.calls.length = 0;

      const again = await set(request).catch((error: unknown) => error);

      expect(again).toBeInstanceOf(Refusal);
      expect(again).toEqual(first);
      expect(again).toMatchObject({ details: (first as Refusal).details });
      expect(world.calls).toEqual(["store.readCustomer", "store.findChange"]);
    });

    test("after it was overtaken is told so", async () => {
      const { world, set, writesDoNothing } = startLive();
      writesDoNothing();
      await set(request);
      await set(turnOff);

      await expect(set(request)).rejects.toMatchObject({
        code: "PartnerCenterRefused",
        details: [{ code: "Overtaken" }],
      });
      expect(world.policyOf(contoso)).toBeUndefined();
    });

    test("with another wish is refused while it is running, and after it has failed", async () => {
      const { set, world, writesDoNothing } = startLive();
      writesDoNothing();
      await set(request);

      await expect(set({ ...request, reason: "another" })).rejects.toMatchObject({ code: "RequestIdReused" });
      await set(turnOff);
      await expect(set({ ...request, reason: "another" })).rejects.toMatchObject({ code: "RequestIdReused" });
      expect(world.committed).toHaveLength(1);
    });

    test("by us, because no answer came to its beginning, is continued all the same", async () => {
      const { set, fates, results, stateOf } = startLive();
      fates({ "store.commit": ["replyLost"] });

      expect(await set(turnOn)).toMatchObject({ changed: true, permission: { state: "On" } });
      expect(stateOf()).toBe("On");
      expect(results()).toEqual(["Create Succeeded"]);
    });

    test("does not stand in the way once the service no longer follows Partner Center", async () => {
      const { world, set, checkEligibility, writesDoNothing, continueChange } = startLive();
      writesDoNothing();
      const { unfinished } = await set(turnOn);
      const setAlone = createSetPermission({ ...world, checkEligibility, newChangeId: () => idOf<"change">(0x99) });

      expect(await setAlone({ ...turnOn, product: "azureSavingsPlans" })).toMatchObject({ changed: true });
      expect(world.recordOf(contoso).unfinished).toBeUndefined();
      world.fate = () => "done";
      expect(await continueChange(contoso, unfinished ?? idOf(0))).toMatchObject({ status: "Running" });
      expect(world.policyOf(contoso)).toBeUndefined();
    });
  });
});
