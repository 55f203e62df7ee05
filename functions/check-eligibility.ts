/**
 * The dry run: what would be said to a switch to On, with the evidence. Writes nothing.
 *
 *   GET  /api/customers/{customerId}/eligibility?product=&subscriptionId=
 *   POST /api/CheckCustomerEligibility   {"customerId", "product"?, "subscriptionId"?}
 */

import { customerIdOf, productOf, subscriptionIdOf } from "../shared/http/parameters.ts";
import { readFields } from "../shared/http/request-body.ts";
import type { ApiAnswer, ApiHandler } from "../shared/http/route.ts";
import type { CheckEligibility } from "../shared/use-cases/check-eligibility.ts";

export const eligibilityQuery = ["product", "subscriptionId"] as const;
export const eligibilityFields = ["customerId", ...eligibilityQuery] as const;

export function checkEligibility(check: CheckEligibility): ApiHandler {
  return async ({ route, query }) => answer(check, route.customerId, query);
}

export function checkCustomerEligibility(check: CheckEligibility): ApiHandler {
  return async (request) => {
    const fields = await readFields(request, eligibilityFields);
    return answer(check, fields.get("customerId"), fields);
  };
}

async function answer(
  check: CheckEligibility,
  customerId: unknown,
  options: ReadonlyMap<string, unknown>,
): Promise<ApiAnswer> {
  const { eligibility } = await check({
    customerId: customerIdOf(customerId),
    ...(options.has("product") ? { product: productOf(options.get("product")) } : {}),
    ...(options.has("subscriptionId") ? { subscriptionId: subscriptionIdOf(options.get("subscriptionId")) } : {}),
  });
  return { body: eligibility };
}
