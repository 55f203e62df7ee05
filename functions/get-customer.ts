/** Reads one customer as the list shows it: GET /api/customers/{customerId} */

import { customerIdOf } from "../shared/http/parameters.ts";
import type { ApiHandler } from "../shared/http/route.ts";
import type { GetCustomer } from "../shared/use-cases/get-customer.ts";

export function getCustomer(get: GetCustomer): ApiHandler {
  return async ({ route }) => ({ body: await get(customerIdOf(route.customerId)) });
}
