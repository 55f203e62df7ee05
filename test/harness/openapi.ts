/**
 * Holds answers against the OpenAPI document, more strictly than any client: a member, a header or a status that the
 * document does not name is a fault, although it invites clients to bear with them.
 */

export interface SchemaObject {
  readonly $ref?: string;
  readonly type?: string;
  readonly description?: string;
  readonly format?: string;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: unknown;
  readonly nullable?: boolean;
  readonly items?: SchemaObject;
  readonly properties?: Readonly<Record<string, SchemaObject>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: false;
}

interface HeaderObject {
  readonly $ref?: string;
  readonly required?: boolean;
  readonly schema?: SchemaObject;
}

export interface ParameterObject {
  readonly $ref?: string;
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required: boolean;
  readonly schema: SchemaObject;
}

interface ResponseObject {
  readonly $ref?: string;
  readonly description: string;
  readonly headers?: Readonly<Record<string, HeaderObject>>;
  readonly content?: Readonly<Record<string, { readonly schema: SchemaObject }>>;
}

export interface OperationObject {
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly parameters: readonly ParameterObject[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: SchemaObject }>> };
  readonly responses: Readonly<Record<string, ResponseObject>>;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
}

export interface OpenApiDocument {
  readonly openapi: string;
  readonly info: { readonly version: string };
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationObject>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, object>>>>;
}

/** An operation with its references followed. */
export interface Operation {
  readonly id: string;
  readonly method: string;
  /** As in the document, such as `/customers/{customerId}`. */
  readonly template: string;
  readonly parameters: readonly ParameterObject[];
  readonly body: SchemaObject | undefined;
  readonly isAnonymous: boolean;
}

export interface CheckedAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Empty when there is none. */
  readonly text: string;
}

export interface AnswerChecker {
  readonly operations: readonly Operation[];
  /** @returns what is wrong with an answer, in words */
  faultsOf(operation: Operation, answer: CheckedAnswer): string[];
  /** @returns what is wrong with a value, in words */
  faultsIn(value: unknown, schema: SchemaObject, place?: string): string[];
  resolve(schema: SchemaObject): SchemaObject;
  /** Of the document, as far as answers so far have shown it. */
  readonly seen: ReadonlySet<string>;
  /** Everything that answers can show: members, responses, error codes. */
  readonly all: ReadonlySet<string>;
}

/** Said by every server, or the same in every answer. */
const usualHeaders = new Set([
  ...["date", "connection", "keep-alive", "content-type", "content-length", "cache-control"],
  "x-content-type-options",
]);

