/**
 * One run with everything in it that knows a secret, and with servers that say the secrets back: nothing that the app
 * prints, answers, reports, writes or asks for has any of them, and nobody but who should gets a token.
 */

import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { customerAppSecret } from "../local/stand-ins/demo-customers.ts";
import type { Fault } from "../local/stand-ins/faults.ts";
import { type StandIn, startServer } from "../local/stand-ins/https-server.ts";
import { type ManagedIdentityStandIn, startManagedIdentity } from "../local/stand-ins/managed-identity.ts";
import { partnerCenterSecret } from "../local/stand-ins/partner-application.ts";
import { makeEligibleCustomers, oneByOne } from "./harness/customers.ts";
import { type KeyVaultStandIn, startKeyVault } from "./harness/key-vault.ts";
import { eventually } from "./harness/ledger.ts";
import { type Call, type Product, startProduct } from "./harness/product.ts";

const customers = makeEligibleCustomers(40);
const nextCustomer = oneByOne(customers);
const hostKey = "the-key-of-the-functions-host-0123456789";

let product: Product;
let vault: KeyVaultStandIn;
let identity: ManagedIdentityStandIn;
let ingestion: StandIn;
/** Where redirects and links lead to. */
let elsewhere: StandIn;
/** What each was sent or answered, by where it was seen. */
const answers: string[] = [];
const telemetry: string[] = [];
const tokens: string[] = [];
let faultsMet = 0;

async function call(method: string, path: string, { headers, ...more }: Call = {}) {
  const token = more.token === undefined ? await product.token() : more.token;
  if (token !== null) tokens.push(token);
  const answer = await product.call(method, path, {
    ...more,
    token,
    headers: { "x-functions-key": hostKey, ...headers },
  });
  answers.push(JSON.stringify([...answer.headers]), JSON.stringify(answer.body ?? null));
  return answer;
}

const put = (customerId: string, state = "On", more: Call = {}) =>
  call("PUT", `/customers/${customerId}/permissions/azureReservations`, {
    body: { state, reason: "a reason" },
    ...more,
  });

/** Lets a server misbehave in one way at a time while both kinds of request are made. */
async function suffer({ faults }: StandIn, faultsToMeet: readonly Fault[], path?: RegExp): Promise<void> {
  for (const fault of faultsToMeet) {
    const rule = faults.add({ fault, ...(path === undefined ? {} : { match: { path } }) });
    const customerId = nextCustomer();
    await put(customerId);
    await call("GET", `/customers/${customerId}/eligibility`);
    await runTimers();
    if (rule.hits > 0) faultsMet += 1;
    faults.clear();
  }
}

/** Their errors go through the host, not through the HTTP edge. */
async function runTimers(): Promise<void> {
  for (const timer of ["SynchroniseCustomers", "DetectDrift", "SweepPendingActivities", "SweepUnfinishedChanges"]) {
    await product.trigger(timer);
  }
  await pause(300);
}

/** Every way of an answer to hold a secret. */
function echoes(secret: string): Fault[] {
  // What is told on is cut: so the part that matters comes first.
  const words = `${secret.split(".").at(-1)} is in Bearer ${secret}, which was not accepted.`;
  const body = { code: secret, message: words, description: words, error: { code: secret, message: words } };
  const headers = {
    "WWW-Authenticate": `Bearer error="${words}"`,
    "MS-CorrelationId": secret,
    "x-ms-request-id": secret,
  };
  return [
    ...[400, 401, 403, 404, 409].map((status): Fault => ({ kind: "status", status, body, headers })),
    { kind: "status", status: 500, body, headers: { ...headers, "Retry-After": "600" } },
    { kind: "status", status: 200, body: words, headers },
    { kind: "json", body: { ...body, value: [body], items: [body], nextLink: `${elsewhere.url}/?token=${secret}` } },
    { kind: "redirect", to: `${elsewhere.url}/?token=${secret}`, status: 307 },
    { kind: "redirect", to: `${elsewhere.url}/?token=${secret}`, status: 302 },
    { kind: "foreignNextLink", to: `${elsewhere.url}/subscriptions?token=${secret}` },
  ];
}

const tokenSentTo = ({ requests }: StandIn): string => {
  const bearer = requests.entries.map(({ headers }) => /^Bearer (.+)/.exec(headers.authorization ?? "")?.[1]);
  const token = bearer.findLast((each) => each !== undefined);
  if (token === undefined) throw new Error("No token was sent.");
  return token;
};

