import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { type Customer, roles, scopes } from "../local/stand-ins/customer.ts";
import { customerAppClientId } from "../local/stand-ins/demo-customers.ts";
import type { Fault } from "../local/stand-ins/faults.ts";
import { guidOf } from "../local/stand-ins/guid.ts";
import { type StandIn, startServer } from "../local/stand-ins/https-server.ts";
import { type ManagedIdentityStandIn, startManagedIdentity } from "../local/stand-ins/managed-identity.ts";
import { type Answer, type Product, startProduct } from "./harness/product.ts";
import { admit, assign, faultsFor, makeEligibleTenant, makeTenant, requestsFor } from "./harness/tenants.ts";

jest.setTimeout(30_000);

const assignmentsPath = "/providers/Microsoft.Authorization/roleAssignments";
const partnerOwner = { principalId: guidOf("group:AdminAgents of the partner"), principalType: "ForeignGroup" };

let product: Product;

beforeAll(async () => {
  product = await startProduct({ settings: { ELIGIBILITY_TIMEOUT_SECONDS: "6" } });
});
afterAll(() => product.stop());
beforeEach(() => {
  Object.assign(product.arm.behaviour, {
    pageSize: 1000,
    unreadableRoleAssignments: "forbidden",
    ignoresAtScope: false,
  });
});

function check(customer: Pick<Customer, "tenantId">, query = "", by = product): Promise<Answer> {
  return by.call("GET", `/customers/${customer.tenantId}/eligibility${query}`);
}

function turnOn(customer: Pick<Customer, "tenantId">, fields: object = {}, by = product): Promise<Answer> {
  const path = `/customers/${customer.tenantId}/permissions/azureReservations`;
  return by.call("PUT", path, { body: { state: "On", ...fields } });
}

async function stateOf({ tenantId }: Pick<Customer, "tenantId">): Promise<string> {
  return (await product.call("GET", `/customers/${tenantId}/permissions/azureReservations`)).body.state;
}

async function activitiesOf({ tenantId }: Pick<Customer, "tenantId">): Promise<any[]> {
  return (await product.call("GET", `/activities?customerId=${tenantId}`)).body.value;
}

/** Codes of the two checks and of the subscriptions: what a case is about. */
function gist({ body }: Answer): object {
  return {
    result: body.result,
    checks: body.checks.map(({ result, code }: any) => `${result} ${code}`),
    subscriptions: body.subscriptions.map(({ counts, code }: any) => [counts, ...(code === undefined ? [] : [code])]),
  };
}

function armCalls(customer: Customer): string[] {
  return requestsFor(product.arm, customer).map(({ path }) =>
    path
      .replace(/^\/subscriptions\/[^/]+/, "/subscriptions/{id}")
      .replace("/providers/Microsoft.Authorization/", " ")
      .replace(/^\/subscriptions$/, "list"),
  );
}

function tokenRequests(customer: Customer, by = product): number {
  return requestsFor(by.entra, customer).filter(({ method }) => method === "POST").length;
}

const found = "Passed AzureSubscriptionFound";
const owned = "Passed OwnerFound";
const notOwned = "Failed OwnerRoleMissing";
const notLookedFor = "Inconclusive NoSubscriptionToCheck";

