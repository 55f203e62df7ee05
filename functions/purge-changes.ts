/** Every night: forgets the results of changes that are older than 30 days. The log keeps everything. */

import type { TimerHandler } from "@azure/functions";
import type { PurgeChanges } from "../shared/use-cases/purge-changes.ts";

export function purgeChanges(purge: PurgeChanges): TimerHandler {
  return async (_timer, context) => {
    context.info(`${await purge()} changes forgotten.`);
  };
}
