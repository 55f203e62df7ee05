/**
 * Signing in to the page as a browser does: oauth4webapi, the page's own library, against the stand-in's door, and the
 * token on the real app; then everything that Entra refuses a single-page application.
 */

import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { createRemoteJWKSet, decodeJwt, jwtVerify } from "jose";
import * as oauth from "oauth4webapi";
import { apiAudience, partnerTenantId } from "../local/stand-ins/demo-customers.ts";
import { type BrowserDoor, startBrowserDoor } from "../local/stand-ins/entra-browser-door.ts";
import { guidOf } from "../local/stand-ins/guid.ts";
import { type Product, startProduct } from "./harness/product.ts";

const client: oauth.Client = { client_id: apiAudience };
const scope = `openid profile offline_access ${apiAudience}/.default`;

let product: Product;
let door: BrowserDoor;
let redirectUri: string;
let server: oauth.AuthorizationServer;

beforeAll(async () => {
  product = await startProduct();
  door = product.browserDoor;
  redirectUri = product.pageUrl;
  const issuer = new URL(`${door.url}/${partnerTenantId}/v2.0`);
  const found = await oauth.discoveryRequest(issuer, asBrowser());
  expect(found.headers.get("access-control-allow-origin")).toBe("*");
  server = await oauth.processDiscoveryResponse(issuer, found);
});
afterAll(() => product?.stop());
afterEach(() => {
  door.codeLifetimeSeconds = 60;
  product.entra.tokenLifetimeSeconds = 3599;
});

