/**
 * Tells how a change stands.
 *
 *   GET /api/customers/{customerId}/operations/{changeId}          always 200, with the status
 *   GET /api/customers/{customerId}/operations/{changeId}/result   202 while it runs, for Logic Apps
 */

import { type ChangeId, type CustomerId, parseGuid } from "../shared/domain/identifiers.ts";
import { refusedByPartnerCenter } from "../shared/domain/partner-center-refusal.ts";
import { invalidRequest } from "../shared/domain/refusal.ts";
import { etagOf } from "../shared/http/etag.ts";
import { customerIdOf } from "../shared/http/parameters.ts";
import type { ApiHandler, ApiRequest } from "../shared/http/route.ts";
import type { GetOperation, Operation } from "../shared/use-cases/get-operation.ts";

export function getOperation(get: GetOperation): ApiHandler {
  return async (request) => {
    const { permission: _, manualSteps, ...operation } = await get(...operationOf(request));
    const headers = operation.status === "Running" ? { "retry-after": retryAfter(manualSteps) } : {};
    return { headers, body: { ...operation, ...manualSteps } };
  };
}

/** While the change runs 202, then what the request itself would have been answered. */
export function getOperationResult(get: GetOperation): ApiHandler {
  return async (request) => {
    const [customerId, changeId] = operationOf(request);
    const { status, permission, error, manualSteps } = await get(customerId, changeId);
    if (status === "Running") {
      // Every 202 says where to ask next, so that nobody has to remember it.
      const { result } = linksOf(request.url, customerId, changeId);
      const headers = { location: result, "retry-after": retryAfter(manualSteps) };
      return { status: 202, headers, body: { ...permission, changed: false, ...manualSteps } };
    }
    if (error !== undefined) throw refusedByPartnerCenter(error.code, error.message, error.partnerCenterCode);
    return { headers: { etag: etagOf(permission) }, body: { ...permission, changed: true } };
  };
}

/** Azure's clients watch the operation; Logic Apps follows the result until it is no longer answered 202. */
export function linksOf(url: URL, customerId: CustomerId, changeId: ChangeId): { operation: string; result: string } {
  const operation = new URL(`/api/customers/${customerId}/operations/${changeId}`, url).href;
  return { operation, result: `${operation}/result` };
}

/** Seconds: what people do is looked at every minute. */
export function retryAfter(manualSteps: Operation["manualSteps"]): string {
  return manualSteps === undefined ? "5" : "60";
}

function operationOf({ route }: ApiRequest): Parameters<GetOperation> {
  return [
    customerIdOf(route.customerId),
    parseGuid<"change">(route.changeId) ?? invalidRequest("changeId", "changeId must be a GUID."),
  ];
}
