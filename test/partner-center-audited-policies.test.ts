/** How a customer's policy stands, told by Partner Center's audit records to an application that calls alone. */

import { randomUUID } from "node:crypto";
import { inspect } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { decodeJwt } from "jose";
import { makeDemoCustomers, partnerTenantId } from "../local/stand-ins/demo-customers.ts";
import { startDemoEntra } from "../local/stand-ins/demo-entra.ts";
import type { EntraStandIn } from "../local/stand-ins/entra.ts";
import type { Fault } from "../local/stand-ins/faults.ts";
import { type PartnerCenterStandIn, startPartnerCenter } from "../local/stand-ins/partner-center.ts";
import { type AuditRecord, policyAuditRecord } from "../local/stand-ins/partner-center-audit.ts";
import { makePolicy } from "../local/stand-ins/partner-center-policies.ts";
import { createAuditedPolicies } from "../shared/adapters/partner-center-audited-policies.ts";
import { createPartnerCenterPolicies } from "../shared/adapters/partner-center-policies.ts";
import { createPartnerCenterTokens, type PartnerCenterTokens } from "../shared/adapters/partner-center-tokens.ts";
import type { CustomerId } from "../shared/domain/identifiers.ts";
import type { PolicyWitness } from "../shared/ports.ts";
import { failureOf } from "./harness/failure-of.ts";
import { makeOwnCertificate, type OwnCertificate } from "./harness/own-certificate.ts";

const reservations = { resource: "AzureReservedInstances", action: "Purchase" };
const savings = { resource: "AzureSavingsPlan", action: "Purchase" };
const dayMilliseconds = 24 * 60 * 60 * 1000;
const customers = makeDemoCustomers().map(({ customer }) => customer);
const [contoso, fabrikam] = customers.map(({ tenantId }) => tenantId as CustomerId) as [CustomerId, CustomerId];
const soon = () => AbortSignal.timeout(10_000);

let own: OwnCertificate;
let entra: EntraStandIn;
let partnerCenter: PartnerCenterStandIn;
let tokens: PartnerCenterTokens;
let policies: PolicyWitness;

beforeAll(async () => {
  own = await makeOwnCertificate("audited-policies");
});

beforeEach(async () => {
  entra = await startDemoEntra({ ...own, customers });
  partnerCenter = await startPartnerCenter({ certificate: own.certificate, customers, entra, partnerTenantId });
  tokens = tokensOf();
  policies = open();
});

afterEach(() => Promise.all([entra.close(), partnerCenter.close()]));

afterAll(async () => {
  await own.remove();
});

const tokensOf = (more: Partial<Parameters<typeof createPartnerCenterTokens>[0]> = {}) =>
  createPartnerCenterTokens({
    ...{ authorityHost: entra.url, tenantId: partnerTenantId, clientId: entra.partnerApplication.clientId },
    ...{ credential: { clientSecret: entra.partnerApplication.secret }, endpoint: partnerCenter.url },
    telemetry: { warning: () => undefined },
    ...more,
  });
const open = (more: object = {}) =>
  createAuditedPolicies({
    ...{ endpoint: partnerCenter.url, tokens, limits: { backOffMilliseconds: 10, attemptMilliseconds: 500 }, ...more },
  });
const newCall = () => ({ requestId: randomUUID(), correlationId: randomUUID() });
const read = (customerId = contoso) => policies.read(customerId, newCall());
const requests = () => partnerCenter.requests.entries.filter(({ path }) => path === "/v1/auditrecords");

let serial = 0;

/** A record as the stand-in writes them, of any age. */
function recordOf(
  daysAgo: number,
  permissions: readonly (typeof reservations)[],
  otherwise: Partial<AuditRecord> = {},
): AuditRecord {
  const after = permissions.length === 0 ? undefined : makePolicy(contoso, permissions);
  return {
    ...policyAuditRecord({
      ...{ partnerTenantId, customerId: contoso, customerName: "Contoso", correlationId: randomUUID() },
      ...{ before: makePolicy(contoso, [savings]), after, at: new Date(Date.now() - daysAgo * dayMilliseconds) },
      ...{ by: { userPrincipalName: "grace@partner.example", applicationId: "portal" }, serial: serial++ },
    }),
    ...otherwise,
  };
}

const add = (...record: Parameters<typeof recordOf>) => partnerCenter.audit.add(recordOf(...record));

