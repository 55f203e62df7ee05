/**
 * Reads the log, newest first. Activities that are still pending are merged in, so a change can be read
 * the moment it is answered.
 *
 * The pending ones are read before the log: an activity is removed there only after it was logged, so in
 * this order none can slip through between the two reads. One that is seen twice is shown once.
 */

import type { Activity } from "../domain/activity.ts";
import type { CustomerId } from "../domain/identifiers.ts";
import type { ActivityLog, ActivityPosition, ActivityRange, Page, PendingActivities } from "../ports.ts";

export type ListActivities = (
  query: ActivityRange & {
    /** Absent: the log of all customers. */
    readonly customerId?: CustomerId;
    readonly after?: ActivityPosition;
  },
) => Promise<Page<Activity, ActivityPosition>>;

export function createListActivities(pending: PendingActivities, log: ActivityLog): ListActivities {
  return async ({ customerId, ...query }) => {
    const order = customerId === undefined ? newestFirst : latestSequenceFirst;
    const notYetLogged = await pending.list(customerId === undefined ? {} : { customerId });
    const range = { ...query, limit: query.limit + 1 };
    const logged = customerId === undefined ? await log.ofAll(range) : await log.ofCustomer(customerId, range);

    const { from, to, after } = query;
    const wanted = notYetLogged.filter(
      (activity) =>
        (from === undefined || Date.parse(activity.at) >= from.getTime()) &&
        (to === undefined || Date.parse(activity.at) < to.getTime()) &&
        (after === undefined || order(after, activity) < 0),
    );
    const merged = new Map([...wanted, ...logged].map((activity) => [activity.id, activity]));
    const sorted = [...merged.values()].sort(order);
    const items = sorted.slice(0, query.limit);
    const last = items.at(-1);
    if (sorted.length <= query.limit || last === undefined) return { items };
    return { items, next: { customerId: last.customerId, at: last.at, sequence: last.sequence } };
  };
}

function latestSequenceFirst(one: ActivityPosition, other: ActivityPosition): number {
  return other.sequence - one.sequence;
}

/** By time, then by customer, then latest first: the order of the rows in the list over all customers. */
function newestFirst(one: ActivityPosition, other: ActivityPosition): number {
  return (
    Date.parse(other.at) - Date.parse(one.at) ||
    (one.customerId < other.customerId ? -1 : Number(one.customerId > other.customerId)) ||
    other.sequence - one.sequence
  );
}
