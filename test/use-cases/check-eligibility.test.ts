/** How the customer's tenant is looked into: what is asked, in which order, how much at once, and when it is enough. */

import { describe, expect, jest, test } from "@jest/globals";
import { DirectoryFailure, type DirectoryFailureReason } from "../../shared/domain/directory-failure.ts";
import type { Check, SubscriptionCode } from "../../shared/domain/eligibility.ts";
import type { SubscriptionId } from "../../shared/domain/identifiers.ts";
import { PartnerCenterRefusal } from "../../shared/domain/partner-center-refusal.ts";
import type { Sales } from "../../shared/domain/partner-sale.ts";
import { dependencyUnavailable, Refusal } from "../../shared/domain/refusal.ts";
import { createCheckEligibility, type EligibilityQuestion } from "../../shared/use-cases/check-eligibility.ts";
import {
  assignmentOn,
  contoso,
  fabrikam,
  idOf,
  noon,
  readerOn,
  report,
  rules,
  subscriptionOf,
} from "../fakes/facts.ts";
import { createInMemoryDirectory, type TenantFacts, type Trouble } from "../fakes/in-memory-directory.ts";
import { createInMemorySales, saleOf, salesOf } from "../fakes/in-memory-sales.ts";
import { createInMemoryWorld } from "../fakes/in-memory-world.ts";

type Pages = NonNullable<TenantFacts["assignments"]>[SubscriptionId];

/** Asks about Contoso, whose subscriptions 1, 2, 3 … have these pages of role assignments. */
async function check(
  pages: readonly Pages[],
  otherwise: Partial<TenantFacts> = {},
  question: Partial<EligibilityQuestion> = {},
  timeoutSeconds = 20,
  sales?: Sales | Trouble,
) {
  const directory = createInMemoryDirectory({
    subscriptions: pages.map((_, index) => subscriptionOf(index + 1)),
    assignments: Object.fromEntries(pages.map((each, index) => [idOf(index + 1), each])),
    ...otherwise,
  });
  const world = createInMemoryWorld();
  let callsThen: (string | undefined)[] = [];
  const partnerSales =
    sales &&
    createInMemorySales(sales, () => {
      callsThen = directory.calls.map(({ end }) => end);
    });
  const ask = createCheckEligibility(directory, world.clock, {
    ...{ rules, timeoutSeconds, report },
    ...(partnerSales === undefined ? {} : { partnerSales }),
  });
  const finding = await ask({ customerId: contoso, ...question });
  const { checks, subscriptions } = finding.eligibility;
  return {
    ...finding,
    calls: directory.calls,
    salesCalls: partnerSales?.calls ?? [],
    /** How the calls of the directory stood when the sales were asked for. */
    callsThen,
    asked: directory.calls.map(({ kind, subscriptionId }) => `${kind} ${numberOf(subscriptionId)}`.trim()),
    codes: checks.map(({ code }) => code),
    subscriptionCodes: subscriptions.map(({ code }): SubscriptionCode | undefined => code),
  };
}

function numberOf(subscriptionId: string | undefined): string {
  return subscriptionId === undefined ? "" : String(Number.parseInt(subscriptionId.slice(-12), 16));
}

const nobody = (number: number): Pages => [[readerOn(number)]];
const owned = (number: number): Pages => [[readerOn(number), assignmentOn(number)]];
const failing = (reason: DirectoryFailureReason, retryAfterSeconds?: number) =>
  new DirectoryFailure(reason, "as told", retryAfterSeconds === undefined ? {} : { retryAfterSeconds });