describe("the demo customers", () => {
  interface Outcome {
    readonly name: string;
    readonly result: "Eligible" | "NotEligible" | "Inconclusive";
    readonly checks: readonly string[];
    /** Of PUT On, when it is refused. */
    readonly refusal?: string;
    readonly says?: RegExp;
    readonly remedy?: RegExp;
    readonly link?: string;
    readonly armCalls: number;
  }
  const accessControl = (tenant: number) =>
    `https://portal.azure.com/#@c${digits(tenant)}-0000-4000-8000-0000${digits(tenant).padStart(8, "0")}/resource/subscriptions/5${digits(tenant)}-0001-4000-8000-0000${digits(tenant).padStart(8, "0")}/users`;
  const partnerCenter = (tenant: number) =>
    `https://partner.microsoft.com/commerce/customers/c${digits(tenant)}-0000-4000-8000-0000${digits(tenant).padStart(8, "0")}/subscriptions`;
  const outcomes: readonly Outcome[] = [
    { name: "Contoso", result: "Eligible", checks: [found, owned], says: /own user holds/, armCalls: 2 },
    { name: "Fabrikam", result: "Eligible", checks: [found, owned], says: /"Fabrikam Production"/, armCalls: 3 },
    {
      name: "Adatum",
      result: "NotEligible",
      checks: [found, notOwned],
      refusal: "OwnerRoleMissing",
      says: /only Owner that was found is the partner itself/,
      remedy: /Assign the Owner role on the subscription to the customer's user/,
      link: accessControl(3),
      armCalls: 3,
    },
    { name: "Northwind Traders", result: "Eligible", checks: [found, owned], says: /own group holds/, armCalls: 2 },
    { name: "Tailspin Toys", result: "Eligible", checks: [found, owned], says: /own user holds/, armCalls: 2 },
    {
      name: "Wingtip Toys",
      result: "NotEligible",
      checks: ["Failed NoAzureSubscription", notLookedFor],
      refusal: "NoAzureSubscription",
      says: /shows 1 subscription of the customer, but no active/,
      remedy: /Reactivate the suspended subscription/,
      link: partnerCenter(6),
      armCalls: 1,
    },
    {
      name: "Litware",
      result: "NotEligible",
      checks: ["Failed NoAzureSubscription", notLookedFor],
      refusal: "NoAzureSubscription",
      says: /sold through CSP/,
      remedy: /Buy an Azure plan/,
      link: partnerCenter(7),
      armCalls: 1,
    },
    {
      name: "Proseware",
      result: "Inconclusive",
      checks: ["Inconclusive CustomerAppNotConsented", notLookedFor],
      refusal: "EligibilityInconclusive",
      says: /no usable service principal/,
      remedy: /consent to the application/,
      link: `{entra}/c0000008-0000-4000-8000-000000000008/adminconsent?client_id=${customerAppClientId}`,
      armCalls: 0,
    },
    {
      name: "Woodgrove Bank",
      result: "Inconclusive",
      checks: ["Inconclusive NoVisibleSubscription", notLookedFor],
      refusal: "EligibilityInconclusive",
      says: /Either there is none, or our application lacks the Reader role/,
      remedy: /assign the Reader role/,
      link: partnerCenter(9),
      armCalls: 1,
    },
    {
      name: "Relecloud",
      result: "NotEligible",
      checks: [found, notOwned],
      refusal: "OwnerRoleMissing",
      says: /1 principal could activate it in Privileged Identity Management/,
      remedy: /activate the eligible Owner assignment/,
      link: accessControl(10),
      armCalls: 3,
    },
  ];

  test.each(outcomes)("$name is found $result, and a switch to On is decided alike", async (expected) => {
    const customer = product.customer(expected.name);
    const link = expected.link?.replace("{entra}", product.entra.url);

    const answer = await check(customer);
    const calls = requestsFor(product.arm, customer).length;
    const put = await turnOn(customer);

    expect(answer.status).toBe(200);
    expect(answer.headers.get("x-ms-error-code")).toBeNull();
    expect(gist(answer)).toMatchObject({ result: expected.result, checks: expected.checks });
    expect(calls).toBe(expected.armCalls);
    const decisive = answer.body.checks.find(
      ({ result }: any) =>
        result === { Eligible: "none", NotEligible: "Failed", Inconclusive: "Inconclusive" }[expected.result],
    );
    const told = decisive ?? answer.body.checks[1];
    expect(told.message).toMatch(expected.says ?? /./);
    expect(told.link).toBe(link);
    if (expected.remedy === undefined) expect(told).not.toHaveProperty("remedy");
    else expect(told.remedy).toMatch(expected.remedy);

    if (expected.refusal === undefined) {
      expect(put).toMatchObject({ status: 200, body: { state: "On", changed: true } });
      const [activity, ...others] = await activitiesOf(customer);
      expect(others).toEqual([]);
      expect(activity.evidence).toEqual({
        checkedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        subscriptions: expect.any(Array),
      });
      // What was decided on, with the subscription first that decided.
      const byId = (one: any, other: any) => (one.subscriptionId < other.subscriptionId ? -1 : 1);
      expect([...activity.evidence.subscriptions].sort(byId)).toEqual([...answer.body.subscriptions].sort(byId));
      expect(activity.evidence.subscriptions[0].owners).not.toEqual([]);
    } else {
      expect(put.status).toBe(409);
      expect(put.headers.get("x-ms-error-code")).toBe(expected.refusal);
      expect(put.body).toEqual({
        error: {
          code: expected.refusal,
          message: `${told.message} ${told.remedy}`,
          details: answer.body.checks,
        },
      });
      expect(await stateOf(customer)).toBe("Off");
      expect(await activitiesOf(customer)).toEqual([]);
    }
  });

  test("an eligible customer's answer has exactly the members of the contract", async () => {
    const answer = await check(product.customer("Fabrikam"), "?product=azureSavingsPlans");

    expect(answer.body).toEqual({
      customerId: "c0000002-0000-4000-8000-000000000002",
      product: "azureSavingsPlans",
      result: "Eligible",
      checkedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      checks: [
        {
          name: "azureSubscription",
          result: "Passed",
          code: "AzureSubscriptionFound",
          message: "2 subscriptions sold through CSP are active.",
        },
        {
          name: "ownerRole",
          result: "Passed",
          code: "OwnerFound",
          message: 'The customer\'s own user holds the Owner role on "Fabrikam Production".',
        },
      ],
      subscriptions: [
        {
          subscriptionId: "50000002-0001-4000-8000-000000000002",
          displayName: "Fabrikam Development",
          state: "Enabled",
          quotaId: "CSPDEVTEST_2018-05-01",
          counts: true,
          owners: [],
          ignoredOwners: [
            { ...partnerOwner, code: "PartnerPrincipal" },
            {
              principalId: guidOf("Fabrikam/build pipeline"),
              principalType: "ServicePrincipal",
              code: "NotAUserOrGroup",
            },
          ],
        },
        {
          subscriptionId: "50000002-0002-4000-8000-000000000002",
          displayName: "Fabrikam Production",
          state: "Enabled",
          quotaId: "CSP_2015-05-01",
          counts: true,
          owners: [
            {
              principalId: guidOf("Fabrikam/Jonas"),
              principalType: "User",
              scope: "/subscriptions/50000002-0002-4000-8000-000000000002",
              conditional: false,
            },
          ],
          ignoredOwners: [
            { ...partnerOwner, code: "PartnerPrincipal" },
            {
              principalId: guidOf("Fabrikam/build pipeline"),
              principalType: "ServicePrincipal",
              code: "NotAUserOrGroup",
            },
          ],
        },
      ],
    });
  });

  test("a refused customer's answer has exactly the members of the contract", async () => {
    const answer = await check(product.customer("Litware"));

    expect(answer.body).toEqual({
      customerId: "c0000007-0000-4000-8000-000000000007",
      result: "NotEligible",
      checkedAt: expect.stringMatching(/Z$/),
      checks: [
        {
          name: "azureSubscription",
          result: "Failed",
          code: "NoAzureSubscription",
          message: expect.any(String),
          remedy: expect.any(String),
          link: partnerCenter(7),
        },
        {
          name: "ownerRole",
          result: "Inconclusive",
          code: "NoSubscriptionToCheck",
          message: expect.any(String),
          remedy: expect.any(String),
        },
      ],
      subscriptions: [
        {
          subscriptionId: "50000007-0001-4000-8000-000000000007",
          displayName: "Litware pay-as-you-go",
          state: "Enabled",
          quotaId: "PayAsYouGo_2014-09-01",
          counts: false,
          code: "NotACspOffer",
          owners: [],
          ignoredOwners: [],
        },
      ],
    });
  });

  test.each(outcomes.map(({ name }) => name))(
    "POST CheckCustomerEligibility says of %s what GET says",
    async (name) => {
      const customer = product.customer(name);
      const got = await check(customer, "?product=azureReservations");
      const posted = await product.call("POST", "/CheckCustomerEligibility", {
        body: { customerId: customer.tenantId, product: "azureReservations" },
      });

      expect(posted.status).toBe(200);
      expect({ ...posted.body, checkedAt: got.body.checkedAt }).toEqual(got.body);
    },
  );

  function digits(tenant: number): string {
    return tenant.toString().padStart(7, "0");
  }
});

