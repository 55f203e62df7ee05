/** The rules of the eligibility check, without anything that could answer late, twice or not at all. */

import { describe, expect, test } from "@jest/globals";
import { DirectoryFailure, type DirectoryFailureReason } from "../shared/domain/directory-failure.ts";
import {
  type AzureSubscription,
  type Check,
  type Eligibility,
  type ExaminedSubscription,
  evidenceOf,
  judgeAssignment,
  judgeSubscription,
  judgeUnseen,
  type RoleAssignment,
  resultOf,
} from "../shared/domain/eligibility.ts";
import {
  isSaleExpected,
  ownerCheck,
  type ReportContext,
  salesCheckFailed,
  subscriptionCheck,
  subscriptionCheckFailed,
} from "../shared/domain/eligibility-report.ts";
import { PartnerCenterRefusal, type PartnerCenterRefusalReason } from "../shared/domain/partner-center-refusal.ts";
import type { Sales, SoldSubscription } from "../shared/domain/partner-sale.ts";
import {
  assignmentOn,
  contoso,
  fabrikam,
  idOf,
  ownerRoleId,
  readerRoleId,
  report,
  rules,
  subscriptionOf,
} from "./fakes/facts.ts";
import { saleOf, salesOf } from "./fakes/in-memory-sales.ts";

const context: ReportContext = { ...report, customerId: contoso };

describe("a subscription", () => {
  test.each<[string, Partial<AzureSubscription>, object]>([
    ["of an Azure plan counts", {}, { counts: true }],
    ["with the quota id of a management group counts", { quotaId: "CSP_MG_2017-12-01" }, { counts: true }],
    ["with a quota id in other letters counts", { quotaId: "cspDEVtest_2018-05-01" }, { counts: true }],
    ["whose tenant is written in capitals counts", { tenantId: contoso.toUpperCase() }, { counts: true }],
    ["whose state is written in capitals counts", { state: "ENABLED" }, { counts: true }],
    ["that is warned counts, and says so", { state: "Warned" }, { counts: true, code: "Warned" }],
    ["that is past due counts, and says so", { state: "PastDue" }, { counts: true, code: "PastDue" }],
    ["that is disabled does not count", { state: "Disabled" }, { counts: false, code: "NotActive" }],
    ["that is deleted does not count", { state: "Deleted" }, { counts: false, code: "NotActive" }],
    ["in a state nobody knows does not count", { state: "EnabledSoon" }, { counts: false, code: "NotActive" }],
    ["without a state does not count", { state: "" }, { counts: false, code: "NotActive" }],
    ["of pay-as-you-go does not count", { quotaId: "PayAsYouGo_2014-09-01" }, { counts: false, code: "NotACspOffer" }],
    ["without a quota id does not count", { quotaId: "" }, { counts: false, code: "NotACspOffer" }],
    ["of an unknown CSP offer is named", { quotaId: "CSP_2031-01-01" }, { counts: false, code: "UnknownCspOffer" }],
    ["of an unknown offer in small letters is named", { quotaId: "cspx" }, { counts: false, code: "UnknownCspOffer" }],
    ["of another tenant does not count", { tenantId: fabrikam }, { counts: false, code: "OtherTenant" }],
    [
      "of another tenant is called that, whatever else is wrong with it",
      { tenantId: fabrikam, quotaId: "MSDN_2014-09-01", state: "Disabled" },
      { counts: false, code: "OtherTenant" },
    ],
    [
      "of no CSP offer is called that, whatever its state",
      { quotaId: "MSDN_2014-09-01", state: "Disabled" },
      { counts: false, code: "NotACspOffer" },
    ],
  ])("%s", (_, facts, verdict) => {
    expect(judgeSubscription(subscriptionOf(1, facts), contoso, rules)).toEqual(verdict);
  });

  test("of an offer that the partner added counts", () => {
    const extended = { ...rules, cspQuotaIds: new Set(["csp_2031-01-01"]) };

    expect(judgeSubscription(subscriptionOf(1, { quotaId: "CSP_2031-01-01" }), contoso, extended)).toEqual({
      counts: true,
    });
    expect(judgeSubscription(subscriptionOf(1), contoso, extended)).toEqual({
      counts: false,
      code: "UnknownCspOffer",
    });
  });
});

