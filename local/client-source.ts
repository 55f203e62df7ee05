/**
 * Writes the typed client of docs/examples from the service's OpenAPI document. A generator from npm would do, but the
 * well-kept one needs TypeScript 5 beside ours; of OpenAPI this needs no more than our document uses.
 */

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";

export interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly parameters: Readonly<Record<string, Parameter>>;
  };
}

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters?: readonly (Parameter | Reference)[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<Record<string, Response | Reference>>;
  readonly security?: readonly unknown[];
}

interface Response {
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>;
}

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema: Schema;
}

interface Reference {
  readonly $ref: string;
}

interface Schema {
  readonly $ref?: string;
  readonly allOf?: readonly Schema[];
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly nullable?: boolean;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
}

/** Written for people, or about the service itself. */
const leftOut = ["ApiPage", "OpenApi", "Swagger"];

/** What carries an error: PermissionsError takes its place. */
const envelope = "Error";

/** @returns the source of docs/examples/permissions-client.ts: the fixed part, then types and one method for each operation */
export async function clientSourceOf({ paths, components }: Document): Promise<string> {
  const { schemas, parameters } = components;
  const fixedPart = await readFile(join(import.meta.dirname, "client-fixed-part.ts"), "utf8");
  const common = Object.values(parameters);
  const methods = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations)
      .filter(([, { operationId }]) => !leftOut.includes(operationId))
      .map(([method, operation]) => methodOf(method.toUpperCase(), path, operation)),
  );
  const types = Object.entries(schemas)
    .filter(([name]) => name !== envelope)
    .map(([name, schema]) => declarationOf(name, schema));
  return formatted(
    [
      "// Written by `npm run client` from the service's OpenAPI document; do not edit. Needs nothing but fetch.",
      fixedPart.slice(fixedPart.indexOf("export ")).trim(),
      ...types,
      `/** What any request may carry. */\nexport interface Headers ${objectOf(common)}`,
      `/** One method for each operation of the service. */\nexport class PermissionsClient extends Caller {\n${methods.join("\n\n")}\n}`,
    ].join("\n\n"),
  );

  function methodOf(method: string, path: string, operation: Operation): string {
    const { operationId, summary, requestBody, responses } = operation;
    const given = (operation.parameters ?? []).map((one) =>
      "$ref" in one ? (parameters[nameIn(one.$ref)] as Parameter) : one,
    );
    const asked = given.filter((one) => one.in !== "header" && one.name !== "api-version");
    const isOptional = asked.every(({ required }) => required !== true);
    const headers = given.filter((one) => one.in === "header" && !common.includes(one));
    const body = Object.values(requestBody?.content ?? {})[0]?.schema;
    const takes = [
      ...(asked.length === 0 ? [] : [`parameters: ${objectOf(asked)}${isOptional ? " = {}" : ""}`]),
      ...(body === undefined ? [] : [`body: ${typeOf(body)}`]),
      `headers: Headers${headers.length === 0 ? "" : ` & ${objectOf(headers)}`} = {}`,
    ];
    const placeholders = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const query = asked.filter(({ name }) => !placeholders.includes(name));
    const call = [
      `method: "${method}"`,
      `path: \`${path.replaceAll(/\{(\w+)\}/g, (_, name: string) => `\${encodeURIComponent(parameters.${name})}`)}\``,
      ...(query.length === 0
        ? []
        : [`query: { ${query.map(({ name }) => `${name}: parameters.${name}`).join(", ")} }`]),
      "headers",
      ...(body === undefined ? [] : ["body"]),
    ];
    const answer = answerOf(responses);
    return [
      `  /** ${summary} */`,
      `  ${lowered(operationId)}(${takes.join(", ")}): Promise<Answer<${answer}>> {`,
      `    return this.call({ ${call.join(", ")} });`,
      "  }",
    ].join("\n");
  }

  function answerOf(responses: Operation["responses"]): string {
    const found = Object.entries(responses).flatMap(([status, response]) => {
      if (!/^2/.test(status) || "$ref" in response) return [];
      const schema = Object.values(response.content ?? {})[0]?.schema;
      return [schema === undefined ? "undefined" : typeOf(schema)];
    });
    return [...new Set(found)].join(" | ");
  }
}

function declarationOf(name: string, schema: Schema): string {
  const words = schema.description === undefined ? "" : `/** ${schema.description} */\n`;
  return schema.properties === undefined
    ? `${words}export type ${name} = ${typeOf(schema)};`
    : `${words}export interface ${name} {\n${membersOf(schema)}\n}`;
}

function membersOf({ properties = {}, required = [] }: Schema): string {
  return Object.entries(properties)
    .map(([name, schema]) => `  readonly ${keyOf(name)}${required.includes(name) ? "" : "?"}: ${typeOf(schema)};`)
    .join("\n");
}

function typeOf(schema: Schema): string {
  const type = typeWithoutNull(schema);
  return schema.nullable === true ? `${type} | null` : type;
}

function typeWithoutNull({ $ref, allOf, type, enum: values, items, properties, required }: Schema): string {
  if ($ref !== undefined) return nameIn($ref);
  if (allOf !== undefined) return allOf.map(typeOf).join(" & ");
  if (values !== undefined) return values.map((value) => JSON.stringify(value)).join(" | ");
  if (type === "array") return `readonly (${typeOf(items ?? {})})[]`;
  if (properties !== undefined) return `{\n${membersOf({ properties, ...(required && { required }) })}\n}`;
  if (type === "object") return "Readonly<Record<string, unknown>>";
  if (type === "integer") return "number";
  return type ?? "unknown";
}

function objectOf(parameters: readonly Parameter[]): string {
  const members = parameters.map(
    ({ name, required, schema }) => `readonly ${keyOf(name)}${required === true ? "" : "?"}: ${typeOf(schema)}`,
  );
  return `{ ${members.join("; ")} }`;
}

const keyOf = (name: string): string => (/^\w+$/.test(name) ? name : JSON.stringify(name));
const nameIn = (reference: string): string => reference.split("/").at(-1) ?? "";
const lowered = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1);

/** As the linter wants it. */
async function formatted(source: string): Promise<string> {
  const biome = join(import.meta.dirname, "..", "node_modules", "@biomejs", "biome", "bin", "biome");
  const { stdin, stdout } = execFile(process.execPath, [biome, "format", "--stdin-file-path=permissions-client.ts"]);
  stdin?.end(source);
  return stdout === null ? source : text(stdout);
}
