/** Partner Center's items as they travel: models in, JSON out. */

import type { Customer, PartnerSubscriptionStatus, Subscription } from "./customer.ts";
import { guidOf } from "./guid.ts";
import type { StoredPolicy } from "./partner-center-policies.ts";

/** Any offer of the Azure plan begins with this product; the rest names sku and availability. */
const azurePlanOffer = "DZH318Z0BPS6:0001:DZH318Z0BML6";
const azureGlobalOffer = "MS-AZR-0145P";

export function policyItem({ customerId, etag, permissions }: StoredPolicy, partnerTenantId: string): object {
  return {
    id: policyId(partnerTenantId, customerId),
    selfServeEntity: { selfServeEntityType: "customer", tenantID: customerId },
    grantor: { grantorType: "billToPartner", tenantID: partnerTenantId },
    permissions,
    attributes: { etag, objectType: "SelfServePolicy" },
  };
}

export function policyId(partnerTenantId: string, customerId: string): string {
  return `${partnerTenantId}_${customerId}`.toLowerCase();
}

export function collection(items: readonly object[], links: object = {}): object {
  return { totalCount: items.length, items, links, attributes: { objectType: "Collection" } };
}

export function customerItem({ name, tenantId, domain, relationshipToPartner }: Customer): object {
  return {
    id: tenantId,
    companyProfile: { tenantId, domain, companyName: name, attributes: { objectType: "CustomerCompanyProfile" } },
    relationshipToPartner,
    attributes: { objectType: "Customer" },
  };
}

export function customerDetails(customer: Customer): object {
  return {
    ...customerItem(customer),
    commerceId: guidOf(`commerce account of ${customer.tenantId}`),
    billingProfile: { companyName: customer.name, culture: "en-US", language: "en", defaultAddress: { country: "DE" } },
    allowDelegatedAccess: true,
    customDomains: [customer.domain],
  };
}

/** What was sold: one Azure plan over all its Azure subscriptions, each "Azure Global" one by itself, and the rest. */
export function partnerSubscriptions(customer: Customer): readonly object[] {
  const { azurePlan, tenantId, subscriptions, otherPartnerSubscriptions } = customer;
  const hasPlan = subscriptions.some((one) => soldAs(one) === "azurePlan");
  const plan = { id: azurePlan.id, offerId: azurePlanOffer, offerName: "Azure plan", friendlyName: "Azure plan" };
  return [
    ...(hasPlan ? [{ ...common(tenantId, azurePlan.id), ...plan, status: azurePlan.status }] : []),
    ...subscriptions
      .filter((one) => soldAs(one) === "azureGlobal")
      .map((one) => {
        const id = azureGlobalId(one);
        return {
          ...common(tenantId, id),
          ...{ id, offerId: azureGlobalOffer, offerName: "Microsoft Azure", friendlyName: one.displayName },
          entitlementId: one.subscriptionId,
          status: statusOf(one),
        };
      }),
    ...otherPartnerSubscriptions,
  ];
}

/** The Azure subscriptions below the plan; undefined when there is no such plan. */
export function azureEntitlements({ azurePlan, subscriptions }: Customer, planId: string): object[] | undefined {
  const sold = subscriptions.filter((one) => soldAs(one) === "azurePlan");
  if (sold.length === 0 || planId.toLowerCase() !== azurePlan.id.toLowerCase()) return undefined;
  return sold.map((one) => ({
    id: one.subscriptionId,
    friendlyName: one.displayName,
    status: statusOf(one),
    subscriptionId: azurePlan.id,
    partnerOnRecord: "0",
    attributes: { objectType: "AzureEntitlement" },
  }));
}

/** Partner Center's own id of an "Azure Global" subscription, which is not the Azure one. */
export function azureGlobalId({ subscriptionId }: Subscription): string {
  return guidOf(`commerce ${subscriptionId}`);
}

function soldAs({ soldAs: how, quotaId }: Subscription): NonNullable<Subscription["soldAs"]> {
  return how ?? (quotaId.startsWith("CSP") ? "azurePlan" : "notSold");
}

function statusOf({ partnerStatus, state }: Subscription): PartnerSubscriptionStatus {
  if (partnerStatus !== undefined) return partnerStatus;
  if (state === "Deleted") return "deleted";
  return state === "Disabled" ? "suspended" : "active";
}

function common(tenantId: string, id: string): object {
  return {
    quantity: 1,
    unitType: "none",
    creationDate: "2025-11-25T06:41:12Z",
    effectiveStartDate: "2025-11-25T00:00:00Z",
    commitmentEndDate: "9999-12-31T00:00:00Z",
    autoRenewEnabled: false,
    billingType: "usage",
    billingCycle: "monthly",
    contractType: "subscription",
    orderId: guidOf(`order of ${id}`),
    links: { self: { uri: `/customers/${tenantId}/subscriptions/${id}`, method: "GET", headers: [] } },
    attributes: { etag: guidOf(`etag of ${id}`), objectType: "Subscription" },
  };
}
