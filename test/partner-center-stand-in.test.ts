/** The stand-in of Partner Center speaks as the documents say, over HTTPS, and fails in every way that the adapter must survive. */

import { createHash, randomUUID, webcrypto } from "node:crypto";
import { request } from "node:https";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { decodeJwt, SignJWT } from "jose";
import type { Customer } from "../local/stand-ins/customer.ts";
import { makeDemoCustomers, partnerTenantId } from "../local/stand-ins/demo-customers.ts";
import { startDemoEntra } from "../local/stand-ins/demo-entra.ts";
import type { EntraStandIn } from "../local/stand-ins/entra.ts";
import { makeManyCustomers } from "../local/stand-ins/many-customers.ts";
import { partnerCenterClientId, partnerCenterSecret } from "../local/stand-ins/partner-application.ts";
import { type PartnerCenterStandIn, startPartnerCenter } from "../local/stand-ins/partner-center.ts";
import { azureGlobalId } from "../local/stand-ins/partner-center-shapes.ts";
import { makeOwnCertificate, type OwnCertificate } from "./harness/own-certificate.ts";

let own: OwnCertificate;
let customers: Customer[];
let contoso: Customer;
let entra: EntraStandIn;
let partnerCenter: PartnerCenterStandIn;
let token: string;

const reservations = { resource: "AzureReservedInstances", action: "Purchase" };
const savingsPlans = { resource: "AzureSavingsPlan", action: "Purchase" };

beforeAll(async () => {
  own = await makeOwnCertificate("partner-center");
});

beforeEach(async () => {
  customers = makeDemoCustomers().map(({ customer }) => customer);
  contoso = customers[0]!;
  entra = await startDemoEntra({ ...own, customers });
  partnerCenter = await startPartnerCenter({ certificate: own.certificate, customers, entra, partnerTenantId });
  token = await entra.issuePartnerCenterToken();
});

afterEach(async () => {
  await Promise.all([partnerCenter.close(), entra.close()]);
});

afterAll(async () => {
  await own.remove();
});

describe("a self-serve policy", () => {
  test("is created, read, extended and deleted in the documented shapes", async () => {
    const created = await create([reservations]);
    const id = `${partnerTenantId}_${contoso.tenantId}`;
    const policy = {
      id,
      selfServeEntity: { selfServeEntityType: "customer", tenantID: contoso.tenantId },
      grantor: { grantorType: "billToPartner", tenantID: partnerTenantId },
      permissions: [reservations],
      attributes: { etag: expect.stringMatching(/^"[0-9a-f-]{36}"$/), objectType: "SelfServePolicy" },
    };
    expect(created).toMatchObject({ status: 201, body: policy });
    expect(await call("GET", `/v1/SelfServePolicy/${id}`)).toMatchObject({ status: 200, body: created.body });
    expect(await list()).toMatchObject({
      status: 200,
      body: { totalCount: 1, items: [created.body], attributes: { objectType: "Collection" } },
    });

    const updated = await update([reservations, savingsPlans], created.body.attributes.etag);
    expect(updated).toMatchObject({ status: 200, body: { id, permissions: [reservations, savingsPlans] } });
    expect(updated.body.attributes.etag).not.toBe(created.body.attributes.etag);
    expect(partnerCenter.policies.resources(contoso.tenantId)).toEqual(["AzureReservedInstances", "AzureSavingsPlan"]);

    expect(await remove()).toMatchObject({ status: 204, text: "" });
    expect((await list()).body).toMatchObject({ totalCount: 0, items: [] });
    expect(await remove()).toMatchObject({ status: 404, body: { code: "600039" } });
  });

  test("names are read without regard to case, and unknown permissions come back as they were", async () => {
    const foreign = { resource: "SomethingNew", action: "Consume", limit: { amount: 5 } };
    const created = await call("POST", "/v1/selfservepolicy", {
      SelfServeEntity: { SelfServeEntityType: "Customer", TenantId: contoso.tenantId.toUpperCase() },
      Grantor: { GrantorType: "BillToPartner", TenantId: partnerTenantId },
      Permissions: [foreign, reservations],
    });

    expect(created.status).toBe(201);
    const found = await call("GET", `/v1/SelfServePolicy?Entity_Id=${contoso.tenantId.toUpperCase()}`);
    expect(found.body.items[0]).toMatchObject({ permissions: [foreign, reservations] });
  });

  test("there is one per customer: a second one is 409/600041", async () => {
    await create([reservations]);

    expect(await create([savingsPlans])).toMatchObject({ status: 409, body: { code: "600041" } });
    expect(partnerCenter.policies.resources(contoso.tenantId)).toEqual(["AzureReservedInstances"]);
  });

  test.each(["400", "409", "412"] as const)("an etag that has changed is refused (%s/2055)", async (status) => {
    partnerCenter.behaviour.staleEtag = status;
    const { body } = await create([reservations]);
    partnerCenter.policies.set(contoso.tenantId, [reservations]);

    expect(await update([savingsPlans], body.attributes.etag)).toMatchObject({
      status: Number(status),
      body: { code: "2055", description: "Etag is no longer valid." },
    });
    expect(partnerCenter.policies.resources(contoso.tenantId)).toEqual(["AzureReservedInstances"]);
  });

  test.each([
    ["no policy", () => update([reservations], '"x"'), 404, "600039"],
    ["another customer's id in the body", () => update([reservations], '"x"', customers[1]!.tenantId), 404, "600040"],
    ["an id of another partner", () => call("PUT", "/v1/SelfServePolicy/a_b", {}), 404, "600040"],
    ["an id that is none", () => call("GET", "/v1/SelfServePolicy/a_b"), 404, "600039"],
    ["an unknown customer", () => list(randomUUID()), 404, "60003"],
    ["a customer id that is none", () => list("contoso"), 400, "900118"],
    ["no permission at all", () => create([]), 400, "BadRequest"],
    ["a body that is not JSON", () => call("POST", "/v1/SelfServePolicy", "{"), 400, "BadRequest"],
    ["an unknown method", () => call("PATCH", "/v1/SelfServePolicy"), 405, "MethodNotAllowed"],
    ["a write without MS-RequestId", () => create([reservations], { "MS-RequestId": "" }), 400, "BadRequest"],
    ["a write without MS-CorrelationId", () => create([reservations], { "MS-CorrelationId": "" }), 400, "BadRequest"],
  ])("%s is refused", async (_, ask, status, code) => {
    expect(await ask()).toMatchObject({ status, body: { code, description: expect.any(String) } });
    expect(partnerCenter.policies.all()).toEqual([]);
  });

  test("an update without a permission left, or without an etag, is refused: the last one off is a DELETE", async () => {
    const { body } = await create([reservations]);

    expect(await update([], body.attributes.etag)).toMatchObject({ status: 400 });
    expect(await update([savingsPlans], undefined)).toMatchObject({ status: 400 });
    expect(partnerCenter.policies.resources(contoso.tenantId)).toEqual(["AzureReservedInstances"]);
  });

  test("a relationship that has ended is 403/20002", async () => {
    partnerCenter.policies.set(contoso.tenantId, ["AzureSavingsPlan"]);
    contoso.relationshipToPartner = "none";

    for (const answer of [await list(), await create([reservations]), await remove()])
      expect(answer).toMatchObject({ status: 403, body: { code: "20002" } });
    expect(partnerCenter.policies.resources(contoso.tenantId)).toEqual(["AzureSavingsPlan"]);
  });
});

