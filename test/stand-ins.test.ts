/** The stand-ins of Entra and ARM meet the real SDK clients over HTTPS, and fail as the real services do. */

import { execFile, spawn } from "node:child_process";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { copyFile, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { createConnection } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { AuthorizationManagementClient } from "@azure/arm-authorization";
import { SubscriptionClient } from "@azure/arm-subscriptions";
import { TableClient } from "@azure/data-tables";
import {
  ClientAssertionCredential,
  ClientSecretCredential,
  ManagedIdentityCredential,
  type TokenCredential,
} from "@azure/identity";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { createRemoteJWKSet, decodeJwt, jwtVerify } from "jose";
import { type Azurite, startAzurite } from "../local/azurite.ts";
import { endWithParent } from "../local/end-with-parent.ts";
import { type ArmStandIn, startArm } from "../local/stand-ins/arm.ts";
import { badCallerTokens } from "../local/stand-ins/bad-caller-tokens.ts";
import {
  type Customer,
  makeAssignment,
  makeCustomer,
  makeSubscription,
  partnerAdminAgents,
  roles,
  scopes,
} from "../local/stand-ins/customer.ts";
import {
  apiAudience,
  customerAppClientId,
  customerAppSecret,
  makeDemoCustomers,
  partnerTenantId,
} from "../local/stand-ins/demo-customers.ts";
import { startDemoEntra } from "../local/stand-ins/demo-entra.ts";
import type { EntraStandIn } from "../local/stand-ins/entra.ts";
import type { Fault } from "../local/stand-ins/faults.ts";
import { guidOf } from "../local/stand-ins/guid.ts";
import { startManagedIdentity } from "../local/stand-ins/managed-identity.ts";
import { openCertificate } from "../local/stand-ins/throw-away-ca.ts";
import { makeOwnCertificate, type OwnCertificate } from "./harness/own-certificate.ts";

let own: OwnCertificate;
let entra: EntraStandIn;
let arm: ArmStandIn;
let customers: Customer[];
let contoso: Customer;
/** Starting processes takes its time on a busy machine. */
const processTimeout = 30_000;

beforeAll(async () => {
  own = await makeOwnCertificate("stand-ins");
});

beforeEach(async () => {
  customers = makeDemoCustomers().map(({ customer }) => customer);
  contoso = named("Contoso");
  entra = await startDemoEntra({ ...own, customers });
  arm = await startArm({ certificate: own.certificate, customers, entra });
});

afterEach(async () => {
  await Promise.all([arm.close(), entra.close()]);
});

afterAll(async () => {
  await own.remove();
});

describe("the throw-away authority", () => {
  test("is kept, so that a second start needs no new trust, and its private key is nowhere", async () => {
    const again = await openCertificate(join(own.folder, "tls"));
    const server = new X509Certificate(again.cert);

    expect(again).toEqual(own.certificate);
    expect(server.subjectAltName).toBe("DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1");
    expect(server.checkPrivateKey(createPrivateKey(again.key))).toBe(true);
    expect(new X509Certificate(again.ca).checkPrivateKey(createPrivateKey(again.key))).toBe(false);
    expect((await stat(join(own.folder, "tls", "server.key"))).mode & 0o777).toBe(0o600);
  });

  test("is made anew when what is there cannot be used", async () => {
    const damaged = join(own.folder, "damaged");
    await openCertificate(damaged);
    await writeFile(join(damaged, "server.pem"), "not a certificate");

    const mended = await openCertificate(damaged);

    expect(mended.cert).toBe(await readFile(join(damaged, "server.pem"), "utf8"));
    expect(new X509Certificate(mended.cert).verify(new X509Certificate(mended.ca).publicKey)).toBe(true);
  });
});

describe("Entra gives the customer application a token", () => {
  test("for ARM, in the customer's tenant, against a secret", async () => {
    const { token } = await secretCredential(contoso).getToken(`${arm.url}/.default`);

    expect(decodeJwt(token)).toMatchObject({
      aud: arm.url,
      tid: contoso.tenantId,
      appid: customerAppClientId,
      oid: contoso.application.objectId,
      iss: `https://sts.windows.net/${contoso.tenantId}/`,
    });
    expect(entra.requests.count({ method: "POST", path: `/${contoso.tenantId}/oauth2/v2.0/token` })).toBe(1);
  });

  test("against an assertion of the managed identity, and not when the application is at home elsewhere", async () => {
    const identity = await startManagedIdentity({ entra });
    Object.assign(process.env, identity.environment);
    try {
      entra.application.federatedSubject = identity.objectId;
      await expect(federated(identity.clientId).getToken(`${arm.url}/.default`)).resolves.toMatchObject({
        token: expect.any(String),
      });

      entra.application.federatedSubject = guidOf("another identity");
      await expect(federated(identity.clientId).getToken(`${arm.url}/.default`)).rejects.toThrow("AADSTS700213:");

      entra.application.homeTenantId = contoso.tenantId;
      await expect(federated(identity.clientId).getToken(`${arm.url}/.default`)).rejects.toThrow("AADSTS700236:");
      expect(identity.requests.entries[0]?.headers["x-identity-header"]).toBe(identity.environment.IDENTITY_HEADER);
    } finally {
      for (const name of Object.keys(identity.environment)) delete process.env[name];
      await identity.close();
    }
  });

  test.each([
    {
      name: "the application is not consented",
      code: 700016,
      status: 400,
      spoil: () => {
        contoso.application.consent = "missing";
      },
    },
    {
      name: "its service principal is disabled",
      code: 7000112,
      status: 400,
      spoil: () => {
        contoso.application.consent = "disabled";
      },
    },
    {
      name: "the secret is wrong",
      code: 7000215,
      status: 401,
      spoil: () => {
        entra.application.secret = "another";
      },
    },
    {
      name: "the secret has expired",
      code: 7000222,
      status: 401,
      spoil: () => {
        entra.application.secretExpired = true;
      },
    },
    {
      name: "the tenant does not exist",
      code: 90002,
      status: 400,
      spoil: () => {
        contoso.tenantId = guidOf("gone");
      },
    },
  ])("but AADSTS$code when $name", async ({ code, status, spoil }) => {
    const credential = secretCredential(contoso);
    const tokenUrl = `${entra.url}/${contoso.tenantId}/oauth2/v2.0/token`;
    spoil();

    await expect(credential.getToken(`${arm.url}/.default`)).rejects.toThrow(`AADSTS${code}:`);
    const answer = await postForm(tokenUrl, {
      grant_type: "client_credentials",
      client_id: customerAppClientId,
      client_secret: customerAppSecret,
      scope: `${arm.url}/.default`,
    });
    expect(answer.status).toBe(status);
    expect(answer.body).toEqual({
      error: expect.stringMatching(/^(unauthorized_client|invalid_client|invalid_request)$/),
      error_description: expect.stringMatching(
        new RegExp(
          `^AADSTS${code}: .+ Trace ID: [0-9a-f-]{36} Correlation ID: [0-9a-f-]{36} Timestamp: [0-9-]+ [0-9:]+Z$`,
        ),
      ),
      error_codes: [code],
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$/),
      trace_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      correlation_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      error_uri: `${entra.url}/error?code=${code}`,
    });
  });

  test.each([
    { name: "no grant", form: {}, code: 900144 },
    {
      name: "another grant",
      form: { grant_type: "password", client_id: customerAppClientId, scope: "x" },
      code: 70003,
    },
    { name: "no credential", form: credentialsForm({ client_secret: "" }), code: 7000218 },
    {
      name: "a scope without .default",
      form: credentialsForm({ scope: "https://management.azure.com/user" }),
      code: 1002012,
    },
    {
      name: "a resource nobody has",
      form: credentialsForm({ scope: "https://graph.elsewhere.example/.default" }),
      code: 500011,
    },
    { name: "an assertion that is none", form: credentialsForm({ client_assertion: "a.b" }), code: 50027 },
  ])("but AADSTS$code for $name", async ({ form, code }) => {
    const { body } = await postForm(`${entra.url}/${contoso.tenantId}/oauth2/v2.0/token`, form);
    expect(body).toMatchObject({ error_codes: [code] });
  });
});