describe("asking", () => {
  test("costs no call of storage, whatever comes out", async () => {
    const customers = [admit(product, makeEligibleTenant("asked-only")), admit(product, makeTenant("asked-in-vain"))];
    for (const customer of customers) {
      await check(customer);
      await product.call("POST", "/CheckCustomerEligibility", { body: { customerId: customer.tenantId } });
    }

    const touching = product.storage.calls.filter(({ path, body }) =>
      customers.some(({ tenantId }) => `${path} ${body}`.includes(tenantId)),
    );
    expect(touching).toEqual([]);
    // The same words do find a switch, so that finding none above means something.
    await turnOn(customers[0]!);
    expect(product.storage.calls.some(({ body }) => body.includes(customers[0]!.tenantId))).toBe(true);
  });

  test("is open to a Sales Agent, who may not switch", async () => {
    const token = await product.token({ name: "Sam", roles: ["SalesAgent"] });
    const path = `/customers/${product.customer("Contoso").tenantId}`;

    expect((await product.call("GET", `${path}/eligibility`, { token })).body.result).toBe("Eligible");
    expect(
      (await product.call("PUT", `${path}/permissions/azureReservations`, { token, body: { state: "On" } })).status,
    ).toBe(403);
  });

  test.each([
    "not-a-guid",
    "..%2F..%2Fevil%3Fx%3D",
    "{50000001-0001-4000-8000-000000000001}",
    "50000001-0001-4000-8000-000000000001%20",
    "50000001-0001-4000-8000-00000000000",
  ])("for the subscription %s is answered 400 before Azure is asked", async (subscriptionId) => {
    const customer = admit(product, makeEligibleTenant(`malformed ${subscriptionId}`));
    const answers = [
      await check(customer, `?subscriptionId=${subscriptionId}`),
      await turnOn(customer, { subscriptionId: decodeURIComponent(subscriptionId) }),
      await product.call("POST", "/CheckCustomerEligibility", {
        body: { customerId: customer.tenantId, subscriptionId: decodeURIComponent(subscriptionId) },
      }),
    ];

    for (const { status, body } of answers) {
      expect(status).toBe(400);
      expect(body.error).toMatchObject({ code: "InvalidRequest", target: "subscriptionId" });
    }
    expect(requestsFor(product.arm, customer)).toEqual([]);
    expect(requestsFor(product.entra, customer)).toEqual([]);
  });
});

describe("Azure Resource Manager is asked", () => {
  test("twice at best: for the list, and for the first subscription's assignments", async () => {
    const customer = admit(product, makeEligibleTenant("cheapest"));

    expect((await turnOn(customer)).status).toBe(200);
    expect(armCalls(customer)).toEqual(["list", "/subscriptions/{id} roleAssignments"]);
    const [list, assignments] = requestsFor(product.arm, customer).map(({ query }) => new URLSearchParams(query));
    expect(list?.get("api-version")).toBe("2016-06-01");
    expect(Object.fromEntries(assignments ?? [])).toEqual({ "api-version": "2022-04-01", $filter: "atScope()" });
  });

  test("twice for a subscription that the caller names", async () => {
    const customer = admit(product, makeTenant("named", [{}, {}, {}]));
    assign(customer, { scope: scopes.subscription(customer.subscriptions[2]!) });
    const { subscriptionId } = customer.subscriptions[2]!;

    expect(gist(await check(customer, `?subscriptionId=${subscriptionId.toUpperCase()}`))).toEqual({
      result: "Eligible",
      checks: [found, owned],
      subscriptions: [[true]],
    });
    expect(armCalls(customer)).toEqual(["/subscriptions/{id}", "/subscriptions/{id} roleAssignments"]);
    expect(requestsFor(product.arm, customer).every(({ path }) => path.includes(subscriptionId))).toBe(true);
  });

  test("about the named subscription only, although another one has an Owner", async () => {
    const customer = admit(product, makeTenant("named-other", [{}, {}]));
    assign(customer);
    const { subscriptionId } = customer.subscriptions[1]!;

    expect(gist(await check(customer, `?subscriptionId=${subscriptionId}`))).toMatchObject({ result: "NotEligible" });
    expect((await turnOn(customer, { subscriptionId })).body.error.code).toBe("OwnerRoleMissing");
    expect((await turnOn(customer)).status).toBe(200);
  });

  test("once a subscription and once more for the hint, when there is no Owner anywhere", async () => {
    const customer = admit(
      product,
      makeTenant(
        "worst",
        Array.from({ length: 12 }, () => ({})),
      ),
    );

    expect(gist(await check(customer))).toMatchObject({ result: "NotEligible", checks: [found, notOwned] });
    const calls = armCalls(customer);
    expect(calls[0]).toBe("list");
    expect(calls.at(-1)).toBe("/subscriptions/{id} roleEligibilityScheduleInstances");
    expect(calls.slice(1, -1)).toEqual(Array.from({ length: 12 }, () => "/subscriptions/{id} roleAssignments"));
    expect(new Set(requestsFor(product.arm, customer).map(({ path }) => path)).size).toBe(14);
  });

  test("only about subscriptions that count", async () => {
    const customer = makeTenant("mixed", [{ state: "Disabled" }, { quotaId: "PayAsYouGo_2014-09-01" }, {}]);
    assign(customer, { scope: scopes.subscription(customer.subscriptions[2]!) });
    admit(product, customer);

    expect(gist(await check(customer))).toEqual({
      result: "Eligible",
      checks: [found, owned],
      subscriptions: [[false, "NotActive"], [false, "NotACspOffer"], [true]],
    });
    expect(armCalls(customer)).toHaveLength(2);
  });

  test("at most four times at once, and four times at once when that helps", async () => {
    const customer = admit(
      product,
      makeTenant(
        "overlapping",
        Array.from({ length: 13 }, () => ({})),
      ),
    );
    faultsFor(product.arm, customer).add({ match: { path: assignmentsPath }, fault: { kind: "slow", ms: 150 } });

    await check(customer);
    const asked = requestsFor(product.arm, customer).filter(({ path }) => path.endsWith("roleAssignments"));
    expect(asked).toHaveLength(13);
    const overlaps = asked.map(
      ({ at }) => asked.filter((other) => other.at <= at && (other.endedAt ?? new Date()) > at).length,
    );
    expect(Math.max(...overlaps)).toBe(4);
    // The first alone, because it mostly decides.
    expect(asked.filter(({ at }) => at < asked[0]!.endedAt!)).toHaveLength(1);
  });

  test("no more once an Owner was found", async () => {
    const customer = makeTenant(
      "found-early",
      Array.from({ length: 30 }, () => ({})),
    );
    assign(customer, { scope: scopes.subscription(customer.subscriptions[3]!) });
    admit(product, customer);

    const answer = await check(customer);
    expect(answer.body.result).toBe("Eligible");
    // The list, the first one, and at most four that were under way and the four that followed them.
    expect(armCalls(customer).length).toBeLessThanOrEqual(1 + 1 + 8);
    const unseen = answer.body.subscriptions.filter(({ code }: any) => code === "NotExamined");
    expect(unseen.length).toBeGreaterThanOrEqual(30 - 9);
  });
});

