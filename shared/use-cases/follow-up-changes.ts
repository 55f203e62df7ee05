/**
 * Goes on with changes that Partner Center had not confirmed when their request was answered: one when the
 * queue reminds us of it, and every minute all that were begun more than a minute ago.
 */

import type { ChangeQueue, Clock, PermissionStore, UnfinishedOf } from "../ports.ts";
import type { ContinueChange } from "./continue-change.ts";

/** @throws when the next reminder could not be queued; the host then delivers this one again */
export type FollowUpChange = (change: UnfinishedOf) => Promise<void>;

/** @throws AggregateError when some could not be continued */
export type SweepUnfinishedChanges = () => Promise<void>;

const graceMilliseconds = 60_000;
const longestPauseSeconds = 120;

/** @param changes absent: this reminder is the last one, the sweep of the minute is early enough */
export function createFollowUpChange(
  continueChange: ContinueChange,
  changes: ChangeQueue | undefined,
  clock: Clock,
): FollowUpChange {
  return async ({ customerId, changeId }) => {
    const change = await continueChange(customerId, changeId);
    if (change?.status !== "Running" || changes === undefined) return;
    // Half as long again as it has taken so far, from 5 seconds to 2 minutes.
    const age = (clock.now().getTime() - Date.parse(change.at)) / 1000;
    await changes.push({ customerId, changeId }, Math.round(Math.min(Math.max(age / 2, 5), longestPauseSeconds)));
  };
}

export function createSweepUnfinishedChanges(
  store: PermissionStore,
  continueChange: ContinueChange,
  clock: Clock,
): SweepUnfinishedChanges {
  return async () => {
    const unfinished = await store.listUnfinished(new Date(clock.now().getTime() - graceMilliseconds));
    const failures: unknown[] = [];
    // One after another: a Partner Center that is slow or throttles is not to be pressed.
    for (const { customerId, changeId } of unfinished) {
      await continueChange(customerId, changeId).catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw new AggregateError(failures, `${failures.length} changes could not be continued.`);
  };
}
