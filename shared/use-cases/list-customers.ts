/** Lists the customers that were ever switched, page by page in a fixed order. */

import type { Finding } from "../domain/drift.ts";
import type { CustomerId } from "../domain/identifiers.ts";
import { type Permission, type PermissionState, permissionsOf } from "../domain/permission.ts";
import type { Page, PermissionStore } from "../ports.ts";

export interface ListedCustomer {
  readonly customerId: CustomerId;
  readonly permissions: readonly Permission[];
  /** What is not as the record says; absent: nothing is known to be. */
  readonly findings?: readonly Finding[];
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
      items: items.map((record) => ({
        customerId: record.customerId,
        permissions: permissionsOf(record),
        ...(record.findings === undefined ? {} : { findings: record.findings }),
      })),
      ...rest,
    };
  };
}
