/** Who changed a policy, as Partner Center's activity log tells it over HTTPS, and when nobody is named. */

import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { makeDemoCustomers, partnerTenantId } from "../local/stand-ins/demo-customers.ts";
import { startDemoEntra } from "../local/stand-ins/demo-entra.ts";
import type { EntraStandIn } from "../local/stand-ins/entra.ts";
import { type PartnerCenterStandIn, startPartnerCenter } from "../local/stand-ins/partner-center.ts";
import { type AuditRecord, policyAuditRecord } from "../local/stand-ins/partner-center-audit.ts";
import { createPartnerCenterAudit } from "../shared/adapters/partner-center-audit.ts";
import { createPartnerCenterTokens } from "../shared/adapters/partner-center-tokens.ts";
import { createRefreshTokenSetting } from "../shared/adapters/refresh-token-vault.ts";
import type { CustomerId } from "../shared/domain/identifiers.ts";
import type { AuditTrail } from "../shared/ports.ts";
import { makeOwnCertificate, type OwnCertificate } from "./harness/own-certificate.ts";

const customers = makeDemoCustomers().map(({ customer }) => customer);
const [contoso, fabrikam] = customers.map(({ tenantId }) => tenantId as CustomerId) as [CustomerId, CustomerId];
const ours = "dddddddd-dddd-4ddd-8ddd-dddddddddddd";
const day = 24 * 60 * 60_000;

let own: OwnCertificate;
let entra: EntraStandIn;
let partnerCenter: PartnerCenterStandIn;
let audit: AuditTrail;
let requests = 0;

beforeAll(async () => {
  own = await makeOwnCertificate("audit");
  entra = await startDemoEntra({ ...own, customers });
  partnerCenter = await startPartnerCenter({ certificate: own.certificate, customers, entra, partnerTenantId });
  const endpoint = partnerCenter.url;
  const tokens = createPartnerCenterTokens({
    ...{ authorityHost: entra.url, tenantId: partnerTenantId, endpoint },
    clientId: entra.partnerApplication.clientId,
    credential: { clientSecret: entra.partnerApplication.secret },
    telemetry: { warning: () => undefined },
    refreshTokens: createRefreshTokenSetting(await entra.issueRefreshToken()),
  });
  audit = createPartnerCenterAudit({
    ...{ endpoint, tokens, applicationId: ours },
    limits: { backOffMilliseconds: 5 },
    onRequest: () => {
      requests += 1;
    },
  });
});

afterEach(() => {
  partnerCenter.faults.clear();
  partnerCenter.behaviour.pageSize = 500;
  (partnerCenter.audit.records as AuditRecord[]).length = 0;
});

afterAll(async () => {
  await Promise.all([entra.close(), partnerCenter.close()]);
  await own.remove();
});

let serial = 0;

/** A change of Contoso's policy, so many milliseconds ago. */
function changed(ago: number, otherwise: Partial<AuditRecord> = {}): void {
  const permissions = [{ resource: "AzureReservedInstances", action: "Purchase" }];
  serial += 1;
  const record = policyAuditRecord({
    ...{ partnerTenantId, customerId: contoso, customerName: "Contoso", before: undefined },
    after: { customerId: contoso, etag: '"1"', permissions },
    by: { userPrincipalName: "grace@partner.example", applicationId: "Partner Center Web" },
    ...{ correlationId: randomUUID(), at: new Date(Date.now() - ago), serial },
  });
  partnerCenter.audit.add({ ...record, ...otherwise });
}

const lastChange = (customerId = contoso) =>
  audit.lastChangeOf(customerId, { requestId: randomUUID(), correlationId: randomUUID() });

test("the newest change of the customer's policy is it, in whatever order the records come", async () => {
  changed(2 * day, { userPrincipalName: "old@partner.example" });
  changed(1000, { userPrincipalName: "new@partner.example" });
  changed(1 * day, { userPrincipalName: "middle@partner.example" });
  const last = await lastChange();
  expect(last?.userPrincipalName).toBe("new@partner.example");
  expect(Math.abs(Date.now() - 1000 - Number(last?.at))).toBeLessThan(5000);
});

test("records of others, of other things and of what failed do not count", async () => {
  changed(3000, { userPrincipalName: "right@partner.example" });
  changed(1000, { customerId: fabrikam });
  changed(1000, { resourceType: "order" });
  changed(1000, { operationStatus: "failed" });
  changed(31 * day);
  expect(await lastChange()).toMatchObject({ userPrincipalName: "right@partner.example" });
  expect(await lastChange("c0000004-0000-4000-8000-000000000004" as CustomerId)).toBeUndefined();
});

test("our own change says nothing of one that was made outside", async () => {
  changed(3000);
  changed(1000, { applicationId: ours.toUpperCase() });
  expect(await lastChange()).toBeUndefined();
});

test("pages are read to the end, and too many of them name nobody", async () => {
  partnerCenter.behaviour.pageSize = 2;
  for (const ago of [1, 2, 3, 4, 5, 6, 7]) changed(ago * 1000, { userPrincipalName: `${ago}@partner.example` });
  requests = 0;
  partnerCenter.requests.clear();
  expect(await lastChange()).toMatchObject({ userPrincipalName: "1@partner.example" });
  expect(requests).toBe(4);
  // The same id again would be the same answer again.
  const ids = partnerCenter.requests.entries.map(({ headers }) => headers["ms-requestid"]);
  expect(new Set(ids).size).toBe(4);
  changed(500);
  changed(400);
  requests = 0;
  expect(await lastChange()).toBeUndefined();
  expect(requests).toBe(4);
});

test("of two changes at one moment nobody knows which was the last", async () => {
  const operationDate = new Date().toISOString().replace("Z", "0000Z");
  changed(0, { operationDate, userPrincipalName: "one@partner.example" });
  changed(0, { operationDate, userPrincipalName: "other@partner.example" });
  await expect(lastChange()).rejects.toMatchObject({ code: "DependencyUnavailable" });
});

test("a name is text of bounded length on one line; without one the change is known all the same", async () => {
  changed(1000, { userPrincipalName: ` grace\u0007\r\n@\u202e${"x".repeat(400)}\u{1f600}` });
  const { userPrincipalName } = (await lastChange())!;
  expect(userPrincipalName).toBe(`grace@${"x".repeat(250)}`);
  changed(500, { userPrincipalName: undefined as never });
  const last = await lastChange();
  expect(last).toEqual({ at: expect.any(Date) });
});

test.each([
  ["no list", { totalCount: 0 }],
  ["a list of something else", { items: [1] }],
  ["a record of another customer", { items: [{ customerId: fabrikam }] }],
  [
    "a record without a time",
    { items: [{ customerId: contoso, resourceType: "self_serve_policy", operationStatus: "succeeded" }] },
  ],
  ["a token that would break a header", { items: [], continuationToken: "a\r\nb" }],
  ["a token that leads round and round", { items: [], continuationToken: "again" }],
])("an answer with %s is unavailable, not an answer", async (_, body) => {
  partnerCenter.faults.add({ match: { path: "/v1/auditrecords" }, fault: { kind: "status", status: 200, body } });
  await expect(lastChange()).rejects.toMatchObject({ code: "DependencyUnavailable" });
});

test("a refusal is told as one", async () => {
  partnerCenter.faults.add({
    match: { path: "/v1/auditrecords" },
    fault: { kind: "status", status: 403, body: { code: "900150", description: "no" } },
  });
  await expect(lastChange()).rejects.toMatchObject({ name: "PartnerCenterRefusal", reason: "RoleMissing" });
});
