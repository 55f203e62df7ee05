/** Requests as nobody should send them, made of what the OpenAPI document says they should be. */

import { gzipSync } from "node:zlib";
import fc from "fast-check";
import type { Operation } from "../harness/openapi.ts";
import type { WireRequest } from "../harness/wire.ts";
import { escaped, type Fill, hostileTexts, hostileValue, inputOf, textOf, utf8, type Value } from "./fuzz-values.ts";

/** What a caller is, and so may do. */
export interface Credential {
  readonly name: string;
  readonly headers: readonly (readonly [string, string])[];
  /** `unknown`: decoders differ about it. */
  readonly may: "write" | "read" | "nothing" | "unknown";
}

interface Input {
  readonly name: string;
  readonly value: Value;
}

/** A request before it is written down: what shrinks in search of the smallest one that fails. */
export interface Plan {
  readonly operation: Operation;
  readonly path: readonly Input[];
  readonly pathStyle: "escaped" | "twice" | "bare";
  readonly query: readonly Input[];
  readonly headers: readonly Input[];
  readonly body: BodyPlan | undefined;
  readonly credential: number;
  readonly transport: Transport;
}

interface BodyPlan {
  readonly fields: readonly { readonly name: string; readonly value: Value; readonly json?: string }[];
  readonly twist: Twist;
  readonly contentType: string;
}

export interface Draft {
  readonly wire: WireRequest;
  readonly credential: Credential;
  /**
   * `sound`: HTTP as it should be, so the product answers wherever there is a route. `odd`: HTTP, but the server may refuse
   * it by itself. `broken`: no HTTP; the server may also close the connection. `conflict`: must be refused by the server.
   */
  readonly nature: "sound" | "odd" | "broken" | "conflict";
  /** Bytes behind the request are another one. */
  readonly hasRest: boolean;
  /** Something about it is unknown, doubled or ambiguous: whoever asks, it is not done. */
  readonly isToBeRefused: boolean;
}

export function planOf(operations: readonly Operation[], credentials: number): fc.Arbitrary<Plan> {
  const weighted = operations.map((operation) => ({
    weight: operation.isAnonymous ? 1 : /^Set/.test(operation.id) ? 6 : 2,
    arbitrary: planFor(operation, credentials),
  }));
  return fc.oneof(...weighted);
}

function planFor(operation: Operation, credentials: number): fc.Arbitrary<Plan> {
  const inputs = (place: string) =>
    operation.parameters
      .filter((parameter) => parameter.in === place)
      .map(({ name, schema }) => inputOf(name, schema).map((value): Input => ({ name, value })));
  const some = (place: string, absent: number) =>
    fc
      .tuple(...inputs(place).map((input) => maybe(input, { present: 1, absent })))
      .map((all) => all.filter((one) => one !== undefined));
  const extra = fc.record({ name: fc.constantFrom(...hostileTexts, ...strayNames), value: hostileValue });
  return fc.record({
    operation: fc.constant(operation),
    path: fc.tuple(...inputs("path")),
    pathStyle: fc.oneof(
      { weight: 30, arbitrary: fc.constant("escaped" as const) },
      { weight: 1, arbitrary: fc.constant("twice" as const) },
      { weight: 1, arbitrary: fc.constant("bare" as const) },
    ),
    query: rarelyMore(some("query", 1), extra),
    headers: rarelyMore(some("header", 5), fc.record({ name: fc.constantFrom(...strayHeaders), value: hostileValue })),
    body: operation.body === undefined ? rarely(bodyOf(operation)) : bodyOf(operation),
    credential: fc.oneof({ weight: 12, arbitrary: fc.constant(0) }, { weight: 4, arbitrary: fc.nat(credentials - 1) }),
    transport: fc.oneof(
      { weight: 14, arbitrary: fc.constant(plain) },
      { weight: 1, arbitrary: fc.constantFrom(...transports) },
    ),
  });
}

function maybe<Thing>(
  thing: fc.Arbitrary<Thing>,
  { present, absent }: { readonly present: number; readonly absent: number },
): fc.Arbitrary<Thing | undefined> {
  return fc.oneof({ weight: absent, arbitrary: fc.constant(undefined) }, { weight: present, arbitrary: thing });
}

