/**
 * The description of the API as an OpenAPI 3.0.3 document. Routes, methods, query and access come from the table that
 * registers the functions; codes and statuses from the table that answers them.
 *
 * https://spec.openapis.org/oas/v3.0.3
 */

import { agentRoles } from "../domain/agent-role.ts";
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

/**
 * @param requireFunctionKey whether the Functions host asks for a key besides the token
 * @throws Error when a route has something that nobody has described
 */
export function openApiOf(routes: readonly Route[], api: ApiDescription, requireFunctionKey: boolean): Json {
  const schemas: Record<string, Json> = {};
  const refusals: Record<string, Json> = {};
  const paths: Record<string, Json> = {};
  for (const described of describeRoutes(routes, api)) {
    const { path, route } = described;
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(described) };
  }
  return {
    openapi: "3.0.3",
    info: { title: api.title, description: api.description, version: apiVersion, license: api.license },
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

  function operationOf({
    route,
    tag,
    summary,
    description,
    whoMay,
    parameters,
    body,
    answers,
    refused,
  }: DescribedRoute): Json {
    const asked = requireFunctionKey ? { token: [], functionKey: [] } : { token: [] };
    return {
      operationId: route.name,
      tags: [tag],
      summary,
      description: `${description} ${whoMay}`,
      parameters: [
        ...parameters.path.map((name) => parameterOf("path", name)),
        ...parameters.query.map((name) => parameterOf("query", name)),
        ...parameters.header.map((name) => parameterOf("header", name)),
        ...everyRequest.map((name) => ({ $ref: `#/components/parameters/${name}` })),
      ],
      ...(body === undefined ? {} : { requestBody: { required: true, content: contentOf(body) } }),
      responses: {
        ...Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, responseOf(answer)])),
        ...Object.fromEntries(refused.map((refusal) => [refusal.status, refusalOf(refusal)])),
      },
      security: route.access === "anonymous" ? [] : [asked],
    };
  }

  function parameterOf(place: keyof ApiDescription["parameters"], name: string): Json {
    const { description, ...schema } = named(api.parameters[place], name);
    return { name, in: place, description, required: place === "path", schema: written(schema) };
  }

  function responseOf({ description, schema, mediaType, headers = [], sometimes = [] }: AnswerDescription): Json {
    return {
      description,
      headers: { ...headersOf(headers, true), ...headersOf(sometimes, false), ...everyHeader },
      ...(schema === undefined ? {} : { content: contentOf(schema, mediaType) }),
    };
  }

  /** Written among the components, once. */
  function refusalOf({ name, status, codes }: RefusedAs): Json {
    refusals[name] ??= {
      description: wordsOf(codes, api),
      headers: {
        "x-ms-error-code": { description: "The code in the body.", required: true, schema: enumOf(codes) },
        ...headersOf(refusalHeaders(status), true),
        ...everyHeader,
      },
      content: contentOf(api.error),
    };
    return { $ref: `#/components/responses/${name}` };
  }

  function headersOf(names: readonly string[], required: boolean): Json {
    const headers = names.map((name) => {
      const { description, ...schema } = named(api.answerHeaders, name);
      return [name, { description, required, schema: written(schema) }] as const;
    });
    return Object.fromEntries(headers);
  }

  function contentOf(schema: Schema, mediaType = "application/json"): Json {
    return { [mediaType]: { schema: written(schema) } };
  }

  /** A schema with a name is written among the components, once. */
  function written({ name, ...schema }: Schema): Json {
    if (name === undefined) return inFull(schema);
    schemas[name] ??= inFull(schema);
    return { $ref: `#/components/schemas/${name}` };
  }

  function inFull({ items, properties, isClosed, example: _, ...schema }: Schema): Json {
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
