/**
 * The activity log: what one entry holds, and the hash chain that lets anybody prove from the API alone
 * that no entry of a customer was changed, dropped or put in later.
 *
 * `sequence` and `hash` are fixed in the same write as the switch itself, so the order in which the queue
 * delivers entries does not matter.
 */

import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import type { Finding } from "./drift.ts";
import type { Evidence } from "./eligibility.ts";
import type { ChangeId, CustomerId } from "./identifiers.ts";
import type { Actor, CustomerRecord, PermissionState, Product } from "./permission.ts";

/** Names of the entries as Partner Center's Activity log shows them. */
export const operationOf = {
  On: "Create Customer Purchase Permissions",
  Off: "Delete Customer Purchase Permissions",
} as const satisfies Record<PermissionState, string>;

export type Operation = (typeof operationOf)[PermissionState];

export const operationTypes = [
  "create_self_serve_policy",
  "update_self_serve_policy",
  "delete_self_serve_policy",
] as const;
export type OperationType = (typeof operationTypes)[number];

/** `Detected`: nothing was switched here, something was found. */
export const activityResults = ["Succeeded", "Failed", "Detected"] as const;

export interface ActivityError {
  readonly code: string;
  readonly message: string;
  /** Partner Center's own code, such as `900150`, or Entra's, if it gave one. */
  readonly partnerCenterCode?: string;
}

export const findingStatuses = ["Open", "Closed"] as const;

/** What was found about a permission (`Open`), or is not so any more although nobody here has decided it (`Closed`). */
export interface ActivityFinding extends Pick<Finding, "code" | "message" | "byUserPrincipalName"> {
  readonly status: (typeof findingStatuses)[number];
}

/** One entry exactly as the API answers it. Times are RFC 3339 UTC with milliseconds. */
export interface Activity {
  readonly id: string;
  readonly sequence: number;
  readonly customerId: CustomerId;
  readonly product: Product;
  /** Of a `Detected` one: what leads to the state that Partner Center has. */
  readonly operation: Operation;
  readonly result: (typeof activityResults)[number];
  /** Present and true when the switch was so already, and only Partner Center was brought in line with it. */
  readonly realigned?: boolean;
  /**
   * What was done in Partner Center, in the words of its audit records; absent when nothing had to be, or when a
   * crash has left nobody who knows.
   */
  readonly operationType?: OperationType;
  /** Why it failed. */
  readonly error?: ActivityError;
  /** What was detected. */
  readonly finding?: ActivityFinding;
  readonly at: string;
  readonly by: Actor;
  readonly reason?: string;
  readonly acknowledgedCharges?: boolean;
  readonly requestId: string;
  readonly correlationId?: string;
  readonly changeId: ChangeId;
  readonly evidence?: Evidence;
  readonly previousHash: string;
  readonly hash: string;
}

/** What is known of an entry before it takes its place in the chain. */
export type ActivityDraft = Omit<Activity, "id" | "sequence" | "previousHash" | "hash">;

/**
 * Gives an entry the next place in the customer's chain.
 *
 * @param head the customer's record, which ends the chain so far
 */
export function chainActivity(head: CustomerRecord, draft: ActivityDraft): Activity {
  const sequence = head.sequence + 1;
  const unsealed = { id: `${draft.customerId}-${sequence}`, sequence, ...draft, previousHash: head.headHash };
  return { ...unsealed, hash: hashOf(unsealed) };
}

/**
 * @param activity an entry as the API answers it; a `hash` member is left out of the calculation
 * @returns lower-case hex SHA-256 of its RFC 8785 canonical JSON
 */
export function hashOf(activity: Omit<Activity, "hash">): string {
  return createHash("sha256")
    .update(canonicalize({ ...activity, hash: undefined }) as string)
    .digest("hex");
}