test("an Owner is answered at once, although other subscriptions have not answered yet", async () => {
  const milliseconds: number[] = [];
  for (let time = 0; time < 3; time++) {
    const customer = makeTenant(`silent neighbours ${time}`, [{}, {}, {}, {}, {}]);
    const [, second, ...silent] = customer.subscriptions;
    assign(customer, { scope: scopes.subscription(second!) });
    admit(product, customer);
    const faults: readonly Fault[] = [
      { kind: "hang" },
      { kind: "status", status: 429, headers: { "Retry-After": "3" } },
      { kind: "slow", ms: 2_000 },
    ];
    for (const [index, { subscriptionId }] of silent.entries()) {
      faultsFor(product.arm, customer).add({ match: { path: subscriptionId }, fault: faults[index]! });
    }
    faultsFor(product.arm, customer).add({ match: { path: second!.subscriptionId }, fault: { kind: "slow", ms: 50 } });
    const start = performance.now();
    expect((await check(customer)).body.result).toBe("Eligible");
    milliseconds.push(performance.now() - start);
  }
  // The quickest of three: the others may have had to share the processor.
  expect(Math.min(...milliseconds)).toBeLessThan(300);
});

describe("lists that come in pages", () => {
  test("an Owner on the second page of the second subscription's assignments counts", async () => {
    product.arm.behaviour.pageSize = 1;
    const customer = makeTenant("paged", [{}, {}]);
    assign(customer, { scope: scopes.subscription(customer.subscriptions[1]!) });
    admit(product, customer);

    expect(gist(await check(customer))).toMatchObject({ result: "Eligible" });
    // Two pages of subscriptions, two of the first one's assignments, three of the second one's.
    expect(armCalls(customer)).toHaveLength(2 + 2 + 3);
  });

  test("a page is the last one read when it holds an Owner", async () => {
    product.arm.behaviour.pageSize = 2;
    const customer = makeEligibleTenant("paged-early");
    for (let more = 0; more < 10; more++) {
      assign(customer, { roleDefinitionId: roles.contributor, principalId: guidOf(`more ${more}`) });
    }
    admit(product, customer);

    expect((await check(customer)).body.result).toBe("Eligible");
    expect(armCalls(customer)).toHaveLength(1 + 2);
  });

  describe.each([
    ["subscriptions", /^\/subscriptions\?/],
    ["role assignments", assignmentsPath],
  ] as const)("a list of %s", (_, path) => {
    test.each(["https", "http"])("is not followed to another host over %s, and no token leaves", async (scheme) => {
      const listener = await startElsewhere(scheme === "https");
      const customer = admit(product, makeTenant(`foreign link ${path} ${scheme}`));
      const faults = faultsFor(product.arm, customer);
      const to = `${listener.url}/subscriptions?api-version=2016-06-01&%24skiptoken=2`;
      faults.add({ match: { path }, fault: { kind: "foreignNextLink", to } });
      try {
        const answer = await check(customer);
        const put = await turnOn(customer);

        expect(answer).toMatchObject({ status: 200, body: { result: "Inconclusive" } });
        expect(answer.body.checks.map(({ code }: any) => code)).toContain("DependencyUnavailable");
        expect(put).toMatchObject({ status: 503, body: { error: { code: "DependencyUnavailable" } } });
        expect(listener.requests.entries).toEqual([]);
        expect(faults.rules[0]?.hits).toBe(2);
      } finally {
        await listener.close();
      }
    });

    test("whose page links to itself is not read for ever", async () => {
      const customer = admit(product, makeTenant(`repeating ${path}`));
      faultsFor(product.arm, customer).add({ match: { path }, fault: { kind: "repeatingNextLink" } });

      expect(await check(customer)).toMatchObject({ status: 200, body: { result: "Inconclusive" } });
      expect(requestsFor(product.arm, customer).length).toBeLessThanOrEqual(2);
      expect((await turnOn(customer)).status).toBe(503);
    });

    test("may have an empty page before the one that matters", async () => {
      const customer = admit(product, makeEligibleTenant(`empty page ${path}`));
      const [first] = customer.subscriptions;
      const query = "api-version=2016-06-01&%24skiptoken=MA";
      const suffix =
        path === assignmentsPath
          ? `/${first?.subscriptionId}${assignmentsPath}?api-version=2022-04-01&%24filter=atScope%28%29&%24skiptoken=MA`
          : `?${query}`;
      faultsFor(product.arm, customer).add({
        match: { path },
        times: 1,
        fault: { kind: "json", body: { value: [], nextLink: `${product.arm.url}/subscriptions${suffix}` } },
      });

      expect((await check(customer)).body.result).toBe("Eligible");
      expect(armCalls(customer)).toHaveLength(3);
    });
  });

  test("never end: reading stops before the time is up", async () => {
    const customer = admit(product, makeTenant("endless"));
    for (let page = 1; page <= 130; page++) {
      faultsFor(product.arm, customer).add({
        match: { path: /^\/subscriptions\?/ },
        times: 1,
        fault: {
          kind: "json",
          body: { value: [], nextLink: `${product.arm.url}/subscriptions?api-version=2016-06-01&page=${page}` },
        },
      });
    }

    expect((await check(customer)).body).toMatchObject({ result: "Inconclusive" });
    expect(requestsFor(product.arm, customer)).toHaveLength(100);
  });

  describe("4,500 role assignments", () => {
    const crowded = (name: string) => {
      const customer = makeTenant(name);
      for (let number = 0; number < 4_500; number++) {
        assign(customer, { roleDefinitionId: roles.contributor, principalId: guidOf(`contributor ${number}`) });
      }
      assign(customer);
      return admit(product, customer);
    };

    test("in one page cost one call", async () => {
      product.arm.behaviour.pageSize = 10_000;
      const customer = crowded("crowded");

      expect((await turnOn(customer)).status).toBe(200);
      expect(armCalls(customer)).toHaveLength(2);
    });

    test("in pages of a hundred cost a call each, up to the Owner at the end", async () => {
      product.arm.behaviour.pageSize = 100;
      const customer = crowded("crowded-pages");

      expect((await check(customer)).body.result).toBe("Eligible");
      expect(armCalls(customer)).toHaveLength(1 + 46);
    });
  });

  async function startElsewhere(secure: boolean): Promise<StandIn> {
    return startServer({
      ...(secure ? { certificate: product.certificate } : {}),
      answer: () => ({ status: 200, headers: { "Content-Type": "application/json" }, body: '{"value":[]}' }),
      failure: (status) => ({ status }),
    });
  }
});

