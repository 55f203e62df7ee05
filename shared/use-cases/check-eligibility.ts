/**
 * The eligibility check: looks into the customer's tenant until one Owner that counts is found, or all
 * there is has been seen. The same check stands behind the dry run and behind every switch to On.
 * Where Partner Center is asked, only what this partner sold counts, and only if Azure agrees.
 *
 * Costs at best 2 calls of Azure Resource Manager (the list, the first subscription's assignments) and at
 * worst one a subscription more, and one for the hint at eligible Owners; never more than 4 at a time. Partner
 * Center is asked side by side with the list.
 */

import { DirectoryFailure, type DirectoryFailureReason } from "../domain/directory-failure.ts";
import {
  type AzureSubscription,
  type Check,
  type Eligibility,
  type EligibilityRules,
  type ExaminedSubscription,
  type IgnoredOwner,
  judgeAssignment,
  judgeSubscription,
  judgeUnseen,
  type Owner,
  resultOf,
} from "../domain/eligibility.ts";
import {
  isSaleExpected,
  ownerCheck,
  type ReportContext,
  salesCheckFailed,
  subscriptionCheck,
  subscriptionCheckFailed,
} from "../domain/eligibility-report.ts";
import type { CustomerId, SubscriptionId } from "../domain/identifiers.ts";
import { PartnerCenterRefusal } from "../domain/partner-center-refusal.ts";
import { isReseller, type Sales } from "../domain/partner-sale.ts";
import type { Product } from "../domain/permission.ts";
import { Refusal } from "../domain/refusal.ts";
import type { Clock, CustomerDirectory, CustomerTenant, PartnerSales } from "../ports.ts";

export interface EligibilityQuestion {
  readonly customerId: CustomerId;
  readonly product?: Product;
  /** Look only at this subscription. */
  readonly subscriptionId?: SubscriptionId;
}

export interface EligibilityFinding {
  readonly eligibility: Eligibility;
  /** Set when the result is Inconclusive and trying again later may settle it. */
  readonly retryAfterSeconds?: number;
  /** What kept us from knowing then: for our log, not for the caller. */
  readonly cause?: Error;
}

/** Answers always; what went wrong on the way is part of the finding. */
export type CheckEligibility = (question: EligibilityQuestion) => Promise<EligibilityFinding>;

export interface CheckEligibilityOptions {
  readonly rules: EligibilityRules;
  readonly timeoutSeconds: number;
  readonly report: Omit<ReportContext, "customerId">;
  /** Absent: Partner Center is not asked, and a CSP quota id stands for the sale. */
  readonly partnerSales?: PartnerSales;
}

const atOnce = 4;
/** Lists of hundreds of Owners help nobody, and an answer must stay readable. */
const mostPrincipals = 100;

