/** Deliveries that were given up: they stay until they are replayed, or their webhook is removed. */

import { type DeliveryId, type FailedDelivery, revived, shownFailed } from "../domain/delivery.ts";
import { Refusal } from "../domain/refusal.ts";
import type { WebhookId } from "../domain/webhook.ts";
import type { Clock, Deliveries, Webhooks } from "../ports.ts";
import type { Announcements } from "./announce-activity.ts";

/** @returns the oldest two hundred. @throws Refusal `NotFound` when there is no such webhook */
export type ListFailedDeliveries = (webhookId: WebhookId) => Promise<readonly FailedDelivery[]>;

/**
 * @param deliveryId absent: the oldest hundred
 * @returns how many are tried again. @throws Refusal `NotFound` when there is no such webhook
 */
export type ReplayDeliveries = (webhookId: WebhookId, deliveryId?: DeliveryId) => Promise<number>;

const listedAtOnce = 200;
const replayedAtOnce = 100;

export function createListFailedDeliveries(
  webhooks: Pick<Webhooks, "find">,
  deliveries: Pick<Deliveries, "listGivenUp">,
): ListFailedDeliveries {
  return async (webhookId) => {
    await findWebhook(webhooks, webhookId);
    return (await deliveries.listGivenUp(webhookId, listedAtOnce)).map(shownFailed);
  };
}

export function createReplayDeliveries(
  webhooks: Pick<Webhooks, "find" | "noteFailing">,
  deliveries: Pick<Deliveries, "listGivenUp" | "revive">,
  announcements: Pick<Announcements, "hurry">,
  clock: Clock,
): ReplayDeliveries {
  return async (webhookId, deliveryId) => {
    const { failingSince } = await findWebhook(webhooks, webhookId);
    const failed = await deliveries.listGivenUp(webhookId, replayedAtOnce, deliveryId);
    for (const delivery of failed) await deliveries.revive(revived(delivery, clock.now()));
    // Whoever replays says that the receiver is well again: it is asked at once, and not by the sweep only.
    if (failed.length > 0 && failingSince !== undefined) await webhooks.noteFailing(webhookId, undefined);
    await announcements.hurry(failed);
    return failed.length;
  };
}

async function findWebhook(webhooks: Pick<Webhooks, "find">, id: WebhookId) {
  const webhook = await webhooks.find(id);
  if (webhook === undefined) throw new Refusal("NotFound", `There is no webhook ${id}.`, { target: "webhookId" });
  return webhook;
}
