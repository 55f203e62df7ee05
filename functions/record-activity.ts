/**
 * The logging function: takes an activity from the queue into the log. It throws when it cannot, so that
 * the host delivers the message again and, after five times, puts it into `activities-poison`.
 */

import type { StorageQueueHandler } from "@azure/functions";
import { parseGuid } from "../shared/domain/identifiers.ts";
import type { RecordActivity } from "../shared/use-cases/record-activity.ts";

export function recordActivity(record: RecordActivity): StorageQueueHandler {
  return async (message) => {
    const { customerId, sequence, at, hash } = (message ?? {}) as Record<string, unknown>;
    const customer = parseGuid<"customer">(customerId);
    const isPosition =
      Number.isInteger(sequence) && typeof at === "string" && Date.parse(at) >= 0 && typeof hash === "string";
    if (customer === undefined || !isPosition) throw new Error("The message in the queue is no activity.");
    await record({ customerId: customer, sequence: sequence as number, at, hash });
  };
}
