/**
 * May this customer's own users buy? The two preconditions of the article "Give customers permission in
 * Partner Center to buy their own products or services", as pure judgements over what Azure Resource
 * Manager reported:
 *
 *   1. the customer has an Azure plan or Azure Global subscription that the partner bought (CSP quota id);
 *   2. the customer's own users hold the Owner role on it.
 *
 * Every judgement is three-valued, because Azure Resource Manager answers an empty list to somebody who
 * may not look (azure-sdk-for-python#40403, #22873): an empty list proves nothing.
 */

import type { DirectoryFailureReason } from "./directory-failure.ts";
import type { CustomerId, SubscriptionId } from "./identifiers.ts";
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

export interface IgnoredOwner {
  readonly principalId: string;
  readonly principalType: string;
  readonly code: "PartnerPrincipal" | "NotAUserOrGroup" | "ExcludedPrincipal" | "BelowSubscription";
}

export type SubscriptionCode =
  | "OtherTenant"
  | "NotACspOffer"
  | "UnknownCspOffer"
  | "NotActive"
  | "Warned"
  | "PastDue"
  | "NotExamined"
  | "NoAssignmentsVisible"
  | DirectoryFailureReason;

/** What was found out about one subscription. */
export interface ExaminedSubscription {
  readonly subscriptionId: SubscriptionId;
  readonly displayName: string;
  readonly state: string;
  readonly quotaId: string;
  /** Whether it meets precondition 1. */
  readonly counts: boolean;
  /** Why it does not count, or what to know about it although it does. */
  readonly code?: SubscriptionCode;
  readonly owners: readonly Owner[];
  readonly ignoredOwners: readonly IgnoredOwner[];
}

export interface Check {
  readonly name: "azureSubscription" | "ownerRole";
  readonly result: "Passed" | "Failed" | "Inconclusive";
  readonly code: string;
  readonly message: string;
  /** What the operator can do, in plain words. */
  readonly remedy?: string;
  /** The page where it is done. */
  readonly link?: string;
}

export interface Eligibility {
  readonly customerId: CustomerId;
  readonly product?: Product;
  readonly result: "Eligible" | "NotEligible" | "Inconclusive";
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

/**
 * Precondition 1 for one subscription.
 *
 * The quota id cannot tell an Azure plan from Azure Global, and need not: either will do.
 */
export function judgeSubscription(
  subscription: AzureSubscription,
  customerId: CustomerId,
  rules: EligibilityRules,
): { readonly counts: boolean; readonly code?: SubscriptionCode } {
  // A customer that is itself a Lighthouse manager sees the subscriptions of others too.
  if (subscription.tenantId.toLowerCase() !== customerId) return { counts: false, code: "OtherTenant" };
  const quotaId = subscription.quotaId.toLowerCase();
  if (!rules.cspQuotaIds.has(quotaId)) {
    return { counts: false, code: quotaId.startsWith("csp") ? "UnknownCspOffer" : "NotACspOffer" };
  }
  switch (subscription.state.toLowerCase()) {
    case "enabled":
      return { counts: true };
    case "warned":
      return { counts: true, code: "Warned" };
    case "pastdue":
      return { counts: true, code: "PastDue" };
    default:
      return { counts: false, code: "NotActive" };
  }
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
