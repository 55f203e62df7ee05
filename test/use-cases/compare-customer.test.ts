/** Comparing one customer: what is written down, under which version, and what is done about it. */

import { describe, expect, jest, test } from "@jest/globals";
import { grantChange } from "../../shared/domain/change.ts";
import type { Check, Eligibility } from "../../shared/domain/eligibility.ts";
import type { ChangeId } from "../../shared/domain/identifiers.ts";
import { PartnerCenterRefusal } from "../../shared/domain/partner-center-refusal.ts";
import { type PermissionState, type Product, untouchedCustomer } from "../../shared/domain/permission.ts";
import { dependencyUnavailable } from "../../shared/domain/refusal.ts";
import type { CheckEligibility } from "../../shared/use-cases/check-eligibility.ts";
import { createCompareCustomer } from "../../shared/use-cases/compare-customer.ts";
import { createContinueChange } from "../../shared/use-cases/continue-change.ts";
import { createMovePolicy } from "../../shared/use-cases/move-policy.ts";
import { createSetPermission, type SetPermission } from "../../shared/use-cases/set-permission.ts";
import { faultIn } from "../fakes/chain-verifier.ts";
import { ada, contoso, idOf, noon, robot } from "../fakes/facts.ts";
import { createInMemorySweep } from "../fakes/in-memory-sweep.ts";
import { createInMemoryWorld, type Fate } from "../fakes/in-memory-world.ts";

const reservations = { resource: "AzureReservedInstances", action: "Purchase" };
const savings = { resource: "AzureSavingsPlan", action: "Purchase" };

function eligibilityWith(subscription: Check["result"], owner: Check["result"]): Eligibility {
  return {
    customerId: contoso,
    result: subscription === "Passed" && owner === "Passed" ? "Eligible" : "NotEligible",
    checkedAt: noon.toISOString(),
    checks: [
      { name: "azureSubscription", result: subscription, code: "", message: "" },
      { name: "ownerRole", result: owner, code: "", message: "" },
    ],
    subscriptions: [],
  };
}

const well = eligibilityWith("Passed", "Passed");
const ownerless = eligibilityWith("Passed", "Failed");

function start({ action = "report" as "report" | "turnOff", withAudit = true } = {}) {
  const world = createInMemoryWorld();
  const sweep = createInMemorySweep(world);
  const now = { eligibility: well };
  const checkEligibility = jest.fn<CheckEligibility>(async () => ({ eligibility: now.eligibility }));
  let ids = 0;
  const newId = () => idOf<"change">(++ids);
  const { store, policies, queue, changes, telemetry, clock } = world;
  const ports = { store, policies, queue, telemetry, clock, newId };
  const continueChange = createContinueChange(ports, createMovePolicy(ports));
  const setPermission = createSetPermission({
    ...{ store, queue, checkEligibility, telemetry, clock },
    newChangeId: newId,
    partnerCenter: { policies, continueChange, changes },
  });
  const asked = jest.fn<SetPermission>(setPermission);
  const compare = createCompareCustomer(
    {
      ...{ store, queue, telemetry, clock, newId, checkEligibility, setPermission: asked },
      policies: { read: (...given) => world.policies.read(...given) },
      ...(withAudit ? { audit: sweep.audit } : {}),
    },
    { action, by: robot },
  );
  const compareContoso = () => compare(world.recordOf(contoso));
  /** As if switched here, without Partner Center. */
  const record = async (
    state: PermissionState,
    product: Product = "azureReservations",
    changeId: ChangeId = newId(),
  ) => {
    const stored = await store.readCustomer(contoso);
    const wish = { customerId: contoso, product, state };
    const granted = grantChange(stored.record, wish, { changeId, by: ada, at: clock.now(), requestId: "r" });
    expect(await store.commit(stored, granted)).toBe("committed");
  };
  const log = () =>
    world.committed.map(({ product, operation, result, finding }) =>
      [product, operation.split(" ")[0], result, finding?.code, finding?.status]
        .filter((word) => word !== undefined)
        .join(" "),
    );
  const codes = () => (world.recordOf(contoso).findings ?? []).map(({ product, code }) => `${product} ${code}`);
  return { world, sweep, now, checkEligibility, setPermission, asked, compare, compareContoso, record, log, codes };
}

