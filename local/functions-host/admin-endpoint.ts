/**
 * `POST /admin/functions/{name}` with `{"input":"…"}` fires a timer or a queue function without its trigger (host:
 * FunctionsController.Invoke). JSON only, as there: so no web page can fire one through a visitor's browser.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import { contentLength, readBody } from "./http-request.ts";
import { sendEmpty } from "./http-response.ts";

export type Fire = (input: string) => void;

const route = /^\/admin\/functions\/([^/]+)\/?$/i;
const largestInput = 1_048_576;

/** `find` answers undefined for a function that is not there or cannot be fired. */
export function adminEndpoint(find: (name: string) => Fire | undefined) {
  return (request: IncomingMessage, response: ServerResponse, path: string): boolean => {
    const name = route.exec(path)?.[1];
    if (name === undefined || request.method !== "POST") return false;
    answer(request, response, find(name)).catch(() => response.destroy());
    return true;
  };
}

async function answer(request: IncomingMessage, response: ServerResponse, fire: Fire | undefined): Promise<void> {
  if (!fire) return sendEmpty(response, 404);
  if (!/^application\/json\b/i.test(request.headers["content-type"] ?? "")) return sendEmpty(response, 415);
  if (contentLength(request) > largestInput) return sendEmpty(response, 413);
  const input = parseInput((await readBody(request)).toString("utf8"));
  if (input === undefined) return sendEmpty(response, 400);
  fire(input);
  sendEmpty(response, 202);
}

function parseInput(text: string): string | undefined {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body !== "object" || body === null) return undefined;
    const input = "input" in body ? (body.input ?? "") : "";
    return typeof input === "object" ? undefined : String(input);
  } catch {
    return undefined;
  }
}
