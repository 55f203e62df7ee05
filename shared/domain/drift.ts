/**
 * Drift: what Partner Center or Azure say that our record does not. A finding stays on the customer until a
 * switch decides about it or it is gone by itself; both its coming and its going are activities.
 */

import { type Activity, chainActivity, operationOf } from "./activity.ts";
import { headOf, laterOf, type Occasion, type RecordedChange, standing } from "./change.ts";
import { type Check, type Eligibility, evidenceOf } from "./eligibility.ts";
import { type CustomerRecord, type Product, products } from "./permission.ts";
import { type PolicyContent, stateIn } from "./self-serve-policy.ts";

export const findingCodes = [
  "TurnedOnOutside",
  "TurnedOffOutside",
  "OwnerLost",
  "SubscriptionGone",
  "SubscriptionSuspended",
  "RelationshipEnded",
] as const;

export interface Finding {
  readonly code: (typeof findingCodes)[number];
  readonly product: Product;
  readonly message: string;
  /** When it was found. */
  readonly since: string;
  /** Who did it, as Partner Center's audit records name them. */
  readonly byUserPrincipalName?: string;
}

/** What is so now, whether it was found before or not. */
export type Drift = Pick<Finding, "code" | "product" | "message">;

/** What was read about a customer. */
export interface DriftFacts {
  /** undefined: there is none. `NoRelationship`: Partner Center does not let us look, as the customer is not ours. */
  readonly policy: PolicyContent | undefined | "NoRelationship";
  /** Absent: it was not asked for. That is as good as inconclusive. */
  readonly eligibility?: Eligibility;
}

/** Where a permission is not as it should be, and who or what to blame for it. */
const messages: Readonly<Record<Finding["code"], string>> = {
  TurnedOnOutside: "Partner Center has the permission On, the record has it Off: it was not turned On here.",
  TurnedOffOutside: "Partner Center has the permission Off, the record has it On: it was not turned Off here.",
  OwnerLost:
    "The permission is On in Partner Center, but none of the customer's own users or groups is Owner any more.",
  SubscriptionGone:
    "The permission is On in Partner Center, but the customer has no Azure subscription bought through CSP any more.",
  SubscriptionSuspended: "The permission is On in Partner Center, but the customer's Azure subscription is suspended.",
  RelationshipEnded: "The permission was turned On, but the reseller relationship with the customer has ended.",
};

/** Told by the policy; by the check ownerRole; by the check azureSubscription. */
const turned = ["TurnedOnOutside", "TurnedOffOutside"] as const;
const owner = ["OwnerLost"] as const;
const subscription = ["SubscriptionGone", "SubscriptionSuspended", "RelationshipEnded"] as const;

/**
 * Of a permission that is Off in Partner Center nothing can be bought, so what else it would need does not matter.
 *
 * @returns what stands now: also what was found before, as long as it is not known to be over
 */
export function driftOf(record: CustomerRecord, { policy, eligibility }: DriftFacts): Drift[] {
  return products.flatMap((product) => {
    const found = (...codes: Finding["code"][]) => codes.map((code) => ({ code, product, message: messages[code] }));
    const before = (...codes: Finding["code"][]) =>
      (record.findings ?? []).filter((finding) => finding.product === product && codes.includes(finding.code));
    const { state } = record.switches[product];

    if (policy === "NoRelationship") {
      return [
        ...before(...turned, ...owner, "SubscriptionGone", "SubscriptionSuspended"),
        ...(state === "On" ? found("RelationshipEnded") : before("RelationshipEnded")),
      ];
    }
    const inPartnerCenter = stateIn(policy, product);
    if (inPartnerCenter === "Off") return state === "On" ? found("TurnedOffOutside") : [];

    const ownerRole = resultOf(eligibility, "ownerRole");
    const azureSubscription = resultOf(eligibility, "azureSubscription");
    return [
      ...(state === "Off" ? found("TurnedOnOutside") : []),
      ...(ownerRole === "Failed" ? found("OwnerLost") : []),
      ...(ownerRole === "Inconclusive" ? before(...owner) : []),
      ...(azureSubscription === "Failed" ? found(whyNoSubscription(eligibility)) : []),
      ...(azureSubscription === "Inconclusive" ? before(...subscription) : []),
    ];
  });
}

