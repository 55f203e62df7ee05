/** In live mode a switch is turned On only for a customer to whom this very partner sold Azure: Partner Center says what. */

import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { Customer, Subscription } from "../local/stand-ins/customer.ts";
import { makeDemoCustomers } from "../local/stand-ins/demo-customers.ts";
import type { Fault } from "../local/stand-ins/faults.ts";
import { type Answer, type Product, startProduct } from "./harness/product.ts";
import { admit, assign, makeTenant, requestsFor } from "./harness/tenants.ts";

let product: Product;
beforeAll(async () => {
  product = await startProduct({ partnerCenterMode: "live", settings: { ELIGIBILITY_TIMEOUT_SECONDS: "6" } });
});
afterEach(() => {
  product.partnerCenter.faults.clear();
  product.arm.faults.clear();
});
afterAll(() => product.stop());

/** A customer nobody else asks about, with a user who owns the first subscription. */
function newCustomer(...subscriptions: Partial<Subscription>[]): Customer {
  const customer = admit(product, makeTenant(randomUUID(), subscriptions.length === 0 ? [{}] : subscriptions));
  if (customer.subscriptions.length > 0) assign(customer);
  return customer;
}

const check = ({ tenantId }: Customer, query = "") => product.call("GET", `/customers/${tenantId}/eligibility${query}`);

const turnOn = ({ tenantId }: Customer) =>
  product.call("PUT", `/customers/${tenantId}/permissions/azureReservations`, { body: { state: "On" } });

/** Codes of the two checks and of the subscriptions: what a case is about. */
function gist({ status, body }: Answer): object {
  return {
    status,
    result: body.result,
    checks: body.checks.map(({ result, code }: any) => `${result} ${code}`),
    subscriptions: body.subscriptions.map(({ counts, offer, code }: any) => [counts, offer, code]),
  };
}

const armCalls = (customer: Customer) => requestsFor(product.arm, customer).length;

/** Without those about policies. */
function salesCalls({ tenantId }: Customer): string[] {
  return product.partnerCenter.requests.entries
    .filter(({ path }) => path.startsWith(`/v1/customers/${tenantId}`))
    .map(({ path }) =>
      path
        .split("/")
        .slice(4)
        .join("/")
        .replace(/[0-9a-f-]{36}/, "{plan}"),
    )
    .sort();
}

const sees = ({ tenantId }: Customer, below = "") => new RegExp(`^/v1/customers/${tenantId}${below}$`);

const owned = "Passed OwnerFound";
const found = "Passed AzureSubscriptionFound";
const notLookedFor = "Inconclusive NoSubscriptionToCheck";

async function expectNothingTurnedOn(customer: Customer, refusal: string, status = 409): Promise<Answer> {
  const answer = await turnOn(customer);
  expect(answer).toMatchObject({ status, body: { error: { code: refusal } } });
  expect(product.partnerCenter.policies.of(customer.tenantId)).toBeUndefined();
  const { body } = await product.call("GET", `/customers/${customer.tenantId}/permissions/azureReservations`);
  expect(body).toMatchObject({ state: "Off", changeId: null });
  return answer;
}

