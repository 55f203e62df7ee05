/**
 * One change of a switch: what the caller wishes, and what becomes of the record and the log when the
 * wish is granted. State and log entry leave this file together, and are written together.
 *
 * Where our record is the switch, a change is granted at once. Where Partner Center has to follow, it is
 * begun, and later finished or failed; the log gets its entry at the end, when the outcome is known.
 */

import { createHash } from "node:crypto";
import canonicalize from "canonicalize";
import {
  type Activity,
  type ActivityDraft,
  type ActivityError,
  chainActivity,
  type OperationType,
  operationOf,
} from "./activity.ts";
import type { Finding } from "./drift.ts";
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

export interface Intent {
  readonly wish: Wish;
  readonly occasion: Omit<Occasion, "at">;
  /**
   * It may not be finished earlier: a change that it has overtaken may still have a write under way, and
   * what is read before that has landed is not the end.
   */
  readonly notBefore?: string;
  /**
   * The switch of an overtaken change to On that our record has as Off: what that change may yet bring about in
   * Partner Center is taken back along with the wished Off.
   */
  readonly alsoOff?: Product;
  /** What was last tried in Partner Center, when its effect could not be read back at once. */
  readonly attempted?: OperationType;
}

export const changeStatuses = ["Running", "Succeeded", "Failed", "Canceled"] as const;

/** An accepted change: kept to answer a repeated request, and the operation of that id. */
export interface Change {
  readonly changeId: ChangeId;
  readonly fingerprint: string;
  /** When it was accepted. */
  readonly at: string;
  readonly status: (typeof changeStatuses)[number];
  /** The permission as the change left it; of a running one, as it found it. */
  readonly permission: Permission;
  /** What is to be done, as long as it is not. */
  readonly intent?: Intent;
  readonly error?: ActivityError;
}

/** Everything that one transaction writes. */
export interface RecordedChange {
  readonly record: CustomerRecord;
  /** A change that nobody has seen before. */
  readonly created?: Change;
  /** A change that was begun earlier, as it stands now. */
  readonly updated?: Change;
  readonly activity?: Activity;
}

export interface GrantedChange extends RecordedChange {
  readonly created: Change;
  readonly activity: Activity;
}

/** A change that was begun earlier, at its end. */
export interface EndedChange extends RecordedChange {
  readonly updated: Change;
  readonly activity: Activity;
}

/** Moves one switch of the record at once. */
export function grantChange(current: CustomerRecord, wish: Wish, occasion: Occasion): GrantedChange {
  const { record, activity } = moveSwitch(current, wish, occasion);
  return { record, activity, created: { ...changeOf(wish, occasion, record), at: activity.at, status: "Succeeded" } };
}

/**
 * Accepts a change that Partner Center has to follow. An unfinished one that stands in the way is
 * overtaken: it ends as cancelled, and the log says so.
 */
export function beginChange(
  current: CustomerRecord,
  wish: Wish,
  occasion: Occasion,
  overtaken?: Change,
): RecordedChange & { readonly created: Change } {
  const since = occasion.at.toISOString();
  const { changeId } = occasion;
  const { cleared, heed } =
    overtaken === undefined ? { cleared: { record: current }, heed: {} } : overtake(current, overtaken, wish, occasion);
  const { at: _, ...rest } = occasion;
  return {
    ...cleared,
    record: { ...cleared.record, unfinished: { changeId, product: wish.product, state: wish.state, since } },
    created: {
      ...changeOf(wish, occasion, current),
      ...{ at: since, status: "Running" },
      intent: { wish, occasion: rest, ...heed },
    },
  };
}

/** Notes what was tried, for whoever finds it done later. Nothing else changes. */
export function noteAttempt(
  current: CustomerRecord,
  running: Change & { readonly intent: Intent },
  attempted: OperationType,
): RecordedChange {
  return { record: current, updated: { ...running, intent: { ...running.intent, attempted } } };
}

/**
 * Partner Center has confirmed: the switch is moved, and the log gets its entry.
 *
 * @param attempted what was last tried in Partner Center; absent: what was noted earlier, if anything
 */
export function finishChange(
  current: CustomerRecord,
  { intent, ...running }: Change,
  at: Date,
  attempted?: OperationType,
): EndedChange {
  if (intent === undefined) throw new Error(`Change ${running.changeId} is not running.`);
  const operationType = attempted ?? intent.attempted;
  const { record, activity } = moveSwitch(
    current,
    intent.wish,
    { ...intent.occasion, at },
    operationType === undefined ? {} : { operationType },
  );
  const permission = permissionOf(record, intent.wish.product);
  return { record, activity, updated: { ...running, status: "Succeeded", permission } };
}

/** It will not come to be: the switch stays as it is, and the log says why. */
export function failChange(current: CustomerRecord, running: Change, at: Date, error: ActivityError): EndedChange {
  return endWithout(current, running, at, "Failed", error);
}

/** No write to Partner Center is under way for longer than its time limit of 20 seconds. */
const longestWriteMilliseconds = 30_000;