describe("a subscription, where Partner Center is asked what was sold,", () => {
  const judge = (facts: Partial<AzureSubscription>, ...sold: SoldSubscription[]) =>
    judgeSubscription(subscriptionOf(1, facts), contoso, rules, salesOf(saleOf(2), ...sold));

  test.each<[string, Partial<AzureSubscription>, Partial<SoldSubscription>, object]>([
    ["counts as an Azure plan", {}, {}, { counts: true, offer: "Azure plan" }],
    ["counts as Azure Global", {}, { offer: "Azure Global" }, { counts: true, offer: "Azure Global" }],
    ["counts when its sale is ACTIVE", {}, { status: "ACTIVE" }, { counts: true, offer: "Azure plan" }],
    ["that is warned counts", { state: "Warned" }, {}, { counts: true, code: "Warned", offer: "Azure plan" }],
    ["of another tenant does not", { tenantId: fabrikam }, {}, { counts: false, code: "OtherTenant" }],
    ["of pay-as-you-go does not", { quotaId: "PayAsYouGo_2014-09-01" }, {}, { counts: false, code: "NotACspOffer" }],
    ["of an unknown CSP offer does not", { quotaId: "CSP_2031-01-01" }, {}, { counts: false, code: "UnknownCspOffer" }],
    ["that Azure has disabled does not", { state: "Disabled" }, {}, { counts: false, code: "NotActive" }],
    ["in an unknown state does not", { state: "EnabledSoon" }, {}, { counts: false, code: "NotActive" }],
    ["with a suspended sale does not", {}, { status: "suspended" }, { counts: false, code: "SaleNotActive" }],
    ["with a sale in an unknown status does not", {}, { status: "activating" }, { code: "SaleNotActive" }],
    ["with a suspended sale does not, though warned", { state: "Warned" }, { status: "x" }, { code: "SaleNotActive" }],
    [
      "that both call inactive is called as Azure calls it",
      { state: "Disabled" },
      { status: "suspended" },
      { counts: false, code: "NotActive" },
    ],
  ])("%s", (_, facts, sale, verdict) => {
    const judged = judge(facts, saleOf(1, sale));

    expect(judged).toMatchObject(verdict);
    expect(judged.offer).toBe(sale.offer ?? "Azure plan");
  });

  test.each<[string, Partial<AzureSubscription>, string]>([
    ["is not sold by this partner", {}, "NotSoldByPartner"],
    ["that is disabled too is not sold by this partner", { state: "Disabled" }, "NotSoldByPartner"],
    ["of an unknown CSP offer is not sold by this partner", { quotaId: "CSP_2031-01-01" }, "NotSoldByPartner"],
    ["of pay-as-you-go is no CSP offer", { quotaId: "PayAsYouGo_2014-09-01" }, "NotACspOffer"],
    ["of another tenant is called that", { tenantId: fabrikam }, "OtherTenant"],
  ])("and that is not among the sales, %s", (_, facts, code) => {
    expect(judge(facts)).toEqual({ counts: false, code });
  });

  test("that Azure does not show never counts", () => {
    const unseen = { state: "Unknown", quotaId: "Unknown", counts: false, owners: [], ignoredOwners: [] };
    const [id, name] = [idOf<"subscription">(1), { subscriptionId: idOf(1), displayName: "Sale 1" }];

    expect(judgeUnseen(id, saleOf(1), "NotVisible")).toEqual({
      ...{ ...unseen, ...name },
      offer: "Azure plan",
      code: "NotVisible",
    });
    expect(judgeUnseen(id, saleOf(1, { offer: "Azure Global", status: "deleted" }), "NotVisible")).toEqual({
      ...{ ...unseen, ...name },
      offer: "Azure Global",
      code: "SaleNotActive",
    });
    expect(judgeUnseen(id, saleOf(1), "DependencyUnavailable").code).toBe("DependencyUnavailable");
    expect(judgeUnseen(id, undefined, "DependencyUnavailable")).toEqual({
      ...unseen,
      subscriptionId: id,
      displayName: id,
      code: "NotSoldByPartner",
    });
  });
});

