/** Who may call: every token that must be refused, every role at every door, and Entra's signing keys in all their moods. */

import { randomUUID } from "node:crypto";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { badCallerTokens } from "../local/stand-ins/bad-caller-tokens.ts";
import type { HowToSign } from "../local/stand-ins/caller-tokens.ts";
import { partnerTenantId } from "../local/stand-ins/demo-customers.ts";
import type { EntraStandIn } from "../local/stand-ins/entra.ts";
import type { Fault } from "../local/stand-ins/faults.ts";
import { guidOf } from "../local/stand-ins/guid.ts";
import { makeEligibleCustomers, oneByOne } from "./harness/customers.ts";
import { eventually } from "./harness/ledger.ts";
import { type Answer, type Product, startProduct } from "./harness/product.ts";

const customers = makeEligibleCustomers(40);
const nextCustomer = oneByOne(customers);
/** Tenants of the partner beside its first one. The stand-in knows them all; nobody has asked for their keys yet. */
const moreTenants = Array.from({ length: 25 }, nextCustomer);
const nextTenant = oneByOne(customers.slice(0, moreTenants.length));
const secondTenant = nextTenant();

let product: Product;

beforeAll(async () => {
  product = await startProduct({
    customers,
    settings: { ENTRA_TENANT_ID: [partnerTenantId, ...moreTenants].join(" , ").toUpperCase() },
  });
});
afterAll(() => product?.stop());

type Claims = Record<string, unknown>;

const seconds = (fromNow: number) => Math.floor(Date.now() / 1000) + fromNow;

/** A token of Ada's as another tenant would issue it. */
const tokenOf = (tenantId: string, claims: Claims = {}, how: HowToSign = {}, { entra } = product) =>
  entra.issueCallerToken({ tid: tenantId, iss: `${entra.url}/${tenantId}/v2.0`, ...claims }, how);

const read = (token: string | null, headers: Record<string, string> = {}) =>
  product.call("GET", `/customers/${randomUUID()}/permissions`, { token, headers });

function expectUnauthenticated(answer: Answer, challenge: string): void {
  expect(answer.status).toBe(401);
  expect(answer.headers.get("www-authenticate")).toBe(challenge);
  expect(answer.headers.get("x-ms-error-code")).toBe("Unauthenticated");
  expect(answer.headers.get("x-ms-request-id")).toMatch(/^[\da-f-]{36}$/);
  expect(answer.body).toEqual({
    error: { code: "Unauthenticated", message: expect.any(String), target: "Authorization" },
  });
}