describe("what is not seen is not taken for missing", () => {
  const cannotTell = { status: 409, body: { error: { code: "EligibilityInconclusive" } } };

  test("no subscription in the list", async () => {
    const customer = admit(product, makeTenant("no subscriptions", []));

    expect(gist(await check(customer))).toEqual({
      result: "Inconclusive",
      checks: ["Inconclusive NoVisibleSubscription", notLookedFor],
      subscriptions: [],
    });
    expect(await turnOn(customer)).toMatchObject(cannotTell);
  });

  test("no assignment in the list, as some roles get it", async () => {
    product.arm.behaviour.unreadableRoleAssignments = "empty";
    const customer = admit(product, withoutReading(makeTenant("no assignments")));

    const answer = await check(customer);
    expect(gist(answer)).toEqual({
      result: "Inconclusive",
      checks: [found, "Inconclusive ReaderRoleMissing"],
      subscriptions: [[true, "NoAssignmentsVisible"]],
    });
    expect(answer.body.checks[1].link).toContain(customer.subscriptions[0]!.subscriptionId);
    expect(await turnOn(customer)).toMatchObject(cannotTell);
  });

  test("assignments that we may not read", async () => {
    const customer = admit(product, withoutReading(makeTenant("forbidden assignments")));

    const answer = await check(customer);
    expect(gist(answer)).toEqual({
      result: "Inconclusive",
      checks: [found, "Inconclusive ReaderRoleMissing"],
      subscriptions: [[true, "ReaderRoleMissing"]],
    });
    expect(answer.body.checks[1].remedy).toMatch(/Assign the Reader role/);
    expect(await turnOn(customer)).toMatchObject(cannotTell);
  });

  test("assignments of one subscription, while another one has an Owner: that is enough", async () => {
    const customer = makeTenant("one hidden", [{}, {}]);
    assign(customer, { scope: scopes.subscription(customer.subscriptions[1]!) });
    const [first] = customer.subscriptions;
    faultsFor(product.arm, admit(product, customer)).add({
      match: { path: `${first?.subscriptionId}${assignmentsPath}` },
      fault: { kind: "status", status: 403 },
    });

    expect(gist(await check(customer))).toEqual({
      result: "Eligible",
      checks: [found, owned],
      subscriptions: [[true, "ReaderRoleMissing"], [true]],
    });
    expect((await turnOn(customer)).status).toBe(200);
  });

  test("assignments of one subscription, while the others have no Owner", async () => {
    const customer = makeTenant("one unseen", [{}, {}, {}]);
    const [, second] = customer.subscriptions;
    faultsFor(product.arm, admit(product, customer)).add({
      match: { path: `${second?.subscriptionId}${assignmentsPath}` },
      fault: { kind: "status", status: 403 },
    });

    expect(gist(await check(customer))).toMatchObject({
      result: "Inconclusive",
      checks: [found, "Inconclusive ReaderRoleMissing"],
    });
    // No hint is asked for when nobody knows whether it is needed.
    expect(armCalls(customer).filter((call) => call.endsWith("Instances"))).toEqual([]);
    expect(await turnOn(customer)).toMatchObject(cannotTell);
  });

  test("a list that we may not read", async () => {
    const customer = admit(product, makeEligibleTenant("forbidden list"));
    faultsFor(product.arm, customer).add({
      match: { path: /^\/subscriptions\?/ },
      fault: { kind: "status", status: 403 },
    });

    expect(gist(await check(customer))).toEqual({
      result: "Inconclusive",
      checks: ["Inconclusive ReaderRoleMissing", notLookedFor],
      subscriptions: [],
    });
    expect(await turnOn(customer)).toMatchObject(cannotTell);
  });

  test("the same subscription twice in the list", async () => {
    const customer = admit(product, makeTenant("twice"));
    const item = (await subscriptionItems(customer))[0];
    faultsFor(product.arm, customer).add({
      match: { path: /^\/subscriptions\?/ },
      fault: { kind: "json", body: { value: [item, item] } },
    });

    expect(gist(await check(customer))).toEqual({
      result: "NotEligible",
      checks: [found, notOwned],
      subscriptions: [[true]],
    });
    expect(armCalls(customer)).toHaveLength(3);
  });

  /** Sees the subscription, but not its role assignments. */
  function withoutReading(customer: Customer): Customer {
    const reader = customer.roleAssignments.find(({ roleDefinitionId }) => roleDefinitionId === roles.reader);
    if (reader !== undefined) reader.roleDefinitionId = guidOf("a role that reads no role assignments");
    return customer;
  }

  async function subscriptionItems(customer: Customer): Promise<object[]> {
    return customer.subscriptions.map(({ subscriptionId, displayName, state, quotaId }) => ({
      id: `/subscriptions/${subscriptionId}`,
      ...{ subscriptionId, displayName, state, tenantId: customer.tenantId, subscriptionPolicies: { quotaId } },
    }));
  }
});

