/** How far a workflow has come that polls for activities, the oldest first: it carries this from one call to the next. */

import type { Activity } from "./activity.ts";
import type { CustomerId } from "./identifiers.ts";

/** Behind an activity, or, where only the time is there, behind everything up to it. */
export interface PollCursor {
  readonly at: string;
  readonly customerId?: CustomerId;
  readonly sequence?: number;
}

type Position = Pick<Activity, "at" | "customerId" | "sequence">;

/** The list over all customers from its end: by time, then by customer from the last, then by sequence. */
export function oldestFirst(one: Position, other: Position): number {
  return (
    Date.parse(one.at) - Date.parse(other.at) ||
    (one.customerId > other.customerId ? -1 : Number(one.customerId < other.customerId)) ||
    one.sequence - other.sequence
  );
}

export function isBehind({ at, customerId, sequence }: PollCursor, activity: Position): boolean {
  if (customerId === undefined || sequence === undefined) return Date.parse(activity.at) > Date.parse(at);
  return oldestFirst({ at, customerId, sequence }, activity) < 0;
}
