/**
 * Puts what was found out about a customer's subscriptions into words: the two checks, each with a result,
 * a code and, unless it passed, what the operator can do and where.
 */

import type { DirectoryFailureReason } from "./directory-failure.ts";
import type { Check, ExaminedSubscription } from "./eligibility.ts";
import type { CustomerId } from "./identifiers.ts";
import type { PartnerCenterRefusal } from "./partner-center-refusal.ts";
import { remedyFor } from "./partner-center-refusal.ts";
import { isActiveSale, isReseller, type Sales } from "./partner-sale.ts";

/** What the words need to know beside the findings. */
export interface ReportContext {
  readonly customerId: CustomerId;
  /** Host that grants consent, e.g. `https://login.microsoftonline.com`. */
  readonly authorityHost: string;
  /** Client id of the application that reads the customers' subscriptions. */
  readonly customerAppId: string | undefined;
}

type Verdict = Omit<Check, "name">;

/** The check "azureSubscription" when the tenant, or the one subscription asked for, could not be looked at. */
export function subscriptionCheckFailed(reason: DirectoryFailureReason, context: ReportContext): Check {
  return { name: "azureSubscription", ...failureVerdict(reason, context) };
}

/**
 * The check "azureSubscription" when nobody knows what the partner sold.
 *
 * @param refusal Partner Center says no; absent: it did not say anything that can be relied on
 */
export function salesCheckFailed(refusal?: PartnerCenterRefusal): Check {
  return {
    name: "azureSubscription",
    result: "Inconclusive",
    ...(refusal === undefined
      ? {
          code: "DependencyUnavailable",
          message: "Partner Center did not answer in time, or not in a way that can be relied on.",
          remedy: "Try again in a moment.",
        }
      : { code: "PartnerCenterRefused", message: refusal.message, remedy: remedyFor(refusal.reason) }),
  };
}

/**
 * The check "azureSubscription" over what was found. An empty list proves nothing, but Partner Center knows what the
 * partner sold: where it is asked, nothing sold is nothing to buy for.
 *
 * @param sales absent: Partner Center is not asked
 */
export function subscriptionCheck(
  found: readonly ExaminedSubscription[],
  context: ReportContext,
  sales?: Sales,
): Check {
  return { name: "azureSubscription", ...subscriptionVerdict(found, context, sales) };
}

function subscriptionVerdict(
  found: readonly ExaminedSubscription[],
  context: ReportContext,
  sales: Sales | undefined,
): Verdict {
  if (sales !== undefined && !isReseller(sales)) return notAReseller(sales);
  const counting = found.filter(({ counts }) => counts);
  if (counting.length > 0) return subscriptionFound(counting);
  if (isSaleExpected(sales)) {
    const unseen = found.find(({ code }) => code === "NotVisible");
    if (unseen !== undefined) return notVisible(unseen, context);
    if (found.every(({ code }) => code === "OtherTenant")) {
      return found.length === 0 ? nothingVisible(context) : failureVerdict("SubscriptionOfOtherTenant", context);
    }
  }
  return {
    result: "Failed",
    code: "NoAzureSubscription",
    message: nothingCounts(found, sales),
    remedy: remedyOver(found, sales),
    link: partnerCenterSubscriptions(context.customerId),
  };
}

/** @returns false when it is sure, whatever Azure shows or does not show, that this partner sold nothing that is active */
export function isSaleExpected(sales: Sales | undefined): boolean {
  return sales === undefined || (isReseller(sales) && sales.subscriptions.some(isActiveSale));
}

function subscriptionFound(counting: readonly ExaminedSubscription[]): Verdict {
  const offers = [...new Set(counting.flatMap(({ offer }) => offer ?? []))].sort();
  // Not by the code: it may say instead that the subscription was not examined.
  const overdue = counting.every(({ state }) => state.toLowerCase() !== "enabled");
  return {
    result: "Passed",
    code: "AzureSubscriptionFound",
    message: [
      `${count(counting.length, "subscription")} sold through CSP `,
      offers.length === 0 ? "" : `as ${offers.join(" and ")} `,
      counting.length === 1 ? "is active." : "are active.",
      overdue ? " Payment is overdue on it: Azure may disable it soon." : "",
    ].join(""),
  };
}