describe("an application's own token", () => {
  const tokenRequests = () => entra.requests.count({ method: "POST", path: "/oauth2/v2.0/token" });

  test("is bought without any account, kept, and bought once however many ask", async () => {
    const [first, ...others] = await Promise.all(Array.from({ length: 10 }, () => tokens.get(soon())));
    const later = await tokens.get(soon());

    expect(decodeJwt(first ?? "")).toMatchObject({ aud: partnerCenter.url, idtyp: "app", tid: partnerTenantId });
    expect(decodeJwt(first ?? "")).not.toHaveProperty("scp");
    expect(new Set([...others, later])).toEqual(new Set([first]));
    expect(tokenRequests()).toBe(1);
  });

  test("is for Partner Center, whatever its address", async () => {
    const token = await tokensOf({ endpoint: "https://api.partnercenter.microsoft.com" }).get(soon());

    expect(decodeJwt(token)).toMatchObject({ aud: "https://api.partnercenter.microsoft.com", idtyp: "app" });
  });

  test("is renewed five minutes before its end, and after it was refused", async () => {
    entra.tokenLifetimeSeconds = 299;
    await tokens.get(soon());
    entra.tokenLifetimeSeconds = 3600;
    const second = await tokens.get(soon());
    expect(await tokens.get(soon())).toBe(second);
    expect(tokenRequests()).toBe(2);

    partnerCenter.faults.add({ times: 1, fault: { kind: "status", status: 401 } });
    await expect(read()).resolves.toBe("unknown");
    expect(tokenRequests()).toBe(3);
  });

  test("that Entra refuses is a refusal with Entra's code, and the secret is in no error", async () => {
    const { secret } = entra.partnerApplication;
    entra.partnerApplication.secretExpired = true;

    const error = await failureOf(tokens.get(soon()));

    expect(error).toMatchObject({
      name: "PartnerCenterRefusal",
      reason: "SignInRequired",
      partnerCenterCode: "AADSTS7000222",
    });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(secret);
  });

  test("is not good for the policy itself, which is why there is this witness", async () => {
    const own = createPartnerCenterPolicies({ endpoint: partnerCenter.url, partnerTenantId, tokens });

    await expect(own.read(contoso, newCall())).rejects.toMatchObject({ reason: "AppOnlyToken" });
    await expect(read()).resolves.toBe("unknown");
  });
});

describe("the newest record of a customer's policy says how it stands:", () => {
  test("created, updated, and deleted", async () => {
    partnerCenter.policies.set(contoso, ["AzureReservedInstances"]);
    expect(await read()).toEqual({ permissions: [reservations] });
    await later();
    partnerCenter.policies.set(contoso, ["SomethingElse", "AzureSavingsPlan"]);
    expect(await read()).toEqual({ permissions: [{ resource: "SomethingElse", action: "Purchase" }, savings] });
    await later();
    partnerCenter.policies.delete(contoso);
    expect(await read()).toBeUndefined();
  });

  test("and of no record at all, that nobody knows", async () => {
    partnerCenter.policies.set(fabrikam, ["AzureReservedInstances"]);

    expect(await read()).toBe("unknown");
  });

  test("whatever the order in which they come", async () => {
    for (const daysAgo of [5, 1, 3]) add(daysAgo, daysAgo === 1 ? [savings] : [reservations]);

    expect(await read()).toEqual({ permissions: [savings] });
  });

  test("to the last of seven decimals", async () => {
    const [date] = new Date().toISOString().split("T");
    add(0, [reservations], { operationDate: `${date}T00:00:00.1230002Z` });
    add(0, [savings], { operationDate: `${date}T00:00:00.1230001Z` });
    add(0, [savings], { operationDate: `${date}T00:00:00Z` });

    expect(await read()).toEqual({ permissions: [reservations] });
  });

  test.each([
    ["failed", { operationStatus: "failed" }],
    ["still going on", { operationStatus: "progress" }],
    ["declined", { operationStatus: "decline" }],
    ["of something else", { resourceType: "order", operationType: "create_order" }],
    ["of another customer", { customerId: fabrikam }],
  ] as [string, Partial<AuditRecord>][])("but not one that is %s", async (_, otherwise) => {
    add(2, [reservations]);
    add(1, [], otherwise);
    // The filter of the query is not relied on.
    const items = partnerCenter.audit.records;
    partnerCenter.faults.add({ fault: { kind: "json", body: { totalCount: 2, items } } });

    expect(await read()).toEqual({ permissions: [reservations] });
  });

  test("in whatever case names and ids are written", async () => {
    const value = JSON.stringify({ permissions: [{ RESOURCE: "AzureReservedInstances", action: "Purchase" }] });
    add(1, [reservations], {
      ...{ operationType: "CreateSelfServePolicy", resourceType: "SelfServePolicy", resourceNewValue: value },
      operationStatus: "Succeeded" as never,
    });
    const items = partnerCenter.audit.records.map((one) => ({ ...one, customerId: one.customerId.toUpperCase() }));
    partnerCenter.faults.add({ fault: { kind: "json", body: { items } } });

    expect(await read()).toEqual({ permissions: [reservations] });
  });

  test("with an empty list, nothing", async () => {
    add(1, [reservations], { resourceNewValue: '{"Permissions":[]}' });

    expect(await read()).toEqual({ permissions: [] });
  });

  const later = () => new Promise((resolve) => setTimeout(resolve, 2));
});