describe("a write that comes again under the same MS-RequestId", () => {
  test("gets the first answer and is not done twice", async () => {
    const ids = { "MS-RequestId": randomUUID() };
    const first = await create([reservations], ids);
    const again = await create([reservations], ids);

    expect(again).toMatchObject({ status: 201, text: first.text });
    expect(again.headers["ms-requestid"]).toBe(ids["MS-RequestId"]);
    await remove(ids);
    partnerCenter.policies.set(contoso.tenantId, [savingsPlans]);
    expect(await remove(ids)).toMatchObject({ status: 204 });
    expect(partnerCenter.policies.resources(contoso.tenantId)).toEqual(["AzureSavingsPlan"]);
  });

  test("with another body is another call, unless the service looks at the id only", async () => {
    const ids = { "MS-RequestId": randomUUID() };
    await create([reservations], ids);
    expect(await create([savingsPlans], ids)).toMatchObject({ status: 409 });

    partnerCenter.behaviour.replay = "sameId";
    const other = { "MS-RequestId": randomUUID() };
    expect(await create([savingsPlans], other)).toMatchObject({ status: 409 });
    partnerCenter.policies.delete(contoso.tenantId);
    expect(await create([reservations], other)).toMatchObject({ status: 409 });

    partnerCenter.behaviour.replay = "off";
    expect(await create([reservations], ids)).toMatchObject({ status: 201 });
    expect(partnerCenter.policies.resources(contoso.tenantId)).toEqual(["AzureReservedInstances"]);
  });

  test("after a lost answer finds out that it was done", async () => {
    const ids = { "MS-RequestId": randomUUID() };
    partnerCenter.faults.add({
      match: { method: "POST" },
      times: 1,
      fault: { kind: "afterEffect", answer: "reset" },
    });

    await expect(create([reservations], ids)).rejects.toThrow(/hang up|ECONNRESET/);
    expect(partnerCenter.policies.resources(contoso.tenantId)).toEqual(["AzureReservedInstances"]);
    expect(await create([reservations], ids)).toMatchObject({ status: 201 });
    expect(await create([reservations])).toMatchObject({ status: 409 });
  });
});

