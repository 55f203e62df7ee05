/**
 * Everything that no caller should send. After each case the customer's switches and log are as they were, and the
 * answer is one that callers can read and attackers learn nothing from.
 */

import { randomUUID } from "node:crypto";
import { request } from "node:http";
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { makeEligibleCustomers } from "./harness/customers.ts";
import { readLog } from "./harness/ledger.ts";
import { type Product, startProduct } from "./harness/product.ts";

const customers = makeEligibleCustomers(1);
const id = customers[0]!.customer.tenantId;
const permission = `/customers/${id}/permissions/azureReservations`;

let product: Product;
let token: string;
let before: unknown;

beforeAll(async () => {
  product = await startProduct({ customers });
  token = await product.token();
  const body = { state: "On", reason: "as it should stay" };
  expect((await product.call("PUT", permission, { body })).status).toBe(200);
  before = await trace();
});
afterEach(async () => expect(await trace()).toEqual(before));
afterAll(() => product?.stop());

const trace = async () => [
  (await product.call("GET", `/customers/${id}/permissions`)).body,
  await readLog(product, id),
  (await product.call("GET", "/customers")).body,
];

interface Sent {
  readonly headers?: Record<string, string | string[]>;
  readonly body?: string | Uint8Array | undefined;
  /** Without `Content-Length`. */
  readonly chunked?: boolean;
}

interface Received {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly text: string;
}

/** Sends the path as it stands here: `fetch` would tidy it up. */
function send(method: string, path: string, { headers = {}, body, chunked = false }: Sent = {}): Promise<Received> {
  const { hostname, port } = new URL(product.url);
  return new Promise((resolve, reject) => {
    const outgoing = request({
      ...{ hostname, port, method, path: `/api${path}`, agent: false },
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(body === undefined || chunked ? {} : { "content-length": String(Buffer.byteLength(body)) }),
        ...headers,
      },
    });
    outgoing.on("error", reject).on("response", async (response) => {
      let text = "";
      for await (const chunk of response.setEncoding("utf8")) text += chunk;
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
    });
    outgoing.end(body);
  });
}

const put = (body: string | Uint8Array | undefined, sent: Sent = {}) => send("PUT", permission, { body, ...sent });

