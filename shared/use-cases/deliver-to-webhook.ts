/**
 * Delivers one activity to one webhook. The row is the truth, never the message that pointed at it.
 *
 * An attempt first takes the row for itself, under the version that it has read: of two that come at the same time one
 * delivers, and after a crash the row is due again. So it is delivered at least once, and rarely twice.
 */

import { type Delivery, type DeliveryPosition, judge, signedMessage, wordOf } from "../domain/delivery.ts";
import type { Webhook } from "../domain/webhook.ts";
import type { Callbacks, Clock, Deliveries, DeliveryQueue, StoredDelivery, Telemetry, Webhooks } from "../ports.ts";

/** `taken`: somebody else has it. `gone`: the webhook is removed, it does not want to be told any more. */
export type AttemptOutcome = "delivered" | "taken" | "again" | "givenUp" | "gone";

export type AttemptDelivery = (webhook: Webhook, delivery: StoredDelivery) => Promise<AttemptOutcome>;

/** Longer than an attempt with all its calls of storage; after it a crash is taken for sure. */
const leaseMilliseconds = 60_000;

export interface DeliveryPorts {
  readonly webhooks: Pick<Webhooks, "find" | "remove" | "noteFailing">;
  readonly deliveries: Deliveries;
  readonly queue: DeliveryQueue;
  readonly callbacks: Callbacks;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
}

export function createAttemptDelivery(ports: DeliveryPorts): AttemptDelivery {
  const { webhooks, deliveries, queue, callbacks, telemetry, clock } = ports;

  return async (webhook, due) => {
    const dueAt = new Date(clock.now().getTime() + leaseMilliseconds).toISOString();
    const own = await deliveries.replace(due, { ...due, attempts: due.attempts + 1, dueAt });
    if (own === undefined) return "taken";

    const answer = await callbacks.post(webhook.callbackUrl, signedMessage(webhook, own, clock.now()));
    const now = clock.now();
    const verdict = judge(answer, own, webhook, now);
    const lastResult = wordOf(answer);
    const { failingSince } = webhook;
    if (verdict.kind === "delivered") {
      await deliveries.remove(own);
      if (failingSince !== undefined) await webhooks.noteFailing(webhook.id, undefined);
    } else if (verdict.kind === "gone") {
      await webhooks.remove(webhook.id);
      await deliveries.removeAllOf(webhook.id);
      telemetry.event("WebhookGone", { webhookId: webhook.id, lastResult });
    } else {
      if (failingSince === undefined) await webhooks.noteFailing(webhook.id, now);
      if (verdict.kind === "again") await tryAgain({ ...own, lastResult }, verdict.at, now);
      else await giveUp({ ...own, lastResult, failedAt: now.toISOString() });
    }
    return verdict.kind;
  };

  async function tryAgain(delivery: StoredDelivery, at: Date, now: Date): Promise<void> {
    await deliveries.replace(delivery, { ...delivery, dueAt: at.toISOString() });
    // A second later, for clocks that differ: what comes early is left to the sweep.
    const seconds = Math.ceil((at.getTime() - now.getTime()) / 1000) + 1;
    await queue
      .push(delivery, seconds)
      .catch((cause: unknown) =>
        telemetry.warning("A delivery could not be pushed to the queue; the sweep repeats it.", cause),
      );
  }

  async function giveUp(delivery: Delivery & { readonly lastResult: string }): Promise<void> {
    await deliveries.giveUp(delivery);
    const { webhookId, activity, attempts, lastResult } = delivery;
    telemetry.event("WebhookDeliveryFailed", { webhookId, activityId: activity.id, lastResult }, { attempts });
  }
}

/** What a message of the queue asks for; one whose delivery is not there, or not due, is of no use any more. */
export type DeliverToWebhook = (position: DeliveryPosition) => Promise<void>;

export function createDeliverToWebhook(
  webhooks: Pick<Webhooks, "find">,
  deliveries: Pick<Deliveries, "find" | "removeAllOf">,
  attempt: AttemptDelivery,
  clock: Clock,
): DeliverToWebhook {
  return async (position) => {
    const delivery = await deliveries.find(position);
    if (delivery === undefined || Date.parse(delivery.dueAt) > clock.now().getTime()) return;
    const webhook = await webhooks.find(position.webhookId);
    // It was removed while the delivery was written.
    if (webhook === undefined) return deliveries.removeAllOf(position.webhookId);
    // What is new for a receiver that fails waits for the sweep, or it would keep all hands busy with waiting for it.
    if (webhook.failingSince !== undefined && delivery.attempts === 0) return;
    await attempt(webhook, delivery);
  };
}
