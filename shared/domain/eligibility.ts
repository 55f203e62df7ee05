/**
 * May this customer's own users buy? The two preconditions of the article "Give customers permission in
 * Partner Center to buy their own products or services", as pure judgements over what Azure Resource
 * Manager reported:
 *
 *   1. the customer has an Azure plan or Azure Global subscription that the partner bought: a CSP quota id, and, where
 *      Partner Center is asked, a sale of this very partner;
 *   2. the customer's own users hold the Owner role on it.
 *
 * Every judgement is three-valued, because Azure Resource Manager answers an empty list to somebody who
 * may not look (azure-sdk-for-python#40403, #22873): an empty list proves nothing.
 */

import { type DirectoryFailureReason, directoryFailureReasons } from "./directory-failure.ts";
import type { CustomerId, SubscriptionId } from "./identifiers.ts";
import { type AzureOffer, isActiveSale, type Sales, type SoldSubscription } from "./partner-sale.ts";
import type { Product } from "./permission.ts";

/** A subscription as Azure Resource Manager reported it. */
export interface AzureSubscription {
  readonly subscriptionId: SubscriptionId;
  /** The directory that the subscription trusts. */
  readonly tenantId: string;
  readonly displayName: string;
  readonly state: string;
  readonly quotaId: string;
}

/** A role assignment as Azure Resource Manager reported it. */
export interface RoleAssignment {
  readonly principalId: string;
  /** Missing in old assignments. */
  readonly principalType: string | undefined;
  /** Full resource id; prefixed with the subscription even when inherited, so only its last segment tells. */
  readonly roleDefinitionId: string;
  readonly scope: string;
  /** Constrained delegation: the Owner may assign only some roles. All else an Owner may, this one may. */
  readonly conditional: boolean;
}

export interface Owner {
  readonly principalId: string;
  readonly principalType: string;
  readonly scope: string;
  readonly conditional: boolean;
}

export const ignoredOwnerCodes = [
  "PartnerPrincipal",
  "NotAUserOrGroup",
  "ExcludedPrincipal",
  "BelowSubscription",
] as const;

export interface IgnoredOwner {
  readonly principalId: string;
  readonly principalType: string;
  readonly code: (typeof ignoredOwnerCodes)[number];
}

export const subscriptionCodes = [
  "OtherTenant",
  "NotACspOffer",
  "UnknownCspOffer",
  "NotActive",
  "NotSoldByPartner",
  "SaleNotActive",
  "NotVisible",
  "Warned",
  "PastDue",
  "NotExamined",
  "NoAssignmentsVisible",
  ...directoryFailureReasons,
] as const;
export type SubscriptionCode = (typeof subscriptionCodes)[number];

/** What was found out about one subscription. State and quota id are `Unknown` where Azure does not show it. */
export interface ExaminedSubscription {
  readonly subscriptionId: SubscriptionId;
  readonly displayName: string;
  /** As what this partner sold it. Absent: it did not, or Partner Center is not asked. */
  readonly offer?: AzureOffer;
  readonly state: string;
  readonly quotaId: string;
  /** Whether it meets precondition 1. */
  readonly counts: boolean;
  /** Why it does not count, or what to know about it although it does. */
  readonly code?: SubscriptionCode;
  readonly owners: readonly Owner[];
  readonly ignoredOwners: readonly IgnoredOwner[];
}

export const checkNames = ["azureSubscription", "ownerRole"] as const;
export const checkResults = ["Passed", "Failed", "Inconclusive"] as const;

export interface Check {
  readonly name: (typeof checkNames)[number];
  readonly result: (typeof checkResults)[number];
  readonly code: string;
  readonly message: string;
  /** What the operator can do, in plain words. */
  readonly remedy?: string;
  /** The page where it is done. */
  readonly link?: string;
}

export const eligibilityResults = ["Eligible", "NotEligible", "Inconclusive"] as const;

export interface Eligibility {
  readonly customerId: CustomerId;
  readonly product?: Product;
  readonly result: (typeof eligibilityResults)[number];
  readonly checkedAt: string;
  readonly checks: readonly Check[];
  readonly subscriptions: readonly ExaminedSubscription[];
}

/** What a change was decided on, kept with its activity. */
export type Evidence = Pick<Eligibility, "checkedAt" | "subscriptions">;

/** What the partner accepts; see `CSP_QUOTA_IDS`, `ACCEPTED_ROLE_IDS` and `EXCLUDED_PRINCIPAL_IDS`. All lower-case. */
export interface EligibilityRules {
  readonly cspQuotaIds: ReadonlySet<string>;
  readonly acceptedRoleIds: ReadonlySet<string>;
  readonly excludedPrincipalIds: ReadonlySet<string>;
}

type Judgement = Pick<ExaminedSubscription, "counts" | "code" | "offer">;

/**
 * Precondition 1 for one subscription.
 *
 * The quota id cannot tell an Azure plan from Azure Global, and need not: either will do.
 *
 * @param sales absent: Partner Center is not asked, and the quota id stands for the sale
 */