export function createCheckEligibility(
  directory: CustomerDirectory,
  clock: Clock,
  { rules, timeoutSeconds, report, partnerSales }: CheckEligibilityOptions,
): CheckEligibility {
  return async (question) => {
    const { customerId } = question;
    const context = { ...report, customerId };
    const deadline = AbortSignal.timeout(timeoutSeconds * 1000);
    const tenant = directory.lookInto(customerId, deadline);
    const [listed, sales] = await Promise.all([
      listSubscriptions(tenant, question).catch(asDirectoryFailure),
      partnerSales && askSales(partnerSales, question, deadline).catch(asSalesFailure),
    ]);

    const { found, check, failures } = await judge(listed, sales);
    const activatable = await countActivatable(tenant, found, rules);
    const checks = [check, ownerCheck(found, activatable, context)];
    const result = resultOf(checks);
    const passing = result === "Inconclusive" ? failures.filter((each) => each instanceof Refusal || each.passes) : [];
    return {
      eligibility: {
        customerId,
        ...(question.product === undefined ? {} : { product: question.product }),
        result,
        checkedAt: clock.now().toISOString(),
        checks,
        subscriptions: found,
      },
      ...(passing[0] === undefined
        ? {}
        : {
            retryAfterSeconds: Math.max(...passing.map(({ retryAfterSeconds }) => retryAfterSeconds ?? 5)),
            cause: passing[0],
          }),
    };

    async function judge(
      listed: readonly AzureSubscription[] | DirectoryFailure,
      sales: Sales | SalesFailure | undefined,
    ): Promise<Findings> {
      if (sales instanceof PartnerCenterRefusal) return { found: [], check: salesCheckFailed(sales), failures: [] };
      if (sales instanceof Refusal) return { found: [], check: salesCheckFailed(), failures: [sales] };
      const failures: DirectoryFailure[] = [];
      if (!(listed instanceof DirectoryFailure)) {
        const seen = await examine(tenant, listed, { customerId, rules, sales, failures });
        const found = [...seen, ...unseenOf(question, sales, seen, "NotVisible")];
        return { found, check: subscriptionCheck(found, context, sales), failures };
      }
      // Sold and not found contradict each other: then it is one that Azure does not show us.
      const isHidden = sales !== undefined && listed.reason === "SubscriptionNotFound";
      const found = unseenOf(question, sales, [], isHidden ? "NotVisible" : listed.reason);
      const check =
        isHidden || !isSaleExpected(sales)
          ? subscriptionCheck(found, context, sales)
          : subscriptionCheckFailed(listed.reason, context);
      return { found, check, failures: [listed] };
    }
  };
}

type SalesFailure = PartnerCenterRefusal | Refusal;

/** About precondition 1, and who owns what meets it. */
interface Findings {
  readonly found: readonly ExaminedSubscription[];
  readonly check: Check;
  readonly failures: readonly (DirectoryFailure | Refusal)[];
}

/** @returns what counts as sold: nothing without the reseller relationship, and nothing that was not asked for */
async function askSales(
  partnerSales: PartnerSales,
  { customerId, subscriptionId: wanted }: EligibilityQuestion,
  deadline: AbortSignal,
): Promise<Sales> {
  const { relationship, subscriptions } = await partnerSales.salesTo(customerId, deadline);
  const sold = isReseller({ relationship }) ? subscriptions : [];
  return {
    relationship,
    subscriptions: wanted === undefined ? sold : sold.filter(({ subscriptionId }) => subscriptionId === wanted),
  };
}

/** What was sold or asked for, and is not among what Azure shows. */
function unseenOf(
  { subscriptionId: wanted }: EligibilityQuestion,
  sales: Sales | undefined,
  seen: readonly ExaminedSubscription[],
  code: "NotVisible" | DirectoryFailureReason,
): ExaminedSubscription[] {
  if (sales === undefined) return [];
  const sold = new Map(sales.subscriptions.map((sale) => [sale.subscriptionId, sale]));
  const expected = wanted === undefined ? [...sold.keys()] : [wanted];
  const shown = new Set(seen.map(({ subscriptionId }) => subscriptionId));
  return expected.filter((id) => !shown.has(id)).map((id) => judgeUnseen(id, sold.get(id), code));
}

async function listSubscriptions(
  tenant: CustomerTenant,
  { subscriptionId }: EligibilityQuestion,
): Promise<readonly AzureSubscription[]> {
  return subscriptionId === undefined ? tenant.subscriptions() : [await tenant.subscription(subscriptionId)];
}

interface Examination {
  readonly customerId: CustomerId;
  readonly rules: EligibilityRules;
  readonly sales: Sales | undefined;
  /** Takes what keeps us from seeing a subscription's assignments. */
  readonly failures: DirectoryFailure[];
}