describe("what goes wrong", () => {
  test("a timeout before the effect, and one after it", async () => {
    partnerCenter.faults.add({ match: { method: "POST" }, times: 1, fault: { kind: "hang" } });
    await expect(create([reservations], {}, 100)).rejects.toThrow();
    expect(partnerCenter.policies.all()).toEqual([]);

    partnerCenter.faults.clear();
    partnerCenter.faults.add({ times: 1, fault: { kind: "afterEffect", answer: "hang" } });
    await expect(create([reservations], {}, 200)).rejects.toThrow();
    expect(partnerCenter.policies.resources(contoso.tenantId)).toEqual(["AzureReservedInstances"]);
  });

  test("a 500 after the effect", async () => {
    partnerCenter.faults.add({ times: 1, fault: { kind: "afterEffect", answer: 500 } });

    expect(await create([reservations])).toMatchObject({ status: 500, body: { code: "3000" } });
    expect(partnerCenter.policies.resources(contoso.tenantId)).toEqual(["AzureReservedInstances"]);
  });

  test("a success that did nothing, for one call or for all", async () => {
    partnerCenter.faults.add({ times: 1, fault: { kind: "noEffect" } });
    expect(await create([reservations])).toMatchObject({ status: 201, body: { permissions: [reservations] } });
    expect((await list()).body.totalCount).toBe(0);

    const { body } = await create([reservations]);
    partnerCenter.behaviour.writesDoNothing = true;
    expect(await update([savingsPlans], body.attributes.etag)).toMatchObject({
      status: 200,
      body: { permissions: [savingsPlans] },
    });
    expect(await remove()).toMatchObject({ status: 204 });
    expect((await list()).body.items).toEqual([body]);
    expect(partnerCenter.audit.records).toHaveLength(1);
  });

  test("a reader who is behind sees the change later", async () => {
    partnerCenter.behaviour.readLagMilliseconds = 300;
    await create([reservations]);

    expect((await list()).body.totalCount).toBe(0);
    expect(await create([reservations])).toMatchObject({ status: 409 });
    await new Promise((resolve) => setTimeout(resolve, 310));
    expect((await list()).body.totalCount).toBe(1);
  });

  test("too many calls are answered in the gateway's own shape, with Retry-After", async () => {
    partnerCenter.behaviour.callsPerMinute = 1;
    await list();
    const overLimit = await list();
    partnerCenter.behaviour.callsPerMinute = undefined;
    partnerCenter.faults.add({ times: 1, fault: { kind: "status", status: 429 } });

    for (const { status, headers, body } of [overLimit, await list()]) {
      expect({ status, body }).toEqual({
        status: 429,
        body: { statusCode: 429, message: "Rate limit is exceeded. Try again in 57 seconds." },
      });
      expect(headers["retry-after"]).toBe("57");
    }
  });

  test("a byte order mark in front of the JSON", async () => {
    partnerCenter.behaviour.byteOrderMark = true;
    expect((await list()).text.charCodeAt(0)).toBe(0xfeff);
  });
});

describe("who may call", () => {
  const read = () => list();

  test("nobody without a token for Partner Center from its own partner", async () => {
    for (const [bad, code] of [
      ["", "Unauthorized"],
      ["not-a-token", "Unauthorized"],
      [await entra.issuePartnerCenterToken({ claims: { exp: 1 } }), "Unauthorized"],
      [await entra.issuePartnerCenterToken({ claims: { tid: contoso.tenantId } }), "Unauthorized"],
      [await entra.issuePartnerCenterToken({ resource: "https://graph.windows.net" }), "900420"],
      [await entra.issueCallerToken(), "900420"],
    ] as const) {
      token = bad;
      expect(await read()).toMatchObject({ status: 401, body: { code } });
    }
  });

  test("the stand-in's own address is as good an audience as Partner Center's", async () => {
    token = await entra.issuePartnerCenterToken({ resource: partnerCenter.url });
    expect(await read()).toMatchObject({ status: 200 });
  });

  test("an application alone may read customers but never a policy (403/900329)", async () => {
    token = await entra.issuePartnerCenterAppToken();

    expect(await read()).toMatchObject({ status: 403, body: { code: "900329" } });
    expect(await call("GET", "/v1/customers")).toMatchObject({ status: 200 });
  });

  test("without a second factor it is 401/900421 once MFA is enforced, and the answer says so when asked", async () => {
    const [user] = entra.partnerUsers;
    const probe = () => call("GET", "/v1/customers?size=1", undefined, { ValidateMfa: "true" });
    expect((await probe()).headers.ismfacompliant).toBe("true");
    user!.mfa = false;
    token = await entra.issuePartnerCenterToken();

    expect(await read()).toMatchObject({ status: 401, body: { code: "900421" } });
    partnerCenter.behaviour.mfaEnforced = false;
    expect(await read()).toMatchObject({ status: 200 });
    expect((await read()).headers).not.toHaveProperty("ismfacompliant");
    expect((await probe()).headers.ismfacompliant).toBe("false");
  });

  test.each([
    ["Sal", 200, 403],
    ["Hedy", 200, 403],
    ["Nobody", 403, 403],
    ["Ada", 200, 201],
  ])("%s reads (%i) and writes (%i) by the role in Partner Center", async (name, reading, writing) => {
    token = await entra.issuePartnerCenterToken({ user: entra.partnerUsers.find((one) => one.name === name)! });

    const answers = [await read(), await create([reservations])];
    expect(answers.map(({ status }) => status)).toEqual([reading, writing]);
    for (const { status, body } of answers) if (status === 403) expect(body.code).toBe("900150");
  });

  test("every answer carries the ids it was sent, and two of its own", async () => {
    const ids = { "MS-RequestId": randomUUID(), "MS-CorrelationId": randomUUID() };
    const { headers } = await call("GET", "/v1/customers/nobody", undefined, ids);

    expect(headers).toMatchObject({
      "ms-requestid": ids["MS-RequestId"],
      "ms-correlationid": ids["MS-CorrelationId"],
      "ms-cv": expect.any(String),
      "ms-serverid": expect.any(String),
    });
  });
});