describe("what this partner sold", () => {
  test.each([
    ["Azure plan", "azurePlan", ["", "subscriptions", "subscriptions/{plan}/azureEntitlements"]],
    ["Azure Global", "azureGlobal", ["", "subscriptions"]],
  ] as const)("as %s counts, is told, and is kept as evidence", async (offer, soldAs, calls) => {
    const customer = newCustomer({ soldAs });

    const answer = await check(customer);

    expect(gist(answer)).toEqual({
      status: 200,
      result: "Eligible",
      checks: [found, owned],
      subscriptions: [[true, offer, undefined]],
    });
    expect(answer.body.checks[0].message).toBe(`1 subscription sold through CSP as ${offer} is active.`);
    expect(salesCalls(customer)).toEqual(calls);
    expect(armCalls(customer)).toBe(2);

    expect(await turnOn(customer)).toMatchObject({ status: 200, body: { state: "On", changed: true } });
    const { body } = await product.call("GET", `/activities?customerId=${customer.tenantId}`);
    expect(body.value[0].evidence.subscriptions).toMatchObject([{ offer, counts: true }]);
  });

  test("counts beside what it did not sell, whose Owners are not even looked at", async () => {
    const customer = newCustomer({ soldAs: "notSold" }, {}, { soldAs: "azureGlobal" });
    assign(customer, { scope: `/subscriptions/${customer.subscriptions[2]!.subscriptionId}` });

    const answer = await check(customer);

    expect(gist(answer)).toMatchObject({
      result: "Eligible",
      subscriptions: [
        [false, undefined, "NotSoldByPartner"],
        [true, "Azure plan", undefined],
        [true, "Azure Global", undefined],
      ],
    });
    expect(armCalls(customer)).toBe(3);
    expect(answer.body.subscriptions[0].owners).toEqual([]);
  });

  test("is asked about in the route without parameters, too, and for one subscription alone", async () => {
    const customer = newCustomer({ soldAs: "azureGlobal" }, { soldAs: "notSold" });
    const [sold, notSold] = customer.subscriptions;

    const body = { customerId: customer.tenantId, subscriptionId: sold!.subscriptionId };
    const first = await product.call("POST", "/CheckCustomerEligibility", { body });
    const second = await check(customer, `?subscriptionId=${notSold!.subscriptionId}`);

    expect(gist(first)).toMatchObject({ result: "Eligible", subscriptions: [[true, "Azure Global", undefined]] });
    expect(gist(second)).toMatchObject({
      result: "NotEligible",
      checks: ["Failed NoAzureSubscription", notLookedFor],
      subscriptions: [[false, undefined, "NotSoldByPartner"]],
    });
  });
});

describe("a switch to On is refused", () => {
  test.each<[string, Partial<Subscription>, string, string | undefined]>([
    ["pay-as-you-go", { quotaId: "PayAsYouGo_2014-09-01" }, "NotACspOffer", undefined],
    ["of another CSP partner", { soldAs: "notSold" }, "NotSoldByPartner", undefined],
    ["suspended in Partner Center", { partnerStatus: "suspended" }, "SaleNotActive", "Azure plan"],
    ["deleted in Partner Center", { soldAs: "azureGlobal", partnerStatus: "deleted" }, "SaleNotActive", "Azure Global"],
    ["disabled in Azure only", { state: "Disabled", partnerStatus: "active" }, "NotActive", "Azure plan"],
    [
      "sold, but no CSP offer in Azure",
      { quotaId: "MSDN_2014-09-01", soldAs: "azurePlan" },
      "NotACspOffer",
      "Azure plan",
    ],
  ])("when the only subscription is %s, although a user owns it", async (_, subscription, code, offer) => {
    const customer = newCustomer(subscription);

    const answer = await check(customer);

    expect(gist(answer)).toEqual({
      status: 200,
      result: "NotEligible",
      checks: ["Failed NoAzureSubscription", notLookedFor],
      subscriptions: [[false, offer, code]],
    });
    expect(armCalls(customer)).toBe(1);
    const { body } = await expectNothingTurnedOn(customer, "NoAzureSubscription");
    expect(body.error.details).toEqual(answer.body.checks);
  });

  test("when the plan is suspended, whatever the subscriptions below it say", async () => {
    const customer = newCustomer({}, {});
    customer.azurePlan.status = "suspended";

    const answer = await check(customer);

    expect(gist(answer)).toMatchObject({
      result: "NotEligible",
      subscriptions: [
        [false, "Azure plan", "SaleNotActive"],
        [false, "Azure plan", "SaleNotActive"],
      ],
    });
    expect(answer.body.checks[0].remedy).toMatch(/^Reactivate the suspended subscription in Partner Center/);
    await expectNothingTurnedOn(customer, "NoAzureSubscription");
  });

  test("when nothing was sold and Azure shows nothing", async () => {
    const customer = newCustomer({ soldAs: "notSold" });
    customer.subscriptions = [];

    expect(gist(await check(customer))).toMatchObject({
      result: "NotEligible",
      checks: ["Failed NoAzureSubscription", notLookedFor],
    });
    await expectNothingTurnedOn(customer, "NoAzureSubscription");
  });

  test.each(["advisor", "syndication", "microsoft_support"] as const)(
    "when the relationship is %s",
    async (relationship) => {
      const customer = newCustomer();
      customer.relationshipToPartner = relationship;

      const answer = await check(customer);

      expect(gist(answer)).toMatchObject({
        result: "NotEligible",
        checks: ["Failed NoResellerRelationship", notLookedFor],
        subscriptions: [[false, undefined, "NotSoldByPartner"]],
      });
      expect(answer.body.checks[0]).toMatchObject({
        message: expect.stringContaining(`"${relationship}"`),
        remedy: expect.stringMatching(/^Request a reseller relationship/),
        link: "https://partner.microsoft.com/commerce/customers/list",
      });
      // Before anything else: the stand-in does not let the policy of such a customer be read.
      const { body } = await expectNothingTurnedOn(customer, "PartnerCenterRefused");
      expect(body.error.details).toMatchObject([{ code: "NoRelationship" }]);
    },
  );

  test("when the relationship is another, although the policy can be read", async () => {
    const customer = newCustomer();
    const body = { id: customer.tenantId, relationshipToPartner: "advisor" };
    product.partnerCenter.faults.add({ match: { path: sees(customer) }, fault: { kind: "json", body } });

    const put = await expectNothingTurnedOn(customer, "NoAzureSubscription");

    expect(put.body.error.details[0]).toMatchObject({ name: "azureSubscription", code: "NoResellerRelationship" });
  });

  test("when the relationship has ended (403/20002): the policy cannot even be read", async () => {
    const customer = newCustomer();
    customer.relationshipToPartner = "none";

    expect(gist(await check(customer))).toMatchObject({
      result: "NotEligible",
      checks: ["Failed NoResellerRelationship", notLookedFor],
    });
    const { body } = await expectNothingTurnedOn(customer, "PartnerCenterRefused");
    expect(body.error.details).toMatchObject([{ code: "NoRelationship" }]);
  });

  test("when Partner Center does not know the customer (404/60003), though Azure does", async () => {
    const customer = newCustomer();
    const body = { code: "60003", description: "Tenant not found." };
    const match = { path: sees(customer, ".*") };
    product.partnerCenter.faults.add({ match, fault: { kind: "status", status: 404, body } });

    expect(gist(await check(customer))).toMatchObject({
      result: "NotEligible",
      checks: ["Failed NoResellerRelationship", notLookedFor],
    });
    await expectNothingTurnedOn(customer, "NoAzureSubscription");
  });
});