function expectUnavailable(answer: Answer): void {
  expect(answer.status).toBe(503);
  expect(Number(answer.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
  expect(answer.headers.get("x-ms-error-code")).toBe("DependencyUnavailable");
  expect(answer.body).toEqual({ error: { code: "DependencyUnavailable", message: expect.any(String) } });
  expect(JSON.stringify(answer.body)).not.toMatch(/127\.0\.0\.1|entra|key/i);
}

describe("a token is refused", () => {
  // The table is made of names first: the stand-in that signs is not there yet.
  const names = badCallerTokens({ url: "", tenantId: "", audience: "" } as EntraStandIn).map(({ name }) => name);

  test.each(names)("%s", async (name) => {
    const bad = badCallerTokens(product.entra).find((each) => each.name === name);
    const customerId = nextCustomerOnce();
    const call = { token: (await bad?.issue()) ?? "", body: { state: "On" } };
    const answer = await product.call("PUT", `/customers/${customerId}/permissions/azureReservations`, call);

    if (bad?.status === 403) {
      expect(answer.status).toBe(403);
      expect(answer.body.error.code).toBe("ScopeRequired");
    } else {
      expectUnauthenticated(answer, 'Bearer error="invalid_token"');
    }
    expect(await stateOf(customerId)).toMatchObject({ state: "Off", changeId: null });
  });

  const claims: [string, Claims][] = [
    ["whose tid is no GUID", { tid: "common" }],
    ["whose tid is a list", { tid: [partnerTenantId] }],
    ["whose tid has an end to it", { tid: `${partnerTenantId}/v2.0/..` }],
    ["whose oid is no GUID", { oid: "ada" }],
    ["whose oid is a number", { oid: 1 }],
    ["without a time of issue", { iat: undefined }],
    ["without a beginning", { nbf: undefined }],
    ["whose expiry is a text", { exp: "9999999999" }],
    ["whose time of issue is a text", { iat: "1" }],
    ["without an issuer", { iss: undefined }],
    ["whose audience is a longer id than ours", { aud: "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa2" }],
  ];
  test.each(claims)("%s", async (_, wrong) => {
    expectUnauthenticated(await read(await product.token(wrong)), 'Bearer error="invalid_token"');
  });

  test.each([
    ["of three parts that are nothing", "a.b.c"],
    ["of two parts", "eyJhbGciOiJSUzI1NiJ9.e30"],
    ["of five parts, as encrypted ones have", "a.b.c.d.e"],
    ["of two tokens", "a.b.c, Bearer a.b.c"],
    ["called null", "null"],
    ["whose payload is no object", "eyJhbGciOiJSUzI1NiJ9.bnVsbA.AAAA"],
    ["whose header is empty", "e30.e30.AAAA"],
  ])("%s", async (_, token) => {
    expectUnauthenticated(await read(token), 'Bearer error="invalid_token"');
  });

  test.each([
    ["exp 30 s ago", { exp: -30 }, 401],
    ["exp 27 s ago", { exp: -27 }, 200],
    ["nbf in 30 s", { nbf: 30 }, 200],
    ["nbf in 34 s", { nbf: 34 }, 401],
    ["iat in 30 s", { iat: 30 }, 200],
    ["iat in 34 s", { iat: 34 }, 401],
  ])("when clocks disagree by more than 30 s: %s", async (_, times, status) => {
    const claims = Object.fromEntries(Object.entries(times).map(([name, fromNow]) => [name, seconds(fromNow)]));
    expect((await read(await product.token(claims))).status).toBe(status);
  });

  test("when it has ended, also if it was accepted seconds before", async () => {
    const token = await product.token({ exp: seconds(-26) });
    expect((await read(token)).status).toBe(200);
    await new Promise((go) => setTimeout(go, 4_500));
    expectUnauthenticated(await read(token), 'Bearer error="invalid_token"');
  });

  test("when only its signature differs from one that was accepted", async () => {
    const [header, payload, signature = ""] = (await product.token()).split(".");
    expect((await read([header, payload, signature].join("."))).status).toBe(200);
    const other = (signature.startsWith("A") ? "B" : "A") + signature.slice(1);
    expectUnauthenticated(await read([header, payload, other].join(".")), 'Bearer error="invalid_token"');
  });
});

describe("without a token", () => {
  test("the answer is a bare challenge", async () => {
    expectUnauthenticated(await read(null), "Bearer");
  });

  test.each(["Basic YWRhOnNlY3JldA==", "Negotiate abc", "Bearer"])("%s is as good as none", async (authorization) => {
    expectUnauthenticated(await read(null, { authorization }), "Bearer");
  });

  test("a token in the query, the body or another header is none", async () => {
    const token = await product.token();
    const inQuery = await product.call("GET", `/activities?access_token=${token}`, { token: null });
    const inBody = await product.call("POST", "/GetCustomerPermission", { token: null, body: { access_token: token } });
    const elsewhere = await read(null, { "x-zumo-auth": token, cookie: `AppServiceAuthSession=${token}` });
    for (const answer of [inQuery, inBody, elsewhere]) expectUnauthenticated(answer, "Bearer");
  });

  test("health is answered, whatever the token", async () => {
    for (const token of [null, "a.b.c"]) {
      expect((await product.call("GET", "/health", { token })).body).toEqual({ status: "Healthy" });
    }
  });
});

test("the scheme of the Authorization header is read without regard to case", async () => {
  expect((await read(null, { authorization: `bEARER ${await product.token()}` })).status).toBe(200);
});

describe("a role opens its doors and no others", () => {
  const id = guidOf("tenant: whoever");
  const switchOff = { state: "Off" };
  /** Every door, and what it says to somebody who may pass. */
  const doors: [name: string, access: "read" | "write", open: number, method: string, path: string, body?: object][] = [
    ["ListCustomers", "read", 200, "GET", "/customers"],
    ["GetCustomer", "read", 200, "GET", `/customers/${id}`],
    ["GetFleetHistory", "read", 200, "GET", "/fleet/history?days=1"],
    ["ListPermissions", "read", 200, "GET", `/customers/${id}/permissions`],
    ["GetPermission", "read", 200, "GET", `/customers/${id}/permissions/azureReservations`],
    ["CheckEligibility", "read", 200, "GET", `/customers/${id}/eligibility`],
    ["GetOperation", "read", 404, "GET", `/customers/${id}/operations/${randomUUID()}`],
    ["ListActivities", "read", 200, "GET", "/activities"],
    [
      "GetCustomerPermission",
      "read",
      200,
      "POST",
      "/GetCustomerPermission",
      { customerId: id, product: "azureReservations" },
    ],
    ["CheckCustomerEligibility", "read", 200, "POST", "/CheckCustomerEligibility", { customerId: id }],
    ["SetPermission", "write", 200, "PUT", `/customers/${id}/permissions/azureReservations`, switchOff],
    [
      "SetCustomerPermission",
      "write",
      200,
      "POST",
      "/SetCustomerPermission",
      { customerId: id, product: "azureReservations", ...switchOff },
    ],
  ];
  const open = "open";
  const noRole = "403 AgentRoleRequired";
  const notAdmin = "403 AdminAgentRequired";
  const noScope = "403 ScopeRequired";
  const app = { idtyp: "app", scp: undefined, name: undefined };

  test.each<[who: string, claims: Claims, reading: string, writing: string]>([
    ["an Admin Agent", {}, open, open],
    ["a Sales Agent", { roles: ["SalesAgent"] }, open, notAdmin],
    ["a Helpdesk Agent", { roles: ["HelpdeskAgent"] }, open, notAdmin],
    ["a Sales Agent who is a Helpdesk Agent too", { roles: ["SalesAgent", "HelpdeskAgent"] }, open, notAdmin],
    ["a Sales Agent who is an Admin Agent too", { roles: ["SalesAgent", "AdminAgent"] }, open, open],
    ["a user without roles", { roles: undefined }, noRole, noRole],
    ["a user with an empty list of roles", { roles: [] }, noRole, noRole],
    ["a user with roles of others", { roles: ["GlobalAdmin", "adminagent", "AdminAgents"] }, noRole, noRole],
    ["a user whose roles are a text", { roles: "AdminAgent" }, noRole, noRole],
    ["an Admin Agent with Permissions.Read only", { scp: "Permissions.Read" }, open, noScope],
    ["a Sales Agent with Permissions.Read only", { roles: ["SalesAgent"], scp: "Permissions.Read" }, open, notAdmin],
    ["an Admin Agent with both scopes", { scp: "openid Permissions.Read Permissions.ReadWrite" }, open, open],
    [
      "an Admin Agent with scopes of others",
      { scp: "permissions.readwrite Permissions.ReadWriteAll" },
      noScope,
      noScope,
    ],
    ["an Admin Agent whose scopes are a list", { scp: ["Permissions.ReadWrite"] }, noScope, noScope],
    ["an Admin Agent without scopes", { scp: undefined }, noScope, noScope],
    ["an application that is Admin Agent", app, open, open],
    ["an application that is Sales Agent", { ...app, roles: ["SalesAgent"] }, open, notAdmin],
    ["an application without a role", { ...app, roles: undefined }, noRole, noRole],
    ["an application that says so in another way", { ...app, idtyp: "App" }, noScope, noScope],
    ["a user who says so", { idtyp: "user" }, open, open],
  ])("to %s", async (_, claims, reading, writing) => {
    const token = await product.token(claims);
    const found: Claims = {};
    const wanted: Claims = {};
    for (const [name, access, opened, method, path, body] of doors) {
      const { status, body: answer } = await product.call(method, path, { token, ...(body && { body }) });
      found[name] = status === opened ? open : `${status} ${answer?.error?.code}`;
      wanted[name] = access === "read" ? reading : writing;
    }
    expect(found).toEqual(wanted);
  });
});

describe("who changed a switch is known from the token alone", () => {
  const changedBy = async (token: string, headers: Record<string, string> = {}) => {
    const path = `/customers/${nextCustomer()}/permissions/azureReservations`;
    const { status, body } = await product.call("PUT", path, { token, headers, body: { state: "On" } });
    expect(status).toBe(200);
    return body.changedBy;
  };

  test("a user by name", async () => {
    expect(await changedBy(await product.token({ name: "Grace Hopper" }))).toEqual({
      tenantId: partnerTenantId,
      objectId: guidOf("user:Grace Hopper"),
      name: "Grace Hopper",
      kind: "User",
    });
  });

  test("an application by its object id", async () => {
    expect(await changedBy(await product.entra.issueApplicationToken())).toEqual({
      tenantId: partnerTenantId,
      objectId: guidOf("application:nightly-automation"),
      kind: "Application",
    });
  });

  test("an agent of another tenant of the partner", async () => {
    expect(await changedBy(await tokenOf(secondTenant))).toMatchObject({
      tenantId: secondTenant,
      objectId: guidOf("user:Ada"),
    });
  });

  const principal = {
    "x-ms-client-principal": Buffer.from(
      JSON.stringify({ auth_typ: "aad", claims: [{ typ: "roles", val: "AdminAgent" }], role_typ: "roles" }),
    ).toString("base64"),
    "x-ms-client-principal-id": guidOf("user:Mallory"),
    "x-ms-client-principal-name": "Mallory",
    "x-ms-client-principal-idp": "aad",
    "x-ms-token-aad-access-token": "a.b.c",
  };

  test("and headers that claim an identity change nothing", async () => {
    const [half] = Object.entries(principal);
    expect(await changedBy(await product.token(), principal)).toMatchObject({ name: "Ada" });
    expect(await changedBy(await product.token(), Object.fromEntries([half!]))).toMatchObject({ name: "Ada" });
    expectUnauthenticated(await read(null, principal), "Bearer");

    const token = await product.token({ roles: ["SalesAgent"] });
    const path = `/customers/${nextCustomer()}/permissions/azureReservations`;
    const refused = await product.call("PUT", path, { token, headers: principal, body: { state: "On" } });
    expect(refused.body.error.code).toBe("AdminAgentRequired");
  });
});

describe("tenants are told apart", () => {
  test("a tenant that is not on the list is refused without asking for its keys", async () => {
    const stranger = customers.at(-1)?.customer.tenantId ?? "";
    expectUnauthenticated(await read(await tokenOf(stranger)), 'Bearer error="invalid_token"');
    expect(product.entra.requests.count({ path: `/${stranger}/discovery` })).toBe(0);
  });

  test("a token of one of the partner's tenants does not pass for one of another", async () => {
    const mixed = await product.token({ tid: secondTenant });
    expectUnauthenticated(await read(mixed), 'Bearer error="invalid_token"');
  });

  test("each tenant's keys are fetched once", async () => {
    const token = await tokenOf(nextTenant());
    const before = product.entra.requests.count({ path: "/discovery/v2.0/keys" });
    const answers = await Promise.all(Array.from({ length: 8 }, () => read(token)));
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200));
    expect(product.entra.requests.count({ path: "/discovery/v2.0/keys" })).toBe(before + 1);
  });
});