describe("a customer whose record and policy agree", () => {
  test("costs one read of the policy when everything is Off, and nothing is written", async () => {
    const { world, compareContoso, checkEligibility } = start();
    expect(await compareContoso()).toEqual({ isVerified: true, findings: 0 });
    expect(world.calls).toEqual(["policies.read"]);
    expect(checkEligibility).not.toHaveBeenCalled();
  });

  test("is checked for eligibility when something is On", async () => {
    const { world, compareContoso, record, checkEligibility } = start();
    await record("On");
    world.putPolicy(contoso, [reservations]);
    world.calls.length = 0;
    expect(await compareContoso()).toEqual({ isVerified: true, findings: 0 });
    expect(world.calls).toEqual(["policies.read"]);
    expect(checkEligibility.mock.calls).toEqual([[{ customerId: contoso }]]);
  });
});

describe("what is found", () => {
  test("is one activity and one finding, however often the customer is compared", async () => {
    const { world, compareContoso, log, codes } = start();
    world.putPolicy(contoso, [reservations]);
    expect(await compareContoso()).toEqual({ isVerified: true, findings: 1 });
    expect(await compareContoso()).toEqual({ isVerified: true, findings: 0 });
    expect(log()).toEqual(["azureReservations Create Detected TurnedOnOutside Open"]);
    expect(codes()).toEqual(["azureReservations TurnedOnOutside"]);
    expect(world.messages).toHaveLength(1);
    expect(world.events).toEqual([
      {
        name: "DriftDetected",
        properties: { customerId: contoso, product: "azureReservations", code: "TurnedOnOutside" },
        measurements: undefined,
      },
    ]);
    const [{ by, requestId, correlationId, changeId } = {} as never] = world.committed;
    expect(by).toEqual(robot);
    expect(new Set([requestId, correlationId, changeId]).size).toBe(3);
  });

  test("is closed when it is gone by itself, found anew when it comes again, and the chain stays whole", async () => {
    const { world, compareContoso, record, log, codes, now } = start();
    await record("On");
    world.putPolicy(contoso, [reservations, savings]);
    now.eligibility = ownerless;
    expect(await compareContoso()).toEqual({ isVerified: true, findings: 3 });
    now.eligibility = well;
    expect(await compareContoso()).toEqual({ isVerified: true, findings: 0 });
    expect(codes()).toEqual(["azureSavingsPlans TurnedOnOutside"]);
    world.putPolicy(contoso, [reservations]);
    await compareContoso();
    expect(codes()).toEqual([]);
    now.eligibility = ownerless;
    await compareContoso();
    expect(log()).toEqual([
      "azureReservations Create Succeeded",
      "azureReservations Create Detected OwnerLost Open",
      "azureSavingsPlans Create Detected TurnedOnOutside Open",
      "azureSavingsPlans Create Detected OwnerLost Open",
      "azureReservations Create Detected OwnerLost Closed",
      "azureSavingsPlans Create Detected OwnerLost Closed",
      "azureSavingsPlans Delete Detected TurnedOnOutside Closed",
      "azureReservations Create Detected OwnerLost Open",
    ]);
    expect(world.events.map(({ name }) => name)).toEqual([
      ...["DriftDetected", "DriftDetected", "DriftDetected", "DriftClosed", "DriftClosed", "DriftClosed"],
      "DriftDetected",
    ]);
    const { sequence, headHash } = world.recordOf(contoso);
    expect(faultIn(JSON.stringify(world.committed), { sequence, headHash })).toBeUndefined();
  });

  test("on a customer who is no longer ours is that the relationship has ended", async () => {
    const { world, compareContoso, record, codes } = start();
    await record("On");
    world.fate = (call) => {
      if (call === "policies.read") throw new PartnerCenterRefusal("NoRelationship", "Not yours.");
      return "done";
    };
    expect(await compareContoso()).toEqual({ isVerified: true, findings: 1 });
    expect(codes()).toEqual(["azureReservations RelationshipEnded"]);

    // It is known now: one look is enough.
    world.calls.length = 0;
    expect(await compareContoso()).toEqual({ isVerified: true, findings: 0 });
    expect(world.calls).toEqual(["policies.read"]);
  });

  test("costs one read of the policy when it is known already", async () => {
    const { world, compareContoso } = start();
    world.putPolicy(contoso, [reservations]);
    await compareContoso();
    world.calls.length = 0;
    expect(await compareContoso()).toEqual({ isVerified: true, findings: 0 });
    expect(world.calls).toEqual(["policies.read"]);
  });

  test("is in the record although the queue is down", async () => {
    const { world, compareContoso, codes } = start();
    world.putPolicy(contoso, [reservations]);
    world.fate = (call) => (call === "queue.push" ? "refused" : "done");
    expect(await compareContoso()).toMatchObject({ isVerified: true });
    expect(codes()).toHaveLength(1);
    expect(world.warnings).toMatchObject([{ message: "An activity could not be queued; the sweep will log it." }]);
  });

  test("is nothing when only the list was old", async () => {
    const { world, compare, record, log } = start();
    await record("On");
    world.putPolicy(contoso, [reservations]);
    expect(await compare(untouchedCustomer(contoso))).toEqual({ isVerified: true, findings: 0 });
    expect(log()).toEqual(["azureReservations Create Succeeded"]);
  });
});

