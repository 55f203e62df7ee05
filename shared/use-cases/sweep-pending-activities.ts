/**
 * Logs what the queue missed: every activity that has been pending for more than a minute. Correctness
 * rests on this sweep, the queue only makes it fast.
 */

import type { Clock, PendingActivities, Telemetry } from "../ports.ts";
import type { LogPendingActivity } from "./record-activity.ts";

/** @throws AggregateError naming the activities that could not be logged; the others were */
export type SweepPendingActivities = () => Promise<void>;

const graceMilliseconds = 60_000;
const atOnce = 8;
/** Of each partition at a time: what an outage has left may be more than can be read at once. */
const partitionLimit = 250;
/** After this the rest is left to the next run; the host ends a function after five minutes. */
const runMilliseconds = 4 * 60_000;

export function createSweepPendingActivities(
  pending: PendingActivities,
  logPendingActivity: LogPendingActivity,
  telemetry: Telemetry,
  clock: Clock,
): SweepPendingActivities {
  return async () => {
    const now = clock.now().getTime();
    const before = new Date(now - graceMilliseconds);
    const failures: unknown[] = [];
    for (;;) {
      const missed = [...(await pending.list({ before, limit: partitionLimit }))];
      const { length } = missed;
      const oldest = missed.reduce((age, { at }) => Math.max(age, now - Date.parse(at)), 0);
      telemetry.event("PendingActivitiesSwept", {}, { count: length, oldestAgeSeconds: oldest / 1000 });
      const sweep = async () => {
        for (let next = missed.shift(); next !== undefined; next = missed.shift()) {
          await logPendingActivity(next).catch((error: unknown) => failures.push(error));
        }
      };
      await Promise.all(Array.from({ length: atOnce }, sweep));
      // What has failed would only come again.
      if (length < partitionLimit || failures.length > 0 || clock.now().getTime() - now >= runMilliseconds) break;
    }
    if (failures.length > 0)
      throw new AggregateError(failures, `${failures.length} pending activities were not logged.`);
  };
}