function notAReseller({ relationship }: Sales): Verdict {
  return {
    result: "Failed",
    code: "NoResellerRelationship",
    message: `According to Partner Center, this partner is not a reseller for the customer: the relationship is "${relationship}".`,
    remedy: "Request a reseller relationship with the customer in Partner Center, and let the customer accept it.",
    link: "https://partner.microsoft.com/commerce/customers/list",
  };
}

function notVisible(unseen: ExaminedSubscription, context: ReportContext): Verdict {
  return {
    result: "Inconclusive",
    code: "NotVisible",
    message: `This partner sold the subscription "${unseen.displayName}", and it is active according to Partner Center, but Azure does not show it to us.`,
    remedy: `Assign the Reader role on the subscription ${unseen.subscriptionId}, or on its management group, to the service principal of our application. A new assignment can take ten minutes to take effect.`,
    link: accessControl(unseen, context),
  };
}

function nothingCounts(found: readonly ExaminedSubscription[], sales: Sales | undefined): string {
  if (sales === undefined) {
    return `Azure shows ${count(found.length, "subscription")} of the customer, but no active Azure plan or Azure Global subscription sold through CSP.`;
  }
  if (found.length === 0) {
    return "Partner Center shows no Azure plan or Azure Global subscription that this partner sold to the customer.";
  }
  return `${count(found.length, "subscription")} ${found.length === 1 ? "was" : "were"} looked at in Partner Center and Azure, but none is an active Azure plan or Azure Global subscription that this partner sold to the customer.`;
}

function remedyOver(found: readonly ExaminedSubscription[], sales: Sales | undefined): string {
  const unknown = found.find(({ code }) => code === "UnknownCspOffer");
  if (unknown !== undefined) {
    return `If the offer with the quota id ${unknown.quotaId} is sold through CSP, add it to CSP_QUOTA_IDS. Otherwise buy an Azure plan for the customer in Partner Center.`;
  }
  if (found.some(({ code }) => code === "NotActive" || code === "SaleNotActive")) {
    return "Reactivate the suspended subscription in Partner Center, or buy an Azure plan for the customer there.";
  }
  const buy = "Buy an Azure plan for the customer in Partner Center";
  return sales === undefined ? `${buy}.` : `${buy}, or create an Azure subscription below the plan that is there.`;
}

/**
 * The check "ownerRole" over the subscriptions that count.
 *
 * @param activatable how many principals could activate Owner through Privileged Identity Management
 */
export function ownerCheck(found: readonly ExaminedSubscription[], activatable: number, context: ReportContext): Check {
  const name = "ownerRole";
  const counting = found.filter(({ counts }) => counts);
  const [first] = counting;
  if (first === undefined) {
    return {
      name,
      result: "Inconclusive",
      code: "NoSubscriptionToCheck",
      message: "The Owner role was not looked for, because there is no subscription on which it would count.",
      remedy: "See to the check azureSubscription first.",
    };
  }
  const owned = counting.find(({ owners }) => owners.length > 0);
  if (owned !== undefined) {
    return {
      name,
      result: "Passed",
      code: "OwnerFound",
      message: `The customer's own ${owned.owners[0]?.principalType === "Group" ? "group" : "user"} holds the Owner role on "${owned.displayName}".`,
    };
  }
  const unseen = counting.find(({ code }) => code === "NoAssignmentsVisible" || isFailure(code));
  if (unseen !== undefined) {
    const reason =
      unseen.code === "NoAssignmentsVisible" || unseen.code === undefined ? "ReaderRoleMissing" : unseen.code;
    return {
      name,
      ...failureVerdict(reason as DirectoryFailureReason, context),
      ...(reason === "ReaderRoleMissing" ? { link: accessControl(unseen, context) } : {}),
    };
  }
  // Whoever owns what we are not shown may well be the customer's own user.
  const invisible = found.find(({ code }) => code === "NotVisible");
  if (invisible !== undefined) return { name, ...notVisible(invisible, context) };
  const partnerOnly = counting.some(({ ignoredOwners }) =>
    ignoredOwners.some(({ code }) => code === "PartnerPrincipal"),
  );
  return {
    name,
    result: "Failed",
    code: "OwnerRoleMissing",
    message: [
      partnerOnly
        ? "The only Owner that was found is the partner itself, which does not count: none of the customer's own users or groups holds the Owner role."
        : "None of the customer's own users or groups holds the Owner role.",
      activatable > 0
        ? ` ${count(activatable, "principal")} could activate it in Privileged Identity Management; only an active assignment counts.`
        : "",
    ].join(""),
    remedy:
      activatable > 0
        ? "Ask the customer to activate the eligible Owner assignment, or assign the Owner role to the user who is going to buy. A new assignment can take ten minutes to be seen."
        : "Assign the Owner role on the subscription to the customer's user who is going to buy. A new assignment can take ten minutes to be seen.",
    link: accessControl(first, context),
  };
}

