/** Partner Center's self-serve policies, the tokens they need and where the refresh token is kept, each over HTTPS. */

import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { decodeJwt } from "jose";
import { makeDemoCustomers, partnerTenantId } from "../local/stand-ins/demo-customers.ts";
import { startDemoEntra } from "../local/stand-ins/demo-entra.ts";
import type { EntraStandIn } from "../local/stand-ins/entra.ts";
import type { Fault } from "../local/stand-ins/faults.ts";
import { startServer } from "../local/stand-ins/https-server.ts";
import { startManagedIdentity } from "../local/stand-ins/managed-identity.ts";
import type { PartnerApplication, PartnerUser } from "../local/stand-ins/partner-application.ts";
import { type PartnerCenterStandIn, startPartnerCenter } from "../local/stand-ins/partner-center.ts";
import type { PartnerCenterLimits } from "../shared/adapters/partner-center-calls.ts";
import { probeMfa } from "../shared/adapters/partner-center-mfa.ts";
import { createPartnerCenterPolicies } from "../shared/adapters/partner-center-policies.ts";
import {
  createPartnerCenterTokens,
  type PartnerCenterTokenOptions,
  type PartnerCenterTokens,
  type RefreshTokens,
} from "../shared/adapters/partner-center-tokens.ts";
import { createRefreshTokenSetting, createRefreshTokenVault } from "../shared/adapters/refresh-token-vault.ts";
import type { CustomerId } from "../shared/domain/identifiers.ts";
import type { PartnerCenterRefusalReason } from "../shared/domain/partner-center-refusal.ts";
import type { PolicyPermission, SelfServePolicy } from "../shared/domain/self-serve-policy.ts";
import type { PartnerCenterCall, SelfServePolicies } from "../shared/ports.ts";
import { failureOf } from "./harness/failure-of.ts";
import { type KeyVaultStandIn, startKeyVault } from "./harness/key-vault.ts";
import { makeOwnCertificate, type OwnCertificate } from "./harness/own-certificate.ts";
import { selfSigned } from "./harness/self-signed.ts";

let own: OwnCertificate;
let entra: EntraStandIn;
const customers = makeDemoCustomers().map(({ customer }) => customer);

beforeAll(async () => {
  own = await makeOwnCertificate("partner-center");
});

beforeEach(async () => {
  entra = await startDemoEntra({ ...own, customers });
});

afterEach(() => entra.close());

afterAll(async () => {
  await own.remove();
});

const endpoint = "https://api.partnercenter.microsoft.com";
const soon = () => AbortSignal.timeout(10_000);

/** Everything that a log could make of an error. */
const everythingOf = (error: unknown) => inspect(error, { depth: 12, showHidden: true });

/** A store of refresh tokens that tells what was done to it. */
function notedTokens(first: string): RefreshTokens & { readonly written: string[] } {
  const written: string[] = [];
  return {
    written,
    read: async () => written.at(-1) ?? first,
    write: async (token) => void written.push(token),
  };
}

interface Warning {
  readonly message: string;
  readonly cause: unknown;
}

function tokensOf(options: Partial<PartnerCenterTokenOptions> & Pick<PartnerCenterTokenOptions, "refreshTokens">) {
  const warnings: Warning[] = [];
  const tokens = createPartnerCenterTokens({
    authorityHost: entra.url,
    tenantId: partnerTenantId,
    clientId: entra.partnerApplication.clientId,
    credential: { clientSecret: entra.partnerApplication.secret },
    endpoint,
    telemetry: { warning: (message, cause) => void warnings.push({ message, cause }) },
    ...options,
  });
  return { tokens, warnings };
}

const tokenRequests = () => entra.requests.count({ method: "POST", path: "/oauth2/v2.0/token" });

describe("an access token for Partner Center", () => {
  test("is bought with the refresh token, kept, and bought once however many ask", async () => {
    const refreshTokens = notedTokens(await entra.issueRefreshToken());
    const { tokens, warnings } = tokensOf({ refreshTokens });

    const [first, ...others] = await Promise.all(Array.from({ length: 10 }, () => tokens.get(soon())));
    const later = await tokens.get(soon());

    expect(decodeJwt(first ?? "")).toMatchObject({ aud: endpoint, scp: "user_impersonation", tid: partnerTenantId });
    expect(new Set([...others, later])).toEqual(new Set([first]));
    expect(tokenRequests()).toBe(1);
    expect(refreshTokens.written).toHaveLength(1);
    expect(warnings).toEqual([]);
  });

  test("is not given out before the new refresh token is kept", async () => {
    const refreshTokens = notedTokens(await entra.issueRefreshToken());
    const { promise: isKept, resolve: keep } = Promise.withResolvers<void>();
    const { tokens } = tokensOf({ refreshTokens: { ...refreshTokens, write: () => isKept } });
    let isOut = false;

    const token = tokens.get(soon()).finally(() => {
      isOut = true;
    });
    while (entra.requests.entries[0]?.endedAt === undefined) await new Promise(setImmediate);
    await new Promise((resolve) => setTimeout(resolve, 50));

    expect(isOut).toBe(false);
    keep();
    await expect(token).resolves.toEqual(expect.any(String));
  });

  test("is renewed with the newest refresh token, five minutes before its end", async () => {
    entra.partnerApplication.usedRefreshTokens = "expire";
    entra.tokenLifetimeSeconds = 299;
    const { tokens } = tokensOf({ refreshTokens: createRefreshTokenSetting(await entra.issueRefreshToken()) });

    await tokens.get(soon());
    entra.tokenLifetimeSeconds = 305;
    const second = await tokens.get(soon());
    const third = await tokens.get(soon());

    expect(tokenRequests()).toBe(2);
    expect(third).toBe(second);
  });

  test("is forgotten when it is the one that was refused, and only then", async () => {
    const { tokens } = tokensOf({ refreshTokens: notedTokens(await entra.issueRefreshToken()) });

    const first = await tokens.get(soon());
    tokens.forget("another one");
    await tokens.get(soon());
    expect(tokenRequests()).toBe(1);

    tokens.forget(first);
    const second = await tokens.get(soon());
    tokens.forget();
    await tokens.get(soon());

    expect(tokenRequests()).toBe(3);
    expect(second).not.toBe(first);
  });

  test.each([
    ["fails", () => Promise.reject(new Error("The vault is closed."))],
    ["never ends", () => new Promise<void>(() => {})],
  ])("is good although the keeping of the new refresh token %s; that is a warning", async (_, write) => {
    const first = await entra.issueRefreshToken();
    const { tokens, warnings } = tokensOf({
      refreshTokens: { read: async () => first, write },
      limits: { writeMilliseconds: 100 },
    });

    await tokens.get(soon());
    tokens.forget();
    await tokens.get(soon());

    expect(warnings).toHaveLength(2);
    expect(warnings[0]?.message).toMatch(/new refresh token .* could not be kept/);
    expect(everythingOf(warnings)).not.toContain(first);
  });
});

