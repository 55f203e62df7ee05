/**
 * The description of the API as a page for people: what each operation is for, who may call it, what it takes and
 * answers, what each code means, and a curl to paste. It loads nothing and runs nothing.
 */

import { createHash } from "node:crypto";
import type { AnswerDescription, ApiDescription } from "./api-description.ts";
import { apiPageStyle } from "./api-page-style.ts";
import { curlOf } from "./curl.ts";
import { type DescribedRoute, describeRoutes, everyRequest, named, type RefusedAs } from "./described-route.ts";
import { type Html, html } from "./html.ts";
import { type ProblemCode, statusOf } from "./problem.ts";
import type { Route } from "./route.ts";
import type { Schema } from "./schema.ts";
import { apiVersion } from "./serve.ts";

export interface ApiPage {
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Said once for all operations, or not for people to fill in. */
const notRepeated: ReadonlySet<string> = new Set(["api-version", "skipToken"]);

/**
 * @param requireFunctionKey whether the Functions host asks for a key besides the token
 * @throws Error when a route has something that nobody has described
 */
export function apiPageOf(routes: readonly Route[], api: ApiDescription, requireFunctionKey: boolean): ApiPage {
  const described = describeRoutes(routes, api);
  const schemas = new Map<string, Schema>();
  for (const { body, answers } of described) {
    for (const schema of [body, ...Object.values(answers).map((answer) => answer.schema)]) collect(schema, schemas);
  }
  collect(api.error, schemas);
  const style = createHash("sha256").update(apiPageStyle).digest("base64");
  return {
    text: pageOf().markup,
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy": `default-src 'none'; style-src 'sha256-${style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      "referrer-policy": "no-referrer",
    },
  };