describe("tokens by the Secure Application Model", () => {
  const resource = "https://api.partnercenter.microsoft.com";
  const scope = `${resource}/user_impersonation offline_access`;
  const redirect_uri = "http://localhost:8400/consent";

  test("a sign-in gives a code to loopback, and the code once gives tokens (PKCE)", async () => {
    entra.partnerApplication.consent = "missing";
    const verifier = randomUUID() + randomUUID();
    const code_challenge = createHash("sha256").update(verifier).digest("base64url");
    const query = new URLSearchParams({
      ...{ client_id: partnerCenterClientId, response_type: "code", redirect_uri, scope, state: "s1" },
      ...{ code_challenge, code_challenge_method: "S256", login_hint: "ada@partner.example" },
    });
    const signIn = await send("GET", `${entra.url}/${partnerTenantId}/oauth2/v2.0/authorize?${query}`);
    const target = new URL(signIn.headers.location ?? "");
    const code = target.searchParams.get("code") ?? "";

    expect(signIn.status).toBe(302);
    expect(target.href).toMatch(redirect_uri);
    expect(target.searchParams.get("state")).toBe("s1");
    const form = { grant_type: "authorization_code", code, redirect_uri, scope };
    expect(await ask({ ...form, code_verifier: "wrong" })).toMatchObject({ body: { error_codes: [501481] } });
    const { status, body } = await ask({ ...form, code_verifier: verifier });
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { token_type: "Bearer", scope: `${resource}/user_impersonation`, expires_in: 3599 },
    });
    expect(decodeJwt(body.access_token)).toMatchObject({
      aud: resource,
      tid: partnerTenantId,
      appid: partnerCenterClientId,
      upn: "ada@partner.example",
      scp: "user_impersonation",
      amr: ["pwd", "mfa"],
    });
    expect(body.refresh_token).not.toContain(body.access_token);
    expect(await ask({ ...form, code_verifier: verifier })).toMatchObject({ body: { error_codes: [54005] } });
  });

  test("a refresh token gives an access token that Partner Center takes, and its own successor", async () => {
    const refresh_token = await entra.issueRefreshToken();
    const first = await ask({ grant_type: "refresh_token", refresh_token, scope });
    const second = await ask({
      grant_type: "refresh_token",
      refresh_token: first.body.refresh_token,
      scope: `${partnerCenter.url}/user_impersonation offline_access openid`,
      client_info: "1",
    });

    expect(first.body.refresh_token).not.toBe(refresh_token);
    expect(second.body).toMatchObject({ id_token: expect.any(String), client_info: expect.any(String) });
    for (const { body } of [first, second]) {
      token = body.access_token;
      expect(await list()).toMatchObject({ status: 200 });
    }
    expect(await ask({ grant_type: "refresh_token", refresh_token })).toMatchObject({ status: 200 });
    entra.partnerApplication.usedRefreshTokens = "expire";
    expect(await ask({ grant_type: "refresh_token", refresh_token })).toMatchObject({ body: { error_codes: [70008] } });
  });

  const refusals: readonly [string, string, Record<string, any>, () => unknown][] = [
    ["700082", "invalid_grant", { old: true }, () => undefined],
    ["50173", "invalid_grant", {}, () => set({ tokensValidFrom: new Date(Date.now() + 1000) })],
    ["50057", "invalid_grant", {}, () => set({ disabled: true })],
    ["65001", "invalid_grant", {}, () => Object.assign(entra.partnerApplication, { consent: "missing" })],
    ["50076", "interaction_required", {}, () => withoutMfa()],
    ["7000215", "invalid_client", { client_secret: "wrong" }, () => undefined],
    ["7000218", "invalid_client", { client_secret: "" }, () => undefined],
    ["7000222", "invalid_client", {}, () => Object.assign(entra.partnerApplication, { secretExpired: true })],
    ["9002313", "invalid_grant", { refresh_token: "1.abc" }, () => undefined],
    ["70011", "invalid_scope", { scope: "https://elsewhere.example/user_impersonation" }, () => undefined],
    ["70011", "invalid_scope", { scope: `${resource}/everything` }, () => undefined],
    ["700016", "unauthorized_client", { client_id: randomUUID() }, () => undefined],
    ["70003", "unsupported_grant_type", { grant_type: "password" }, () => undefined],
  ];

  test.each(refusals)("AADSTS%s (%s)", async (code, error, { old, ...changes }, prepare) => {
    const issuedAt = old ? new Date(Date.now() - 91 * 24 * 60 * 60 * 1000) : new Date();
    const refresh_token = await entra.issueRefreshToken({ issuedAt });
    prepare();

    const { status, body } = await ask({ grant_type: "refresh_token", refresh_token, scope, ...changes });

    expect(status).toBe(error === "invalid_client" ? 401 : 400);
    expect(body).toMatchObject({ error, error_codes: [Number(code)] });
    expect(body.error_description).toMatch(`AADSTS${code}: `);
    expect(JSON.stringify(body)).not.toContain(refresh_token);
  });

  test("a code that is ten minutes old has expired, and one for another address is refused", async () => {
    const old = entra.issueAuthorizationCode({ redirectUri: redirect_uri, issuedAt: new Date(Date.now() - 601_000) });
    const fresh = entra.issueAuthorizationCode({ redirectUri: "http://localhost/other" });

    for (const [code, number] of [
      [old, 70008],
      [fresh, 500112],
      ["1.unknown", 9002313],
    ])
      expect(await ask({ grant_type: "authorization_code", code: String(code), redirect_uri })).toMatchObject({
        status: 400,
        body: { error: "invalid_grant", error_codes: [number] },
      });
  });

  test("the authorize endpoint never sends a code anywhere but to loopback, and somebody may say no", async () => {
    const authorize = (changes: Record<string, string>) => {
      const query = new URLSearchParams({
        ...{ client_id: partnerCenterClientId, response_type: "code", redirect_uri, scope },
        ...changes,
      });
      return send("GET", `${entra.url}/${partnerTenantId}/oauth2/v2.0/authorize?${query}`);
    };
    for (const bad of [
      { redirect_uri: "https://elsewhere.example/" },
      { redirect_uri: "" },
      { response_type: "token" },
      { response_mode: "fragment" },
      { scope: "openid" },
      { login_hint: "mallory@elsewhere.example" },
      { client_id: randomUUID() },
    ])
      expect(await authorize(bad)).toMatchObject({ status: 400 });

    entra.partnerApplication.consent = "refused";
    const { headers } = await authorize({ state: "s2" });
    expect(headers.location).toMatch(/error=access_denied.*state=s2/);
    expect(headers.location).not.toContain("code=");
  });

  test.each(["x5t", "x5t#S256"])("a certificate signs instead of a secret (%s)", async (name) => {
    const { pem, thumbprints, key } = await makeCertificate();
    const refresh_token = await entra.issueRefreshToken();
    const endpoint = `${entra.url}/${partnerTenantId}/oauth2/v2.0/token`;
    const assertion = (claims: Record<string, unknown> = {}, header = {}) =>
      new SignJWT({
        iss: partnerCenterClientId,
        sub: partnerCenterClientId,
        aud: endpoint,
        jti: randomUUID(),
        ...claims,
      })
        .setProtectedHeader({ alg: "RS256", typ: "JWT", [name]: thumbprints[name as "x5t"], ...header })
        .setIssuedAt()
        .setExpirationTime(claims.exp === undefined ? "10m" : Number(claims.exp))
        .sign(key);
    const attempt = async (client_assertion: string) => {
      const { status, body } = await ask({
        ...{ grant_type: "refresh_token", refresh_token, client_secret: "", client_assertion },
        client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      });
      return status === 200 ? 200 : body.error_codes[0];
    };

    expect(await attempt(await assertion())).toBe(700027);
    entra.partnerApplication.certificates.push(pem);
    expect(await attempt(await assertion())).toBe(200);
    expect(await attempt(await assertion({ aud: "https://elsewhere.example" }))).toBe(700023);
    expect(await attempt(await assertion({ sub: randomUUID() }))).toBe(700021);
    expect(await attempt(await assertion({ exp: 1000 }))).toBe(700024);
    expect(await attempt(`${(await assertion()).slice(0, -8)}AAAAAAAA`)).toBe(700027);
    expect(await attempt("nonsense")).toBe(50027);
  });

  test("the application alone gets a token without a user", async () => {
    const { body } = await ask({ grant_type: "client_credentials", scope: `${resource}/.default` });

    expect(decodeJwt(body.access_token)).toMatchObject({ aud: resource, idtyp: "app", appid: partnerCenterClientId });
    expect(body).not.toHaveProperty("refresh_token");
  });

  function ask(form: Record<string, string>): Promise<Reply> {
    const whole = { client_id: partnerCenterClientId, client_secret: partnerCenterSecret, ...form };
    return send("POST", `${entra.url}/${partnerTenantId}/oauth2/v2.0/token`, {
      headers: { "Content-Type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams(whole).toString(),
    });
  }

  function set(changes: object): void {
    Object.assign(entra.partnerUsers[0]!, changes);
  }

  function withoutMfa(): void {
    set({ mfa: false });
    entra.partnerApplication.requiresMfa = true;
  }
});

