/** Turning a switch where an operator has to move it in Partner Center: asked for, verified, recorded. */

import { describe, expect, jest, test } from "@jest/globals";
import { manualStepsOf } from "../../shared/domain/manual-steps.ts";
import { PartnerCenterRefusal } from "../../shared/domain/partner-center-refusal.ts";
import type { CheckEligibility, EligibilityFinding } from "../../shared/use-cases/check-eligibility.ts";
import { createContinueChange } from "../../shared/use-cases/continue-change.ts";
import { createGetOperation } from "../../shared/use-cases/get-operation.ts";
import { createSetPermission, type SetPermissionRequest } from "../../shared/use-cases/set-permission.ts";
import { createWatchPolicy } from "../../shared/use-cases/watch-policy.ts";
import { ada, ben, contoso, idOf, noon } from "../fakes/facts.ts";
import { type Call, createInMemoryWorld } from "../fakes/in-memory-world.ts";

const eligible: EligibilityFinding = {
  eligibility: {
    ...{ customerId: contoso, result: "Eligible", checkedAt: noon.toISOString() },
    ...{ checks: [], subscriptions: [] },
  },
};
const turnOn: SetPermissionRequest = {
  ...{ customerId: contoso, product: "azureReservations", state: "On" },
  ...{ by: ada, requestId: "request-1" },
};
const turnOff: SetPermissionRequest = { ...turnOn, state: "Off", requestId: "request-2" };
const reservations = { resource: "AzureReservedInstances", action: "Purchase" };
const savings = { resource: "AzureSavingsPlan", action: "Purchase" };
const foreign = { resource: "SomethingElse", action: "Purchase" };
const repeatableAs = idOf<"change">(0x99);
const manualHours = 24;

function start() {
  const world = createInMemoryWorld();
  const checkEligibility = jest.fn<CheckEligibility>(async () => eligible);
  let ids = 0;
  let isUnknown = false;
  const newId = () => idOf<"change">(++ids);
  const policies = {
    read: async (...asked: Parameters<typeof world.policies.read>) => {
      const policy = await world.policies.read(...asked);
      return isUnknown ? "unknown" : policy;
    },
  };
  const { store, clock } = world;
  const continueChange = createContinueChange(world, createWatchPolicy({ policies, clock, newId }, manualHours));
  const partnerCenter = { policies, continueChange, manualHours };
  const { queue, telemetry } = world;
  const set = createSetPermission({
    ...{ store, queue, telemetry, clock, checkEligibility, newChangeId: newId, partnerCenter },
  });
  /** The record says On, and Partner Center as well. */
  const turnedOn = async () => {
    world.putPolicy(contoso, [reservations]);
    expect(await set(turnOn)).toMatchObject({ changed: true });
    checkEligibility.mockClear();
    world.calls.length = 0;
  };
  const answerReadsWith = (what: "refused" | Error) => {
    world.fate = (call: Call) => {
      if (call !== "policies.read") return "done";
      if (what instanceof Error) throw what;
      return what;
    };
  };
  return {
    ...{ world, set, checkEligibility, continueChange, turnedOn, answerReadsWith },
    getOperation: createGetOperation(store, manualHours),
    hearNothing: (nothing = true) => {
      isUnknown = nothing;
    },
    stateOf: () => world.recordOf(contoso).switches.azureReservations.state,
    results: () => world.committed.map(({ operation, result }) => `${operation.split(" ")[0]} ${result}`),
    writes: () => world.policyCalls.filter(({ name }) => name !== "read"),
  };
}

