/**
 * Tells whether the service can do its work. It looks at storage only, and at most once in five seconds,
 * so that nobody can make it work by asking.
 */

import type { Clock, PendingActivities, StorageProbe } from "../ports.ts";

export interface Health {
  readonly status: "Healthy" | "Unhealthy";
  /** What did not answer. */
  readonly down?: readonly string[];
  /** Present when an activity has waited longer for the log than the sweep should ever let it. */
  readonly oldestPendingActivitySeconds?: number;
}

export type CheckHealth = () => Promise<Health>;

const keptMilliseconds = 5_000;
const overdueMilliseconds = 180_000;

export function createCheckHealth(probe: StorageProbe, pending: PendingActivities, clock: Clock): CheckHealth {
  let latest: { readonly at: number; readonly health: Promise<Health> } | undefined;

  return () => {
    const now = clock.now().getTime();
    if (latest === undefined || now - latest.at >= keptMilliseconds) latest = { at: now, health: look(now) };
    return latest.health;
  };

  async function look(now: number): Promise<Health> {
    const down = await probe.whatIsDown();
    if (down.length > 0) return { status: "Unhealthy", down };
    const overdue = await pending.list({ before: new Date(now - overdueMilliseconds) });
    if (overdue.length === 0) return { status: "Healthy" };
    const oldest = Math.max(...overdue.map(({ at }) => now - Date.parse(at)));
    return { status: "Healthy", oldestPendingActivitySeconds: Math.round(oldest / 1000) };
  }
}