describe("customers and what they were sold", () => {
  test("a customer, its Azure plan and the Azure subscriptions below it", async () => {
    const path = `/v1/customers/${contoso.tenantId}`;
    const { body: customer } = await call("GET", path.toUpperCase().replace("/V1/CUSTOMERS", "/v1/Customers"));
    const { body: subscriptions } = await call("GET", `${path}/subscriptions`);
    const plan = subscriptions.items[0];
    const { body: entitlements } = await call("GET", `${path}/subscriptions/${plan.id}/azureEntitlements`);

    expect(customer).toMatchObject({
      id: contoso.tenantId,
      companyProfile: { tenantId: contoso.tenantId, companyName: "Contoso", domain: "contoso.onmicrosoft.com" },
      relationshipToPartner: "reseller",
    });
    expect(subscriptions).toMatchObject({
      totalCount: 1,
      items: [{ offerId: expect.stringMatching(/^DZH318Z0BPS6:/), offerName: "Azure plan", status: "active" }],
    });
    const [{ subscriptionId, displayName }] = contoso.subscriptions as [Customer["subscriptions"][number]];
    expect(entitlements.items).toMatchObject([
      { id: subscriptionId, friendlyName: displayName, status: "active", subscriptionId: plan.id },
    ]);
  });

  test("an Azure Global subscription is one by itself, and what was not bought from the partner is not there", async () => {
    const litware = customers.find(({ name }) => name === "Litware")!;
    const [subscription] = contoso.subscriptions;
    Object.assign(subscription!, { soldAs: "azureGlobal", state: "Disabled" });
    contoso.otherPartnerSubscriptions.push({ id: "m365", offerId: "CFQ7TTC0LF8S:0002:X", billingType: "license" });

    const { body } = await call("GET", `/v1/customers/${contoso.tenantId}/subscriptions`);
    expect(body.items).toMatchObject([
      {
        id: azureGlobalId(subscription!),
        offerId: "MS-AZR-0145P",
        entitlementId: subscription!.subscriptionId,
        status: "suspended",
      },
      { id: "m365" },
    ]);
    const one = `/v1/customers/${contoso.tenantId}/subscriptions/${azureGlobalId(subscription!)}`;
    expect(await call("GET", one)).toMatchObject({ status: 200, body: { offerName: "Microsoft Azure" } });
    expect(await call("GET", `${one}/azureEntitlements`)).toMatchObject({ status: 404 });
    expect((await call("GET", `/v1/customers/${litware.tenantId}/subscriptions`)).body.items).toEqual([]);
  });

  test("unknown, malformed and former customers are refused, and the last are not listed", async () => {
    contoso.relationshipToPartner = "none";

    expect(await call("GET", `/v1/customers/${contoso.tenantId}`)).toMatchObject({ body: { code: "20002" } });
    expect(await call("GET", `/v1/customers/${randomUUID()}`)).toMatchObject({ status: 404, body: { code: "60003" } });
    expect(await call("GET", "/v1/customers/contoso")).toMatchObject({ status: 400, body: { code: "900118" } });
    expect((await call("GET", "/v1/customers")).body.totalCount).toBe(customers.length - 1);
    expect(await call("GET", "/v1/elsewhere")).toMatchObject({ status: 404 });
  });

  test("pages follow a header token, and customers who join or change in between are not doubled", async () => {
    const names: string[] = [];
    const headers: Record<string, string> = {};
    let path = "/v1/customers?size=4";
    for (let guard = 0; path !== "" && guard < 9; guard += 1) {
      const { body } = await call("GET", path, undefined, headers);
      names.push(...body.items.map((item: any) => item.companyProfile.companyName));
      // The first to be listed, and then the one whom the token names.
      contoso.relationshipToPartner = "none";
      customers[3]!.relationshipToPartner = "none";
      const { next } = body.links;
      path = next === undefined ? "" : `/v1${next.uri}`;
      if (next === undefined) break;
      expect(next.uri).toBe("/customers?size=4&seekOperation=Next");
      headers[next.headers[0].key] = next.headers[0].value;
    }

    expect(names).toEqual(customers.map(({ name }) => name));
    expect(await call("GET", "/v1/customers?size=0")).toMatchObject({ status: 400 });
    expect(await call("GET", "/v1/customers", undefined, { "MS-ContinuationToken": "old" })).toMatchObject({
      status: 400,
    });
    const filter = encodeURIComponent('{"Field":"CompanyName","Value":"wing","Operator":"starts_with"}');
    expect((await call("GET", `/v1/customers?filter=${filter}`)).body).toMatchObject({ totalCount: 1 });
  });

  test("ten thousand of them are listed and asked for without a wait", async () => {
    customers.push(...makeManyCustomers(10_000));
    const started = performance.now();
    let count = 0;
    const headers: Record<string, string> = {};
    for (;;) {
      const { body } = await call("GET", "/v1/customers?size=500&seekOperation=Next", undefined, headers);
      count += body.items.length;
      if (body.links.next === undefined) break;
      headers["MS-ContinuationToken"] = body.links.next.headers[0].value;
    }
    for (const { tenantId } of customers.slice(-200)) expect(await list(tenantId)).toMatchObject({ status: 200 });

    expect(count).toBe(customers.length);
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

describe("the activity log", () => {
  test("has a record for every change, whoever made it, newest first", async () => {
    const correlationId = randomUUID();
    const { body } = await create([reservations], { "MS-CorrelationId": correlationId });
    await update([reservations, savingsPlans], body.attributes.etag);
    partnerCenter.policies.delete(contoso.tenantId);

    const { body: log } = await call("GET", "/v1/auditrecords");
    expect(log.items.map(({ operationType }: any) => operationType)).toEqual([
      "delete_self_serve_policy",
      "update_self_serve_policy",
      "create_self_serve_policy",
    ]);
    expect(log.items.map(({ userPrincipalName }: any) => userPrincipalName)).toEqual([
      "grace@partner.example",
      "partner.center.automation@partner.example",
      "partner.center.automation@partner.example",
    ]);
    const { 1: changed, 2: created } = log.items;
    expect(created).toMatchObject({
      id: expect.stringMatching(
        `^${partnerTenantId}_${contoso.tenantId}_${partnerTenantId}_${contoso.tenantId}_createselfservepolicy_\\d{18}$`,
      ),
      partnerId: partnerTenantId,
      customerId: contoso.tenantId,
      customerName: "Contoso",
      applicationId: partnerCenterClientId,
      resourceType: "self_serve_policy",
      resourceOldValue: null,
      originalCorrelationId: correlationId,
      operationDate: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$/),
      operationStatus: "succeeded",
      attributes: { objectType: "AuditRecord" },
    });
    expect(JSON.parse(changed.resourceOldValue)).toMatchObject({
      SelfServeEntity: { SelfServeEntityType: "customer", TenantID: contoso.tenantId },
      Permissions: [{ Resource: "AzureReservedInstances", Action: "Purchase" }],
    });
    expect(JSON.parse(changed.resourceNewValue).Permissions).toHaveLength(2);
  });

  test("is paged by a token and filtered by customer or kind", async () => {
    for (const { tenantId } of customers) partnerCenter.policies.set(tenantId, ["AzureSavingsPlan"]);
    const filtered = (Field: string, Value: string, Operator: string) =>
      call("GET", `/v1/auditrecords?filter=${encodeURIComponent(JSON.stringify({ Field, Value, Operator }))}`);

    const first = (await call("GET", "/v1/auditrecords?size=6")).body;
    const rest = await call("GET", "/v1/auditrecords?size=6", undefined, {
      "MS-ContinuationToken": first.continuationToken,
    });
    expect([...first.items, ...rest.body.items].map(({ customerId }: any) => customerId)).toEqual(
      customers.map(({ tenantId }) => tenantId).reverse(),
    );
    expect(rest.body).not.toHaveProperty("continuationToken");
    expect((await filtered("CustomerId", contoso.tenantId, "equals")).body.totalCount).toBe(1);
    expect((await filtered("CompanyName", "toys", "substring")).body.totalCount).toBe(2);
    expect((await filtered("ResourceType", "SelfServePolicy", "equals")).body.totalCount).toBe(10);
    expect((await filtered("ResourceType", "Order", "equals")).body.totalCount).toBe(0);
    expect(await filtered("OperationType", "x", "equals")).toMatchObject({ status: 400 });
  });

  test("goes back 90 days, 30 at a time", async () => {
    const date = (daysAgo: number) => new Date(Date.now() - daysAgo * 24 * 60 * 60 * 1000).toISOString().slice(0, 10);
    const statusOf = async (query: string) => (await call("GET", `/v1/auditrecords?${query}`)).status;
    partnerCenter.policies.set(contoso.tenantId, ["AzureSavingsPlan"]);

    expect(await statusOf(`startDate=${date(90)}&endDate=${date(60)}`)).toBe(200);
    expect(await statusOf(`startDate=${date(91)}&endDate=${date(80)}`)).toBe(400);
    expect(await statusOf(`startDate=${date(60)}`)).toBe(400);
    expect(await statusOf("startDate=yesterday")).toBe(400);
    expect((await call("GET", `/v1/auditrecords?startDate=${date(0)}&endDate=${date(0)}`)).body.totalCount).toBe(1);
    expect((await call("GET", `/v1/auditrecords?startDate=${date(9)}&endDate=${date(2)}`)).body.totalCount).toBe(0);
    partnerCenter.behaviour.auditLagMilliseconds = 60_000;
    expect((await call("GET", "/v1/auditrecords")).body.totalCount).toBe(0);
  });
});

describe("by hand", () => {
  test("a policy is moved behind the product's back, which is no call of the product", async () => {
    const path = `/_policies/${contoso.tenantId.toUpperCase()}`;

    expect(await call("PUT", path, ["AzureSavingsPlan", { resource: "SomethingNew", action: "Use" }])).toMatchObject({
      status: 200,
      body: { customerId: contoso.tenantId },
    });
    expect(partnerCenter.policies.resources(contoso.tenantId)).toEqual(["AzureSavingsPlan", "SomethingNew"]);
    expect((await call("GET", path)).body.permissions).toHaveLength(2);
    expect((await call("GET", "/_policies")).body).toHaveLength(1);
    expect(await call("DELETE", path)).toMatchObject({ status: 200 });
    expect(partnerCenter.policies.all()).toEqual([]);
    for (const [method, to, body] of [
      ["PUT", path, { permissions: [] }],
      ["PUT", path, "{"],
      ["PUT", path, [{}]],
      ["DELETE", "/_policies"],
    ] as const)
      expect(await call(method, to, body)).toMatchObject({ status: 400 });
    expect(await call("POST", path)).toMatchObject({ status: 405 });
    expect(partnerCenter.requests.entries).toEqual([]);
  });

  test("the new faults are taken by hand too", async () => {
    const put = (fault: object) => call("PUT", "/_faults", { fault, times: 1 });

    expect(await put({ kind: "afterEffect" })).toMatchObject({ status: 400 });
    expect(await put({ kind: "afterEffect", answer: 503 })).toMatchObject({ status: 200 });
    expect(await create([reservations])).toMatchObject({ status: 503 });
    expect(await put({ kind: "noEffect" })).toMatchObject({ status: 200 });
    expect(await remove()).toMatchObject({ status: 204 });
    expect(partnerCenter.policies.resources(contoso.tenantId)).toEqual(["AzureReservedInstances"]);
  });

  test("with a folder, policies and log survive a restart, and half a line of a killed process does not hurt", async () => {
    const { appendFile } = await import("node:fs/promises");
    const kept = join(own.folder, "kept");
    const open = () =>
      startPartnerCenter({ certificate: own.certificate, customers, entra, partnerTenantId, folder: kept });
    const before = await open();
    before.policies.set(contoso.tenantId, [savingsPlans]);
    before.policies.set(customers[1]!.tenantId, [savingsPlans]);
    before.policies.delete(customers[1]!.tenantId);
    await before.close();
    await appendFile(join(kept, "partner-center.jsonl"), '{"customerId":"c0');

    for (let restart = 0; restart < 2; restart += 1) {
      const after = await open();
      expect(after.policies.all()).toEqual(before.policies.all());
      expect(after.audit.records).toEqual(before.audit.records);
      await after.close();
    }
  });
});

interface Reply {
  readonly status: number;
  readonly headers: Record<string, string | undefined>;
  readonly text: string;
  readonly body: any;
}

function policyBody(permissions: readonly object[], etag?: string, tenantID = contoso.tenantId): object {
  return {
    selfServeEntity: { selfServeEntityType: "customer", tenantID },
    grantor: { grantorType: "billToPartner", tenantID: partnerTenantId },
    permissions,
    ...(etag === undefined ? {} : { attributes: { etag, objectType: "SelfServePolicy" } }),
  };
}

function create(permissions: readonly object[], headers = {}, timeout = 5000): Promise<Reply> {
  return call("POST", "/v1/SelfServePolicy", policyBody(permissions), headers, timeout);
}

function update(permissions: readonly object[], etag: string | undefined, tenantId?: string): Promise<Reply> {
  const id = `${partnerTenantId}_${contoso.tenantId}`;
  return call("PUT", `/v1/SelfServePolicy/${id}`, policyBody(permissions, etag, tenantId));
}

function remove(headers = {}): Promise<Reply> {
  return call("DELETE", `/v1/SelfServePolicy/${partnerTenantId}_${contoso.tenantId}`, undefined, headers);
}

function list(tenantId = contoso.tenantId): Promise<Reply> {
  return call("GET", `/v1/SelfServePolicy?entity_id=${tenantId}`);
}

function call(method: string, path: string, body?: unknown, headers = {}, timeout = 5000): Promise<Reply> {
  const authorization = token === "" ? {} : { Authorization: `Bearer ${token}` };
  return send(method, `${partnerCenter.url}${path}`, {
    headers: {
      ...{ ...authorization, "MS-RequestId": randomUUID(), "MS-CorrelationId": randomUUID() },
      ...headers,
    },
    body: body === undefined || typeof body === "string" ? body : JSON.stringify(body),
    timeout,
  });
}

/** Not fetch: under jest it cannot be told to trust the throw-away authority. */
function send(
  method: string,
  url: string,
  { headers = {}, body = "", timeout = 5000 }: { headers?: object; body?: string | undefined; timeout?: number } = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const length = body === "" ? {} : { "Content-Length": Buffer.byteLength(body) };
    const options = { method, ca: own.certificate.ca, signal: AbortSignal.timeout(timeout) };
    const asked = request(url, { ...options, headers: { ...headers, ...length } }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        const isJson = String(response.headers["content-type"]).startsWith("application/json") && text !== "";
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers as Record<string, string | undefined>,
          text,
          body: isJson ? JSON.parse(text.replace(/^\uFEFF/, "")) : undefined,
        });
      });
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

/** Self-signed, as an operator uploads to an application in Entra. */
async function makeCertificate() {
  await import("reflect-metadata");
  const { X509CertificateGenerator } = await import("@peculiar/x509");
  const algorithm = {
    name: "RSASSA-PKCS1-v1_5",
    hash: "SHA-256",
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
  };
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"])) as webcrypto.CryptoKeyPair;
  const made = await X509CertificateGenerator.createSelfSigned({
    name: "CN=Partner Center automation",
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 3_600_000),
    keys,
    signingAlgorithm: algorithm,
  });
  const thumbprint = (hash: string) => createHash(hash).update(Buffer.from(made.rawData)).digest("base64url");
  return {
    pem: made.toString("pem"),
    thumbprints: { x5t: thumbprint("sha1"), "x5t#S256": thumbprint("sha256") },
    key: keys.privateKey,
  };
}
