/** Changes that Partner Center has not confirmed yet, so that they are followed again after a reload of this tab. */

import type { PermissionState, Product } from "../shared/domain/permission.ts";

export interface PendingOperation {
  /** Of the operation, in the API. */
  readonly path: string;
  readonly state: PermissionState;
}

export function keepPending(customerId: string, product: Product, operation: PendingOperation): void {
  sessionStorage.setItem(keyOf(customerId, product), JSON.stringify(operation));
}

export function pendingOperation(customerId: string, product: Product): PendingOperation | undefined {
  const kept = sessionStorage.getItem(keyOf(customerId, product));
  return kept === null ? undefined : (JSON.parse(kept) as PendingOperation);
}

export function forgetPending(customerId: string, product: Product): void {
  sessionStorage.removeItem(keyOf(customerId, product));
}

function keyOf(customerId: string, product: Product): string {
  return `pending|${customerId}|${product}`;
}