describe("a switch that somebody has to move", () => {
  test("is asked for: the answer says how, nothing is moved, and no queue reminds", async () => {
    const { world, set, checkEligibility, stateOf, writes } = start();

    const answer = await set(turnOn);

    const begun = await world.store.findChange(contoso, idOf(1));
    expect(answer).toEqual({
      permission: expect.objectContaining({ state: "Off", changeId: null }),
      ...{ changed: false, unfinished: idOf(1), manualSteps: manualStepsOf(begun!, manualHours) },
    });
    expect(answer.manualSteps?.steps).toHaveLength(6);
    expect(checkEligibility).toHaveBeenCalledTimes(1);
    expect([stateOf(), writes(), world.reminders, world.committed]).toEqual(["Off", [], [], []]);
  });

  test("is in force when it was moved, with the log entry of the one who asked", async () => {
    const { world, set, continueChange, results } = start();
    await set({ ...turnOn, repeatableAs });
    world.putPolicy(contoso, [foreign, reservations]);
    await continueChange(contoso, repeatableAs);

    expect(await set({ ...turnOn, repeatableAs })).toEqual({
      permission: expect.objectContaining({ state: "On", changedBy: ada }),
      changed: true,
    });
    expect(results()).toEqual(["Create Succeeded"]);
  });

  test("shows the same steps in its operation while it runs, and none afterwards", async () => {
    const { world, set, continueChange, getOperation } = start();
    const { manualSteps } = await set({ ...turnOn, repeatableAs });

    expect(await getOperation(contoso, repeatableAs)).toMatchObject({ status: "Running", manualSteps });
    world.putPolicy(contoso, [reservations]);
    await continueChange(contoso, repeatableAs);
    const ended = await getOperation(contoso, repeatableAs);
    expect(ended).toMatchObject({ status: "Succeeded" });
    expect(ended).not.toHaveProperty("manualSteps");
  });

  test("says the same steps to a request that is repeated", async () => {
    const { world, set } = start();
    const first = await set({ ...turnOn, repeatableAs });
    world.moveClock(60_000);

    expect(await set({ ...turnOn, repeatableAs })).toEqual(first);
  });

  test("is not asked for when the customer is not eligible", async () => {
    const { world, set, checkEligibility } = start();
    checkEligibility.mockResolvedValue({ eligibility: { ...eligible.eligibility, result: "NotEligible" } });

    await expect(set(turnOn)).rejects.toMatchObject({ code: "NoAzureSubscription" });
    expect(world.recordOf(contoso)).not.toHaveProperty("unfinished");
  });

  test("to Off is asked for without any check", async () => {
    const { set, turnedOn, checkEligibility, stateOf } = start();
    await turnedOn();

    expect(await set(turnOff)).toMatchObject({ changed: false, permission: { state: "On" } });
    expect(checkEligibility).not.toHaveBeenCalled();
    expect(stateOf()).toBe("On");
  });
});

describe("a switch that is there already", () => {
  test("in Partner Center is granted at once: On after the check, Off without", async () => {
    const { world, set, checkEligibility, results, writes } = start();
    world.putPolicy(contoso, [reservations, savings]);
    expect(await set(turnOn)).toMatchObject({ changed: true, permission: { state: "On" } });
    expect(checkEligibility).toHaveBeenCalledTimes(1);

    world.putPolicy(contoso, [savings]);
    expect(await set(turnOff)).toMatchObject({ changed: true, permission: { state: "Off" } });

    expect(checkEligibility).toHaveBeenCalledTimes(1);
    expect(results()).toEqual(["Create Succeeded", "Delete Succeeded"]);
    expect(writes()).toEqual([]);
  });

  test.each([turnOn, turnOff])("in the record and in Partner Center changes nothing ($state)", async (request) => {
    const { world, set, turnedOn } = start();
    if (request === turnOn) await turnedOn();

    expect(await set(request)).toMatchObject({ changed: false, permission: { state: request.state } });
    expect(world.calls).toEqual(["store.readCustomer", "policies.read"]);
  });

  test.each([turnOn, turnOff])(
    "in the record changes nothing when nothing is heard of the policy ($state)",
    async (request) => {
      const { world, set, turnedOn, hearNothing } = start();
      if (request === turnOn) await turnedOn();
      hearNothing();

      const answer = await set(request);
      expect(answer).toMatchObject({ changed: false, permission: { state: request.state } });
      expect(answer).not.toHaveProperty("unfinished");
      expect(world.calls).toEqual(["store.readCustomer", "policies.read"]);
    },
  );

  test("in the record only is asked for again", async () => {
    const { world, set, turnedOn } = start();
    await turnedOn();
    world.putPolicy(contoso, undefined);

    expect(await set(turnOn)).toMatchObject({ changed: false, unfinished: expect.any(String) });
  });

  test("in the record as Off, and On in Partner Center, is asked for", async () => {
    const { world, set } = start();
    world.putPolicy(contoso, [reservations]);

    expect(await set(turnOff)).toMatchObject({ changed: false, unfinished: expect.any(String) });
  });
});

describe("when nothing is heard of the policy, a switch that is to move", () => {
  test.each([turnOn, turnOff])("is asked for, never granted ($state)", async (request) => {
    const { set, turnedOn, hearNothing, stateOf } = start();
    if (request === turnOff) await turnedOn();
    hearNothing();

    expect(await set(request)).toMatchObject({ changed: false, unfinished: expect.any(String) });
    expect(stateOf()).toBe(request === turnOn ? "Off" : "On");
  });
});

