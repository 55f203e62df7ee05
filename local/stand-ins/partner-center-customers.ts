/** Finds a customer among many by its tenant id, while tests add to the list and change what is in it. */

import type { Customer } from "./customer.ts";

export function createCustomerIndex(customers: readonly Customer[]): (tenantId: string) => Customer | undefined {
  let index = new Map<string, Customer>();
  let indexed = 0;
  return (tenantId) => {
    const id = tenantId.toLowerCase();
    if (indexed !== customers.length) {
      index = new Map(customers.map((customer) => [customer.tenantId.toLowerCase(), customer]));
      indexed = customers.length;
    }
    const found = index.get(id);
    // Changed since it was indexed, or not there at all: rare enough to look at every one.
    return found?.tenantId.toLowerCase() === id ? found : customers.find((one) => one.tenantId.toLowerCase() === id);
  };
}
