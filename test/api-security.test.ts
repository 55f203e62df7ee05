/** What holds at every door of the API, whatever stands behind it: from the table that registers the functions. */

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { routesOf, type UseCases } from "../functions/register-functions.ts";
import type { HowToSign } from "../local/stand-ins/caller-tokens.ts";
import { type StandIn, startServer } from "../local/stand-ins/https-server.ts";
import type { Route } from "../shared/http/route.ts";
import { makeEligibleCustomers, oneByOne } from "./harness/customers.ts";
import { readLog } from "./harness/ledger.ts";
import { type Answer, type Call, type Product, startProduct } from "./harness/product.ts";

const customers = makeEligibleCustomers(12);
const nextCustomer = oneByOne(customers);
const routes = routesOf({} as UseCases);
const guarded = routes.filter(({ access }) => access !== "anonymous");

let product: Product;
let elsewhere: StandIn;
beforeAll(async () => {
  product = await startProduct({ customers });
  const { certificate } = product;
  elsewhere = await startServer({ certificate, answer: () => ({ status: 200 }), failure: (status) => ({ status }) });
});
afterAll(() => Promise.all([product?.stop(), elsewhere?.close()]));

/** A request that is right for the route but for what the test makes wrong. */
function callOf(route: Route, call: Call = {}, customerId: string = randomUUID()): Promise<Answer> {
  const ids = { customerId, changeId: randomUUID(), webhookId: "0".repeat(32) };
  const values: Record<string, string> = { ...ids, product: "azureReservations" };
  const path = (route.route ?? route.name).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
  const body = { state: "Off", ...(route.route === undefined ? { customerId, product: values.product } : {}) };
  return product.call(route.method, `/${path}`, { ...(route.method === "GET" ? {} : { body }), ...call });
}

describe("every function of the table", () => {
  test.each(guarded.map(({ name }) => name))("%s wants a token, a role and, to write, the right one", async (name) => {
    const route = guarded.find((each) => each.name === name)!;
    const as = async (claims: Record<string, unknown>) => callOf(route, { token: await product.token(claims) });
    expect((await callOf(route, { token: null })).status).toBe(401);
    expect((await as({ roles: [] })).body.error.code).toBe("AgentRoleRequired");
    expect((await as({ scp: "openid" })).body.error.code).toBe("ScopeRequired");
    const sales = await as({ roles: ["SalesAgent"] });
    if (route.access === "write") expect(sales.body.error.code).toBe("AdminAgentRequired");
    else expect([401, 403]).not.toContain(sales.status);
  });

  test.each(guarded.filter((route) => !("route" in route)).map(({ name }) => name))(
    "%s, which Logic Apps finds by name only where it has no route, has a URL as the others, too",
    async (name) => {
      const fields = { customerId: randomUUID(), product: "azureReservations" };
      const body = JSON.stringify(name === "SetCustomerPermission" ? { ...fields, state: "Off" } : fields);
      const ask = async (path: string, authorization: string) => {
        const headers = { authorization, "content-type": "application/json" };
        const answer = await fetch(product.url + path, { method: "POST", headers, body });
        const { checkedAt: _, ...rest } = (await answer.json()) as Record<string, unknown>;
        return { status: answer.status, rest };
      };
      for (const authorization of ["Bearer a.b.c", `Bearer ${await product.token()}`]) {
        const byName = await ask(`/${name}`, authorization);
        expect(byName).toEqual(await ask(`/api/${name}`, authorization));
        expect(byName.status).toBe(authorization.endsWith(".c") ? 401 : 200);
      }
    },
  );

  test("only health and the description of the API are open to anybody, and tell nothing of customers", async () => {
    const open = routes.filter(({ access }) => access === "anonymous").map(({ name }) => name);
    expect(open.sort()).toEqual(["ApiPage", "Health", "OpenApi", "Swagger"]);
    expect((await product.call("GET", "/health", { token: null })).body).toEqual({ status: "Healthy" });
  });

  test("answers are neither stored nor guessed at by anybody on the way, whatever their status", async () => {
    const customerId = nextCustomer();
    const path = `/customers/${customerId}/permissions/azureReservations`;
    const put = (state: string, headers = {}) => product.call("PUT", path, { body: { state }, headers });
    const etag = (await put("On")).headers.get("etag") ?? "";
    const answers = [
      await product.call("GET", path),
      await product.call("GET", path, { headers: { "if-none-match": etag } }),
      await put("Perhaps"),
      await product.call("GET", path, { token: null }),
      await product.call("PUT", path, {
        body: { state: "Off" },
        token: await product.token({ roles: ["SalesAgent"] }),
      }),
      await product.call("GET", `/customers/${customerId}/operations/${randomUUID()}`),
      await put("Off", { "if-match": '"another"' }),
      await product.call("PUT", path, { body: "x".repeat(20_000), headers: { "content-type": "application/json" } }),
      await product.call("GET", "/health", { token: null }),
    ];
    product.storage.fate = () => "loseRequest";
    answers.push(await product.call("GET", path));
    product.storage.fate = () => "forward";
    expect(answers.map(({ status }) => status)).toEqual([200, 304, 400, 401, 403, 404, 412, 413, 200, 503]);
    for (const { status, headers } of answers) {
      const found = [
        "cache-control",
        "x-content-type-options",
        "access-control-allow-origin",
        "server",
        "x-powered-by",
      ];
      expect([status, ...found.map((name) => headers.get(name))]).toEqual([
        status,
        ...["no-store", "nosniff", null, null, null],
      ]);
    }
  }, 60_000);

  test("a browser of another site is let in nowhere", async () => {
    for (const route of routes) {
      const path = (route.route ?? route.name).replace(/\{\w+\}/g, "x");
      const headers = { origin: "https://evil.example", "access-control-request-method": route.method };
      const preflight = await product.call("OPTIONS", `/${path}`, { token: null, headers });
      expect([route.name, preflight.status]).toEqual([route.name, 404]);
      const answer = await callOf(route, { headers: { origin: "https://evil.example" } });
      // The description of the API is for everybody's tools, and holds nothing of anybody's.
      const allowed = ["OpenApi", "Swagger"].includes(route.name) ? "*" : null;
      expect([route.name, answer.headers.get("access-control-allow-origin")]).toEqual([route.name, allowed]);
    }
  });
});

