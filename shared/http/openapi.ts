/**
 * The description of the API as an OpenAPI 3.0.3 document. Routes, methods, query and access come from the table that
 * registers the functions; codes and statuses from the table that answers them.
 *
 * https://spec.openapis.org/oas/v3.0.3
 */

import type { AnswerDescription, ApiDescription, RouteDescription } from "./api-description.ts";
import { type AgentRole, agentRoles } from "./caller.ts";
import { type ProblemCode, statusOf } from "./problem.ts";
import type { Route } from "./route.ts";
import type { Schema } from "./schema.ts";
import { apiVersion } from "./serve.ts";

type Json = Readonly<Record<string, unknown>>;

const everyRequest = ["x-ms-client-request-id", "MS-CorrelationId", "traceparent"] as const;
const everyAnswer = ["x-ms-request-id"] as const;
/** Answered as they were sent, if they were. */
const everyEcho = ["x-ms-client-request-id", "MS-CorrelationId", "MS-RequestId"] as const;

const admin: AgentRole = "AdminAgent";
const whoMay = {
  read: `For callers with one of the roles ${agentRoles.join(", ")}.`,
  write: `For callers with the role ${admin}.`,
  anonymous: "For anybody.",
} as const satisfies Record<Route["access"], string>;

/**
 * @param requireFunctionKey whether the Functions host asks for a key besides the token
 * @throws Error when a route has something that nobody has described
 */
export function openApiOf(routes: readonly Route[], api: ApiDescription, requireFunctionKey: boolean): Json {
  const schemas: Record<string, Json> = {};
  const refusals: Record<string, Json> = {};
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = `/${route.route ?? route.name}`;
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route) };
  }
  return {
    openapi: "3.0.3",
    info: { title: api.title, description: api.description, version: apiVersion },
    servers: [{ url: "/api" }],
    tags: Object.entries(api.tags).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas,
      responses: refusals,
      parameters: Object.fromEntries(everyRequest.map((name) => [name, parameterOf("header", name)])),
      headers: { ...headersOf(everyAnswer, true), ...headersOf(everyEcho, false) },
      securitySchemes: securitySchemes(requireFunctionKey),
    },
  };

  function operationOf(route: Route): Json {
    const { tag, summary, description, headers = [], body, answers } = named(api.functions, route.name);
    const asked = requireFunctionKey ? { token: [], functionKey: [] } : { token: [] };
    return {
      operationId: route.name,
      tags: [tag],
      summary,
      description: `${description} ${whoMay[route.access]}`,
      parameters: [
        ...namesIn(route.route).map((name) => parameterOf("path", name)),
        ...[...(route.query ?? []), "api-version"].map((name) => parameterOf("query", name)),
        ...headers.map((name) => parameterOf("header", name)),
        ...everyRequest.map((name) => ({ $ref: `#/components/parameters/${name}` })),
      ],
      ...(body === undefined ? {} : { requestBody: { required: true, content: jsonOf(body) } }),
      responses: {
        ...Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, responseOf(answer)])),
        ...refusalsOf(route),
      },
      security: route.access === "anonymous" ? [] : [asked],
    };
  }

  function parameterOf(place: keyof ApiDescription["parameters"], name: string): Json {
    const { description, ...schema } = named(api.parameters[place], name);
    return { name, in: place, description, required: place === "path", schema: written(schema) };
  }

  function responseOf({ description, schema, headers = [], sometimes = [] }: AnswerDescription): Json {
    return {
      description,
      headers: { ...headersOf(headers, true), ...headersOf(sometimes, false), ...everyHeader },
      ...(schema === undefined ? {} : { content: jsonOf(schema) }),
    };
  }

  /** One response for each status that has no other meaning here, with the codes that it can carry. */
  function refusalsOf(route: Route): Json {
    const described = named(api.functions, route.name);
    const codes = codesOf(route, described).filter((code) => !(statusOf[code] in described.answers));
    const byStatus = [...Map.groupBy(codes, (code) => statusOf[code])].map(([status, together]) => {
      const name = together.join("Or");
      refusals[name] ??= refusalOf(status, together);
      return [status, { $ref: `#/components/responses/${name}` }] as const;
    });
    return Object.fromEntries(byStatus);
  }

  function refusalOf(status: number, codes: readonly ProblemCode[]): Json {
    return {
      description: codes.map((code) => `${code}: ${api.refusals[code]}`).join(" "),
      headers: {
        "x-ms-error-code": { description: "The code in the body.", required: true, schema: enumOf(codes) },
        ...headersOf(refusalHeaders[status] ?? [], true),
        ...everyHeader,
      },
      content: jsonOf(api.error),
    };
  }

  function headersOf(names: readonly string[], required: boolean): Json {
    const headers = names.map((name) => {
      const { description, ...schema } = named(api.answerHeaders, name);
      return [name, { description, required, schema: written(schema) }] as const;
    });
    return Object.fromEntries(headers);
  }

  function jsonOf(schema: Schema): Json {
    return { "application/json": { schema: written(schema) } };
  }

  /** A schema with a name is written among the components, once. */
  function written({ name, ...schema }: Schema): Json {
    if (name === undefined) return inFull(schema);
    schemas[name] ??= inFull(schema);
    return { $ref: `#/components/schemas/${name}` };
  }

  function inFull({ items, properties, isClosed, ...schema }: Schema): Json {
    return {
      ...schema,
      ...(items === undefined ? {} : { items: written(items) }),
      ...(properties === undefined ? {} : { properties: eachWritten(properties) }),
      ...(isClosed ? { additionalProperties: false } : {}),
    };
  }

  function eachWritten(schemas: Readonly<Record<string, Schema>>): Json {
    return Object.fromEntries(Object.entries(schemas).map(([key, schema]) => [key, written(schema)]));
  }
}