describe.each<["refused" | Error, string]>([
  ["refused", "is down"],
  [new PartnerCenterRefusal("RoleMissing", "No role.", { partnerCenterCode: "900150" }), "refuses to be read"],
])("while Partner Center %s", (what, _) => {
  test("an On is asked for all the same, and confirmed later", async () => {
    const { world, set, continueChange, answerReadsWith, stateOf } = start();
    answerReadsWith(what);

    expect(await set({ ...turnOn, repeatableAs })).toMatchObject({ changed: false, unfinished: repeatableAs });
    expect(stateOf()).toBe("Off");
    world.fate = () => "done";
    world.putPolicy(contoso, [reservations]);
    expect(await continueChange(contoso, repeatableAs)).toMatchObject({ status: "Succeeded" });
  });

  test.each(["On", "Off"])("an Off is asked for where the record says %s", async (state) => {
    const { set, turnedOn, answerReadsWith, stateOf } = start();
    if (state === "On") await turnedOn();
    answerReadsWith(what);

    expect(await set(turnOff)).toMatchObject({ changed: false, unfinished: expect.any(String) });
    expect(stateOf()).toBe(state);
  });

  test("On is not answered from the record alone", async () => {
    const { set, turnedOn, answerReadsWith, world } = start();
    await turnedOn();
    answerReadsWith(what);

    await expect(set(turnOn)).rejects.toMatchObject({
      code: what === "refused" ? "DependencyUnavailable" : "PartnerCenterRefused",
    });
    expect(world.recordOf(contoso)).not.toHaveProperty("unfinished");
  });
});

test("an unexpected error of Partner Center's adapter begins nothing", async () => {
  const { set, answerReadsWith, world } = start();
  answerReadsWith(new TypeError("a bug"));

  await expect(set(turnOff)).rejects.toThrow(new TypeError("a bug"));
  expect(world.recordOf(contoso)).not.toHaveProperty("unfinished");
});

describe("while a switch waits for the operator,", () => {
  test.each<[string, SetPermissionRequest]>([
    ["another On of it", turnOn],
    ["an On of the other", { ...turnOn, product: "azureSavingsPlans" }],
  ])("%s has to wait", async (_, request) => {
    const { set } = start();
    await set(turnOn);

    await expect(set(request)).rejects.toMatchObject({ code: "ChangeInProgress" });
  });

  test("an Off of the other that is so already changes nothing, and leaves the On to the operator", async () => {
    const { world, set } = start();
    const { unfinished } = await set(turnOn);

    expect(await set({ ...turnOff, product: "azureSavingsPlans" })).toMatchObject({ changed: false });
    expect(await world.store.findChange(contoso, unfinished!)).toMatchObject({ status: "Running" });
  });

  test("an Off of the other does not wait: the operator is to leave both Off", async () => {
    const { world, set, continueChange, results } = start();
    world.putPolicy(contoso, [savings]);
    await set({ ...turnOn, product: "azureSavingsPlans" });
    await set(turnOn);

    await set({ ...turnOff, product: "azureSavingsPlans", repeatableAs });
    world.moveClock(30_000);
    // The operator has done what is not wished any more, and what is.
    world.putPolicy(contoso, [reservations]);
    expect(await continueChange(contoso, repeatableAs)).toMatchObject({ status: "Running" });
    world.putPolicy(contoso, undefined);
    expect(await continueChange(contoso, repeatableAs)).toMatchObject({ status: "Succeeded" });
    expect(results()).toEqual(["Create Succeeded", "Create Failed", "Delete Succeeded"]);
  });

  test("its Off does not: the On is cancelled, and the Off is confirmed soon, with nothing to be moved", async () => {
    const { world, set, continueChange, results } = start();
    const { unfinished } = await set(turnOn);

    const off = await set({ ...turnOff, by: ben, repeatableAs });
    expect(off).toMatchObject({ changed: false, unfinished: repeatableAs, permission: { state: "Off" } });
    expect(await world.store.findChange(contoso, unfinished!)).toMatchObject({ status: "Canceled" });
    world.moveClock(30_000);
    expect(await continueChange(contoso, repeatableAs)).toMatchObject({ status: "Succeeded" });
    expect(results()).toEqual(["Create Failed", "Delete Succeeded"]);
  });
});