describe("nobody can tell", () => {
  test("when Azure does not show what was sold: the Reader role is asked for", async () => {
    const customer = newCustomer();
    customer.roleAssignments = [];

    const answer = await check(customer);

    expect(gist(answer)).toEqual({
      status: 200,
      result: "Inconclusive",
      checks: ["Inconclusive NotVisible", notLookedFor],
      subscriptions: [[false, "Azure plan", "NotVisible"]],
    });
    expect(answer.body.subscriptions[0]).toMatchObject({
      displayName: customer.subscriptions[0]!.displayName,
      state: "Unknown",
      quotaId: "Unknown",
    });
    expect(answer.body.checks[0].remedy).toMatch(/^Assign the Reader role/);
    await expectNothingTurnedOn(customer, "EligibilityInconclusive");
  });

  test("when nobody owns what Azure shows, and it hides another one", async () => {
    const customer = newCustomer({}, {});
    const [first, second] = customer.subscriptions;
    customer.roleAssignments = customer.roleAssignments.filter(
      ({ scope, principalType }) => !scope.endsWith(second!.subscriptionId) && principalType !== "User",
    );

    const { body } = await check(customer);

    expect(body).toMatchObject({
      result: "Inconclusive",
      checks: [
        { result: "Passed" },
        { result: "Inconclusive", code: "NotVisible", link: expect.stringContaining(second!.subscriptionId) },
      ],
      subscriptions: [{ subscriptionId: first!.subscriptionId }, { code: "NotVisible" }],
    });
  });

  const passing: readonly [string, Fault][] = [
    ["is down", { kind: "status", status: 503 }],
    ["fails", { kind: "status", status: 500 }],
    ["shows a page for people", { kind: "html", status: 200 }],
    ["says something else", { kind: "json", body: { totalCount: 1, items: [] } }],
    ["cuts the connection", { kind: "reset" }],
    ["has too many calls", { kind: "status", status: 429 }],
    ["hangs", { kind: "hang" }],
  ];

  test.each(passing)(
    "when Partner Center %s: not now",
    async (_, fault) => {
      const customer = newCustomer();
      // The policy is read all the same: only what was sold is not known.
      product.partnerCenter.faults.add({ match: { path: sees(customer, "/subscriptions") }, fault });
      const start = performance.now();

      const answer = await check(customer);

      expect(performance.now() - start).toBeLessThan(9_000);
      expect(gist(answer)).toEqual({
        status: 200,
        result: "Inconclusive",
        checks: ["Inconclusive DependencyUnavailable", notLookedFor],
        subscriptions: [],
      });
      expect(armCalls(customer)).toBe(1);
      const put = await expectNothingTurnedOn(customer, "DependencyUnavailable", 503);
      expect(Number(put.headers.get("retry-after"))).toBeGreaterThan(0);

      product.partnerCenter.faults.clear();
      expect(await turnOn(customer)).toMatchObject({ status: 200, body: { state: "On" } });
    },
    40_000,
  );

  test.each([
    [401, "900421", /multi-factor authentication/],
    [403, "900150", /role Admin Agent/],
    [404, "1000", /documentation of errors/],
  ])("when Partner Center refuses with %i/%s: waiting will not help", async (status, code, remedy) => {
    const customer = newCustomer();
    const fault = { kind: "status", status, body: { code, description: "No." } } as const;
    product.partnerCenter.faults.add({ match: { path: sees(customer, "/subscriptions") }, fault });

    const answer = await check(customer);

    expect(gist(answer)).toEqual({
      status: 200,
      result: "Inconclusive",
      checks: ["Inconclusive PartnerCenterRefused", notLookedFor],
      subscriptions: [],
    });
    expect(answer.body.checks[0]).toMatchObject({
      message: expect.stringContaining(`${status}/${code}`),
      remedy: expect.stringMatching(remedy),
    });
    const put = await expectNothingTurnedOn(customer, "EligibilityInconclusive");
    expect(put.headers.get("retry-after")).toBeNull();
  });

  test("when Azure is down: what was sold is shown, and decides when it is nothing", async () => {
    const [sold, notSold] = [newCustomer(), newCustomer({ soldAs: "notSold" })];
    product.arm.faults.down = true;

    expect(gist(await check(sold))).toMatchObject({
      result: "Inconclusive",
      checks: ["Inconclusive DependencyUnavailable", notLookedFor],
      subscriptions: [[false, "Azure plan", "DependencyUnavailable"]],
    });
    expect(gist(await check(notSold))).toMatchObject({ result: "NotEligible", subscriptions: [] });
  });
});

test("Off asks nobody what was sold", async () => {
  const customer = newCustomer();
  await turnOn(customer);
  const calls = salesCalls(customer).length;
  product.partnerCenter.faults.add({ match: { path: sees(customer, ".*") }, fault: { kind: "hang" } });
  const path = `/customers/${customer.tenantId}/permissions/azureReservations`;

  const off = await product.call("PUT", path, { body: { state: "Off" } });

  expect(off).toMatchObject({ status: 200, body: { state: "Off", changed: true } });
  expect(salesCalls(customer)).toHaveLength(calls);
});

test.each(makeDemoCustomers().map(({ customer: { name }, outcome }) => [name, outcome]))(
  "the demo customer %s comes to what the welcome says: %s",
  async (name, outcome) => {
    const customer = product.customer(name);

    const { status, body } = await turnOn(customer);

    const word = status === 200 ? "On" : body.error.code === "EligibilityInconclusive" ? "cannot tell" : "refused";
    expect(outcome.split(":")[0]).toBe(word);
    const { subscriptions } = (await check(customer)).body;
    const offers = subscriptions.map(({ offer }: { offer?: string }) => offer).filter(Boolean);
    expect(offers.includes("Azure Global")).toBe(outcome.includes("Azure Global"));
  },
);