export function judgeSubscription(
  subscription: AzureSubscription,
  customerId: CustomerId,
  rules: EligibilityRules,
  sales?: Sales,
): Judgement {
  const sale = sales?.subscriptions.find(({ subscriptionId }) => subscriptionId === subscription.subscriptionId);
  const offer = sale === undefined ? {} : { offer: sale.offer };
  const no = (code: SubscriptionCode): Judgement => ({ counts: false, code, ...offer });

  // A customer that is itself a Lighthouse manager sees the subscriptions of others too.
  if (subscription.tenantId.toLowerCase() !== customerId) return no("OtherTenant");
  const quotaId = subscription.quotaId.toLowerCase();
  const isKnownOffer = rules.cspQuotaIds.has(quotaId);
  if (!isKnownOffer && !quotaId.startsWith("csp")) return no("NotACspOffer");
  // Another partner's: neither its quota id nor its state is anything that this partner could mend.
  if (sales !== undefined && sale === undefined) return no("NotSoldByPartner");
  if (!isKnownOffer) return no("UnknownCspOffer");
  const state = subscription.state.toLowerCase();
  if (!countingStates.has(state)) return no("NotActive");
  if (sale !== undefined && !isActiveSale(sale)) return no("SaleNotActive");
  const warning = countingStates.get(state);
  return { counts: true, ...(warning === undefined ? {} : { code: warning }), ...offer };
}

/** And what to know about a subscription in such a state. */
const countingStates: ReadonlyMap<string, SubscriptionCode | undefined> = new Map([
  ["enabled", undefined],
  ["warned", "Warned"],
  ["pastdue", "PastDue"],
]);

/**
 * Precondition 1 for a subscription that Azure does not show us. It never counts, since nobody saw whose tenant it is in.
 *
 * @param sale what the partner sold under this id, if anything
 * @param code why a subscription that the partner sold is not seen
 */
export function judgeUnseen(
  subscriptionId: SubscriptionId,
  sale: SoldSubscription | undefined,
  code: "NotVisible" | DirectoryFailureReason,
): ExaminedSubscription {
  const unseen = { subscriptionId, state: "Unknown", quotaId: "Unknown", counts: false, owners: [], ignoredOwners: [] };
  if (sale === undefined) return { ...unseen, displayName: subscriptionId, code: "NotSoldByPartner" };
  const { displayName, offer } = sale;
  return { ...unseen, displayName, offer, code: isActiveSale(sale) ? code : "SaleNotActive" };
}

/**
 * Precondition 2 for one role assignment.
 *
 * Only users and groups of the customer count, by an allow-list: the `ForeignGroup` that owns every CSP
 * subscription is the partner's own Admin Agents (Partner Center, "reinstate CSP privileges"), and
 * counting it would make the check pass always.
 *
 * @returns an Owner that counts, one that does not and why, or undefined when it is no Owner at all
 */
export function judgeAssignment(
  assignment: RoleAssignment,
  subscriptionId: SubscriptionId,
  rules: EligibilityRules,
): { readonly owner: Owner } | { readonly ignored: IgnoredOwner } | undefined {
  const roleId = assignment.roleDefinitionId.slice(assignment.roleDefinitionId.lastIndexOf("/") + 1);
  if (!rules.acceptedRoleIds.has(roleId.toLowerCase())) return undefined;

  const principalId = assignment.principalId.toLowerCase();
  const principalType = assignment.principalType ?? "Unknown";
  const ignored = (code: IgnoredOwner["code"]) => ({ ignored: { principalId, principalType, code } });

  if (principalType === "ForeignGroup") return ignored("PartnerPrincipal");
  if (principalType !== "User" && principalType !== "Group") return ignored("NotAUserOrGroup");
  if (rules.excludedPrincipalIds.has(principalId)) return ignored("ExcludedPrincipal");
  if (!reachesSubscription(assignment.scope, subscriptionId)) return ignored("BelowSubscription");
  return { owner: { principalId, principalType, scope: assignment.scope, conditional: assignment.conditional } };
}

/** A role counts at the subscription itself, at a management group above it, or at the root. */
function reachesSubscription(scope: string, subscriptionId: SubscriptionId): boolean {
  const path = scope.toLowerCase();
  return (
    path === "/" ||
    path === `/subscriptions/${subscriptionId}` ||
    /^\/providers\/microsoft\.management\/managementgroups\/[^/]+$/.test(path)
  );
}

/** Both preconditions must hold; one that surely does not decides before one that is unknown. */
export function resultOf(checks: readonly Check[]): Eligibility["result"] {
  if (checks.some(({ result }) => result === "Failed")) return "NotEligible";
  return checks.every(({ result }) => result === "Passed") ? "Eligible" : "Inconclusive";
}

const mostSubscriptions = 50;
const mostOwners = 20;

/**
 * The part of a check that is kept with the change: bounded, because a log entry is one table row, and
 * with the subscription first that decided.
 */
export function evidenceOf(eligibility: Eligibility): Evidence {
  const decisive = eligibility.subscriptions.filter(({ owners }) => owners.length > 0);
  const others = eligibility.subscriptions.filter(({ owners }) => owners.length === 0);
  return {
    checkedAt: eligibility.checkedAt,
    subscriptions: [...decisive, ...others].slice(0, mostSubscriptions).map((subscription) => ({
      ...subscription,
      owners: subscription.owners.slice(0, mostOwners),
      ignoredOwners: subscription.ignoredOwners.slice(0, mostOwners),
    })),
  };
}
