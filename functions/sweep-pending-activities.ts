/** Every minute: logs the activities that the queue missed. */

import type { TimerHandler } from "@azure/functions";
import type { SweepPendingActivities } from "../shared/use-cases/sweep-pending-activities.ts";

export function sweepPendingActivities(sweep: SweepPendingActivities): TimerHandler {
  return () => sweep();
}
