/** Every HTTP call of a workflow is one of our routes, as the app's OpenAPI document has it, and made with its own identity. */

import type { OpenApiDocument, OperationObject, ParameterObject, SchemaObject } from "../harness/openapi.ts";
import { type Actions, branchesOf, type Definition, isObject, type Json, memberOf, textsIn } from "./definition.ts";
import { callsIn, type Expression, expressionsIn, parseTemplate } from "./expression.ts";

/** Tokens for these open more than our API; whoever lets us have one lets us be the caller. */
const foreignAudience =
  /management\.(core|azure)|graph\.(microsoft|windows)|vault\.azure|storage\.azure|partnercenter/i;

interface HttpCall {
  readonly place: string;
  readonly inputs: Json | undefined;
}

export function faultsOfHttp(definition: Definition, api: OpenApiDocument): string[] {
  return callsOf(definition).flatMap((call) =>
    faultsOfCall(call, definition, api).map((fault) => `${call.place} ${fault}`),
  );
}

function callsOf({ triggers, actions }: Definition): HttpCall[] {
  const ofThing = (place: string, { type, inputs }: { readonly type: string; readonly inputs?: Json }): HttpCall[] => {
    if (type === "Http") return [{ place, inputs }];
    if (type !== "HttpWebhook") return [];
    return ["subscribe", "unsubscribe"].flatMap((half) => {
      const call = memberOf(inputs, half);
      return call === undefined ? [] : [{ place: `${place}.${half}`, inputs: call }];
    });
  };
  const ofActions = (all: Actions): HttpCall[] =>
    Object.entries(all).flatMap(([name, action]) => [
      ...ofThing(name, action),
      ...branchesOf(action).flatMap(ofActions),
    ]);
  return [...Object.entries(triggers).flatMap(([name, trigger]) => ofThing(name, trigger)), ...ofActions(actions)];
}

function faultsOfCall({ place, inputs }: HttpCall, definition: Definition, api: OpenApiDocument): string[] {
  const method = String(memberOf(inputs, "method")).toLowerCase();
  const [path, query] = placesOf(String(memberOf(inputs, "uri") ?? ""));
  const authentication = faultsOfAuthentication(memberOf(inputs, "authentication"), definition);
  if (path === undefined) return [...authentication, "calls something else than apiUrl."];
  const found = Object.entries(api.paths).find(([template, methods]) => isOf(path, template) && method in methods);
  const operation = found?.[1][method];
  if (operation === undefined) return [...authentication, `calls ${method.toUpperCase()} ${path}, which there is not.`];
  const follow = <Thing extends { readonly $ref?: string }>(thing: Thing) => resolved(api, thing);
  const parameters = operation.parameters.map(follow);
  return [
    ...authentication,
    ...faultsOfQuery(place, query, memberOf(inputs, "queries"), parameters, definition, api.info.version),
    ...faultsOfHeaders(memberOf(inputs, "headers"), parameters),
    ...faultsOfBody(memberOf(inputs, "body"), operation, follow),
    ...faultsOfRetries(method, inputs, parameters, definition),
  ];
}

/** @returns path with `*` for every expression, and query as it stands; nothing when it is not below apiUrl */
function placesOf(uri: string): [path: string | undefined, query: string] {
  const below = "@{parameters('apiUrl')}";
  if (!uri.startsWith(`${below}/`)) return [undefined, ""];
  const at = outsideOfExpressions(uri, "?", below.length);
  const path = at === -1 ? uri.slice(below.length) : uri.slice(below.length, at);
  return [path.replaceAll(/@\{[^}]*\}/g, "*"), at === -1 ? "" : uri.slice(at + 1)];
}

function outsideOfExpressions(text: string, sign: string, start: number): number {
  for (let at = start, depth = 0; at < text.length; at++) {
    if (text[at] === "{") depth++;
    else if (text[at] === "}") depth--;
    else if (text[at] === sign && depth === 0) return at;
  }
  return -1;
}

function isOf(path: string, template: string): boolean {
  const parts = template.split("/");
  const own = path.split("/");
  return (
    parts.length === own.length &&
    parts.every((part, index) => (part.startsWith("{") ? own[index] !== "" : part === own[index]))
  );
}

function faultsOfAuthentication(authentication: Json | undefined, { parameters }: Definition): string[] {
  if (memberOf(authentication, "type") !== "ManagedServiceIdentity")
    return ["does not call with the managed identity."];
  const audience = memberOf(authentication, "audience");
  if (typeof audience !== "string" || audience === "")
    return ["has no audience: the token would be Azure Resource Manager's."];
  const [, parameter] = /^@\{?parameters\('(\w+)'\)\}?$/.exec(audience) ?? [];
  const value = parameter === undefined ? audience : (parameters[parameter]?.defaultValue ?? "");
  return foreignAudience.test(String(value)) ? [`asks for a token for ${value}, which is not ours.`] : [];
}