describe("a role assignment", () => {
  const here = idOf<"subscription">(1);
  const judge = (facts: Partial<RoleAssignment>, otherwise: Partial<typeof rules> = {}) =>
    judgeAssignment(assignmentOn(1, facts), here, { ...rules, ...otherwise });

  test.each<[string, Partial<RoleAssignment>]>([
    ["of a user on the subscription", {}],
    ["of a group", { principalType: "Group" }],
    ["on the subscription in capitals", { scope: `/SUBSCRIPTIONS/${here.toUpperCase()}` }],
    ["at the root", { scope: "/" }],
    ["on a management group", { scope: "/providers/Microsoft.Management/managementGroups/all customers" }],
    ["with a condition", { conditional: true }],
    [
      "whose role id is in capitals",
      { roleDefinitionId: `/providers/Microsoft.Authorization/roleDefinitions/${ownerRoleId.toUpperCase()}` },
    ],
    ["whose role id stands alone", { roleDefinitionId: ownerRoleId }],
  ])("%s makes an Owner that counts", (_, facts) => {
    const { principalId, principalType, scope, conditional } = assignmentOn(1, facts);

    expect(judge(facts)).toEqual({ owner: { principalId, principalType, scope, conditional } });
  });

  test.each<[string, Partial<RoleAssignment>, string, string]>([
    ["the partner's own Admin Agents", { principalType: "ForeignGroup" }, "ForeignGroup", "PartnerPrincipal"],
    ["an application", { principalType: "ServicePrincipal" }, "ServicePrincipal", "NotAUserOrGroup"],
    ["a device", { principalType: "Device" }, "Device", "NotAUserOrGroup"],
    ["a principal without a type", { principalType: undefined }, "Unknown", "NotAUserOrGroup"],
    ["a principal of a new type", { principalType: "Agent" }, "Agent", "NotAUserOrGroup"],
    ["a user of a resource group", { scope: `/subscriptions/${here}/resourceGroups/a` }, "User", "BelowSubscription"],
    ["a user of another subscription", { scope: `/subscriptions/${idOf(2)}` }, "User", "BelowSubscription"],
    ["a user of a longer id", { scope: `/subscriptions/${here}0` }, "User", "BelowSubscription"],
    [
      "a user below a management group",
      { scope: "/providers/Microsoft.Management/managementGroups/a/b" },
      "User",
      "BelowSubscription",
    ],
    [
      "a user of something that ends like a management group",
      { scope: "/x/providers/Microsoft.Management/managementGroups/a" },
      "User",
      "BelowSubscription",
    ],
    ["a user of nothing", { scope: "" }, "User", "BelowSubscription"],
  ])("of %s is seen and does not count", (_, facts, principalType, code) => {
    expect(judge(facts)).toEqual({ ignored: { principalId: idOf(0x200), principalType, code } });
  });

  test("of an excluded principal does not count, however its id is written", () => {
    const excludedPrincipalIds = new Set<string>([idOf(0x200)]);

    const ignored = { principalId: idOf(0x200), principalType: "User", code: "ExcludedPrincipal" };
    expect(judge({}, { excludedPrincipalIds })).toEqual({ ignored });
    expect(judge({ principalId: idOf(0x200).toUpperCase() }, { excludedPrincipalIds })).toEqual({ ignored });
    expect(judge({ principalId: idOf(0x201) }, { excludedPrincipalIds })).toHaveProperty("owner");
  });

  test("names its principal in small letters", () => {
    expect(judge({ principalId: idOf(0x200).toUpperCase() })).toMatchObject({ owner: { principalId: idOf(0x200) } });
  });

  test.each<[string, Partial<RoleAssignment>]>([
    ["of another role", { roleDefinitionId: `/providers/Microsoft.Authorization/roleDefinitions/${readerRoleId}` }],
    ["of another role of the partner's", { roleDefinitionId: readerRoleId, principalType: "ForeignGroup" }],
    ["whose role only begins like Owner", { roleDefinitionId: `/roleDefinitions/${ownerRoleId}0` }],
    ["whose role stands in the middle of the path", { roleDefinitionId: `/${ownerRoleId}/x` }],
    ["without a role", { roleDefinitionId: "" }],
  ])("%s is no Owner at all", (_, facts) => {
    expect(judge(facts)).toBeUndefined();
  });

  test("of a role that the partner added makes an Owner", () => {
    const acceptedRoleIds = new Set([ownerRoleId, readerRoleId]);

    expect(judge({ roleDefinitionId: `/roleDefinitions/${readerRoleId}` }, { acceptedRoleIds })).toHaveProperty(
      "owner",
    );
  });
});