export function checkAnswersBy(document: OpenApiDocument): AnswerChecker {
  const seen = new Set<string>();
  const all = new Set<string>();
  const operations = operationsOf(document);
  for (const [name, schema] of Object.entries(document.components.schemas ?? {})) {
    const isOfAnswers = (schema as SchemaObject).additionalProperties !== false;
    if (isOfAnswers)
      for (const key of Object.keys((schema as SchemaObject).properties ?? {})) all.add(`${name}.${key}`);
  }
  for (const { id, template, method } of operations) {
    for (const status of Object.keys(responsesOf(template, method))) {
      const codes = codesOf(template, method, status);
      for (const one of codes ?? [""]) all.add(`${id} ${status} ${one}`.trim());
    }
  }
  return { operations, faultsOf, faultsIn, resolve, seen, all };

  function responsesOf(template: string, method: string): Readonly<Record<string, ResponseObject>> {
    return document.paths[template]?.[method.toLowerCase()]?.responses ?? {};
  }

  function codesOf(template: string, method: string, status: string): readonly string[] | undefined {
    const response = responsesOf(template, method)[status];
    const headers = response === undefined ? {} : follow<ResponseObject>(document, response).headers;
    return headers?.["x-ms-error-code"]?.schema?.enum;
  }

  function resolve(schema: SchemaObject): SchemaObject {
    return follow(document, schema);
  }

  function faultsOf({ id, template, method }: Operation, { status, headers, text }: CheckedAnswer): string[] {
    const at = `${id} ${status}`;
    const reference = responsesOf(template, method)[status];
    if (reference === undefined) return [`${at} is not documented.`];
    const response = follow<ResponseObject>(document, reference);
    seen.add(`${at} ${headers["x-ms-error-code"] ?? ""}`.trim());
    return [...faultsOfHeaders(response, headers, at), ...faultsOfBody(response, headers, text, at)];
  }

  function faultsOfHeaders(response: ResponseObject, headers: CheckedAnswer["headers"], at: string): string[] {
    const documented = new Map(
      Object.entries(response.headers ?? {}).map(([name, header]) => [
        name.toLowerCase(),
        follow<HeaderObject>(document, header),
      ]),
    );
    const faults = Object.keys(headers)
      .filter((name) => !documented.has(name) && !usualHeaders.has(name))
      .map((name) => `${at} has the header ${name}, which is not documented.`);
    for (const [name, { required, schema = {} }] of documented) {
      const value = headers[name];
      if (value === undefined && required) faults.push(`${at} lacks the header ${name}.`);
      if (value === undefined) continue;
      const typed = schema.type === "integer" ? Number(value) : value;
      faults.push(...faultsIn(typed, schema, `${at} ${name}`));
    }
    return faults;
  }

  function faultsOfBody(
    { content }: ResponseObject,
    headers: CheckedAnswer["headers"],
    text: string,
    at: string,
  ): string[] {
    const page = content?.["text/html"]?.schema;
    if (page !== undefined) {
      const isHtml = /^text\/html\b/.test(headers["content-type"] ?? "");
      return isHtml ? faultsIn(text, page, at) : [`${at} is not HTML by its content type.`];
    }
    const schema = content?.["application/json"]?.schema;
    if (schema === undefined) return text === "" ? [] : [`${at} has a body.`];
    if (!/^application\/json\b/.test(headers["content-type"] ?? "")) return [`${at} is not JSON by its content type.`];
    const body = parse(text);
    if (body === undefined) return [`${at} is not JSON.`];
    const code = (body as { error?: { code?: unknown } } | null)?.error?.code;
    const isNamed = headers["x-ms-error-code"] === undefined || headers["x-ms-error-code"] === code;
    return [...faultsIn(body, schema, at), ...(isNamed ? [] : [`${at} names two codes.`])];
  }

  function faultsIn(value: unknown, reference: SchemaObject, place = "value"): string[] {
    const schema = resolve(reference);
    const name = reference.$ref?.split("/").at(-1);
    const { type, nullable = false } = schema;
    if (value === null) return nullable ? [] : [`${place} is null.`];
    switch (type) {
      case "string":
        return typeof value === "string" ? faultsOfText(value, schema, place) : [`${place} is no text.`];
      case "boolean":
        return typeof value === "boolean" ? [] : [`${place} is neither true nor false.`];
      case "integer":
        return Number.isInteger(value) &&
          (value as number) >= (schema.minimum ?? -Infinity) &&
          (value as number) <= (schema.maximum ?? Infinity)
          ? []
          : [`${place} is no such whole number: ${value}.`];
      case "array":
        return Array.isArray(value)
          ? value.flatMap((item, index) => faultsIn(item, schema.items ?? {}, `${place}[${index}]`))
          : [`${place} is no list.`];
      case "object":
        return typeof value === "object" && !Array.isArray(value)
          ? faultsOfObject(value, schema, place, name)
          : [`${place} is no object.`];
      default:
        throw new Error(`${place}: the type ${type} is not known here.`);
    }
  }

  function faultsOfObject(value: object, schema: SchemaObject, place: string, name: string | undefined): string[] {
    const { properties, required = [] } = schema;
    if (properties === undefined) return [];
    const missing = required.filter((key) => !Object.hasOwn(value, key)).map((key) => `${place} lacks ${key}.`);
    const wrong = Object.entries(value).flatMap(([key, member]) => {
      if (!Object.hasOwn(properties, key)) return [`${place} has ${key}, which is not documented.`];
      if (name !== undefined) seen.add(`${name}.${key}`);
      return faultsIn(member, properties[key] ?? {}, `${place}.${key}`);
    });
    return [...missing, ...wrong];
  }
}

const formats: Readonly<Record<string, (text: string) => boolean>> = {
  uuid: (text) => /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(text),
  "date-time": (text) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(text) && !Number.isNaN(Date.parse(text)),
  uri: (text) => URL.canParse(text),
};

function faultsOfText(text: string, schema: SchemaObject, place: string): string[] {
  const { enum: values, pattern, maxLength, format } = schema;
  const holds = format === undefined ? undefined : formats[format];
  if (format !== undefined && holds === undefined) throw new Error(`${place}: the format ${format} is not known here.`);
  return [
    ...(values === undefined || values.includes(text)
      ? []
      : [`${place} is "${text}", not one of ${values.join(", ")}.`]),
    ...(pattern === undefined || new RegExp(pattern, "u").test(text) ? [] : [`${place} does not match ${pattern}.`]),
    ...(maxLength === undefined || [...text].length <= maxLength ? [] : [`${place} is longer than ${maxLength}.`]),
    ...(holds === undefined || holds(text) ? [] : [`${place} is no ${format}: "${text}".`]),
  ];
}

function operationsOf(document: OpenApiDocument): Operation[] {
  return Object.entries(document.paths).flatMap(([template, methods]) =>
    Object.entries(methods).map(([method, { operationId, parameters, requestBody, security }]) => ({
      id: operationId,
      method: method.toUpperCase(),
      template,
      parameters: parameters.map((parameter) => follow(document, parameter)),
      body:
        requestBody === undefined ? undefined : follow(document, requestBody.content["application/json"]?.schema ?? {}),
      isAnonymous: security.length === 0,
    })),
  );
}

function follow<Thing extends { readonly $ref?: string }>(document: OpenApiDocument, thing: Thing): Thing {
  if (thing.$ref === undefined) return thing;
  const [, kind = "", name = ""] = /^#\/components\/(\w+)\/(.+)$/.exec(thing.$ref) ?? [];
  const found = document.components[kind]?.[name];
  if (found === undefined) throw new Error(`${thing.$ref} leads nowhere.`);
  return found as Thing;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
