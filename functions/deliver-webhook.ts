/**
 * Delivers to a webhook what a message of the queue points at. What cannot be delivered is no failure of this function:
 * the delivery is tried again by its own clock.
 */

import type { StorageQueueHandler } from "@azure/functions";
import { parseDeliveryId } from "../shared/domain/delivery.ts";
import { parseWebhookId } from "../shared/domain/webhook.ts";
import type { DeliverToWebhook } from "../shared/use-cases/deliver-to-webhook.ts";

export function deliverWebhook(deliver: DeliverToWebhook): StorageQueueHandler {
  return async (message) => {
    const { webhookId, deliveryId } = (message ?? {}) as Record<string, unknown>;
    const webhook = parseWebhookId(webhookId);
    const id = parseDeliveryId(deliveryId);
    if (webhook === undefined || id === undefined) throw new Error("The message in the queue is no delivery.");
    await deliver({ webhookId: webhook, id });
  };
}
