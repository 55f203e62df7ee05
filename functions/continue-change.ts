/** Goes on with a change that Partner Center has not confirmed: reminded by the queue, or by the minute. */

import type { StorageQueueHandler, TimerHandler } from "@azure/functions";
import { parseGuid } from "../shared/domain/identifiers.ts";
import type { FollowUpChange, SweepUnfinishedChanges } from "../shared/use-cases/follow-up-changes.ts";

export function continueChange(followUp: FollowUpChange): StorageQueueHandler {
  return async (message) => {
    const { customerId, changeId } = (message ?? {}) as Record<string, unknown>;
    const customer = parseGuid<"customer">(customerId);
    const change = parseGuid<"change">(changeId);
    if (customer === undefined || change === undefined) throw new Error("The message in the queue names no change.");
    await followUp({ customerId: customer, changeId: change });
  };
}

export function sweepUnfinishedChanges(sweep: SweepUnfinishedChanges): TimerHandler {
  return () => sweep();
}
