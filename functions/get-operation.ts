/** Tells how a change stands: GET /api/customers/{customerId}/operations/{changeId} */

import { parseGuid } from "../shared/domain/identifiers.ts";
import { invalidRequest } from "../shared/domain/refusal.ts";
import { customerIdOf } from "../shared/http/parameters.ts";
import type { ApiHandler } from "../shared/http/route.ts";
import type { GetOperation } from "../shared/use-cases/get-operation.ts";

export function getOperation(get: GetOperation): ApiHandler {
  return async ({ route }) => {
    const customerId = customerIdOf(route.customerId);
    const changeId = parseGuid<"change">(route.changeId) ?? invalidRequest("changeId", "changeId must be a GUID.");
    return { body: await get(customerId, changeId) };
  };
}
