import { get } from "node:https";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import type { Customer } from "../local/stand-ins/customer.ts";
import { customerAppSecret } from "../local/stand-ins/demo-customers.ts";
import type { Fault, FaultRule } from "../local/stand-ins/faults.ts";
import { type StandIn, startServer } from "../local/stand-ins/https-server.ts";
import { eventually } from "./harness/ledger.ts";
import { type Answer, type Product, startProduct } from "./harness/product.ts";
import { admit, faultsFor, makeEligibleTenant, requestsFor } from "./harness/tenants.ts";

jest.setTimeout(60_000);

const deadlineSeconds = 4;
/** Cases that suffer side by side, each with a customer of its own. */
const sideBySide = 12;

type Target = "list" | "assignments" | "token";
const matchOf: Record<Target, NonNullable<FaultRule["match"]>> = {
  list: { path: /^\/subscriptions\?/ },
  assignments: { path: "/providers/Microsoft.Authorization/roleAssignments" },
  token: { method: "POST", path: "/oauth2/v2.0/token" },
};

interface Case {
  readonly target: Target;
  readonly name: string;
  readonly fault: (elsewhere: StandIn) => Fault;
  /** Absent: the fault lasts until it is lifted. */
  readonly times?: number;
}

/** Faults that last. On the way to a token, pages are no matter, and what is missing is a token. */
const lasting: readonly [name: string, fault: Case["fault"], targets?: readonly Target[]][] = [
  ["answers too late", () => ({ kind: "slow", ms: 8_000 })],
  ["never answers", () => ({ kind: "hang" })],
  ["never sends page 2", () => ({ kind: "hangPage2" }), ["list", "assignments"]],
  ["closes the connection", () => ({ kind: "reset" })],
  ["answers 429", () => ({ kind: "status", status: 429 })],
  ["answers 429 and asks for a second", () => ({ kind: "status", status: 429, headers: { "Retry-After": "1" } })],
  ["answers 429 and asks for a day", () => ({ kind: "status", status: 429, headers: { "Retry-After": "86400" } })],
  ["answers 500", () => ({ kind: "status", status: 500 })],
  ["answers 503", () => ({ kind: "status", status: 503 })],
  ["answers 503 and asks for a day", () => ({ kind: "status", status: 503, headers: { "Retry-After": "86400" } })],
  ["answers 501", () => ({ kind: "status", status: 501 })],
  ["answers 400 without a word", () => ({ kind: "status", status: 400, body: "" })],
  ["answers 204", () => ({ kind: "status", status: 204, body: "" })],
  ["is behind a gateway that says 502", () => ({ kind: "html" })],
  ["is behind a gateway that says 429", () => ({ kind: "html", status: 429 })],
  ["is behind a gateway that says 503", () => ({ kind: "html", status: 503 })],
  ["is behind a gateway that says 404", () => ({ kind: "html", status: 404 })],
  ["is behind a gateway that says 200", () => ({ kind: "html", status: 200 })],
  ["answers half of the JSON", () => ({ kind: "cutJson" })],
  ["is cut off in the middle of the JSON", () => ({ kind: "cutJson", how: "contentLength" })],
  ["answers {}", () => ({ kind: "json", body: {} })],
  ["answers null", () => ({ kind: "json", body: null })],
  ["answers 42", () => ({ kind: "json", body: 42 })],
  ["answers a bare list", () => ({ kind: "json", body: [] })],
  ...[
    { value: null },
    { value: {} },
    { value: "" },
    { value: [42] },
    { value: [null] },
    { value: [{}] },
    { value: [[]] },
  ].map((body): [string, Case["fault"], readonly Target[]] => [
    `answers ${JSON.stringify(body)}`,
    () => ({ kind: "json", body }),
    ["list", "assignments"],
  ]),
  ...[{ access_token: 42, expires_in: 3599 }, { access_token: "", expires_in: 3599 }, { token_type: "Bearer" }].map(
    (body): [string, Case["fault"], readonly Target[]] => [
      `answers ${JSON.stringify(body)}`,
      () => ({ kind: "json", body }),
      ["token"],
    ],
  ),
  ["answers a list that is labelled as text", () => ({ kind: "contentType" }), ["list", "assignments"]],
  ["answers a list without a label", () => ({ kind: "contentType", contentType: "" }), ["list", "assignments"]],
  ["sends us to another host (307)", ({ url }) => ({ kind: "redirect", to: `${url}/elsewhere` })],
  ["sends us to another host (302)", ({ url }) => ({ kind: "redirect", to: `${url}/elsewhere`, status: 302 })],
  ["sends us to another host (308)", ({ url }) => ({ kind: "redirect", to: `${url}/elsewhere`, status: 308 })],
];

const passing: readonly [name: string, fault: Case["fault"]][] = [
  ["is slow", () => ({ kind: "slow", ms: 400 })],
  ["answers 500 once", () => ({ kind: "status", status: 500 })],
  ["answers 503 once", () => ({ kind: "status", status: 503 })],
  ["answers 429 once and asks for a second", () => ({ kind: "status", status: 429, headers: { "Retry-After": "1" } })],
  ["closes the connection once", () => ({ kind: "reset" })],
];

