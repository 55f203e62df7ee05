/** What a policy in Partner Center means for our switches, what is done to it, and how its refusals read. */

import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  PartnerCenterRefusal,
  type PartnerCenterRefusalReason,
  refusedByPartnerCenter,
} from "../shared/domain/partner-center-refusal.ts";
import { permissionStates, products } from "../shared/domain/permission.ts";
import { Refusal } from "../shared/domain/refusal.ts";
import {
  operationTypeOf,
  type PolicyPermission,
  planMove,
  planOff,
  resourceOf,
  type SelfServePolicy,
  stateIn,
} from "../shared/domain/self-serve-policy.ts";

const reservations: PolicyPermission = { resource: "AzureReservedInstances", action: "Purchase" };
const savings: PolicyPermission = { resource: "AzureSavingsPlan", action: "Purchase" };
const foreign: PolicyPermission = { resource: "SomethingElse", action: "Purchase" };
const reading: PolicyPermission = { resource: "AzureReservedInstances", action: "Read" };
const policyOf = (...permissions: PolicyPermission[]): SelfServePolicy => ({ id: "policy", etag: "etag", permissions });

describe("a switch is in the policy", () => {
  const facts: [string, SelfServePolicy | undefined, reservations: string, savings: string][] = [
    ["when there is none", undefined, "Off", "Off"],
    ["when it is empty", policyOf(), "Off", "Off"],
    ["with reservations", policyOf(reservations), "On", "Off"],
    ["with savings plans", policyOf(savings), "Off", "On"],
    ["with both", policyOf(savings, reservations), "On", "On"],
    ["with something else", policyOf(foreign), "Off", "Off"],
    ["with another action on reservations", policyOf(reading), "Off", "Off"],
    [
      "in other letters",
      policyOf(
        { resource: "azurereservedinstances", action: "PURCHASE" },
        { resource: "AZURESAVINGSPLAN", action: "purchase" },
      ),
      "On",
      "On",
    ],
    ["with a longer name", policyOf({ ...savings, resource: "AzureSavingsPlans" }), "Off", "Off"],
  ];

  test.each(facts)("%s", (_, policy, reservationsState, savingsState) => {
    expect(stateIn(policy, "azureReservations")).toBe(reservationsState);
    expect(stateIn(policy, "azureSavingsPlans")).toBe(savingsState);
  });
});

describe("turning reservations", () => {
  const oddlyWritten = { resource: "azureReservedinstances", action: "purchase" };
  const facts: [string, SelfServePolicy | undefined, "On" | "Off", string, PolicyPermission[] | undefined][] = [
    ["On without a policy creates one", undefined, "On", "create", [reservations]],
    ["On beside savings plans adds a line", policyOf(savings), "On", "replace", [savings, reservations]],
    ["On keeps what is somebody else's", policyOf(foreign, reading), "On", "replace", [foreign, reading, reservations]],
    ["On in an empty policy adds a line", policyOf(), "On", "replace", [reservations]],
    ["On when it is On does nothing", policyOf(reservations), "On", "none", undefined],
    ["On when it is On in other letters does nothing", policyOf(oddlyWritten), "On", "none", undefined],
    ["Off without a policy does nothing", undefined, "Off", "none", undefined],
    ["Off when only savings plans are On does nothing", policyOf(savings), "Off", "none", undefined],
    ["Off as the last line deletes the policy", policyOf(reservations), "Off", "remove", undefined],
    ["Off beside savings plans takes out the line", policyOf(reservations, savings), "Off", "replace", [savings]],
    ["Off keeps what is somebody else's", policyOf(foreign, reservations), "Off", "replace", [foreign]],
    ["Off keeps another action on reservations", policyOf(reading, reservations), "Off", "replace", [reading]],
    ["Off takes out a line in other letters", policyOf(oddlyWritten, savings), "Off", "replace", [savings]],
    ["Off takes out every line of it", policyOf(reservations, oddlyWritten), "Off", "remove", undefined],
  ];

  test.each(facts)("%s", (_, policy, state, kind, permissions) => {
    expect(planMove(policy, "azureReservations", state)).toEqual({
      kind,
      ...(kind === "replace" || kind === "remove" ? { policy } : {}),
      ...(permissions === undefined ? {} : { permissions }),
    });
  });
});

