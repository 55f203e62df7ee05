/** What counts as drift, when a finding stays, comes and goes, and how it is written down. */

import { describe, expect, test } from "@jest/globals";
import { beginChange, failChange, finishChange, grantChange } from "../shared/domain/change.ts";
import {
  type Drift,
  driftOf,
  type Finding,
  findingCodes,
  newsOf,
  reportDrift,
  toTurnOff,
  wasTurned,
} from "../shared/domain/drift.ts";
import type { Check, Eligibility, SubscriptionCode } from "../shared/domain/eligibility.ts";
import {
  type CustomerRecord,
  type PermissionState,
  type Product,
  untouchedCustomer,
} from "../shared/domain/permission.ts";
import type { SelfServePolicy } from "../shared/domain/self-serve-policy.ts";
import { faultIn } from "./fakes/chain-verifier.ts";
import { ada, contoso, idOf, noon, robot, subscriptionOf } from "./fakes/facts.ts";

const one: Product = "azureReservations";
const other: Product = "azureSavingsPlans";
const resources = { azureReservations: "AzureReservedInstances", azureSavingsPlans: "AzureSavingsPlan" };

function policyWith(...products: Product[]): SelfServePolicy | undefined {
  const permissions = products.map((product) => ({ resource: resources[product], action: "Purchase" }));
  return permissions.length === 0 ? undefined : { id: "policy", etag: '"1"', permissions };
}

function recordWith(
  states: Partial<Record<Product, PermissionState>>,
  findings: readonly Finding[] = [],
): CustomerRecord {
  const record = untouchedCustomer(contoso);
  const switches = { ...record.switches };
  for (const [product, state] of Object.entries(states))
    switches[product as Product] = { ...switches[product as Product], state: state as PermissionState };
  return { ...record, switches, ...(findings.length === 0 ? {} : { findings }) };
}

function eligibilityWith(
  subscription: Check["result"],
  owner: Check["result"],
  { code = "", subscriptions = [] }: { code?: string; subscriptions?: readonly string[] } = {},
): Eligibility {
  return {
    customerId: contoso,
    result: "Inconclusive",
    checkedAt: noon.toISOString(),
    checks: [
      { name: "azureSubscription", result: subscription, code, message: "" },
      { name: "ownerRole", result: owner, code: "", message: "" },
    ],
    subscriptions: subscriptions.map((each, index) => {
      const { tenantId: _, ...shown } = subscriptionOf(index + 1);
      return { ...shown, counts: false, code: each as SubscriptionCode, owners: [], ignoredOwners: [] };
    }),
  };
}

const allIsWell = eligibilityWith("Passed", "Passed");
const nobodyKnows = eligibilityWith("Inconclusive", "Inconclusive");

function finding(code: Finding["code"], product: Product = one): Finding {
  return { code, product, message: code, since: noon.toISOString() };
}

const codesOf = (drift: readonly Drift[]) => drift.map(({ product, code }) => `${product} ${code}`);

describe("record and policy", () => {
  test.each([
    ["Off", "Off", []],
    ["On", "On", []],
    ["Off", "On", [`${one} TurnedOnOutside`]],
    ["On", "Off", [`${one} TurnedOffOutside`]],
  ] as const)("%s here and %s in Partner Center", (here, there, expected) => {
    const policy = there === "On" ? policyWith(one, other) : policyWith(other);
    const record = recordWith({ azureReservations: here, azureSavingsPlans: "On" });
    expect(codesOf(driftOf(record, { policy, eligibility: allIsWell }))).toEqual(expected);
  });

  test("are compared for both products, and no policy means that both are Off", () => {
    const record = recordWith({ azureReservations: "On", azureSavingsPlans: "On" });
    expect(codesOf(driftOf(record, { policy: undefined }))).toEqual([
      `${one} TurnedOffOutside`,
      `${other} TurnedOffOutside`,
    ]);
    expect(driftOf(untouchedCustomer(contoso), { policy: undefined })).toEqual([]);
  });

  test("agree again: what was found is not so any more", () => {
    const findings = findingCodes.map((code) => finding(code));
    expect(driftOf(recordWith({}, findings), { policy: undefined })).toEqual([]);
    const record = recordWith({ azureReservations: "On" }, findings);
    expect(driftOf(record, { policy: policyWith(one), eligibility: allIsWell })).toEqual([]);
  });
});