describe("a subscription", () => {
  test.each([
    ["Enabled", true, undefined],
    ["enabLED", true, undefined],
    ["Warned", true, "Warned"],
    ["PastDue", true, "PastDue"],
    ["Disabled", false, "NotActive"],
    ["Deleted", false, "NotActive"],
    ["Expired", false, "NotActive"],
    ["SomethingNew", false, "NotActive"],
  ])("in the state %s counts: %s", async (state, counts, code) => {
    const customer = makeTenant(`state ${[...state].map((letter) => letter.charCodeAt(0))}`, [{ state }]);
    assign(customer);
    admit(product, customer);

    const answer = await check(customer);
    expect(answer.body.result).toBe(counts ? "Eligible" : "NotEligible");
    expect(answer.body.subscriptions[0]).toMatchObject({ state, counts });
    expect(answer.body.subscriptions[0].code).toBe(code);
    expect(/Payment is overdue/.test(answer.body.checks[0].message)).toBe(counts && code !== undefined);
    expect((await turnOn(customer)).status).toBe(counts ? 200 : 409);
  });

  test.each([
    ["CSP_2015-05-01", true, undefined],
    ["csp_mg_2017-12-01", true, undefined],
    ["CSPDEVTEST_2018-05-01", true, undefined],
    ["CSP_2031-01-01", false, "UnknownCspOffer"],
    ["PayAsYouGo_2014-09-01", false, "NotACspOffer"],
    ["EnterpriseAgreement_2014-09-01", false, "NotACspOffer"],
    ["", false, "NotACspOffer"],
  ])("of the offer '%s' counts: %s", async (quotaId, counts, code) => {
    const customer = makeTenant(`offer ${quotaId}`, [{ quotaId }]);
    assign(customer);
    admit(product, customer);

    const answer = await check(customer);
    expect(answer.body.result).toBe(counts ? "Eligible" : "NotEligible");
    expect(answer.body.subscriptions[0]).toMatchObject({ quotaId, counts });
    expect(answer.body.subscriptions[0].code).toBe(code);
    expect(String(answer.body.checks[0].remedy).includes("CSP_QUOTA_IDS")).toBe(code === "UnknownCspOffer");
  });

  test("of another tenant, projected by Lighthouse, never counts", async () => {
    const customer = makeTenant("lighthouse manager", [{ tenantId: guidOf("somebody else") }]);
    assign(customer);
    admit(product, customer);

    expect(gist(await check(customer))).toEqual({
      result: "Inconclusive",
      checks: ["Inconclusive SubscriptionOfOtherTenant", notLookedFor],
      subscriptions: [[false, "OtherTenant"]],
    });
    expect((await turnOn(customer)).body.error.code).toBe("EligibilityInconclusive");
    expect(armCalls(customer)).toEqual(["list", "list"]);
  });

  test("of another customer, named by the caller, is not looked into", async () => {
    const customer = admit(product, makeEligibleTenant("names a foreign one"));
    const { subscriptionId } = product.customer("Contoso").subscriptions[0]!;

    expect(gist(await check(customer, `?subscriptionId=${subscriptionId}`))).toEqual({
      result: "Inconclusive",
      checks: ["Inconclusive SubscriptionOfOtherTenant", notLookedFor],
      subscriptions: [],
    });
    expect(await turnOn(customer, { subscriptionId })).toMatchObject({
      status: 409,
      body: { error: { code: "EligibilityInconclusive" } },
    });
    expect(await stateOf(customer)).toBe("Off");
    // The customer's own subscription is as good as before.
    expect((await turnOn(customer)).status).toBe(200);
  });

  test("that moves away between two calls is told as such", async () => {
    const customer = admit(product, makeEligibleTenant("moving away"));
    faultsFor(product.arm, customer).add({
      match: { path: assignmentsPath },
      fault: {
        kind: "status",
        status: 401,
        body: {
          error: { code: "InvalidAuthenticationTokenTenant", message: "The access token is from the wrong issuer." },
        },
      },
    });

    expect(gist(await check(customer))).toMatchObject({
      result: "Inconclusive",
      checks: [found, "Inconclusive SubscriptionOfOtherTenant"],
    });
  });

  test("that does not exist is a no for that subscription", async () => {
    const customer = admit(product, makeEligibleTenant("names none"));
    const subscriptionId = guidOf("no subscription of anybody");

    const answer = await check(customer, `?subscriptionId=${subscriptionId}`);
    expect(gist(answer)).toEqual({
      result: "NotEligible",
      checks: ["Failed NoAzureSubscription", notLookedFor],
      subscriptions: [],
    });
    expect(answer.body.checks[0].message).toBe("The customer's tenant has no such subscription.");
    expect(await turnOn(customer, { subscriptionId })).toMatchObject({
      status: 409,
      body: { error: { code: "NoAzureSubscription" } },
    });
  });

  test("named by the caller, that only a gateway says does not exist, is no answer", async () => {
    const customer = admit(product, makeEligibleTenant("gateway 404"));
    faultsFor(product.arm, customer).add({ fault: { kind: "html", status: 404 } });

    const answer = await turnOn(customer, { subscriptionId: customer.subscriptions[0]!.subscriptionId });
    expect(answer).toMatchObject({ status: 503, body: { error: { code: "DependencyUnavailable" } } });
  });
});