beforeAll(async () => {
  product = await startProduct({
    customers,
    partnerCenterMode: "live",
    rounds: true,
    settings: async (entra, certificate) => {
      vault = await startKeyVault(entra, certificate);
      vault.versions.push(await entra.issueRefreshToken());
      identity = await startManagedIdentity({ entra });
      elsewhere = await startServer({
        certificate,
        answer: () => ({ status: 200 }),
        failure: (status) => ({ status }),
      });
      ingestion = await startServer({
        certificate,
        failure: (status) => ({ status }),
        answer: ({ body, query }) => {
          telemetry.push(body, String(query));
          const count = JSON.parse(body).length;
          const taken = JSON.stringify({ itemsReceived: count, itemsAccepted: count, errors: [] });
          return { status: 200, headers: { "Content-Type": "application/json" }, body: taken };
        },
      });
      return {
        ...identity.environment,
        AZURE_CLIENT_ID: identity.clientId,
        PARTNER_CENTER_REFRESH_TOKEN: undefined,
        PARTNER_CENTER_KEY_VAULT_URL: vault.url,
        REQUIRE_FUNCTION_KEY: "true",
        FUNCTIONS_HOST_KEY: hostKey,
        // As in Azure; elsewhere the SDK looks for a virtual machine's metadata service.
        FUNCTIONS_WORKER_RUNTIME: "node",
        APPLICATIONINSIGHTS_CONNECTION_STRING: `InstrumentationKey=${randomUUID()};IngestionEndpoint=${ingestion.url}/`,
      };
    },
  });

  // What goes well.
  const first = nextCustomer();
  const succeeds = async (state: string) => expect(await put(first, state)).toMatchObject({ status: 200 });
  await eventually(() => succeeds("On"), 60_000);
  for (const path of ["/customers?maxpagesize=1", `/customers/${first}`, "/activities?maxpagesize=1", "/health"]) {
    expect(await call("GET", path)).toMatchObject({ status: 200 });
  }
  await call("GET", `/customers?code=${hostKey}&maxpagesize=1`, { headers: { "x-functions-key": hostKey } });
  await eventually(() => succeeds("Off"), 60_000);

  // What callers do wrong.
  await call("GET", "/customers", { token: null });
  await call("GET", "/customers", { token: `${await product.token()}x` });
  await call("GET", "/customers", { headers: { "x-functions-key": "wrong" } });
  await put(first, "On", { token: await product.token({ roles: ["SalesAgent"] }) });
  await put(first, "Perhaps");

  // What the others do wrong, with our secrets in their mouths.
  const armToken = tokenSentTo(product.arm);
  const partnerCenterToken = tokenSentTo(product.partnerCenter);
  await suffer(product.arm, echoes(armToken));
  await suffer(product.partnerCenter, echoes(partnerCenterToken));
  const form = `refresh_token=${vault.versions.at(-1)}&client_secret=${customerAppSecret}`;
  const words = `AADSTS7000215: ${form}, and the secret is ${partnerCenterSecret}`;
  await suffer(
    product.entra,
    [
      {
        kind: "status",
        status: 400,
        body: { error: "invalid_client", error_description: words, error_codes: [7000215] },
      },
      { kind: "status", status: 400, body: { error: form, error_description: words, trace_id: form } },
      { kind: "status", status: 500, body: words },
      { kind: "json", body: { token_type: "Bearer", access_token: `${armToken}\n${form}`, expires_in: 3600 } },
      { kind: "redirect", to: `${elsewhere.url}/?${form}`, status: 307 },
    ],
    /\/token/,
  );
  const accountKey = /AccountKey=([^;]+)/.exec(product.connectionString)?.[1];
  for (const status of [403, 500, 307]) {
    const headers = { location: `${elsewhere.url}/?key=${accountKey}`, "x-ms-error-code": `Code${accountKey}` };
    product.storage.fate = () => ({ status, headers, body: `{"odata.error":{"code":"${accountKey}"}} ${accountKey}` });
    await put(nextCustomer());
    await call("GET", "/customers");
    await call("GET", "/health", { token: null });
    await runTimers();
    product.storage.fate = () => "forward";
  }
  for (const code of ["Forbidden", String(vault.versions.at(-1)), "SecretNotFound"]) {
    vault.refusal = { status: code === "SecretNotFound" ? 404 : 403, code };
    product.partnerCenter.faults.add({ fault: { kind: "status", status: 401 }, times: 1 });
    await put(nextCustomer());
    vault.refusal = undefined;
    product.partnerCenter.faults.clear();
  }
  await eventually(async () => expect(telemetry.join("")).toContain("ActivityRecorded"), 20_000);
  await product.stop();
}, 180_000);