const everyHeader = Object.fromEntries(
  [...everyAnswer, ...everyEcho].map((name) => [name, { $ref: `#/components/headers/${name}` }]),
);

/** Of a refusal, beside those of every answer. */
const refusalHeaders: Readonly<Record<number, readonly string[]>> = {
  [statusOf.Unauthenticated]: ["WWW-Authenticate"],
  [statusOf.DependencyUnavailable]: ["Retry-After"],
};

function codesOf({ access }: Route, { body, refusals = [] }: RouteDescription): ProblemCode[] {
  return [
    ...(["InvalidRequest", "UnsupportedApiVersionValue"] as const),
    ...(access === "anonymous" ? [] : (["Unauthenticated", "AgentRoleRequired", "ScopeRequired"] as const)),
    ...(access === "write" ? (["AdminAgentRequired"] as const) : []),
    ...refusals,
    ...(body === undefined ? [] : (["RequestTooLarge"] as const)),
    "InternalError",
    ...(access === "anonymous" ? [] : (["DependencyUnavailable"] as const)),
  ];
}

function securitySchemes(requireFunctionKey: boolean): Json {
  const token = {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
    description: `A Microsoft Entra v2 access token for this API with one of the roles ${agentRoles.join(", ")}; a user's also with the scope Permissions.Read or Permissions.ReadWrite.`,
  };
  const functionKey = {
    type: "apiKey",
    in: "header",
    name: "x-functions-key",
    description: "A key of the Functions host.",
  };
  return requireFunctionKey ? { token, functionKey } : { token };
}

/** Placeholders of a route's template. */
function namesIn(template = ""): string[] {
  return [...template.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
}

function enumOf(values: readonly string[]): Json {
  return { type: "string", enum: values };
}

function named<Described>(descriptions: Readonly<Record<string, Described>>, name: string): Described {
  const found = Object.hasOwn(descriptions, name) ? descriptions[name] : undefined;
  if (found === undefined) throw new Error(`Nobody has described ${name}.`);
  return found;
}