describe("the last 90 days are looked at,", () => {
  test.each([
    [0, 1],
    [28, 1],
    [31, 2],
    [58, 2],
    [61, 3],
    [88, 3],
  ])("the newest 30 first: a record of %i days ago takes %i queries", async (daysAgo, queries) => {
    add(daysAgo, [reservations]);

    expect(await read()).toEqual({ permissions: [reservations] });
    expect(requests()).toHaveLength(queries);
  });

  test("none of them is left out between two queries, and none asks for more than Partner Center gives", async () => {
    expect(await read()).toBe("unknown");

    const spans = requests().map(({ query }) => {
      const { startDate, endDate } = Object.fromEntries(new URLSearchParams(query));
      return { from: daysAgo(startDate), to: endDate === undefined ? 0 : daysAgo(endDate) };
    });
    expect(requests()[0]?.query).not.toContain("endDate");
    // A day at the border is asked for twice: nobody says whether the last day of a query is part of it.
    expect(spans.slice(1).map(({ to }) => to)).toEqual(spans.slice(0, -1).map(({ from }) => from));
    expect(Math.max(...spans.map(({ from, to }) => from - to))).toBeLessThanOrEqual(30);
    expect(spans.at(-1)?.from).toBe(89);
  });

  test("and older ones are not: nobody knows", async () => {
    add(93, [reservations]);

    expect(await read()).toBe("unknown");
    expect(requests()).toHaveLength(3);
  });

  test("of one customer, under the ids of the change", async () => {
    const call = newCall();
    await policies.read(contoso, call);

    const [first, second] = requests();
    expect(JSON.parse(String(new URLSearchParams(String(first?.query)).get("filter")))).toEqual({
      ...{ Field: "CustomerId", Value: contoso, Operator: "equals" },
    });
    expect(first?.headers).toMatchObject({
      ...{ "ms-requestid": call.requestId, "ms-correlationid": call.correlationId },
    });
    expect(second?.headers["ms-correlationid"]).toBe(call.correlationId);
    expect(second?.headers["ms-requestid"]).not.toBe(call.requestId);
  });

  const today = () => Date.parse(new Date().toISOString().slice(0, 10));
  const daysAgo = (date = "") => (today() - Date.parse(date)) / dayMilliseconds;
});