describe("a token cannot choose the key it is checked with", () => {
  test.each<[string, (url: string) => Record<string, unknown>]>([
    ["by an address in jku", (url) => ({ jku: `${url}/keys` })],
    ["by an address in x5u", (url) => ({ x5u: `${url}/certificate` })],
    ["by a certificate in x5c", () => ({ x5c: ["MIIB"] })],
  ])("%s", async (_, header) => {
    const how: HowToSign = { key: "foreign", header: header(elsewhere.url) };
    const token = await product.entra.issueCallerToken({}, how);
    expect((await product.call("GET", "/customers", { token })).status).toBe(401);
    expect(elsewhere.requests.entries).toEqual([]);
  });

  test.each([
    "../../../../dev/null",
    "/dev/null",
    "' OR '1'='1",
    "https://elsewhere.example/keys",
    "__proto__",
    "constructor",
    "",
    "k".repeat(4_000),
  ])("by the key id %p", async (kid) => {
    for (const key of ["issuer", "foreign"] as const) {
      const token = await product.entra.issueCallerToken({}, { kid, key });
      expect((await product.call("GET", "/customers", { token })).status).toBe(401);
    }
  });

  test("by no key id, unless the key is Entra's own", async () => {
    const status = async (key: "issuer" | "foreign") => {
      const token = await product.entra.issueCallerToken({}, { kid: null, key });
      return (await product.call("GET", "/customers", { token })).status;
    };
    expect(await status("foreign")).toBe(401);
    // With one key published there is no doubt about which one is meant.
    expect(await status("issuer")).toBe(200);
  });
});

describe("what a caller may set is what the contract lists:", () => {
  const ours = [
    ...["changedBy", "changedAt", "by", "at", "sequence", "hash", "previousHash", "headHash", "changeId", "id"],
    ...["result", "evidence", "operation", "requestId", "etag", "partitionKey", "rowKey", "eligibility", "force"],
  ];

  test.each(ours)("%s is refused", async (field) => {
    const customerId = nextCustomerOnce();
    const value = field === "changedBy" ? "Grace" : "1";
    const body = { state: "On", [field]: value };
    const answer = await product.call("PUT", `/customers/${customerId}/permissions/azureReservations`, { body });
    expect(answer).toMatchObject({ status: 400, body: { error: { code: "InvalidRequest", target: field } } });
    const byName = await product.call("POST", "/SetCustomerPermission", {
      body: { ...body, customerId, product: "azureReservations" },
    });
    expect(byName).toMatchObject({ status: 400, body: { error: { code: "InvalidRequest", target: field } } });
    expect(await readLog(product, customerId)).toEqual([]);
  });
});

test("no address that a caller sends is ever asked: requests go to Entra and Azure Resource Manager, at paths made of ids", async () => {
  const url = `${elsewhere.url}/`;
  const path = `/customers/${nextCustomer()}/permissions/azureReservations`;
  const headers = {
    ...{
      referer: url,
      origin: url,
      "x-forwarded-host": new URL(url).host,
      "x-original-url": url,
      forwarded: `host=${url}`,
    },
    ...{
      "operation-location": url,
      location: url,
      "x-ms-client-request-id": url,
      "ms-correlationid": url,
      link: `<${url}>`,
    },
  };
  product.arm.requests.clear();
  expect(await product.call("PUT", path, { body: { state: "On", reason: url }, headers })).toMatchObject({
    status: 200,
  });
  for (const wrong of [encodeURIComponent(url), "..%2f..%2f", "169.254.169.254", "@elsewhere.example"]) {
    await product.call("GET", `/customers/${wrong}/eligibility`, { headers });
    await product.call("GET", `/customers/${randomUUID()}/eligibility?subscriptionId=${wrong}`, { headers });
    await product.call("GET", `/activities?skipToken=${wrong}`, { headers });
  }
  expect(elsewhere.requests.entries).toEqual([]);
  const guid = "[\\da-f]{8}(-[\\da-f]{4}){3}-[\\da-f]{12}";
  const known = new RegExp(`^/subscriptions(/${guid}(/providers/Microsoft\\.Authorization/\\w+)?)?$`);
  expect(product.arm.requests.entries.length).toBeGreaterThan(0);
  for (const request of product.arm.requests.entries) expect(request.path).toMatch(known);
});

test("a hundred requests at once are all answered, and each customer's log is whole", async () => {
  const ids = [nextCustomer(), nextCustomer(), nextCustomer(), nextCustomer()];
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, nth) =>
      product.call("PUT", `/customers/${ids[nth % 4]}/permissions/azureReservations`, {
        body: { state: nth % 3 === 0 ? "On" : "Off" },
      }),
    ),
  );
  for (const { status } of answers) expect([200, 503]).toContain(status);
  expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(50);
  for (const id of ids) {
    const log = await readLog(product, id);
    expect(log.map(({ sequence }) => sequence)).toEqual(log.map((_, index) => index + 1));
  }
}, 60_000);

/** Nothing may happen to it, so that it may be shared. */
const nextCustomerOnce = () => customers.at(-1)?.customer.tenantId ?? "";
