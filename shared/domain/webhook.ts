/** Webhooks: somebody who wants to be told of every activity, of one customer or of all. */

import { createHash } from "node:crypto";
import type { Activity } from "./activity.ts";
import type { CustomerId } from "./identifiers.ts";
import type { Actor } from "./permission.ts";

declare const kind: unique symbol;
/** 32 lower-case hex digits, so that it can mean nothing to a URL, a table key or a filter. */
export type WebhookId = string & { readonly [kind]: "webhook" };

export interface Webhook {
  readonly id: WebhookId;
  /** A secret: never logged, never answered. */
  readonly callbackUrl: string;
  /** Absent: of all customers. */
  readonly customerId?: CustomerId;
  /** Signs what is delivered: `whsec_` and base64, as in https://www.standardwebhooks.com/ */
  readonly secret: string;
  readonly createdAt: string;
  readonly createdBy: Actor;
  /** The newest attempt failed, and so did all since then. */
  readonly failingSince?: string;
}

/** As it is shown to everybody who may read. */
export interface ListedWebhook extends Omit<Webhook, "callbackUrl" | "secret"> {
  readonly callbackHost: string;
}

/** Each one costs every activity a row and a message. */
export const mostWebhooks = 50;

/** @returns the id, or undefined when the value is anything but one */
export function parseWebhookId(value: unknown): WebhookId | undefined {
  return typeof value === "string" && /^[0-9a-f]{32}$/.test(value) ? (value as WebhookId) : undefined;
}

/** The same wish has the same id, so a repeated request makes no second webhook. */
export function webhookIdOf(tenantId: string, callbackUrl: string, customerId: CustomerId | undefined): WebhookId {
  const wish = JSON.stringify([tenantId, callbackUrl, customerId ?? null]);
  return createHash("sha256").update(wish).digest("hex").slice(0, 32) as WebhookId;
}

export function wantsToKnow({ customerId }: Webhook, activity: Pick<Activity, "customerId">): boolean {
  return customerId === undefined || customerId === activity.customerId;
}

export function listed({ callbackUrl, secret: _, ...shown }: Webhook): ListedWebhook {
  return { ...shown, callbackHost: new URL(callbackUrl).host };
}