  function pageOf(): Html {
    return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${api.title}: the API</title>
<style>${asIs(apiPageStyle)}</style>
</head>
<body>
<header>
<h1>${api.title}</h1>
<p>${api.description}</p>
<p class="quiet">API version ${apiVersion}. For programs: <a href="openapi.json">OpenAPI 3.0</a>, <a href="swagger.json">Swagger 2.0</a> for Power Platform and Logic Apps. Here: <a href="#codes">codes of refusals</a>, <a href="#schemas">what the bodies hold</a>.</p>
</header>
<nav aria-label="Operations">
${listed(tagged((tag, operations): Item => [html`${tag}`, html`<ul>${operations.map(linkOf)}</ul>`]))}
</nav>
<main>
${howToCall()}
${tagged((tag, operations) => html`<section><h2>${tag}</h2><p>${named(api.tags, tag)}</p>${operations.map(operationOf)}</section>`)}
<section id="codes"><h2>Codes of refusals</h2>
<p>In <code>error.code</code> of the body, and in the header <code>x-ms-error-code</code>.</p>
${listed(Object.entries(statusOf).map(([code, status]) => [html`<span class="bad">${status}</span> <span id="code-${code}">${code}</span>`, html`${api.refusals[code as ProblemCode]}`]))}
</section>
<section id="schemas"><h2>What the bodies hold</h2>
${[...schemas].map(([name, schema]) => html`<article id="schema-${name}"><h3>${name}</h3>${membersOf(schema)}</article>`)}
</section>
</main>
</body>
</html>
`;
  }

  function tagged<Written>(write: (tag: string, operations: readonly DescribedRoute[]) => Written): Written[] {
    return Object.keys(api.tags).map((tag) =>
      write(
        tag,
        described.filter((each) => each.tag === tag),
      ),
    );
  }

  function howToCall(): Html {
    const key = requireFunctionKey ? "\nKEY=<a function key>" : "";
    return html`<section><h2>How to call it</h2>
<p>Send a Microsoft Entra v2 access token for this API. The examples want these in the shell:</p>
<pre tabindex="0"><code>API=https://&lt;where this page is&gt;/api
TOKEN=$(az account get-access-token --scope api://&lt;client id of the API&gt;/.default --query accessToken -o tsv)${key}</code></pre>
<p>Every operation takes these as well:</p>
${listed([
  itemOf("api-version", "query", named(api.parameters.query, "api-version")),
  ...everyRequest.map((name) => itemOf(name, "header", named(api.parameters.header, name))),
])}
</section>`;
  }

  function operationOf(operation: DescribedRoute): Html {
    const { route, path, summary, description, whoMay, parameters, body, answers, refused } = operation;
    const items = (["path", "query", "header"] as const).flatMap((place) =>
      parameters[place]
        .filter((name) => !notRepeated.has(name))
        .map((name) => itemOf(name, place, named(api.parameters[place], name))),
    );
    return html`<article id="${route.name}">
<h3>${summary}</h3>
<p><span class="method">${route.method}</span> <code>/api${path}</code></p>
<p>${description} <strong>${whoMay}</strong></p>
${items.length === 0 ? [] : [html`<h4>Parameters</h4>${listed(items)}`]}
${body === undefined ? [] : [html`<h4>Body</h4>${membersOf(body)}`]}
<h4>Answers</h4>
${listed([...Object.entries(answers).map(answerOf), ...refused.map(refusalOf)])}
<h4>Try it</h4>
<pre tabindex="0"><code>${curlOf(operation, api, requireFunctionKey)}</code></pre>
</article>`;
  }

  function answerOf([status, { description, schema, headers = [], sometimes = [] }]: [
    string,
    AnswerDescription,
  ]): Item {
    const names = [...headers, ...sometimes.map((name) => `${name} (sometimes)`)].join(", ");
    const kind = Number(status) < 400 ? "good" : "bad";
    return [
      html`<span class="${kind}">${status}</span>${schema?.name === undefined ? [] : [html` ${linkTo(schema)}`]}`,
      html`${description}${names === "" ? [] : [html` <span class="quiet">Headers: ${names}.</span>`]}`,
    ];
  }

  function refusalOf({ status, codes }: RefusedAs): Item {
    return [
      html`<span class="bad">${status}</span>`,
      html`${codes.map((code) => html`<div><a href="#code-${code}">${code}</a>: ${api.refusals[code]}</div>`)}`,
    ];
  }
}

/** What it is, and what is to be said of it. */
type Item = readonly [Html, Html];

function listed(items: readonly Item[]): Html {
  return html`<dl>${items.map(([term, words]) => html`<div><dt>${term}</dt><dd>${words}</dd></div>`)}</dl>`;
}

function linkOf({ route, summary }: DescribedRoute): Html {
  return html`<li><a href="#${route.name}">${summary}</a></li>`;
}

function linkTo({ name = "" }: Schema): Html {
  return html`<a href="#schema-${name}">${name}</a>`;
}

function itemOf(name: string, note: string, schema: Schema): Item {
  return [html`${name} <span class="quiet">${note}</span>`, html`${wordsOf(schema)}`];
}

function membersOf({ properties = {}, required = [], isClosed }: Schema): Html {
  const items = Object.entries(properties).map(([key, schema]): Item => {
    const isThere = required.includes(key) ? (isClosed ? "required" : "") : "optional";
    return [html`${key} <span class="quiet">${isThere}</span>`, html`${wordsOf(schema)}`];
  });
  return listed(items);
}

/** Its description, and what its value looks like. */
function wordsOf(schema: Schema): Html[] {
  const { description = "", enum: values, maxLength, minimum, maximum, default: preset, nullable } = schema;
  const facts = [
    ...(maxLength === undefined ? [] : [`at most ${maxLength} characters`]),
    ...(minimum === undefined || minimum === 0 ? [] : [`from ${minimum}`]),
    ...(maximum === undefined ? [] : [`up to ${maximum}`]),
    ...(preset === undefined ? [] : [`${preset} when absent`]),
    ...(nullable ? ["or null"] : []),
  ];
  return [
    html`${description} <span class="quiet">${kindOf(schema)}${facts.map((fact) => html`, ${fact}`)}.</span>`,
    ...(values === undefined ? [] : [html` One of: ${values.map((value) => html`<code>${value}</code> `)}`]),
  ];
}

const kinds = { string: "Text", integer: "Whole number", boolean: "True or false", object: "Object" } as const;
const formats = { uuid: "GUID", "date-time": "Time", uri: "URL" } as const;

function kindOf({ name, type, format, items, nullable, properties }: Schema): Html {
  if (type === "array") return items === undefined ? html`List` : html`List: ${kindOf(items)}`;
  if (name !== undefined) return linkTo({ name, type });
  // Written in full where it may be null: its members are those of the schema that it was made of.
  if (nullable && properties !== undefined) return html`Object with ${Object.keys(properties).join(", ")}`;
  return html`${format === undefined ? kinds[type] : formats[format]}`;
}

/** Everything with a name that is in it, each before what it is made of. */
function collect(schema: Schema | undefined, found: Map<string, Schema>): void {
  if (schema === undefined) return;
  const { name, items, properties = {} } = schema;
  if (name !== undefined) {
    if (found.has(name)) return;
    found.set(name, schema);
  }
  for (const part of [items, ...Object.values(properties)]) collect(part, found);
}

/** Of the code's own: no value gets here. */
function asIs(markup: string): Html {
  return { markup };
}