const targets = Object.keys(matchOf) as Target[];
const lastingCases = lasting.flatMap(([name, fault, where = targets]) =>
  where.map((target): Case => ({ target, name, fault })),
);
const passingCases = passing.flatMap(([name, fault]) =>
  targets.map((target): Case => ({ target, name, fault, times: 1 })),
);

let product: Product;
let elsewhere: StandIn;
const outcomes = new Map<Case, Promise<Awaited<ReturnType<typeof suffer>>>>();

beforeAll(async () => {
  product = await startProduct({ settings: { ELIGIBILITY_TIMEOUT_SECONDS: String(deadlineSeconds) } });
  // Nothing that a check leaves behind may spare the next one its token request.
  product.entra.tokenLifetimeSeconds = 120;
  // The Owner is on the second page.
  product.arm.behaviour.pageSize = 2;
  elsewhere = await startServer({
    certificate: product.certificate,
    answer: () => ({ status: 200, headers: { "Content-Type": "application/json" }, body: '{"value":[]}' }),
    failure: (status) => ({ status }),
  });
  // The SDKs are loaded by the first check, which is no part of any case.
  const first = admit(product, makeEligibleTenant("the first one"));
  await eventually(() => expectOk(setPermission(first, "azureReservations", "On")));
  const queue = [...lastingCases, ...passingCases];
  const lanes = Array.from({ length: sideBySide }, () => Promise.resolve());
  for (const [index, one] of queue.entries()) {
    const outcome = (lanes[index % sideBySide] ?? Promise.resolve()).then(() => suffer(one));
    lanes[index % sideBySide] = outcome.then(() => undefined);
    outcomes.set(one, outcome);
  }
});
afterAll(async () => {
  await product.stop();
  await elsewhere.close();
});

/** One customer's day: On, then the fault, during which everything is tried, then the fault is gone. */
async function suffer({ target, name, fault, times }: Case) {
  const customer = admit(product, makeEligibleTenant(`${target} ${name}`));
  await eventually(() => expectOk(setPermission(customer, "azureSavingsPlans", "On")));

  const server = target === "token" ? product.entra : product.arm;
  const callsBefore = product.storage.calls.length;
  const faults = faultsFor(server, customer);
  const rule = faults.add({
    match: matchOf[target],
    fault: fault(elsewhere),
    ...(times === undefined ? {} : { times }),
  });
  const [put, eligibility] = await Promise.all([
    timed(setPermission(customer, "azureReservations", "On")),
    times === undefined ? timed(checkEligibility(customer)) : undefined,
  ]);
  const off = await setPermission(customer, "azureSavingsPlans", "Off");
  const { hits } = rule;
  const during = await look(customer);
  const commits = product.storage.calls.slice(callsBefore).filter(isCommitFor(customer)).length;

  faults.clear();
  const recovered = await timed(setPermission(customer, "azureReservations", "On"));
  return { customer, hits, put, eligibility, off, during, commits, recovered, after: await look(customer) };
}

function setPermission({ tenantId }: Customer, name: string, state: "On" | "Off"): Promise<Answer> {
  return product.call("PUT", `/customers/${tenantId}/permissions/${name}`, { body: { state } });
}

function checkEligibility({ tenantId }: Customer): Promise<Answer> {
  return product.call("GET", `/customers/${tenantId}/eligibility`);
}

/** States of both switches, and the log from the oldest entry on, as the API answers them. */
async function look({ tenantId }: Customer) {
  const permissions = await product.call("GET", `/customers/${tenantId}/permissions`);
  const activities = await product.call("GET", `/activities?customerId=${tenantId}`);
  return {
    states: permissions.body.value.map(({ state }: any) => state),
    log: activities.body.value
      .map(({ product: which, operation }: any) => `${operation.split(" ")[0]} ${which}`)
      .reverse(),
  };
}

function isCommitFor({ tenantId }: Customer) {
  return ({ method, path, body }: { method: string; path: string; body: string }) =>
    method === "POST" && path.startsWith("/$batch") && body.includes(tenantId);
}

async function timed(answer: Promise<Answer>) {
  const start = performance.now();
  return { ...(await answer), seconds: (performance.now() - start) / 1000 };
}

async function expectOk(answer: Promise<Answer>): Promise<void> {
  const { status, body } = await answer;
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
}

async function outcomeOf(one: Case) {
  const outcome = await outcomes.get(one);
  if (outcome === undefined) throw new Error("The case was not run.");
  return outcome;
}