describe("an Owner", () => {
  const ownerCase = async (name: string, wanted: Parameters<typeof assign>[1]) => {
    const customer = makeTenant(name, [{ managementGroups: ["mg-1", "mg-root"] }]);
    const { principalId } = assign(customer, wanted);
    admit(product, customer);
    const { body } = await check(customer);
    const [{ owners, ignoredOwners }] = body.subscriptions;
    const own = ({ principalType: _, ...owner }: any) => owner.principalId === principalId.toLowerCase();
    return { customer, result: body.result, owner: owners.find(own), ignored: ignoredOwners.find(own) };
  };

  test.each([
    ["User", true],
    ["Group", true],
    ["ServicePrincipal", false],
    ["Device", false],
    ["Robot", false],
    [undefined, false],
  ])("of the type %s counts: %s", async (principalType, counts) => {
    const { result, owner, ignored } = await ownerCase(`type ${principalType}`, {
      principalType: principalType as string,
    });

    expect(result).toBe(counts ? "Eligible" : "NotEligible");
    expect(owner?.principalType).toBe(counts ? principalType : undefined);
    const code = "NotAUserOrGroup";
    expect(ignored).toEqual(
      counts ? undefined : expect.objectContaining({ principalType: principalType ?? "Unknown", code }),
    );
  });

  test("that is the partner's own group never counts, also at a management group", async () => {
    const { customer, result, ignored } = await ownerCase("foreign group above", {
      scope: scopes.managementGroup("mg-1"),
      principalType: "ForeignGroup",
    });

    expect(result).toBe("NotEligible");
    expect(ignored.code).toBe("PartnerPrincipal");
    expect((await turnOn(customer)).body.error.code).toBe("OwnerRoleMissing");
  });

  test.each([
    ["a management group above", "/providers/Microsoft.Management/managementGroups/mg-root"],
    ["the root", "/"],
  ])("at %s counts", async (name, scope) => {
    const { result, owner } = await ownerCase(name, { scope });

    expect(result).toBe("Eligible");
    expect(owner).toMatchObject({ scope, conditional: false });
  });

  test.each(["/resourceGroups/web", "/resourceGroups/web/providers/Microsoft.Web/sites/shop"])(
    "below the subscription at %s never counts, even when Azure ignores our filter",
    async (below) => {
      product.arm.behaviour.ignoresAtScope = true;
      const scope = `/subscriptions/${guidOf(`subscription:below ${below} 1`)}${below}`;
      const { result, ignored } = await ownerCase(`below ${below}`, { scope });

      expect(result).toBe("NotEligible");
      expect(ignored).toMatchObject({ principalType: "User", code: "BelowSubscription" });
    },
  );

  test("who may assign only some roles counts, and is marked", async () => {
    const condition = "((!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})))";
    const { result, owner } = await ownerCase("conditional", { condition });

    expect(result).toBe("Eligible");
    expect(owner.conditional).toBe(true);
  });

  test("of another role does not count, however mighty", async () => {
    const { result, ignored } = await ownerCase("user access administrator", {
      roleDefinitionId: roles.userAccessAdministrator,
    });

    expect(result).toBe("NotEligible");
    expect(ignored).toBeUndefined();
  });

  test("counts whatever the case of the GUIDs in Azure's answers", async () => {
    const id = guidOf("subscription:upper case 1").toUpperCase();
    const customer = makeTenant("upper case", [{ subscriptionId: id }]);
    customer.tenantId = customer.tenantId.toLowerCase();
    customer.subscriptions[0]!.tenantId = customer.tenantId.toUpperCase();
    assign(customer, {
      scope: `/SUBSCRIPTIONS/${id}`,
      roleDefinitionId: roles.owner.toUpperCase(),
      principalId: guidOf("Priya in capitals").toUpperCase(),
    });
    admit(product, customer);

    const answer = await check({ tenantId: customer.tenantId.toUpperCase() });
    expect(answer.body).toMatchObject({ result: "Eligible", customerId: customer.tenantId });
    expect(answer.body.subscriptions[0]).toMatchObject({
      subscriptionId: id.toLowerCase(),
      owners: [{ principalId: guidOf("Priya in capitals") }],
    });
    expect((await turnOn(customer)).status).toBe(200);
  });

  test("given the role a moment ago is seen by the next check", async () => {
    const customer = admit(product, makeTenant("just assigned"));
    expect((await turnOn(customer)).body.error.code).toBe("OwnerRoleMissing");
    assign(customer);
    expect((await turnOn(customer)).status).toBe(200);
  });
});

describe("Entra refuses a token", () => {
  afterAll(() => {
    product.entra.application.secretExpired = false;
  });

  test("of a tenant that it does not know", async () => {
    const customer = { tenantId: guidOf("no tenant at all") };

    const answer = await check(customer);
    expect(gist(answer)).toMatchObject({
      result: "Inconclusive",
      checks: ["Inconclusive CustomerTenantNotFound", notLookedFor],
    });
    expect(answer.body.checks[0].remedy).toMatch(/Microsoft ID/);
    expect(await turnOn(customer)).toMatchObject({ status: 409, body: { error: { code: "EligibilityInconclusive" } } });
  });

  test("because our service principal was disabled there, until it is enabled again", async () => {
    const customer = admit(product, makeEligibleTenant("disabled app"));
    customer.application.consent = "disabled";

    const answer = await check(customer);
    expect(gist(answer)).toMatchObject({ checks: ["Inconclusive CustomerAppNotConsented", notLookedFor] });
    expect(answer.body.checks[0].link).toBe(
      `${product.entra.url}/${customer.tenantId}/adminconsent?client_id=${customerAppClientId}`,
    );
    expect((await turnOn(customer)).status).toBe(409);
    customer.application.consent = "given";
    expect((await turnOn(customer)).status).toBe(200);
  });

  test("because our secret has expired or is wrong, until it is renewed", async () => {
    const customer = admit(product, makeEligibleTenant("expired secret"));
    const { application } = product.entra;
    const { secret } = application;
    const refusals: Answer[] = [];
    application.secretExpired = true;
    refusals.push(await check(customer));
    application.secretExpired = false;
    application.secret = "another one";
    refusals.push(await check(customer));
    const put = await turnOn(customer);
    application.secret = secret;

    for (const refusal of refusals) {
      expect(gist(refusal)).toMatchObject({
        result: "Inconclusive",
        checks: ["Inconclusive CustomerAppRejected", notLookedFor],
      });
      expect(refusal.body.checks[0].remedy).toMatch(/CUSTOMER_APP_CLIENT_SECRET/);
    }
    expect(put).toMatchObject({ status: 409, body: { error: { code: "EligibilityInconclusive" } } });
    expect((await turnOn(customer)).status).toBe(200);
  });
});