describe("a customer that is just being changed", () => {
  const unfinished = {
    changeId: idOf<"change">(1),
    product: "azureReservations",
    state: "On",
    since: noon.toISOString(),
  } as const;

  test("is left alone, as the list shows it", async () => {
    const { world, compare } = start();
    expect(await compare({ ...untouchedCustomer(contoso), unfinished })).toEqual({ isVerified: false, findings: 0 });
    expect(world.calls).toEqual([]);
  });

  test("is left alone when the change began after the list was made", async () => {
    const { world, compareContoso, setPermission, log } = start();
    world.putPolicy(contoso, [savings]);
    world.fate = async (call): Promise<Fate> => {
      if (call !== "store.readCustomer") return "done";
      world.fate = (next) => (next === "policies.create" || next === "policies.replace" ? "requestLost" : "done");
      await setPermission({ customerId: contoso, product: "azureReservations", state: "On", by: ada, requestId: "r" });
      world.fate = () => "done";
      return "done";
    };
    expect(await compareContoso()).toEqual({ isVerified: false, findings: 0 });
    expect(log()).toEqual([]);
  });

  test("between reading and writing makes it look once more", async () => {
    const { world, compareContoso, record, log } = start();
    world.putPolicy(contoso, [reservations]);
    let reads = 0;
    world.fate = async (call): Promise<Fate> => {
      // The second read is the one on which the report is founded.
      if (call === "policies.read" && ++reads === 2) await record("On");
      // No two entries are of the same time: the version alone tells that somebody came first.
      world.moveClock(1);
      return "done";
    };
    expect(await compareContoso()).toEqual({ isVerified: true, findings: 0 });
    expect(log()).toEqual(["azureReservations Create Succeeded"]);
  });

  test("again and again is left for the next round", async () => {
    const { world, compareContoso, record, codes } = start();
    world.putPolicy(contoso, [reservations]);
    world.fate = async (call): Promise<Fate> => {
      if (call === "policies.read") await record("Off", "azureSavingsPlans");
      world.moveClock(1);
      return "done";
    };
    expect(await compareContoso()).toEqual({ isVerified: false, findings: 0 });
    expect(codes()).toEqual([]);
    // Ours, beside those of the other.
    const reads = world.calls.filter((call) => call === "policies.read").length;
    expect(reads).toBe(3);
  });
});

test.each(["requestLost", "replyLost"] as const)("a commit without an answer (%s) is never doubled", async (fate) => {
  const { world, compareContoso, log } = start();
  world.putPolicy(contoso, [reservations]);
  let commits = 0;
  world.fate = (call) => (call === "store.commit" && ++commits === 1 ? fate : "done");
  expect(await compareContoso()).toMatchObject({ isVerified: true });
  expect(log()).toEqual(["azureReservations Create Detected TurnedOnOutside Open"]);
});