describe("a person signs in", () => {
  test("and out, and in between the tokens are what the page and the API ask for", async () => {
    const verifier = oauth.generateRandomCodeVerifier();
    const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()];
    const page = await get(await authorizeUrl({ verifier, state, nonce, extra: { prompt: "select_account" } }));
    expect(page.status).toBe(200);
    const { "Who are you?": heading, links } = await readPage(page);
    expect(heading).toBe(true);
    expect(links.map(({ text }) => text)).toEqual([
      "Ada Admin Agent",
      "Bob Sales Agent",
      "Carol Helpdesk Agent",
      "Dan no role",
      "Cancel",
    ]);
    const back = await get(new URL(links[0]?.href ?? "", door.url));
    expect(back.status).toBe(302);

    const parameters = oauth.validateAuthResponse(server, client, locationOf(back), state);
    const answered = await redeem(parameters, verifier);
    expect(answered.headers.get("access-control-allow-origin")).toBe(new URL(redirectUri).origin);
    const tokens = await oauth.processAuthorizationCodeResponse(server, client, answered, {
      expectedNonce: nonce,
      requireIdToken: true,
    });
    expect(tokens).toMatchObject({ token_type: "bearer", expires_in: 3599, refresh_token: expect.any(String) });
    expect(oauth.getValidatedIdTokenClaims(tokens)).toMatchObject({
      iss: door.issuer,
      aud: apiAudience,
      name: "Ada",
      preferred_username: "ada@partner.example",
      roles: ["AdminAgent"],
      oid: guidOf("user:Ada"),
      tid: partnerTenantId,
      ver: "2.0",
    });
    const keys = createRemoteJWKSet(new URL(server.jwks_uri ?? ""));
    await jwtVerify(tokens.id_token ?? "", keys, { issuer: door.issuer, audience: apiAudience });
    expect(decodeJwt(tokens.access_token)).toMatchObject({
      iss: `${product.entra.url}/${partnerTenantId}/v2.0`,
      aud: apiAudience,
      azp: apiAudience,
      scp: "Permissions.Read Permissions.ReadWrite",
    });

    const contoso = product.customer("Contoso").tenantId;
    const path = `/customers/${contoso}/permissions/azureReservations`;
    const token = tokens.access_token;
    const switched = await product.call("PUT", path, { token, body: { state: "On" } });
    expect(switched).toMatchObject({
      status: 200,
      body: { state: "On", changedBy: { name: "Ada", objectId: guidOf("user:Ada") } },
    });

    const renewed = await refresh(tokens.refresh_token ?? "");
    expect(renewed.access_token).not.toBe(tokens.access_token);
    expect(oauth.getValidatedIdTokenClaims(renewed)).toMatchObject({ name: "Ada" });
    expect(await product.call("GET", path, { token: renewed.access_token })).toMatchObject({ status: 200 });

    const leave = new URL(server.end_session_endpoint ?? "");
    leave.searchParams.set("post_logout_redirect_uri", redirectUri);
    const left = await get(leave);
    expect([left.status, left.headers.get("location")]).toEqual([302, redirectUri]);
    expect(left.headers.get("set-cookie")).toContain("Max-Age=0");
  });

  test.each([
    ["Bob", { read: 200, write: [403, "AdminAgentRequired"] }],
    ["carol@partner.example", { read: 200, write: [403, "AdminAgentRequired"] }],
    ["dan", { read: 403, write: [403, "AgentRoleRequired"] }],
  ])("as %s, named by a hint, and may do what the role may", async (hint, { read, write }) => {
    const { access_token: token, ...rest } = await signIn(hint);
    const path = `/customers/${product.customer("Contoso").tenantId}/permissions/azureReservations`;
    expect((await product.call("GET", path, { token })).status).toBe(read);
    const refused = await product.call("PUT", path, { token, body: { state: "Off" } });
    expect([refused.status, refused.body.error.code]).toEqual(write);
    const { roles } = decodeJwt(rest.id_token ?? "");
    expect(roles === undefined).toBe(hint === "dan");
  });

  test("with one of the two scopes, and has no more than that", async () => {
    const { access_token: token } = await signIn("Ada", `openid ${apiAudience}/Permissions.Read`);
    const path = `/customers/${product.customer("Contoso").tenantId}/permissions/azureReservations`;
    expect((await product.call("GET", path, { token })).status).toBe(200);
    expect(await product.call("PUT", path, { token, body: { state: "Off" } })).toMatchObject({
      status: 403,
      body: { error: { code: "ScopeRequired" } },
    });
  });

  test("loses a role, and the next refresh shows it", async () => {
    const bob = personNamed("Bob");
    const { refresh_token: token = "" } = await signIn("Bob");
    bob.roles = ["AdminAgent"];
    expect(decodeJwt((await refresh(token)).access_token).roles).toEqual(["AdminAgent"]);
    bob.roles = ["SalesAgent"];
  });

  test("without offline_access and openid: no refresh token, no id token", async () => {
    const answer = await signIn("Ada", `${apiAudience}/Permissions.ReadWrite`);
    expect(answer).not.toHaveProperty("refresh_token");
    expect(answer).not.toHaveProperty("id_token");
  });

  test("for as long as the stand-in's tokens live", async () => {
    product.entra.tokenLifetimeSeconds = 120;
    const { access_token: token, expires_in: seconds } = await signIn("Ada");
    const { exp = 0 } = decodeJwt(token);
    expect(seconds).toBe(120);
    expect(exp * 1000 - Date.now()).toBeLessThanOrEqual(120_000);
  });

  test("once, and prompt=none finds them until they sign out", async () => {
    const none = { prompt: "none" };
    expect(locationOf(await get(await authorizeUrl({ extra: none }))).searchParams.get("error")).toBe("login_required");
    const cookie = (await get(await authorizeUrl({ extra: { login_hint: "Ada" } }))).headers.get("set-cookie") ?? "";
    const session = { cookie: cookie.split(";")[0] ?? "" };
    const again = async (extra: Record<string, string>) =>
      locationOf(await get(await authorizeUrl({ extra }), session)).searchParams;
    expect((await again(none)).has("code")).toBe(true);
    expect((await again({ ...none, login_hint: "Bob" })).get("error_description")).toMatch(/^AADSTS50058: /);
  });

  test("on the port of the demo, on localhost as well", async () => {
    for (const address of ["http://localhost:7071/ui/", "http://127.0.0.1:3000/ui/", "http://localhost/ui/"]) {
      const back = locationOf(await get(await authorizeUrl({ address, extra: { login_hint: "Ada" } })));
      expect(`${back.origin}${back.pathname}`).toBe(address);
    }
  });
});