describe("both checks together", () => {
  const check = (result: Check["result"]): Check => ({ name: "ownerRole", result, code: "", message: "" });

  test.each<[Check["result"], Check["result"], Eligibility["result"]]>([
    ["Passed", "Passed", "Eligible"],
    ["Passed", "Failed", "NotEligible"],
    ["Failed", "Passed", "NotEligible"],
    ["Failed", "Failed", "NotEligible"],
    ["Failed", "Inconclusive", "NotEligible"],
    ["Inconclusive", "Failed", "NotEligible"],
    ["Passed", "Inconclusive", "Inconclusive"],
    ["Inconclusive", "Passed", "Inconclusive"],
    ["Inconclusive", "Inconclusive", "Inconclusive"],
  ])("%s and %s are %s", (one, other, result) => {
    expect(resultOf([check(one), check(other)])).toBe(result);
  });
});

function examined(number: number, otherwise: Partial<ExaminedSubscription> = {}): ExaminedSubscription {
  const { tenantId: _, ...shown } = subscriptionOf(number);
  return { ...shown, counts: true, owners: [], ignoredOwners: [], ...otherwise };
}

const owner = { principalId: idOf(0x200), principalType: "User", scope: "/", conditional: false };
const partner = { principalId: idOf(0x201), principalType: "ForeignGroup", code: "PartnerPrincipal" } as const;
const application = { principalId: idOf(0x202), principalType: "ServicePrincipal", code: "NotAUserOrGroup" } as const;

const partnerCenter = `https://partner.microsoft.com/commerce/customers/${contoso}/subscriptions`;
const accessControlOf = (number: number) =>
  `https://portal.azure.com/#@${contoso}/resource/subscriptions/${idOf(number)}/users`;

describe("the check azureSubscription", () => {
  test("passes on one subscription that counts among others, and says how many", () => {
    const found = [examined(1, { counts: false, code: "NotActive" }), examined(2)];

    expect(subscriptionCheck(found, context)).toEqual({
      name: "azureSubscription",
      result: "Passed",
      code: "AzureSubscriptionFound",
      message: "1 subscription sold through CSP is active.",
    });
    expect(subscriptionCheck([...found, examined(3)], context)).toMatchObject({
      result: "Passed",
      message: "2 subscriptions sold through CSP are active.",
    });
  });

  test.each<[string, ExaminedSubscription[], boolean]>([
    ["the only one is warned", [examined(1, { state: "Warned", code: "Warned" })], true],
    ["the only one is past due", [examined(1, { state: "PastDue", code: "PastDue" })], true],
    [
      "all are overdue, and one of them was not looked into",
      [examined(1, { state: "Warned", code: "Warned" }), examined(2, { state: "PastDue", code: "NotExamined" })],
      true,
    ],
    [
      "the only one is overdue and its assignments could not be seen",
      [examined(1, { state: "Warned", code: "NoAssignmentsVisible" })],
      true,
    ],
    ["another one is paid for", [examined(1, { state: "Warned", code: "Warned" }), examined(2)], false],
  ])("speaks of overdue payment or not when %s", (_, found, overdue) => {
    const { result, message } = subscriptionCheck(found, context);

    expect(result).toBe("Passed");
    expect(message.includes("overdue")).toBe(overdue);
  });

  test("fails when all that is seen does not count, and names what to do", () => {
    const found = [
      examined(1, { counts: false, code: "NotActive" }),
      examined(2, { counts: false, code: "OtherTenant" }),
    ];

    const check = subscriptionCheck(found, context);

    expect(check).toMatchObject({ result: "Failed", code: "NoAzureSubscription", link: partnerCenter });
    expect(check.message).toMatch(/^Azure shows 2 subscriptions of the customer, but no active /);
    expect(check.remedy).toMatch(/^Reactivate the suspended subscription/);
    expect(subscriptionCheck(found.slice(0, 1), context).message).toMatch(/^Azure shows 1 subscription of/);
  });

  test("names the quota id of an offer that is not known, and the setting that makes it count", () => {
    const found = [examined(1, { counts: false, code: "UnknownCspOffer", quotaId: "CSP_2030-01-01" })];

    const { remedy } = subscriptionCheck(found, context);

    expect(remedy).toContain("CSP_2030-01-01");
    expect(remedy).toContain("CSP_QUOTA_IDS");
  });

  test("asks for an Azure plan when there is only what the partner did not sell", () => {
    const found = [examined(1, { counts: false, code: "NotACspOffer" })];

    expect(subscriptionCheck(found, context).remedy).toBe("Buy an Azure plan for the customer in Partner Center.");
  });

  test("proves nothing when no subscription is seen", () => {
    const check = subscriptionCheck([], context);

    expect(check).toMatchObject({ result: "Inconclusive", code: "NoVisibleSubscription", link: partnerCenter });
    expect(check.message).toContain("Either there is none, or our application lacks the Reader role");
    expect(check.remedy).toContain("Reader role");
  });

  test("proves nothing when all that is seen belongs to another tenant", () => {
    const found = [examined(1, { counts: false, code: "OtherTenant" })];

    const check = subscriptionCheck(found, context);

    expect(check).toMatchObject({ result: "Inconclusive", code: "SubscriptionOfOtherTenant", link: partnerCenter });
    expect(check.remedy).toContain("which customer");
  });
});