describe("as long as Azure fails", () => {
  test.each(lastingCases)(
    "because the $target $name, a switch to On is answered 503, and nothing has happened",
    async (one) => {
      const { hits, put, eligibility, off, during, commits } = await outcomeOf(one);

      expect(hits).toBeGreaterThan(0);
      expect(put.status).toBe(503);
      expect(put.seconds).toBeLessThan(deadlineSeconds + 5);
      expect(put.headers.get("x-ms-error-code")).toBe("DependencyUnavailable");
      expect(put.body).toEqual({
        error: {
          code: "DependencyUnavailable",
          message: `Not available at the moment. Try again, or quote request ${put.headers.get("x-ms-request-id")}.`,
        },
      });
      const retryAfter = put.headers.get("retry-after") ?? "";
      expect(retryAfter).toMatch(/^[1-9]\d*$/);
      expect(Number(retryAfter)).toBeLessThanOrEqual(300);

      expect(eligibility).toMatchObject({ status: 200, body: { result: "Inconclusive" } });
      expect(eligibility?.seconds).toBeLessThan(deadlineSeconds + 5);
      const check = eligibility?.body.checks[one.target === "assignments" ? 1 : 0];
      expect(check).toEqual({
        name: one.target === "assignments" ? "ownerRole" : "azureSubscription",
        result: "Inconclusive",
        code: "DependencyUnavailable",
        message: "Azure did not answer in time, or not in a way that can be relied on.",
        remedy: "Try again in a moment.",
      });

      // Off needs nothing of Azure's. Its commit is the only one.
      expect(off).toMatchObject({ status: 200, body: { state: "Off", changed: true } });
      expect(during).toEqual({
        states: ["Off", "Off"],
        log: ["Create azureSavingsPlans", "Delete azureSavingsPlans"],
      });
      expect(commits).toBe(1);
    },
  );
});

describe("once Azure is itself again", () => {
  test.each(lastingCases)("after the $target $name, the same switch goes through", async (one) => {
    const { recovered, after } = await outcomeOf(one);

    expect(recovered).toMatchObject({ status: 200, body: { state: "On", changed: true } });
    expect(after).toEqual({
      states: ["On", "Off"],
      log: ["Create azureSavingsPlans", "Delete azureSavingsPlans", "Create azureReservations"],
    });
  });
});

test.each(passingCases)("a switch to On goes through although the $target $name", async (one) => {
  const { hits, put, commits, recovered } = await outcomeOf(one);

  expect(hits).toBe(1);
  expect(put).toMatchObject({ status: 200, body: { state: "On", changed: true } });
  // This one and the Off after it.
  expect(commits).toBe(2);
  expect(recovered).toMatchObject({ status: 200, body: { changed: false } });
});

test("a redirect is never followed: nothing reaches the other host", async () => {
  await Promise.all(outcomes.values());

  expect(elsewhere.requests.entries).toEqual([]);
  // It was there to be reached.
  await new Promise((done) => get(elsewhere.url, { ca: product.certificate.ca }, done));
  expect(elsewhere.requests.count()).toBe(1);
});

test("a fault costs a bounded number of calls", async () => {
  for (const one of lastingCases) {
    const { customer, hits } = await outcomeOf(one);
    // PUT and GET together: of each one call and four retries.
    expect(hits).toBeLessThanOrEqual(10);
    // Those, and the three calls of each of the two switches that went through, less what failed of them.
    expect(requestsFor(product.arm, customer).length).toBeLessThanOrEqual(20);
  }
});

test("while all of Azure Resource Manager is down, Off works and On does not; then both do", async () => {
  const customer = admit(product, makeEligibleTenant("all of ARM is down"));
  await expectOk(setPermission(customer, "azureReservations", "On"));
  product.arm.faults.down = true;
  try {
    expect(await setPermission(customer, "azureReservations", "On")).toMatchObject({
      status: 200,
      body: { changed: false },
    });
    expect(await setPermission(customer, "azureReservations", "Off")).toMatchObject({
      status: 200,
      body: { changed: true },
    });
    expect((await setPermission(customer, "azureReservations", "On")).status).toBe(503);
  } finally {
    product.arm.faults.clear();
  }
  expect((await setPermission(customer, "azureReservations", "On")).status).toBe(200);
});

test("while all of Entra is down, callers are still known and Off works, and On does not; then both do", async () => {
  const customer = admit(product, makeEligibleTenant("all of Entra is down"));
  await expectOk(setPermission(customer, "azureReservations", "On"));
  product.entra.faults.down = true;
  try {
    expect(await setPermission(customer, "azureReservations", "Off")).toMatchObject({
      status: 200,
      body: { changed: true },
    });
    expect((await setPermission(customer, "azureReservations", "On")).status).toBe(503);
  } finally {
    product.entra.faults.clear();
  }
  expect((await setPermission(customer, "azureReservations", "On")).status).toBe(200);
});

test("the app's output holds no secret, no token and no key", async () => {
  await Promise.all(outcomes.values());
  const output = product.output.join("\n");
  const accountKey = /AccountKey=([^;]+)/.exec(product.connectionString)?.[1];

  expect(accountKey).toBeDefined();
  for (const secret of [customerAppSecret, accountKey, "Bearer ", "eyJ", "client_secret"]) {
    expect(output).not.toContain(secret);
  }
  expect(output).not.toMatch(/unhandledRejection|uncaughtException/);
});
