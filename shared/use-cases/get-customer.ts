/** Reads one customer as the list shows it. One never heard of has both switches Off, as any other. */

import type { CustomerId } from "../domain/identifiers.ts";
import type { KnownCustomers } from "../ports.ts";
import { type ListedCustomer, listed } from "./list-customers.ts";

export type GetCustomer = (customerId: CustomerId) => Promise<ListedCustomer>;

export function createGetCustomer(known: KnownCustomers): GetCustomer {
  return async (customerId) => listed(await known.find(customerId));
}
