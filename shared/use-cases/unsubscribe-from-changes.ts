/**
 * Removes webhooks, with what was still to be delivered to them. One that is not there is removed already; repeating the
 * request also removes what a crash has left.
 */

import type { WebhookId } from "../domain/webhook.ts";
import type { Deliveries, Telemetry, Webhooks } from "../ports.ts";

export type UnsubscribeFromChanges = (id: WebhookId) => Promise<void>;

/** For workflows, which know nothing but their own address. It may have webhooks for several customers. */
export type UnsubscribeByCallbackUrl = (callbackUrl: string) => Promise<void>;

export function createUnsubscribeFromChanges(
  webhooks: Pick<Webhooks, "remove">,
  deliveries: Pick<Deliveries, "removeAllOf">,
  telemetry: Telemetry,
): UnsubscribeFromChanges {
  return async (id) => {
    // First the webhook, so that nothing more is written for it.
    await webhooks.remove(id);
    await deliveries.removeAllOf(id);
    telemetry.event("WebhookUnsubscribed", { webhookId: id });
  };
}

export function createUnsubscribeByCallbackUrl(
  webhooks: Pick<Webhooks, "list">,
  unsubscribe: UnsubscribeFromChanges,
): UnsubscribeByCallbackUrl {
  return async (callbackUrl) => {
    const href = URL.parse(callbackUrl)?.href;
    for (const webhook of await webhooks.list()) if (webhook.callbackUrl === href) await unsubscribe(webhook.id);
  };
}
