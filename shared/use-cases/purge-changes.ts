/** Forgets changes whose answers nobody can ask for any more. The log keeps their activities for ever. */

import type { Clock, PermissionStore } from "../ports.ts";

/** @returns how many changes were forgotten */
export type PurgeChanges = () => Promise<number>;

const keptMilliseconds = 30 * 24 * 60 * 60 * 1000;

export function createPurgeChanges(store: PermissionStore, clock: Clock): PurgeChanges {
  return () => store.purgeChanges(new Date(clock.now().getTime() - keptMilliseconds));
}
