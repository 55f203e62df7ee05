/**
 * Goes on with changes that Partner Center had not confirmed when their request was answered: one when the
 * queue reminds us of it, and every minute all that were begun more than a minute ago.
 */

import { Refusal } from "../domain/refusal.ts";
import type { ChangeQueue, Clock, Notebook, PermissionStore, Telemetry, UnfinishedOf } from "../ports.ts";
import type { ContinueChange } from "./continue-change.ts";

/** @throws when the next reminder could not be queued; the host then delivers this one again */
export type FollowUpChange = (change: UnfinishedOf) => Promise<void>;

/** @throws AggregateError when some could not be continued */
export type SweepUnfinishedChanges = () => Promise<void>;

export interface SweepPorts {
  readonly store: PermissionStore;
  readonly notebook: Notebook;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
}

const graceMilliseconds = 60_000;
/** After this no further change is begun. The host ends a function after five minutes, and one change may take a while. */
const runMilliseconds = 4 * 60_000;
/** So many without an answer in a row are no coincidence. */
const mostSilences = 3;
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

/**
 * One after another: a Partner Center that is slow or throttles is not to be pressed. A run that cannot get to all of
 * them notes how far it has come, and the next one goes on behind that, round and round. So none waits for ever for
 * others that are slow, or that never get an answer.
 */
export function createSweepUnfinishedChanges(
  { store, notebook, telemetry, clock }: SweepPorts,
  continueChange: ContinueChange,
): SweepUnfinishedChanges {
  return async () => {
    const startedAt = clock.now();
    const unfinished = await store.listUnfinished(new Date(startedAt.getTime() - graceMilliseconds));
    if (unfinished.length === 0) return;
    let position = (await notebook.read("unfinishedChanges"))?.position ?? "";
    const until = startedAt.getTime() + runMilliseconds;
    const failures: unknown[] = [];
    let silences = 0;
    for (const [continued, { customerId, changeId }] of roundFrom(position, unfinished).entries()) {
      if (silences === mostSilences || clock.now().getTime() >= until) {
        telemetry.event("UnfinishedChangesLeft", {}, { continued, left: unfinished.length - continued });
        await notebook.write("unfinishedChanges", { startedAt: startedAt.toISOString(), position });
        break;
      }
      let isSilent = false;
      const onSilence = () => {
        isSilent = true;
      };
      await continueChange(customerId, changeId, undefined, onSilence).catch((error: unknown) => {
        failures.push(error);
        isSilent = error instanceof Refusal && error.code === "DependencyUnavailable";
      });
      silences = isSilent ? silences + 1 : 0;
      position = customerId;
    }
    if (failures.length > 0) throw new AggregateError(failures, `${failures.length} changes could not be continued.`);
  };
}

/** No customer has two unfinished changes, so the customer's id says where we are, even when its change has ended. */
function roundFrom(position: string, unfinished: readonly UnfinishedOf[]): readonly UnfinishedOf[] {
  const inOrder = unfinished.toSorted((one, other) => one.customerId.localeCompare(other.customerId));
  const behind = inOrder.findIndex(({ customerId }) => customerId.localeCompare(position) > 0);
  return behind < 0 ? inOrder : [...inOrder.slice(behind), ...inOrder.slice(0, behind)];
}