describe("who it was", () => {
  const change = (milliseconds: number, userPrincipalName?: string) => ({
    at: new Date(noon.getTime() + milliseconds),
    ...(userPrincipalName === undefined ? {} : { userPrincipalName }),
  });

  async function nameAfter(
    last: ReturnType<typeof change> | Error | undefined,
    { isTouched = true, withAudit = true } = {},
  ) {
    const { world, sweep, compareContoso, record } = start({ withAudit });
    if (isTouched) await record("Off");
    if (last !== undefined) sweep.changes.set(contoso, last);
    world.putPolicy(contoso, [reservations]);
    world.moveClock(60_000);
    await compareContoso();
    const [finding] = world.recordOf(contoso).findings ?? [];
    expect(finding?.code).toBe("TurnedOnOutside");
    expect(world.committed.at(-1)?.finding?.byUserPrincipalName).toBe(finding?.byUserPrincipalName);
    return { name: finding?.byUserPrincipalName, warnings: world.warnings.map(({ message }) => message) };
  }

  test("is whom the audit records name after our own last change", async () => {
    expect(await nameAfter(change(1, "grace@partner.example"))).toEqual({
      name: "grace@partner.example",
      warnings: [],
    });
    expect(await nameAfter(change(-1, "grace@partner.example"), { isTouched: false })).toMatchObject({
      name: "grace@partner.example",
    });
  });

  test.each([
    ["the newest record is older than our own last change", change(0, "grace@partner.example")],
    ["the record has no name", change(1)],
    ["there is no record", undefined],
  ])("stays unknown when %s", async (_, last) => {
    expect(await nameAfter(last)).toEqual({ name: undefined, warnings: [] });
  });

  test("stays unknown when the records cannot be read: the finding is what counts", async () => {
    expect(await nameAfter(new Error("down"))).toEqual({
      name: undefined,
      warnings: ["Partner Center's audit records could not be read; a finding has no name."],
    });
    expect(await nameAfter(change(1, "grace@partner.example"), { withAudit: false })).toMatchObject({
      name: undefined,
    });
  });

  test("is asked only when somebody turned a permission, and only once", async () => {
    const { world, sweep, now, compareContoso, record } = start();
    const asked = jest.spyOn(sweep.audit, "lastChangeOf");
    await record("On");
    world.putPolicy(contoso, [reservations]);
    now.eligibility = ownerless;
    await compareContoso();
    expect(asked).not.toHaveBeenCalled();
    world.putPolicy(contoso, undefined);
    await compareContoso();
    await compareContoso();
    world.putPolicy(contoso, [reservations]);
    await compareContoso();
    expect(asked).toHaveBeenCalledTimes(1);
  });
});

describe("what cannot be told", () => {
  test.each([
    ["Partner Center is down", dependencyUnavailable("Partner Center")],
    ["Partner Center refuses us", new PartnerCenterRefusal("MfaRequired", "No MFA.")],
  ])("is thrown when %s, and nothing is written", async (_, error) => {
    const { world, compareContoso, record, log } = start();
    await record("On");
    world.fate = () => {
      throw error;
    };
    await expect(compareContoso()).rejects.toBe(error);
    expect(log()).toEqual(["azureReservations Create Succeeded"]);
  });
});

describe("a policy of which nobody has heard", () => {
  test.each([1, 2])("is no policy that was taken away: nothing is written (at look %d)", async (silentAt) => {
    const { world, compare, record, log } = start();
    await record("On");
    let looks = 0;
    const { read } = world.policies;
    world.policies.read = async (...given) => (++looks === silentAt ? ("unknown" as never) : read(...given));
    expect(await compare(world.recordOf(contoso))).toEqual({ isVerified: false, findings: 0 });
    expect(log()).toEqual(["azureReservations Create Succeeded"]);
  });
});