test("whatever a policy holds, a move gives the wished state and leaves every other line where it was", () => {
  const permission = fc.oneof(
    fc.constantFrom(reservations, savings, foreign, reading),
    fc.record({ resource: fc.string(), action: fc.string() }),
  );
  fc.assert(
    fc.property(
      fc.option(fc.array(permission, { maxLength: 5 }), { nil: undefined }),
      fc.constantFrom(...products),
      fc.constantFrom(...permissionStates),
      (before, product, state) => {
        const policy = before && policyOf(...before);
        const move = planMove(policy, product, state);
        const after = move.kind === "none" ? policy : "permissions" in move ? policyOf(...move.permissions) : undefined;
        const others = (permissions: readonly PolicyPermission[] = []) =>
          permissions.filter(({ resource, action }) => resource !== resourceOf[product] || action !== "Purchase");

        expect(stateIn(after, product)).toBe(state);
        expect(others(after?.permissions)).toEqual(others(before));
        expect(move.kind === "none").toBe(stateIn(policy, product) === state);
      },
    ),
  );
});

describe("turning both Off", () => {
  const facts: [string, SelfServePolicy | undefined, string, PolicyPermission[] | undefined][] = [
    ["does nothing without a policy", undefined, "none", undefined],
    ["does nothing when only somebody else's lines are there", policyOf(foreign, reading), "none", undefined],
    ["deletes a policy of the two in one move", policyOf(reservations, savings), "remove", undefined],
    ["deletes a policy of one of them", policyOf(savings), "remove", undefined],
    ["keeps what is somebody else's", policyOf(savings, foreign, reservations), "replace", [foreign]],
    ["takes out the one that is there", policyOf(foreign, reservations), "replace", [foreign]],
  ];

  test.each(facts)("%s", (_, policy, kind, permissions) => {
    expect(planOff(policy, ["azureReservations", "azureSavingsPlans"])).toEqual({
      kind,
      ...(kind === "none" ? {} : { policy }),
      ...(permissions === undefined ? {} : { permissions }),
    });
  });
});

test("what is done to a policy is named as Partner Center's audit records name it, and nothing has no name", () => {
  expect(operationTypeOf).toEqual({
    none: undefined,
    create: "create_self_serve_policy",
    replace: "update_self_serve_policy",
    remove: "delete_self_serve_policy",
  });
});

describe("Partner Center's refusal", () => {
  test.each<[PartnerCenterRefusalReason | "NotConfirmed" | "Overtaken", RegExp]>([
    ["MfaRequired", /again with multi-factor authentication/],
    ["RoleMissing", /role Admin Agent/],
    ["AppOnlyToken", /wants a user behind the call/],
    ["NoRelationship", /reseller relationship/],
    ["SignInRequired", /Let an Admin Agent sign in again/],
    ["Refused", /documentation of errors/],
    ["NotConfirmed", /then repeat the change/],
    ["Overtaken", /Nothing is to be done/],
  ])("for %s says what cures it", (reason, remedy) => {
    const refusal = refusedByPartnerCenter(reason, "It said no.", "900000");

    expect(refusal).toBeInstanceOf(Refusal);
    expect(refusal).toMatchObject({
      code: "PartnerCenterRefused",
      message: expect.stringMatching(remedy),
      details: [
        {
          code: reason,
          partnerCenterCode: "900000",
          message: "It said no.",
          remedy: expect.stringMatching(remedy),
        },
      ],
    });
    expect(refusal.message).toMatch(/^It said no\. \S/);
  });

  test("for a reason that a later release knows is still a refusal with a remedy", () => {
    expect(refusedByPartnerCenter("Unheard", "It said no.").details).toEqual([
      {
        code: "Unheard",
        message: "It said no.",
        remedy: "Look the code up in Partner Center's documentation of errors.",
      },
    ]);
  });

  test("carries reason, code and cause, and is no Refusal by itself", () => {
    const cause = new Error("403");
    const refusal = new PartnerCenterRefusal("RoleMissing", "No.", { partnerCenterCode: "900150", cause });

    expect(refusal).toMatchObject({
      name: "PartnerCenterRefusal",
      reason: "RoleMissing",
      partnerCenterCode: "900150",
      cause,
    });
    expect(refusal).not.toBeInstanceOf(Refusal);
    expect(new PartnerCenterRefusal("Refused", "No.").partnerCenterCode).toBeUndefined();
  });
});
