/**
 * The delivery of one activity to one webhook: what is sent, how it is signed, and what follows from the answer.
 *
 * It is delivered at least once. The id that goes along is the activity's, the same with every attempt, so a receiver
 * can tell a repetition. https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */

import { createHmac } from "node:crypto";
import type { Activity } from "./activity.ts";
import type { Webhook, WebhookId } from "./webhook.ts";

declare const kind: unique symbol;
/** Time, customer and sequence of the activity, each of fixed width: in their order the oldest comes first. */
export type DeliveryId = string & { readonly [kind]: "delivery" };

export interface DeliveryPosition {
  readonly webhookId: WebhookId;
  readonly id: DeliveryId;
}

export interface Delivery extends DeliveryPosition {
  /** Without the evidence: a message stays small. */
  readonly activity: Omit<Activity, "evidence">;
  /** Since when it is tried. */
  readonly since: string;
  /** Of those that were begun, whatever became of them. */
  readonly attempts: number;
  /** Not before this time. */
  readonly dueAt: string;
  /** Of the newest attempt, in a word or two. */
  readonly lastResult?: string;
  /** It was given up then. */
  readonly failedAt?: string;
}

/** As it is shown to everybody who may read. */
export interface FailedDelivery extends Pick<Activity, "customerId"> {
  readonly id: DeliveryId;
  readonly activityId: string;
  readonly failedAt: string;
  readonly attempts: number;
  readonly lastResult: string;
}

export function deliveryIdOf({ at, customerId, sequence }: Pick<Activity, "at" | "customerId" | "sequence">) {
  const time = String(Date.parse(at)).padStart(14, "0");
  return `${time}-${customerId}-${String(sequence).padStart(10, "0")}` as DeliveryId;
}

/** @returns the id, or undefined when the value is anything but one */
export function parseDeliveryId(value: unknown): DeliveryId | undefined {
  const isId = typeof value === "string" && /^\d{14}-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-\d{10}$/.test(value);
  return isId ? (value as DeliveryId) : undefined;
}

export function newDelivery(webhookId: WebhookId, { evidence: _, ...activity }: Activity, now: Date): Delivery {
  const time = now.toISOString();
  return { webhookId, id: deliveryIdOf(activity), activity, since: time, attempts: 0, dueAt: time };
}

/** A new life, with the whole time before it. */
export function revived({ lastResult: _, failedAt: __, ...delivery }: Delivery, now: Date): Delivery {
  return { ...delivery, since: now.toISOString(), attempts: 0, dueAt: now.toISOString() };
}

export function shownFailed({ id, activity, attempts, lastResult, failedAt, dueAt }: Delivery): FailedDelivery {
  const { id: activityId, customerId } = activity;
  return { id, activityId, customerId, failedAt: failedAt ?? dueAt, attempts, lastResult: lastResult ?? "Unknown" };
}

export interface SignedMessage {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** @returns what is posted to the callback URL now, with the three headers of Standard Webhooks */
export function signedMessage({ secret }: Pick<Webhook, "secret">, { activity }: Delivery, now: Date): SignedMessage {
  const body = JSON.stringify({ type: "permission.changed", timestamp: activity.at, data: activity });
  const timestamp = String(Math.floor(now.getTime() / 1000));
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const signature = createHmac("sha256", key).update(`${activity.id}.${timestamp}.${body}`).digest("base64");
  return {
    headers: {
      "content-type": "application/json",
      "webhook-id": activity.id,
      "webhook-timestamp": timestamp,
      "webhook-signature": `v1,${signature}`,
    },
    body,
  };
}

/** What came of a call: a status, or in a word why there was none. */
export interface CallbackAnswer {
  readonly status?: number;
  readonly failure?: string;
  readonly retryAfter?: string | undefined;
}

export function wordOf({ status, failure }: CallbackAnswer): string {
  return status === undefined ? (failure ?? "NoAnswer") : `HTTP ${status}`;
}

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

/** After the first, the second … failed attempt; the last one again and again. */
export const backOff: readonly number[] = [
  10 * second,
  ...[1 * minute, 5 * minute, 30 * minute],
  ...[2 * hour, 6 * hour, 12 * hour],
];
const longestRetryAfter = hour;
/** For so long a delivery is tried. */
export const tryFor = 3 * 24 * hour;
/** A callback URL that is not found may be there again: apps answer 404 while they are deployed or start. */
export const notFoundFor = hour;

export type Verdict =
  | { readonly kind: "delivered" }
  /** The receiver does not want to be told any more. */
  | { readonly kind: "gone" }
  | { readonly kind: "again"; readonly at: Date }
  | { readonly kind: "givenUp" };

/**
 * @param delivery with the attempt that was answered counted
 * @param webhook as it was before
 */
export function judge(
  answer: CallbackAnswer,
  { attempts, since }: Pick<Delivery, "attempts" | "since">,
  { failingSince }: Pick<Webhook, "failingSince">,
  now: Date,
): Verdict {
  const { status = 0 } = answer;
  if (status >= 200 && status < 300) return { kind: "delivered" };
  if (status === 410) return { kind: "gone" };
  const failingFor = failingSince === undefined ? 0 : now.getTime() - Date.parse(failingSince);
  if (status === 404 && failingFor >= notFoundFor) return { kind: "gone" };
  const wait = backOff[Math.min(attempts, backOff.length) - 1] ?? 0;
  const asked = Math.min(retryAfterOf(answer.retryAfter, now), longestRetryAfter);
  const at = now.getTime() + Math.max(wait, asked);
  return at > Date.parse(since) + tryFor ? { kind: "givenUp" } : { kind: "again", at: new Date(at) };
}

/** Seconds, or a date: https://www.rfc-editor.org/rfc/rfc9110#name-retry-after */
function retryAfterOf(text: string | undefined, now: Date): number {
  if (text === undefined) return 0;
  const wait = /^\d+$/.test(text) ? Number(text) * second : Date.parse(text) - now.getTime();
  return Number.isNaN(wait) ? 0 : wait;
}