describe("the question who you are", () => {
  test("is a page without script, that a browser lets do nothing", async () => {
    const page = await get(await authorizeUrl({ extra: { state: `"><script>alert(1)</script>` } }));
    expect(page.headers.get("content-security-policy")).toMatch(
      /^default-src 'none'; style-src 'sha256-\S+'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'$/,
    );
    const text = await page.text();
    expect(text).toContain('<html lang="en">');
    expect(text).not.toMatch(/<script|javascript:| on\w+=/i);
  });

  test("asks again for a hint that means nobody, and whenever a prompt is wished", async () => {
    for (const extra of [{ login_hint: "eve" }, { login_hint: "Ada", prompt: "login" }, {}] as const)
      expect((await readPage(await get(await authorizeUrl({ extra })))).links).toHaveLength(5);
  });

  test("can be cancelled: access_denied", async () => {
    const { links } = await readPage(await get(await authorizeUrl({ state: "so" })));
    const back = new URL(links.at(-1)?.href ?? "");
    expect(`${back.origin}${back.pathname}`).toBe(redirectUri);
    expect(() => oauth.validateAuthResponse(server, client, back, "so")).toThrow(oauth.AuthorizationResponseError);
    expect(back.searchParams.get("error")).toBe("access_denied");
    expect(back.searchParams.get("error_description")).toMatch(
      /^AADSTS65004: User declined to consent to access the app\. /,
    );
  });
});

describe("Entra's authorize endpoint refuses", () => {
  test.each([
    ["another site", "https://evil.example/ui/"],
    ["https", "https://localhost:7071/ui/"],
    ["another path", "http://localhost:7071/"],
    ["a path below", "http://localhost:7071/ui/x"],
    ["a query", "http://localhost:7071/ui/?x=1"],
    ["a host that begins well", "http://localhost.evil.example/ui/"],
    ["a user that looks like a host", "http://localhost:7071@evil.example/ui/"],
    ["nothing", ""],
  ])("%s as redirect URI, and sends nothing there: AADSTS50011", async (_, address) => {
    const refused = await get(await authorizeUrl({ address, extra: { login_hint: "Ada" } }));
    expect([refused.status, refused.headers.get("location")]).toEqual([400, null]);
    expect(await refused.text()).toMatch(
      /AADSTS50011: The redirect URI &#39;.*&#39; specified in the request does not/,
    );
  });

  test("another application: AADSTS700016", async () => {
    const refused = await get(await authorizeUrl({ extra: { client_id: randomUUID() } }));
    expect(refused.status).toBe(400);
    expect(await refused.text()).toContain("AADSTS700016");
  });

  test.each([
    ["a request without a challenge", { code_challenge: "" }, "invalid_request", 9002325],
    ["a plain challenge", { code_challenge_method: "plain" }, "invalid_request", 9002325],
    ["a challenge that is none", { code_challenge: "short" }, "invalid_request", 501491],
    ["the implicit flow", { response_type: "token" }, "unsupported_response_type", 700054],
    ["no response type", { response_type: "" }, "invalid_request", 900144],
    ["a form post", { response_mode: "form_post" }, "invalid_request", 70007],
    ["no API", { scope: "openid profile" }, "invalid_scope", 70011],
    ["another API", { scope: "https://graph.microsoft.com/.default" }, "invalid_scope", 70011],
    ["a scope that nobody has", { scope: `${apiAudience}/Permissions.All` }, "invalid_scope", 70011],
    ["the API by its URI", { scope: `api://${apiAudience}/Permissions.Read` }, "invalid_request", 90009],
  ])("%s, and the page is told", async (_, extra, error, code) => {
    const back = locationOf(await get(await authorizeUrl({ state: "so", extra: { login_hint: "Ada", ...extra } })));
    expect(`${back.origin}${back.pathname}`).toBe(redirectUri);
    expect(Object.fromEntries(back.searchParams)).toEqual({
      error,
      error_description: expect.stringMatching(new RegExp(`^AADSTS${code}: .+ Timestamp: \\S+ \\S+Z$`)),
      state: "so",
    });
  });

  test("a tenant that is not the partner's, and what is not there", async () => {
    const elsewhere = await fetch(`${door.url}/${randomUUID()}/v2.0/.well-known/openid-configuration`);
    expect(await elsewhere.json()).toMatchObject({ error_codes: [90002] });
    expect((await fetch(`${door.url}/${partnerTenantId}/oauth2/v2.0/devicecode`)).status).toBe(404);
  });
});

