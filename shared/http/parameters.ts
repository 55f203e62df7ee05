/** Parses what callers send, wherever they send it: parsed once here, never re-checked inside. */

import { type FindingKind, findingKinds } from "../domain/customer-filter.ts";
import { type ChangeId, type CustomerId, parseGuid, type SubscriptionId } from "../domain/identifiers.ts";
import { type PermissionState, type Product, permissionStates, products } from "../domain/permission.ts";
import { invalidRequest, Refusal } from "../domain/refusal.ts";
import { parseWebhookId, type WebhookId } from "../domain/webhook.ts";
import type { RequestHeaders } from "./route.ts";

export function customerIdOf(value: unknown): CustomerId {
  return (
    parseGuid<"customer">(value) ??
    invalidRequest("customerId", `customerId must be the customer's tenant id, a GUID; it is ${shown(value)}.`)
  );
}

export function productOf(value: unknown): Product {
  if (typeof value !== "string") invalidRequest("product", `product must be one of ${products.join(", ")}.`);
  const product = products.find((each) => each === value);
  if (product !== undefined) return product;
  throw new Refusal("NotFound", `There is no product ${shown(value)}. Products: ${products.join(", ")}.`, {
    target: "product",
  });
}

export function webhookIdIn({ webhookId }: Readonly<Record<string, string>>): WebhookId {
  return (
    parseWebhookId(webhookId) ??
    invalidRequest("webhookId", `webhookId must be the id of a webhook, 32 hex digits; it is ${shown(webhookId)}.`)
  );
}

export function stateOf(value: unknown): PermissionState {
  return (
    permissionStates.find((state) => state === value) ??
    invalidRequest("state", `state must be "On" or "Off"; it is ${shown(value)}.`)
  );
}

export function findingKindOf(value: unknown): FindingKind {
  return (
    findingKinds.find((kind) => kind === value) ??
    invalidRequest("finding", `finding must be one of ${findingKinds.join(", ")}; it is ${shown(value)}.`)
  );
}

export const mostSearchCharacters = 100;

/** @returns what is searched for, without the blanks around it */
export function searchOf(value: unknown): string {
  const text = typeof value === "string" ? value.trim() : "";
  if (text === "" || [...text].length > mostSearchCharacters || /\p{Cc}/u.test(text)) {
    invalidRequest(
      "search",
      `search must be 1 to ${mostSearchCharacters} characters, none of them a control character.`,
    );
  }
  return text;
}

export const mostHistoryDays = 366;
export const presetHistoryDays = 90;

export function historyDaysOf(query: ReadonlyMap<string, string>): number {
  const text = query.get("days") ?? String(presetHistoryDays);
  const days = /^[1-9]\d{0,2}$/.test(text) ? Number(text) : Number.NaN;
  if (!(days <= mostHistoryDays)) {
    invalidRequest("days", `days must be a whole number from 1 to ${mostHistoryDays}; it is ${shown(text)}.`);
  }
  return days;
}

export function subscriptionIdOf(value: unknown): SubscriptionId {
  return (
    parseGuid<"subscription">(value) ??
    invalidRequest("subscriptionId", `subscriptionId must be a GUID; it is ${shown(value)}.`)
  );
}

export const mostReasonCharacters = 500;

export function reasonOf(value: unknown): string {
  if (typeof value !== "string" || !value.isWellFormed() || [...value].length > mostReasonCharacters) {
    invalidRequest("reason", `reason must be a text of at most ${mostReasonCharacters} characters.`);
  }
  return value;
}

export function acknowledgedChargesOf(value: unknown): boolean {
  return typeof value === "boolean"
    ? value
    : invalidRequest("acknowledgedCharges", `acknowledgedCharges must be true or false; it is ${shown(value)}.`);
}

/** All names under which callers know the id that makes a request repeatable. */
export const requestIdHeaders = ["Repeatability-Request-ID", "MS-RequestId", "Idempotency-Key"] as const;

/** @throws Refusal `InvalidRequest` when an id is no GUID, or two of them differ */
export function repeatableAs(headers: RequestHeaders): ChangeId | undefined {
  const ids = new Set<ChangeId>();
  for (const name of requestIdHeaders) {
    const text = headers.get(name);
    if (text === null) continue;
    ids.add(parseGuid<"change">(text) ?? invalidRequest(name, `${name} must be a GUID; it is ${shown(text)}.`));
  }
  if (ids.size > 1) invalidRequest("Repeatability-Request-ID", "The request carries two different request ids.");
  return [...ids][0];
}

function shown(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 100) ?? "missing";
}