describe("when an Owner is there", () => {
  test("two calls are enough: the list, and the assignments of the first subscription", async () => {
    const { eligibility, asked, retryAfterSeconds } = await check([owned(1), owned(2), owned(3)]);

    expect(asked).toEqual(["list", "assignments 1"]);
    expect(retryAfterSeconds).toBeUndefined();
    expect(eligibility).toEqual({
      customerId: contoso,
      result: "Eligible",
      checkedAt: noon.toISOString(),
      checks: [
        expect.objectContaining({ name: "azureSubscription", result: "Passed" }),
        expect.objectContaining({ name: "ownerRole", result: "Passed", code: "OwnerFound" }),
      ],
      subscriptions: [
        {
          subscriptionId: idOf(1),
          displayName: "Subscription 1",
          state: "Enabled",
          quotaId: "CSP_2015-05-01",
          counts: true,
          owners: [
            { principalId: idOf(0x200), principalType: "User", scope: `/subscriptions/${idOf(1)}`, conditional: false },
          ],
          ignoredOwners: [],
        },
        expect.objectContaining({ subscriptionId: idOf(2), code: "NotExamined", owners: [], ignoredOwners: [] }),
        expect.objectContaining({ subscriptionId: idOf(3), code: "NotExamined", owners: [] }),
      ],
    });
  });

  test("the pages after the one that holds the Owner are not read", async () => {
    const pages: Pages = [[readerOn(1)], [assignmentOn(1)], "hang"];

    const { eligibility, calls } = await check([pages]);

    expect(eligibility.result).toBe("Eligible");
    expect(calls.at(-1)).toMatchObject({ kind: "assignments", pages: 2, end: "left" });
  });

  test("the calls that still run are aborted, and those not begun never are", async () => {
    const { eligibility, asked, calls, subscriptionCodes } = await check([
      nobody(1),
      ["hang"],
      owned(3),
      ["hang"],
      ["hang"],
      nobody(6),
    ]);

    expect(eligibility.result).toBe("Eligible");
    expect(asked).toEqual([
      "list",
      "assignments 1",
      "assignments 2",
      "assignments 3",
      "assignments 4",
      "assignments 5",
    ]);
    expect(calls.slice(2).map(({ end }) => end)).toEqual(["aborted", "left", "aborted", "aborted"]);
    expect(subscriptionCodes).toEqual([
      undefined,
      "NotExamined",
      undefined,
      "NotExamined",
      "NotExamined",
      "NotExamined",
    ]);
  });

  test("troubles with other subscriptions do not matter, whichever they are", async () => {
    const { eligibility, retryAfterSeconds, subscriptionCodes } = await check([
      [failing("DependencyUnavailable", 30)],
      [failing("ReaderRoleMissing")],
      owned(3),
    ]);

    expect(eligibility.result).toBe("Eligible");
    expect(retryAfterSeconds).toBeUndefined();
    expect(subscriptionCodes).toEqual(["DependencyUnavailable", "ReaderRoleMissing", undefined]);
  });

  test("the answer names at most 100 Owners and 100 others", async () => {
    const many = Array.from({ length: 101 }, (_, index) => [
      assignmentOn(1, { principalId: idOf(0x1000 + index) }),
      assignmentOn(1, { principalId: idOf(0x2000 + index), principalType: "ServicePrincipal" }),
    ]);

    const { eligibility } = await check([[many.flat()]]);

    const [{ owners, ignoredOwners } = { owners: [], ignoredOwners: [] }] = eligibility.subscriptions;
    expect(owners.map(({ principalId }) => principalId)).toEqual(
      Array.from({ length: 100 }, (_, index) => idOf(0x1000 + index)),
    );
    expect(ignoredOwners).toHaveLength(100);
  });
});

describe("how much at once", () => {
  test("the first subscription is examined alone, the others four at a time", async () => {
    const { asked, calls } = await check(Array.from({ length: 12 }, (_, index) => nobody(index + 1)));

    const inOrder = Array.from({ length: 12 }, (_, index) => `assignments ${index + 1}`);
    expect(asked).toEqual(["list", ...inOrder, "eligible 1"]);
    expect(calls.slice(0, 5).map(({ atOnce }) => atOnce)).toEqual([1, 1, 1, 2, 3]);
    expect(Math.max(...calls.map(({ atOnce }) => atOnce))).toBe(4);
  });

  test("subscriptions that do not count cost no call", async () => {
    const { asked, subscriptionCodes } = await check([], {
      subscriptions: [
        subscriptionOf(1, { state: "Disabled" }),
        subscriptionOf(2, { quotaId: "MSDN_2014-09-01" }),
        subscriptionOf(3),
      ],
      assignments: { [idOf<"subscription">(3)]: owned(3) },
    });

    expect(asked).toEqual(["list", "assignments 3"]);
    expect(subscriptionCodes).toEqual(["NotActive", "NotACspOffer", undefined]);
  });

  test("a subscription that the list names twice is examined and shown once", async () => {
    const { asked, eligibility } = await check([], {
      subscriptions: [subscriptionOf(1), subscriptionOf(2), subscriptionOf(1, { displayName: "again" })],
      assignments: { [idOf<"subscription">(1)]: nobody(1), [idOf<"subscription">(2)]: nobody(2) },
    });

    expect(asked).toEqual(["list", "assignments 1", "assignments 2", "eligible 1"]);
    expect(eligibility.subscriptions.map(({ displayName }) => displayName)).toEqual([
      "Subscription 1",
      "Subscription 2",
    ]);
  });

  test("a customer without any subscription costs one call", async () => {
    const { asked, codes, eligibility } = await check([]);

    expect(asked).toEqual(["list"]);
    expect(codes).toEqual(["NoVisibleSubscription", "NoSubscriptionToCheck"]);
    expect(eligibility).toMatchObject({ result: "Inconclusive", subscriptions: [] });
  });
});

