/** What was sold, as the adapter reads it from Partner Center over HTTPS: the whole of it, or nothing at all. */

import { inspect } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { type Customer, makeCustomer, makeSubscription } from "../local/stand-ins/customer.ts";
import { partnerTenantId } from "../local/stand-ins/demo-customers.ts";
import { startDemoEntra } from "../local/stand-ins/demo-entra.ts";
import type { EntraStandIn } from "../local/stand-ins/entra.ts";
import type { Fault } from "../local/stand-ins/faults.ts";
import { guidOf } from "../local/stand-ins/guid.ts";
import { startServer } from "../local/stand-ins/https-server.ts";
import { type PartnerCenterStandIn, startPartnerCenter } from "../local/stand-ins/partner-center.ts";
import type { PartnerCenterLimits } from "../shared/adapters/partner-center-calls.ts";
import { createPartnerCenterSales } from "../shared/adapters/partner-center-sales.ts";
import { createPartnerCenterTokens, type PartnerCenterTokens } from "../shared/adapters/partner-center-tokens.ts";
import { createRefreshTokenSetting } from "../shared/adapters/refresh-token-vault.ts";
import type { CustomerId } from "../shared/domain/identifiers.ts";
import { failureOf } from "./harness/failure-of.ts";
import { makeOwnCertificate, type OwnCertificate } from "./harness/own-certificate.ts";

let own: OwnCertificate;
let entra: EntraStandIn;
let partnerCenter: PartnerCenterStandIn;
let customers: Customer[];
let customer: Customer;
let tokens: PartnerCenterTokens;

beforeAll(async () => {
  own = await makeOwnCertificate("sales");
});

beforeEach(async () => {
  customer = makeCustomer({ name: "Fourth Coffee" });
  customer.subscriptions.push(
    makeSubscription({ displayName: "Kitchen" }),
    makeSubscription({ displayName: "Bar", soldAs: "azureGlobal" }),
    makeSubscription({ displayName: "Elsewhere", soldAs: "notSold" }),
  );
  customers = [customer];
  entra = await startDemoEntra({ ...own, customers });
  partnerCenter = await startPartnerCenter({ certificate: own.certificate, customers, entra, partnerTenantId });
  tokens = createPartnerCenterTokens({
    authorityHost: entra.url,
    tenantId: partnerTenantId,
    clientId: entra.partnerApplication.clientId,
    credential: { clientSecret: entra.partnerApplication.secret },
    endpoint: partnerCenter.url,
    refreshTokens: createRefreshTokenSetting(await entra.issueRefreshToken()),
    telemetry: { warning: () => undefined },
  });
});

afterEach(() => Promise.all([partnerCenter.close(), entra.close()]));

afterAll(async () => {
  await own.remove();
});

const ask = (limits: PartnerCenterLimits = {}, deadline = AbortSignal.timeout(10_000), tenantId = customer.tenantId) =>
  createPartnerCenterSales({
    endpoint: partnerCenter.url,
    tokens,
    limits: { backOffMilliseconds: 10, ...limits },
  }).salesTo(tenantId.toLowerCase() as CustomerId, deadline);

const requests = () => partnerCenter.requests.entries;
const paths = () =>
  requests().map(({ method, path }) =>
    `${method} ${path}`
      .replace(customer.tenantId, "{customer}")
      .replace(customer.azurePlan.id, "{plan}")
      .replace("/v1/customers/", ""),
  );

async function harmlessFailureOf(promise: Promise<unknown>): Promise<Error> {
  const error = await failureOf(promise);
  expect(inspect(error, { depth: 12, showHidden: true })).not.toContain(await tokens.get(AbortSignal.timeout(5_000)));
  return error;
}

async function expectUnavailable(promise: Promise<unknown>): Promise<void> {
  expect(await harmlessFailureOf(promise)).toMatchObject({ name: "Refusal", code: "DependencyUnavailable" });
}

const kitchen = () => ({
  subscriptionId: guidOf("subscription:Kitchen"),
  displayName: "Kitchen",
  offer: "Azure plan",
  status: "active",
});
const bar = () => ({
  subscriptionId: guidOf("subscription:Bar"),
  displayName: "Bar",
  offer: "Azure Global",
  status: "active",
});