describe("tokens", () => {
  test("ten checks of one customer that start together cost one", async () => {
    const customer = admit(product, makeEligibleTenant("ten at once"));
    faultsFor(product.entra, customer).add({ fault: { kind: "slow", ms: 300 } });

    const answers = await Promise.all(Array.from({ length: 10 }, () => check(customer)));
    expect(answers.map(({ body }) => body.result)).toEqual(Array.from({ length: 10 }, () => "Eligible"));
    expect(tokenRequests(customer)).toBe(1);
    expect(requestsFor(product.arm, customer)).toHaveLength(20);
  });

  test("one is used again by the next check", async () => {
    const customer = admit(product, makeEligibleTenant("again and again"));
    for (let time = 0; time < 3; time++) await check(customer);

    expect(tokenRequests(customer)).toBe(1);
  });

  test("of one customer are never shown to Azure for another", async () => {
    const customers = Array.from({ length: 8 }, (_, number) =>
      admit(product, makeEligibleTenant(`neighbour ${number}`)),
    );
    await Promise.all(customers.flatMap((customer) => [check(customer), check(customer)]));

    for (const customer of customers) {
      const asked = requestsFor(product.arm, customer).filter(({ path }) => path.includes(assignmentsPath));
      expect(asked.map(({ path }) => path.split("/")[2])).toEqual([
        customer.subscriptions[0]!.subscriptionId,
        customer.subscriptions[0]!.subscriptionId,
      ]);
    }
  });

  test("one that Azure does not accept any more is replaced at the next check", async () => {
    const customer = admit(product, makeEligibleTenant("revoked token"));
    await check(customer);
    faultsFor(product.arm, customer).add({
      times: 1,
      fault: {
        kind: "status",
        status: 401,
        body: { error: { code: "ExpiredAuthenticationToken", message: "Expired." } },
      },
    });

    expect((await check(customer)).status).toBe(200);
    expect((await check(customer)).body.result).toBe("Eligible");
    expect(tokenRequests(customer)).toBe(2);
  });
});

describe("a service with a managed identity and rules of its own", () => {
  let identity: ManagedIdentityStandIn;
  let other: Product;
  const partnerGuest = guidOf("a guest from the partner's staff");

  beforeAll(async () => {
    other = await startProduct({
      settings: async (entra) => {
        identity = await startManagedIdentity({ entra });
        entra.application.federatedSubject = identity.objectId;
        return {
          CUSTOMER_APP_CLIENT_SECRET: undefined,
          CUSTOMER_APP_MANAGED_IDENTITY_CLIENT_ID: identity.clientId,
          ...identity.environment,
          CSP_QUOTA_IDS: "CSP_2031-01-01, CSP_2015-05-01",
          ACCEPTED_ROLE_IDS: `${roles.owner},${roles.contributor.toUpperCase()}`,
          EXCLUDED_PRINCIPAL_IDS: partnerGuest.toUpperCase(),
          ELIGIBILITY_TIMEOUT_SECONDS: "6",
        };
      },
    });
  });
  afterAll(async () => {
    await other.stop();
    await identity.close();
  });

  // The first, because the identity's token is kept from then on.
  test.each<[string, Fault]>([
    ["fails", { kind: "status", status: 500 }],
    ["is silent", { kind: "hang" }],
  ])("answers in time that it cannot tell while the identity %s", async (name, fault) => {
    const customer = admit(other, makeEligibleTenant(`identity ${name}`));
    identity.requests.clear();
    identity.faults.add({ fault });
    const start = performance.now();
    const [answer, put] = await Promise.all([check(customer, "", other), turnOn(customer, {}, other)]);
    const seconds = (performance.now() - start) / 1000;
    identity.faults.clear();

    expect(identity.requests.count()).toBeGreaterThan(0);
    expect(gist(answer)).toMatchObject({
      result: "Inconclusive",
      checks: ["Inconclusive DependencyUnavailable", notLookedFor],
    });
    expect(put).toMatchObject({ status: 503, body: { error: { code: "DependencyUnavailable" } } });
    expect(seconds).toBeLessThan(6 + 5);
  });

  test("proves itself to Entra with an assertion of the identity, never with a secret", async () => {
    const customers = ["federated 1", "federated 2"].map((name) => admit(other, makeEligibleTenant(name)));
    identity.requests.clear();
    for (const customer of customers) expect((await turnOn(customer, {}, other)).status).toBe(200);

    expect(customers.map((customer) => tokenRequests(customer, other))).toEqual([1, 1]);
    expect(requestsFor(other.arm, customers[0]!).map(({ headers }) => proofIn(headers.authorization))).toEqual([
      "2",
      "2",
    ]);
    // Its token serves for all customers.
    expect(identity.requests.entries).toHaveLength(1);
    const query = new URLSearchParams(identity.requests.entries[0]?.query);
    expect(query.get("client_id")).toBe(identity.clientId);
  });

  test("says what to repair when the federation is not set up, and goes on once it is", async () => {
    const customer = admit(other, makeEligibleTenant("not federated"));
    other.entra.application.federatedSubject = undefined;
    const answer = await check(customer, "", other);
    other.entra.application.federatedSubject = identity.objectId;

    expect(gist(answer)).toMatchObject({ checks: ["Inconclusive CustomerAppRejected", notLookedFor] });
    expect(answer.body.checks[0].remedy).toMatch(/federated credential/);
    expect((await turnOn(customer, {}, other)).status).toBe(200);
  });

  test("counts the offers that its settings name", async () => {
    const offers = [
      makeTenant("new offer", [{ quotaId: "CSP_2031-01-01" }]),
      makeTenant("old offer", [{ quotaId: "CSPDEVTEST_2018-05-01" }]),
    ];
    for (const customer of offers) {
      assign(customer);
      admit(other, customer);
    }

    expect((await check(offers[0]!, "", other)).body.result).toBe("Eligible");
    expect(gist(await check(offers[1]!, "", other))).toMatchObject({
      result: "NotEligible",
      subscriptions: [[false, "UnknownCspOffer"]],
    });
  });

  test("counts the roles that its settings name", async () => {
    const contributor = makeTenant("contributor only");
    assign(contributor, { roleDefinitionId: roles.contributor });
    const reader = makeTenant("reader only");
    assign(reader, { roleDefinitionId: roles.reader });

    expect((await check(admit(other, contributor), "", other)).body.result).toBe("Eligible");
    expect((await check(admit(other, reader), "", other)).body.result).toBe("NotEligible");
  });

  test("never counts a principal that its settings exclude", async () => {
    const customer = makeTenant("guest only");
    assign(customer, { principalId: partnerGuest });
    admit(other, customer);

    const answer = await check(customer, "", other);
    expect(answer.body.result).toBe("NotEligible");
    expect(answer.body.subscriptions[0].ignoredOwners).toContainEqual({
      principalId: partnerGuest,
      principalType: "User",
      code: "ExcludedPrincipal",
    });
    assign(customer);
    expect((await check(customer, "", other)).body.result).toBe("Eligible");
  });

  /** `appidacr` of a version 1 token: 1 for a secret, 2 for an assertion. */
  function proofIn(authorization = ""): string {
    return JSON.parse(Buffer.from(authorization.split(".")[1] ?? "", "base64url").toString()).appidacr;
  }
});