describe("a named subscription", () => {
  const question = { subscriptionId: idOf<"subscription">(2), product: "azureSavingsPlans" } as const;

  test("is the only one looked at", async () => {
    const { eligibility, asked } = await check([owned(1), nobody(2)], {}, question);

    expect(asked).toEqual(["get 2", "assignments 2", "eligible 2"]);
    expect(eligibility).toMatchObject({
      product: "azureSavingsPlans",
      result: "NotEligible",
      subscriptions: [{ subscriptionId: idOf(2) }],
    });
  });

  test("that is not there is no Azure subscription", async () => {
    const { eligibility, codes } = await check([owned(1)], {}, question);

    expect(codes).toEqual(["NoAzureSubscription", "NoSubscriptionToCheck"]);
    expect(eligibility).toMatchObject({ result: "NotEligible", subscriptions: [] });
  });

  test("of another tenant proves nothing", async () => {
    const subscriptions = [subscriptionOf(2, { tenantId: fabrikam })];

    const { eligibility, asked, codes } = await check([], { subscriptions }, question);

    expect(asked).toEqual(["get 2"]);
    expect(codes[0]).toBe("SubscriptionOfOtherTenant");
    expect(eligibility.result).toBe("Inconclusive");
  });
});

describe("when nobody holds the role", () => {
  test("one more call asks how many could activate it, and each principal is counted once", async () => {
    const eligible = [
      assignmentOn(1),
      assignmentOn(1, { scope: "/" }),
      assignmentOn(1, { principalId: idOf(0x201), principalType: "Group" }),
      assignmentOn(1, { principalId: idOf(0x202), principalType: "ForeignGroup" }),
      readerOn(1),
    ];

    const { eligibility, asked } = await check([nobody(1), nobody(2)], { eligible });

    expect(asked).toEqual(["list", "assignments 1", "assignments 2", "eligible 1"]);
    expect(eligibility.result).toBe("NotEligible");
    expect(eligibility.checks[1]?.message).toContain("2 principals could activate it");
    expect(eligibility.checks[1]?.link).toBe(
      `https://portal.azure.com/#@${contoso}/resource/subscriptions/${idOf(1)}/users`,
    );
  });

  test("it is asked of the first subscription that counts", async () => {
    const subscriptions = [subscriptionOf(1, { state: "Disabled" }), subscriptionOf(2)];

    const { asked } = await check([nobody(1), nobody(2)], { subscriptions });

    expect(asked).toEqual(["list", "assignments 2", "eligible 2"]);
  });

  test.each<[string, Trouble]>([
    ["fails", failing("DependencyUnavailable")],
    ["breaks", new TypeError("not iterable")],
  ])("the answer is the same when that call %s", async (_, eligible) => {
    const { eligibility, retryAfterSeconds, codes } = await check([nobody(1)], { eligible });

    expect(eligibility.result).toBe("NotEligible");
    expect(codes).toEqual(["AzureSubscriptionFound", "OwnerRoleMissing"]);
    expect(eligibility.checks[1]?.message).not.toContain("activate");
    expect(retryAfterSeconds).toBeUndefined();
  });

  test.each(["Warned", "PastDue"])("it is asked of a subscription that is %s too", async (state) => {
    const { asked, codes } = await check([nobody(1)], { subscriptions: [subscriptionOf(1, { state })] });

    expect(asked).toContain("eligible 1");
    expect(codes[1]).toBe("OwnerRoleMissing");
  });

  test.each<[string, readonly Pages[]]>([
    ["an Owner is there", [nobody(1), owned(2)]],
    ["some assignments were not seen", [nobody(1), [failing("ReaderRoleMissing")]]],
    ["a subscription shows no assignment at all", [nobody(1), []]],
  ])("it is not asked when %s", async (_, pages) => {
    const { asked } = await check(pages);

    expect(asked.filter((each) => each.startsWith("eligible"))).toEqual([]);
  });

  test("the partner's own Owner role is shown and does not count", async () => {
    const { eligibility } = await check([[[assignmentOn(1, { principalType: "ForeignGroup" })]]]);

    expect(eligibility).toMatchObject({
      result: "NotEligible",
      subscriptions: [{ owners: [], ignoredOwners: [{ principalType: "ForeignGroup", code: "PartnerPrincipal" }] }],
    });
  });
});