const customerPath = /^\/v1\/customers\/[^/]+$/;
const listPath = /\/subscriptions$/;
const entitlementsPath = /\/azureEntitlements$/;

describe("what was sold", () => {
  test("is what stands below the Azure plan and what is Azure Global, asked with three calls", async () => {
    customer.otherPartnerSubscriptions.push(
      { id: "m365", offerId: "CFQ7TTC0LF8S:0002:X", billingType: "license" },
      { id: "savings", offerId: "DZH318Z0BQ4B:000Z:DZH318Z0DSPL", billingType: "benefit", status: "active" },
      { id: "nearly", offerId: "MS-AZR-0145PX", status: "active" },
      { id: "nearly, too", offerId: "XDZH318Z0BPS6:0001:X", status: "active" },
    );

    const sales = await ask();

    expect(sales.relationship).toBe("reseller");
    expect(sales.subscriptions.toSorted((one, other) => (one.offer < other.offer ? -1 : 1))).toEqual([
      bar(),
      kitchen(),
    ]);
    expect(paths().sort()).toEqual([
      "GET {customer}",
      "GET {customer}/subscriptions",
      "GET {customer}/subscriptions/{plan}/azureEntitlements",
    ]);
    const sent = (header: string) => requests().map(({ headers }) => headers[header]);
    expect(new Set(sent("ms-requestid")).size).toBe(3);
    expect(new Set(sent("ms-correlationid")).size).toBe(1);
  });

  test("is asked for side by side: the list does not wait for the relationship", async () => {
    partnerCenter.faults.add({ match: { path: customerPath }, fault: { kind: "slow", ms: 300 } });

    await ask();

    const [customerRequest, list] = ["customer", "list"].map((one) =>
      requests().find(({ path }) => (one === "list" ? listPath : customerPath).test(path)),
    );
    expect(list!.at.getTime()).toBeLessThan(customerRequest!.endedAt!.getTime());
  });

  test.each(["MS-AZR-0145P", "MS-AZR-0146P", "MS-AZR-USGOV-0145P", "MS-AZR-DE-0146P", "ms-azr-0145p"])(
    "of the offer %s is Azure Global",
    async (offerId) => {
      customer.subscriptions = [];
      const entitlementId = guidOf("old one").toUpperCase();
      customer.otherPartnerSubscriptions.push({ id: "1", offerId, entitlementId, status: "suspended" });

      expect((await ask()).subscriptions).toEqual([
        {
          subscriptionId: guidOf("old one"),
          displayName: guidOf("old one"),
          offer: "Azure Global",
          status: "suspended",
        },
      ]);
      expect(requests()).toHaveLength(2);
    },
  );

  test.each(["suspended", "deleted", "expired", "disabled", "pending"] as const)(
    "below a plan that is %s is so, too",
    async (status) => {
      customer.azurePlan.status = status;

      expect((await ask()).subscriptions).toContainEqual({ ...kitchen(), status });
    },
  );

  test("keeps its own status below a plan that is active", async () => {
    customer.subscriptions[0]!.partnerStatus = "suspended";

    expect((await ask()).subscriptions).toContainEqual({ ...kitchen(), status: "suspended" });
  });

  test("below a plan that has ended and cannot be looked into any more is nothing; below any other it is refused", async () => {
    const body = { code: "NotFound", description: "Not found." };
    partnerCenter.faults.add({ match: { path: entitlementsPath }, fault: { kind: "status", status: 404, body } });
    expect(await harmlessFailureOf(ask())).toMatchObject({ name: "PartnerCenterRefusal", reason: "Refused" });

    customer.azurePlan.status = "deleted";
    expect((await ask()).subscriptions).toEqual([bar()]);
  });

  test("is refused below a plan that has ended, when it is we who are refused", async () => {
    customer.azurePlan.status = "deleted";
    const body = { code: "900421", description: "MFA" };
    partnerCenter.faults.add({ match: { path: entitlementsPath }, fault: { kind: "status", status: 401, body } });

    expect(await harmlessFailureOf(ask())).toMatchObject({ name: "PartnerCenterRefusal", reason: "MfaRequired" });
  });

  test("is nothing, when there is nothing", async () => {
    customer.subscriptions = [];

    expect(await ask()).toEqual({ relationship: "reseller", subscriptions: [] });
    expect(requests()).toHaveLength(2);
  });

  test.each([
    ["active", "active", "Azure plan"],
    ["suspended", "active", "Azure plan"],
    ["active", "deleted", "Azure Global"],
    ["suspended", "deleted", "Azure plan"],
  ])("stands once when it moved (as Azure Global %s, below a plan %s)", async (globalStatus, status, offer) => {
    customer.subscriptions.splice(1);
    Object.assign(customer.subscriptions[0]!, { partnerStatus: status });
    const { subscriptionId } = customer.subscriptions[0]!;
    const global = { id: "1", offerId: "MS-AZR-0145P", entitlementId: subscriptionId, status: globalStatus };
    customer.otherPartnerSubscriptions.push(global);

    expect((await ask()).subscriptions).toMatchObject([{ subscriptionId, offer }]);
  });

  test("below eleven plans is asked for four at a time", async () => {
    customer.subscriptions = [];
    const plans = Array.from({ length: 11 }, (_, index) => guidOf(`plan ${index}`));
    const offerId = "DZH318Z0BPS6:0001:DZH318Z0BML6";
    customer.otherPartnerSubscriptions = plans.map((id) => ({ id, offerId, status: "active" }));
    let running = 0;
    let most = 0;
    const server = await startServer({
      certificate: own.certificate,
      failure: (status) => ({ status }),
      answer: async ({ path }) => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((go) => setTimeout(go, 20));
        running -= 1;
        const planId = path.split("/")[5];
        const items = [{ id: guidOf(`below ${planId}`), friendlyName: "below", status: "active" }];
        if (path.endsWith("/azureEntitlements")) return { status: 200, body: JSON.stringify({ totalCount: 1, items }) };
        return path.endsWith("/subscriptions")
          ? { status: 200, body: JSON.stringify({ totalCount: 11, items: customer.otherPartnerSubscriptions }) }
          : { status: 200, body: JSON.stringify({ id: customer.tenantId, relationshipToPartner: "reseller" }) };
      },
    });
    try {
      const sales = createPartnerCenterSales({ endpoint: server.url, tokens });
      const { subscriptions } = await sales.salesTo(customer.tenantId as CustomerId, AbortSignal.timeout(10_000));

      expect(subscriptions.map(({ subscriptionId }) => subscriptionId).toSorted()).toEqual(
        plans.map((id) => guidOf(`below ${id}`)).toSorted(),
      );
      expect(server.requests.entries).toHaveLength(13);
      expect(most).toBe(4);
    } finally {
      await server.close();
    }
  });
});

