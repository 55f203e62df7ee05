/**
 * Removes a webhook, which need not be there.
 *
 *   DELETE /api/webhooks/{webhookId}
 *   POST   /api/webhooks/unsubscribe   {"callbackUrl"}, for workflows, which know nothing but their own address
 */

import { invalidRequest } from "../shared/domain/refusal.ts";
import { webhookIdIn } from "../shared/http/parameters.ts";
import { readFields } from "../shared/http/request-body.ts";
import type { ApiHandler } from "../shared/http/route.ts";
import type { UnsubscribeByCallbackUrl, UnsubscribeFromChanges } from "../shared/use-cases/unsubscribe-from-changes.ts";

export const unsubscriptionFields = ["callbackUrl"] as const;

export function unsubscribeFromChanges(unsubscribe: UnsubscribeFromChanges): ApiHandler {
  return async ({ route }) => {
    await unsubscribe(webhookIdIn(route));
    return { status: 204 };
  };
}

export function unsubscribeByCallbackUrl(unsubscribe: UnsubscribeByCallbackUrl): ApiHandler {
  return async (request) => {
    const callbackUrl = (await readFields(request, unsubscriptionFields)).get("callbackUrl");
    if (typeof callbackUrl !== "string") invalidRequest("callbackUrl", "callbackUrl must be a URL.");
    await unsubscribe(callbackUrl);
    return { status: 204 };
  };
}