function accessControl({ subscriptionId }: ExaminedSubscription, { customerId }: ReportContext): string {
  return `https://portal.azure.com/#@${customerId}/resource/subscriptions/${subscriptionId}/users`;
}

function isFailure(code: ExaminedSubscription["code"]): boolean {
  return code !== undefined && code in verdicts;
}

function nothingVisible(context: ReportContext): Verdict {
  return {
    result: "Inconclusive",
    code: "NoVisibleSubscription",
    message:
      "Azure shows us no subscription of this customer. Either there is none, or our application lacks the Reader role on it: Azure answers both alike.",
    remedy:
      "Check in Partner Center that the customer has an Azure plan. If so, assign the Reader role on its subscriptions to the service principal of our application.",
    link: partnerCenterSubscriptions(context.customerId),
  };
}

function failureVerdict(reason: DirectoryFailureReason, context: ReportContext): Verdict {
  return verdicts[reason](context);
}

const verdicts: Readonly<Record<DirectoryFailureReason, (context: ReportContext) => Verdict>> = {
  DependencyUnavailable: () => ({
    result: "Inconclusive",
    code: "DependencyUnavailable",
    message: "Azure did not answer in time, or not in a way that can be relied on.",
    remedy: "Try again in a moment.",
  }),
  ReaderRoleMissing: () => ({
    result: "Inconclusive",
    code: "ReaderRoleMissing",
    message: "Our application may not read the role assignments of the customer's subscription.",
    remedy:
      "Assign the Reader role on the subscription, or on its management group, to the service principal of our application. A new assignment can take ten minutes to take effect.",
  }),
  CustomerAppNotConsented: ({ customerId, authorityHost, customerAppId }) => ({
    result: "Inconclusive",
    code: "CustomerAppNotConsented",
    message: "Our application has no usable service principal in the customer's tenant.",
    remedy:
      "Let an administrator of the customer's tenant consent to the application, then assign it the Reader role on the customer's subscriptions.",
    ...(customerAppId === undefined
      ? {}
      : { link: `${authorityHost}/${customerId}/adminconsent?client_id=${encodeURIComponent(customerAppId)}` }),
  }),
  CustomerAppRejected: () => ({
    result: "Inconclusive",
    code: "CustomerAppRejected",
    message: "Entra refuses the credential of our own application.",
    remedy:
      "Operators of this service: renew the client secret (CUSTOMER_APP_CLIENT_SECRET) or repair the federated credential of the managed identity.",
  }),
  CustomerTenantNotFound: () => ({
    result: "Inconclusive",
    code: "CustomerTenantNotFound",
    message: "Entra knows no tenant with this id.",
    remedy: "Check the customer id: it is the customer's tenant id, called Microsoft ID in Partner Center.",
  }),
  SubscriptionOfOtherTenant: ({ customerId }) => ({
    result: "Inconclusive",
    code: "SubscriptionOfOtherTenant",
    message: "The subscription belongs to another tenant than this customer's, or is just moving between tenants.",
    remedy:
      "Check which customer the subscription belongs to. After a transfer it can take an hour until Azure agrees.",
    link: partnerCenterSubscriptions(customerId),
  }),
  SubscriptionNotFound: ({ customerId }) => ({
    result: "Failed",
    code: "NoAzureSubscription",
    message: "The customer's tenant has no such subscription.",
    remedy: "Check the subscription id, or buy an Azure plan for the customer in Partner Center.",
    link: partnerCenterSubscriptions(customerId),
  }),
};

function partnerCenterSubscriptions(customerId: CustomerId): string {
  return `https://partner.microsoft.com/commerce/customers/${customerId}/subscriptions`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