describe("without the relationship of a reseller nothing is sold", () => {
  test("when it has ended", async () => {
    customer.relationshipToPartner = "none";

    expect(await ask()).toEqual({ relationship: "none", subscriptions: [] });
  });

  test("when Partner Center does not know the customer", async () => {
    expect(await ask({}, undefined, guidOf("nobody"))).toEqual({ relationship: "none", subscriptions: [] });
  });

  test.each(["advisor", "syndication", "microsoft_support"] as const)(
    "to a customer with the relationship %s",
    async (one) => {
      customer.relationshipToPartner = one;

      expect(await ask()).toEqual({ relationship: one, subscriptions: [] });
    },
  );

  test("and nobody waits for the list", async () => {
    customer.relationshipToPartner = "advisor";
    partnerCenter.faults.add({ match: { path: listPath }, fault: { kind: "hang" } });
    const start = performance.now();

    expect(await ask()).toEqual({ relationship: "advisor", subscriptions: [] });

    expect(performance.now() - start).toBeLessThan(3_000);
  });

  test("when it ends between two calls", async () => {
    const body = { code: "20002", description: "no commerce relationship" };
    partnerCenter.faults.add({ match: { path: listPath }, fault: { kind: "status", status: 403, body } });

    expect(await ask()).toEqual({ relationship: "none", subscriptions: [] });
  });
});