describe("adopting and reverting", () => {
  const request = { customerId: contoso, product: "azureReservations", by: ada, requestId: "r" } as const;

  test.each([
    ["adopts what was turned On outside, after proving eligibility", "Off", "On", "On", "Create Succeeded"],
    ["reverts what was turned On outside", "Off", "On", "Off", "Delete Succeeded"],
    ["adopts what was turned Off outside", "On", "Off", "Off", "Delete Succeeded"],
    ["reverts what was turned Off outside, after proving eligibility", "On", "Off", "On", "Create Succeeded"],
  ] as const)("PUT %s", async (_, here, there, wished, entry) => {
    const { world, compareContoso, record, setPermission, checkEligibility, log, codes } = start();
    if (here === "On") await record("On");
    world.putPolicy(contoso, there === "On" ? [reservations, savings] : [savings]);
    await record("On", "azureSavingsPlans");
    await compareContoso();
    expect(codes()).toEqual([`azureReservations Turned${there}Outside`]);
    checkEligibility.mockClear();

    expect(await setPermission({ ...request, state: wished })).toMatchObject({
      changed: true,
      permission: { state: wished, changedBy: ada },
    });

    expect(checkEligibility).toHaveBeenCalledTimes(wished === "On" ? 1 : 0);
    expect(codes()).toEqual([]);
    expect(world.policyOf(contoso)).toEqual(
      expect.arrayContaining(wished === "On" ? [savings, reservations] : [savings]),
    );
    expect(world.policyOf(contoso)).toHaveLength(wished === "On" ? 2 : 1);
    expect(log().at(-1)).toBe(`azureReservations ${entry}`);
    const entries = log().length;
    await compareContoso();
    expect(log()).toHaveLength(entries);
  });
});

describe("DRIFT_ACTION=turnOff", () => {
  test("turns Off, by the service and with the finding as reason, what should not be On", async () => {
    const { world, compareContoso, record, asked, now, log, codes } = start({ action: "turnOff" });
    await record("On");
    world.putPolicy(contoso, [reservations, savings]);
    now.eligibility = ownerless;
    expect(await compareContoso()).toEqual({ isVerified: true, findings: 3 });
    expect(asked.mock.calls.map(([{ product, state, by, reason }]) => ({ product, state, by, reason }))).toEqual([
      { product: "azureReservations", state: "Off", by: robot, reason: "Turned Off by DRIFT_ACTION: OwnerLost." },
      {
        product: "azureSavingsPlans",
        state: "Off",
        by: robot,
        reason: "Turned Off by DRIFT_ACTION: TurnedOnOutside, OwnerLost.",
      },
    ]);
    expect(world.policyOf(contoso)).toBeUndefined();
    expect(codes()).toEqual([]);
    expect(log().slice(-2)).toEqual(["azureReservations Delete Succeeded", "azureSavingsPlans Delete Succeeded"]);
    asked.mockClear();
    expect(await compareContoso()).toEqual({ isVerified: true, findings: 0 });
    expect(asked).not.toHaveBeenCalled();
  });

  test("never turns anything On, and only reports what was turned Off", async () => {
    const { world, compareContoso, record, asked, codes } = start({ action: "turnOff" });
    await record("On");
    await compareContoso();
    await compareContoso();
    expect(codes()).toEqual(["azureReservations TurnedOffOutside"]);
    expect(asked).not.toHaveBeenCalled();
    expect(world.policyOf(contoso)).toBeUndefined();
  });

  test("costs one read of the policy where there is nothing to turn Off", async () => {
    const { world, compareContoso, record } = start({ action: "turnOff" });
    await record("On");
    world.putPolicy(contoso, [reservations]);
    world.calls.length = 0;
    expect(await compareContoso()).toEqual({ isVerified: true, findings: 0 });
    expect(world.calls).toEqual(["policies.read"]);
  });

  test("tries again in the next round when it did not succeed", async () => {
    const { world, compareContoso, asked, codes } = start({ action: "turnOff" });
    world.putPolicy(contoso, [reservations]);
    asked.mockRejectedValueOnce(dependencyUnavailable("Partner Center"));
    expect(await compareContoso()).toEqual({ isVerified: true, findings: 1 });
    expect(world.warnings).toMatchObject([
      { message: "A permission that drifted could not be turned Off; the next round tries again." },
    ]);
    expect(codes()).toHaveLength(1);
    expect(await compareContoso()).toEqual({ isVerified: true, findings: 0 });
    expect(asked).toHaveBeenCalledTimes(2);
    expect(world.policyOf(contoso)).toBeUndefined();
  });
});

test("without DRIFT_ACTION nothing is turned", async () => {
  const { world, compareContoso, asked, now } = start();
  world.putPolicy(contoso, [reservations]);
  now.eligibility = ownerless;
  await compareContoso();
  await compareContoso();
  expect(asked).not.toHaveBeenCalled();
  expect(world.policyOf(contoso)).toEqual([reservations]);
});
