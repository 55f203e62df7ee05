/**
 * Makes a webhook. The same wish again finds the same one, with the same secret, so repeating the request is safe.
 */

import { parseCallbackUrl } from "../domain/callback-url.ts";
import type { CustomerId } from "../domain/identifiers.ts";
import type { Actor } from "../domain/permission.ts";
import { dependencyUnavailable, invalidRequest, Refusal } from "../domain/refusal.ts";
import { mostWebhooks, type Webhook, webhookIdOf } from "../domain/webhook.ts";
import type { Clock, Deliveries, Telemetry, Webhooks } from "../ports.ts";

/** @throws Refusal `InvalidRequest`, `TooManyWebhooks` or `DependencyUnavailable` */
export type SubscribeToChanges = (wish: {
  readonly callbackUrl: unknown;
  readonly customerId?: CustomerId;
  readonly by: Actor;
}) => Promise<Webhook>;

export interface SubscribePorts {
  readonly webhooks: Webhooks;
  readonly deliveries: Pick<Deliveries, "removeAllOf">;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  readonly newSecret: () => string;
  /** That may be called, as in callback-url.ts. */
  readonly hosts: readonly string[];
}

export function createSubscribeToChanges(ports: SubscribePorts): SubscribeToChanges {
  const { webhooks, deliveries, telemetry, clock, newSecret, hosts } = ports;
  return async ({ callbackUrl, customerId, by }) => {
    const url = parseCallbackUrl(callbackUrl, hosts);
    if (typeof url === "string") invalidRequest("callbackUrl", url);
    const id = webhookIdOf(by.tenantId, url.href, customerId);
    const all = await webhooks.list();
    const known = all.find((webhook) => webhook.id === id);
    if (known !== undefined) return known;
    if (all.length >= mostWebhooks) {
      throw new Refusal(
        "TooManyWebhooks",
        `There are ${all.length} webhooks already, and there may be ${mostWebhooks}. Remove one that is not needed any more.`,
      );
    }
    // A crash while an earlier one was removed may have left deliveries, which nobody wants to be told of now.
    await deliveries.removeAllOf(id);
    const webhook: Webhook = {
      id,
      callbackUrl: url.href,
      ...(customerId === undefined ? {} : { customerId }),
      secret: newSecret(),
      createdAt: clock.now().toISOString(),
      createdBy: by,
    };
    if ((await webhooks.add(webhook)) === "exists") {
      const first = await webhooks.find(id);
      if (first === undefined) throw dependencyUnavailable("The list of webhooks");
      return first;
    }
    telemetry.event("WebhookSubscribed", { webhookId: id, callbackHost: url.host, by: by.objectId });
    return webhook;
  };
}