describe("a caller's token", () => {
  test("passes a validator that knows nothing but the issuer", async () => {
    const { payload } = await validate(await entra.issueCallerToken());
    expect(payload).toMatchObject({
      name: "Ada",
      oid: guidOf("user:ADA"),
      roles: ["AdminAgent"],
      scp: "Permissions.ReadWrite",
      tid: partnerTenantId,
    });
    const application = (await validate(await entra.issueApplicationToken())).payload;
    expect(application).toMatchObject({ idtyp: "app" });
    expect(application).not.toHaveProperty("scp");
  });

  test("of every bad kind differs from a good one in what its name says", async () => {
    const accepted: string[] = [];
    for (const bad of badCallerTokens(entra)) {
      const token = await bad.issue();
      expect(token.split(".")).toHaveLength(3);
      await validate(token).then(
        () => accepted.push(bad.name),
        () => undefined,
      );
    }
    // What signature, issuer, audience and times cannot show is left to the API's own checks.
    const byRights = badCallerTokens(entra).filter(({ status }) => status === 403);
    const byClaims = ["whose tid is not that of its issuer", "without a tid", "without an oid"];
    expect(accepted).toEqual([...byClaims, ...byRights.map(({ name }) => name)]);
    expect(byRights.map(({ name }) => name)).toEqual(["of a user without a scope", "of an application without idtyp"]);
  });

  test("signed before a rotation is accepted while the old key is published, and not after", async () => {
    const before = await entra.issueCallerToken();
    await entra.rotateKeys();
    const between = await entra.issueCallerToken();
    await expect(validate(before)).resolves.toBeDefined();
    await expect(validate(between)).resolves.toBeDefined();

    await entra.rotateKeys({ keepOld: false });

    await expect(validate(before)).rejects.toThrow();
    await expect(validate(between)).rejects.toThrow();
    await expect(validate(await entra.issueCallerToken())).resolves.toBeDefined();
  });

  test("survives a restart of the issuer on the same port", async () => {
    const token = await entra.issueCallerToken();
    const { port } = entra;
    await entra.close();
    entra = await startDemoEntra({ ...own, port, customers });
    await expect(validate(token)).resolves.toBeDefined();
  });
});

