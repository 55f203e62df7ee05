/** `npm run partner-center:consent`: from nothing to a refresh token with which switches move, and every way to fail. */

import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { partnerTenantId } from "../local/stand-ins/demo-customers.ts";
import { type ManagedIdentityStandIn, startManagedIdentity } from "../local/stand-ins/managed-identity.ts";
import { partnerCenterClientId, partnerCenterSecret } from "../local/stand-ins/partner-application.ts";
import { makeEligibleCustomers, oneByOne } from "./harness/customers.ts";
import { type KeyVaultStandIn, startKeyVault } from "./harness/key-vault.ts";
import { eventually } from "./harness/ledger.ts";
import { trust } from "./harness/own-certificate.ts";
import { type Product, startProduct } from "./harness/product.ts";
import { selfSigned } from "./harness/self-signed.ts";

const customers = makeEligibleCustomers(5);
const nextCustomer = oneByOne(customers);

let product: Product;
let vault: KeyVaultStandIn;
let identity: ManagedIdentityStandIn;
let folder: string;
let distrust: () => void;
const running = new Set<ChildProcess>();

beforeAll(async () => {
  product = await startProduct({
    customers,
    partnerCenterMode: "live",
    // The app keeps its refresh token in a key vault, in which there is none yet.
    settings: async (entra, certificate) => {
      vault = await startKeyVault(entra, certificate);
      identity = await startManagedIdentity({ entra });
      return { PARTNER_CENTER_REFRESH_TOKEN: undefined, PARTNER_CENTER_KEY_VAULT_URL: vault.url, ...signedInToAzure() };
    },
  });
  distrust = trust(product.certificate.ca);
});

beforeEach(async () => {
  folder = await mkdtemp(join(process.env.TEST_FOLDER ?? "", "consent-"));
});

afterEach(() => {
  for (const child of running) child.kill("SIGKILL");
  running.clear();
  for (const server of [product.entra, product.partnerCenter]) server.faults.clear();
  Object.assign(product.entra.partnerUsers[0]!, { mfa: true, tenantId: undefined, agentRole: "AdminAgent" });
  Object.assign(product.entra.partnerApplication, { consent: "given", certificates: [] });
  product.entra.requests.clear();
  vault.refusal = undefined;
});

afterAll(async () => {
  distrust();
  await Promise.all([product.stop(), vault.close(), identity.close()]);
});

const signedInToAzure = () => ({ ...identity.environment, AZURE_CLIENT_ID: identity.clientId });

const settings = () => ({
  ENTRA_TENANT_ID: partnerTenantId,
  AZURE_AUTHORITY_HOST: product.entra.url,
  PARTNER_CENTER_ENDPOINT: product.partnerCenter.url,
  PARTNER_CENTER_CLIENT_ID: partnerCenterClientId,
  PARTNER_CENTER_CLIENT_SECRET: partnerCenterSecret,
});

interface Run {
  /** What was printed so far, to stdout and stderr. */
  output(): string;
  /** The address that the operator is told to open. */
  readonly authorizeUrl: Promise<URL>;
  readonly ended: Promise<{ readonly code: number | null; readonly output: string }>;
  readonly child: ChildProcess;
}