function rarely<Thing>(thing: fc.Arbitrary<Thing>): fc.Arbitrary<Thing | undefined> {
  return maybe(thing, { present: 1, absent: 20 });
}

function rarelyMore(inputs: fc.Arbitrary<Input[]>, extra: fc.Arbitrary<Input>): fc.Arbitrary<Input[]> {
  return fc.tuple(inputs, rarely(extra), rarely(fc.nat(9))).map(([all, more, twice]) => {
    const doubled = twice === undefined ? undefined : all[twice % Math.max(all.length, 1)];
    return [...all, ...(more === undefined ? [] : [more]), ...(doubled === undefined ? [] : [doubled])];
  });
}

const strayNames = ["code", "access_token", "$filter", "customerId[]", "API-VERSION", "state", "product", "a=b", "a&b"];

const strayHeaders = [
  ...["X-MS-CLIENT-PRINCIPAL", "X-MS-CLIENT-PRINCIPAL-ID", "X-MS-TOKEN-AAD-ACCESS-TOKEN", "X-HTTP-Method-Override"],
  ...["X-Forwarded-Host", "X-Forwarded-For", "X-Original-URL", "X-Rewrite-URL", "Forwarded", "Accept", "Cookie"],
  ...["Accept-Encoding", "Range", "Origin", "Referer", "User-Agent", "Content-Encoding", "If-Modified-Since", "Via"],
  ...["__proto__", "constructor", "x-functions-key", "tracestate", "baggage", "Trailer", "TE", "Max-Forwards"],
];

const contentTypes = [
  ...["", "text/plain", "text/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"],
  ...[
    "application/json; charset=utf-16",
    "application/json, text/plain",
    "application/jsonp",
    "*/*",
    "application/xml",
  ],
  ...['application/json; charset="UTF-8"', "application/merge-patch+json", "APPLICATION/JSON", "application/json;"],
];

const acceptedTypes: readonly string[] = [
  "application/json",
  'application/json; charset="UTF-8"',
  "application/merge-patch+json",
  "APPLICATION/JSON",
];

const rawJson = fc.oneof(
  fc.json({ maxDepth: 2 }),
  fc.constantFrom(
    "null",
    "1e400",
    "-0",
    "01",
    "'On'",
    "undefined",
    "[]",
    '{"__proto__":{"state":"On"}}',
    '{"a":{"b":1}}',
  ),
  fc.nat(500).map((depth) => `${"[".repeat(depth)}${"]".repeat(depth)}`),
  fc.constantFrom('"\\ud800"', '"\\u0000"', '"\\u2028"', '"\\/"', '"\\x41"', '"a\u0001b"', '"\ud800"'),
);

function bodyOf(operation: Operation): fc.Arbitrary<BodyPlan> {
  const { properties = {}, required = [] } = operation.body ?? {};
  const fields = Object.entries(properties).map(([name, schema]) => {
    const field = fc.record({ name: fc.constant(name), value: inputOf(name, schema) });
    const strange = fc.record({ name: fc.constant(name), value: hostileValue, json: rawJson });
    const either = fc.oneof({ weight: 30, arbitrary: field }, { weight: 1, arbitrary: strange });
    return maybe(either, required.includes(name) ? { present: 60, absent: 1 } : { present: 1, absent: 2 });
  });
  const stray = fc.record({
    name: fc.constantFrom(
      "__proto__",
      "constructor",
      "prototype",
      "toString",
      "",
      "State",
      "state ",
      "etag",
      "changeId",
    ),
    value: hostileValue,
    json: rawJson,
  });
  return fc.record({
    fields: fc
      .tuple(fc.tuple(...fields), rarely(stray))
      .map(([all, more]) => [...all, more].filter((field) => field !== undefined)),
    twist: fc.oneof(
      { weight: 20, arbitrary: fc.constant(straight) },
      { weight: 1, arbitrary: fc.constantFrom(...twists) },
    ),
    contentType: fc.oneof(
      { weight: 30, arbitrary: fc.constant("application/json") },
      { weight: 1, arbitrary: fc.constantFrom(...contentTypes) },
    ),
  });
}

