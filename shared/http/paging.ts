/**
 * Paging: an opaque `nextLink` that names the last item of the page, so that pages neither repeat nor drop
 * items while others write.
 */

import type { CustomerId } from "../domain/identifiers.ts";
import { parseGuid } from "../domain/identifiers.ts";
import { invalidRequest } from "../domain/refusal.ts";
import { latestTime } from "./query.ts";

export const skipToken = "skipToken";
export const presetPageSize = 50;
export const mostPageSize = 200;

/** @returns the page size asked for; one too large is clamped */
export function pageSizeOf(query: ReadonlyMap<string, string>): number {
  const text = query.get("maxpagesize") ?? String(presetPageSize);
  if (!/^[1-9]\d*$/.test(text)) {
    invalidRequest("maxpagesize", `maxpagesize must be a whole number from 1 to ${mostPageSize}; it is "${text}".`);
  }
  return Math.min(Number(text), mostPageSize);
}

/** What a page ends with. */
export interface Mark {
  readonly customerId: CustomerId;
  readonly at?: string;
  readonly sequence?: number;
}

/** @returns the URL of the next page: the same query, after the mark */
export function nextLinkOf(url: URL, { customerId, at, sequence }: Mark): string {
  const next = new URL(url);
  // The host's key is the caller's secret and must not come back in a body.
  next.searchParams.delete("code");
  next.searchParams.set(skipToken, Buffer.from(JSON.stringify([customerId, at, sequence])).toString("base64url"));
  return next.href;
}

/** @throws Refusal `InvalidRequest` when the token is not one of ours */
export function markOf(query: ReadonlyMap<string, string>): Mark | undefined {
  const token = query.get(skipToken);
  return token === undefined ? undefined : (parseMark(token) ?? invalidRequest(skipToken, "The nextLink is damaged."));
}

/** The mark of a page of activities names all three. @throws Refusal `InvalidRequest` */
export function activityMarkOf(query: ReadonlyMap<string, string>): Required<Mark> | undefined {
  const mark = markOf(query);
  if (mark === undefined) return undefined;
  const { customerId, at, sequence } = mark;
  if (at === undefined || sequence === undefined) invalidRequest(skipToken, "The nextLink is of another list.");
  return { customerId, at, sequence };
}

function parseMark(token: string): Mark | undefined {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(token, "base64url").toString());
  } catch {
    return undefined;
  }
  if (!Array.isArray(parts) || parts.length !== 3) return undefined;
  const [id, at, sequence] = parts;
  const customerId = parseGuid<"customer">(id);
  if (customerId === undefined) return undefined;
  if (at === null && sequence === null) return { customerId };
  const time = typeof at === "string" && /^\d{4}-\d\d-\d\dT[\d:.]{12}Z$/.test(at) ? Date.parse(at) : Number.NaN;
  const isTime = time >= 0 && time <= latestTime;
  return isTime && Number.isInteger(sequence) && sequence > 0 && sequence < 1e10
    ? { customerId, at, sequence }
    : undefined;
}
