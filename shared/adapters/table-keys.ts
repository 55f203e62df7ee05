/**
 * Names and keys of everything in Table Storage. Keys are built only from GUIDs, enums and numbers, so no
 * character of them can mean anything to a filter.
 *
 *   CustomerPermissions  partition: one of 16 fixed buckets, so that the sweep reads 16 short ranges
 *     customer|{customerId}                          state of record
 *     on|{customerId}                                nothing more: a switch of the customer is On
 *     change|{customerId}|{changeId}                 result of one change
 *     pending|{time}|{customerId}|{sequence}         activity that is not in the log yet
 *     unfinished|{time}|{customerId}                 change that Partner Center has not confirmed yet
 *     profile|{customerId}                           what Partner Center lists the customer as, and when it was verified
 *                        partition "service": what the service notes for its own next run
 *     note|{name}                                    one note
 *   ActivityLog          partition: customer; row: inverted sequence, so the newest comes first
 *   ActivityByDay        partition: inverted day; row: inverted time | customer | inverted sequence
 *   Webhooks             partition: "webhooks"; row: id
 *   WebhookDeliveries    partition: webhook
 *     due|{time}-{customerId}-{sequence}             to be delivered, now or later
 *     failed|{time}-{customerId}-{sequence}          given up
 */

import { createHash } from "node:crypto";
import type { DeliveryPosition } from "../domain/delivery.ts";
import type { ChangeId, CustomerId } from "../domain/identifiers.ts";
import type { UnfinishedChange } from "../domain/permission.ts";
import type { WebhookId } from "../domain/webhook.ts";
import type { ActivityPosition, Notes } from "../ports.ts";

export const permissionsTable = "CustomerPermissions";
export const activityLogTable = "ActivityLog";
export const activityByDayTable = "ActivityByDay";
export const webhooksTable = "Webhooks";
export const deliveriesTable = "WebhookDeliveries";
export const activityQueue = "activities";
export const changeQueue = "changes";
export const deliveryQueue = "deliveries";

export interface RowKeys {
  readonly partitionKey: string;
  readonly rowKey: string;
}

export const buckets = [..."0123456789abcdef"] as const;

/** @returns the customer's bucket: the first hex digit of the SHA-256 of its id, for ever */
export function bucketOf(customerId: CustomerId): string {
  return createHash("sha256").update(customerId).digest("hex").charAt(0);
}

export function customerKeys(customerId: CustomerId): RowKeys {
  return { partitionKey: bucketOf(customerId), rowKey: `customer|${customerId}` };
}

export function onKeys(customerId: CustomerId): RowKeys {
  return { partitionKey: bucketOf(customerId), rowKey: `on|${customerId}` };
}

export function profileKeys(customerId: CustomerId): RowKeys {
  return { partitionKey: bucketOf(customerId), rowKey: `profile|${customerId}` };
}

export function noteKeys(name: keyof Notes): RowKeys {
  return { partitionKey: "service", rowKey: `note|${name}` };
}

export function changeKeys(customerId: CustomerId, changeId: ChangeId): RowKeys {
  return { partitionKey: bucketOf(customerId), rowKey: `change|${customerId}|${changeId}` };
}

export function pendingKeys({ customerId, at, sequence }: ActivityPosition): RowKeys {
  return {
    partitionKey: bucketOf(customerId),
    rowKey: `pending|${digits(Date.parse(at), 14)}|${customerId}|${digits(sequence, 10)}`,
  };
}

export function unfinishedKeys(customerId: CustomerId, { since }: Pick<UnfinishedChange, "since">): RowKeys {
  return { partitionKey: bucketOf(customerId), rowKey: `unfinished|${digits(Date.parse(since), 14)}|${customerId}` };
}

/** First row key that is not of something written before this time. */
export function rowsBefore(kind: "pending" | "unfinished", time: Date): string {
  return `${kind}|${digits(time.getTime(), 14)}`;
}

export function logKeys({ customerId, sequence }: Pick<ActivityPosition, "customerId" | "sequence">): RowKeys {
  return { partitionKey: customerId, rowKey: inverted(sequence, 10) };
}

export function byDayKeys({ customerId, at, sequence }: ActivityPosition): RowKeys {
  const time = new Date(at);
  return {
    partitionKey: dayOf(time),
    rowKey: `${inverted(time.getTime(), 14)}|${customerId}|${inverted(sequence, 10)}`,
  };
}

/** @returns the sequence in the key of a row of that table; no number when it is none */
export function sequenceInByDayKey(rowKey: unknown): number {
  return 10 ** 10 - 1 - Number(String(rowKey).split("|")[2]);
}

export const webhooksPartition = "webhooks";

export function webhookKeys(id: WebhookId): RowKeys {
  return { partitionKey: webhooksPartition, rowKey: id };
}

export function deliveryKeys(kind: "due" | "failed", { webhookId, id }: DeliveryPosition): RowKeys {
  return { partitionKey: webhookId, rowKey: `${kind}|${id}` };
}

/** Keys that stand between all activities at or after this time and all before it. */
export function byDayBefore(time: Date): RowKeys {
  return { partitionKey: dayOf(time), rowKey: `${inverted(time.getTime(), 14)}}` };
}

/** @returns the day (UTC) as a number that falls as days pass */
export function dayOf(time: Date): string {
  return inverted(Number(time.toISOString().slice(0, 10).replaceAll("-", "")), 8);
}

/**
 * A bucket's changes in sixteen ranges, by the first digit of the customer: Azure looks at every row of a range when it
 * has to compare anything but keys, and has five seconds for that.
 */
export const changeRanges = buckets.map((digit) => `RowKey ge 'change|${digit}' and RowKey lt 'change|${digit}~'`);

export type RowKind = "customer" | "on" | "profile" | "change" | "pending" | "unfinished" | "due" | "failed";

/** @returns a filter for the rows of those customers whose ids begin like that; "~" is behind all of an id's characters */
export function rowsOfThose(kind: "customer" | "on" | "profile", beginning: string): string {
  return `RowKey ge '${kind}|${beginning}' and RowKey lt '${kind}|${beginning}~'`;
}

/**
 * @param before the first row key that is not wanted any more
 * @returns a filter for the rows of one kind; "}" is the character after "|"
 */
export function rowsOf(kind: RowKind, before = `${kind}}`): string {
  return `RowKey ge '${kind}|' and RowKey lt '${before}'`;
}

function digits(number: number, width: number): string {
  if (!Number.isSafeInteger(number) || number < 0 || number >= 10 ** width) {
    throw new RangeError(`A key cannot be made of ${number}.`);
  }
  return String(number).padStart(width, "0");
}

function inverted(number: number, width: number): string {
  return digits(10 ** width - 1 - number, width);
}
