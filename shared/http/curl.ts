/** One call of an operation, to be pasted into a shell that knows $API, $TOKEN and, where it is asked for, $KEY. */

import type { ApiDescription } from "./api-description.ts";
import { type DescribedRoute, named } from "./described-route.ts";
import type { Schema } from "./schema.ts";

/** @returns the command in lines, with made-up values for what has to be there */
export function curlOf(
  { route, path, body }: Pick<DescribedRoute, "route" | "path" | "body">,
  { parameters }: Pick<ApiDescription, "parameters">,
  requireFunctionKey: boolean,
): string {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(exampleOf(named(parameters.path, name))));
  const isOpen = route.access === "anonymous";
  return [
    `curl -sS${route.method === "GET" ? "" : ` -X ${route.method}`} "$API${filled}"`,
    ...(isOpen ? [] : ['-H "Authorization: Bearer $TOKEN"']),
    ...(isOpen || !requireFunctionKey ? [] : ['-H "x-functions-key: $KEY"']),
    ...(body === undefined ? [] : ['-H "Content-Type: application/json"', `-d '${JSON.stringify(exampleOf(body))}'`]),
  ].join(" \\\n  ");
}

const formatted = {
  uuid: "c0000001-0000-4000-8000-000000000001",
  "date-time": "2026-11-01T00:00:00Z",
  uri: "https://example.com/",
} as const;

/** The least that is right. */
function exampleOf({ type, format, enum: values, items, properties = {}, required = [], ...schema }: Schema): unknown {
  switch (type) {
    case "string":
      return schema.example ?? values?.[0] ?? (format === undefined ? "text" : formatted[format]);
    case "integer":
      return schema.default ?? schema.minimum ?? 0;
    case "boolean":
      return true;
    case "array":
      return items === undefined ? [] : [exampleOf(items)];
    case "object":
      return Object.fromEntries(required.map((key) => [key, exampleOf(named(properties, key))]));
  }
}