describe("the check azureSubscription, where Partner Center is asked what was sold,", () => {
  const sold = salesOf(saleOf(1));
  const invisible = examined(3, { counts: false, code: "NotVisible", state: "Unknown" });

  test.each<[string, ExaminedSubscription[]]>([
    ["1 subscription sold through CSP as Azure plan is active.", [examined(1, { offer: "Azure plan" })]],
    [
      "2 subscriptions sold through CSP as Azure Global are active.",
      [examined(1, { offer: "Azure Global" }), examined(2, { offer: "Azure Global" })],
    ],
    [
      "2 subscriptions sold through CSP as Azure Global and Azure plan are active.",
      [examined(1, { offer: "Azure plan" }), examined(2, { offer: "Azure Global" })],
    ],
    [
      "1 subscription sold through CSP as Azure plan is active. Payment is overdue on it: Azure may disable it soon.",
      [examined(1, { offer: "Azure plan", state: "PastDue" })],
    ],
    ["1 subscription sold through CSP as Azure plan is active.", [invisible, examined(1, { offer: "Azure plan" })]],
  ])("says %j", (message, found) => {
    expect(subscriptionCheck(found, context, sold)).toMatchObject({ result: "Passed", message });
  });

  test.each(["none", "advisor", "syndication", "microsoft_support", ""])(
    'fails when the relationship is "%s", whatever was found',
    (relationship) => {
      const check = subscriptionCheck([examined(1)], context, { ...sold, relationship });

      expect(check).toMatchObject({
        result: "Failed",
        code: "NoResellerRelationship",
        link: "https://partner.microsoft.com/commerce/customers/list",
      });
      expect(check.message).toContain(`"${relationship}"`);
      expect(check.remedy).toMatch(/^Request a reseller relationship .*\.$/);
    },
  );

  test("knows a reseller in capitals", () => {
    expect(subscriptionCheck([examined(1)], context, { ...sold, relationship: "Reseller" }).result).toBe("Passed");
  });

  test.each<[string, ExaminedSubscription[]]>([
    ["nothing is found", []],
    ["all that is seen belongs to another tenant", [examined(2, { counts: false, code: "OtherTenant" })]],
    ["all that is seen was sold by others", [examined(2, { counts: false, code: "NotSoldByPartner" })]],
  ])("fails when the partner sold nothing, although %s", (_, found) => {
    const check = subscriptionCheck(found, context, salesOf());

    expect(check).toMatchObject({ result: "Failed", code: "NoAzureSubscription", link: partnerCenter });
    expect(check.remedy).toMatch(/^Buy an Azure plan .*, or create an Azure subscription below the plan/);
  });

  test("fails when all that was sold is not active, and asks to reactivate it", () => {
    const found = [examined(1, { counts: false, code: "SaleNotActive" })];

    const check = subscriptionCheck(found, context, salesOf(saleOf(1, { status: "suspended" })));

    expect(check).toMatchObject({ result: "Failed", code: "NoAzureSubscription", link: partnerCenter });
    expect(check.message).toMatch(/^1 subscription was looked at in Partner Center and Azure, but none is /);
    expect(check.remedy).toMatch(/^Reactivate the suspended subscription/);
    expect(subscriptionCheck([...found, ...found], context, salesOf()).message).toMatch(/^2 subscriptions were /);
    expect(subscriptionCheck([], context, salesOf()).message).toMatch(/^Partner Center shows no Azure plan or /);
  });

  test("fails on an active sale that Azure calls inactive", () => {
    const found = [examined(1, { counts: false, code: "NotActive" })];

    expect(subscriptionCheck(found, context, sold)).toMatchObject({ result: "Failed", code: "NoAzureSubscription" });
  });

  test("is not decided when Azure does not show what was sold, and asks for the Reader role on it", () => {
    const found = [examined(2, { counts: false, code: "NotSoldByPartner" }), invisible];

    const check = subscriptionCheck(found, context, salesOf(saleOf(3)));

    expect(check).toMatchObject({ result: "Inconclusive", code: "NotVisible", link: accessControlOf(3) });
    expect(check.message).toContain('"Subscription 3"');
    expect(check.remedy).toMatch(new RegExp(`^Assign the Reader role on the subscription ${idOf(3)}`));
  });

  test("is not decided when what was sold is in another tenant", () => {
    const found = [examined(1, { counts: false, code: "OtherTenant" })];

    expect(subscriptionCheck(found, context, sold)).toMatchObject({
      result: "Inconclusive",
      code: "SubscriptionOfOtherTenant",
    });
  });

  test("is not decided when Partner Center does not answer", () => {
    expect(salesCheckFailed()).toEqual({
      name: "azureSubscription",
      result: "Inconclusive",
      code: "DependencyUnavailable",
      message: expect.stringMatching(/^Partner Center did not answer/),
      remedy: "Try again in a moment.",
    });
  });

  test.each<[PartnerCenterRefusalReason, RegExp]>([
    ["RoleMissing", /role Admin Agent/],
    ["MfaRequired", /multi-factor authentication/],
    ["SignInRequired", /sign in again/],
    ["Refused", /documentation of errors/],
  ])("is not decided when Partner Center refuses (%s), and says what cures it", (reason, remedy) => {
    expect(salesCheckFailed(new PartnerCenterRefusal(reason, "It says no."))).toEqual({
      name: "azureSubscription",
      result: "Inconclusive",
      code: "PartnerCenterRefused",
      message: "It says no.",
      remedy: expect.stringMatching(remedy),
    });
  });

  test.each<[boolean, string, Sales | undefined]>([
    [true, "Partner Center is not asked", undefined],
    [true, "one of the sales is active", salesOf(saleOf(1, { status: "deleted" }), saleOf(2))],
    [false, "no sale is active", salesOf(saleOf(1, { status: "deleted" }))],
    [false, "nothing was sold", salesOf()],
    [false, "the partner is no reseller", { ...salesOf(saleOf(1)), relationship: "advisor" }],
  ])("may find a sale: %s, when %s", (isExpected, _, sales) => {
    expect(isSaleExpected(sales)).toBe(isExpected);
  });
});