describe("records come in pages,", () => {
  test("of which all are read, since nobody promises an order", async () => {
    partnerCenter.behaviour.pageSize = 2;
    add(1, [savings]);
    for (let daysAgo = 2; daysAgo < 7; daysAgo++) add(daysAgo, [reservations]);

    expect(await read()).toEqual({ permissions: [savings] });
    expect(requests()).toHaveLength(3);
    expect(requests().map(({ headers }) => headers["ms-continuationtoken"] !== undefined)).toEqual([false, true, true]);
    expect(requests().map(({ query }) => query.includes("seekOperation=Next"))).toEqual([false, true, true]);
    expect(new Set(requests().map(({ headers }) => headers["ms-requestid"])).size).toBe(3);
  });

  test("of which one may be empty and go on", async () => {
    add(1, [reservations]);
    partnerCenter.faults.add({
      times: 1,
      fault: { kind: "json", body: { totalCount: 0, items: [], continuationToken: tokenOfTheEnd() } },
    });

    await expect(read()).resolves.toBe("unknown");
    expect(requests()).toHaveLength(4);
  });

  test.each([
    ["that never end", () => ({ totalCount: 0, items: [], continuationToken: randomUUID() }), 30],
    ["that go round", () => ({ totalCount: 0, items: [], continuationToken: "again" }), 2],
    ["with a token of two lines", () => ({ items: [], continuationToken: "a\r\nb" }), 1],
    ["with a token that is no text", () => ({ items: [], continuationToken: { next: 1 } }), 1],
  ])("%s: unavailable, never a guess", async (_, body, most) => {
    const rules = Array.from({ length: 40 }, () => ({ times: 1, fault: { kind: "json", body: body() } as Fault }));
    for (const rule of rules) partnerCenter.faults.add(rule);

    expect(await failureOf(read())).toMatchObject({ code: "DependencyUnavailable" });
    expect(requests()).toHaveLength(most);
  });

  test("and take no longer than the one who asks can wait", async () => {
    policies = open({ lookMilliseconds: 0 });

    expect(await failureOf(read())).toMatchObject({ code: "DependencyUnavailable" });
    expect(requests()).toEqual([]);
  });

  test("and a page that hangs takes no more of that time than there is", async () => {
    policies = open({ lookMilliseconds: 300, limits: { attemptMilliseconds: 10_000 } });
    partnerCenter.faults.add({ fault: { kind: "hang" } });
    const begun = Date.now();

    expect(await failureOf(read())).toMatchObject({ code: "DependencyUnavailable" });
    expect(Date.now() - begun).toBeLessThan(5_000);
    expect(requests()).toHaveLength(1);
  });

  const tokenOfTheEnd = () => Buffer.from(partnerCenter.audit.records[0]?.id ?? "", "utf8").toString("base64");
});

describe("what cannot be understood is never 'no policy':", () => {
  test.each<[string, Partial<AuditRecord>]>([
    ["a new value that is no JSON", { resourceNewValue: "{" }],
    ["a new value that is none", { resourceNewValue: null }],
    ["a new value without permissions", { resourceNewValue: "{}" }],
    ["permissions that are no list", { resourceNewValue: '{"Permissions":"AzureReservedInstances"}' }],
    ["a permission that is none", { resourceNewValue: '{"Permissions":[null]}' }],
    [
      "a permission without its action",
      { resourceNewValue: '{"Permissions":[{"Resource":"AzureReservedInstances"}]}' },
    ],
    ["an operation of which nobody has heard", { operationType: "suspend_self_serve_policy" }],
  ])("%s", async (_, otherwise) => {
    add(2, [reservations]);
    add(1, [savings], otherwise);

    expect(await failureOf(read())).toMatchObject({ code: "DependencyUnavailable" });
  });

  test.each(["yesterday", "2026-99-99T99:99:99.0000000Z"])("%s, a time that is none", async (operationDate) => {
    const items = [recordOf(1, [reservations], { operationDate })];
    partnerCenter.faults.add({ fault: { kind: "json", body: { items } } });

    expect(await failureOf(read())).toMatchObject({ code: "DependencyUnavailable" });
  });

  test("two records of one moment, but not the same one twice", async () => {
    const at = { operationDate: `${new Date().toISOString().slice(0, 10)}T00:00:00.0000000Z` };
    const [one, other] = [recordOf(0, [reservations], at), recordOf(0, [], at)];
    const rule = partnerCenter.faults.add({ fault: { kind: "json", body: { items: [one, one] } } });
    expect(await read()).toEqual({ permissions: [reservations] });

    partnerCenter.faults.remove(rule);
    partnerCenter.faults.add({ fault: { kind: "json", body: { items: [one, other] } } });
    expect(await failureOf(read())).toMatchObject({ code: "DependencyUnavailable" });
  });

  test("an older record that is odd does no harm", async () => {
    add(2, [savings], { resourceNewValue: "{" });
    add(1, [reservations]);

    expect(await read()).toEqual({ permissions: [reservations] });
  });

  test.each<[string, Fault]>([
    ["no list", { kind: "json", body: { totalCount: 0 } }],
    ["a list of others", { kind: "json", body: { items: ["record"] } }],
    ["half of it", { kind: "cutJson" }],
    ["503", { kind: "status", status: 503 }],
    ["429", { kind: "status", status: 429 }],
    ["silence", { kind: "hang" }],
  ])("%s", async (_, fault) => {
    partnerCenter.faults.add({ fault });

    expect(await failureOf(read())).toMatchObject({ code: "DependencyUnavailable" });
  });

  test("a refusal is a refusal", async () => {
    partnerCenter.faults.add({
      fault: { kind: "status", status: 403, body: { code: "900150", description: "No role." } },
    });

    expect(await failureOf(read())).toMatchObject({ reason: "RoleMissing", partnerCenterCode: "900150" });
  });
});
