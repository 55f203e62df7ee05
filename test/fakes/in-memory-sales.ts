/** What Partner Center says was sold. Answers take a moment, so that calls overlap as they do over a network. */

import type { Sales, SoldSubscription } from "../../shared/domain/partner-sale.ts";
import { dependencyUnavailable } from "../../shared/domain/refusal.ts";
import type { PartnerSales } from "../../shared/ports.ts";
import { idOf } from "./facts.ts";
import type { Trouble } from "./in-memory-directory.ts";

export interface InMemorySales extends PartnerSales {
  /** The customers asked about, in order. */
  readonly calls: string[];
}

/** @param onCall is told at once when it is asked */
export function createInMemorySales(facts: Sales | Trouble, onCall: () => void = () => {}): InMemorySales {
  const calls: string[] = [];
  return {
    calls,
    async salesTo(customerId, deadline) {
      calls.push(customerId);
      onCall();
      await new Promise<void>((go) => setImmediate(go));
      if (facts === "hang" && !deadline.aborted) {
        await new Promise<void>((go) => deadline.addEventListener("abort", () => go()));
      }
      if (facts === "hang" || deadline.aborted) throw dependencyUnavailable("Partner Center");
      if (facts instanceof Error) throw facts;
      return facts;
    },
  };
}

/** Sold as an Azure plan and active, unless told otherwise. */
export function saleOf(number: number, otherwise: Partial<SoldSubscription> = {}): SoldSubscription {
  return {
    subscriptionId: idOf<"subscription">(number),
    displayName: `Sale ${number}`,
    offer: "Azure plan",
    status: "active",
    ...otherwise,
  };
}

/** By a reseller. */
export function salesOf(...subscriptions: readonly SoldSubscription[]): Sales {
  return { relationship: "reseller", subscriptions };
}
