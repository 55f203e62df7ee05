/**
 * Turns one of a customer's switches.
 *
 *   PUT  /api/customers/{customerId}/permissions/{product}   {"state":"On"|"Off", …}
 *   POST /api/SetCustomerPermission                          the same, with customerId and product in the body
 */

import type { Wish } from "../shared/domain/change.ts";
import { etagOf, tagsOf } from "../shared/http/etag.ts";
import {
  acknowledgedChargesOf,
  customerIdOf,
  productOf,
  reasonOf,
  repeatableAs,
  stateOf,
  subscriptionIdOf,
} from "../shared/http/parameters.ts";
import { readFields } from "../shared/http/request-body.ts";
import type { ApiAnswer, ApiHandler, ApiRequest } from "../shared/http/route.ts";
import type { SetPermission } from "../shared/use-cases/set-permission.ts";
import { linksOf, retryAfter } from "./get-operation.ts";
import { permissionFields } from "./get-permission.ts";

export const wishFields = ["state", "reason", "subscriptionId", "acknowledgedCharges"] as const;
export const permissionChangeFields = [...permissionFields, ...wishFields] as const;

export function setPermission(set: SetPermission): ApiHandler {
  return async (request) => {
    const customerId = customerIdOf(request.route.customerId);
    const product = productOf(request.route.product);
    const fields = await readFields(request, wishFields);
    return answer(set, request, { customerId, product, ...wishOf(fields) });
  };
}

export function setCustomerPermission(set: SetPermission): ApiHandler {
  return async (request) => {
    const fields = await readFields(request, permissionChangeFields);
    const customerId = customerIdOf(fields.get("customerId"));
    const product = productOf(fields.get("product"));
    return answer(set, request, { customerId, product, ...wishOf(fields) });
  };
}

function wishOf(fields: ReadonlyMap<string, unknown>): Omit<Wish, "customerId" | "product"> {
  return {
    state: stateOf(fields.get("state")),
    ...(fields.has("reason") ? { reason: reasonOf(fields.get("reason")) } : {}),
    ...(fields.has("subscriptionId") ? { subscriptionId: subscriptionIdOf(fields.get("subscriptionId")) } : {}),
    ...(fields.has("acknowledgedCharges")
      ? { acknowledgedCharges: acknowledgedChargesOf(fields.get("acknowledgedCharges")) }
      : {}),
  };
}

async function answer(
  set: SetPermission,
  { caller, headers, requestId, correlationId, url }: ApiRequest,
  wish: Wish,
): Promise<ApiAnswer> {
  const id = repeatableAs(headers);
  const ifMatch = tagsOf(headers, "If-Match");
  const { permission, changed, unfinished, manualSteps } = await set({
    ...wish,
    by: caller.actor,
    requestId,
    ...(correlationId === undefined ? {} : { correlationId }),
    ...(id === undefined ? {} : { repeatableAs: id }),
    ...(ifMatch === undefined ? {} : { precondition: (current) => ifMatch(etagOf(current)) }),
  });
  const repeatability = id === undefined ? {} : { "repeatability-result": "accepted" };
  const body = { ...permission, changed, ...manualSteps };
  if (unfinished === undefined) return { headers: { etag: etagOf(permission), ...repeatability }, body };
  const { operation, result } = linksOf(url, wish.customerId, unfinished);
  const progress = {
    "operation-location": operation,
    location: result,
    "retry-after": retryAfter(manualSteps),
  };
  return { status: 202, headers: { ...progress, ...repeatability }, body };
}