const failures: [DirectoryFailureReason, Pick<Check, "result" | "code" | "link">, RegExp][] = [
  ["DependencyUnavailable", { result: "Inconclusive", code: "DependencyUnavailable" }, /Try again/],
  ["ReaderRoleMissing", { result: "Inconclusive", code: "ReaderRoleMissing" }, /Assign the Reader role/],
  [
    "CustomerAppNotConsented",
    {
      result: "Inconclusive",
      code: "CustomerAppNotConsented",
      link: `https://login.example/${contoso}/adminconsent?client_id=app%20id%2F1`,
    },
    /consent to the application/,
  ],
  ["CustomerAppRejected", { result: "Inconclusive", code: "CustomerAppRejected" }, /CUSTOMER_APP_CLIENT_SECRET/],
  ["CustomerTenantNotFound", { result: "Inconclusive", code: "CustomerTenantNotFound" }, /Check the customer id/],
  [
    "SubscriptionOfOtherTenant",
    { result: "Inconclusive", code: "SubscriptionOfOtherTenant", link: partnerCenter },
    /which customer/,
  ],
  ["SubscriptionNotFound", { result: "Failed", code: "NoAzureSubscription", link: partnerCenter }, /subscription id/],
];

describe("a tenant that cannot be looked into", () => {
  test.each(failures)("because of %s says what to do and where", (reason, verdict, remedy) => {
    const check = subscriptionCheckFailed(reason, context);

    expect(check).toEqual({
      name: "azureSubscription",
      ...verdict,
      message: expect.stringMatching(/^[A-Z].*\.$/),
      remedy: expect.stringMatching(remedy),
    });
  });

  test("gets no link to consent when our application has no id", () => {
    const check = subscriptionCheckFailed("CustomerAppNotConsented", { ...context, customerAppId: undefined });

    expect(check).toMatchObject({ code: "CustomerAppNotConsented", remedy: expect.any(String) });
    expect(check).not.toHaveProperty("link");
  });
});

