/**
 * Tells whether the service can do its work. It looks at storage only, and at most once in five seconds,
 * so that nobody can make it work by asking.
 */

import { Refusal } from "../domain/refusal.ts";
import type { Clock, Notebook, PendingActivities, StorageProbe } from "../ports.ts";
import { type Reception, receptionOf } from "./partner-center-gate.ts";

export const healthStatuses = ["Healthy", "Unhealthy"] as const;

export interface Health {
  readonly status: (typeof healthStatuses)[number];
  /** What did not answer. */
  readonly down?: readonly string[];
  /** Present when an activity has waited longer for the log than the sweep should ever let it. */
  readonly oldestPendingActivitySeconds?: number;
  /** As noted when it was last asked; absent: never. What it said is not for everybody. */
  readonly partnerCenter?: Reception;
}

export type CheckHealth = () => Promise<Health>;

const keptMilliseconds = 5_000;
const overdueMilliseconds = 180_000;

/** @param notebook only where Partner Center is called */
export function createCheckHealth(
  probe: StorageProbe,
  pending: PendingActivities,
  clock: Clock,
  notebook?: Pick<Notebook, "read">,
): CheckHealth {
  let latest: { readonly at: number; readonly health: Promise<Health> } | undefined;

  return () => {
    const now = clock.now().getTime();
    if (latest === undefined || now - latest.at >= keptMilliseconds) latest = { at: now, health: look(now) };
    return latest.health;
  };

  async function look(now: number): Promise<Health> {
    const down = await probe.whatIsDown();
    return down.length > 0 ? { status: "Unhealthy", down } : lookCloser(now).catch(whyNot);
  }

  async function lookCloser(now: number): Promise<Health> {
    const [overdue, standing] = await Promise.all([
      pending.list({ before: new Date(now - overdueMilliseconds), limit: 1 }),
      notebook?.read("partnerCenter"),
    ]);
    const oldest = Math.max(...overdue.map(({ at }) => now - Date.parse(at)));
    return {
      status: "Healthy",
      ...(overdue.length === 0 ? {} : { oldestPendingActivitySeconds: Math.round(oldest / 1000) }),
      ...(standing === undefined ? {} : { partnerCenter: receptionOf(standing) }),
    };
  }
}

/** Tables that answer the probe and not the next question are down as well. */
function whyNot(error: unknown): Health {
  if (error instanceof Refusal && error.code === "DependencyUnavailable")
    return { status: "Unhealthy", down: ["tables"] };
  throw error;
}
