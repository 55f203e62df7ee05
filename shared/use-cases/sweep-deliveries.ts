/**
 * Delivers what the queue missed, or left alone because the receiver fails. Webhooks take turns, so that one that is
 * slow keeps no other waiting, and one that fails is asked once a run.
 */

import type { WebhookId } from "../domain/webhook.ts";
import type { Clock, Deliveries, Telemetry, Webhooks } from "../ports.ts";
import type { AttemptDelivery } from "./deliver-to-webhook.ts";

/** @throws AggregateError when storage failed for some webhooks; the others had their turn */
export type SweepDeliveries = () => Promise<void>;

/**
 * Longer than a crash while logging takes to be healed by the sweep of pending activities, which writes the deliveries
 * anew: one that was delivered meanwhile would come back.
 */
const graceMilliseconds = 150_000;
const atOnce = 8;
/** Of one webhook, before the next one's turn. */
const turnLimit = 50;
const turnMilliseconds = 10_000;
/** After this the rest is left to the next run; the host ends a function after five minutes. */
const runMilliseconds = 4 * 60_000;

export function createSweepDeliveries(
  webhooks: Pick<Webhooks, "list" | "find">,
  deliveries: Pick<Deliveries, "listDue">,
  attempt: AttemptDelivery,
  telemetry: Telemetry,
  clock: Clock,
): SweepDeliveries {
  return async () => {
    const startedAt = clock.now().getTime();
    const before = new Date(startedAt - graceMilliseconds);
    const waiting = (await webhooks.list()).map(({ id }) => id);
    const failures: unknown[] = [];
    let attempts = 0;

    /** @returns whether the webhook wants another turn */
    const takeTurn = async (id: WebhookId): Promise<boolean> => {
      const endsAt = clock.now().getTime() + turnMilliseconds;
      const due = await deliveries.listDue(id, before, turnLimit);
      for (const delivery of due) {
        // Read anew each time: it may have been removed meanwhile, or be well again.
        const webhook = await webhooks.find(id);
        if (webhook === undefined) return false;
        attempts += 1;
        const outcome = await attempt(webhook, delivery);
        if (outcome !== "delivered" && outcome !== "taken") return false;
        if (clock.now().getTime() >= endsAt) return true;
      }
      return due.length === turnLimit;
    };
    const work = async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        if (clock.now().getTime() - startedAt >= runMilliseconds) return;
        const wantsMore = await takeTurn(next).catch((error: unknown) => {
          failures.push(error);
          return false;
        });
        if (wantsMore) waiting.push(next);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));
    if (attempts > 0) telemetry.event("DeliveriesSwept", {}, { attempts });
    if (failures.length > 0) throw new AggregateError(failures, `Deliveries of ${failures.length} webhooks failed.`);
  };
}
