/** Makes a webhook: POST /api/webhooks {"callbackUrl":"https://…","customerId"?:guid} */

import { listed } from "../shared/domain/webhook.ts";
import { customerIdOf } from "../shared/http/parameters.ts";
import { readFields } from "../shared/http/request-body.ts";
import type { ApiHandler } from "../shared/http/route.ts";
import type { SubscribeToChanges } from "../shared/use-cases/subscribe-to-changes.ts";

export const subscriptionFields = ["callbackUrl", "customerId"] as const;

export function subscribeToChanges(subscribe: SubscribeToChanges): ApiHandler {
  return async (request) => {
    const fields = await readFields(request, subscriptionFields);
    const webhook = await subscribe({
      callbackUrl: fields.get("callbackUrl"),
      ...(fields.has("customerId") ? { customerId: customerIdOf(fields.get("customerId")) } : {}),
      by: request.caller.actor,
    });
    // Custom connectors of Power Platform remember Location, and send DELETE there.
    const location = new URL(`/api/webhooks/${webhook.id}`, request.url).href;
    const { failingSince: _, ...shown } = listed(webhook);
    return { status: 201, headers: { location }, body: { ...shown, secret: webhook.secret } };
  };
}