describe("Entra refuses a token", () => {
  const automation = () => entra.partnerUsers[0]!;
  const application = (changed: Partial<PartnerApplication>) => () =>
    void Object.assign(entra.partnerApplication, changed);
  const daysAgo = (days: number) => new Date(Date.now() - days * 24 * 60 * 60_000);
  const answers =
    (error: string, code: number, status = 400) =>
    () => {
      const body = { error, error_description: `AADSTS${code}: Not now.`, error_codes: [code], trace_id: "trace-7" };
      entra.faults.add({ fault: { kind: "status", status, body } });
    };

  test.each<[string, string, string | undefined, () => unknown]>([
    ["AADSTS700082", "SignInRequired", "90 days without use", () => entra.issueRefreshToken({ issuedAt: daysAgo(91) })],
    [
      "AADSTS50173",
      "SignInRequired",
      "a new password",
      async () => {
        const token = await entra.issueRefreshToken({ issuedAt: daysAgo(2) });
        automation().tokensValidFrom = daysAgo(1);
        return token;
      },
    ],
    ["AADSTS50057", "SignInRequired", "a disabled account", () => void Object.assign(automation(), { disabled: true })],
    ["AADSTS65001", "SignInRequired", "no consent", application({ consent: "missing" })],
    ["AADSTS7000215", "SignInRequired", "a wrong secret", application({ secret: "another" })],
    ["AADSTS7000222", "SignInRequired", "an old secret", application({ secretExpired: true })],
    ["AADSTS9002313", "SignInRequired", "a token that is none", () => "0.AAAA"],
    ["AADSTS70008", "SignInRequired", "a token that was used", answers("invalid_grant", 70008)],
    ["AADSTS53003", "SignInRequired", "Conditional Access", answers("access_denied", 53003, 401)],
    [
      "AADSTS50076",
      "MfaRequired",
      "no second factor",
      () => {
        entra.partnerApplication.requiresMfa = true;
        automation().mfa = false;
      },
    ],
    ["AADSTS50079", "MfaRequired", "no second factor set up", answers("invalid_grant", 50079)],
    [
      "AADSTS50076",
      "MfaRequired",
      "a number in the text only",
      () => {
        const body = { error: "invalid_grant", error_description: "AADSTS50076: Due to a change" };
        entra.faults.add({ fault: { kind: "status", status: 400, body } });
      },
    ],
    ["AADSTS70011", "Refused", "a wrong scope", answers("invalid_scope", 70011)],
  ])("%s: %s (%s)", async (partnerCenterCode, reason, _, prepare) => {
    const secret = entra.partnerApplication.secret;
    const refreshToken = ((await prepare()) as string | undefined) ?? (await entra.issueRefreshToken());
    const refreshTokens = notedTokens(refreshToken);
    const { tokens } = tokensOf({ refreshTokens, credential: { clientSecret: secret } });

    const error = await failureOf(tokens.get(soon()));

    expect(error).toMatchObject({ name: "PartnerCenterRefusal", reason, partnerCenterCode });
    expect(error.message).toMatch(new RegExp(`${partnerCenterCode}\\b`));
    expect(everythingOf(error)).not.toContain(refreshToken);
    expect(everythingOf(error)).not.toContain(secret);
    expect(refreshTokens.written).toEqual([]);
    expect(tokenRequests()).toBe(1);
  });

  test("because there is none to refresh: nothing is asked", async () => {
    const { tokens } = tokensOf({ refreshTokens: createRefreshTokenSetting(" ") });

    expect(await failureOf(tokens.get(soon()))).toMatchObject({ reason: "SignInRequired" });
    expect(entra.requests.entries).toEqual([]);
  });
});

