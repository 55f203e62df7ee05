/** Every minute: goes on comparing what the record and Partner Center say, when it is time for it. */

import type { TimerHandler } from "@azure/functions";
import type { DetectDrift } from "../shared/use-cases/detect-drift.ts";

export function detectDrift(detect: DetectDrift): TimerHandler {
  return () => detect();
}
