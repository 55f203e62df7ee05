/** How the customer's tenant is looked into: what is asked, in which order, how much at once, and when it is enough. */

import { describe, expect, jest, test } from "@jest/globals";
import { DirectoryFailure, type DirectoryFailureReason } from "../../shared/domain/directory-failure.ts";
import type { Check, SubscriptionCode } from "../../shared/domain/eligibility.ts";
import type { SubscriptionId } from "../../shared/domain/identifiers.ts";
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
import { createInMemoryWorld } from "../fakes/in-memory-world.ts";

type Pages = NonNullable<TenantFacts["assignments"]>[SubscriptionId];

/** Asks about Contoso, whose subscriptions 1, 2, 3 … have these pages of role assignments. */
async function check(
  pages: readonly Pages[],
  otherwise: Partial<TenantFacts> = {},
  question: Partial<EligibilityQuestion> = {},
  timeoutSeconds = 20,
) {
  const directory = createInMemoryDirectory({
    subscriptions: pages.map((_, index) => subscriptionOf(index + 1)),
    assignments: Object.fromEntries(pages.map((each, index) => [idOf(index + 1), each])),
    ...otherwise,
  });
  const world = createInMemoryWorld();
  const ask = createCheckEligibility(directory, world.clock, { rules, timeoutSeconds, report });
  const finding = await ask({ customerId: contoso, ...question });
  const { checks, subscriptions } = finding.eligibility;
  return {
    ...finding,
    calls: directory.calls,
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
        expect.objectContaining({ subscriptionId: idOf(2), code: "NotExamined", owners: [] }),
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
