/**
 * One change of a switch: what the caller wishes, and what becomes of the record and the log when the
 * wish is granted. State and log entry leave this file together, and are written together.
 */

import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import { type Activity, chainActivity, operationOf } from "./activity.ts";
import type { Evidence } from "./eligibility.ts";
import type { ChangeId, CustomerId, SubscriptionId } from "./identifiers.ts";
import {
  type Actor,
  type CustomerRecord,
  type Permission,
  type PermissionState,
  type Product,
  permissionOf,
  type Switch,
} from "./permission.ts";

/** What a caller asks for. */
export interface Wish {
  readonly customerId: CustomerId;
  readonly product: Product;
  readonly state: PermissionState;
  readonly reason?: string;
  /** Only this subscription is to be looked at in the eligibility check. */
  readonly subscriptionId?: SubscriptionId;
  /** The caller confirmed that the partner pays for what the customer buys. */
  readonly acknowledgedCharges?: boolean;
}

/** Who asks, when, and by which request. */
export interface Occasion {
  readonly changeId: ChangeId;
  readonly by: Actor;
  readonly at: Date;
  readonly requestId: string;
  readonly correlationId?: string;
  readonly evidence?: Evidence;
}

/** A committed change: kept to answer a repeated request, and the operation of that id. */
export interface Change {
  readonly changeId: ChangeId;
  readonly fingerprint: string;
  readonly at: string;
  /** The permission as it was answered to the first request. */
  readonly permission: Permission;
}

export interface GrantedChange {
  readonly record: CustomerRecord;
  readonly change: Change;
  readonly activity: Activity;
}

/**
 * Moves one switch of the record.
 *
 * The time never runs backwards within a customer, even when two instances' clocks differ: the order by
 * time and the order by sequence are the same.
 */
export function grantChange(current: CustomerRecord, wish: Wish, occasion: Occasion): GrantedChange {
  const at = laterOf(occasion.at, lastChangeOf(current)).toISOString();
  const reason = wish.reason === undefined ? {} : { reason: wish.reason };
  const activity = chainActivity(current, {
    customerId: wish.customerId,
    product: wish.product,
    operation: operationOf[wish.state],
    result: "Succeeded",
    at,
    by: occasion.by,
    ...reason,
    ...(wish.acknowledgedCharges === undefined ? {} : { acknowledgedCharges: wish.acknowledgedCharges }),
    requestId: occasion.requestId,
    ...(occasion.correlationId === undefined ? {} : { correlationId: occasion.correlationId }),
    changeId: occasion.changeId,
    ...(occasion.evidence === undefined ? {} : { evidence: occasion.evidence }),
  });
  const moved: Switch = {
    state: wish.state,
    changedAt: at,
    changedBy: occasion.by,
    ...reason,
    changeId: occasion.changeId,
  };
  const record: CustomerRecord = {
    customerId: wish.customerId,
    switches: { ...current.switches, [wish.product]: moved },
    sequence: activity.sequence,
    headHash: activity.hash,
  };
  const change: Change = {
    changeId: occasion.changeId,
    fingerprint: fingerprintOf(wish),
    at,
    permission: permissionOf(record, wish.product),
  };
  return { record, change, activity };
}

/** @returns the same text for two wishes exactly when they ask for the same thing. */
export function fingerprintOf(wish: Wish): string {
  return createHash("sha256")
    .update(canonicalize(wish) as string)
    .digest("hex");
}

function lastChangeOf(record: CustomerRecord): Date | undefined {
  const times = Object.values(record.switches).flatMap(({ changedAt }) => changedAt ?? []);
  const newest = times.sort().at(-1);
  return newest === undefined ? undefined : new Date(newest);
}

function laterOf(now: Date, last: Date | undefined): Date {
  return last !== undefined && last > now ? last : now;
}