afterAll(async () => {
  await Promise.all([product?.stop(), vault?.close(), identity?.close(), ingestion?.close(), elsewhere?.close()]);
});

/** Secrets by name, each cut into pieces, so that a part of one is found too. */
function secrets(): [name: string, pieces: string[]][] {
  const bearers = [product.arm, product.partnerCenter, vault].flatMap(({ requests }) =>
    requests.entries.flatMap(({ headers }) => /^Bearer (.+)/.exec(headers.authorization ?? "")?.[1] ?? []),
  );
  const accountKey = /AccountKey=([^;]+)/.exec(product.connectionString)?.[1] ?? "";
  const whole: [string, readonly string[]][] = [
    ["a caller's token", tokens],
    ["a token for Azure Resource Manager, Partner Center or Key Vault", bearers],
    ["a refresh token", vault.versions],
    ["the secret of the customer application", [customerAppSecret]],
    ["the secret of the Partner Center application", [partnerCenterSecret]],
    ["the key of the storage account", [accountKey]],
    ["the key of the Functions host", [hostKey]],
    ["the secret of the identity endpoint", [identity.environment.IDENTITY_HEADER]],
  ];
  return whole.map(([name, values]) => [name, [...new Set(values)].flatMap(piecesOf)]);
}

/** Of a signed token its signature: the rest of it is no secret, and has words in it that stand elsewhere too. */
function piecesOf(secret: string): string[] {
  const [, , signature] = /^eyJ/.test(secret) ? secret.split(".") : [];
  const hidden = signature ?? secret;
  const length = Math.min(24, hidden.length);
  const pieces = Array.from({ length: Math.floor(hidden.length / length) }, (_, nth) =>
    hidden.slice(nth * length, (nth + 1) * length),
  );
  return [...pieces, ...pieces.map(encodeURIComponent)];
}

const outgoing = () =>
  [product.arm, product.partnerCenter, product.entra, vault, identity, ingestion].flatMap(({ requests }) =>
    requests.entries.map(({ path, query }) => `${path}?${query}`),
  );

describe("in a run in which everybody says our secrets back,", () => {
  const places: [name: string, texts: () => readonly string[]][] = [
    // The embedded host prints its own key on purpose, as Core Tools do.
    ["what the app prints", () => product.output.filter((line) => !line.includes("x-functions-key: "))],
    ["what the app answers, headers and bodies", () => answers],
    ["telemetry", () => telemetry],
    ["the addresses that the app asks", outgoing],
    ["what is written to tables and queues", () => product.storage.calls.map(({ path, body }) => `${path} ${body}`)],
  ];

  test.each(places)("no secret is in %s", (_, textsOf) => {
    const texts = [...new Set(textsOf())];
    expect(texts.join("").length).toBeGreaterThan(1_000);
    for (const [name, pieces] of secrets()) {
      // The first piece of each text is enough to see whose words they are.
      const found = texts.flatMap((text) => {
        const at = Math.min(...pieces.map((piece) => text.indexOf(piece)).filter((index) => index >= 0));
        return at === Number.POSITIVE_INFINITY ? [] : [text.slice(0, at)];
      });
      expect({ name, found }).toEqual({ name, found: [] });
    }
  });

  test("no request reached another host", () => {
    expect(elsewhere.requests.entries).toEqual([]);
  });

  test("each token went to whom it is for", () => {
    const audiences = ({ requests }: StandIn) => {
      const payloads = requests.entries.flatMap(({ headers }) => {
        const payload = /^Bearer [\w-]+\.([\w-]+)\./.exec(headers.authorization ?? "")?.[1];
        return payload === undefined ? [] : [JSON.parse(Buffer.from(payload, "base64url").toString()).aud];
      });
      return [...new Set(payloads)];
    };
    expect(audiences(product.arm)).toEqual([product.arm.url]);
    expect(audiences(product.partnerCenter)).toEqual([product.partnerCenter.url]);
    expect(audiences(vault)).toEqual(["https://vault.azure.net"]);
    for (const server of [product.entra, ingestion, elsewhere]) expect(audiences(server)).toEqual([]);
  });

  test("all of it really happened", () => {
    for (const [, pieces] of secrets()) expect(pieces.length).toBeGreaterThan(0);
    expect(faultsMet).toBeGreaterThanOrEqual(20);
    expect(vault.versions.length).toBeGreaterThan(1);
    expect(answers.join("")).toContain("DependencyUnavailable");
    expect(answers.join("")).toContain("PartnerCenterRefused");
    expect(telemetry.join("")).toContain("RemoteDependencyData");
    expect(product.output.join("\n")).toContain("is unavailable");
  });
});