describe("Entra has no answer", () => {
  const throttled = { headers: { "Retry-After": "17" }, status: 429 };

  test.each<[string, Fault, number]>([
    ["503", { kind: "status", status: 503 }, 2],
    ["500", { kind: "status", status: 500 }, 2],
    ["429", { kind: "status", ...throttled }, 1],
    ["an error page", { kind: "html" }, 2],
    ["an error page that calls itself 400", { kind: "html", status: 400 }, 2],
    ["a page for people", { kind: "html", status: 200 }, 2],
    ["half of the JSON", { kind: "cutJson" }, 2],
    ["a cut connection", { kind: "cutJson", how: "contentLength" }, 2],
    ["a reset", { kind: "reset" }, 2],
    ["silence", { kind: "hang" }, 2],
    ["an empty object", { kind: "json", body: {} }, 2],
    ["no life", { kind: "json", body: { token_type: "Bearer", access_token: "a.b.c", expires_in: 0 } }, 2],
    ["two lines", { kind: "json", body: { token_type: "Bearer", access_token: "a\r\nb", expires_in: 60 } }, 2],
    ["temporarily_unavailable", { kind: "status", status: 400, body: { error: "temporarily_unavailable" } }, 2],
    ["a redirect", { kind: "redirect", to: "https://elsewhere.example/token", status: 307 }, 2],
  ])("%s: unavailable, and well again afterwards", async (_, fault, requests) => {
    const refreshToken = await entra.issueRefreshToken();
    const { tokens } = tokensOf({
      refreshTokens: createRefreshTokenSetting(refreshToken),
      limits: { attemptMilliseconds: 250, backOffMilliseconds: 10 },
    });
    const rule = entra.faults.add({ fault });

    const error = await failureOf(tokens.get(soon()));
    entra.faults.remove(rule);

    expect(error).toMatchObject({
      name: "Refusal",
      code: "DependencyUnavailable",
      message: "Microsoft Entra is unavailable.",
      retryAfterSeconds: "status" in fault && fault.status === 429 ? 17 : 5,
    });
    for (const secret of [refreshToken, entra.partnerApplication.secret]) {
      expect(everythingOf(error)).not.toContain(secret.slice(0, 30));
    }
    expect(tokenRequests()).toBe(requests);
    await expect(tokens.get(soon())).resolves.toEqual(expect.any(String));
  });

  test("once, and then it has: nobody notices", async () => {
    const { tokens } = tokensOf({ refreshTokens: createRefreshTokenSetting(await entra.issueRefreshToken()) });
    entra.faults.add({ times: 1, fault: { kind: "reset" } });

    await expect(tokens.get(soon())).resolves.toEqual(expect.any(String));
  });

  test("before the deadline of the one who asks, and later for the next", async () => {
    const { tokens } = tokensOf({ refreshTokens: createRefreshTokenSetting(await entra.issueRefreshToken()) });
    entra.faults.add({ fault: { kind: "slow", ms: 400 } });

    const impatient = failureOf(tokens.get(AbortSignal.timeout(50)));
    const patient = tokens.get(soon());

    expect(await impatient).toMatchObject({ code: "DependencyUnavailable" });
    await expect(patient).resolves.toEqual(expect.any(String));
    expect(tokenRequests()).toBe(1);
  });

  test("and a store of refresh tokens that hangs blocks nobody for ever", async () => {
    const refreshToken = await entra.issueRefreshToken();
    let reads = 0;
    const read = () => (reads++ === 0 ? new Promise<string>(() => {}) : Promise.resolve(refreshToken));
    const { tokens } = tokensOf({
      refreshTokens: { read, write: async () => {} },
      limits: { flightMilliseconds: 100 },
    });

    expect(await failureOf(tokens.get(soon()))).toMatchObject({ code: "DependencyUnavailable" });
    await expect(tokens.get(soon())).resolves.toEqual(expect.any(String));
  });
});

describe("the application proves itself with a certificate", () => {
  test("that Entra knows, found among others in the file", async () => {
    const [ours, other] = await Promise.all([selfSigned(), selfSigned()]);
    entra.partnerApplication.certificates.push(ours.certificate);
    const { tokens } = await tokensWith(`${other.certificate}${ours.certificate}${ours.key}`);

    await expect(tokens.get(soon())).resolves.toEqual(expect.any(String));
  });

  test.each<[string, string | undefined, () => Promise<string>]>([
    ["Entra does not know", "AADSTS700027", async () => pemOf(await selfSigned())],
    ["belongs to another key", undefined, async () => `${(await selfSigned()).certificate}${(await selfSigned()).key}`],
    ["has no RSA key", undefined, async () => pemOf(await selfSigned({ name: "ECDSA", namedCurve: "P-256" }))],
    ["lacks its key", undefined, async () => (await selfSigned()).certificate],
    ["is none", undefined, async () => "not a certificate"],
  ])("that %s: SignInRequired", async (_, partnerCenterCode, pem) => {
    const { tokens } = await tokensWith(await pem());

    const error = await failureOf(tokens.get(soon()));

    expect(error).toMatchObject({ reason: "SignInRequired", partnerCenterCode });
    expect(everythingOf(error)).not.toMatch(/PRIVATE KEY-----\s*\S/);
  });

  test("in a file that is not there: SignInRequired", async () => {
    const certificatePath = join(own.folder, "nowhere.pem");
    const refreshTokens = createRefreshTokenSetting(await entra.issueRefreshToken());

    const { tokens } = tokensOf({ refreshTokens, credential: { certificatePath } });

    expect(await failureOf(tokens.get(soon()))).toMatchObject({ reason: "SignInRequired" });
  });

  async function tokensWith(pem: string) {
    const certificatePath = join(own.folder, "application.pem");
    await writeFile(certificatePath, pem);
    const refreshTokens = createRefreshTokenSetting(await entra.issueRefreshToken());
    return tokensOf({ refreshTokens, credential: { certificatePath } });
  }

  const pemOf = (made: Awaited<ReturnType<typeof selfSigned>>) => `${made.key}${made.certificate}`;
});