describe("ARM lists", () => {
  test("the subscriptions on which the application has a role, in the shape of the real answer", async () => {
    expect(await listSubscriptions(contoso)).toMatchObject([
      {
        id: "/subscriptions/50000001-0001-4000-8000-000000000001",
        subscriptionId: "50000001-0001-4000-8000-000000000001",
        tenantId: contoso.tenantId,
        displayName: "Contoso",
        state: "Enabled",
        subscriptionPolicies: { quotaId: "CSP_2015-05-01", spendingLimit: "Off" },
      },
    ]);
    expect(await listSubscriptions(named("Woodgrove Bank"))).toEqual([]);
  });

  test("role assignments at and above a subscription with atScope(), and those below it without", async () => {
    const tailspin = named("Tailspin Toys");
    const id = subscriptionIdOf(tailspin);
    const owners = async (filter?: string) =>
      (await listAssignments(tailspin, filter))
        .filter(({ roleDefinitionId }) => roleDefinitionId?.endsWith(roles.owner))
        .map(({ principalType, scope }) => `${principalType} ${scope?.replace(id, "…")}`);

    expect(await owners("atScope()")).toEqual([
      "ForeignGroup /subscriptions/…",
      "ServicePrincipal /subscriptions/…",
      "User /providers/Microsoft.Management/managementGroups/tailspin-production",
    ]);
    expect(await owners()).toContain("User /subscriptions/…/resourceGroups/web");
  });

  test("an inherited assignment under its own id, but with the subscription in its roleDefinitionId", async () => {
    const tailspin = named("Tailspin Toys");
    const inherited = (await listAssignments(tailspin, "atScope()")).find(({ scope }) =>
      scope?.includes("managementGroups"),
    );
    expect(inherited).toMatchObject({
      roleDefinitionId: `/subscriptions/${subscriptionIdOf(tailspin)}/providers/Microsoft.Authorization/roleDefinitions/${roles.owner}`,
      type: "Microsoft.Authorization/roleAssignments",
      createdOn: expect.any(Date),
    });
    expect(inherited?.id).toMatch(
      /^\/providers\/Microsoft.Management\/managementGroups\/tailspin-production\/providers\/Microsoft.Authorization\/roleAssignments\//,
    );
  });

  test("nobody at the root scope until somebody is there, and takes him away again", async () => {
    const root = makeAssignment({
      scope: "/",
      roleDefinitionId: roles.owner,
      principalId: guidOf("global admin"),
      principalType: "User",
    });
    contoso.roleAssignments.push(root);
    expect((await listAssignments(contoso, "atScope()")).map(({ scope }) => scope)).toContain("/");
    contoso.roleAssignments.pop();
    expect((await listAssignments(contoso, "atScope()")).map(({ scope }) => scope)).not.toContain("/");
  });

  test("what one principal holds, groups included when asked with assignedTo", async () => {
    const northwind = named("Northwind Traders");
    const [group = "", [member = ""] = []] = Object.entries(northwind.groups)[0] ?? [];
    const principals = async (filter: string) =>
      (await listAssignments(northwind, filter)).map((one) => one.principalId);

    expect(await principals(`principalId eq '${partnerAdminAgents}'`)).toEqual([partnerAdminAgents]);
    expect(await principals(`principalId eq '${member}'`)).toEqual([]);
    expect(await principals(`atScope() and assignedTo('${member}')`)).toEqual([group]);
  });

  test.each(["roleDefinitionId eq 'x'", "atScope() and principalId eq 'x'", "principalId eq x", "atScope"])(
    "nothing for the filter %s: 400 UnsupportedQuery",
    async (filter) => {
      await expect(listAssignments(contoso, filter)).rejects.toMatchObject({
        statusCode: 400,
        code: "UnsupportedQuery",
        message: `The filter '${filter}' is not supported. Supported filters are either 'atScope()' or 'principalId eq '{value}' or assignedTo('{value}')'.`,
      });
    },
  );

  test("page by page", async () => {
    arm.behaviour.pageSize = 2;
    for (let number = 1; number <= 4; number += 1) {
      const subscription = makeSubscription({ displayName: `Contoso ${number}` });
      contoso.subscriptions.push(subscription);
      contoso.roleAssignments.push(readerOf(contoso, scopes.subscription(subscription)));
    }

    expect(await listSubscriptions(contoso)).toHaveLength(5);
    expect(await listAssignments(contoso, "atScope()")).toHaveLength(5);
    expect(arm.requests.count({ path: /^\/subscriptions\?/ })).toBe(3);
    expect(arm.requests.count({ path: "/roleAssignments?" })).toBe(3);
    expect(arm.requests.count({ path: "$filter=atScope()" })).toBe(3);
  });

  test("eligible Owners where the tenant has PIM, and says so where it has none", async () => {
    expect(await listEligible(named("Relecloud"))).toMatchObject([
      {
        principalType: "User",
        status: "Provisioned",
        memberType: "Direct",
        roleDefinitionId: expect.stringContaining(roles.owner),
      },
    ]);
    await expect(listEligible(contoso)).rejects.toMatchObject({ statusCode: 400, code: "AadPremiumLicenseRequired" });
  });

  test("four and a half thousand assignments, and old ones without a principalType", async () => {
    const [subscription] = contoso.subscriptions;
    const scope = `/subscriptions/${subscription?.subscriptionId}`;
    for (let number = 0; number < 4_500; number += 1)
      contoso.roleAssignments.push(
        makeAssignment({ scope, roleDefinitionId: roles.contributor, principalId: guidOf(`user ${number}`) }),
      );
    const found = await listAssignments(contoso, "atScope()");
    expect(found).toHaveLength(4_505);
    expect(found.at(-1)?.principalType).toBeUndefined();
    expect(arm.requests.count({ path: "/roleAssignments" })).toBe(5);
  });
});

