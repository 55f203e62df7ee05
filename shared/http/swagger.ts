/**
 * The same description as a Swagger 2.0 document, which is what Power Platform and Logic Apps read, with their
 * extensions. It says what the OpenAPI document says, as far as 2.0 has words for it: there are none for a header that
 * is always there.
 *
 * https://swagger.io/specification/v2/
 * https://learn.microsoft.com/connectors/custom-connectors/openapi-extensions
 */

import type { AnswerDescription, ApiDescription } from "./api-description.ts";
import {
  type DescribedRoute,
  describeRoutes,
  enumOf,
  everyAnswer,
  everyEcho,
  everyRequest,
  named,
  type RefusedAs,
  refusalHeaders,
  wordsOf,
} from "./described-route.ts";
import type { Route } from "./route.ts";
import type { Schema } from "./schema.ts";
import { apiVersion } from "./serve.ts";

type Json = Readonly<Record<string, unknown>>;

const json = "application/json";

/**
 * @param requireFunctionKey whether the Functions host asks for a key besides the token
 * @returns the document without the address of the service
 * @throws Error when a route has something that nobody has described
 */
export function swaggerOf(routes: readonly Route[], api: ApiDescription, requireFunctionKey: boolean): Json {
  const { titles, hidden, choices } = api.connector;
  const definitions: Record<string, Json> = {};
  const refusals: Record<string, Json> = {};
  const paths: Record<string, Json> = {};
  for (const described of describeRoutes(routes, api)) {
    const { path, route } = described;
    paths[path] = {
      ...paths[path],
      ...notificationOf(described),
      [route.method.toLowerCase()]: operationOf(described),
    };
  }
  return {
    swagger: "2.0",
    info: { title: api.title, description: api.description, version: apiVersion, license: api.license },
    basePath: "/api",
    consumes: [json],
    produces: [json],
    tags: Object.entries(api.tags).map(([name, description]) => ({ name, description })),
    paths,
    definitions,
    parameters: Object.fromEntries(everyRequest.map((name) => [name, parameterOf("header", name)])),
    responses: refusals,
    securityDefinitions: securityDefinitions(requireFunctionKey),
  };

  function operationOf(described: DescribedRoute): Json {
    const { route, tag, summary, description, whoMay, parameters, answers, refused, connector = {} } = described;
    const { visibility, trigger } = connector;
    const mediaTypes = Object.values(answers).flatMap(({ mediaType }) => mediaType ?? []);
    const state = trigger?.kind === "polling" ? [trigger.state] : [];
    return {
      operationId: route.name,
      tags: [tag],
      summary,
      description: `${description} ${whoMay}`,
      ...(mediaTypes.length === 0 ? {} : { produces: [...mediaTypes, json] }),
      parameters: [
        ...parameters.path.map((name) => parameterOf("path", name)),
        ...parameters.query.map((name) => parameterOf("query", name, state)),
        ...parameters.header.map((name) => parameterOf("header", name)),
        ...everyRequest.map((name) => ({ $ref: `#/parameters/${name}` })),
        ...bodyOf(described),
      ],
      responses: {
        ...Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, responseOf(answer)])),
        ...Object.fromEntries(refused.map((refusal) => [refusal.status, refusalOf(refusal)])),
      },
      security: securityOf(route.access, requireFunctionKey),
      ...(isPaged(answers) ? { "x-ms-pageable": { nextLinkName: "nextLink" } } : {}),
      ...(visibility === undefined ? {} : { "x-ms-visibility": visibility }),
      ...(trigger === undefined ? {} : { "x-ms-trigger": trigger.starts, "x-ms-trigger-hint": trigger.hint }),
      ...(trigger?.kind === "polling" ? { "x-ms-trigger-metadata": { mode: "polling", kind: "query" } } : {}),
    };
  }

  /** @param alsoHidden on this operation only */
  function parameterOf(
    place: keyof ApiDescription["parameters"],
    name: string,
    alsoHidden: readonly string[] = [],
  ): Json {
    const { description, ...schema } = named(api.parameters[place], name);
    const isHidden = [...hidden, ...alsoHidden].includes(name);
    return {
      name,
      in: place,
      description,
      required: place === "path",
      ...written(schema),
      "x-ms-summary": titleOf(name),
      ...(isHidden ? { "x-ms-visibility": "internal" } : place === "header" ? { "x-ms-visibility": "advanced" } : {}),
      // Power Platform encodes path parameters twice unless told not to.
      ...(place === "path" ? { "x-ms-url-encoding": "single" } : {}),
      ...choiceOf(place, name),
    };
  }

  /** A header is not chosen from a list. */
  function choiceOf(place: keyof ApiDescription["parameters"], name: string): Json {
    const choice = place !== "header" && Object.hasOwn(choices, name) ? choices[name] : undefined;
    if (choice === undefined) return {};
    const { operationId, parameters, collection, value, title } = choice;
    return {
      "x-ms-dynamic-values": {
        operationId,
        ...(parameters === undefined ? {} : { parameters }),
        ...{ "value-collection": collection, "value-path": value, "value-title": title },
      },
    };
  }

  function bodyOf({ route, body, connector }: DescribedRoute): Json[] {
    if (body === undefined) return [];
    const trigger = connector?.trigger;
    const schema = trigger?.kind === "webhook" ? withCallback(route, body, trigger.callbackField) : written(body);
    return [{ name: "body", in: "body", required: true, schema }];
  }

  /** The platform itself fills in the address that it wants to be called at. */
  function withCallback({ name: route }: Route, body: Schema, field: string): Json {
    const { name = `${route}Body`, properties = {} } = body;
    const callback = {
      ...memberOf(field, named(properties, field)),
      ...{ "x-ms-notification-url": true, "x-ms-visibility": "internal" },
    };
    definitions[name] = { ...inFull(body), properties: { ...eachWritten(properties), [field]: callback } };
    return { $ref: `#/definitions/${name}` };
  }

  /** Stands beside the methods of the path, not in one of them. */
  function notificationOf({ connector }: DescribedRoute): Json {
    const trigger = connector?.trigger;
    if (trigger?.kind !== "webhook") return {};
    const { description, schema } = trigger.notification;
    return { "x-ms-notification-content": { description, schema: written(schema) } };
  }

  function responseOf({ description, schema, headers = [], sometimes = [] }: AnswerDescription): Json {
    return {
      description,
      ...(schema === undefined ? {} : { schema: written(schema) }),
      headers: headersOf([...headers, ...sometimes, ...everyAnswer, ...everyEcho]),
    };
  }

  /** Written among the responses, once. */
  function refusalOf({ name, status, codes }: RefusedAs): Json {
    refusals[name] ??= {
      description: wordsOf(codes, api),
      schema: written(api.error),
      headers: {
        "x-ms-error-code": { description: "The code in the body.", ...written(enumOf(codes)) },
        ...headersOf([...refusalHeaders(status), ...everyAnswer, ...everyEcho]),
      },
    };
    return { $ref: `#/responses/${name}` };
  }

  function headersOf(names: readonly string[]): Json {
    return Object.fromEntries(names.map((name) => [name, written(named(api.answerHeaders, name))]));
  }

  /** A schema with a name is written among the definitions, once. */
  function written(schema: Schema): Json {
    const { name } = schema;
    if (name === undefined) return inFull(schema);
    definitions[name] ??= inFull(schema);
    return { $ref: `#/definitions/${name}` };
  }

  function inFull({ name, items, properties, isClosed, nullable, example: _, ...schema }: Schema): Json {
    return {
      ...schema,
      ...(items === undefined ? {} : { items: written(items) }),
      ...(properties === undefined ? {} : { properties: eachWritten(properties) }),
      ...(isClosed ? { additionalProperties: false } : {}),
      ...(nullable ? { "x-nullable": true } : {}),
      ...(name === undefined ? {} : { "x-ms-summary": titleOf(name) }),
    };
  }

  function eachWritten(schemas: Readonly<Record<string, Schema>>): Json {
    return Object.fromEntries(Object.entries(schemas).map(([key, schema]) => [key, memberOf(key, schema)]));
  }

  /** Nothing may stand beside a reference: what is referred to has a title of its own. */
  function memberOf(key: string, schema: Schema): Json {
    return { ...written(schema), ...(schema.name === undefined ? { "x-ms-summary": titleOf(key) } : {}) };
  }

  function titleOf(name: string): string {
    return Object.hasOwn(titles, name) ? (titles[name] ?? name) : titleCase(name);
  }
}