describe("Entra's token endpoint refuses", () => {
  const form = (changes: Record<string, string | undefined> = {}) =>
    Object.entries({
      grant_type: "authorization_code",
      client_id: apiAudience,
      redirect_uri: redirectUri,
      ...changes,
    }).filter((entry): entry is [string, string] => entry[1] !== undefined);

  test.each([
    ["a request from no page", {}, 400, 9002327, { origin: undefined }],
    ["a page of another site", {}, 400, 9002326, { origin: "https://evil.example" }],
    ["a secret", { client_secret: "x" }, 401, 700025],
    ["a signed assertion", { client_assertion: "a.b.c" }, 401, 700025],
    ["another application", { client_id: randomUUID() }, 400, 700016],
    ["a grant for applications", { grant_type: "client_credentials" }, 400, 70003],
    ["no grant", { grant_type: undefined }, 400, 900144],
    ["no code", { code: undefined }, 400, 900144],
    ["no redirect URI", { redirect_uri: undefined }, 400, 900144],
    ["a code that it never issued", { code: "1.made-up" }, 400, 9002313],
    ["another redirect URI", { redirect_uri: "http://localhost:1/ui/" }, 400, 500112],
    ["no verifier", { code_verifier: undefined }, 400, 9002325],
    ["another verifier", { code_verifier: "x".repeat(43) }, 400, 501481],
    ["a refresh token that is none", { grant_type: "refresh_token", refresh_token: "1.x" }, 400, 9002313],
    ["a missing refresh token", { grant_type: "refresh_token" }, 400, 900144],
  ])("%s", async (_, changes, status, code, headers: { origin?: string | undefined } | undefined = undefined) => {
    const { code: issued, verifier } = await codeFor("Ada");
    const answer = await postToken(form({ code: issued, code_verifier: verifier, ...changes }), headers);
    expect({ status: answer.status, body: await answer.json() }).toMatchObject({
      status,
      body: { error_codes: [code], error_description: expect.stringMatching(new RegExp(`^AADSTS${code}: `)) },
    });
    const isOurs = headers === undefined;
    expect(answer.headers.get("access-control-allow-origin")).toBe(isOurs ? new URL(redirectUri).origin : null);
    // A refusal uses nothing up.
    const then = await postToken(form({ code: issued, code_verifier: verifier }));
    expect(then.status).toBe(200);
  });

  test("a code that was used: AADSTS54005, and one that is too old: AADSTS70008", async () => {
    const { code, verifier } = await codeFor("Ada");
    const sent = form({ code, code_verifier: verifier });
    expect((await postToken(sent)).status).toBe(200);
    expect(await (await postToken(sent)).json()).toMatchObject({ error: "invalid_grant", error_codes: [54005] });

    const late = await codeFor("Ada");
    door.codeLifetimeSeconds = 0;
    const answer = await postToken(form({ code: late.code, code_verifier: late.verifier }));
    expect(await answer.json()).toMatchObject({ error: "invalid_grant", error_codes: [70008] });
  });

  test("a refresh token a day after the sign-in, however often it was used: AADSTS700084", async () => {
    const ago = (hours: number) => new Date(Date.now() - hours * 60 * 60 * 1000);
    const person = personNamed("Ada");
    const use = async (hours: number) => {
      const token = await door.issueRefreshToken({ person, signedInAt: ago(hours) });
      const body = form({ grant_type: "refresh_token", refresh_token: token });
      return (await (await postToken(body)).json()) as { refresh_token: string };
    };
    const { refresh_token: rotated } = await use(23.9);
    const { iat = 0 } = decodeJwt(Buffer.from(rotated.slice(2), "base64url").toString());
    expect(Math.round((Date.now() / 1000 - iat) / 360)).toBe(239);
    expect(await use(24.1)).toMatchObject({ error: "invalid_grant", error_codes: [700084] });
  });

  test("a refresh token of the application for Partner Center", async () => {
    const refresh_token = await product.entra.issueRefreshToken();
    const answer = await postToken(form({ grant_type: "refresh_token", refresh_token }));
    expect(await answer.json()).toMatchObject({ error_codes: [9002313] });
  });

  test("nothing of a preflight of the page, and allows none to others", async () => {
    const preflight = (origin: string) =>
      fetch(server.token_endpoint ?? "", { method: "OPTIONS", headers: { origin } }).then(({ headers }) =>
        headers.get("access-control-allow-origin"),
      );
    expect(await preflight("http://localhost:7071")).toBe("http://localhost:7071");
    expect(await preflight("https://evil.example")).toBeNull();
  });
});