describe("ARM refuses", () => {
  test("a subscription without Reader: 403 AuthorizationFailed, or an empty list where reports say so", async () => {
    const woodgrove = named("Woodgrove Bank");
    const id = subscriptionIdOf(woodgrove);
    const { objectId } = woodgrove.application;
    const forbidden = (action: string) => ({
      statusCode: 403,
      code: "AuthorizationFailed",
      message: `The client '${customerAppClientId}' with object id '${objectId}' does not have authorization to perform action '${action}' over scope '/subscriptions/${id}' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
    });

    await expect(getSubscription(woodgrove, id)).rejects.toMatchObject(
      forbidden("Microsoft.Resources/subscriptions/read"),
    );
    await expect(listAssignments(woodgrove, "atScope()")).rejects.toMatchObject(
      forbidden("Microsoft.Authorization/roleAssignments/read"),
    );
    arm.behaviour.unreadableRoleAssignments = "empty";
    expect(await listAssignments(woodgrove, "atScope()")).toEqual([]);
  });

  test("an unknown subscription and one of another tenant", async () => {
    const fabrikam = named("Fabrikam");
    const unknown = guidOf("no such subscription");
    await expect(getSubscription(contoso, unknown)).rejects.toMatchObject({
      statusCode: 404,
      code: "SubscriptionNotFound",
      message: `The subscription '${unknown}' could not be found.`,
    });
    await expect(getSubscription(contoso, subscriptionIdOf(fabrikam))).rejects.toMatchObject({
      statusCode: 401,
      code: "InvalidAuthenticationTokenTenant",
      message: expect.stringContaining(`must match the tenant 'https://sts.windows.net/${fabrikam.tenantId}/'`),
    });
  });

  test("a path that is none, such as the SDK makes of a scope with a leading slash", async () => {
    const list = authorization(contoso).roleAssignments.listForScope(`/subscriptions/${subscriptionIdOf(contoso)}`);
    await expect(Array.fromAsync(list)).rejects.toMatchObject({ statusCode: 404, code: "MissingSubscription" });
    expect(arm.requests.entries.at(-1)?.path).toMatch(/^\/\/subscriptions\//);
  });

  test.each([
    { name: "no token", code: "AuthenticationFailed", token: async () => undefined },
    { name: "a token that is none", code: "InvalidAuthenticationToken", token: async () => "a.b.c" },
    {
      name: "a token of our own API",
      code: "InvalidAuthenticationTokenAudience",
      token: () => entra.issueCallerToken(),
    },
    { name: "an expired token", code: "ExpiredAuthenticationToken", token: () => armToken(-60) },
  ])("$name: 401 $code with WWW-Authenticate", async ({ code, token }) => {
    const value = await token();
    const response = await fetch(`${arm.url}/subscriptions?api-version=2022-12-01`, {
      headers: value === undefined ? {} : { Authorization: `Bearer ${value}` },
    });
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toMatch(
      /^Bearer authorization_uri="https:\/\/login\.windows\.net\/.+", error="invalid_token"/,
    );
    expect(await response.json()).toMatchObject({ error: { code } });
  });

  test("too many reads once throttling is on, with a Retry-After the SDK obeys", async () => {
    arm.behaviour.throttles = true;
    const token = await armToken(3600);
    const get = () =>
      fetch(`${arm.url}/subscriptions?api-version=2022-12-01`, { headers: { Authorization: `Bearer ${token}` } });
    // The bucket fills up meanwhile: on a slow machine it takes more to empty it.
    const answers: Response[] = [];
    while (answers.length < 3_000 && !answers.some(({ status }) => status === 429))
      answers.push(...(await Promise.all(Array.from({ length: 330 }, get))));
    const statuses = new Set(answers.map(({ status }) => status));
    expect(answers[0]?.headers.get("x-ms-ratelimit-remaining-tenant-reads")).toMatch(/^\d+$/);
    expect([...statuses].sort()).toEqual([200, 429]);
    expect(answers.find(({ status }) => status === 429)?.headers.get("retry-after")).toBe("1");
  });
});

describe("on demand the services fail", () => {
  test.each<{ name: string; fault: Fault; expected: object }>([
    {
      name: "429 without Retry-After",
      fault: { kind: "status", status: 429 },
      expected: { statusCode: 429, code: "SubscriptionRequestsThrottled" },
    },
    { name: "500", fault: { kind: "status", status: 500 }, expected: { statusCode: 500, code: "InternalServerError" } },
    {
      name: "503 of one's own",
      fault: { kind: "status", status: 503, body: { error: { code: "Busy", message: "!" } } },
      expected: { statusCode: 503, code: "Busy" },
    },
    { name: "an HTML page", fault: { kind: "html" }, expected: { statusCode: 502 } },
    { name: "truncated JSON", fault: { kind: "cutJson" }, expected: { code: "PARSE_ERROR" } },
    {
      name: "a body shorter than announced",
      fault: { kind: "cutJson", how: "contentLength" },
      expected: { name: "RestError" },
    },
    { name: "a closed connection", fault: { kind: "reset" }, expected: { code: "ECONNRESET" } },
  ])("$name", async ({ fault, expected }) => {
    arm.faults.add({ match: { path: "/subscriptions" }, fault });
    await expect(listSubscriptions(contoso, { maxRetries: 0 })).rejects.toMatchObject(expected);
    expect(arm.requests.count()).toBe(1);
  });

  test("after some requests, for some requests", async () => {
    const rule = arm.faults.add({
      match: { method: "GET", path: /^\/subscriptions\?/ },
      after: 1,
      times: 1,
      fault: { kind: "status", status: 500 },
    });
    await expect(listSubscriptions(contoso, { maxRetries: 0 })).resolves.toHaveLength(1);
    await expect(listSubscriptions(contoso, { maxRetries: 0 })).rejects.toMatchObject({ statusCode: 500 });
    await expect(listSubscriptions(contoso, { maxRetries: 0 })).resolves.toHaveLength(1);
    expect(rule.hits).toBe(1);
  });

  test("a 429 with Retry-After is waited for, and then all is well", async () => {
    arm.faults.add({ times: 1, fault: { kind: "status", status: 429, headers: { "Retry-After": "1" } } });
    const began = Date.now();
    await expect(listSubscriptions(contoso, { maxRetries: 1 })).resolves.toHaveLength(1);
    expect(Date.now() - began).toBeGreaterThanOrEqual(950);
  });

  test.each([{}, { value: null }])("%j instead of a list looks empty to the SDK", async (body) => {
    arm.faults.add({ fault: { kind: "json", body } });
    await expect(listSubscriptions(contoso)).resolves.toEqual([]);
  });

  test.each([{ value: {} }, { value: [42] }])(
    "%j instead of a list looks like one hollow item to the SDK",
    async (body) => {
      arm.faults.add({ fault: { kind: "json", body } });
      const [item] = await listSubscriptions(contoso);
      expect(item?.subscriptionId).toBeUndefined();
    },
  );

  test("a request, or its second page, that is never answered", async () => {
    arm.faults.add({ times: 1, fault: { kind: "hang" } });
    await expect(listSubscriptions(contoso, { timeout: 200 })).rejects.toMatchObject({ name: "AbortError" });
    arm.faults.clear();
    arm.requests.clear();

    arm.faults.add({ fault: { kind: "hangPage2" } });
    await expect(listSubscriptions(contoso, { timeout: 300 })).rejects.toMatchObject({ name: "AbortError" });
    expect(arm.requests.entries.map(({ status }) => status)).toEqual([200, undefined]);
  });

  test("a late answer", async () => {
    arm.faults.add({ fault: { kind: "slow", ms: 150 } });
    const began = Date.now();
    await expect(listSubscriptions(contoso)).resolves.toHaveLength(1);
    expect(Date.now() - began).toBeGreaterThanOrEqual(140);
  });

  test("a nextLink that leads to a stranger, who sees the token; and one that never ends", async () => {
    const stranger = await startArm({ certificate: own.certificate, customers, entra });
    arm.faults.add({
      times: 1,
      fault: { kind: "foreignNextLink", to: `${stranger.url}/subscriptions?api-version=2016-06-01` },
    });
    await listSubscriptions(contoso).catch(() => undefined);
    expect(stranger.requests.entries.map(({ headers }) => headers.authorization)).toEqual([
      expect.stringMatching(/^Bearer /),
    ]);
    await stranger.close();

    arm.faults.add({ fault: { kind: "repeatingNextLink" } });
    arm.requests.clear();
    let items = 0;
    for await (const _ of subscriptions(contoso).subscriptions.list()) if (++items === 5) break;
    expect(arm.requests.count()).toBe(5);
  });

  test("another content type, and a redirect, on which the SDK does not send the token along", async () => {
    arm.faults.add({ times: 1, fault: { kind: "contentType" } });
    await listSubscriptions(contoso).catch(() => undefined);
    arm.faults.add({ times: 1, fault: { kind: "redirect", to: `${arm.url}/elsewhere?api-version=2016-06-01` } });
    await expect(listSubscriptions(contoso)).rejects.toMatchObject({ code: "AuthenticationFailed" });
  });

  test("Entra too: its keys and its tokens", async () => {
    entra.faults.add({ match: { path: "/discovery/" }, fault: { kind: "status", status: 503 } });
    entra.faults.add({ match: { path: "/token" }, fault: { kind: "status", status: 503 } });
    await expect(validate(await entra.issueCallerToken())).rejects.toThrow("Expected 200 OK");
    const answer = await postForm(`${entra.url}/${contoso.tenantId}/oauth2/v2.0/token`, credentialsForm({}));
    expect(answer).toMatchObject({ status: 503, body: { error: "temporarily_unavailable", error_codes: [90033] } });
  });

  test("by hand, over /_faults, which is not in the log", async () => {
    const control = (method: string, body?: unknown) =>
      fetch(`${arm.url}/_faults`, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });

    await control("PUT", { down: true });
    await expect(listSubscriptions(contoso, { maxRetries: 0 })).rejects.toMatchObject({
      statusCode: 503,
      code: "ServerTimeout",
    });
    await control("PUT", { down: false });
    await expect(listSubscriptions(contoso)).resolves.toHaveLength(1);

    await control("PUT", [
      { match: { pathRegex: "/roleAssignments" }, times: 1, fault: { kind: "status", status: 500 } },
    ]);
    expect(await (await control("GET")).json()).toMatchObject({ down: false, rules: [{ times: 1, hits: 0 }] });
    await control("DELETE");
    expect(arm.faults.rules).toEqual([]);

    expect((await control("PUT", [{ fault: { kind: "earthquake" } }])).status).toBe(400);
    expect(arm.requests.count({ path: "_faults" })).toBe(0);
  });

  test("and close at once, whoever still hangs", async () => {
    const slow = await startArm({ certificate: own.certificate, customers, entra });
    slow.faults.add({ fault: { kind: "hang" } });
    const hanging = fetch(`${slow.url}/subscriptions`).catch(() => "cut");
    const handshake = createConnection(slow.port, "127.0.0.1").on("error", () => undefined);
    while (slow.requests.count() === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const began = Date.now();
    await slow.close();
    expect(Date.now() - began).toBeLessThan(500);
    expect(await hanging).toBe("cut");
    handshake.destroy();
  });
});

describe("the processes of the local run", () => {
  test(
    "Azurite keeps accounts apart, stands still on demand, and keeps what it was given over a restart",
    async () => {
      const location = join(own.folder, "azurite");
      const accounts = ["first", "second"];
      const table = (azurite: Azurite, account: string) =>
        TableClient.fromConnectionString(azurite.connectionStringOf(account), "Things", {
          allowInsecureConnection: true,
        });
      const entity = { partitionKey: "one", rowKey: "two" };

      const azurite = await startAzurite({ location, accounts });
      await table(azurite, "first").createTable();
      await table(azurite, "first").createEntity(entity);
      await expect(table(azurite, "second").getEntity("one", "two")).rejects.toMatchObject({ statusCode: 404 });
      azurite.pause();
      const abortSignal = AbortSignal.timeout(200);
      await expect(table(azurite, "first").getEntity("one", "two", { abortSignal })).rejects.toThrow("aborted");
      azurite.resume();
      await azurite.stop();
      await azurite.ended;

      const again = await startAzurite({ location, accounts });
      await expect(table(again, "first").getEntity("one", "two")).resolves.toMatchObject(entity);
      await again.stop();
    },
    processTimeout,
  );

  test(
    "a port that is taken is Azurite's to complain about",
    async () => {
      const ports = { queue: arm.port };
      await expect(startAzurite({ location: join(own.folder, "none"), ports })).rejects.toThrow(/EADDRINUSE/);
    },
    processTimeout,
  );

  test(
    "a child ends when its parent is killed without a word",
    async () => {
      const child = `setInterval(() => {}, 1000); process.once("SIGTERM", () => process.exit(0));`;
      const spawnChild = `[process.execPath, [...${JSON.stringify(endWithParent)}, "-e", ${JSON.stringify(child)}]]`;
      const parent = spawn(process.execPath, [
        "-e",
        `const [node, options] = ${spawnChild};
       const child = require("node:child_process").spawn(node, options, { stdio: ["pipe", "ignore", "ignore"], detached: true });
       child.once("spawn", () => console.log(child.pid)); setInterval(() => {}, 1000);`,
      ]);
      const [chunk] = await once(parent.stdout, "data");
      const pid = Number(chunk);
      expect(isAlive(pid)).toBe(true);
      parent.kill("SIGKILL");
      for (let tries = 0; tries < 200 && isAlive(pid); tries += 1)
        await new Promise((resolve) => setTimeout(resolve, 20));
      expect(isAlive(pid)).toBe(false);
    },
    processTimeout,
  );

  test(
    "npm run token prints a token of the local issuer, and one sentence for what it does not understand",
    async () => {
      const cwd = join(import.meta.dirname, "..");
      const environment = { ...process.env, LOCAL_STATE_FOLDER: own.folder, PORT: String(entra.port - 1) };
      const token = (...options: string[]) =>
        promisify(execFile)(process.execPath, ["local/launch.mjs", "token", ...options], { cwd, env: environment });

      // The same key as the issuer of these tests, where the script looks for it.
      await mkdir(join(own.folder, "issuer"), { recursive: true });
      await copyFile(join(own.folder, "issuer-keys.json"), join(own.folder, "issuer", "issuer-keys.json"));
      const { stdout } = await token("--role", "SalesAgent", "--name", "ADA");
      expect((await validate(stdout.trim())).payload).toMatchObject({
        name: "ADA",
        roles: ["SalesAgent"],
        oid: guidOf("user:Ada"),
      });
      await expect(token("--role", "Boss")).rejects.toMatchObject({
        code: 1,
        stdout: "",
        stderr: 'There is no role "Boss"; there are AdminAgent, SalesAgent, HelpdeskAgent.\n',
      });
    },
    processTimeout,
  );
});

test("a customer made for a test has what the real one has, and nothing is shared between runs", () => {
  const [first, second] = [makeDemoCustomers(), makeDemoCustomers()];
  expect(first).toEqual(second);
  expect(first[0]?.customer).not.toBe(second[0]?.customer);
  expect(makeCustomer({ name: "Trey Research" })).toMatchObject({
    subscriptions: [],
    application: { consent: "given" },
  });
  expect(new Set(first.flatMap(({ customer }) => customer.subscriptions.map((one) => one.subscriptionId))).size).toBe(
    11,
  );
});

function named(name: string): Customer {
  const found = customers.find((customer) => customer.name === name);
  if (found === undefined) throw new Error(`No customer named ${name}.`);
  return found;
}

function subscriptionIdOf(customer: Customer): string {
  return customer.subscriptions[0]?.subscriptionId ?? "";
}

function readerOf({ application }: Customer, scope: string) {
  return makeAssignment({
    scope,
    roleDefinitionId: roles.reader,
    principalId: application.objectId,
    principalType: "ServicePrincipal",
  });
}

function secretCredential({ tenantId }: Customer): ClientSecretCredential {
  return new ClientSecretCredential(tenantId, customerAppClientId, customerAppSecret, {
    authorityHost: entra.url,
    disableInstanceDiscovery: true,
    retryOptions: { maxRetries: 0 },
  });
}

function federated(clientId: string): TokenCredential {
  const identity = new ManagedIdentityCredential({ clientId });
  const assertion = async () => (await identity.getToken("api://AzureADTokenExchange/.default")).token;
  return new ClientAssertionCredential(contoso.tenantId, customerAppClientId, assertion, {
    authorityHost: entra.url,
    disableInstanceDiscovery: true,
  });
}

interface Patience {
  readonly maxRetries?: number;
  readonly timeout?: number;
}

function subscriptions(customer: Customer, { maxRetries = 0 }: Patience = {}): SubscriptionClient {
  return new SubscriptionClient(secretCredential(customer), { endpoint: arm.url, retryOptions: { maxRetries } });
}

function listSubscriptions(customer: Customer, { timeout, ...patience }: Patience = {}) {
  const options = timeout === undefined ? {} : { abortSignal: AbortSignal.timeout(timeout) };
  return Array.fromAsync(subscriptions(customer, patience).subscriptions.list(options));
}

function getSubscription(customer: Customer, id: string) {
  return subscriptions(customer).subscriptions.get(id);
}

function authorization(customer: Customer): AuthorizationManagementClient {
  const options = { endpoint: arm.url, retryOptions: { maxRetries: 0 } };
  return new AuthorizationManagementClient(secretCredential(customer), subscriptionIdOf(customer), options);
}

function listAssignments(customer: Customer, filter?: string) {
  const scope = `subscriptions/${subscriptionIdOf(customer)}`;
  return Array.fromAsync(
    authorization(customer).roleAssignments.listForScope(scope, filter === undefined ? {} : { filter }),
  );
}

function listEligible(customer: Customer) {
  const scope = `subscriptions/${subscriptionIdOf(customer)}`;
  const { roleEligibilityScheduleInstances } = authorization(customer);
  return Array.fromAsync(roleEligibilityScheduleInstances.listForScope(scope, { filter: "atScope()" }));
}

function armToken(expiresIn: number): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  return entra.sign({
    aud: "https://management.azure.com/",
    tid: contoso.tenantId,
    appid: customerAppClientId,
    oid: contoso.application.objectId,
    exp: now + expiresIn,
  });
}

function validate(token: string) {
  const issuer = `${entra.url}/${partnerTenantId}/v2.0`;
  const keys = createRemoteJWKSet(new URL(`${entra.url}/${partnerTenantId}/discovery/v2.0/keys`));
  return jwtVerify(token, keys, { issuer, audience: apiAudience, algorithms: ["RS256"], requiredClaims: ["exp"] });
}

function credentialsForm(changes: Record<string, string>): Record<string, string> {
  return {
    grant_type: "client_credentials",
    client_id: customerAppClientId,
    client_secret: customerAppSecret,
    scope: "https://management.azure.com/.default",
    ...changes,
  };
}

async function postForm(url: string, form: Record<string, string>): Promise<{ status: number; body: unknown }> {
  const response = await fetch(url, { method: "POST", body: new URLSearchParams(form) });
  return { status: response.status, body: await response.json() };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // An orphan that has ended stays a zombie until the machine's first process looks after it.
    return process.platform !== "linux" || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