function consent(options: readonly string[], environment: Record<string, string | undefined> = settings()): Run {
  const child = spawn(process.execPath, [resolve("local/launch.mjs"), "consent", "--port", "0", ...options], {
    cwd: folder,
    env: { PATH: process.env.PATH, NODE_EXTRA_CA_CERTS: product.certificate.caFile, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  const ended = once(child, "close").then(([code]) => ({ code: code as number | null, output }));
  const find = async () => {
    const found = /^https:\/\/\S+\/authorize\?\S+$/m.exec(output)?.[0];
    if (found === undefined) throw new Error(`No address was printed:\n${output}`);
    return new URL(found);
  };
  const authorizeUrl = Promise.race([eventually(find), ended.then(find)]);
  authorizeUrl.catch(() => undefined);
  return { output: () => output, authorizeUrl, ended, child };
}

/** The operator's browser: signs in at Entra, and goes where it is sent. */
async function browse(url: URL) {
  const signedIn = await fetch(url, { redirect: "manual" });
  expect(signedIn.status).toBe(302);
  const target = signedIn.headers.get("location") ?? "";
  const page = await fetch(target);
  return { target: new URL(target), status: page.status, headers: page.headers, text: await page.text() };
}

/** What the browser brings instead of Entra's own answer. */
async function bring(authorizeUrl: URL, values: Record<string, string>) {
  const target = new URL(authorizeUrl.searchParams.get("redirect_uri") ?? "");
  target.search = String(new URLSearchParams({ state: authorizeUrl.searchParams.get("state") ?? "", ...values }));
  const page = await fetch(target);
  return { status: page.status, text: await page.text() };
}

const tokenRequests = () => product.entra.requests.count({ method: "POST", path: "/oauth2/v2.0/token" });

test("brings an app without a refresh token to where switches move, through the key vault", async () => {
  const customerId = nextCustomer();
  const put = () =>
    product.call("PUT", `/customers/${customerId}/permissions/azureReservations`, { body: { state: "On" } });
  const before = await put();
  expect(before).toMatchObject({ status: 409, body: { error: { code: "PartnerCenterRefused" } } });
  expect(before.body.error.details[0].remedy).toContain("npm run partner-center:consent");

  product.entra.partnerApplication.consent = "missing";
  const { authorizeUrl, ended } = consent(["--key-vault", vault.url], { ...settings(), ...signedInToAzure() });
  const page = await browse(await authorizeUrl);
  const { code, output } = await ended;

  expect(page).toMatchObject({ status: 200, text: expect.stringContaining("you can close this window") });
  expect(code).toBe(0);
  expect(output).toContain("Signed in as partner.center.automation@partner.example, of the partner's tenant.");
  expect(output).toContain("Partner Center accepts the account, and counts its multi-factor authentication.");
  expect(output).toContain(`The refresh token is stored: secret partner-center-refresh-token in ${vault.url}`);
  const [stored] = vault.versions;
  expect(vault.versions).toHaveLength(1);
  expect(output).not.toContain(String(stored).slice(0, 40));

  expect(await put()).toMatchObject({ status: 200, body: { state: "On", changed: true } });
  expect(product.partnerCenter.policies.resources(customerId)).toEqual(["AzureReservedInstances"]);
}, 60_000);

test("asks for no more than it says, and proves that the answer is its own (PKCE, state, nonce)", async () => {
  const run = consent(["--out", join(folder, "token")]);
  const query = Object.fromEntries((await run.authorizeUrl).searchParams);

  expect((await run.authorizeUrl).origin).toBe(product.entra.url);
  expect((await run.authorizeUrl).pathname).toBe(`/${partnerTenantId}/oauth2/v2.0/authorize`);
  expect(query).toEqual({
    client_id: partnerCenterClientId,
    response_type: "code",
    response_mode: "query",
    redirect_uri: expect.stringMatching(/^http:\/\/localhost:\d+\/$/),
    scope: `${product.partnerCenter.url}/user_impersonation offline_access openid profile`,
    state: expect.stringMatching(/^[\w-]{43}$/),
    nonce: expect.stringMatching(/^[\w-]{43}$/),
    prompt: "select_account",
    code_challenge: expect.stringMatching(/^[\w-]{43}$/),
    code_challenge_method: "S256",
  });
  expect(new Set([query.state, query.nonce, query.code_challenge]).size).toBe(3);
  expect(run.output()).toContain(`exactly: ${query.redirect_uri}\n`);
  expect(run.output()).toContain("AADSTS50011");
  expect(run.output()).toContain("an Admin Agent, with multi-factor");
});

test("puts the token into a file that nobody else can read, replaces the old one, and prints it nowhere", async () => {
  const file = join(folder, "token");
  await writeFile(file, "an older one", { mode: 0o644 });
  const { authorizeUrl, ended } = consent(["--out", file]);
  const page = await browse(await authorizeUrl);
  const { code, output } = await ended;

  expect(code).toBe(0);
  const token = await readFile(file, "utf8");
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readdir(folder)).toEqual(["token"]);
  expect(output).toContain("PARTNER_CENTER_REFRESH_TOKEN");
  expect(output).not.toContain(token.slice(0, 40));
  expect(output).not.toContain(page.target.searchParams.get("code"));

  const form = { client_id: partnerCenterClientId, client_secret: partnerCenterSecret, refresh_token: token };
  const body = new URLSearchParams({ grant_type: "refresh_token", ...form });
  const granted = await fetch(`${product.entra.url}/${partnerTenantId}/oauth2/v2.0/token`, { method: "POST", body });
  expect(granted.status).toBe(200);
});

test("proves the application with a certificate, and reads local.settings.json as the app does", async () => {
  const made = await selfSigned();
  product.entra.partnerApplication.certificates.push(made.certificate);
  const certificate = join(folder, "application.pem");
  await writeFile(certificate, `${made.key}${made.certificate}`);
  const { PARTNER_CENTER_CLIENT_SECRET: _, ...values } = settings();
  const file = { IsEncrypted: false, Values: { ...values, PARTNER_CENTER_CLIENT_CERTIFICATE_PATH: certificate } };
  await writeFile(join(folder, "local.settings.json"), JSON.stringify(file));

  const { authorizeUrl, ended } = consent(["--out", join(folder, "token")], {});
  await browse(await authorizeUrl);

  expect(await ended).toMatchObject({ code: 0, output: expect.stringContaining("with its certificate") });
  expect(await readFile(join(folder, "token"), "utf8")).toMatch(/^\S{100,}$/);
});

describe("an answer that is not to this sign-in", () => {
  test("is turned away without an echo and without a word to Entra, and the right one still counts", async () => {
    const run = consent(["--out", join(folder, "token")]);
    const url = await run.authorizeUrl;
    const own = url.searchParams.get("state") ?? "";

    for (const state of ["", "wrong", `${own}x`, own.slice(0, -1)]) {
      const page = await bring(url, { state, code: "<script>stolen</script>" });
      expect(page).toMatchObject({ status: 400, text: expect.not.stringContaining("stolen") });
    }
    expect(await bring(url, { error_description: "neither code nor error" })).toMatchObject({ status: 400 });
    expect(tokenRequests()).toBe(0);
    expect(run.output().match(/was turned away/g)).toHaveLength(1);

    await browse(url);
    expect(await run.ended).toMatchObject({ code: 0 });
  });

  test("may come by another path, method or name of this machine: there is nothing", async () => {
    const run = consent(["--out", join(folder, "token")]);
    const url = await run.authorizeUrl;
    const { port } = new URL(url.searchParams.get("redirect_uri") ?? "");
    const right = `/?${new URLSearchParams({ state: url.searchParams.get("state") ?? "", code: "c" })}`;

    expect(await statusOf(port, "GET", `/elsewhere${right.slice(1)}`)).toBe(404);
    expect(await statusOf(port, "GET", "/favicon.ico")).toBe(404);
    expect(await statusOf(port, "POST", right)).toBe(404);
    expect(await statusOf(port, "GET", right, `attacker.example:${port}`)).toBe(404);
    expect(tokenRequests()).toBe(0);
    // It was the name that was wrong, and nothing else.
    expect(await statusOf(port, "GET", right)).toBe(200);
    expect(await run.ended).toMatchObject({ code: 1 });
  });

  test("is a code of another sign-in of the same application: Entra finds the wrong verifier", async () => {
    const run = consent(["--out", join(folder, "token")]);
    const url = await run.authorizeUrl;
    const codeChallenge = createHash("sha256").update("somebody else's").digest("base64url");
    const redirectUri = url.searchParams.get("redirect_uri") ?? "";
    const code = product.entra.issueAuthorizationCode({ redirectUri, codeChallenge });

    await bring(url, { code });

    expect(await run.ended).toMatchObject({ code: 1, output: expect.stringContaining("AADSTS501481") });
    await expectNothingStored();
  });

  test("is a token with another nonce, which is not used", async () => {
    const run = consent(["--out", join(folder, "token")]);
    const url = await run.authorizeUrl;
    const codeChallenge = url.searchParams.get("code_challenge") ?? "";
    const redirectUri = url.searchParams.get("redirect_uri") ?? "";
    const code = product.entra.issueAuthorizationCode({ redirectUri, codeChallenge, nonce: "another" });

    await bring(url, { code });

    expect(await run.ended).toMatchObject({ code: 1, output: expect.stringContaining("does not belong to this") });
    await expectNothingStored();
  });
});

test("the operator who says no is told that nothing was stored", async () => {
  product.entra.partnerApplication.consent = "refused";
  const { authorizeUrl, ended } = consent(["--out", join(folder, "token")]);

  const page = await browse(await authorizeUrl);

  expect(page.target.searchParams.get("error")).toBe("access_denied");
  expect(page.text).not.toContain("declined");
  const { code, output } = await ended;
  expect(code).toBe(1);
  expect(output).toContain("access_denied (AADSTS65004). The consent was declined");
  expect(tokenRequests()).toBe(0);
  await expectNothingStored();
});

test.each([
  ["consent_required", "AADSTS65001: The user or administrator has not consented.", "/adminconsent?client_id="],
  ["invalid_request", "AADSTS50020: User account does not exist in tenant.", `tenant ${partnerTenantId}`],
  ["server_error\u001b[2J", "\u001b[31m AADSTS53003 blocked", "Conditional Access"],
  ["temporarily_unavailable", "", "answered temporarily_unavailable. Nothing was stored."],
])("an answer %p of Entra's page becomes a sentence with what cures it", async (error, description, words) => {
  const { authorizeUrl, ended } = consent(["--out", join(folder, "token")]);

  await bring(await authorizeUrl, { error, error_description: description });

  const { code, output } = await ended;
  expect(code).toBe(1);
  expect(output).toContain(words);
  expect(output).toContain("Nothing was stored.");
  expect(output).not.toContain("\u001b");
  await expectNothingStored();
});

test.each([
  [50011, "exactly like this"],
  [65001, "/adminconsent?client_id="],
  [7000222, "PARTNER_CENTER_CLIENT_SECRET"],
  [50076, "Sign in with multi-factor authentication."],
  [4711, "AADSTS4711"],
])("a refusal AADSTS%d of the code becomes a sentence with what cures it", async (number, words) => {
  const body = { error: "invalid_grant", error_codes: [number], error_description: "Ada said so.", trace_id: "t-1" };
  product.entra.faults.add({ match: { method: "POST" }, fault: { kind: "status", status: 400, body } });
  const { authorizeUrl, ended } = consent(["--out", join(folder, "token")]);

  await browse(await authorizeUrl);

  const { code, output } = await ended;
  expect(code).toBe(1);
  expect(output).toContain(`AADSTS${number} (trace id t-1)`);
  expect(output).toContain(words);
  expect(output).not.toContain("Ada said so");
  expect(tokenRequests()).toBe(1);
  await expectNothingStored();
});

test.each([
  ["hang up", { kind: "reset" }],
  ["answer something else", { kind: "json", body: { hello: "world" } }],
  ["are down", { kind: "status", status: 503 }],
] as const)("Entra that should %s is asked once, since a code is good for one time only", async (_, fault) => {
  product.entra.faults.add({ match: { method: "POST" }, fault });
  const { authorizeUrl, ended } = consent(["--out", join(folder, "token")]);

  await browse(await authorizeUrl);

  expect(await ended).toMatchObject({ code: 1, output: expect.stringContaining("does not answer as it should") });
  expect(tokenRequests()).toBe(1);
  await expectNothingStored();
});

test("an account of another tenant is refused, whatever it may do there", async () => {
  product.entra.partnerUsers[0]!.tenantId = customers[0]!.customer.tenantId;
  const { authorizeUrl, ended } = consent(["--out", join(folder, "token")]);

  await browse(await authorizeUrl);

  expect(await ended).toMatchObject({ code: 1, output: expect.stringContaining("is of another tenant") });
  await expectNothingStored();
});

test.each([true, false])("a sign-in without a second factor is not stored (enforced: %s)", async (enforced) => {
  product.partnerCenter.behaviour.mfaEnforced = enforced;
  product.entra.partnerUsers[0]!.mfa = false;
  const { authorizeUrl, ended } = consent(["--out", join(folder, "token")]);

  await browse(await authorizeUrl);

  expect(await ended).toMatchObject({ code: 1, output: expect.stringContaining("no multi-factor authentication") });
  await expectNothingStored();
  product.partnerCenter.behaviour.mfaEnforced = true;
});

test("an account without any role in Partner Center is not stored", async () => {
  product.entra.partnerUsers[0]!.agentRole = undefined;
  const { authorizeUrl, ended } = consent(["--out", join(folder, "token")]);

  await browse(await authorizeUrl);

  const { code, output } = await ended;
  expect(code).toBe(1);
  expect(output).toContain("403/900150");
  expect(output).toContain("Give the account of this service the role Admin Agent");
  await expectNothingStored();
});

test("Partner Center that is down cannot confirm the second factor, so nothing is stored", async () => {
  product.partnerCenter.faults.down = true;
  const { authorizeUrl, ended } = consent(["--out", join(folder, "token")]);

  await browse(await authorizeUrl);

  expect(await ended).toMatchObject({
    code: 1,
    output: expect.stringContaining("Partner Center is unavailable. Nothing was stored; run this again later."),
  });
  await expectNothingStored();
});

test("a key vault that refuses is told with what cures it, and the token stays secret", async () => {
  vault.refusal = { status: 403, code: "Forbidden" };
  const before = vault.versions.length;
  const environment = { ...settings(), PARTNER_CENTER_KEY_VAULT_URL: vault.url, ...signedInToAzure() };
  const { authorizeUrl, ended } = consent([], environment);

  await browse(await authorizeUrl);

  const { code, output } = await ended;
  expect(code).toBe(1);
  expect(output).toContain("403 Forbidden");
  expect(output).toContain("Key Vault Secrets Officer");
  expect(output).not.toMatch(/\b1\.[\w-]{40,}/);
  expect(vault.versions).toHaveLength(before);
});

test("nobody who comes in time: it ends, and the port is free again", async () => {
  const { authorizeUrl, ended } = consent(["--out", join(folder, "token"), "--timeout", "1"]);
  const url = await authorizeUrl;

  expect(await ended).toMatchObject({ code: 1, output: expect.stringContaining("Nobody signed in within 1 seconds.") });
  await expect(bring(url, { code: "c" })).rejects.toThrow();
  await expectNothingStored();
});

test.each(["SIGINT", "SIGTERM"] as const)("%s stops it while it waits", async (signal) => {
  const { authorizeUrl, ended, child } = consent(["--out", join(folder, "token")]);
  await authorizeUrl;

  child.kill(signal);

  expect(await ended).toMatchObject({ code: 130, output: expect.stringContaining("Stopped. Nothing was stored.") });
  await expectNothingStored();
});

test("SIGINT stops it while Entra keeps it waiting, at once", async () => {
  product.entra.faults.add({ match: { method: "POST" }, fault: { kind: "hang" } });
  const { authorizeUrl, ended, child } = consent(["--out", join(folder, "token")]);
  await browse(await authorizeUrl);
  await eventually(async () => expect(tokenRequests()).toBe(1));
  const begun = Date.now();

  child.kill("SIGINT");

  expect(await ended).toMatchObject({ code: 130 });
  expect(Date.now() - begun).toBeLessThan(3_000);
  await expectNothingStored();
});

describe("before anybody is asked to sign in, it says", () => {
  test.each<[string, string[], Record<string, string | undefined>, string[]]>([
    ["where the token shall go", [], {}, ["Say where the refresh token shall go"]],
    ["that one place is enough", ["--out", "t", "--key-vault", "https://v.vault.azure.net"], {}, ["not both"]],
    ["that the folder is missing", ["--out", "nowhere/token"], {}, ["is not there"]],
    ["that the file is a folder", ["--out", "."], {}, ["is a folder"]],
    ["that the port is none", ["--out", "t", "--port", "70000"], {}, ["--port must be a number up to 65535"]],
    ["that the time is none", ["--out", "t", "--timeout", "0"], {}, ["--timeout must be a number of seconds"]],
    ["that an option is unknown", ["--accept-no-mfa"], {}, ["--accept-no-mfa"]],
    ["that the vault is none", ["--key-vault", "https://example.com"], {}, ["PARTNER_CENTER_KEY_VAULT_URL must be"]],
    [
      "all that is wrong with the settings",
      ["--out", "t"],
      {
        ...{ ENTRA_TENANT_ID: undefined, PARTNER_CENTER_CLIENT_ID: undefined },
        ...{ PARTNER_CENTER_CLIENT_SECRET: undefined, AZURE_AUTHORITY_HOST: "https://example.com" },
      },
      ["PARTNER_CENTER_TENANT_ID", "PARTNER_CENTER_CLIENT_ID", "_CLIENT_SECRET", "AZURE_AUTHORITY_HOST"],
    ],
    [
      "that the certificate cannot be used",
      ["--out", "t"],
      { PARTNER_CENTER_CLIENT_SECRET: undefined, PARTNER_CENTER_CLIENT_CERTIFICATE_PATH: "nowhere.pem" },
      ["certificate of the application for Partner Center cannot be used"],
    ],
  ])("%s", async (_, options, otherwise, sentences) => {
    const { ended } = consent(options, { ...settings(), ...otherwise });

    const { code, output } = await ended;

    expect(code).toBe(1);
    for (const sentence of sentences) expect(output).toContain(sentence);
    expect(output).not.toMatch(/^\s+at /m);
    expect(output).not.toContain("/authorize?");
    expect(await readdir(folder)).toEqual([]);
  });

  test("that somebody else has the port", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;

    const { code, output } = await consent(["--out", "t", "--port", String(port)]).ended;

    other.close();
    expect(code).toBe(1);
    expect(output).toContain(`Port ${port} is in use by another program`);
  });

  test("what is wrong with local.settings.json", async () => {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "local.settings.json"), "{");

    const { code, output } = await consent(["--out", "t"], {}).ended;

    expect(code).toBe(1);
    expect(output).toContain("is not valid JSON");
    expect(output).not.toMatch(/^\s+at /m);
  });
});

async function expectNothingStored(): Promise<void> {
  expect(await readdir(folder)).toEqual([]);
}

/** As `fetch` cannot: with any Host. */
function statusOf(port: string, method: string, path: string, host = `localhost:${port}`): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, method, path, headers: { host } }, (response) => {
      response.resume().on("end", () => resolve(response.statusCode ?? 0));
    });
    asked.on("error", reject).end();
  });
}
