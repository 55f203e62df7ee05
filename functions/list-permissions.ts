/** Reads both switches of a customer: GET /api/customers/{customerId}/permissions */

import { customerIdOf } from "../shared/http/parameters.ts";
import type { ApiHandler } from "../shared/http/route.ts";
import type { ReadPermissions } from "../shared/use-cases/read-permissions.ts";

export function listPermissions(read: ReadPermissions): ApiHandler {
  return async ({ route }) => ({ body: { value: await read(customerIdOf(route.customerId)) } });
}
