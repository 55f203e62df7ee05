/**
 * What the partner sold to a customer, from Partner Center: the relationship, and the Azure subscriptions sold as "Azure
 * Global" or below an Azure plan. An odd answer is "unavailable", never "nothing sold".
 * https://learn.microsoft.com/partner-center/developer/get-all-of-a-customer-s-subscriptions
 */

import { randomUUID } from "node:crypto";
import { type CustomerId, type Guid, parseGuid, type SubscriptionId } from "../domain/identifiers.ts";
import { PartnerCenterRefusal } from "../domain/partner-center-refusal.ts";
import { isActiveSale, isReseller, type Sales, type SoldSubscription } from "../domain/partner-sale.ts";
import type { PartnerSales } from "../ports.ts";
import {
  type Answer,
  createAsk,
  isObject,
  type Json,
  noFrom,
  odd,
  type PartnerCenterOptions,
} from "./partner-center-calls.ts";

/** Any sku and availability of the product "Azure plan". */
const azurePlanOffer = /^DZH318Z0BPS6:/i;
/** "Microsoft Azure", which Partner Center's pages call Azure Global, and its twins in other clouds. */
const azureGlobalOffer = /^MS-AZR-(USGOV-|DE-)?014[56]P$/i;
/** Partner Center does not know the customer, or not as this partner's. */
const noRelationshipCodes = new Set(["20002", "60003"]);
const plansAtOnce = 4;
const longestName = 200;

interface AzurePlan {
  readonly planId: Guid;
  readonly status: string;
}

/** Asks one question about one customer, before the deadline. @throws what is not 200 */
type Ask = (path: string) => Promise<Answer>;

export function createPartnerCenterSales(options: PartnerCenterOptions): PartnerSales {
  const ask = createAsk(options);

  return {
    async salesTo(customerId, deadline) {
      const over = new AbortController();
      const signal = AbortSignal.any([deadline, over.signal]);
      const correlationId = randomUUID();
      const get: Ask = async (path) => {
        const call = { requestId: randomUUID(), correlationId };
        const answer = await ask({ method: "GET", path: `/v1/customers/${customerId}${path}` }, call, signal);
        if (answer.status !== 200) throw noFrom(answer);
        return answer;
      };
      try {
        const listed = listSubscriptions(get);
        // Only the customer of a reseller has to wait for the list.
        listed.catch(() => undefined);
        const relationship = relationshipIn(await get(""), customerId);
        return { relationship, subscriptions: isReseller({ relationship }) ? await listed : [] };
      } catch (error) {
        if (error instanceof PartnerCenterRefusal && noRelationshipCodes.has(error.partnerCenterCode ?? ""))
          return noSales;
        throw error;
      } finally {
        over.abort();
      }
    },
  };
}

const noSales: Sales = { relationship: "none", subscriptions: [] };

function relationshipIn(answer: Answer, customerId: CustomerId): string {
  const { id, relationshipToPartner } = answer.body ?? {};
  if (parseGuid(id) !== customerId) throw odd(answer, "is not about the customer asked for");
  if (typeof relationshipToPartner !== "string" || relationshipToPartner === "") {
    throw odd(answer, "has a customer without the relationship");
  }
  return relationshipToPartner;
}

async function listSubscriptions(get: Ask): Promise<readonly SoldSubscription[]> {
  const answer = await get("/subscriptions");
  const soldAlone: SoldSubscription[] = [];
  const plans: AzurePlan[] = [];
  for (const item of itemsOf(answer)) {
    const { offerId } = item;
    // What might be an Azure plan cannot be passed over.
    if (typeof offerId !== "string" || offerId === "") throw odd(answer, "has a subscription without its offer");
    if (azurePlanOffer.test(offerId)) {
      plans.push({ planId: idIn(item, "id", answer), status: statusOf(item, answer) });
    } else if (azureGlobalOffer.test(offerId)) {
      const subscriptionId: SubscriptionId = idIn(item, "entitlementId", answer);
      const displayName = nameOf(item, subscriptionId);
      soldAlone.push({ subscriptionId, displayName, offer: "Azure Global", status: statusOf(item, answer) });
    }
  }

  const soldBelow: SoldSubscription[] = [];
  // Each takes the next one as long as there is one.
  const waiting = plans.values();
  const lookBelow = async () => {
    for (const plan of waiting) soldBelow.push(...(await listEntitlements(get, plan)));
  };
  await Promise.all(Array.from({ length: plansAtOnce }, lookBelow));
  return withoutDoubles([...soldBelow, ...soldAlone]);
}

/** https://learn.microsoft.com/partner-center/developer/get-a-list-of-azure-entitlements-for-subscription */
async function listEntitlements(get: Ask, plan: AzurePlan): Promise<readonly SoldSubscription[]> {
  const answer = await get(`/subscriptions/${plan.planId}/azureEntitlements`).catch((error: unknown) => {
    // Below a plan that has ended nothing counts, so it may as well be gone.
    const isGone = error instanceof PartnerCenterRefusal && error.reason === "Refused" && !isActiveSale(plan);
    if (!isGone) throw error;
  });
  if (answer === undefined) return [];
  return itemsOf(answer).map((item) => {
    const subscriptionId: SubscriptionId = idIn(item, "id", answer);
    return {
      subscriptionId,
      displayName: nameOf(item, subscriptionId),
      offer: "Azure plan",
      status: isActiveSale(plan) ? statusOf(item, answer) : plan.status,
    };
  });
}

/** One that moved from Azure Global, or another plan, to a plan may stand under both: what is active is true. */
function withoutDoubles(sold: readonly SoldSubscription[]): readonly SoldSubscription[] {
  const byId = new Map<SubscriptionId, SoldSubscription>();
  for (const one of sold) {
    const other = byId.get(one.subscriptionId);
    if (other === undefined || (!isActiveSale(other) && isActiveSale(one))) byId.set(one.subscriptionId, one);
  }
  return [...byId.values()];
}

/** Neither list has pages in the documents. One that says there is more, or that counts other than it holds, is not whole. */
function itemsOf(answer: Answer): readonly Json[] {
  const { totalCount, items, links } = answer.body ?? {};
  if (!Array.isArray(items) || !items.every(isObject)) throw odd(answer, "is no collection");
  if (totalCount !== items.length || (isObject(links) && (links.next ?? undefined) !== undefined)) {
    throw odd(answer, "is not the whole collection");
  }
  return items;
}

/** Ids go into paths, and are compared with Azure's. */
function idIn<Kind extends string>(item: Json, member: string, answer: Answer) {
  const id = parseGuid<Kind>(item[member]);
  if (id === undefined) throw odd(answer, `has an Azure subscription without a GUID as its ${member}`);
  return id;
}

function statusOf({ status }: Json, answer: Answer): string {
  if (typeof status !== "string" || status === "") throw odd(answer, "has an Azure subscription without its status");
  return status;
}

function nameOf({ friendlyName }: Json, id: string): string {
  const name = typeof friendlyName === "string" ? friendlyName.trim() : "";
  return name === "" ? id : name.slice(0, longestName).toWellFormed();
}