describe("the refresh token in Key Vault", () => {
  let vault: KeyVaultStandIn;
  let restore: () => Promise<void>;
  let managedIdentityClientId: string;

  beforeEach(async () => {
    vault = await startKeyVault(entra, own.certificate);
    const identity = await startManagedIdentity({ entra });
    managedIdentityClientId = identity.clientId;
    Object.assign(process.env, identity.environment);
    restore = async () => {
      for (const name of Object.keys(identity.environment)) delete process.env[name];
      await Promise.all([identity.close(), vault.close()]);
    };
  });
  afterEach(() => restore());

  const open = (limits = {}) => createRefreshTokenVault({ keyVaultUrl: vault.url, managedIdentityClientId, limits });

  test("is the newest one, and gets a new version when it is rotated", async () => {
    vault.versions.push("older", await entra.issueRefreshToken());
    const { tokens, warnings } = tokensOf({ refreshTokens: open() });

    await tokens.get(soon());

    expect(warnings).toEqual([]);
    expect(vault.versions).toHaveLength(3);
    await expect(open().read()).resolves.toBe(vault.versions[2]);
  });

  test("is missing: SignInRequired", async () => {
    expect(await failureOf(open().read())).toMatchObject({ name: "PartnerCenterRefusal", reason: "SignInRequired" });
  });

  test.each([
    ["the identity has no right to it", 403, "Forbidden"],
    ["the vault is down", 503, "ServiceUnavailable"],
    ["the vault is not there", 404, "ResourceNotFound"],
  ])("is out of reach when %s: unavailable, and the secret is in no error", async (_, status, code) => {
    vault.refusal = { status, code };

    for (const error of [await failureOf(open().read()), await failureOf(open().write("a-secret-that-is-written"))]) {
      expect(error).toMatchObject({ code: "DependencyUnavailable", message: "Key Vault is unavailable." });
      expect(error.cause).toMatchObject({ code, statusCode: status });
      expect(everythingOf(error)).not.toContain("a-secret-that-is-written");
    }
  });

  test("is out of reach when the vault hangs: unavailable in time", async () => {
    vault.faults.add({ fault: { kind: "hang" } });

    expect(await failureOf(open({ callMilliseconds: 300 }).read())).toMatchObject({ code: "DependencyUnavailable" });
  });
});

type Operation = "read" | "create" | "replace" | "remove";
const operations: readonly Operation[] = ["read", "create", "replace", "remove"];

const customerId = customers[0]!.tenantId as CustomerId;
const reservations: PolicyPermission = { resource: "AzureReservedInstances", action: "Purchase" };
const savingsPlans: PolicyPermission = { resource: "AzureSavingsPlan", action: "Purchase" };
const newCall = (): PartnerCenterCall => ({ requestId: randomUUID(), correlationId: randomUUID() });

/** What is kept about the customer, as it travels. */
const policyItem = {
  id: `${partnerTenantId}_${customerId}`,
  selfServeEntity: { selfServeEntityType: "customer", tenantID: customerId },
  grantor: { grantorType: "billToPartner", tenantID: partnerTenantId },
  permissions: [reservations],
  attributes: { etag: '"1"', objectType: "SelfServePolicy" },
};
const readPolicy: SelfServePolicy = { id: policyItem.id, etag: '"1"', permissions: [reservations] };