describe("when Entra's keys cannot be had, it is nobody's fault but Entra's, and passes by itself", () => {
  const badKey = (kid: string, n: unknown, e: unknown = "AQAB") => ({ keys: [{ kty: "RSA", use: "sig", kid, n, e }] });
  const faults: Record<string, (ourKid: string) => Fault> = {
    "the connection is cut": () => ({ kind: "reset" }),
    "the answer is 500": () => ({ kind: "status", status: 500 }),
    "the answer is 429": () => ({ kind: "status", status: 429 }),
    "the answer is 404": () => ({ kind: "status", status: 404, body: {} }),
    "the answer never comes": () => ({ kind: "hang" }),
    "a gateway answers with a page": () => ({ kind: "html" }),
    "a portal answers 200 with a page": () => ({ kind: "html", status: 200 }),
    "the answer leads elsewhere": () => ({ kind: "redirect", to: "https://127.0.0.1:1/keys", status: 302 }),
    "the answer is cut in half": () => ({ kind: "cutJson" }),
    "the answer is {}": () => ({ kind: "json", body: {} }),
    "the answer is null": () => ({ kind: "json", body: null }),
    "the answer is a list": () => ({ kind: "json", body: [] }),
    "there are no keys": () => ({ kind: "json", body: { keys: [] } }),
    "the keys are empty": () => ({ kind: "json", body: { keys: [{}] } }),
    "the keys are numbers": () => ({ kind: "json", body: { keys: [1, null] } }),
    "the modulus is missing": (kid) => ({ kind: "json", body: badKey(kid, undefined) }),
    "the modulus is no base64url": (kid) => ({ kind: "json", body: badKey(kid, "!".repeat(342)) }),
    "the modulus is too short": (kid) => ({ kind: "json", body: badKey(kid, "AQAB") }),
    "the exponent is nothing": (kid) => ({ kind: "json", body: badKey(kid, "u".repeat(342), "") }),
  };
  const seen = new Map<string, { during: Answer; took: number; after: Answer }>();

  // All at once, each with a tenant of its own: nobody waits for the others.
  beforeAll(async () => {
    const kid = JSON.parse(Buffer.from((await product.token()).split(".")[0] ?? "", "base64url").toString()).kid;
    await Promise.all(
      Object.entries(faults).map(async ([name, make]) => {
        const tenantId = nextTenant();
        const token = await tokenOf(tenantId);
        const rule = product.entra.faults.add({ match: { path: `/${tenantId}/discovery` }, fault: make(kid) });
        const begun = Date.now();
        const during = await read(token);
        const took = Date.now() - begun;
        product.entra.faults.remove(rule);
        const healed = eventually(async () => {
          const after = await read(token);
          if (after.status !== 200) throw new Error(`${name}: still ${after.status}`);
          return after;
        }, 5_000);
        seen.set(name, { during, took, after: await healed.catch(() => read(token)) });
      }),
    );
  }, 25_000);

  test.each(Object.keys(faults))("%s", (name) => {
    const { during, took, after } = seen.get(name)!;
    expectUnavailable(during);
    expect(took).toBeLessThan(15_000);
    expect(after.status).toBe(200);
  });
});

