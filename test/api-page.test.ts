/** The page about the API: for people, from the same description, and with nothing in it that could run. */

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { routesOf, type UseCases } from "../functions/register-functions.ts";
import { apiPageOf } from "../shared/http/api-page.ts";
import { html } from "../shared/http/html.ts";
import { statusOf } from "../shared/http/problem.ts";
import { type AnswerChecker, checkAnswersBy } from "./harness/openapi.ts";
import { type Answer, type Product, startProduct } from "./harness/product.ts";

const run = promisify(execFile);
const routes = routesOf({} as UseCases);

let product: Product;
let answer: Answer;
let page: string;
let checker: AnswerChecker;

beforeAll(async () => {
  product = await startProduct();
  answer = await product.call("GET", "/docs", { token: null });
  page = answer.body;
  checker = checkAnswersBy((await product.call("GET", "/openapi.json", { token: null })).body);
});
afterAll(() => product?.stop());

test("is HTML for anybody, that a browser lets do nothing but look like this", () => {
  const style = /<style>([\s\S]*)<\/style>/.exec(page)?.[1] ?? "";
  const hash = createHash("sha256").update(style).digest("base64");
  const names = [
    "content-type",
    "content-security-policy",
    "referrer-policy",
    "x-content-type-options",
    "cache-control",
  ];
  expect([answer.status, ...names.map((name) => answer.headers.get(name))]).toEqual([
    200,
    "text/html; charset=utf-8",
    `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    "no-referrer",
    "nosniff",
    "no-store",
  ]);
});

test("has no script, no attribute that could be one or that the policy forbids, and loads nothing", () => {
  expect(page).not.toMatch(/<(script|iframe|object|embed|img|link|form|base|svg)\b/i);
  const attributes = new Set(
    [...page.matchAll(/<\w+((?: [\w-]+="[^"]*")+)>/g)].flatMap(([, all = ""]) => namesIn(all)),
  );
  expect([...attributes].sort()).toEqual([
    "aria-label",
    "charset",
    "class",
    "content",
    "href",
    "id",
    "lang",
    "name",
    "tabindex",
  ]);
  for (const [, link = ""] of page.matchAll(/href="([^"]*)"/g))
    expect(link).toMatch(/^(#.+|openapi\.json|swagger\.json)$/);
  expect(page).not.toMatch(/url\(|@import/);
});

test("is well-formed, and every link on it leads somewhere", () => {
  const open: string[] = [];
  for (const [, end, name = ""] of page.replace(/^<!doctype html>/, "").matchAll(/<(\/?)(\w+)[^>]*>/g)) {
    if (name === "meta") continue;
    if (end === "") open.push(name);
    else expect(open.pop()).toBe(name);
  }
  expect(open).toEqual([]);
  const ids = [...page.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const [, anchor] of page.matchAll(/href="#([^"]*)"/g)) expect(ids).toContain(anchor);
});

test("tells of every operation what it is for, who may call it, what it takes and what it answers", () => {
  const who = { read: "AdminAgent, SalesAgent, HelpdeskAgent", write: "the role AdminAgent", anonymous: "For anybody" };
  for (const { name, access, method } of routes) {
    const operation = checker.operations.find(({ id }) => id === name)!;
    const [article = ""] = new RegExp(`<article id="${name}">[\\s\\S]*?</article>`).exec(page) ?? [];
    const words = textOf(article);
    expect(words).toContain(`${method} /api${operation.template}`);
    expect(words).toContain(who[access]);
    const everywhere = ["api-version", "skipToken", "x-ms-client-request-id", "MS-CorrelationId", "traceparent"];
    for (const parameter of operation.parameters) {
      if (!everywhere.includes(parameter.name)) expect(words).toContain(parameter.name);
    }
    for (const field of Object.keys(operation.body?.properties ?? {})) expect(words).toContain(field);
    const answers = [...checker.all].filter((each) => each.startsWith(`${name} `)).map((each) => each.split(" "));
    expect(answers.length).toBeGreaterThan(2);
    for (const [, status = "", code = ""] of answers) {
      expect(article).toMatch(new RegExp(`<dt><span class="(good|bad)">${status}</span>`));
      expect(words).toContain(code);
    }
  }
  for (const [code, status] of Object.entries(statusOf)) expect(textOf(page)).toContain(`${status} ${code}`);
});

test("has a curl for each operation that can be pasted", async () => {
  const articles = [
    ...page.matchAll(/<article id="(\w+)">[\s\S]*?<pre tabindex="0"><code>(curl [^<]*)<\/code><\/pre>/g),
  ];
  expect(articles).toHaveLength(routes.length);
  const env = { PATH: process.env.PATH, API: `${product.url}/api`, TOKEN: await product.token() };
  const answered: Record<string, number> = {};
  for (const [, name = "", command = ""] of articles) {
    const { stdout } = await run("bash", ["-c", `${textOf(command)} -o /dev/null -w '%{http_code}'`], { env });
    answered[name] = Number(stdout);
  }
  const others = Object.entries(answered).filter(([, status]) => status !== 200);
  // No change and no webhook has the made-up id.
  expect(Object.fromEntries(others)).toEqual({
    ...{ GetOperation: 404, GetOperationResult: 404, ListFailedDeliveries: 404, ReplayDeliveries: 404 },
    ...{ SubscribeToChanges: 201, UnsubscribeFromChanges: 204, UnsubscribeByCallbackUrl: 204 },
    PollPermissionChanges: 202,
  });
}, 60_000);

test("asks for a key in its curls where the Functions host does", async () => {
  const withKey = routesOf({} as UseCases, true).find(({ name }) => name === "ApiPage")!;
  const { text = "" } = await withKey.handler({} as never);
  expect(text.match(/x-functions-key: \$KEY/g)).toHaveLength(
    routes.filter(({ access }) => access !== "anonymous").length,
  );
  expect(text).toContain("KEY=&lt;a function key&gt;");
  expect(page).not.toContain("x-functions-key");
});

test("writes every value as text, whatever it holds", () => {
  const hostile = `<script>alert("1")</script>&'`;
  const description = {
    ...{ title: hostile, description: hostile, license: { name: "MIT", url: "" }, tags: { [hostile]: hostile } },
    functions: {
      Evil: {
        ...{ tag: hostile, summary: hostile, description: hostile },
        body: { name: hostile, type: "object", properties: { [hostile]: { type: "string", enum: [hostile] } } },
        answers: { 200: { description: hostile, headers: [hostile] } },
      },
    },
    parameters: {
      path: {},
      query: {
        "api-version": { type: "string", description: hostile, default: hostile },
        [hostile]: { type: "string" },
      },
      header: Object.fromEntries(
        ["x-ms-client-request-id", "MS-CorrelationId", "traceparent"].map((name) => [name, { type: "string" }]),
      ),
    },
    answerHeaders: {},
    refusals: Object.fromEntries(Object.keys(statusOf).map((code) => [code, hostile])),
    error: { name: "Error", type: "object", description: hostile },
  };
  const route = { name: "Evil", method: "PUT", route: hostile, access: "write", query: [hostile] };
  const { text } = apiPageOf([route] as never, description as never, false);
  expect(text).not.toContain("<script");
  expect(text.split("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;").length).toBeGreaterThan(30);
  expect(html`${hostile}`.markup).toBe("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;");
});

function namesIn(attributes: string): string[] {
  return [...attributes.matchAll(/ ([\w-]+)="[^"]*"/g)].map(([, name = ""]) => name);
}

/** As a reader sees it. */
function textOf(markup: string): string {
  const characters: Record<string, string> = { "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&amp;": "&" };
  return markup
    .replaceAll(/<[^>]*>/g, "")
    .replaceAll(/&(lt|gt|quot|#39|amp);/g, (reference) => characters[reference] ?? "");
}