/** @param target the parameter, header or field that must be named */
function expectRefused({ status, headers, text }: Received, wanted: number, code: string, target?: string): void {
  const { error, ...rest } = JSON.parse(text);
  expect({ status, code: error.code, header: headers["x-ms-error-code"] }).toEqual({
    status: wanted,
    code,
    header: code,
  });
  expect(rest).toEqual({});
  expect(Object.keys(error).filter((name) => !["code", "message", "target", "details"].includes(name))).toEqual([]);
  expect(error.message).toMatch(/^[A-Z"a-z].{10,}/s);
  expect(headers["content-type"]).toMatch(/^application\/json/);
  expect(headers["x-ms-request-id"]).toMatch(/^[\da-f-]{36}$/);
  if (target !== undefined) {
    expect(error.target.toLowerCase()).toBe(target.toLowerCase());
    expect(error.message.toLowerCase()).toContain(target.toLowerCase());
  }
  expectNothingGivenAway(text);
}

function expectNothingGivenAway(text: string): void {
  expect(text).not.toMatch(
    /\n\s*at |node_modules|\/work\/|\/home\/|file:|\.[tj]s\b|AccountKey|eyJ|SyntaxError|TypeError/,
  );
}

describe("an id that is none", () => {
  test.each([
    "not-a-guid",
    "0",
    "null",
    "undefined",
    "__proto__",
    "constructor",
    "*",
    "%27",
    `${id}0`,
    id.slice(1),
    id.replaceAll("-", ""),
    `%7B${id}%7D`,
    `(${id})`,
    `urn:uuid:${id}`,
    `${id}%20`,
    `%20${id}`,
    `${id}%0A`,
    `${id}%0D%0AX-Injected:%201`,
    `${id}%09`,
    `${id}%27%20or%20%271%27%20eq%20%271`,
    `${id}%7C${id}`,
    `customer%7C${id}`,
    `..%2F${id}`,
    `..%2F..%2F${id}%2F..`,
    `%2E%2E%2F${id}`,
    `${id}%2F`,
    `${id}%2Fpermissions%2FazureReservations`,
    `${id}%5C..`,
    `${id};v=1`,
    `${id},${id}`,
    id.replace("c", "%D1%81").replace(/^./, "%EF%BC%91"),
    "%F0%9F%99%82",
    "%C0%AE%C0%AE",
    "%FF",
    "%ED%A0%80",
    "%",
    "%u0041",
    "%25",
    "x".repeat(4_000),
    `${"0".repeat(3_000)}${id}`,
  ])("%s", async (wrong) => {
    const answers = [
      await send("GET", `/customers/${wrong}`),
      await send("GET", `/customers/${wrong}/permissions`),
      await send("GET", `/customers/${wrong}/permissions/azureReservations`),
      await send("PUT", `/customers/${wrong}/permissions/azureReservations`, { body: '{"state":"Off"}' }),
      await send("GET", `/customers/${wrong}/eligibility`),
      await send("GET", `/customers/${wrong}/operations/${randomUUID()}`),
    ];
    for (const answer of answers) expectRefused(answer, 400, "InvalidRequest", "customerId");
    expectRefused(await send("GET", `/customers/${id}/operations/${wrong}`), 400, "InvalidRequest", "changeId");
    expectRefused(
      await send("GET", `/customers/${id}/eligibility?subscriptionId=${wrong}`),
      400,
      "InvalidRequest",
      "subscriptionId",
    );
    expectRefused(await send("GET", `/activities?customerId=${wrong}`), 400, "InvalidRequest", "customerId");
  });

  test.each([null, 1, true, [id], { id }, "", ` ${id}`, `${id}\u0000`, undefined])(
    "%p in a body",
    async (customerId) => {
      for (const [name, fields] of [
        ["GetCustomerPermission", { product: "azureReservations" }],
        ["SetCustomerPermission", { product: "azureReservations", state: "Off" }],
        ["CheckCustomerEligibility", {}],
      ] as const) {
        const answer = await send("POST", `/${name}`, { body: JSON.stringify({ ...fields, customerId }) });
        expectRefused(answer, 400, "InvalidRequest", "customerId");
      }
    },
  );

  test.each([
    "customers/%00/permissions",
    `customers/${id}%00/permissions/azureReservations`,
    "activities?customerId=%00",
  ])("%s is not even let in", async (path) => {
    const { status, text } = await send("GET", `/${path}`);
    expect([status, text]).toEqual([400, ""]);
  });
});

describe("a product that is none", () => {
  test.each([
    "azurereservations",
    "AzureReservations",
    "azureReservations%20",
    "azureReservation",
    "reservations",
    "toString",
    "__proto__",
    "azureReservations%2F..",
    "..%2FazureReservations",
    "%27",
    "%F0%9F%99%82",
    "x".repeat(4_000),
  ])("%s is not found", async (wrong) => {
    const path = `/customers/${id}/permissions/${wrong}`;
    expectRefused(await send("GET", path), 404, "NotFound", "product");
    expectRefused(await send("PUT", path, { body: '{"state":"Off"}' }), 404, "NotFound", "product");
    expectRefused(await send("GET", `/customers/${id}/eligibility?product=${wrong}`), 404, "NotFound", "product");
  });

  test("in a body is not found, and refused when it is no text", async () => {
    const ask = (fields: object) =>
      send("POST", "/GetCustomerPermission", { body: JSON.stringify({ customerId: id, ...fields }) });
    expectRefused(await ask({ product: "azureEverything" }), 404, "NotFound", "product");
    for (const wrong of [{}, { product: null }, { product: 1 }, { product: ["azureReservations"] }]) {
      expectRefused(await ask(wrong), 400, "InvalidRequest", "product");
    }
  });
});

describe("in the query", () => {
  const reads = [
    "/customers",
    `/customers/${id}`,
    `/customers/${id}/permissions`,
    permission,
    `/customers/${id}/eligibility`,
    `/customers/${id}/operations/${randomUUID()}`,
    "/activities",
    "/health",
  ];

  test.each([
    ["unknown=1", "unknown"],
    ["unknown", "unknown"],
    ["customerid=1", "customerid"],
    ["API-VERSION=2026-11-01", "API-VERSION"],
    ["%24filter=RowKey%20eq%20%27%27", "$filter"],
    ["__proto__=1", "__proto__"],
    ["constructor=1", "constructor"],
    ["a%5Bb%5D=1", "a[b]"],
    ["%E2%80%AE=1", "\u202e"],
    ["=1", ""],
  ])("%s is unknown everywhere", async (query, name) => {
    for (const path of reads) expectRefused(await send("GET", `${path}?${query}`), 400, "InvalidRequest", name);
    const body = '{"state":"Off"}';
    expectRefused(await send("PUT", `${permission}?${query}`, { body }), 400, "InvalidRequest", name);
    expectRefused(await send("POST", `/SetCustomerPermission?${query}`, { body }), 400, "InvalidRequest", name);
  });

  test.each([
    [permission, "state"],
    [permission, "product"],
    [permission, "skipToken"],
    ["/customers", "customerId"],
    ["/customers", "from"],
    [`/customers/${id}`, "state"],
    [`/customers/${id}`, "maxpagesize"],
    ["/activities", "state"],
    ["/activities", "product"],
    [`/customers/${id}/eligibility`, "maxpagesize"],
    ["/health", "state"],
  ])("what other routes know, %s does not: %s", async (path, name) => {
    expectRefused(await send("GET", `${path}?${name}=1`), 400, "InvalidRequest", name);
  });

  test.each([
    ["/customers?state=On&state=On", "state"],
    ["/customers?state=On&state=Off", "state"],
    ["/customers?maxpagesize=1&maxpagesize=1", "maxpagesize"],
    [`/activities?customerId=${id}&customerId=${id}`, "customerId"],
    ["/activities?from=2026-01-01T00:00:00Z&fr%6Fm=2026-01-01T00:00:00Z", "from"],
    [`${permission}?api-version=2026-11-01&api-version=2026-11-01`, "api-version"],
    [`/customers/${id}/eligibility?product=azureReservations&product=azureSavingsPlans`, "product"],
  ])("a parameter stands there twice: %s", async (path, name) => {
    expectRefused(await send("GET", path), 400, "InvalidRequest", name);
  });

  test.each(["2026-11-02", "2026-11-01-preview", "2026-1-1", "", "latest", "%202026-11-01", "1.0", "*"])(
    "the api-version %p is not supported",
    async (version) => {
      for (const path of reads) {
        expectRefused(
          await send("GET", `${path}?api-version=${version}`),
          400,
          "UnsupportedApiVersionValue",
          "api-version",
        );
      }
      expectRefused(
        await send("PUT", `${permission}?api-version=${version}`, { body: '{"state":"Off"}' }),
        400,
        "UnsupportedApiVersionValue",
        "api-version",
      );
    },
  );

  test("the api-version there is, is known everywhere", async () => {
    for (const path of reads.filter((each) => !each.includes("operations"))) {
      expect((await send("GET", `${path}?api-version=2026-11-01`)).status).toBe(200);
    }
  });
});

describe("a body is refused", () => {
  const surrogate = (unit: string) => `{"state":"Off","reason":"a\\u${unit}b"}`;
  const bytes = (...parts: (string | number[])[]) => Buffer.concat(parts.map((part) => Buffer.from(part as string)));

  test.each<[string, string | undefined, string]>([
    ["nothing", undefined, "content-type"],
    ["an empty text", "", "body"],
    ["blanks", "  \n ", "body"],
    ["null", "null", "body"],
    ["a list", "[]", "body"],
    ["a list of the right thing", '[{"state":"Off"}]', "body"],
    ["a text", '"Off"', "body"],
    ["a number", "1", "body"],
    ["a truth", "true", "body"],
    ["an empty object", "{}", "state"],
    ["a state of null", '{"state":null}', "state"],
    ["a state in small letters", '{"state":"off"}', "state"],
    ["a state in large letters", '{"state":"OFF"}', "state"],
    ["a state with a blank", '{"state":"Off "}', "state"],
    ["an empty state", '{"state":""}', "state"],
    ["a state that is a number", '{"state":0}', "state"],
    ["a state that is a truth", '{"state":false}', "state"],
    ["a state that is a list", '{"state":["Off"]}', "state"],
    ["a state that is an object", '{"state":{"state":"Off"}}', "state"],
    ["an unknown field", '{"state":"Off","unknown":1}', "unknown"],
    ["a field in another case", '{"State":"Off"}', "State"],
    ["a field with a blank", '{"state ":"Off"}', "state "],
    ["a field without a name", '{"state":"Off","":1}', ""],
    ["__proto__", '{"state":"Off","__proto__":{"reason":"x"}}', "__proto__"],
    ["__proto__ alone", '{"__proto__":{"state":"Off"}}', "__proto__"],
    ["constructor", '{"state":"Off","constructor":{"prototype":{}}}', "constructor"],
    ["toString", '{"state":"Off","toString":"x"}', "toString"],
    ["a customer beside the one of the route", `{"state":"Off","customerId":"${id}"}`, "customerId"],
    ["a product beside the one of the route", '{"state":"Off","product":"azureReservations"}', "product"],
    ["a reason of null", '{"state":"Off","reason":null}', "reason"],
    ["a reason that is a number", '{"state":"Off","reason":1}', "reason"],
    ["a reason that is a list", '{"state":"Off","reason":["x"]}', "reason"],
    ["a reason that is an object", '{"state":"Off","reason":{}}', "reason"],
    ["half of an emoji", surrogate("d83d"), "reason"],
    ["the other half of an emoji", surrogate("de42"), "reason"],
    ["the halves of an emoji the wrong way round", surrogate("de42\\ud83d"), "reason"],
    ["a subscription that is no GUID", '{"state":"Off","subscriptionId":"x"}', "subscriptionId"],
    ["a subscription of null", '{"state":"Off","subscriptionId":null}', "subscriptionId"],
    ["a subscription that is a number", '{"state":"Off","subscriptionId":1}', "subscriptionId"],
    ["a subscription with a path", `{"state":"Off","subscriptionId":"${id}/providers"}`, "subscriptionId"],
    ["a subscription that leads upwards", `{"state":"Off","subscriptionId":"../${id}"}`, "subscriptionId"],
    ["charges acknowledged as a text", '{"state":"Off","acknowledgedCharges":"true"}', "acknowledgedCharges"],
    ["charges acknowledged as a number", '{"state":"Off","acknowledgedCharges":1}', "acknowledgedCharges"],
    ["charges acknowledged as null", '{"state":"Off","acknowledgedCharges":null}', "acknowledgedCharges"],
    ["names without quotes", '{state:"Off"}', "body"],
    ["single quotes", "{'state':'Off'}", "body"],
    ["a comma at the end", '{"state":"Off",}', "body"],
    ["no end", '{"state":"Off"', "body"],
    ["two ends", '{"state":"Off"}}', "body"],
    ["two objects", '{"state":"Off"}{"state":"Off"}', "body"],
    ["a comment", '{"state":"Off"/* please */}', "body"],
    ["not a number", '{"state":NaN}', "body"],
    ["a NUL after the end", '{"state":"Off"}\u0000', "body"],
    ["a line end within a text", '{"state":"Off","reason":"a\nb"}', "body"],
    ["a prefix against hijacking", ')]}\',\n{"state":"Off"}', "body"],
    ["a thousand lists", `${"[".repeat(8_000)}${"]".repeat(8_000)}`, "body"],
    ["a thousand objects", `${'{"a":'.repeat(2_000)}1${"}".repeat(2_000)}`, "a"],
    ["a form", "state=Off", "body"],
    ["the same field twice", '{"state":"Off","state":"Off"}', "body"],
    ["two states", '{"state":"On","state":"Off"}', "body"],
    ["two states, one in disguise", '{"state":"On","sta\\u0074e":"Off"}', "body"],
    ["two states, both in disguise", '{"\\u0073tate":"On","stat\\u0065":"Off"}', "body"],
    ["two reasons with colons in them", '{"reason":"a:b","reason":"c:\\"d\\":","state":"Off"}', "body"],
    ["two states around a quote", '{"state":"On","reason":"\\\\\\":\\"","state":"Off"}', "body"],
  ])("that is %s", async (_, body, target) => {
    expectRefused(await put(body), 400, "InvalidRequest", target);
  });

  test.each<[string, Buffer]>([
    ["a byte that no text has", bytes('{"state":"Off","reason":"', [0xff], '"}')],
    ["Latin-1", Buffer.from('{"state":"Off","reason":"für"}', "latin1")],
    ["a NUL in two bytes", bytes('{"state":"Off","reason":"', [0xc0, 0x80], '"}')],
    ["a surrogate in three bytes", bytes('{"state":"Off","reason":"', [0xed, 0xa0, 0x80], '"}')],
    ["a character cut off", bytes('{"state":"Off"}', [0xe3, 0x81])],
    ["UTF-16", Buffer.from('\ufeff{"state":"Off"}', "utf16le")],
    ["UTF-16 without a mark", Buffer.from('{"state":"Off"}', "utf16le")],
    ["gzip", gzipSync('{"state":"Off"}')],
  ])("in %s", async (_, body) => {
    expectRefused(await put(body), 400, "InvalidRequest", "body");
    const fields = bytes(`{"customerId":"${id}","product":"azureReservations",`, [...body.subarray(1)]);
    expectRefused(await send("POST", "/SetCustomerPermission", { body: fields }), 400, "InvalidRequest", "body");
  });

  test.each([
    "text/plain",
    "text/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/xml",
    "application/jsonp",
    "application/json, text/plain",
    "application/json; charset=utf-16",
    "application/json; charset=iso-8859-1",
    "application",
    "*/*",
    "",
  ])("under the content type %p", async (contentType) => {
    const answer = await put('{"state":"Off"}', { headers: { "content-type": contentType } });
    expectRefused(answer, 400, "InvalidRequest", "content-type");
  });

  test("that comes in chunks: the Functions host drops it", async () => {
    const headers = { "transfer-encoding": "chunked" };
    expectRefused(await put('{"state":"Off"}', { chunked: true, headers }), 400, "InvalidRequest", "body");
  });

  test.each([16_385, 20_000, 1_000_000])("of %i bytes", async (size) => {
    expectRefused(await put('{"state":"Off"}'.padEnd(size)), 413, "RequestTooLarge");
    expectRefused(await put("x".repeat(size)), 413, "RequestTooLarge");
    const fields = `{"customerId":"${id}","product":"azureReservations","state":"Off"}`;
    expectRefused(await send("POST", "/SetCustomerPermission", { body: fields.padEnd(size) }), 413, "RequestTooLarge");
    expectRefused(await send("POST", "/GetCustomerPermission", { body: fields.padEnd(size) }), 413, "RequestTooLarge");
  });

  test("by name as well, whichever field is unknown to the function", async () => {
    const known = { customerId: id, product: "azureReservations" };
    const post = (name: string, fields: object) =>
      send("POST", `/${name}`, { body: JSON.stringify({ ...known, ...fields }) });
    expectRefused(await post("SetCustomerPermission", { state: "Off", from: 1 }), 400, "InvalidRequest", "from");
    expectRefused(await post("SetCustomerPermission", {}), 400, "InvalidRequest", "state");
    expectRefused(await post("GetCustomerPermission", { state: "Off" }), 400, "InvalidRequest", "state");
    expectRefused(await post("CheckCustomerEligibility", { state: "Off" }), 400, "InvalidRequest", "state");
    expectRefused(
      await post("CheckCustomerEligibility", { subscriptionId: 1 }),
      400,
      "InvalidRequest",
      "subscriptionId",
    );
  });

  test("whatever JSON it is, and whatever bytes", async () => {
    const wanted = new Set(["reason", "state", "subscriptionId", "acknowledgedCharges"]);
    const isNoWish = (text: string) => !Object.keys(JSON.parse(text) ?? {}).some((name) => wanted.has(name));
    await fc.assert(
      fc.asyncProperty(fc.json().filter(isNoWish), async (body) =>
        expectRefused(await put(body), 400, "InvalidRequest"),
      ),
      { numRuns: 150 },
    );
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), async (body) =>
        expectRefused(await put(body), 400, "InvalidRequest", "body"),
      ),
      { numRuns: 150 },
    );
  });
});

