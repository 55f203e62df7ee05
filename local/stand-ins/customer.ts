/**
 * What the stand-ins know of a customer: its tenant, our application's service principal there, its subscriptions and who
 * holds which role. Everything is mutable: a test takes an Owner away and asks again.
 */

import { guidOf } from "./guid.ts";

export const roles = {
  owner: "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
  contributor: "b24988ac-6180-42a0-ab88-20f7382dd24c",
  reader: "acdd72a7-3385-48ef-bd42-f606fba81ae7",
  userAccessAdministrator: "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
} as const;

export interface Customer {
  name: string;
  tenantId: string;
  /** Our application's service principal in this tenant. `missing`: nobody has consented to the application. */
  application: { consent: "given" | "missing" | "disabled"; objectId: string };
  /** Privileged Identity Management needs Entra ID P2; without it ARM answers 400. */
  hasPim: boolean;
  /** Members of groups, for `assignedTo('…')`. */
  groups: Record<string, string[]>;
  subscriptions: Subscription[];
  roleAssignments: RoleAssignment[];
  eligibleRoles: EligibleRole[];
  /** `none`: it has ended. Only a `reseller` sells to the customer. */
  relationshipToPartner: "reseller" | "none" | "advisor" | "syndication" | "microsoft_support";
  /** The customer's domain; Partner Center has one for every customer. */
  domain: string;
  /** The subscription "Azure plan" in Partner Center, of which those sold as `azurePlan` are entitlements. */
  azurePlan: { id: string; status: PartnerSubscriptionStatus };
  /** Whatever else the partner sold, as Partner Center's items: licences, savings plans. */
  otherPartnerSubscriptions: Readonly<Record<string, unknown>>[];
}

/** What Partner Center says of a subscription; newer than the documented ones: expired, disabled. */
export type PartnerSubscriptionStatus = "active" | "pending" | "suspended" | "deleted" | "expired" | "disabled";

export interface Subscription {
  subscriptionId: string;
  displayName: string;
  /** Enabled, Warned, PastDue, Disabled, Deleted; or what a test makes up. */
  state: string;
  quotaId: string;
  /** Another directory than the customer's: as projected by Azure Lighthouse. */
  tenantId?: string;
  /** Management groups above it, nearest first. */
  managementGroups: string[];
  /** How this partner sold it, if at all. Absent: `azurePlan` for a CSP quota id, else `notSold`. */
  soldAs?: "azurePlan" | "azureGlobal" | "notSold";
  /** Absent: follows `state`. */
  partnerStatus?: PartnerSubscriptionStatus;
}

export interface RoleAssignment {
  name: string;
  /** `/`, `/providers/Microsoft.Management/managementGroups/…`, `/subscriptions/…`, `/subscriptions/…/resourceGroups/…` */
  scope: string;
  /** The bare GUID; ARM's answer puts the subscription in front of it. */
  roleDefinitionId: string;
  principalId: string;
  /** Left out: the answer has none, as with very old assignments. */
  principalType?: string;
  condition?: string;
  createdOn: string;
}

export interface EligibleRole extends RoleAssignment {
  endDateTime?: string;
}

/** The partner's AdminAgents group, as the customer's tenant sees it: Owner "on behalf of" in every CSP subscription. */
export const partnerAdminAgents = guidOf("group:AdminAgents of the partner");

export const scopes = {
  root: "/",
  managementGroup: (id: string) => `/providers/Microsoft.Management/managementGroups/${id}`,
  subscription: ({ subscriptionId }: { readonly subscriptionId: string }) => `/subscriptions/${subscriptionId}`,
  resourceGroup: ({ subscriptionId }: { readonly subscriptionId: string }, name: string) =>
    `/subscriptions/${subscriptionId}/resourceGroups/${name}`,
};

export function makeCustomer(customer: Pick<Customer, "name"> & Partial<Customer>): Customer {
  const tenantId = customer.tenantId ?? guidOf(`tenant:${customer.name}`);
  return {
    tenantId,
    application: { consent: "given", objectId: guidOf(`service principal in ${customer.name}`) },
    hasPim: false,
    groups: {},
    subscriptions: [],
    roleAssignments: [],
    eligibleRoles: [],
    relationshipToPartner: "reseller",
    domain: `${customer.name.toLowerCase().replaceAll(/[^a-z0-9]/g, "")}.onmicrosoft.com`,
    azurePlan: { id: guidOf(`Azure plan of ${tenantId}`), status: "active" },
    otherPartnerSubscriptions: [],
    ...customer,
  };
}

export function makeSubscription(
  subscription: Pick<Subscription, "displayName"> & Partial<Subscription>,
): Subscription {
  return {
    subscriptionId: guidOf(`subscription:${subscription.displayName}`),
    state: "Enabled",
    quotaId: "CSP_2015-05-01",
    managementGroups: [],
    ...subscription,
  };
}

export function makeAssignment(
  assignment: Pick<RoleAssignment, "scope" | "roleDefinitionId" | "principalId"> & Partial<RoleAssignment>,
): RoleAssignment {
  const { scope, roleDefinitionId, principalId } = assignment;
  return {
    name: guidOf(`${scope} ${roleDefinitionId} ${principalId}`),
    createdOn: "2026-02-03T09:15:42.4277317Z",
    ...assignment,
  };
}