describe("with Partner Center", () => {
  let partnerCenter: PartnerCenterStandIn;
  let account: PartnerUser;
  /** Every token that the adapter got: none may come out again. */
  let given: string[];
  let tokens: PartnerCenterTokens;
  let policies: SelfServePolicies;

  beforeEach(async () => {
    partnerCenter = await startPartnerCenter({ certificate: own.certificate, customers, entra, partnerTenantId });
    account = entra.partnerUsers[0]!;
    given = [];
    const made = tokensOf({
      refreshTokens: createRefreshTokenSetting(await entra.issueRefreshToken()),
      endpoint: partnerCenter.url,
    }).tokens;
    tokens = {
      ...made,
      async get(deadline) {
        const token = await made.get(deadline);
        given.push(token);
        return token;
      },
    };
    policies = open();
  });
  afterEach(() => partnerCenter.close());

  const open = (limits: PartnerCenterLimits = {}) =>
    createPartnerCenterPolicies({
      endpoint: partnerCenter.url,
      partnerTenantId,
      tokens,
      limits: { backOffMilliseconds: 10, ...limits },
    });

  function run(operation: Operation, by = policies, call = newCall()): Promise<unknown> {
    switch (operation) {
      case "read":
        return by.read(customerId, call);
      case "create":
        return by.create(customerId, [reservations], call);
      case "replace":
        return by.replace(customerId, readPolicy, [savingsPlans], call);
      case "remove":
        return by.remove(customerId, readPolicy, call);
    }
  }

  const requests = () => partnerCenter.requests.entries;
  const sent = (header: string) => requests().map(({ headers }) => headers[header]);

  async function expectRefusal(
    promise: Promise<unknown>,
    reason: PartnerCenterRefusalReason,
    code: string | undefined,
  ) {
    const error = await failureOf(promise);
    expect(error).toMatchObject({ name: "PartnerCenterRefusal", reason, partnerCenterCode: code });
    expectNoToken(error);
    return error;
  }

  async function expectUnavailable(promise: Promise<unknown>, retryAfterSeconds = 5) {
    const error = await failureOf(promise);
    expect(error).toMatchObject({ name: "Refusal", code: "DependencyUnavailable", retryAfterSeconds });
    expectNoToken(error);
    return error;
  }

  function expectNoToken(error: unknown): void {
    expect(given).not.toHaveLength(0);
    for (const token of given) expect(everythingOf(error)).not.toContain(token.slice(0, 40));
    for (const { path, query } of requests()) expect(`${path}?${query}`).not.toMatch(/eyJ|secret|token/i);
  }

  describe("a customer's policy", () => {
    test("is created, read, replaced and removed", async () => {
      await expect(policies.read(customerId, newCall())).resolves.toBeUndefined();
      await expect(policies.create(customerId, [reservations], newCall())).resolves.toBe("done");

      const created = await policies.read(customerId, newCall());
      expect(created).toMatchObject({ id: policyItem.id, permissions: [reservations] });
      expect(created!.etag).toMatch(/^"[\da-f-]{36}"$/);
      await expect(policies.replace(customerId, created!, [savingsPlans], newCall())).resolves.toBe("done");
      expect(partnerCenter.policies.resources(customerId)).toEqual(["AzureSavingsPlan"]);

      const replaced = await policies.read(customerId, newCall());
      await expect(policies.remove(customerId, replaced!, newCall())).resolves.toBe("done");
      expect(partnerCenter.policies.of(customerId)).toBeUndefined();
      expect(partnerCenter.audit.records.map(({ operationType }) => operationType)).toEqual([
        "create_self_serve_policy",
        "update_self_serve_policy",
        "delete_self_serve_policy",
      ]);
      expect(tokenRequests()).toBe(1);
    });

    test("keeps what others permitted, to the last member", async () => {
      const others = { resource: "AzureSomethingNew", action: "Rent", until: "2027-01-01", limits: { amount: 3 } };
      partnerCenter.policies.set(customerId, [others, "AzureReservedInstances"]);

      const policy = await policies.read(customerId, newCall());
      await policies.replace(customerId, policy!, [...policy!.permissions, savingsPlans], newCall());

      expect(partnerCenter.policies.of(customerId)?.permissions).toEqual([others, reservations, savingsPlans]);
    });

    test("exists already: it is not touched", async () => {
      partnerCenter.policies.set(customerId, ["AzureSavingsPlan"]);

      await expect(policies.create(customerId, [reservations], newCall())).resolves.toBe("exists");

      expect(partnerCenter.policies.resources(customerId)).toEqual(["AzureSavingsPlan"]);
    });

    test.each(["400", "409", "412"] as const)("has changed since it was read (%s): stale", async (status) => {
      partnerCenter.behaviour.staleEtag = status;
      partnerCenter.policies.set(customerId, ["AzureReservedInstances"]);
      const policy = await policies.read(customerId, newCall());
      partnerCenter.policies.set(customerId, ["AzureReservedInstances", "AzureSavingsPlan"]);

      await expect(policies.replace(customerId, policy!, [savingsPlans], newCall())).resolves.toBe("stale");

      expect(partnerCenter.policies.resources(customerId)).toEqual(["AzureReservedInstances", "AzureSavingsPlan"]);
    });

    test.each(["replace", "remove"] as const)("is gone: there is nothing to %s", async (operation) => {
      await expect(run(operation)).resolves.toBe("gone");
      expect(partnerCenter.audit.records).toEqual([]);
    });

    test.each<[Operation, string, number, object]>([
      ["read", "undefined", 404, { code: "600039" }],
      ["create", "exists", 409, {}],
      ["replace", "stale", 412, {}],
      ["replace", "stale", 409, { code: "409001" }],
      ["remove", "stale", 412, { code: "2055" }],
      ["remove", "stale", 400, { code: "2055" }],
      ["remove", "gone", 404, { code: 600039 }],
    ])("%s is %s at %i %j", async (operation, outcome, status, body) => {
      partnerCenter.faults.add({ fault: { kind: "status", status, body } });

      expect(String(await run(operation))).toBe(outcome);
      expect(requests()).toHaveLength(1);
    });

    test("is not created or replaced without a permission: nothing is sent", async () => {
      await expect(policies.create(customerId, [], newCall())).rejects.toThrow(RangeError);
      await expect(policies.replace(customerId, readPolicy, [], newCall())).rejects.toThrow(RangeError);

      expect(requests()).toEqual([]);
    });

    test("is understood with a byte order mark in front", async () => {
      partnerCenter.behaviour.byteOrderMark = true;
      partnerCenter.policies.set(customerId, ["AzureReservedInstances"]);

      await expect(policies.read(customerId, newCall())).resolves.toMatchObject({ permissions: [reservations] });
    });
  });

  describe("Partner Center refuses", () => {
    test.each<[PartnerCenterRefusalReason, number, string | undefined]>([
      ["MfaRequired", 401, "900421"],
      ["SignInRequired", 401, "900420"],
      ["SignInRequired", 401, "Unauthorized"],
      ["SignInRequired", 401, undefined],
      ["SignInRequired", 403, "900309"],
      ["RoleMissing", 403, "900150"],
      ["RoleMissing", 403, "900149"],
      ["RoleMissing", 403, "900308"],
      ["AppOnlyToken", 403, "900329"],
      ["NoRelationship", 403, "20002"],
      ["NoRelationship", 404, "60003"],
      ["NoRelationship", 400, "900118"],
      ["Refused", 404, "600040"],
      ["Refused", 403, "4711"],
      ["Refused", 403, "constructor"],
      ["Refused", 400, undefined],
      ["Refused", 404, undefined],
    ])("%s: %i/%s, whatever was asked", async (reason, status, code) => {
      const body = { ...(code === undefined ? {} : { code }), description: "Not you.", data: [], source: "test" };
      partnerCenter.faults.add({ fault: { kind: "status", status, body } });

      for (const operation of operations) {
        partnerCenter.requests.clear();
        const call = newCall();
        const error = await expectRefusal(run(operation, policies, call), reason, code);

        // A 401 is worth one more token, but not a third.
        expect(requests()).toHaveLength(status === 401 ? 2 : 1);
        const ids = `MS-CorrelationId ${call.correlationId}, MS-RequestId ${call.requestId}`;
        expect(error.message).toMatch(new RegExp(`with ${status}${code === undefined ? "" : `/${code}`} \\(${ids}\\)`));
        expect(error.message).toContain("It says: Not you.");
      }
    });

    test("an account without a second factor, without the role, and an application alone", async () => {
      account.mfa = false;
      await expectRefusal(policies.read(customerId, newCall()), "MfaRequired", "900421");
      account.mfa = true;
      account.agentRole = "SalesAgent";
      await expect(policies.read(customerId, newCall())).resolves.toBeUndefined();
      await expectRefusal(policies.create(customerId, [reservations], newCall()), "RoleMissing", "900150");
      const alone = await entra.issuePartnerCenterAppToken();
      const byApplication = createPartnerCenterPolicies({
        endpoint: partnerCenter.url,
        partnerTenantId,
        tokens: { get: async () => alone, forget: () => undefined },
      });
      await expectRefusal(byApplication.read(customerId, newCall()), "AppOnlyToken", "900329");
    });

    test("customers of others, and what Entra refuses comes through as it is", async () => {
      await expectRefusal(policies.read(randomUUID() as string as CustomerId, newCall()), "NoRelationship", "60003");
      entra.partnerApplication.consent = "missing";
      tokens.forget();

      await expectRefusal(policies.read(customerId, newCall()), "SignInRequired", "AADSTS65001");
    });

    test("an expired token once: another one is fetched, and the call is still the same", async () => {
      partnerCenter.faults.add({ times: 1, fault: { kind: "status", status: 401 } });

      await expect(run("create")).resolves.toBe("done");

      expect(new Set(sent("ms-requestid")).size).toBe(1);
      expect(new Set(sent("authorization")).size).toBe(2);
      expect(tokenRequests()).toBe(2);
    });

    test("in words that are cut, and hold nothing that is long enough to be a token", async () => {
      const token = await tokens.get(soon());
      const description = `No!\r\n\u0007${token} ${"very ".repeat(100)}`;
      partnerCenter.faults.add({ fault: { kind: "status", status: 400, body: { code: "1", description } } });

      const { message } = await expectRefusal(run("create"), "Refused", "1");

      expect(message).toMatch(/It says: No! … very/);
      expect(message.length).toBeLessThan(400);
    });
  });

  describe("an answer that makes no sense is no answer", () => {
    const list = (...items: unknown[]) => ({
      totalCount: items.length,
      items,
      attributes: { objectType: "Collection" },
    });

    test.each<[string, unknown]>([
      ["an empty object", {}],
      ["a list", []],
      ["null", null],
      ["a text", "no"],
      ["items that are none", { totalCount: 0, items: {} }],
      ["no items", { totalCount: 0 }],
      ["no count", { items: [] }],
      ["a count without its item", { totalCount: 1, items: [] }],
      ["an error in disguise", { code: "600039", description: "Self-serve policy not found." }],
      ["two policies", list(policyItem, policyItem)],
      ["a hollow policy", list({})],
      ["null for a policy", list(null)],
      ["a policy without id", list({ ...policyItem, id: undefined })],
      ["a policy with a path for an id", list({ ...policyItem, id: `../${customerId}` })],
      ["a policy with the id of another", list({ ...policyItem, id: `${partnerTenantId}_${randomUUID()}` })],
      ["a policy of another customer", list({ ...policyItem, selfServeEntity: { tenantID: randomUUID() } })],
      ["a policy of nobody", list({ ...policyItem, selfServeEntity: undefined })],
      ["a policy of another partner", list({ ...policyItem, grantor: { tenantID: randomUUID() } })],
      ["a policy without etag", list({ ...policyItem, attributes: {} })],
      ["a policy without permissions", list({ ...policyItem, permissions: undefined })],
      ["a permission without action", list({ ...policyItem, permissions: [{ resource: "AzureSavingsPlan" }] })],
      ["a permission that is none", list({ ...policyItem, permissions: ["AzureSavingsPlan"] })],
    ])("to a read: %s", async (_, body) => {
      partnerCenter.faults.add({ fault: { kind: "json", body } });

      await expectUnavailable(policies.read(customerId, newCall()));
    });

    test.each<[string, Fault, Operation]>([
      ["a page for people", { kind: "html", status: 200 }, "create"],
      ["a page for people", { kind: "html", status: 200 }, "replace"],
      ["a page that says 404", { kind: "html", status: 404 }, "replace"],
      ["a page that says 404", { kind: "html", status: 404 }, "remove"],
      ["nothing but 404", { kind: "status", status: 404, body: "" }, "remove"],
      ["a policy of nobody", { kind: "json", body: {} }, "replace"],
      ["200 instead of 201", { kind: "json", body: policyItem }, "create"],
      ["200 instead of 204", { kind: "json", body: policyItem }, "remove"],
      ["half of the JSON", { kind: "cutJson" }, "create"],
      ["a redirect", { kind: "redirect", to: "https://elsewhere.example/", status: 302 }, "create"],
    ])("to a write: %s (%j, %s), and it is not repeated", async (_, fault, operation) => {
      partnerCenter.faults.add({ fault });

      await expectUnavailable(run(operation));

      expect(requests()).toHaveLength(1);
    });

    test.each<[string, Fault]>([
      ["a page for people", { kind: "html", status: 200 }],
      ["a page that says 404", { kind: "html", status: 404 }],
      ["half of the JSON", { kind: "cutJson" }],
      ["nothing but 404", { kind: "status", status: 404, body: "" }],
    ])("to a read: %s (%j), and it is repeated", async (_, fault) => {
      const rule = partnerCenter.faults.add({ fault });

      await expectUnavailable(run("read"));

      expect(rule.hits).toBe(3);
    });

    test("and a redirect is not followed: the token stays here", async () => {
      const elsewhere = await startServer({
        certificate: own.certificate,
        answer: () => ({ status: 200 }),
        failure: (status) => ({ status }),
      });
      try {
        for (const status of [301, 302, 303, 307, 308]) {
          partnerCenter.faults.clear();
          partnerCenter.faults.add({ fault: { kind: "redirect", to: `${elsewhere.url}/v1/SelfServePolicy`, status } });
          for (const operation of operations) await expectUnavailable(run(operation));
        }
        expect(elsewhere.requests.entries).toEqual([]);
        expect(requests()).toHaveLength(5 * operations.length);
      } finally {
        await elsewhere.close();
      }
    });
  });

  describe("when Partner Center stumbles", () => {
    const passing: readonly Fault[] = [
      { kind: "status", status: 500 },
      { kind: "status", status: 503 },
      { kind: "html", status: 502 },
      { kind: "reset" },
      { kind: "status", status: 429, headers: { "Retry-After": "0" } },
    ];

    test.each(passing)("twice (%j), nobody notices, and the call is the same all three times", async (fault) => {
      for (const operation of operations) {
        partnerCenter.policies.set(customerId, operation === "create" ? [] : ["AzureReservedInstances"]);
        const policy = (await policies.read(customerId, newCall())) ?? readPolicy;
        partnerCenter.requests.clear();
        const rule = partnerCenter.faults.add({ times: 2, fault });
        const call = newCall();

        if (operation === "replace") {
          await expect(policies.replace(customerId, policy, [savingsPlans], call)).resolves.toBe("done");
        } else {
          await run(operation, policies, call);
        }

        partnerCenter.faults.remove(rule);
        expect(sent("ms-requestid")).toEqual(Array(3).fill(call.requestId));
        expect(sent("ms-correlationid")).toEqual(Array(3).fill(call.correlationId));
      }
    });

    test.each(passing)("for good (%j), it is unavailable after three attempts", async (fault) => {
      partnerCenter.faults.add({ fault });
      const wait = "headers" in fault ? 0 : 5;

      await expectUnavailable(run("read"), wait);
      await expectUnavailable(run("create"), wait);

      expect(requests()).toHaveLength(6);
      expect(tokenRequests()).toBe(1);
    });

    test.each<[string, () => string, number]>([
      ["the header", () => "57", 57],
      ["the header with a date", () => new Date(Date.now() + 90_000).toUTCString(), 90],
      ["its words only", () => "", 57],
    ])("under too many calls, it says by %s how long to wait, and is not asked again", async (_, header, seconds) => {
      partnerCenter.faults.add({ fault: { kind: "status", status: 429, headers: { "Retry-After": header() } } });

      const start = performance.now();

      const error = await failureOf(run("read"));

      expect(performance.now() - start).toBeLessThan(2_000);
      expect(error).toMatchObject({ code: "DependencyUnavailable" });
      const { retryAfterSeconds } = error as Error & { retryAfterSeconds: number };
      expect(Math.abs(retryAfterSeconds - seconds)).toBeLessThanOrEqual(2);
      expect(requests()).toHaveLength(1);
    });

    test("under too many calls without a word about the wait, it is asked again later than otherwise", async () => {
      partnerCenter.faults.add({ fault: { kind: "status", status: 429, body: {}, headers: { "Retry-After": "" } } });

      await expectUnavailable(run("read", open({ backOffMilliseconds: 40 })));

      const [first, , third] = requests();
      // At least 80 and 160 ms; after any other failure it is at most 60 and 120.
      expect(third!.at.getTime() - first!.at.getTime()).toBeGreaterThanOrEqual(238);
    });

    test("a short wait is kept to the second", async () => {
      partnerCenter.behaviour.retryAfterSeconds = 1;
      partnerCenter.faults.add({ times: 1, fault: { kind: "status", status: 429 } });

      await run("create");

      const [first, second] = requests();
      expect(second!.at.getTime() - first!.at.getTime()).toBeGreaterThanOrEqual(990);
    });

    test.each<[Operation, number]>([
      ["read", 3],
      ["create", 1],
      ["replace", 1],
      ["remove", 1],
    ])("a %s that hangs is sent %i times: a write may still be under way", async (operation, times) => {
      partnerCenter.faults.add({ fault: { kind: "hang" } });

      const error = await expectUnavailable(run(operation, open({ attemptMilliseconds: 100 })));

      expect(requests()).toHaveLength(times);
      expect(error.cause).toMatchObject({ name: "PartnerCenterFailure" });
    });

    test("all attempts together have one limit, the token included", async () => {
      const slow = open({ attemptMilliseconds: 300, callMilliseconds: 450 });
      partnerCenter.faults.add({ fault: { kind: "hang" } });
      const start = performance.now();

      await expectUnavailable(run("read", slow));
      tokens.forget();
      entra.faults.add({ fault: { kind: "hang" } });
      await expectUnavailable(run("create", slow));

      expect(performance.now() - start).toBeLessThan(1_500);
      expect(requests().length).toBeLessThanOrEqual(2);
    });

    test.each<["sameCall" | "off", Fault, Operation, string]>([
      ["sameCall", { kind: "afterEffect", answer: "reset" }, "create", "done"],
      ["off", { kind: "afterEffect", answer: "reset" }, "create", "exists"],
      ["off", { kind: "afterEffect", answer: 503 }, "create", "exists"],
      ["sameCall", { kind: "afterEffect", answer: "reset" }, "remove", "done"],
      ["off", { kind: "afterEffect", answer: 500 }, "remove", "gone"],
    ])("after its effect (replay %s, %j), a %s is %s, and done once", async (replay, fault, operation, outcome) => {
      partnerCenter.behaviour.replay = replay;
      if (operation === "remove") partnerCenter.policies.set(customerId, ["AzureReservedInstances"]);
      const records = partnerCenter.audit.records.length;
      partnerCenter.faults.add({ times: 1, fault });

      await expect(run(operation)).resolves.toBe(outcome);

      expect(partnerCenter.audit.records).toHaveLength(records + 1);
      expect(partnerCenter.policies.resources(customerId)).toEqual(
        operation === "create" ? ["AzureReservedInstances"] : [],
      );
    });

    test.each(["create", "remove"] as const)(
      "a %s that was done, and then silence, is unavailable",
      async (operation) => {
        partnerCenter.policies.set(customerId, operation === "create" ? [] : ["AzureReservedInstances"]);
        partnerCenter.faults.add({ fault: { kind: "afterEffect", answer: "hang" } });

        await expectUnavailable(run(operation, open({ attemptMilliseconds: 150 })));

        expect(requests()).toHaveLength(1);
        expect(partnerCenter.policies.of(customerId) !== undefined).toBe(operation === "create");
      },
    );

    test("an update that was done and not answered is stale when it comes again", async () => {
      partnerCenter.behaviour.replay = "off";
      partnerCenter.policies.set(customerId, ["AzureReservedInstances"]);
      const policy = await policies.read(customerId, newCall());
      partnerCenter.faults.add({ match: { method: "PUT" }, times: 1, fault: { kind: "afterEffect", answer: "reset" } });

      await expect(policies.replace(customerId, policy!, [savingsPlans], newCall())).resolves.toBe("stale");

      expect(partnerCenter.policies.resources(customerId)).toEqual(["AzureSavingsPlan"]);
    });

    test("a success that did nothing is told by reading, not by the answer", async () => {
      partnerCenter.behaviour.writesDoNothing = true;

      await expect(run("create")).resolves.toBe("done");
      await expect(run("read")).resolves.toBeUndefined();
    });
  });

  describe("the second factor of the account", () => {
    const probe = () => probeMfa({ endpoint: partnerCenter.url, tokens, limits: { backOffMilliseconds: 10 } });

    test.each([
      [true, true, true],
      [true, false, true],
      [false, true, false],
      [false, false, false],
    ])("is %s (enforced: %s): the probe says %s", async (mfa, enforced, said) => {
      account.mfa = mfa;
      partnerCenter.behaviour.mfaEnforced = enforced;

      await expect(probe()).resolves.toBe(said);
      expect(new Set(sent("validatemfa"))).toEqual(new Set(["true"]));
    });

    test("is unknown when Partner Center does not say, and when it says nothing at all", async () => {
      const rule = partnerCenter.faults.add({ fault: { kind: "status", status: 200, body: { items: [] } } });
      await expect(probe()).resolves.toBeUndefined();
      partnerCenter.faults.remove(rule);
      partnerCenter.faults.down = true;
      await expectUnavailable(probe());
    });

    test("is missing when Entra says so already, and is not the point without the role to look", async () => {
      account.agentRole = undefined;
      await expect(probe()).rejects.toMatchObject({ name: "PartnerCenterRefusal", reason: "RoleMissing" });
      tokens.forget();
      account.mfa = false;
      entra.partnerApplication.requiresMfa = true;
      await expect(probe()).resolves.toBe(false);
    });
  });
});