describe("a body is not refused for", () => {
  const state = '"state":"On"';
  test.each<[string, string | Uint8Array, Record<string, string>?]>([
    ["its sixteen kibibytes", `{${state}}`.padEnd(16_384), {}],
    ["blanks anywhere", ` \r\n\t{ "state" : "On" } \n`, {}],
    ["a name in disguise", '{"sta\\u0074e":"On"}', {}],
    ["colons, quotes and braces in a text", `{"reason":"a:b,\\"c\\":{\\\\\\"}:",${state}}`, {}],
    ["a byte order mark", Buffer.from(`\ufeff{${state}}`), {}],
    ["a charset", `{${state}}`, { "content-type": 'application/json; charset="UTF-8"' }],
    ["large letters in its type", `{${state}}`, { "content-type": "Application/JSON;charset=utf-8" }],
    ["a kind of JSON", `{${state}}`, { "content-type": "application/merge-patch+json" }],
  ])("%s", async (_, body, headers = {}) => {
    const { status, text } = await put(body, { headers });
    expect([status, JSON.parse(text).changed]).toEqual([200, false]);
  });
});

describe("what no function answers is 404 without a body", () => {
  test.each([
    ["DELETE", permission],
    ["PATCH", permission],
    ["POST", permission],
    ["HEAD", permission],
    ["OPTIONS", permission],
    ["TRACE", permission],
    ["PUT", `/customers/${id}/permissions`],
    ["PUT", "/customers"],
    ["POST", "/customers"],
    ["DELETE", `/customers/${id}`],
    ["PUT", `/customers/${id}`],
    ["DELETE", "/activities"],
    ["POST", "/activities"],
    ["GET", "/SetCustomerPermission"],
    ["PUT", "/SetCustomerPermission"],
    ["GET", "/GetCustomerPermission"],
    ["POST", "/SetPermission"],
    ["POST", "/RecordActivity"],
    ["POST", "/SweepPendingActivities"],
    ["GET", `${permission}/more`],
    ["GET", `/customers//permissions`],
    ["GET", `/customers/${id}/permissions/../../..`],
    ["GET", "/../local.settings.json"],
    ["GET", "/%2e%2e/host.json"],
    ["GET", "/unknown"],
    ["GET", "/"],
    ["GET", ""],
  ])("%s %s", async (method, path) => {
    const body = ["PUT", "POST", "PATCH", "DELETE"].includes(method) ? '{"state":"Off"}' : undefined;
    const { status, text, headers } = await send(method, path, { body });
    expect([status, text, headers["x-powered-by"], headers.allow]).toEqual([404, "", undefined, undefined]);
  });

  test("and headers that name another method or address change nothing", async () => {
    const headers = {
      "x-http-method-override": "PUT",
      "x-http-method": "DELETE",
      "x-original-url": "/api/health",
      "x-rewrite-url": "/api/health",
    };
    const { status, text } = await send("GET", permission, { headers });
    expect([status, JSON.parse(text).state]).toEqual([200, "On"]);
  });
});

