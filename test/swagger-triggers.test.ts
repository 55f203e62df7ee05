/** How a description makes a trigger of an operation, on a small table of its own. */

import { describe, expect, test } from "@jest/globals";
import type { ApiDescription } from "../shared/http/api-description.ts";
import { openApiOf } from "../shared/http/openapi.ts";
import { statusOf } from "../shared/http/problem.ts";
import type { Route } from "../shared/http/route.ts";
import { bodyOf, listOf, objectOf, text } from "../shared/http/schema.ts";
import { swaggerOf } from "../shared/http/swagger.ts";
import { remarksOn } from "./harness/api-documents.ts";

const handler = () => Promise.reject(new Error("nobody calls"));
const routes: readonly Route[] = [
  { name: "ForgetBell", method: "POST", route: "bells/forget", access: "write", handler },
  { name: "HangBell", method: "POST", route: "bells", access: "write", handler },
  { name: "ListBells", method: "GET", route: "bells", access: "read", handler },
  { name: "AskForRings", method: "GET", route: "rings", access: "read", query: ["since", "bell"], handler },
];

const ring = objectOf<{ readonly bell: string }>("Ring", { bell: text("Which one.") });
const bells = objectOf<{ readonly value: readonly string[] }>("Bells", {
  value: listOf(text("Name of a bell."), "All of them."),
});
const address = text("Where to ring.", { format: "uri" });
const name = text("What to call it.");
const wish = bodyOf("BellWish", ["callbackUrl", "name"], { callbackUrl: address, name }, ["callbackUrl"]);
const toForget = bodyOf("BellToForget", ["callbackUrl"], { callbackUrl: address }, ["callbackUrl"]);

const api: ApiDescription = {
  title: "Bells",
  description: "Rings.",
  license: { name: "MIT", url: "https://opensource.org/license/mit" },
  tags: { Bells: "Bells." },
  functions: {
    ForgetBell: {
      tag: "Bells",
      summary: "Forget a bell",
      description: "By its address.",
      body: toForget,
      answers: { 204: { description: "Forgotten." } },
      connector: { visibility: "internal" },
    },
    HangBell: {
      tag: "Bells",
      summary: "When a bell rings",
      description: "Hangs up a bell.",
      body: wish,
      answers: { 201: { description: "It hangs.", schema: ring, headers: ["Location"] } },
      connector: {
        visibility: "important",
        trigger: {
          ...{ kind: "webhook", starts: "single", hint: "Ring it." },
          callbackField: "callbackUrl",
          notification: { description: "A ring.", schema: ring },
        },
      },
    },
    ListBells: {
      tag: "Bells",
      summary: "List bells",
      description: "All of them.",
      answers: { 200: { description: "Bells.", schema: bells } },
    },
    AskForRings: {
      tag: "Bells",
      summary: "When any bell rings",
      description: "Asks whether one has rung.",
      answers: {
        200: { description: "A ring.", schema: ring, headers: ["Location"] },
        202: { description: "None yet.", headers: ["Location"] },
      },
      connector: { trigger: { kind: "polling", starts: "batch", hint: "Ring one.", state: "since" } },
    },
  },
  parameters: {
    path: {},
    query: { since: text("Where it stopped."), bell: text("Only this one's."), "api-version": text("Which one.") },
    header: {
      "x-ms-client-request-id": text("An id."),
      "MS-CorrelationId": text("An id."),
      traceparent: text("An id."),
    },
  },
  answerHeaders: {
    "x-ms-request-id": text("An id."),
    "x-ms-client-request-id": text("An id."),
    "MS-CorrelationId": text("An id."),
    "MS-RequestId": text("An id."),
    Location: text("Where to go on.", { format: "uri" }),
    "Retry-After": text("Seconds."),
    "WWW-Authenticate": text("Asks for a token."),
  },
  refusals: Object.fromEntries(Object.keys(statusOf).map((code) => [code, "No."])) as ApiDescription["refusals"],
  error: objectOf<{ readonly error: string }>("Error", { error: text("Why not.") }),
  connector: { titles: { name: "Bell Name" }, hidden: ["api-version"], choices: {} },
};