/** Named, so that a counter-example can be read. */
interface Twist {
  readonly name: string;
  /** It is the same body all the same. */
  readonly isHarmless?: true;
  readonly make: (text: string) => Uint8Array;
}

const straight: Twist = { name: "as it is", isHarmless: true, make: (text) => Buffer.from(text) };
const limit = 16 * 1024;
const bytes = (...parts: (string | number[])[]) => Buffer.concat(parts.map((part) => Buffer.from(part as string)));

const twists: readonly Twist[] = [
  { name: "nothing", make: () => Buffer.alloc(0) },
  { name: "blanks", make: () => Buffer.from(" \r\n\t ") },
  { name: "byte order mark", isHarmless: true, make: (text) => Buffer.from(`\ufeff${text}`) },
  { name: "UTF-16", make: (text) => Buffer.from(`\ufeff${text}`, "utf16le") },
  { name: "gzip", make: (text) => gzipSync(text) },
  { name: "Latin-1", make: (text) => Buffer.from(`${text.slice(0, -1)},"reason":"ÿ"}`, "latin1") },
  { name: "a byte that no text has", make: (text) => bytes(text.slice(0, -1), [0xff], "}") },
  { name: "a surrogate in three bytes", make: (text) => bytes(text.slice(0, -2), [0xed, 0xa0, 0x80], '"}') },
  { name: "an overlong NUL", make: (text) => bytes(text.slice(0, -2), [0xc0, 0x80], '"}') },
  { name: "a character cut off", make: (text) => bytes(text, [0xe3, 0x81]) },
  { name: "cut off", make: (text) => Buffer.from(text.slice(0, -1)) },
  { name: "a second object", make: (text) => Buffer.from(text + text) },
  { name: "a comma at the end", make: (text) => Buffer.from(text.replace(/\}$/, ",}")) },
  { name: "a comment", make: (text) => Buffer.from(`${text}// x`) },
  { name: "a NUL at the end", make: (text) => Buffer.from(`${text}\u0000`) },
  { name: "in a list", make: (text) => Buffer.from(`[${text}]`) },
  { name: "as a text", make: (text) => Buffer.from(JSON.stringify(text)) },
  { name: "every member twice", make: (text) => Buffer.from(text.replace(/^\{(.+)\}$/s, "{$1,$1}")) },
  { name: "state twice", make: (text) => Buffer.from(text.replace(/^\{/, '{"state":"On",')) },
  { name: "state twice in disguise", make: (text) => Buffer.from(text.replace(/^\{/, '{"st\\u0061te":"On",')) },
  { name: "a prototype", make: (text) => Buffer.from(text.replace(/^\{/, '{"__proto__":{"state":"On"},')) },
  { name: "deep lists", make: () => Buffer.from(`${"[".repeat(8_000)}${"]".repeat(8_000)}`) },
  { name: "deep objects", make: () => Buffer.from(`${'{"state":'.repeat(1_500)}1${"}".repeat(1_500)}`) },
  { name: "many members", make: () => Buffer.from(`{${Array.from({ length: 1_300 }, (_, n) => `"m${n}":1`).join()}}`) },
  {
    name: "the largest",
    isHarmless: true,
    make: (text) =>
      Buffer.from(text).length > limit
        ? Buffer.from(text)
        : Buffer.concat([Buffer.from(text), Buffer.alloc(limit - Buffer.from(text).length, " ")]),
  },
  { name: "larger than the largest", make: (text) => Buffer.from(text.padEnd(limit + 1)) },
  { name: "much larger", make: (text) => Buffer.from(text.padEnd(20 * limit)) },
  { name: "a form", make: () => Buffer.from("state=On&product=azureReservations") },
];

interface Transport {
  readonly name: string;
  readonly nature: Draft["nature"];
  readonly hasRest?: boolean;
  readonly change: (wire: WireRequest) => WireRequest;
}

const plain: Transport = { name: "plain", nature: "sound", change: (wire) => wire };

function way(name: string, nature: Draft["nature"], change: (wire: WireRequest) => Partial<WireRequest>): Transport {
  return { name, nature, change: (wire) => ({ ...wire, ...change(wire) }) };
}

const added = (name: string, value: string) => (wire: WireRequest) => ({
  headers: [...wire.headers, [name, value] as const],
});
const without = (wire: WireRequest, ...names: string[]) =>
  wire.headers.filter(([name]) => !names.includes(name.toLowerCase()));
const chunks = (body: Uint8Array) =>
  Buffer.concat([
    ...(body.length === 0 ? [] : [Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from("\r\n")]),
    Buffer.from("0\r\n\r\n"),
  ]);
const chunked = (wire: WireRequest) => ({
  headers: [...without(wire, "content-length"), ["Transfer-Encoding", "chunked"] as const],
  body: chunks(wire.body),
});
/** A whole request that must not be carried out, hidden behind one that must be refused. */
const hidden = (wire: WireRequest) =>
  Buffer.from(
    [
      "PUT /api/customers/«canary»/permissions/azureReservations HTTP/1.1",
      ...wire.headers.filter(([name]) => /^(host|authorization)$/i.test(name)).map((header) => header.join(": ")),
      "Content-Type: application/json\r\nContent-Length: 14\r\n",
      '{"state":"On"}',
    ].join("\r\n"),
    "latin1",
  );
const withHidden =
  (...headers: (readonly [string, string])[]) =>
  (wire: WireRequest) => ({
    headers: [...without(wire, "content-length", "connection"), ...headers],
    body: Buffer.concat([Buffer.from("0\r\n\r\n"), hidden(wire)]),
  });
const methods = [
  "DELETE",
  "PATCH",
  "HEAD",
  "OPTIONS",
  "TRACE",
  "PROPFIND",
  "LOCK",
  "SEARCH",
  "PURGE",
  "GET",
  "PUT",
  "POST",
];
const hosts = [
  ...["", "a b", "[::1", "[zz]", "localhost:99999", "host/path", "host?x", "host#x", "user:password@host", "%zz"],
  ...[
    "<script>alert(1)</script>",
    "h\u00f6st",
    "\\\\host",
    "a".repeat(4_000),
    ":80",
    ".",
    "evil.example",
    "[::1]:7071",
  ],
];

const transports: readonly Transport[] = [
  way("kept alive", "sound", (wire) => ({ headers: without(wire, "connection") })),
  ...methods.map((method) => way(`as ${method}`, "sound", () => ({ method }))),
  ...["put", "GETT", "CONNECT", "G ET", "\u00e9", ""].map((method) =>
    way(`as "${method}"`, "broken", () => ({ method })),
  ),
  ...["HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/1.2", "http/1.1", "HTTP/11", ""].map((version) =>
    way(`in "${version}"`, "broken", () => ({ version })),
  ),
  ...hosts.map((host) =>
    way(`Host: ${host.slice(0, 20)}`, "broken", (wire) => ({
      headers: [["Host", host] as const, ...without(wire, "host")],
    })),
  ),
  way("without Host", "broken", (wire) => ({ headers: without(wire, "host") })),
  way("two hosts", "broken", added("Host", "evil.example")),
  way("absolute target", "odd", (wire) => ({ target: `http://evil.example${wire.target}` })),
  way("target of a proxy", "broken", () => ({ target: "evil.example:443" })),
  way("target *", "odd", () => ({ target: "*" })),
  way("target without a slash", "broken", (wire) => ({ target: wire.target.slice(1) })),
  way("two slashes", "sound", (wire) => ({ target: `/${wire.target}` })),
  way("a fragment", "odd", (wire) => ({ target: `${wire.target}#x` })),
  way("a slash at the end", "sound", (wire) => ({ target: wire.target.replace(/\/?(\?|$)/, "/$1") })),
  way("dots", "sound", (wire) => ({ target: wire.target.replace("/api/", "/api/x/../") })),
  way("escaped dots", "sound", (wire) => ({ target: wire.target.replace("/api/", "/api/x/%2e%2E/") })),
  way("too many dots", "sound", (wire) => ({ target: wire.target.replace("/api/", "/../../../api/") })),
  way("backslashes", "sound", (wire) => ({ target: wire.target.replace("/api/", "/api\\") })),
  way("large letters", "sound", (wire) => ({ target: wire.target.replace("/api/customers", "/API/Customers") })),
  way("a NUL", "odd", (wire) => ({ target: `${wire.target}%00` })),
  way("a very long target", "odd", (wire) => ({ target: `${wire.target}${"/a".repeat(9_000)}` })),
  way("a long query", "sound", (wire) => ({
    target: `${wire.target}${wire.target.includes("?") ? "&" : "?"}x=${"a".repeat(6_000)}`,
  })),
  way("a very long header", "odd", added("X-Long", "a".repeat(17_000))),
  way("a long header", "odd", added("X-Long", "a".repeat(6_000))),
  way("many headers", "odd", (wire) => ({
    headers: [...wire.headers, ...Array.from({ length: 300 }, (_, n) => [`X-${n}`, "1"] as const)],
  })),
  way("very many headers", "broken", (wire) => ({
    headers: [...wire.headers, ...Array.from({ length: 2_500 }, (_, n) => [`X-${n}`, "1"] as const)],
  })),
  way("a folded header", "broken", added("X-A", "b\r\n folded: 1")),
  way("a bare line feed", "broken", added("X-A", "b\nX-Injected: 1")),
  way("a bare carriage return", "broken", added("X-A", "b\rX-Injected: 1")),
  way("a NUL in a header", "broken", added("X-A", "b\u0000c")),
  way("high bytes in a header", "odd", added("x-ms-client-request-id", "\u00e9\u00ff\u0080")),
  way("a header with a blank", "broken", added("X A", "b")),
  way("a header without a name", "broken", added("", "b")),
  way("a header in large letters of another alphabet", "broken", added("X-\u00c9", "b")),
  way("in chunks", "odd", chunked),
  way("in chunks without an end", "odd", (wire) => ({ ...chunked(wire), leaves: true })),
  way("Expect: 100-continue", "odd", added("Expect", "100-continue")),
  way("Expect: anything", "odd", added("Expect", "200-ok")),
  way("Upgrade: h2c", "odd", (wire) => ({
    headers: [...without(wire, "connection"), ["Connection", "Upgrade, HTTP2-Settings"], ["Upgrade", "h2c"]],
  })),
  way("preface of HTTP/2", "broken", () => ({
    method: "PRI",
    target: "*",
    version: "HTTP/2.0",
    headers: [],
    body: Buffer.from("SM\r\n\r\n"),
  })),
  way("leaves", "odd", () => ({ leaves: true })),
  {
    // The server refuses the rest, maybe before the request is answered: so it must not be one that writes.
    ...way("with a rest", "odd", (wire) =>
      /^(PUT|DELETE)|\/(Set|webhooks)/i.test(`${wire.method} ${wire.target}`)
        ? {}
        : { headers: without(wire, "connection"), body: Buffer.concat([wire.body, Buffer.from("rest")]) },
    ),
    hasRest: true,
  },
  way("two ways to tell its length", "conflict", withHidden(["Content-Length", "4"], ["Transfer-Encoding", "chunked"])),
  way("the other way round", "conflict", withHidden(["Transfer-Encoding", "chunked"], ["Content-Length", "5"])),
  way("two lengths", "conflict", withHidden(["Content-Length", "0"], ["Content-Length", "200"])),
  way("a length with a sign", "conflict", withHidden(["Content-Length", "+0"])),
  way("a negative length", "conflict", withHidden(["Content-Length", "-1"])),
  way("a length that is none", "conflict", withHidden(["Content-Length", "0x0"])),
  way("a list of lengths", "conflict", withHidden(["Content-Length", "0, 200"])),
  way("an odd encoding", "conflict", withHidden(["Transfer-Encoding", "xchunked"])),
  way("a chunk without a size", "conflict", (wire) => ({
    headers: [...without(wire, "content-length"), ["Transfer-Encoding", "chunked"]],
    body: Buffer.concat([Buffer.from("z\r\n\r\n"), hidden(wire)]),
  })),
];

/** Writes a plan down. */
export function draft(plan: Plan, credentials: readonly Credential[], fill: Fill, host: string): Draft {
  const { operation, transport } = plan;
  const credential = credentials[plan.credential] ?? { name: "none", headers: [], may: "nothing" };
  const inPath = new Map(plan.path.map(({ name, value }) => [name, segmentOf(textOf(value, fill), plan.pathStyle)]));
  const path = operation.template.replaceAll(/\{(\w+)\}/g, (_, name: string) => inPath.get(name) ?? "");
  const query = plan.query.map(({ name, value }) => `${escaped(name)}=${escaped(textOf(value, fill))}`).join("&");
  const body = plan.body === undefined ? Buffer.alloc(0) : plan.body.twist.make(jsonOf(plan.body, fill));
  const wire = transport.change({
    method: operation.method,
    target: `/api${path}${query === "" ? "" : `?${query}`}`,
    version: "HTTP/1.1",
    headers: [
      ["Host", host],
      ["Connection", "close"],
      ...credential.headers,
      ...plan.headers.map(({ name, value }) => [name, headerValue(textOf(value, fill))] as const),
      ...(plan.body === undefined ? [] : [["Content-Type", plan.body.contentType] as const]),
      ...(plan.body === undefined ? [] : [["Content-Length", String(body.length)] as const]),
    ],
    body,
  });
  const filled = Buffer.from(fill(Buffer.from(wire.body).toString("latin1")), "latin1");
  return {
    wire: transport.nature === "conflict" ? { ...wire, body: filled } : wire,
    credential,
    nature: natureOf(wire, transport),
    hasRest: transport.hasRest ?? false,
    isToBeRefused: wire.method === operation.method && (hasStrangeQuery(plan) || hasStrangeBody(plan)),
  };
}

function hasStrangeQuery({ operation, query }: Plan): boolean {
  const names = query.map(({ name }) => name);
  return hasDoubles(names) || names.some((name) => !isKnown(operation, "query", name));
}

function hasStrangeBody({ operation, body }: Plan): boolean {
  if (operation.body === undefined || body === undefined) return false;
  const { fields, twist, contentType } = body;
  const names = fields.map(({ name }) => name);
  return (
    hasDoubles(names) ||
    names.some((name) => !Object.hasOwn(operation.body?.properties ?? {}, name)) ||
    !twist.isHarmless ||
    !acceptedTypes.includes(contentType)
  );
}

function isKnown({ parameters }: Operation, place: string, wanted: string): boolean {
  return parameters.some((parameter) => parameter.in === place && parameter.name === wanted);
}

function hasDoubles(names: readonly string[]): boolean {
  return new Set(names).size < names.length;
}

/** What is in the request besides its transport can take it from the product, too. */
function natureOf({ target, headers }: WireRequest, { nature }: Transport): Draft["nature"] {
  if (nature !== "sound") return nature;
  if (!/^[\x21-\x7e]+$/.test(target)) return "broken";
  const size = headers.reduce((sum, [name, value]) => sum + name.length + value.length + 4, target.length + 40);
  return size > 12_000 || target.includes("#") ? "odd" : "sound";
}

function segmentOf(text: string, style: Plan["pathStyle"]): string {
  if (style === "twice") return escaped(escaped(text));
  return style === "bare" ? utf8(text).toString("latin1") : escaped(text);
}

/** What no header can hold would be another header, and that is the business of transports. */
function headerValue(text: string): string {
  return utf8(text)
    .toString("latin1")
    .replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, "?")
    .trim();
}

function jsonOf({ fields }: BodyPlan, fill: Fill): string {
  const members = fields.map(({ name, value, json }) => {
    const text = textOf(value, fill);
    const isTruth = name === "acknowledgedCharges" && value.quality === "valid";
    return `${JSON.stringify(name)}:${json ?? (isTruth ? text : JSON.stringify(text))}`;
  });
  return `{${members.join()}}`;
}
