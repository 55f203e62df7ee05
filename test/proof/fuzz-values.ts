/** Values that are right, nearly right and hostile, for every kind of input that the OpenAPI document names. */

import fc from "fast-check";
import { partnerTenantId } from "../../local/stand-ins/demo-customers.ts";
import { webhookIdOf } from "../../shared/domain/webhook.ts";
import type { SchemaObject } from "../harness/openapi.ts";

export type Quality = "valid" | "nearly" | "hostile";

export interface Value {
  readonly quality: Quality;
  /** What stands between « and » is filled in when it is sent. */
  readonly base: string;
  /** Makes something out of it that only looks right. */
  readonly change?: Change;
  readonly at?: number;
}

/** What only the sender knows: ids of its customers, changes, tags, pages. */
export type Fill = (text: string) => string;

export function textOf({ base, change, at = 0 }: Value, fill: Fill): string {
  const text = fill(base);
  return change === undefined ? text : change(text, at);
}

const guid = fc.uuid();
const time = fc
  .date({ min: new Date("1969-12-30"), max: new Date("5000-01-02"), noInvalidDate: true })
  .chain((date) =>
    fc.constantFrom(
      date.toISOString(),
      `${date.toISOString().slice(0, 19)}Z`,
      `${date.toISOString().slice(0, 19)}+09:00`,
    ),
  );

const remembered = (kind: string, many = 8) => fc.nat(many - 1).map((index) => `«${kind}${index}»`);

const skipTokens = fc.oneof(
  remembered("skip"),
  fc.tuple(guid, time, fc.integer({ min: -1, max: 20_000 })).map((mark) => base64url(JSON.stringify(mark))),
  guid.map((id) => base64url(JSON.stringify([id, null, null]))),
);

const tags = fc.oneof(
  { weight: 4, arbitrary: remembered("tag") },
  { weight: 2, arbitrary: fc.constant("*") },
  { weight: 1, arbitrary: fc.constantFrom('"other"', 'W/"weak"', '"a", "b"') },
);

/** Of this machine, where nobody listens: what is told goes nowhere. */
const closedDoor = "https://127.0.0.1:1/";

const byName: Readonly<Record<string, fc.Arbitrary<string>>> = {
  customerId: fc.oneof(
    { weight: 6, arbitrary: remembered("customer", 3) },
    { weight: 1, arbitrary: remembered("CUSTOMER", 3) },
    { weight: 1, arbitrary: remembered("stranger", 10) },
    { weight: 1, arbitrary: guid },
  ),
  changeId: fc.oneof({ weight: 3, arbitrary: remembered("change") }, { weight: 1, arbitrary: guid }),
  subscriptionId: fc.oneof({ weight: 3, arbitrary: remembered("subscription", 3) }, { weight: 1, arbitrary: guid }),
  search: fc.oneof(remembered("customer", 3), fc.constantFrom("c", "Ｃ０", "ß", "no such customer")),
  skipToken: skipTokens,
  callbackUrl: fc.constantFrom(closedDoor, `${closedDoor}2`),
  webhookId: fc.oneof(
    { weight: 4, arbitrary: fc.constant(webhookIdOf(partnerTenantId, closedDoor, undefined)) },
    { weight: 1, arbitrary: fc.constant("0".repeat(32)) },
  ),
  "If-Match": tags,
  "If-None-Match": tags,
  traceparent: fc
    .tuple(fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }))
    .map(([trace, span]) => `00-${trace.toString(16).padStart(32, "0")}-${span.toString(16).padStart(16, "0")}-01`),
};

/** A request id is fresh, or that of an earlier change. */
const requestIds = fc.oneof({ weight: 3, arbitrary: guid }, { weight: 1, arbitrary: remembered("change") });

/** @param name of the parameter or field */
export function validOf(name: string, schema: SchemaObject): fc.Arbitrary<string> {
  const known = byName[name];
  if (known !== undefined) return known;
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.format === "uuid") return requestIds;
  if (schema.format === "date-time") return time;
  if (schema.type === "integer") {
    const { minimum = 0, maximum = 1_000 } = schema;
    return fc.integer({ min: minimum, max: maximum }).map(String);
  }
  if (schema.type === "boolean") return fc.constantFrom("true", "false");
  return fc.string({ unit: "grapheme", minLength: 1, maxLength: Math.min(schema.maxLength ?? 40, 40) });
}

type Change = (text: string, at: number) => string;

const changes: readonly Change[] = [
  (text) => `${text} `,
  (text) => ` ${text}`,
  (text) => `${text}\u0000`,
  (text) => `${text}\n`,
  (text) => `${text}\r\nX-Injected: 1`,
  (text) => `${text}'`,
  (text) => `${text}%20`,
  (text) => `${text}/`,
  (text) => `${text}/..`,
  (text) => `../${text}`,
  (text) => `{${text}}`,
  (text) => `["${text}"]`,
  (text) => `"${text}"`,
  (text) => `${text},${text}`,
  (text) => `${text}\u202e`,
  (text) => `\ufeff${text}`,
  (text) => `${text}\u0301`,
  (text) => text.toUpperCase(),
  (text) => text.toLowerCase(),
  (text) => text.replaceAll("-", ""),
  (text) => text.replaceAll("-", "\u2010"),
  (text) => text.replace(/[aO0]/, (one) => ({ a: "\u0430", O: "\u041e", 0: "\uff10" })[one] ?? one),
  (text) => text.normalize("NFKD"),
  (text, at) => text.slice(0, at % (text.length + 1)),
  (text, at) => text.slice(0, at % (text.length + 1)) + text.slice((at % (text.length + 1)) + 1),
  (text, at) => text.slice(0, at % (text.length + 1)) + String.fromCharCode(at) + text.slice(at % (text.length + 1)),
  (text) => text + text,
  (text) => text.repeat(50),
];

