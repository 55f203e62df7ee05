/**
 * Moves one activity from "pending" into the log. The pending activity is the truth, never the message
 * that pointed at it: the log invents nothing. Every step can be repeated, and the pending activity goes
 * last, so a crash anywhere leaves something that is found again.
 */

import type { Activity } from "../domain/activity.ts";
import type { ActivityLog, ActivityPosition, PendingActivities, Telemetry } from "../ports.ts";
import type { Announcements } from "./announce-activity.ts";

/**
 * @throws Error when the log holds another entry in that place, or there is neither a pending activity nor
 * a logged one: the message was forged or damaged and belongs into the poison queue
 */
export type RecordActivity = (message: ActivityPosition & Pick<Activity, "hash">) => Promise<void>;

/** The second half: logs an activity that is known to be pending. */
export type LogPendingActivity = (activity: Activity) => Promise<void>;

export function createRecordActivity(
  pending: PendingActivities,
  log: ActivityLog,
  logPendingActivity: LogPendingActivity,
): RecordActivity {
  return async (message) => {
    const activity = await pending.find(message);
    if (activity !== undefined) return logPendingActivity(activity);
    const logged = await log.find(message.customerId, message.sequence);
    if (logged?.hash !== message.hash) {
      throw new Error(
        `Activity ${message.customerId}-${message.sequence} is ${logged === undefined ? "neither pending nor logged" : "logged with another hash"}: the message is not ours.`,
      );
    }
  };
}

export function createLogPendingActivity(
  pending: PendingActivities,
  log: ActivityLog,
  telemetry: Telemetry,
  announcements: Announcements,
): LogPendingActivity {
  return async (activity) => {
    if ((await log.insert(activity)) === "exists") {
      const logged = await log.find(activity.customerId, activity.sequence);
      if (logged?.hash !== activity.hash) {
        telemetry.event("ActivityLogForked", {
          id: activity.id,
          hash: activity.hash,
          loggedHash: String(logged?.hash),
        });
        throw new Error(`The log holds another entry in the place of activity ${activity.id}.`);
      }
    }
    await log.index(activity);
    const announced = await announcements.prepare(activity);
    await pending.remove(activity);
    const { id, customerId, product, operation, result, changeId, requestId } = activity;
    telemetry.event("ActivityRecorded", { id, customerId, product, operation, result, changeId, requestId });
    await announcements.hurry(announced);
  };
}
