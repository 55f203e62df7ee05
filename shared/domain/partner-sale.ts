/**
 * What this partner sold to a customer, as Partner Center has it. Azure Resource Manager tells a CSP subscription by its
 * quota id, but not who sold it, nor as what: it may be another partner's.
 */

import type { SubscriptionId } from "./identifiers.ts";

/** The two offers of the article "Give customers permission …", as Partner Center's pages name them. */
export const azureOffers = ["Azure plan", "Azure Global"] as const;
export type AzureOffer = (typeof azureOffers)[number];

/** An Azure subscription that this partner sold: by itself, or below an Azure plan. */
export interface SoldSubscription {
  readonly subscriptionId: SubscriptionId;
  readonly displayName: string;
  readonly offer: AzureOffer;
  /** In Partner Center's word, such as `active` or `suspended`. Below a plan that is not active: the plan's. */
  readonly status: string;
}

export interface Sales {
  /** `reseller` for those that the partner sells to; `none` for those that it has nothing to do with. */
  readonly relationship: string;
  readonly subscriptions: readonly SoldSubscription[];
}

/** Advisors and others may look after a customer, and sell it nothing. */
export function isReseller({ relationship }: Pick<Sales, "relationship">): boolean {
  return relationship.toLowerCase() === "reseller";
}

/** One of the documented words means that it can be used; a new one may mean anything. */
export function isActiveSale({ status }: Pick<SoldSubscription, "status">): boolean {
  return status.toLowerCase() === "active";
}