const table = ["CustomerPermissions", "ActivityLog"];
export const hostileTexts: readonly string[] = [
  ...["", " ", "\u0000", "null", "undefined", "NaN", "true", "[]", "{}", "[object Object]", "0", "-1", "1e309", "0x10"],
  ...["9007199254740993", "-0", "1.0", "1e2", "٣", "²", "１", "99999999999999999999999999999999999999"],
  ...["' or 1 eq 1 or PartitionKey eq '", "x' or RowKey ge '", "') or (true", "' and customerId ne '", "''", "%27"],
  ...table.map((name) => `x'; drop table ${name}; --`),
  ...["datetime'2020-01-01'", "guid'00000000-0000-0000-0000-000000000000'", "pending|0", "customer|", "change|x|y"],
  ...["..", ".", "../..", "..\\..\\", "....//", "/etc/passwd", "C:\\Windows\\win.ini", "file:///etc/passwd"],
  ...["..;/", "%2e%2e%2f", "%252e%252e%252f", "..%c0%af", "..%ef%bc%8f", "local.settings.json", "//evil.example/"],
  ...["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "__defineGetter__", "valueOf"],
  ...["\ud800", "\udc00", "\udc00\ud800", "a\u2028b", "a\u2029b", "\u202eabc", "\ufeff", "\ufffe", "\uffff", "\u0085"],
  ...["é", "e\u0301", "ſ", "ı", "İ", "ß", "\u{1f642}", "\u{10ffff}", "Z\u0351\u036b\u0343", "\u200b", "\u00ad"],
  ...[
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{7*7}}",
    `$${"{7*7}"}`,
    "%n%s%x",
    "$(id)",
    "`id`",
  ],
  ...[
    "\r\nX-Injected: 1",
    "\nX-Injected: 1",
    "\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    "a\tb",
    "\u001b[31m",
    "\u0007",
    "\u007f",
  ],
  ...["http://169.254.169.254/metadata/instance", "https://evil.example/", "javascript:alert(1)", "data:,x"],
  ...["AccountKey=AAAA", "2026-02-30T00:00:00Z", "2026-11-01", "0000-00-00T00:00:00Z", "9999-12-31T23:59:59.9999999Z"],
  ...["2026-11-01T24:00:00Z", "2026-11-01T00:00:60Z", "+275760-09-13T00:00:00Z", "-271821-04-20T00:00:00Z"],
  ...["2026-11-01t00:00:00z", "2026-11-01T00:00:00", "2026-11-01T00:00:00+99:99", "2026-11-01T00:00:00-00:00"],
  ...["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "urn:uuid:", "{}-{}-{}-{}"],
  ...["W/", '"', '""', 'W/""', '"a" "b"', '"a",', "*, *", "W/*", "(a+)+$", `${"a".repeat(40)}!`],
];

const hostile = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...hostileTexts) },
  { weight: 2, arbitrary: fc.string({ unit: "binary", maxLength: 30 }) },
  { weight: 1, arbitrary: fc.string({ unit: halves(), maxLength: 10 }) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom("a", "0", "-", "'", "é", "\u{1f642}"), fc.integer({ min: 100, max: 2_500 }))
      .map(([one, times]) => one.repeat(times)),
  },
  { weight: 1, arbitrary: fc.nat(120).map((depth) => `${"[".repeat(depth)}${"]".repeat(depth)}`) },
);

/** Code units by themselves: most of them are half of something. */
function halves() {
  return fc.integer({ min: 0xd700, max: 0xe100 }).map((code) => String.fromCharCode(code));
}

export const hostileValue: fc.Arbitrary<Value> = hostile.map((base) => ({ quality: "hostile", base }));

export function inputOf(name: string, schema: SchemaObject): fc.Arbitrary<Value> {
  const valid = validOf(name, schema);
  return fc.oneof(
    { weight: 24, arbitrary: valid.map((base): Value => ({ quality: "valid", base })) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(valid, fc.constantFrom(...changes), fc.nat(0xffff))
        .map(([base, change, at]): Value => ({ quality: "nearly", base, change, at })),
    },
    { weight: 1, arbitrary: hostileValue },
  );
}

function base64url(text: string): string {
  return Buffer.from(text).toString("base64url");
}

/** @returns the text in the bytes of UTF-8, halves of surrogates as three bytes of their own, which UTF-8 forbids */
export function utf8(text: string): Buffer {
  const parts = [...text].map((one) => {
    const code = one.codePointAt(0) ?? 0;
    return code >= 0xd800 && code <= 0xdfff
      ? Buffer.from([0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)])
      : Buffer.from(one);
  });
  return Buffer.concat(parts);
}

/** Percent-encodes everything but what is surely safe. */
export function escaped(text: string): string {
  return [...utf8(text)]
    .map((byte) => {
      const one = String.fromCharCode(byte);
      return /[\w~.-]/.test(one) && byte < 128 ? one : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    })
    .join("");
}