/** The first candidate alone, since it mostly decides; then four at a time until an Owner is found. */
async function examine(
  tenant: CustomerTenant,
  subscriptions: readonly AzureSubscription[],
  { customerId, rules, sales, failures }: Examination,
): Promise<ExaminedSubscription[]> {
  const found = new Map<SubscriptionId, ExaminedSubscription>();
  const candidates: (() => Promise<void>)[] = [];
  const enough = new AbortController();

  for (const subscription of subscriptions) {
    // A list that changes between two of its pages can name one twice.
    if (found.has(subscription.subscriptionId)) continue;
    const { tenantId: _, ...shown } = subscription;
    const judged = judgeSubscription(subscription, customerId, rules, sales);
    const unseen = { ...shown, ...judged, owners: [], ignoredOwners: [] };
    found.set(subscription.subscriptionId, judged.counts ? { ...unseen, code: "NotExamined" } : unseen);
    if (!judged.counts) continue;

    candidates.push(async () => {
      try {
        const { assignments, ...owners } = await findOwners(tenant, subscription.subscriptionId, rules, enough.signal);
        const hidden = assignments === 0 ? ({ code: "NoAssignmentsVisible" } as const) : {};
        found.set(subscription.subscriptionId, { ...unseen, ...hidden, ...owners });
        if (owners.owners.length > 0) enough.abort();
      } catch (error) {
        if (enough.signal.aborted) return;
        const failure = asDirectoryFailure(error);
        failures.push(failure);
        found.set(subscription.subscriptionId, { ...unseen, code: failure.reason });
      }
    });
  }

  const [first, ...others] = candidates;
  await first?.();
  const examineOthers = async () => {
    for (let next = others.shift(); next !== undefined && !enough.signal.aborted; next = others.shift()) await next();
  };
  await Promise.all(Array.from({ length: atOnce }, examineOthers));
  return [...found.values()];
}

/** Reads pages of role assignments up to the first one that holds an Owner that counts. */
async function findOwners(
  tenant: CustomerTenant,
  subscriptionId: SubscriptionId,
  rules: EligibilityRules,
  stop: AbortSignal,
): Promise<{ assignments: number; owners: Owner[]; ignoredOwners: IgnoredOwner[] }> {
  const seen = { assignments: 0, owners: [] as Owner[], ignoredOwners: [] as IgnoredOwner[] };
  for await (const page of tenant.roleAssignments(subscriptionId, stop)) {
    for (const assignment of page) {
      seen.assignments += 1;
      const judged = judgeAssignment(assignment, subscriptionId, rules);
      if (judged === undefined) continue;
      if ("owner" in judged) addUpTo(mostPrincipals, seen.owners, judged.owner);
      else addUpTo(mostPrincipals, seen.ignoredOwners, judged.ignored);
    }
    if (seen.owners.length > 0) break;
  }
  return seen;
}

function addUpTo<Item>(most: number, list: Item[], item: Item): void {
  if (list.length < most) list.push(item);
}

/**
 * When there is surely no Owner: how many could become one by activating the role. Only a hint, so one
 * call, and no answer is as good as none.
 */
async function countActivatable(
  tenant: CustomerTenant,
  found: readonly ExaminedSubscription[],
  rules: EligibilityRules,
): Promise<number> {
  const counting = found.filter(({ counts }) => counts);
  const [first] = counting;
  if (found.some(({ code }) => code === "NotVisible")) return 0;
  if (first === undefined || counting.some(({ owners, code }) => owners.length > 0 || isUnseen(code))) return 0;
  const assignments = await tenant.eligibleAssignments(first.subscriptionId).catch(() => []);
  const principals = assignments.flatMap((assignment) => {
    const judged = judgeAssignment(assignment, first.subscriptionId, rules);
    return judged !== undefined && "owner" in judged ? [judged.owner.principalId] : [];
  });
  return new Set(principals).size;
}

/** Anything but a warning says that the assignments of a subscription that counts were not seen. */
function isUnseen(code: ExaminedSubscription["code"]): boolean {
  return code !== undefined && code !== "Warned" && code !== "PastDue";
}

function asDirectoryFailure(error: unknown): DirectoryFailure {
  if (error instanceof DirectoryFailure) return error;
  throw error;
}

function asSalesFailure(error: unknown): SalesFailure {
  if (error instanceof PartnerCenterRefusal || (error instanceof Refusal && error.code === "DependencyUnavailable")) {
    return error;
  }
  throw error;
}
