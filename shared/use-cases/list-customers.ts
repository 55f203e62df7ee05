/** Lists the customers that were ever switched, page by page in a fixed order. */

import type { CustomerId } from "../domain/identifiers.ts";
import { type Permission, type PermissionState, permissionsOf } from "../domain/permission.ts";
import type { Page, PermissionStore } from "../ports.ts";

export interface ListedCustomer {
  readonly customerId: CustomerId;
  readonly permissions: readonly Permission[];
}

export type ListCustomers = (query: {
  /** `On`: any switch On. `Off`: none. */
  readonly state?: PermissionState;
  readonly after?: CustomerId;
  readonly limit: number;
}) => Promise<Page<ListedCustomer, CustomerId>>;

export function createListCustomers(store: PermissionStore): ListCustomers {
  return async (query) => {
    const { items, ...rest } = await store.listCustomers(query);
    return {
      items: items.map((record) => ({ customerId: record.customerId, permissions: permissionsOf(record) })),
      ...rest,
    };
  };
}