describe("when Azure does not say", () => {
  test("a subscription without any visible assignment proves nothing: our own would be there", async () => {
    const { eligibility, subscriptionCodes, codes, retryAfterSeconds } = await check([[[], []]]);

    expect(eligibility.result).toBe("Inconclusive");
    expect(subscriptionCodes).toEqual(["NoAssignmentsVisible"]);
    expect(codes).toEqual(["AzureSubscriptionFound", "ReaderRoleMissing"]);
    expect(retryAfterSeconds).toBeUndefined();
  });

  const reasons: [DirectoryFailureReason, string, number | undefined][] = [
    ["DependencyUnavailable", "Inconclusive", 5],
    ["ReaderRoleMissing", "Inconclusive", undefined],
    ["CustomerAppNotConsented", "Inconclusive", undefined],
    ["CustomerAppRejected", "Inconclusive", undefined],
    ["CustomerTenantNotFound", "Inconclusive", undefined],
    ["SubscriptionOfOtherTenant", "Inconclusive", undefined],
    ["SubscriptionNotFound", "NotEligible", undefined],
  ];

  test.each(reasons)("%s of the list makes it %s", async (reason, result, wait) => {
    const { eligibility, codes, asked, retryAfterSeconds } = await check([], { subscriptions: failing(reason) });

    expect(asked).toEqual(["list"]);
    expect(eligibility).toMatchObject({ result, subscriptions: [] });
    expect(codes).toEqual([reason.replace("SubscriptionNotFound", "NoAzureSubscription"), "NoSubscriptionToCheck"]);
    expect(retryAfterSeconds).toBe(wait);
  });

  // A subscription that was just listed and is not found is unintelligible: the directory never says NotFound here.
  const reasonsOfAssignments = reasons.filter(([reason]) => reason !== "SubscriptionNotFound");
  test.each(reasonsOfAssignments)("%s of one subscription's assignments makes it %s", async (reason, result, wait) => {
    const { eligibility, codes, subscriptionCodes, retryAfterSeconds } = await check([
      nobody(1),
      [[readerOn(2)], failing(reason)],
    ]);

    expect(eligibility.result).toBe(result);
    expect(codes).toEqual(["AzureSubscriptionFound", reason]);
    expect(subscriptionCodes).toEqual([undefined, reason]);
    expect(retryAfterSeconds).toBe(wait);
  });

  test("the first subscription's failure does not keep the others from being examined", async () => {
    const { asked } = await check([[failing("ReaderRoleMissing")], nobody(2), nobody(3)]);

    expect(asked).toEqual(["list", "assignments 1", "assignments 2", "assignments 3"]);
  });

  test("waiting is worth it when at least one of the troubles passes, as long as the longest one asks", async () => {
    const { eligibility, retryAfterSeconds } = await check([
      [failing("ReaderRoleMissing", 90)],
      [failing("DependencyUnavailable", 7)],
      [failing("DependencyUnavailable", 30)],
      [failing("DependencyUnavailable")],
    ]);

    expect(eligibility.result).toBe("Inconclusive");
    expect(retryAfterSeconds).toBe(30);
  });

  test("without a wait from Azure it is five seconds", async () => {
    const { retryAfterSeconds } = await check([
      [failing("DependencyUnavailable", 1)],
      [failing("DependencyUnavailable")],
    ]);

    expect(retryAfterSeconds).toBe(5);
  });

  test.each<[string, readonly Pages[], Partial<TenantFacts>]>([
    ["the list", [], { subscriptions: "hang" }],
    ["the assignments", [["hang"]], {}],
  ])("the deadline ends %s that never come", async (_, pages, otherwise) => {
    const { eligibility, codes, retryAfterSeconds } = await check(pages, otherwise, {}, 0.03);

    expect(eligibility.result).toBe("Inconclusive");
    expect(codes).toContain("DependencyUnavailable");
    expect(retryAfterSeconds).toBe(5);
  });

  test("there is one deadline for the whole check, of as many seconds as set", async () => {
    const timeout = jest.spyOn(AbortSignal, "timeout");

    await check([nobody(1), nobody(2)], {}, {}, 17);

    expect(timeout.mock.calls).toEqual([[17_000]]);
    timeout.mockRestore();
  });
});

