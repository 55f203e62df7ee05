/** Reads a JSON body strictly: what is ambiguous is refused, never guessed. */

import { invalidRequest, Refusal } from "../domain/refusal.ts";
import type { ApiRequest } from "./route.ts";

const mostBytes = 16 * 1024;

/**
 * @param known the fields that may be there
 * @returns the fields of a flat JSON object
 * @throws Refusal `InvalidRequest` or `RequestTooLarge`
 */
export async function readFields(
  { headers, readBody }: Pick<ApiRequest, "headers" | "readBody">,
  known: readonly string[],
): Promise<ReadonlyMap<string, unknown>> {
  const contentType = headers.get("content-type") ?? "";
  if (!/^application\/(json|[\w.-]+\+json)\s*(;\s*charset="?utf-8"?\s*)?$/i.test(contentType)) {
    invalidRequest("content-type", "The body must be JSON: Content-Type: application/json.");
  }
  const bytes = await readBody();
  if (bytes.byteLength > mostBytes) throw new Refusal("RequestTooLarge", `The body is larger than ${mostBytes} bytes.`);
  if (bytes.byteLength === 0) invalidRequest("body", "The body is missing. Send JSON with a Content-Length header.");

  const text = textOf(bytes);
  const body = parse(text);
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    invalidRequest("body", "The body must be a JSON object.");
  }
  const fields = new Map<string, unknown>(Object.entries(body));
  for (const [name, value] of fields) {
    if (!known.includes(name)) invalidRequest(name, `The field "${name}" is unknown here.`);
    if (typeof value === "object") invalidRequest(name, `The field "${name}" must be a plain value.`);
  }
  // In a flat object there is one colon outside of strings for each member; JSON.parse keeps only the last of twins.
  const members = text.replace(/"(?:[^"\\]|\\.)*"/g, "").split(":").length - 1;
  if (members !== fields.size) invalidRequest("body", "A field stands in the body twice.");
  return fields;
}

function textOf(bytes: ArrayBuffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return invalidRequest("body", "The body is not UTF-8.");
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return invalidRequest("body", "The body is not JSON.");
  }
}
