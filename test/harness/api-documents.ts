/** What both documents of the API have in common, and what others' checkers say of them. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import type { OpenApiDocument } from "./openapi.ts";

/** As far as the tests look at it. */
export interface SwaggerDocument {
  readonly swagger: string;
  readonly info: object;
  readonly host?: string;
  readonly basePath: string;
  readonly schemes?: readonly string[];
  readonly tags: readonly object[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, any>>>>;
  readonly definitions: Readonly<Record<string, any>>;
  readonly parameters: Readonly<Record<string, any>>;
  readonly responses: Readonly<Record<string, any>>;
  readonly securityDefinitions: Readonly<Record<string, any>>;
}

export interface Remark {
  readonly checker: "references" | "swagger-parser" | "spectral" | "redocly";
  readonly isError: boolean;
  readonly rule: string;
  readonly place: string;
  readonly message: string;
}

export async function remarksOn(document: object): Promise<Remark[]> {
  const child = spawn(process.execPath, ["test/harness/check-api-document.ts"], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin.end(JSON.stringify(document));
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, "close")]);
  if (code !== 0) throw new Error(`The checkers ended with code ${code}.`);
  return JSON.parse(output);
}

/** An operation as either document says it, in the words of neither. */
export interface NeutralOperation {
  readonly address: string;
  readonly id: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description: string;
  /** What the caller has to bring: names of schemes. */
  readonly security: readonly string[];
  readonly parameters: readonly object[];
  readonly body: object | undefined;
  readonly answers: Readonly<Record<string, object>>;
}

export function operationsOfOpenApi(document: OpenApiDocument): NeutralOperation[] {
  const [server] = document.servers;
  return eachMethod(document.paths).map(([path, method, operation]) => ({
    ...commonOf(`${server?.url}${path}`, method, operation),
    parameters: operation.parameters.map((parameter: any) => {
      const { schema, ...rest } = followed(document, parameter);
      return { ...rest, schema: inFull(document, schema) };
    }),
    body: bodyOf(document, operation.requestBody),
    answers: mapped(operation.responses, (answer: any) => {
      const { description, headers = {}, content = {} } = followed(document, answer);
      const [mediaType] = Object.keys(content);
      return {
        description,
        mediaType,
        schema: mediaType === undefined ? undefined : inFull(document, content[mediaType].schema),
        headers: mapped(headers, (header: any) => {
          const { schema, description } = followed(document, header);
          return { description, ...inFull(document, schema) };
        }),
      };
    }),
  }));
}

/** What only Swagger 2.0 says (`x-`) is left out, and what it says in other words is said in those of OpenAPI. */
export function operationsOfSwagger(document: SwaggerDocument): NeutralOperation[] {
  return eachMethod(document.paths).map(([path, method, operation]) => {
    const parameters = operation.parameters.map((parameter: any) => followed(document, parameter));
    const body = parameters.find((each: any) => each.in === "body");
    return {
      ...commonOf(`${document.basePath}${path}`, method, operation),
      parameters: parameters
        .filter((each: any) => each !== body)
        .map((each: any) => {
          const { name, in: place, description, required, ...schema } = each;
          return { name, in: place, description, required, schema: inFull(document, schema) };
        }),
      body: body === undefined ? undefined : { required: body.required, schema: inFull(document, body.schema) },
      answers: mapped(operation.responses, (answer: any) => {
        const { description, headers, schema } = followed(document, answer);
        const isRefusal = answer.$ref !== undefined;
        return {
          description,
          mediaType:
            schema === undefined
              ? undefined
              : isRefusal
                ? "application/json"
                : (operation.produces ?? ["application/json"])[0],
          schema: schema === undefined ? undefined : inFull(document, schema),
          headers: mapped(headers, (header: any) => inFull(document, header)),
        };
      }),
    };
  });
}

function eachMethod(paths: Readonly<Record<string, Readonly<Record<string, any>>>>): [string, string, any][] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([method]) => !method.startsWith("x-"))
      .map(([method, operation]): [string, string, any] => [path, method, operation]),
  );
}

function commonOf(path: string, method: string, { operationId, tags, summary, description, security }: any) {
  const schemes: string[] = security.flatMap((asked: object) => Object.keys(asked));
  return { address: `${method} ${path}`, id: operationId, tags, summary, description, security: schemes };
}

function bodyOf(document: object, requestBody: any): object | undefined {
  if (requestBody === undefined) return undefined;
  const { required, content } = requestBody;
  return { required, schema: inFull(document, content["application/json"].schema) };
}

/** With every reference followed. */
function inFull(document: object, schema: any): object {
  if (Array.isArray(schema) || typeof schema !== "object" || schema === null) return schema;
  const { properties, items, "x-nullable": nullable, ...rest } = followed(document, schema);
  return {
    ...Object.fromEntries(Object.entries(rest).filter(([key]) => !key.startsWith("x-"))),
    ...(nullable === undefined ? {} : { nullable }),
    ...(items === undefined ? {} : { items: inFull(document, items) }),
    ...(properties === undefined ? {} : { properties: mapped(properties, (member) => inFull(document, member)) }),
  };
}

function followed(document: any, thing: any): any {
  if (thing.$ref === undefined) return thing;
  const found = thing.$ref
    .slice(2)
    .split("/")
    .reduce((place: any, step: string) => place?.[step], document);
  if (found === undefined) throw new Error(`${thing.$ref} leads nowhere.`);
  return found;
}

function mapped<From, To>(things: Readonly<Record<string, From>>, map: (thing: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(things).map(([key, thing]) => [key, map(thing)]));
}