describe("the check ownerRole", () => {
  test.each([
    ["user", owner],
    ["group", { ...owner, principalType: "Group" }],
  ])("passes on a %s of the customer's and names the subscription", (kind, found) => {
    const check = ownerCheck([examined(1, { code: "NotExamined" }), examined(2, { owners: [found] })], 0, context);

    expect(check).toEqual({
      name: "ownerRole",
      result: "Passed",
      code: "OwnerFound",
      message: `The customer's own ${kind} holds the Owner role on "Subscription 2".`,
    });
  });

  test("passes on one Owner although another subscription could not be seen", () => {
    const found = [examined(1, { code: "DependencyUnavailable" }), examined(2, { owners: [owner] })];

    expect(ownerCheck(found, 0, context).result).toBe("Passed");
  });

  test("is not decided by an Owner of a subscription that does not count", () => {
    const found = [examined(1, { counts: false, code: "NotActive", owners: [owner] })];

    const check = ownerCheck(found, 0, context);

    expect(check).toMatchObject({ result: "Inconclusive", code: "NoSubscriptionToCheck" });
    expect(check.message).toContain("there is no subscription on which it would count");
    expect(check.remedy).toContain("azureSubscription");
    expect(ownerCheck([], 0, context)).toEqual(check);
  });

  // The directory never says of a subscription that it just listed that there is none.
  const failuresOfAssignments = failures.filter(([reason]) => reason !== "SubscriptionNotFound");
  test.each(failuresOfAssignments)(
    "is not decided when one subscription answers %s, and says what to do",
    (reason, verdict, remedy) => {
      const link = reason === "ReaderRoleMissing" ? { link: accessControlOf(2) } : {};

      expect(
        ownerCheck([examined(1, { ignoredOwners: [partner] }), examined(2, { code: reason })], 0, context),
      ).toEqual({
        name: "ownerRole",
        ...verdict,
        ...link,
        message: expect.any(String),
        remedy: expect.stringMatching(remedy),
      });
    },
  );

  test("is not decided when no assignment at all is visible: ours would be", () => {
    expect(ownerCheck([examined(1), examined(2, { code: "NoAssignmentsVisible" })], 0, context)).toMatchObject({
      result: "Inconclusive",
      code: "ReaderRoleMissing",
      remedy: expect.stringContaining("Reader role"),
      link: accessControlOf(2),
    });
  });

  test("is not decided when nobody is seen to hold it, but Azure does not show all that was sold", () => {
    const found = [examined(1), examined(2, { counts: false, code: "NotVisible", state: "Unknown" })];

    expect(ownerCheck(found, 0, context)).toMatchObject({
      result: "Inconclusive",
      code: "NotVisible",
      remedy: expect.stringContaining("Reader role"),
      link: accessControlOf(2),
    });
    expect(ownerCheck([examined(1, { owners: [owner] }), ...found], 0, context).result).toBe("Passed");
  });

  test("fails when nobody holds the role, and leads to where it is assigned", () => {
    const check = ownerCheck([examined(1, { ignoredOwners: [application] }), examined(2)], 0, context);

    expect(check).toMatchObject({ result: "Failed", code: "OwnerRoleMissing", link: accessControlOf(1) });
    expect(check.message).toBe("None of the customer's own users or groups holds the Owner role.");
    expect(check.remedy).toMatch(/^Assign the Owner role .* ten minutes/);
  });

  test("fails on a subscription that is overdue too", () => {
    expect(ownerCheck([examined(1, { code: "PastDue" })], 0, context).code).toBe("OwnerRoleMissing");
  });

  test("says that the partner's own Owner role does not count", () => {
    const check = ownerCheck([examined(1), examined(2, { ignoredOwners: [application, partner] })], 0, context);

    expect(check).toMatchObject({ result: "Failed", code: "OwnerRoleMissing" });
    expect(check.message).toMatch(/^The only Owner that was found is the partner itself/);
  });

  test.each([
    [1, "1 principal could activate it"],
    [3, "3 principals could activate it"],
  ])("fails on roles that are only eligible, and says that %i could be activated", (activatable, words) => {
    const check = ownerCheck([examined(1)], activatable, context);

    expect(check).toMatchObject({ result: "Failed", code: "OwnerRoleMissing" });
    expect(check.message).toContain(words);
    expect(check.remedy).toMatch(/activate the eligible Owner assignment/);
  });
});

