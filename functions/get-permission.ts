/**
 * Reads one of a customer's switches.
 *
 *   GET  /api/customers/{customerId}/permissions/{product}
 *   POST /api/GetCustomerPermission   {"customerId", "product"}
 */

import type { CustomerId } from "../shared/domain/identifiers.ts";
import type { Product } from "../shared/domain/permission.ts";
import { etagOf, tagsOf } from "../shared/http/etag.ts";
import { customerIdOf, productOf } from "../shared/http/parameters.ts";
import { readFields } from "../shared/http/request-body.ts";
import type { ApiAnswer, ApiHandler } from "../shared/http/route.ts";
import type { ReadPermissions } from "../shared/use-cases/read-permissions.ts";

export const permissionFields = ["customerId", "product"] as const;

export function getPermission(read: ReadPermissions): ApiHandler {
  return async ({ route, headers }) =>
    answer(read, customerIdOf(route.customerId), productOf(route.product), tagsOf(headers, "If-None-Match"));
}

export function getCustomerPermission(read: ReadPermissions): ApiHandler {
  return async (request) => {
    const fields = await readFields(request, permissionFields);
    return answer(read, customerIdOf(fields.get("customerId")), productOf(fields.get("product")));
  };
}

async function answer(
  read: ReadPermissions,
  customerId: CustomerId,
  product: Product,
  isKnown?: (etag: string) => boolean,
): Promise<ApiAnswer> {
  const permission = (await read(customerId)).find((each) => each.product === product);
  if (permission === undefined) throw new Error(`The record of a customer lacks the product ${product}.`);
  const etag = etagOf(permission);
  return isKnown?.(etag) ? { status: 304, headers: { etag } } : { headers: { etag }, body: permission };
}