function afterLastWrite(now: Date): string {
  return new Date(now.getTime() + longestWriteMilliseconds).toISOString();
}

/**
 * The overtaken change may be of the other switch. What it leaves in Partner Center is then brought back to what our
 * record says: Off, unless it was to confirm an On that is on record, which nobody has asked to end.
 *
 * @returns its end, and what the change that comes before it has to heed
 */
function overtake(
  current: CustomerRecord,
  overtaken: Change,
  wish: Wish,
  { changeId, at }: Occasion,
): { readonly cleared: EndedChange; readonly heed: Pick<Intent, "notBefore" | "alsoOff"> } {
  const { product } = overtaken.permission;
  const notBefore = afterLastWrite(at);
  const end = (message: string) => endWithout(current, overtaken, at, "Canceled", { code: "Overtaken", message });
  if (product === wish.product) {
    const message = `Change ${changeId} turned the permission Off before this one was confirmed.`;
    return { cleared: end(message), heed: { notBefore } };
  }
  const message = `Change ${changeId}, which turns ${wish.product} Off, came before this one was confirmed.`;
  return current.switches[product].state === "On"
    ? { cleared: end(`${message} This permission stays On as recorded.`), heed: { notBefore } }
    : {
        cleared: end(`${message} It also takes back what this one may bring about in Partner Center.`),
        heed: { notBefore, alsoOff: product },
      };
}

function endWithout(
  current: CustomerRecord,
  { intent, ...running }: Change,
  at: Date,
  status: "Failed" | "Canceled",
  error: ActivityError,
): EndedChange {
  if (intent === undefined) throw new Error(`Change ${running.changeId} is not running.`);
  const { unfinished: _, ...record } = current;
  const activity = chainActivity(
    current,
    draftOf(current, intent.wish, { ...intent.occasion, at }, { result: "Failed", error }),
  );
  return {
    record: { ...record, ...headOf(activity) },
    activity,
    updated: { ...running, status, error },
  };
}

/** @returns the findings of a record, or nothing when there are none */
export function standing(findings: readonly Finding[] = []): Pick<CustomerRecord, "findings"> {
  return findings.length === 0 ? {} : { findings };
}

/** Whoever moves a switch has decided about what was found of it: those findings are gone with the move. */
function moveSwitch(
  current: CustomerRecord,
  wish: Wish,
  occasion: Occasion,
  more: Pick<Activity, "operationType"> = {},
): { record: CustomerRecord; activity: Activity } {
  const isAgain = current.switches[wish.product].state === wish.state;
  const outcome = { result: "Succeeded", ...(isAgain ? { realigned: true } : {}), ...more } as const;
  const activity = chainActivity(current, draftOf(current, wish, occasion, outcome));
  const moved: Switch = {
    state: wish.state,
    changedAt: activity.at,
    changedBy: occasion.by,
    ...(wish.reason === undefined ? {} : { reason: wish.reason }),
    changeId: occasion.changeId,
  };
  const record: CustomerRecord = {
    customerId: wish.customerId,
    switches: { ...current.switches, [wish.product]: moved },
    ...headOf(activity),
    ...standing(current.findings?.filter(({ product }) => product !== wish.product)),
  };
  return { record, activity };
}

function draftOf(
  current: CustomerRecord,
  wish: Wish,
  { changeId, by, at, requestId, correlationId, evidence }: Occasion,
  outcome: Pick<Activity, "result" | "realigned" | "operationType" | "error">,
): ActivityDraft {
  const { result, ...more } = outcome;
  return {
    customerId: wish.customerId,
    product: wish.product,
    operation: operationOf[wish.state],
    result,
    ...more,
    at: laterOf(at, current.headAt),
    by,
    ...(wish.reason === undefined ? {} : { reason: wish.reason }),
    ...(wish.acknowledgedCharges === undefined ? {} : { acknowledgedCharges: wish.acknowledgedCharges }),
    requestId,
    ...(correlationId === undefined ? {} : { correlationId }),
    changeId,
    ...(evidence === undefined ? {} : { evidence }),
  };
}

/** @returns the end of the chain after this activity */
export function headOf({ sequence, hash, at }: Activity): Pick<CustomerRecord, "sequence" | "headHash" | "headAt"> {
  return { sequence, headHash: hash, headAt: at };
}

function changeOf(
  wish: Wish,
  { changeId }: Occasion,
  record: CustomerRecord,
): Pick<Change, "changeId" | "fingerprint" | "permission"> {
  return { changeId, fingerprint: fingerprintOf(wish), permission: permissionOf(record, wish.product) };
}

/** @returns the same text for two wishes exactly when they ask for the same thing. */
export function fingerprintOf(wish: Wish): string {
  return createHash("sha256")
    .update(canonicalize(wish) as string)
    .digest("hex");
}

/**
 * The time never runs backwards within a customer, even when two instances' clocks differ: the order by
 * time and the order by sequence are the same.
 */
export function laterOf(now: Date, last: string | null): string {
  return last !== null && new Date(last) > now ? last : now.toISOString();
}