const place = { host: "bells.contoso.example", schemes: ["https"] };
const document = { ...swaggerOf(routes, api, false), ...place } as any;
const extensionsOf = (thing: object) =>
  Object.fromEntries(Object.entries(thing).filter(([key]) => key.startsWith("x-ms-")));

describe("a webhook trigger", () => {
  test("is marked as one, and its path says what is sent", () => {
    expect(extensionsOf(document.paths["/bells"].post)).toEqual({
      "x-ms-visibility": "important",
      "x-ms-trigger": "single",
      "x-ms-trigger-hint": "Ring it.",
    });
    expect(extensionsOf(document.paths["/bells"])).toEqual({
      "x-ms-notification-content": { description: "A ring.", schema: { $ref: "#/definitions/Ring" } },
    });
    expect(Object.keys(document.paths["/bells"]).sort()).toEqual(["get", "post", "x-ms-notification-content"]);
    expect(extensionsOf(document.paths["/bells/forget"])).toEqual({});
  });

  test("takes the address from the platform, in its own body only", () => {
    const { BellWish, BellToForget } = document.definitions;
    const [body] = document.paths["/bells"].post.parameters.slice(-1);
    expect(body).toEqual({ name: "body", in: "body", required: true, schema: { $ref: "#/definitions/BellWish" } });
    expect(BellWish).toMatchObject({ required: ["callbackUrl"], additionalProperties: false });
    expect(extensionsOf(BellWish.properties.callbackUrl)).toEqual({
      "x-ms-summary": "Callback URL",
      "x-ms-notification-url": true,
      "x-ms-visibility": "internal",
    });
    expect(extensionsOf(BellWish.properties.name)).toEqual({ "x-ms-summary": "Bell Name" });
    expect(extensionsOf(BellToForget.properties.callbackUrl)).toEqual({ "x-ms-summary": "Callback URL" });
  });

  test("may share its body with an operation that is none, in whatever order", () => {
    const shared = { ...api.functions, ForgetBell: { ...api.functions.ForgetBell, body: wish } } as never;
    for (const table of [routes, [...routes].reverse()]) {
      const { definitions } = swaggerOf(table, { ...api, functions: shared }, false) as any;
      expect(definitions.BellWish.properties.callbackUrl["x-ms-notification-url"]).toBe(true);
    }
  });

  test("cannot name a field that its body lacks", () => {
    const trigger = { ...api.functions.HangBell?.connector?.trigger, callbackField: "url" };
    const functions = { ...api.functions, HangBell: { ...api.functions.HangBell, connector: { trigger } } } as never;
    expect(() => swaggerOf(routes, { ...api, functions }, false)).toThrow("Nobody has described url.");
  });
});

test("a polling trigger is marked as one, and nobody is asked for its state", () => {
  const operation = document.paths["/rings"].get;
  expect(extensionsOf(operation)).toEqual({
    "x-ms-trigger": "batch",
    "x-ms-trigger-hint": "Ring one.",
    "x-ms-trigger-metadata": { mode: "polling", kind: "query" },
  });
  const visibility = (wanted: string) =>
    operation.parameters.find((each: { name?: string }) => each.name === wanted)["x-ms-visibility"];
  expect([visibility("since"), visibility("bell"), visibility("api-version")]).toEqual([
    "internal",
    undefined,
    "internal",
  ]);
});

test("the document with triggers is right for others' checkers, and OpenAPI says nothing of them", async () => {
  const remarks = await remarksOn(document);
  expect(remarks.filter(({ isError }) => isError)).toEqual([]);
  expect(JSON.stringify(openApiOf(routes, api, false))).not.toContain("x-ms-trigger");
});
