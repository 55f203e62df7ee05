/** Every minute: delivers to webhooks what the queue missed, or left alone because the receiver fails. */

import type { TimerHandler } from "@azure/functions";
import type { SweepDeliveries } from "../shared/use-cases/sweep-deliveries.ts";

export function sweepDeliveries(sweep: SweepDeliveries): TimerHandler {
  return () => sweep();
}