describe("Partner Center refuses", () => {
  test.each([
    [401, "900421", "MfaRequired"],
    [401, "900420", "SignInRequired"],
    [403, "900150", "RoleMissing"],
    [403, "900309", "SignInRequired"],
    [400, "900118", "NoRelationship"],
    [404, "1000", "Refused"],
    [403, "4711", "Refused"],
  ])("%i/%s: %s, whichever call it is", async (status, code, reason) => {
    const body = { code, description: "Not you." };
    for (const path of [customerPath, listPath, entitlementsPath]) {
      const rule = partnerCenter.faults.add({ match: { path }, fault: { kind: "status", status, body } });

      expect(await harmlessFailureOf(ask())).toMatchObject({
        name: "PartnerCenterRefusal",
        reason,
        partnerCenterCode: code,
      });

      partnerCenter.faults.remove(rule);
    }
  });

  test("an account without any role", async () => {
    entra.partnerUsers[0]!.agentRole = undefined;

    expect(await harmlessFailureOf(ask())).toMatchObject({ name: "PartnerCenterRefusal", reason: "RoleMissing" });
  });
});

describe("an answer that makes no sense is no answer", () => {
  const list = (...items: unknown[]) => ({ totalCount: items.length, items });
  const offerId = "DZH318Z0BPS6:0001:DZH318Z0BML6";
  const plan = { id: guidOf("a plan"), offerId, status: "active" };
  const global = { id: "1", offerId: "MS-AZR-0145P", entitlementId: guidOf("x"), status: "active" };
  const entitlement = { id: guidOf("y"), friendlyName: "y", status: "active" };

  test.each<[string, RegExp, unknown]>([
    ["a customer that is none", customerPath, {}],
    ["a list for a customer", customerPath, []],
    ["another customer", customerPath, { id: guidOf("another"), relationshipToPartner: "reseller" }],
    ["a customer without relationship", customerPath, { id: guidOf("tenant:Fourth Coffee") }],
    [
      "a customer with an empty relationship",
      customerPath,
      { id: guidOf("tenant:Fourth Coffee"), relationshipToPartner: "" },
    ],
    ["a relationship that is none", customerPath, { id: guidOf("tenant:Fourth Coffee"), relationshipToPartner: true }],
    ["an empty object", listPath, {}],
    ["null", listPath, null],
    ["a bare list", listPath, [plan]],
    ["no items", listPath, { totalCount: 0 }],
    ["items that are none", listPath, { totalCount: 0, items: {} }],
    ["no count", listPath, { items: [] }],
    ["more than it holds", listPath, { totalCount: 2, items: [global] }],
    ["less than it holds", listPath, { totalCount: 0, items: [global] }],
    ["one page of several", listPath, { ...list(global), links: { next: { uri: "/customers" } } }],
    ["an error in disguise", listPath, { code: "60003", description: "Tenant not found." }],
    ["a hollow item", listPath, list(null)],
    ["a text for an item", listPath, list("plan")],
    ["an item without offer", listPath, list({ id: guidOf("a plan"), status: "active" })],
    ["an item with an empty offer", listPath, list({ ...plan, offerId: "" })],
    ["a plan without id", listPath, list({ ...plan, id: undefined })],
    ["a plan with a path for an id", listPath, list({ ...plan, id: `${guidOf("a plan")}/../..` })],
    ["a plan without status", listPath, list({ ...plan, status: undefined })],
    ["Azure Global without its Azure id", listPath, list({ ...global, entitlementId: undefined })],
    ["Azure Global with an id that is none", listPath, list({ ...global, entitlementId: "x" })],
    ["Azure Global with an empty status", listPath, list({ ...global, status: "" })],
    ["no entitlements", entitlementsPath, {}],
    ["more entitlements than it holds", entitlementsPath, { totalCount: 2, items: [entitlement] }],
    ["entitlements on two pages", entitlementsPath, { ...list(entitlement), links: { next: {} } }],
    ["an entitlement without id", entitlementsPath, list({ ...entitlement, id: undefined })],
    ["an entitlement without status", entitlementsPath, list({ ...entitlement, status: undefined })],
    ["a hollow entitlement", entitlementsPath, list(entitlement, [])],
  ])("%s", async (_, path, body) => {
    partnerCenter.faults.add({ match: { path }, fault: { kind: "json", body } });

    await expectUnavailable(ask());
  });

  test("no id that is none is ever asked for", async () => {
    const evil = { ...plan, id: "../../SelfServePolicy" };
    partnerCenter.faults.add({ match: { path: listPath }, fault: { kind: "json", body: list(evil) } });

    await expectUnavailable(ask());

    expect(paths().sort()).toEqual(["GET {customer}", "GET {customer}/subscriptions"]);
  });

  test("links that say that this is all are no pages, and names are cut", async () => {
    const links = { self: { uri: "/customers" }, next: null };
    const body = { ...list({ ...global, friendlyName: "é".repeat(500) }), links };
    partnerCenter.faults.add({ match: { path: listPath }, fault: { kind: "json", body } });

    const { subscriptions } = await ask();

    expect(subscriptions).toMatchObject([{ displayName: "é".repeat(200) }]);
  });
});

