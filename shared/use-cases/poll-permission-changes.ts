/**
 * Tells activities one by one, the oldest first, to workflows that ask again and again. Where they are is a cursor that
 * they carry: nothing is kept here.
 *
 * An activity is told when it is half a minute old: it is stamped before it is committed, so a younger one may still
 * appear before one that was told. Those that are pending count as well, for the log may have the later one first.
 */

import type { Activity } from "../domain/activity.ts";
import type { CustomerId } from "../domain/identifiers.ts";
import { isBehind, oldestFirst, type PollCursor } from "../domain/poll-cursor.ts";
import type { ActivityLog, ActivityPosition, ActivityRange, Clock, PendingActivities } from "../ports.ts";

export interface PollAnswer {
  /** Absent: nothing is old enough. */
  readonly activity?: Activity;
  readonly cursor: PollCursor;
  /** There is another one to be told at once. */
  readonly isMore: boolean;
}

/** @param query.cursor absent: tell what happens from now on */
export type PollPermissionChanges = (query: {
  readonly customerId?: CustomerId;
  readonly cursor?: PollCursor;
}) => Promise<PollAnswer>;

const settledMilliseconds = 30_000;
const readAtOnce = 50;

export function createPollPermissionChanges(
  pending: Pick<PendingActivities, "list">,
  log: Pick<ActivityLog, "ofAll" | "ofCustomer">,
  clock: Clock,
): PollPermissionChanges {
  return async ({ customerId, cursor }) => {
    const now = clock.now();
    if (cursor === undefined) return { cursor: { at: now.toISOString() }, isMore: false };
    const until = new Date(now.getTime() - settledMilliseconds);
    const from = new Date(cursor.at);
    if (from >= until) return { cursor, isMore: false };

    // Before the log, or one that is moved between the two reads is in neither.
    const ofCustomer = customerId === undefined ? {} : { customerId };
    const notYetLogged = await pending.list({ ...ofCustomer, before: until });
    const { activities, isMore } = await oldestLogged(from, until);
    const later = [...notYetLogged, ...activities].filter((activity) => isBehind(cursor, activity));
    const inOrder = [...new Map(later.map((activity) => [activity.id, activity])).values()].sort(oldestFirst);
    const [activity] = inOrder;
    if (activity === undefined) return { cursor, isMore: false };
    const { at, sequence } = activity;
    const next = { at, customerId: activity.customerId, sequence };
    return { activity, cursor: next, isMore: isMore || inOrder.length > 1 };

    /**
     * The log can only be read from its newest end. What fits into one page is read at once; if there is more, spans of
     * time behind the cursor are tried, eight times as long when there was nothing, shorter when there was too much.
     *
     * @returns activities among which the oldest behind the cursor is, if there is any
     */
    async function oldestLogged(from: Date, until: Date) {
      let start = from.getTime();
      let span = until.getTime() - start;
      for (let isMore = false; ; ) {
        const end = Math.min(start + span, until.getTime());
        const range = { from: new Date(start), to: new Date(end), limit: readAtOnce };
        const page = await read(range);
        const isFull = page.length === readAtOnce;
        if (isFull && span > 1) {
          isMore = true;
          span = Math.max(1, Math.floor(span / 64));
        } else {
          const activities = isFull ? await readOn(range, page) : page;
          const isFound = activities.some((activity) => isBehind(cursor as PollCursor, activity));
          if (isFound || end === until.getTime()) return { activities, isMore };
          start = end;
          span *= 8;
        }
      }
    }

    /** What does not fit into a page and happened in one millisecond. */
    async function readOn(range: ActivityRange, page: readonly Activity[]): Promise<readonly Activity[]> {
      const activities = [...page];
      for (let last = page.at(-1); last !== undefined; ) {
        const next = await read({ ...range, after: last });
        activities.push(...next);
        last = next.at(-1);
      }
      return activities;
    }

    function read(range: ActivityRange & { readonly after?: ActivityPosition }): Promise<readonly Activity[]> {
      return customerId === undefined ? log.ofAll(range) : log.ofCustomer(customerId, range);
    }
  };
}
