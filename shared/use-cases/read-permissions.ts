/** Reads a customer's two switches from the state of record: one point read. */

import type { CustomerId } from "../domain/identifiers.ts";
import { type ShownPermission, shownPermissionsOf } from "../domain/permission.ts";
import type { PermissionStore } from "../ports.ts";

/** @returns both switches; a customer never touched is Off */
export type ReadPermissions = (customerId: CustomerId) => Promise<readonly ShownPermission[]>;

export function createReadPermissions(store: PermissionStore): ReadPermissions {
  return async (customerId) => shownPermissionsOf((await store.readCustomer(customerId)).record);
}
