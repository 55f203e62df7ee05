/**
 * What a polling trigger of Logic Apps carries from one call to the next, in the Location that it is told to ask.
 * https://learn.microsoft.com/azure/logic-apps/logic-apps-create-api-app#check-for-new-data-or-events-regularly-with-the-polling-trigger-pattern
 */

import { parseGuid } from "../domain/identifiers.ts";
import type { PollCursor } from "../domain/poll-cursor.ts";
import { invalidRequest } from "../domain/refusal.ts";
import { latestTime } from "./query.ts";

export const triggerState = "triggerState";

/** @returns the same URL with this state */
export function locationOf(url: URL, { at, customerId, sequence }: PollCursor): string {
  const next = new URL(url);
  // The host's key is the caller's secret and must not come back in an answer.
  next.searchParams.delete("code");
  const state = [at, ...(customerId === undefined ? [] : [customerId, sequence])];
  next.searchParams.set(triggerState, Buffer.from(JSON.stringify(state)).toString("base64url"));
  return next.href;
}

/** @throws Refusal `InvalidRequest` when the state is not one of ours */
export function triggerStateOf(query: ReadonlyMap<string, string>): PollCursor | undefined {
  const text = query.get(triggerState);
  if (text === undefined) return undefined;
  return parse(text) ?? invalidRequest(triggerState, "The triggerState is damaged: begin without it.");
}

function parse(text: string): PollCursor | undefined {
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(text, "base64url").toString());
  } catch {
    return undefined;
  }
  if (!Array.isArray(parts)) return undefined;
  const [at, id, sequence] = parts;
  const time = typeof at === "string" && /^\d{4}-\d\d-\d\dT[\d:.]{12}Z$/.test(at) ? Date.parse(at) : Number.NaN;
  if (!(time >= 0 && time <= latestTime)) return undefined;
  if (parts.length === 1) return { at };
  const customerId = parseGuid<"customer">(id);
  const isPosition = parts.length === 3 && Number.isInteger(sequence) && sequence > 0 && sequence < 1e10;
  return isPosition && customerId !== undefined ? { at, customerId, sequence } : undefined;
}