describe("the evidence of a change", () => {
  const eligibilityOf = (subscriptions: ExaminedSubscription[]): Eligibility => ({
    customerId: contoso,
    product: "azureReservations",
    result: "Eligible",
    checkedAt: "2026-03-01T12:00:00.000Z",
    checks: [],
    subscriptions,
  });

  test("begins with the subscription that decided and keeps the order of the others", () => {
    const [one, two, three] = [examined(1), examined(2), examined(3, { owners: [owner] })];

    expect(evidenceOf(eligibilityOf([one!, two!, three!]))).toEqual({
      checkedAt: "2026-03-01T12:00:00.000Z",
      subscriptions: [three, one, two],
    });
  });

  test("keeps as what each subscription was sold", () => {
    const found = [examined(1, { offer: "Azure Global", owners: [owner] }), examined(2)];

    expect(evidenceOf(eligibilityOf(found)).subscriptions.map(({ offer }) => offer)).toEqual([
      "Azure Global",
      undefined,
    ]);
  });

  test.each([
    [50, 50],
    [51, 50],
  ])("of %i subscriptions holds %i, the decisive one among them", (seen, kept) => {
    const found = Array.from({ length: seen }, (_, index) =>
      examined(index + 1, index === seen - 1 ? { owners: [owner] } : {}),
    );

    const { subscriptions } = evidenceOf(eligibilityOf(found));

    expect(subscriptions).toHaveLength(kept);
    expect(subscriptions[0]?.subscriptionId).toBe(idOf(seen));
  });

  test.each([
    [20, 20],
    [21, 20],
  ])("of %i principals names %i", (seen, kept) => {
    const owners = Array.from({ length: seen }, (_, index) => ({ ...owner, principalId: idOf(index) }));
    const ignoredOwners = Array.from({ length: seen }, (_, index) => ({ ...partner, principalId: idOf(index) }));

    const [subscription] = evidenceOf(eligibilityOf([examined(1, { owners, ignoredOwners })])).subscriptions;

    expect(subscription?.owners).toEqual(owners.slice(0, kept));
    expect(subscription?.ignoredOwners).toEqual(ignoredOwners.slice(0, kept));
  });
});

test("only an answer that did not come may come later by itself", () => {
  const passing = failures.filter(([reason]) => new DirectoryFailure(reason, "").passes);

  expect(passing.map(([reason]) => reason)).toEqual(["DependencyUnavailable"]);
});
