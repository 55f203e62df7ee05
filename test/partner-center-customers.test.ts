import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { type StandIn, startServer } from "../local/stand-ins/https-server.ts";
import { createPartnerCenterCustomers } from "../shared/adapters/partner-center-customers.ts";
import type { PartnerCustomers } from "../shared/ports.ts";
import { makeOwnCertificate, type OwnCertificate } from "./harness/own-certificate.ts";

const call = { requestId: "11111111-1111-4111-8111-111111111111", correlationId: "c" };
const id = "C0FFEE00-0000-4000-8000-00000000000a";

let own: OwnCertificate;
let server: StandIn;
let customers: PartnerCustomers;
let answer: { status: number; body?: unknown };

beforeAll(async () => {
  own = await makeOwnCertificate("customers");
  const json = { "Content-Type": "application/json" };
  server = await startServer({
    certificate: own.certificate,
    answer: () => ({ status: answer.status, headers: json, body: JSON.stringify(answer.body) }),
    failure: (status) => ({ status, headers: json, body: '{"code":"1","description":"no"}' }),
  });
  customers = createPartnerCenterCustomers({
    endpoint: server.url,
    tokens: { get: async () => "a-token", forget() {} },
    limits: { backOffMilliseconds: 1 },
  });
});
afterAll(async () => {
  await server.close();
  await own.remove();
});
beforeEach(() => server.requests.clear());

const customerOf = (change: object = {}, profile: object = {}) => ({
  id,
  companyProfile: { tenantId: id, domain: "contoso.example", companyName: "Contoso", ...profile },
  relationshipToPartner: "reseller",
  ...change,
});
const nextLink = (headers: unknown, uri = "customers?size=500&seekOperation=Next") => ({
  next: { uri, method: "GET", headers },
});
const withToken = (value: unknown) => nextLink([{ key: "MS-ContinuationToken", value }]);
const pageOf = (items: unknown, links: unknown = {}) => ({ totalCount: 1, items, links });

test("a page has the customers as Partner Center lists them, whatever their relationship, and where to go on", async () => {
  answer = { status: 200, body: pageOf([customerOf({ relationshipToPartner: "advisor" })], withToken("abc==")) };

  expect(await customers.list(undefined, call)).toEqual({
    items: [{ customerId: id.toLowerCase(), name: "Contoso", domain: "contoso.example", relationship: "advisor" }],
    next: "abc==",
  });
  const [request] = server.requests.entries;
  expect([request?.method, request?.path, request?.query]).toEqual(["GET", "/v1/customers", "size=500"]);
  expect(request?.headers).toMatchObject({ "ms-requestid": call.requestId, "ms-correlationid": "c" });
  expect(request?.headers["ms-continuationtoken"]).toBeUndefined();
});

test("the next page is asked for with the token in its header, wherever the link leads", async () => {
  const links = nextLink([{ key: "ms-continuationtoken", value: "t-2" }], "https://elsewhere.example/?steal=1");
  answer = { status: 200, body: pageOf([], links) };

  expect(await customers.list("t-1", call)).toEqual({ items: [], next: "t-2" });
  const [request] = server.requests.entries;
  expect([request?.path, request?.query]).toEqual(["/v1/customers", "size=500&seekOperation=Next"]);
  expect(request?.headers["ms-continuationtoken"]).toBe("t-1");
});

test.each([[{}], [undefined], [null], [{ next: null }], [{ self: { uri: "customers" } }]])(
  "links %j: it was the last page",
  async (links) => {
    answer = { status: 200, body: { items: [customerOf()], ...(links === undefined ? {} : { links }) } };
    expect(Object.keys((await customers.list("t-1", call)) ?? {})).toEqual(["items"]);
  },
);

test.each([
  ["control characters and line ends", "A\u0000B\r\n\tC\u2028D\u2029E", "A B C D E"],
  ["half a character", "A\ud800B", "A\ufffdB"],
  ["more characters than names have", "\u{1F642}".repeat(300), "\u{1F642}".repeat(256)],
  ["nothing", "", ""],
])("a name with %s is one that can be kept", async (_, companyName, name) => {
  answer = { status: 200, body: pageOf([customerOf({}, { companyName })]) };
  expect((await customers.list(undefined, call))?.items[0]?.name).toBe(name);
});

test.each([
  ["no items", { totalCount: 0 }],
  ["items that are null", pageOf(null)],
  ["items that are one object", pageOf(customerOf())],
  ["an item that is a number", pageOf([42])],
  ["one customer without id among others", pageOf([customerOf(), customerOf({ id: undefined })])],
  ["an id that is no GUID", pageOf([customerOf({ id: "contoso" })])],
  ["no company profile", pageOf([customerOf({ companyProfile: null })])],
  ["a name that is a number", pageOf([customerOf({}, { companyName: 1 })])],
  ["no domain", pageOf([customerOf({}, { domain: undefined })])],
  ["no relationship", pageOf([customerOf({ relationshipToPartner: undefined })])],
  ["a relationship that is none", pageOf([customerOf({ relationshipToPartner: "a b" })])],
  ["a next page without headers", pageOf([customerOf()], nextLink(undefined))],
  ["a next page with other headers", pageOf([customerOf()], nextLink([null, { key: "Accept", value: "x" }]))],
  ["a next page that is a text", pageOf([customerOf()], { next: "customers" })],
  ["a token that is a number", pageOf([customerOf()], withToken(1))],
  ["an empty token", pageOf([customerOf()], withToken(""))],
  ["a token that ends its header", pageOf([customerOf()], withToken("a\r\nHost: elsewhere"))],
  ["a token of another alphabet", pageOf([customerOf()], withToken("ä"))],
  ["a token without end", pageOf([customerOf()], withToken("a".repeat(4_097)))],
  ["a token that leads to the same page", pageOf([customerOf()], withToken("t-1"))],
])("%s: unavailable, and no list", async (_, body) => {
  answer = { status: 200, body };
  await expect(customers.list("t-1", call)).rejects.toMatchObject({ name: "Refusal", code: "DependencyUnavailable" });
  expect(server.requests.entries).toHaveLength(1);
});

test("a position that is not known any more is told from a refusal", async () => {
  answer = { status: 400, body: { code: "900118", description: "The token is not valid." } };

  expect(await customers.list("t-1", call)).toBeUndefined();
  await expect(customers.list(undefined, call)).rejects.toMatchObject({ name: "PartnerCenterRefusal" });
});

test.each([
  [401, "900421", "MfaRequired"],
  [403, "900150", "RoleMissing"],
  [404, "1000", "Refused"],
])("%i/%s is a refusal: %s", async (status, code, reason) => {
  answer = { status, body: { code, description: "no" } };
  await expect(customers.list("t-1", call)).rejects.toMatchObject({ name: "PartnerCenterRefusal", reason });
});

test("an outage is unavailable", async () => {
  answer = { status: 503 };
  await expect(customers.list(undefined, call)).rejects.toMatchObject({ code: "DependencyUnavailable" });
});
