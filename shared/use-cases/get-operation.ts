/** Tells how a change stands. A committed change has succeeded; its row is kept for 30 days. */

import type { ChangeId, CustomerId } from "../domain/identifiers.ts";
import { Refusal } from "../domain/refusal.ts";
import type { PermissionStore } from "../ports.ts";

export interface Operation {
  readonly id: ChangeId;
  readonly status: "NotStarted" | "Running" | "Succeeded" | "Failed" | "Canceled";
}

/** @throws Refusal `NotFound` */
export type GetOperation = (customerId: CustomerId, changeId: ChangeId) => Promise<Operation>;

export function createGetOperation(store: PermissionStore): GetOperation {
  return async (customerId, changeId) => {
    const change = await store.findChange(customerId, changeId);
    if (change !== undefined) return { id: change.changeId, status: "Succeeded" };
    throw new Refusal("NotFound", `Customer ${customerId} has no operation ${changeId}, or it is older than 30 days.`, {
      target: "changeId",
    });
  };
}