describe("the rest of the door", () => {
  test("signs out to nowhere but the page", async () => {
    for (const target of ["https://evil.example/ui/", "http://localhost:7071/"]) {
      const leave = new URL(server.end_session_endpoint ?? "");
      leave.searchParams.set("post_logout_redirect_uri", target);
      const left = await get(leave);
      expect([left.status, left.headers.get("location")]).toEqual([200, null]);
      expect(await left.text()).toContain("You signed out");
    }
  });

  test("publishes a rotated key, and fails on demand", async () => {
    await product.entra.rotateKeys();
    const { keys } = (await (await fetch(server.jwks_uri ?? "")).json()) as { keys: object[] };
    expect(keys).toHaveLength(2);
    door.faults.add({ match: { path: "/token" }, fault: { kind: "status", status: 503 }, times: 1 });
    const answer = await postToken([["grant_type", "authorization_code"]]);
    expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([
      503,
      new URL(redirectUri).origin,
    ]);
  });

  test("is one of several when another run has its own", async () => {
    const other = await startBrowserDoor({ entra: product.entra });
    const text = await (await fetch(`${other.url}/${partnerTenantId}/v2.0/.well-known/openid-configuration`)).json();
    expect(text).toMatchObject({ issuer: other.issuer });
    await other.close();
  });
});

function asBrowser() {
  return { [oauth.allowInsecureRequests]: true, headers: { origin: new URL(redirectUri).origin } } as const;
}

interface Wish {
  readonly verifier?: string;
  readonly state?: string;
  readonly nonce?: string;
  readonly address?: string;
  readonly extra?: Readonly<Record<string, string>>;
}

async function authorizeUrl({
  verifier = oauth.generateRandomCodeVerifier(),
  state,
  nonce,
  address = redirectUri,
  extra = {},
}: Wish = {}): Promise<URL> {
  const url = new URL(server.authorization_endpoint ?? "");
  url.search = new URLSearchParams({
    client_id: apiAudience,
    response_type: "code",
    response_mode: "query",
    redirect_uri: address,
    scope,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    ...(state === undefined ? {} : { state }),
    ...(nonce === undefined ? {} : { nonce }),
    ...extra,
  }).toString();
  return url;
}

function get(url: URL, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, { redirect: "manual", headers });
}

function locationOf(answer: Response): URL {
  return new URL(answer.headers.get("location") ?? "");
}

async function readPage(page: Response) {
  const text = (await page.text()).replaceAll("&amp;", "&");
  const links = [...text.matchAll(/<a href="([^"]*)">(.*?)<\/a>/g)].map(([, href = "", inside = ""]) => ({
    href,
    text: inside.replaceAll(/<[^>]*>/g, ""),
  }));
  return { links, "Who are you?": text.includes("<h1>Who are you?</h1>") };
}

async function codeFor(hint: string, wished = scope) {
  const verifier = oauth.generateRandomCodeVerifier();
  const back = locationOf(await get(await authorizeUrl({ verifier, extra: { login_hint: hint, scope: wished } })));
  return { verifier, code: back.searchParams.get("code") ?? "", back };
}

async function signIn(hint: string, wished = scope): Promise<oauth.TokenEndpointResponse> {
  const { back, verifier } = await codeFor(hint, wished);
  const parameters = oauth.validateAuthResponse(server, client, back, oauth.expectNoState);
  return oauth.processAuthorizationCodeResponse(server, client, await redeem(parameters, verifier));
}

function redeem(parameters: URLSearchParams, verifier: string): Promise<Response> {
  return oauth.authorizationCodeGrantRequest(
    ...([server, client, oauth.None(), parameters, redirectUri, verifier] as const),
    asBrowser(),
  );
}

async function refresh(token: string): Promise<oauth.TokenEndpointResponse> {
  const answer = await oauth.refreshTokenGrantRequest(server, client, oauth.None(), token, {
    ...asBrowser(),
    additionalParameters: { scope },
  });
  return oauth.processRefreshTokenResponse(server, client, answer);
}

function postToken(
  form: readonly (readonly [string, string])[],
  { origin }: { origin?: string | undefined } = { origin: new URL(redirectUri).origin },
) {
  const body = new URLSearchParams(Object.fromEntries(form));
  return fetch(server.token_endpoint ?? "", { method: "POST", body, headers: origin === undefined ? {} : { origin } });
}

function personNamed(name: string) {
  const found = door.people.find((person) => person.name === name);
  if (found === undefined) throw new Error(`Nobody is called ${name}.`);
  return found;
}