function isPaged(answers: Readonly<Record<number, AnswerDescription>>): boolean {
  return Object.values(answers).some(({ schema }) => Object.hasOwn(schema?.properties ?? {}, "nextLink"));
}

/** Written in capitals wherever they stand in a name. */
const abbreviations: ReadonlySet<string> = new Set(["id", "api", "url", "ms"]);

/** `customerId` and `MS-CorrelationId` become `Customer ID` and `MS Correlation ID`. */
function titleCase(name: string): string {
  const words = name.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z\d]+/g) ?? [name];
  return words
    .map((word) =>
      abbreviations.has(word.toLowerCase()) ? word.toUpperCase() : `${word.charAt(0).toUpperCase()}${word.slice(1)}`,
    )
    .join(" ");
}

const scopes = { read: "Permissions.Read", write: "Permissions.ReadWrite" } as const;

function securityOf(access: Route["access"], requireFunctionKey: boolean): Json[] {
  if (access === "anonymous") return [];
  return [{ token: [scopes[access]], ...(requireFunctionKey ? { functionKey: [] } : {}) }];
}

/**
 * Names no tenant and no application: the document is for anybody, and a connector has both in its own properties
 * (connector/apiProperties.json).
 */
function securityDefinitions(requireFunctionKey: boolean): Json {
  const authority = "https://login.microsoftonline.com/organizations/oauth2/v2.0";
  const token = {
    type: "oauth2",
    flow: "accessCode",
    authorizationUrl: `${authority}/authorize`,
    tokenUrl: `${authority}/token`,
    scopes: {
      [scopes.read]: "Read permissions and activities.",
      [scopes.write]: "Read them, and turn permissions.",
    },
    description:
      "A Microsoft Entra v2 access token for this API. The user holds one of the API's roles, too; Permissions.ReadWrite is good for reading as well.",
  };
  const functionKey = {
    type: "apiKey",
    in: "header",
    name: "x-functions-key",
    description: "A key of the Functions host.",
  };
  return requireFunctionKey ? { token, functionKey } : { token };
}