/** Sends what no client would. Ends when the server has closed the connection. */
function sendRaw(text: string): Promise<string> {
  const { hostname, port } = new URL(product.url);
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect(Number(port), hostname, () => socket.write(text, "latin1"));
    socket.setEncoding("latin1").on("data", (chunk) => {
      answer += chunk;
    });
    socket.setTimeout(3_000, () => socket.destroy());
    socket.on("error", () => undefined).on("close", () => resolve(answer));
  });
}

describe("a hostile Host header", () => {
  test.each([
    "",
    "a b",
    "[::1",
    "[zz]",
    "localhost:99999",
    "localhost:1:2",
    "localhost:port",
    "host/path",
    "host?x",
    "host#x",
    "user:password@host",
    "<script>alert(1)</script>",
    '"><img src=x>',
    "%zz",
    "h\u00f6st\u0080",
    "\\\\host",
    "a".repeat(8_000),
    ":80",
    ".",
  ])("%p does no harm", async (host) => {
    const answer = await sendRaw(
      `GET /api/activities?maxpagesize=1 HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`,
    );
    const [, status] = /^HTTP\/1\.1 (\d+)/.exec(answer) ?? [];
    expect(["200", "400", "431"]).toContain(status);
    expectNothingGivenAway(answer);
    expect(answer).not.toMatch(/<script|<img|password/);
  });

  test("that is missing or doubled is refused", async () => {
    const rest = `Authorization: Bearer ${token}\r\nConnection: close\r\n\r\n`;
    for (const hosts of ["", "Host: a\r\nHost: b\r\n"]) {
      expect(await sendRaw(`GET /api/activities HTTP/1.1\r\n${hosts}${rest}`)).toMatch(/^HTTP\/1\.1 400 /);
    }
  });

  test("or one of a proxy does not lead nextLink astray", async () => {
    const headers = { "x-forwarded-host": "evil.example", forwarded: "host=evil.example", "x-host": "evil.example" };
    await product.call("PUT", `/customers/${id}/permissions/azureReservations`, { body: { state: "On" } });
    const { text } = await send("GET", "/activities?maxpagesize=1", { headers });
    expect(text).not.toContain("evil.example");
  });
});