describe("where Partner Center is asked what was sold", () => {
  const checkSales = (
    sales: Sales | Trouble,
    pages: readonly Pages[],
    otherwise: Partial<TenantFacts> = {},
    question: Partial<EligibilityQuestion> = {},
    timeoutSeconds = 20,
  ) => check(pages, otherwise, question, timeoutSeconds, sales);

  test("it is asked once, side by side with the list, and the offer is told", async () => {
    const { eligibility, asked, salesCalls, callsThen } = await checkSales(
      salesOf(saleOf(2, { offer: "Azure Global" }), saleOf(1)),
      [owned(1), owned(2)],
    );

    expect(salesCalls).toEqual([contoso]);
    expect(callsThen).toEqual([undefined]);
    expect(asked).toEqual(["list", "assignments 1"]);
    expect(eligibility.result).toBe("Eligible");
    expect(eligibility.subscriptions.map(({ offer, counts }) => [offer, counts])).toEqual([
      ["Azure plan", true],
      ["Azure Global", true],
    ]);
  });

  test("without it no subscription has an offer", async () => {
    const { eligibility } = await check([owned(1)]);

    expect(eligibility.subscriptions[0]).not.toHaveProperty("offer");
  });

  test("role assignments are read only where it and Azure agree", async () => {
    const { eligibility, asked, subscriptionCodes } = await checkSales(
      salesOf(saleOf(2, { status: "suspended" }), saleOf(3), saleOf(4)),
      [],
      {
        subscriptions: [
          subscriptionOf(1),
          subscriptionOf(2),
          subscriptionOf(3, { state: "Disabled" }),
          subscriptionOf(4),
        ],
        assignments: Object.fromEntries([1, 2, 3, 4].map((number) => [idOf(number), owned(number)])),
      },
    );

    expect(asked).toEqual(["list", "assignments 4"]);
    expect(subscriptionCodes).toEqual(["NotSoldByPartner", "SaleNotActive", "NotActive", undefined]);
    expect(eligibility.result).toBe("Eligible");
  });

  test("an Owner on what another partner sold does not count", async () => {
    const { eligibility, asked, codes } = await checkSales(salesOf(), [owned(1)]);

    expect(asked).toEqual(["list"]);
    expect(codes).toEqual(["NoAzureSubscription", "NoSubscriptionToCheck"]);
    expect(eligibility.result).toBe("NotEligible");
  });

  test("nothing sold is surely nothing, although Azure's empty list proves nothing", async () => {
    const { eligibility, codes, subscriptionCodes } = await checkSales(salesOf(), []);

    expect(codes[0]).toBe("NoAzureSubscription");
    expect(eligibility.result).toBe("NotEligible");
    expect(subscriptionCodes).toEqual([]);
  });

  test("without the reseller relationship nothing counts, whatever was sold", async () => {
    const { eligibility, asked, codes, subscriptionCodes } = await checkSales(
      { ...salesOf(saleOf(1), saleOf(2)), relationship: "advisor" },
      [owned(1)],
    );

    expect(asked).toEqual(["list"]);
    expect(codes).toEqual(["NoResellerRelationship", "NoSubscriptionToCheck"]);
    expect(subscriptionCodes).toEqual(["NotSoldByPartner"]);
    expect(eligibility.result).toBe("NotEligible");
  });

  test("what was sold and Azure does not show is shown, and leaves it undecided", async () => {
    const { eligibility, asked, codes, retryAfterSeconds } = await checkSales(
      salesOf(saleOf(1), saleOf(2, { status: "deleted" })),
      [],
    );

    expect(asked).toEqual(["list"]);
    expect(codes).toEqual(["NotVisible", "NoSubscriptionToCheck"]);
    expect(eligibility).toMatchObject({
      result: "Inconclusive",
      subscriptions: [
        { subscriptionId: idOf(1), displayName: "Sale 1", offer: "Azure plan", counts: false, code: "NotVisible" },
        { subscriptionId: idOf(2), counts: false, code: "SaleNotActive" },
      ],
    });
    expect(retryAfterSeconds).toBeUndefined();
  });

  test("an Owner on what Azure shows is enough, whatever else it hides", async () => {
    const { eligibility, subscriptionCodes } = await checkSales(salesOf(saleOf(1), saleOf(2)), [owned(1)]);

    expect(eligibility.result).toBe("Eligible");
    expect(subscriptionCodes).toEqual([undefined, "NotVisible"]);
  });

  test("no Owner on what Azure shows decides nothing about what it hides, and nobody is counted", async () => {
    const { eligibility, asked, codes } = await checkSales(salesOf(saleOf(1), saleOf(2)), [nobody(1)]);

    expect(asked).toEqual(["list", "assignments 1"]);
    expect(codes).toEqual(["AzureSubscriptionFound", "NotVisible"]);
    expect(eligibility.result).toBe("Inconclusive");
  });

  describe("a named subscription", () => {
    const question = { subscriptionId: idOf<"subscription">(2) };

    test("that was sold is the only one looked at", async () => {
      const { eligibility, asked } = await checkSales(
        salesOf(saleOf(1), saleOf(2)),
        [owned(1), owned(2)],
        {},
        question,
      );

      expect(asked).toEqual(["get 2", "assignments 2"]);
      expect(eligibility).toMatchObject({ result: "Eligible", subscriptions: [{ offer: "Azure plan" }] });
      expect(eligibility.subscriptions).toHaveLength(1);
    });

    test.each<[string, readonly Pages[], Sales, string, string]>([
      ["Azure shows, not sold", [owned(1), owned(2)], salesOf(saleOf(1)), "NoAzureSubscription", "NotSoldByPartner"],
      ["Azure does not find, not sold", [owned(1)], salesOf(saleOf(1)), "NoAzureSubscription", "NotSoldByPartner"],
      [
        "Azure does not find, sale suspended",
        [owned(1)],
        salesOf(saleOf(1), saleOf(2, { status: "suspended" })),
        "NoAzureSubscription",
        "SaleNotActive",
      ],
      ["Azure does not find, sold", [owned(1)], salesOf(saleOf(1), saleOf(2)), "NotVisible", "NotVisible"],
    ])("%s", async (_, pages, sales, code, subscriptionCode) => {
      const { eligibility, asked, codes, subscriptionCodes, retryAfterSeconds } = await checkSales(
        sales,
        pages,
        {},
        question,
      );

      expect(asked).toEqual(["get 2"]);
      expect(codes[0]).toBe(code);
      expect(subscriptionCodes).toEqual([subscriptionCode]);
      expect(eligibility.result).toBe(code === "NotVisible" ? "Inconclusive" : "NotEligible");
      expect(retryAfterSeconds).toBeUndefined();
    });
  });

  test("the sale of another subscription says nothing about a named one, whatever Azure says", async () => {
    const subscriptions = failing("DependencyUnavailable");
    const question = { subscriptionId: idOf<"subscription">(2) };

    const { eligibility, codes, subscriptionCodes } = await checkSales(
      salesOf(saleOf(1)),
      [],
      { subscriptions },
      question,
    );

    expect(eligibility.result).toBe("NotEligible");
    expect(codes[0]).toBe("NoAzureSubscription");
    expect(subscriptionCodes).toEqual(["NotSoldByPartner"]);
  });

  describe("and Azure does not answer,", () => {
    const subscriptions = failing("DependencyUnavailable", 7);

    test("it stays undecided while a sale is active, and the sales are shown", async () => {
      const { eligibility, codes, subscriptionCodes, retryAfterSeconds } = await checkSales(
        salesOf(saleOf(1), saleOf(2, { status: "expired" })),
        [],
        { subscriptions },
      );

      expect(eligibility.result).toBe("Inconclusive");
      expect(codes[0]).toBe("DependencyUnavailable");
      expect(subscriptionCodes).toEqual(["DependencyUnavailable", "SaleNotActive"]);
      expect(retryAfterSeconds).toBe(7);
    });

    test.each<[string, Sales, string]>([
      ["no sale is active", salesOf(saleOf(1, { status: "expired" })), "NoAzureSubscription"],
      ["nothing was sold", salesOf(), "NoAzureSubscription"],
      ["there is no relationship", { relationship: "none", subscriptions: [] }, "NoResellerRelationship"],
    ])("it is decided all the same when %s", async (_, sales, code) => {
      const { eligibility, codes, retryAfterSeconds } = await checkSales(sales, [], { subscriptions });

      expect(eligibility.result).toBe("NotEligible");
      expect(codes[0]).toBe(code);
      expect(retryAfterSeconds).toBeUndefined();
    });
  });

  test("it is down: undecided for as long as it asks to wait, and no assignments are read", async () => {
    const down = dependencyUnavailable("Partner Center", { retryAfterSeconds: 57 });

    const { eligibility, asked, codes, retryAfterSeconds, cause } = await checkSales(down, [owned(1)]);

    expect(asked).toEqual(["list"]);
    expect(codes).toEqual(["DependencyUnavailable", "NoSubscriptionToCheck"]);
    expect(eligibility).toMatchObject({ result: "Inconclusive", subscriptions: [] });
    expect(retryAfterSeconds).toBe(57);
    expect(cause).toBe(down);
  });

  test("it is down without a word about the wait: five seconds", async () => {
    const down = new Refusal("DependencyUnavailable", "down");

    expect((await checkSales(down, [owned(1)])).retryAfterSeconds).toBe(5);
  });

  test("it refuses: undecided, and waiting will not help, even if Azure is down as well", async () => {
    const refusal = new PartnerCenterRefusal("RoleMissing", "It says no.");

    for (const otherwise of [{}, { subscriptions: failing("DependencyUnavailable") }]) {
      const { eligibility, codes, retryAfterSeconds } = await checkSales(refusal, [owned(1)], otherwise);

      expect(eligibility).toMatchObject({ result: "Inconclusive", subscriptions: [] });
      expect(codes).toEqual(["PartnerCenterRefused", "NoSubscriptionToCheck"]);
      expect(eligibility.checks[0]?.remedy).toContain("Admin Agent");
      expect(retryAfterSeconds).toBeUndefined();
    }
  });

  test("the one deadline ends its silence too", async () => {
    const timeout = jest.spyOn(AbortSignal, "timeout");

    const { codes, retryAfterSeconds } = await checkSales("hang", [owned(1)], {}, {}, 0.03);

    expect(codes[0]).toBe("DependencyUnavailable");
    expect(retryAfterSeconds).toBe(5);
    expect(timeout.mock.calls).toEqual([[30]]);
    timeout.mockRestore();
  });

  test.each([new TypeError("a bug"), new Refusal("InvalidRequest", "a bug")])(
    "our own mistakes are not taken for its answer: %s",
    async (bug) => {
      await expect(checkSales(bug, [owned(1)])).rejects.toBe(bug);
    },
  );
});

describe("our own mistakes are not taken for an answer of Azure's:", () => {
  test.each<[string, readonly Pages[], Partial<TenantFacts>]>([
    ["the list", [], { subscriptions: new TypeError("a bug") }],
    ["the first subscription", [[new TypeError("a bug")], owned(2)], {}],
    ["a later subscription", [nobody(1), nobody(2), [new TypeError("a bug")]], {}],
  ])("an unexpected error of %s is thrown on", async (_, pages, otherwise) => {
    await expect(check(pages, otherwise)).rejects.toThrow(new TypeError("a bug"));
  });
});

test("each check that did not pass names a remedy", async () => {
  const findings = await Promise.all([
    check([]),
    check([nobody(1)]),
    check([[]]),
    check([], { subscriptions: failing("CustomerAppNotConsented") }),
    check([], { subscriptions: [subscriptionOf(1, { state: "Deleted" })] }),
  ]);

  const open: Check[] = findings
    .flatMap(({ eligibility }) => eligibility.checks)
    .filter(({ result }) => result !== "Passed");
  expect(open).toHaveLength(8);
  for (const { remedy } of open) expect(remedy).toMatch(/^[A-Z].*\.$/);
});