describe("when Partner Center stumbles", () => {
  const stumbles: readonly Fault[] = [
    { kind: "status", status: 500 },
    { kind: "status", status: 429, headers: { "Retry-After": "0" } },
    { kind: "html" },
    { kind: "html", status: 200 },
    { kind: "html", status: 404 },
    { kind: "reset" },
    { kind: "cutJson" },
  ];

  test.each(stumbles)("once (%j), nobody notices", async (fault) => {
    for (const path of [customerPath, listPath, entitlementsPath]) {
      partnerCenter.faults.add({ match: { path }, times: 1, fault });
    }

    expect((await ask()).subscriptions).toHaveLength(2);
    expect(requests()).toHaveLength(6);
  });

  test.each(stumbles)("for good (%j), it is unavailable, whichever call it is", async (fault) => {
    for (const path of [customerPath, listPath, entitlementsPath]) {
      const rule = partnerCenter.faults.add({ match: { path }, fault });

      await expectUnavailable(ask());

      expect(rule.hits).toBe(3);
      partnerCenter.faults.remove(rule);
    }
  });

  test("a redirect is not followed", async () => {
    partnerCenter.faults.add({
      match: { path: entitlementsPath },
      fault: { kind: "redirect", to: `${partnerCenter.url}/v1/customers` },
    });

    await expectUnavailable(ask());

    expect(requests()).toHaveLength(3);
  });

  test.each([
    ["the customer", customerPath],
    ["the list", listPath],
    ["the entitlements", entitlementsPath],
  ])("the deadline ends the silence of %s", async (_, path) => {
    await tokens.get(AbortSignal.timeout(5_000));
    partnerCenter.faults.add({ match: { path }, fault: { kind: "hang" } });
    const start = performance.now();

    await expectUnavailable(ask({}, AbortSignal.timeout(300)));

    expect(performance.now() - start).toBeLessThan(2_000);
  });

  test("the deadline ends the silence of Entra, and what is over asks nothing", async () => {
    const fault = entra.faults.add({ fault: { kind: "hang" } });
    const start = performance.now();

    const error = await ask({}, AbortSignal.timeout(300)).catch((thrown: unknown) => thrown);

    expect(error).toMatchObject({ code: "DependencyUnavailable" });
    expect(performance.now() - start).toBeLessThan(2_000);
    entra.faults.remove(fault);
    await expect(ask({}, AbortSignal.abort())).rejects.toMatchObject({ code: "DependencyUnavailable" });
    expect(requests()).toEqual([]);
  });

  test("the first failure ends the other calls", async () => {
    partnerCenter.faults.add({ match: { path: customerPath }, fault: { kind: "status", status: 403 } });
    partnerCenter.faults.add({ match: { path: listPath }, fault: { kind: "status", status: 500 } });

    await harmlessFailureOf(ask({ backOffMilliseconds: 200 }));
    const then = requests().length;
    await new Promise((go) => setTimeout(go, 500));

    expect(requests()).toHaveLength(then);
  });
});
