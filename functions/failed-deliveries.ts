/**
 * What could not be delivered to a webhook for three days, and another try at it.
 *
 *   GET  /api/webhooks/{webhookId}/failed-deliveries
 *   POST /api/webhooks/{webhookId}/replay              {"deliveryId"?}
 */

import { type DeliveryId, parseDeliveryId } from "../shared/domain/delivery.ts";
import { invalidRequest } from "../shared/domain/refusal.ts";
import { webhookIdIn } from "../shared/http/parameters.ts";
import { readFields } from "../shared/http/request-body.ts";
import type { ApiHandler } from "../shared/http/route.ts";
import type { ListFailedDeliveries, ReplayDeliveries } from "../shared/use-cases/failed-deliveries.ts";

export const replayFields = ["deliveryId"] as const;

export function listFailedDeliveries(list: ListFailedDeliveries): ApiHandler {
  return async ({ route }) => ({ body: { value: await list(webhookIdIn(route)) } });
}

export function replayDeliveries(replay: ReplayDeliveries): ApiHandler {
  return async (request) => {
    const webhookId = webhookIdIn(request.route);
    const fields = await readFields(request, replayFields);
    const deliveryId = fields.has("deliveryId") ? deliveryIdOf(fields.get("deliveryId")) : undefined;
    return { body: { replayed: await replay(webhookId, deliveryId) } };
  };
}

function deliveryIdOf(value: unknown): DeliveryId {
  return (
    parseDeliveryId(value) ??
    invalidRequest("deliveryId", "deliveryId must be the id of a failed delivery, as the list of them has it.")
  );
}