function checkOf(eligibility: Eligibility | undefined, wanted: Check["name"]): Check | undefined {
  return eligibility?.checks.find(({ name }) => name === wanted);
}

function resultOf(eligibility: Eligibility | undefined, name: Check["name"]): Check["result"] {
  return checkOf(eligibility, name)?.result ?? "Inconclusive";
}

/** Of a check that has failed, so none of the subscriptions counts. */
function whyNoSubscription(eligibility: Eligibility | undefined): Finding["code"] {
  if (checkOf(eligibility, "azureSubscription")?.code === "NoResellerRelationship") return "RelationshipEnded";
  const inactive: readonly (string | undefined)[] = ["NotActive", "SaleNotActive"];
  return eligibility?.subscriptions.some(({ code }) => inactive.includes(code))
    ? "SubscriptionSuspended"
    : "SubscriptionGone";
}

/** One finding that is new, or one that is gone by itself. */
export interface DriftNews extends Drift {
  readonly status: "Open" | "Closed";
}

/** @returns what the record does not know yet, in the order in which it is to be written: what is gone comes first */
export function newsOf(record: CustomerRecord, drift: readonly Drift[]): DriftNews[] {
  const known = record.findings ?? [];
  return [
    ...known.filter((one) => !isAmong(drift, one)).map((one) => ({ ...one, status: "Closed" as const })),
    ...drift.filter((one) => !isAmong(known, one)).map((one) => ({ ...one, status: "Open" as const })),
  ];
}

/** @returns whether somebody moved the permission, of whom Partner Center's audit records may tell */
export function wasTurned({ code, status }: DriftNews): boolean {
  return status === "Open" && (code === "TurnedOnOutside" || code === "TurnedOffOutside");
}

/** Writes one piece of news into record and log. */
export function reportDrift(
  current: CustomerRecord,
  { policy, eligibility }: DriftFacts,
  { code, product, message, status }: DriftNews,
  { by, at, ...ids }: Occasion,
  byUserPrincipalName?: string,
): RecordedChange & { readonly activity: Activity } {
  const who = byUserPrincipalName === undefined ? {} : { byUserPrincipalName };
  const { state } = current.switches[product];
  const isOfAzure = code === "OwnerLost" || code === "SubscriptionGone" || code === "SubscriptionSuspended";
  const activity = chainActivity(current, {
    customerId: current.customerId,
    product,
    // Where Partner Center does not let us look, the record is the last that was known.
    operation: operationOf[policy === "NoRelationship" ? state : stateIn(policy, product)],
    result: "Detected",
    finding: { code, status, message, ...who },
    at: laterOf(at, current.headAt),
    by,
    ...ids,
    ...(isOfAzure && eligibility !== undefined ? { evidence: evidenceOf(eligibility) } : {}),
  });
  const { findings = [], ...rest } = current;
  const finding: Finding = { code, product, message, since: activity.at, ...who };
  const others = findings.filter((one) => !isSame(one, finding));
  return {
    record: { ...rest, ...headOf(activity), ...standing(status === "Open" ? [...others, finding] : others) },
    activity,
  };
}

/**
 * @returns products that Partner Center has On although they should be Off, with the codes of what was found: those that
 * may be turned Off without asking anybody
 */
export function toTurnOff(
  { findings = [] }: CustomerRecord,
  { policy }: DriftFacts,
): { readonly product: Product; readonly codes: readonly Finding["code"][] }[] {
  if (policy === "NoRelationship") return [];
  return products.flatMap((product) => {
    const codes = findings
      .filter((finding) => finding.product === product && finding.code !== "TurnedOffOutside")
      .map(({ code }) => code);
    return codes.length > 0 && stateIn(policy, product) === "On" ? [{ product, codes }] : [];
  });
}

function isAmong(list: readonly Drift[], one: Drift): boolean {
  return list.some((other) => isSame(other, one));
}

function isSame(one: Pick<Drift, "code" | "product">, other: Pick<Drift, "code" | "product">): boolean {
  return one.code === other.code && one.product === other.product;
}
