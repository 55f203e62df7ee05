/** Tells how a change stands. Its row is kept for 30 days. */

import type { ActivityError } from "../domain/activity.ts";
import { changeStatuses } from "../domain/change.ts";
import type { ChangeId, CustomerId } from "../domain/identifiers.ts";
import { type ManualSteps, manualStepsOf } from "../domain/manual-steps.ts";
import type { Permission } from "../domain/permission.ts";
import { Refusal } from "../domain/refusal.ts";
import type { PermissionStore } from "../ports.ts";

/** In the words of Azure; nothing of ours waits to be started. */
export const operationStatuses = ["NotStarted", ...changeStatuses] as const;

export interface Operation {
  readonly id: ChangeId;
  readonly status: (typeof operationStatuses)[number];
  readonly error?: ActivityError;
  /** The permission as the change left it, for those who ask for the result rather than the status. */
  readonly permission: Permission;
  /** What an operator still has to do for it. */
  readonly manualSteps?: ManualSteps;
}

/** @throws Refusal `NotFound` */
export type GetOperation = (customerId: CustomerId, changeId: ChangeId) => Promise<Operation>;

/** @param manualHours how long an operator has got to move a switch in Partner Center; undefined: we move it */
export function createGetOperation(store: PermissionStore, manualHours?: number): GetOperation {
  return async (customerId, changeId) => {
    const change = await store.findChange(customerId, changeId);
    if (change !== undefined) {
      const { status, permission, error } = change;
      const manualSteps = manualStepsOf(change, manualHours);
      return {
        ...{ id: change.changeId, status, permission },
        ...(error === undefined ? {} : { error }),
        ...(manualSteps === undefined ? {} : { manualSteps }),
      };
    }
    throw new Refusal("NotFound", `Customer ${customerId} has no operation ${changeId}, or it is older than 30 days.`, {
      target: "changeId",
    });
  };
}