function faultsOfQuery(
  place: string,
  query: string,
  queries: Json | undefined,
  parameters: readonly ParameterObject[],
  definition: Definition,
  version: string,
): string[] {
  const [, variable] = /^@\{variables\('(\w+)'\)\}$/.exec(query) ?? [];
  if (variable !== undefined) {
    const faults = faultsOfQuery(place, initialOf(variable, definition), queries, parameters, definition, version);
    const foreign = assignmentsOf(variable, definition.actions).filter(
      (value) => value !== "@string('')" && !value.includes(`body('${place}')?['nextLink']`),
    );
    return [...faults, ...foreign.map((value) => `goes on with ${value}, which is no nextLink of its own.`)];
  }
  const fields = [
    ...new URLSearchParams(query.replaceAll(/@\{[^}]*\}/g, "*")),
    ...Object.entries(isObject(queries) ? queries : {}),
  ];
  const known = parameters.filter((parameter) => parameter.in === "query").map(({ name }) => name);
  const versions = fields.filter(([name]) => name === "api-version").map(([, value]) => value);
  return [
    ...fields
      .filter(([name]) => !known.includes(name))
      .map(([name]) => `sends ${name} in its query, which is unknown.`),
    ...(versions.length === 1 && versions[0] === version ? [] : [`does not ask for api-version ${version}.`]),
  ];
}

function everyAction(actions: Actions): Actions[string][] {
  return Object.values(actions).flatMap((action) => [action, ...branchesOf(action).flatMap(everyAction)]);
}

function initialOf(variable: string, { actions }: Definition): string {
  const values = everyAction(actions).flatMap(({ type, inputs }) => {
    const [made] = type === "InitializeVariable" ? ((memberOf(inputs, "variables") ?? []) as Json[]) : [];
    return memberOf(made, "name") === variable ? [String(memberOf(made, "value"))] : [];
  });
  return values[0] ?? "";
}

function assignmentsOf(variable: string, actions: Actions): string[] {
  return everyAction(actions).flatMap(({ type, inputs }) =>
    type === "SetVariable" && memberOf(inputs, "name") === variable ? [String(memberOf(inputs, "value"))] : [],
  );
}

const usualHeaders = ["content-type", "accept"];

function faultsOfHeaders(headers: Json | undefined, parameters: readonly ParameterObject[]): string[] {
  const known = parameters.filter((parameter) => parameter.in === "header").map(({ name }) => name.toLowerCase());
  return Object.keys(isObject(headers) ? headers : {})
    .filter((name) => ![...known, ...usualHeaders].includes(name.toLowerCase()))
    .map((name) => `sends the header ${name}, which is unknown.`);
}

type Follow = <Thing extends { readonly $ref?: string }>(thing: Thing) => Thing;

function faultsOfBody(body: Json | undefined, { requestBody }: OperationObject, follow: Follow): string[] {
  if (requestBody === undefined) return body === undefined ? [] : ["sends a body that nobody reads."];
  const schema = follow<SchemaObject>(requestBody.content["application/json"]?.schema ?? {});
  const fields = isObject(body) ? body : {};
  return [
    ...(schema.required ?? []).filter((name) => !Object.hasOwn(fields, name)).map((name) => `sends no ${name}.`),
    ...Object.entries(fields).flatMap(([name, value]) => {
      const property = schema.properties?.[name];
      if (property === undefined) return [`sends ${name}, which is unknown.`];
      const values = follow(property).enum;
      const isFixed = typeof value === "string" && !value.includes("@");
      return isFixed && values !== undefined && !values.includes(value) ? [`sends ${value} as ${name}.`] : [];
    }),
  ];
}

/** A request that is sent again must be the same one, or do nothing when it comes twice. */
function faultsOfRetries(
  method: string,
  inputs: Json | undefined,
  parameters: readonly ParameterObject[],
  definition: Definition,
): string[] {
  const repeatable = parameters
    .map(({ name }) => name.toLowerCase())
    .filter((name) => /request-?id$/.test(name) && !name.startsWith("x-ms-client"));
  const isRepeated = memberOf(inputs, "retryPolicy", "type") !== "none";
  if (method === "get" || method === "delete" || repeatable.length === 0 || !isRepeated) return [];
  const headers = memberOf(inputs, "headers");
  const ids = Object.entries(isObject(headers) ? headers : {}).filter(([name]) =>
    repeatable.includes(name.toLowerCase()),
  );
  if (ids.length === 0) return ["is retried without a request id."];
  return ids.flatMap(([name, value]) =>
    isStable(String(value), definition) ? [] : [`makes a new ${name} whenever it is asked.`],
  );
}

/** Made once: by a variable, which is filled once in a run. */
function isStable(value: string, definition: Definition): boolean {
  const calls = textsIn(value).flatMap(({ text }) =>
    expressionsIn(parseTemplate(text)).flatMap((one: Expression) => callsIn(one)),
  );
  if (calls.some(({ name }) => name === "guid" || name === "utcNow")) return false;
  const variables = calls.flatMap(({ name, args: [first] }) =>
    name === "variables" && first?.kind === "literal" ? [String(first.value)] : [],
  );
  return variables.every(
    (variable) => initialOf(variable, definition) !== "" && assignmentsOf(variable, definition.actions).length === 0,
  );
}

function resolved<Thing extends { readonly $ref?: string }>(api: OpenApiDocument, thing: Thing): Thing {
  if (thing.$ref === undefined) return thing;
  const [, kind = "", name = ""] = /^#\/components\/(\w+)\/(.+)$/.exec(thing.$ref) ?? [];
  const found = api.components[kind]?.[name];
  if (found === undefined) throw new Error(`${thing.$ref} leads nowhere.`);
  return found as Thing;
}