describe("keys come and go without a restart", () => {
  let timely: Product;
  let clockFile: string;
  /** The clock by which keys are kept runs as the test says: nobody has to wait for 30 seconds, or a day. */
  const moveClock = (secondsAhead: number) => {
    writeFileSync(`${clockFile}.new`, String(secondsAhead * 1000));
    renameSync(`${clockFile}.new`, clockFile);
  };
  const call = (token: string) => timely.call("GET", "/activities", { token });
  const fetches = () => timely.entra.requests.count({ path: "/discovery/v2.0/keys" });
  const unknownKey = () => timely.entra.issueCallerToken({}, { kid: randomUUID() });

  beforeAll(async () => {
    clockFile = join(process.env.TEST_FOLDER ?? "", `clock-${randomUUID()}`);
    moveClock(0);
    const clock = `import { readFileSync } from "node:fs"; const { now } = Date;
      Date.now = () => now() + Number(readFileSync(${JSON.stringify(clockFile)}, "utf8"));`;
    timely = await startProduct({
      customers: [],
      settings: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(clock)}` },
    });
    await call(await timely.token());
    expect(fetches()).toBe(1);
  });
  afterAll(() => timely?.stop());

  test("fifty unknown key ids cause no fetch while the keys are fresh, and one when they are not", async () => {
    const flood = async () => {
      const tokens = await Promise.all(Array.from({ length: 50 }, unknownKey));
      return new Set((await Promise.all(tokens.map(call))).map(({ status }) => status));
    };
    expect(await flood()).toEqual(new Set([401]));
    expect(fetches()).toBe(1);
    moveClock(31);
    expect(await flood()).toEqual(new Set([401]));
    expect(fetches()).toBe(2);
  });

  test("a new key is found after 30 seconds, and the old one goes on", async () => {
    const old = await timely.token();
    await timely.entra.rotateKeys();
    const fresh = await timely.token();
    expect((await call(fresh)).status).toBe(401);
    moveClock(62);
    expect((await call(fresh)).status).toBe(200);
    expect((await call(old)).status).toBe(200);
    expect(fetches()).toBe(3);
  });

  test("known keys are good for a day while Entra is down, and a token with an unknown one is not called bad", async () => {
    const known = await timely.token();
    timely.entra.faults.down = true;
    moveClock(100);
    expectUnavailable(await call(await unknownKey()));
    for (const hours of [2, 12, 23]) {
      moveClock(hours * 3600);
      expect((await call(known)).status).toBe(200);
    }
    moveClock(25 * 3600);
    expectUnavailable(await call(known));

    timely.entra.faults.down = false;
    moveClock(25 * 3600 + 10);
    expect((await call(known)).status).toBe(200);
  });

  test("a key that was withdrawn is not believed for longer than an hour", async () => {
    const withdrawn = await timely.token();
    await timely.entra.rotateKeys({ keepOld: false });
    expect((await call(withdrawn)).status).toBe(200);
    moveClock(27 * 3600);
    await eventually(async () => expect((await call(withdrawn)).status).toBe(401), 5_000);
    expect((await call(await timely.token())).status).toBe(200);
  });

  test("when Entra is gone altogether, known keys are still good", async () => {
    const token = await timely.token();
    await timely.entra.close();
    expect((await call(token)).status).toBe(200);
    moveClock(28 * 3600);
    expectUnavailable(await call(await unknownKey()));
  });
});

describe("with REQUIRE_FUNCTION_KEY", () => {
  const key = "the host's own key";
  let locked: Product;
  beforeAll(async () => {
    locked = await startProduct({
      customers: makeEligibleCustomers(2),
      settings: { REQUIRE_FUNCTION_KEY: "true", FUNCTIONS_HOST_KEY: key },
    });
  });
  afterAll(() => locked?.stop());

  test.each([
    ["no key", "", {}],
    ["a wrong key", "", { "x-functions-key": "wrong" }],
    ["a wrong key in the query", "?code=wrong", {}],
  ])("a token with %s is refused by the host", async (_, query, headers) => {
    const answer = await locked.call("GET", `/customers${query}`, { headers });
    expect(answer.status).toBe(401);
    expect(answer.body).toBeUndefined();
  });

  test("the key alone is not enough", async () => {
    const answer = await locked.call("GET", "/customers", { token: null, headers: { "x-functions-key": key } });
    expectUnauthenticated(answer, "Bearer");
  });

  test("key and token together open, and health asks for neither", async () => {
    expect((await locked.call("GET", "/customers", { headers: { "x-functions-key": key } })).status).toBe(200);
    expect((await locked.call("GET", `/customers?code=${encodeURIComponent(key)}`)).status).toBe(200);
    expect((await locked.call("GET", "/health", { token: null })).status).toBe(200);
  });

  test("the key in the query comes back nowhere", async () => {
    const code = `code=${encodeURIComponent(key)}`;
    for (const name of ["Eligible 1", "Eligible 2"]) {
      const path = `/customers/${locked.customer(name).tenantId}/permissions/azureReservations?${code}`;
      expect((await locked.call("PUT", path, { body: { state: "On" } })).status).toBe(200);
    }
    for (const list of ["customers", "activities"]) {
      const { body } = await locked.call("GET", `/${list}?${code}&maxpagesize=1`);
      expect(body.value).toHaveLength(1);
      expect([...new URL(body.nextLink).searchParams.keys()].sort()).toEqual(["maxpagesize", "skipToken"]);
      const next = await fetch(body.nextLink, {
        headers: { authorization: `Bearer ${await locked.token()}`, "x-functions-key": key },
      });
      expect(next.status).toBe(200);
    }
    const wrong = await locked.call("GET", `/customers?${code}&unknown=1`);
    expect(wrong.body.error.target).toBe("unknown");
    expect(JSON.stringify([wrong.body, [...wrong.headers]])).not.toContain("own key");
  });
});

test("without REQUIRE_FUNCTION_KEY a key in the query is an unknown parameter", async () => {
  const { status, body } = await product.call("GET", "/customers?code=x");
  expect([status, body.error.target]).toEqual([400, "code"]);
});

const stateOf = async (customerId: string) =>
  (await product.call("GET", `/customers/${customerId}/permissions/azureReservations`)).body;

/** For calls that must not get anywhere: these customers may be shared. */
const nextCustomerOnce = () => customers.at(-2)?.customer.tenantId ?? "";