describe("a request within a request", () => {
  const hidden = () =>
    `PUT /api${permission} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n` +
    'Content-Type: application/json\r\nContent-Length: 15\r\n\r\n{"state":"Off"}';
  const outer = (headers: string, body: string) =>
    `POST /api/GetCustomerPermission HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\n` +
    `Content-Type: application/json\r\n${headers}\r\n\r\n${body}`;

  test.each<[string, (inner: string) => string]>([
    [
      "behind two ways to tell its length",
      (inner) => outer(`Content-Length: 4\r\nTransfer-Encoding: chunked`, `0\r\n\r\n${inner}`),
    ],
    [
      "behind the same, the other way round",
      (inner) => outer(`Transfer-Encoding: chunked\r\nContent-Length: 5`, `0\r\n\r\n${inner}`),
    ],
    ["behind two lengths", (inner) => outer("Content-Length: 0\r\nContent-Length: 200", inner)],
    ["behind a length with a sign", (inner) => outer("Content-Length: +0", inner)],
    ["behind a negative length", (inner) => outer("Content-Length: -1", inner)],
    ["behind a length that is none", (inner) => outer("Content-Length: 0x0", inner)],
    ["behind an odd encoding", (inner) => outer("Transfer-Encoding: xchunked", `0\r\n\r\n${inner}`)],
    ["behind an encoding with a blank", (inner) => outer("Transfer-Encoding : chunked", `0\r\n\r\n${inner}`)],
    ["behind a folded header", (inner) => outer("X-A: b\r\n Content-Length: 0", inner)],
    ["behind a bare line feed", (inner) => outer("X-A: b\nContent-Length: 0", inner)],
    ["behind a chunk without a size", (inner) => outer("Transfer-Encoding: chunked", `z\r\n\r\n${inner}`)],
  ])("%s is not carried out", async (_, make) => {
    const answer = await sendRaw(make(hidden()));
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toHaveLength(1);
    expectNothingGivenAway(answer);
  });

  test("in the body is only a body", async () => {
    const inner = hidden();
    const answer = await sendRaw(outer(`Connection: close\r\nContent-Length: ${inner.length}`, inner));
    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 400"]);
    expect(answer).toContain('"target":"body"');
  });

  test("in a header is only a header", async () => {
    const injected = "x\r\nHTTP/1.1 200 OK\r\n\r\n";
    const raw = encodeURIComponent(injected);
    for (const path of [`/activities?${raw}=1`, `/customers/${raw}/permissions`, `/customers?state=${raw}`]) {
      const answer = await send("GET", path);
      expectRefused(answer, 400, "InvalidRequest");
    }
  });
});

test("two tokens are none, and cookies are nobody's business", async () => {
  const headers = { authorization: [`Bearer ${token}`, `Bearer ${token}`] };
  expectRefused(await send("GET", permission, { headers }), 401, "Unauthenticated", "Authorization");
  expect((await send("GET", permission, { headers: { cookie: "a=b; ".repeat(1_000) } })).status).toBe(200);
});