test("each finding says in words what is not as it should be", () => {
  const on = recordWith({ azureReservations: "On" });
  const failed = (subscriptions: readonly string[] = []) => ({
    policy: policyWith(one),
    eligibility: eligibilityWith("Failed", "Failed", { subscriptions }),
  });
  const found = [
    ...driftOf(recordWith({}), { policy: policyWith(one), eligibility: allIsWell }),
    ...driftOf(on, { policy: undefined }),
    ...driftOf(on, failed()),
    ...driftOf(on, failed(["NotActive"])).slice(1),
    ...driftOf(on, { policy: "NoRelationship" }),
  ];
  expect(found.map(({ code, message }) => [code, message])).toEqual([
    ["TurnedOnOutside", expect.stringMatching(/^Partner Center has the permission On, the record has it Off/)],
    ["TurnedOffOutside", expect.stringMatching(/^Partner Center has the permission Off, the record has it On/)],
    ["OwnerLost", expect.stringMatching(/none of the customer's own users or groups is Owner any more/)],
    ["SubscriptionGone", expect.stringMatching(/has no Azure subscription bought through CSP any more/)],
    ["SubscriptionSuspended", expect.stringMatching(/Azure subscription is suspended/)],
    ["RelationshipEnded", expect.stringMatching(/the reseller relationship with the customer has ended/)],
  ]);
});

describe("what Azure says of a permission that is On in Partner Center", () => {
  const record = recordWith({ azureReservations: "On" });
  const facts = (eligibility: Eligibility) => ({ policy: policyWith(one), eligibility });

  test.each([
    ["no Owner", eligibilityWith("Passed", "Failed"), "OwnerLost"],
    ["no subscription", eligibilityWith("Failed", "Inconclusive"), "SubscriptionGone"],
    ["only others", eligibilityWith("Failed", "Inconclusive", { subscriptions: ["NotACspOffer"] }), "SubscriptionGone"],
    [
      "a suspended one",
      eligibilityWith("Failed", "Inconclusive", { subscriptions: ["NotACspOffer", "NotActive"] }),
      "SubscriptionSuspended",
    ],
    [
      "one whose sale is suspended",
      eligibilityWith("Failed", "Inconclusive", { subscriptions: ["SaleNotActive"] }),
      "SubscriptionSuspended",
    ],
    [
      "no relationship",
      eligibilityWith("Failed", "Inconclusive", { code: "NoResellerRelationship", subscriptions: ["NotActive"] }),
      "RelationshipEnded",
    ],
  ])("%s", (_, eligibility, code) => {
    expect(codesOf(driftOf(record, facts(eligibility)))).toEqual([`${one} ${code}`]);
  });

  test("is said of each permission that is On there, also of one that was turned On outside", () => {
    const eligibility = eligibilityWith("Passed", "Failed");
    expect(codesOf(driftOf(record, { policy: policyWith(one, other), eligibility }))).toEqual([
      `${one} OwnerLost`,
      `${other} TurnedOnOutside`,
      `${other} OwnerLost`,
    ]);
  });

  test("does not matter where nothing can be bought", () => {
    const found = driftOf(recordWith({ azureReservations: "On" }, [finding("OwnerLost")]), {
      policy: undefined,
      eligibility: eligibilityWith("Failed", "Failed"),
    });
    expect(codesOf(found)).toEqual([`${one} TurnedOffOutside`]);
  });

  test.each([
    ["is not known", nobodyKnows],
    ["was not asked for", undefined],
  ])("changes nothing while it %s: no new finding, and none goes", (_, eligibility) => {
    const facts = { policy: policyWith(one), ...(eligibility === undefined ? {} : { eligibility }) };
    expect(driftOf(record, facts)).toEqual([]);
    const findings = (["OwnerLost", "SubscriptionGone", "SubscriptionSuspended", "RelationshipEnded"] as const).map(
      (code) => finding(code),
    );
    expect(driftOf(recordWith({ azureReservations: "On" }, findings), facts)).toEqual(findings);
    // The other permission's findings are not taken for this one's.
    expect(driftOf(recordWith({ azureReservations: "On" }, [finding("OwnerLost", other)]), facts)).toEqual([]);
  });

  test("is judged for each of the two checks by itself", () => {
    const known = recordWith({ azureReservations: "On" }, [finding("OwnerLost"), finding("SubscriptionGone")]);
    expect(codesOf(driftOf(known, facts(eligibilityWith("Passed", "Inconclusive"))))).toEqual([`${one} OwnerLost`]);
    expect(codesOf(driftOf(known, facts(eligibilityWith("Inconclusive", "Passed"))))).toEqual([
      `${one} SubscriptionGone`,
    ]);
  });
});

describe("a customer whose relationship has ended", () => {
  test("is found for each permission that is On here", () => {
    const record = recordWith({ azureReservations: "On" });
    expect(codesOf(driftOf(record, { policy: "NoRelationship" }))).toEqual([`${one} RelationshipEnded`]);
    expect(driftOf(untouchedCustomer(contoso), { policy: "NoRelationship" })).toEqual([]);
  });

  test("keeps what was found before, since nobody can look any more", () => {
    const findings = findingCodes.map((code) => finding(code));
    const kept = driftOf(recordWith({}, findings), { policy: "NoRelationship" });
    expect(kept).toEqual(findings);
  });
});

describe("news", () => {
  test("are what the record does not know, and what it knows and is not so any more, which comes first", () => {
    const record = recordWith({}, [finding("OwnerLost"), finding("OwnerLost", other)]);
    const drift = [finding("SubscriptionGone"), finding("OwnerLost")];
    expect(newsOf(record, drift).map(({ product, code, status }) => [product, code, status])).toEqual([
      [other, "OwnerLost", "Closed"],
      [one, "SubscriptionGone", "Open"],
    ]);
    expect(newsOf(untouchedCustomer(contoso), [])).toEqual([]);
  });

  test.each([
    ["TurnedOnOutside", "Open", true],
    ["TurnedOffOutside", "Open", true],
    ["TurnedOnOutside", "Closed", false],
    ["OwnerLost", "Open", false],
  ] as const)("%s %s: that somebody turned it is %s", (code, status, expected) => {
    expect(wasTurned({ ...finding(code), status })).toBe(expected);
  });
});

describe("a report", () => {
  const occasion = { changeId: idOf<"change">(7), by: robot, at: noon, requestId: idOf(8), correlationId: idOf(9) };

  test("is an activity at the end of the chain, and a finding on the customer", () => {
    const record = recordWith({});
    const facts = { policy: policyWith(one), eligibility: allIsWell };
    const news = newsOf(record, driftOf(record, facts))[0]!;
    const reported = reportDrift(record, facts, news, occasion, "grace@partner.example");
    const { message } = news;
    expect(reported.activity).toMatchObject({
      id: `${contoso}-1`,
      sequence: 1,
      product: one,
      operation: "Create Customer Purchase Permissions",
      result: "Detected",
      finding: { code: "TurnedOnOutside", status: "Open", message, byUserPrincipalName: "grace@partner.example" },
      at: noon.toISOString(),
      by: robot,
      requestId: idOf(8),
      correlationId: idOf(9),
      changeId: idOf(7),
    });
    expect(reported.activity).not.toHaveProperty("evidence");
    expect(reported.record).toEqual({
      ...record,
      sequence: 1,
      headHash: reported.activity.hash,
      headAt: noon.toISOString(),
      findings: [
        {
          code: "TurnedOnOutside",
          product: one,
          message,
          since: noon.toISOString(),
          byUserPrincipalName: "grace@partner.example",
        },
      ],
    });
    expect(reported).not.toHaveProperty("created");
    expect(faultIn(JSON.stringify([reported.activity]))).toBeUndefined();
  });

  test("of what is gone takes the finding away, and the others stay", () => {
    const record = recordWith({}, [finding("OwnerLost"), finding("OwnerLost", other), finding("TurnedOnOutside")]);
    const closed = { ...finding("OwnerLost"), status: "Closed" } as const;
    const reported = reportDrift(record, { policy: undefined }, closed, occasion);
    expect(reported.record.findings).toEqual([finding("OwnerLost", other), finding("TurnedOnOutside")]);
    expect(reported.activity).toMatchObject({
      operation: "Delete Customer Purchase Permissions",
      finding: { code: "OwnerLost", status: "Closed" },
    });
    expect(reported.activity.finding).not.toHaveProperty("byUserPrincipalName");
    const last = recordWith({}, [finding("OwnerLost")]);
    expect(reportDrift(last, { policy: undefined }, closed, occasion).record).not.toHaveProperty("findings");
  });

  test.each([
    ["OwnerLost", true],
    ["SubscriptionGone", true],
    ["SubscriptionSuspended", true],
    ["RelationshipEnded", false],
    ["TurnedOnOutside", false],
  ] as const)("of %s carries what Azure showed: %s", (code, carries) => {
    const facts = { policy: policyWith(one), eligibility: eligibilityWith("Passed", "Failed") };
    const { activity } = reportDrift(recordWith({}), facts, { ...finding(code), status: "Open" }, occasion);
    expect("evidence" in activity).toBe(carries);
    const { activity: bare } = reportDrift(
      recordWith({}),
      { policy: undefined },
      { ...finding(code), status: "Open" },
      occasion,
    );
    expect(bare).not.toHaveProperty("evidence");
  });

  test("on a customer whose policy cannot be read names the operation that the record had last", () => {
    const ended = { ...finding("RelationshipEnded"), status: "Open" } as const;
    const operationWith = (state: PermissionState) =>
      reportDrift(recordWith({ azureReservations: state }), { policy: "NoRelationship" }, ended, occasion).activity
        .operation;
    expect(operationWith("On")).toBe("Create Customer Purchase Permissions");
    expect(operationWith("Off")).toBe("Delete Customer Purchase Permissions");
  });

  test("is never earlier than the activity before it", () => {
    const headAt = new Date(noon.getTime() + 1000).toISOString();
    const news = { ...finding("OwnerLost"), status: "Open" } as const;
    const { activity, record } = reportDrift({ ...recordWith({}), headAt }, { policy: undefined }, news, occasion);
    expect(activity.at).toBe(headAt);
    expect(record.findings?.[0]?.since).toBe(headAt);
  });
});

describe("moving a switch", () => {
  const findings = [finding("TurnedOnOutside"), finding("OwnerLost"), finding("OwnerLost", other)];
  const record = recordWith({}, findings);
  const wish = { customerId: contoso, product: one, state: "On" } as const;
  const occasion = { changeId: idOf<"change">(7), by: ada, at: noon, requestId: "r" };

  test("decides about what was found of it, and leaves the other permission's findings alone", () => {
    expect(grantChange(record, wish, occasion).record.findings).toEqual([finding("OwnerLost", other)]);
    expect(grantChange(recordWith({}, [finding("OwnerLost")]), wish, occasion).record).not.toHaveProperty("findings");
  });

  test("decides when Partner Center has confirmed, not before", () => {
    const begun = beginChange(record, wish, occasion);
    expect(begun.record.findings).toEqual(findings);
    const finished = finishChange(begun.record, begun.created, noon, undefined);
    expect(finished.record.findings).toEqual([finding("OwnerLost", other)]);
  });

  test("that fails or is overtaken has decided nothing", () => {
    const begun = beginChange(record, wish, occasion);
    const failed = failChange(begun.record, begun.created, noon, { code: "NotConfirmed", message: "" });
    expect(failed.record.findings).toEqual(findings);
    const off = beginChange(
      begun.record,
      { ...wish, state: "Off" },
      { ...occasion, changeId: idOf<"change">(8) },
      begun.created,
    );
    expect(off.record.findings).toEqual(findings);
  });
});

describe("what may be turned Off without asking anybody", () => {
  test("is On in Partner Center, and has a finding that says it should not be", () => {
    const record = recordWith({ azureReservations: "On" }, [finding("OwnerLost"), finding("SubscriptionGone")]);
    expect(toTurnOff(record, { policy: policyWith(one, other) })).toEqual([
      { product: one, codes: ["OwnerLost", "SubscriptionGone"] },
    ]);
  });

  test.each([
    ["nothing was found", recordWith({ azureReservations: "On" }), policyWith(one)],
    ["it is Off there", recordWith({}, [finding("OwnerLost")]), policyWith(other)],
    ["nobody lets us look", recordWith({}, [finding("OwnerLost")]), "NoRelationship" as const],
    ["it was turned Off outside", recordWith({}, [finding("TurnedOffOutside")]), policyWith(one)],
  ])("is nothing when %s", (_, record, policy) => {
    expect(toTurnOff(record, { policy })).toEqual([]);
  });
});
