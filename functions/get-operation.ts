/**
 * Tells how a change stands.
 *
 *   GET /api/customers/{customerId}/operations/{changeId}          always 200, with the status
 *   GET /api/customers/{customerId}/operations/{changeId}/result   202 while it runs, for Logic Apps
 */

import { parseGuid } from "../shared/domain/identifiers.ts";
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
    const { status, permission, error, manualSteps } = await get(...operationOf(request));
    if (status === "Running") {
      // Some who wait ask only where the last answer said.
      const location = new URL(request.url.pathname, request.url).href;
      const headers = { location, "retry-after": retryAfter(manualSteps) };
      return { status: 202, headers, body: { ...permission, changed: false, ...manualSteps } };
    }
    if (error !== undefined) throw refusedByPartnerCenter(error.code, error.message, error.partnerCenterCode);
    return { headers: { etag: etagOf(permission) }, body: { ...permission, changed: true } };
  };
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
