/**
 * Goes over all known customers, round after round, and compares each record with its policy in Partner Center. A run
 * does as much of a round as its calls and its time allow; how far it has come is noted after every page, so whatever
 * ends it, the next one repeats a page at most, and repeating reports nothing twice.
 *
 * Partner Center is not pressed: a page begins with one customer, four are looked at together after it, and a run ends
 * when Partner Center refuses us or three customers in a row fail.
 */

import type { CustomerId } from "../domain/identifiers.ts";
import { PartnerCenterRefusal, type PartnerCenterRefusalReason } from "../domain/partner-center-refusal.ts";
import type {
  Clock,
  DriftCounts,
  DriftProgress,
  KnownCustomer,
  KnownCustomers,
  Notebook,
  Telemetry,
} from "../ports.ts";
import type { CompareCustomer, Comparison } from "./compare-customer.ts";
import type { PartnerCenterGate } from "./partner-center-gate.ts";

/** @throws Refusal `DependencyUnavailable` when storage is down */
export type DetectDrift = () => Promise<void>;

export interface DetectDriftPorts {
  readonly compareCustomer: CompareCustomer;
  readonly customers: Pick<KnownCustomers, "list" | "saveVerified">;
  readonly notebook: Notebook;
  readonly gate: PartnerCenterGate;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  /** How many requests of Partner Center the comparisons have made since ever. */
  readonly requestsMade: () => number;
}

export interface DetectDriftOptions {
  readonly intervalMinutes: number;
  /** No customer is begun when they are used up; one that was begun is finished. */
  readonly callsPerRun: number;
}

const pageSize = 100;
const atOnce = 4;
const runMilliseconds = 4 * 60_000;
/** So many failing in a row are no coincidence. */
const mostFailures = 3;
/** After so many runs that got no further it is the customers that fail, not Partner Center: they are passed over. */
const mostFailedRuns = 3;

const partnerWide: readonly PartnerCenterRefusalReason[] = [
  "MfaRequired",
  "RoleMissing",
  "AppOnlyToken",
  "SignInRequired",
];
const nothing: DriftCounts = { customers: 0, verified: 0, findings: 0, requests: 0 };

type Outcome = Comparison | { readonly failure: unknown };
type Position = CustomerId | undefined;

/** Why a run goes no further. */
interface Obstacle {
  /** The last customer before it. */
  readonly before: Position;
  /** The last customer of it. */
  readonly last: CustomerId;
  /** Partner Center refuses us, not one customer. */
  readonly refusal?: PartnerCenterRefusal;
}

/** Failures in a row, up to where we are. */
interface Streak {
  readonly before: Position;
  readonly failures: readonly unknown[];
}

export function createDetectDrift(
  { compareCustomer, customers, notebook, gate, telemetry, clock, requestsMade }: DetectDriftPorts,
  { intervalMinutes, callsPerRun }: DetectDriftOptions,
): DetectDrift {
  return async () => {
    if (!(await gate.isOpen())) return;
    const round = openRound(await notebook.read("drift"), clock.now());
    if (round === undefined) return;

    const until = clock.now().getTime() + runMilliseconds;
    const requestsBefore = requestsMade();
    const mayBegin = (running: number) =>
      requestsMade() - requestsBefore + running < callsPerRun && clock.now().getTime() < until;
    const { failedRuns = 0, counts: countsBefore = nothing, ...kept } = round;
    const start = round.position as Position;
    let position = start;
    let streak: Streak = { before: start, failures: [] };
    let counts = countsBefore;

    for (;;) {
      const { items, next } = await customers.list({
        limit: pageSize,
        ...(position === undefined ? {} : { after: position }),
      });
      const outcomes = await comparePage(items, position, streak, mayBegin);
      const done = items.slice(0, outcomes.length);
      const verified = done.filter((_, index) => isVerified(outcomes[index])).map(({ record }) => record.customerId);
      if (verified.length > 0) await customers.saveVerified(verified, clock.now());
      const { obstacle, ...end } = follow(done, outcomes, position, streak);
      const runs = obstacle === undefined ? 0 : obstacle.before === start ? failedRuns + 1 : 1;
      const isPassedOver = runs >= mostFailedRuns;
      const isWhole = done.length === items.length;
      position = isWhole && next !== undefined ? next : end.position;
      if (obstacle !== undefined) position = isPassedOver ? obstacle.last : obstacle.before;
      streak = end.streak;

      // What comes again is counted then.
      const last = position;
      const passed =
        obstacle === undefined ? done.length : done.findIndex(({ record }) => record.customerId === last) + 1;
      const requests = countsBefore.requests + requestsMade() - requestsBefore;
      counts = { ...countedWith(counts, outcomes, passed), requests };
      const progress = { ...kept, counts };
      if (obstacle !== undefined) {
        if (obstacle.refusal !== undefined) await gate.close(obstacle.refusal);
        return note(progress, position, isPassedOver ? 0 : runs);
      }
      if (isWhole && next === undefined) {
        telemetry.event("DriftRoundEnded", {}, { ...counts });
        const { startedAt } = round;
        return notebook.write("drift", { startedAt, endedAt: clock.now().toISOString() });
      }
      await note(progress, position);
      if (!isWhole || !mayBegin(0)) return;
    }
  };

  /** @returns the round to go on with, or a new one; undefined as long as it is not time for it */
  function openRound(last: DriftProgress | undefined, now: Date): DriftProgress | undefined {
    if (last === undefined) return { startedAt: now.toISOString() };
    const { startedAt, endedAt } = last;
    if (endedAt === undefined || endedAt < startedAt) return last;
    const isTime = now.getTime() >= Date.parse(endedAt) + intervalMinutes * 60_000;
    return isTime ? { startedAt: now.toISOString(), endedAt } : undefined;
  }

  function note(progress: DriftProgress, position: Position, failedRuns = 0): Promise<void> {
    const { position: _, ...rest } = progress;
    return notebook.write("drift", {
      ...rest,
      ...(position === undefined ? {} : { position }),
      ...(failedRuns === 0 ? {} : { failedRuns }),
    });
  }

  /** @returns the outcomes of the first customers of the page, as many as were begun */
  async function comparePage(
    items: readonly KnownCustomer[],
    position: Position,
    streak: Streak,
    mayBegin: (running: number) => boolean,
  ): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = [];
    let begun = 0;
    let running = 0;
    let isBlocked = false;

    const compareNext = async (): Promise<boolean> => {
      const item = items[begun];
      if (item === undefined || isBlocked || !mayBegin(running)) return false;
      const index = begun++;
      running += 1;
      const outcome = await compareCustomer(item.record).catch((failure: unknown) => {
        telemetry.warning("A customer could not be compared with Partner Center.", failure);
        return { failure };
      });
      running -= 1;
      outcomes[index] = outcome;
      isBlocked ||= isPartnerWide(outcome) || follow(items, outcomes, position, streak).obstacle !== undefined;
      return true;
    };
    const compareAll = async () => {
      while (await compareNext());
    };
    await compareNext();
    await Promise.all(Array.from({ length: atOnce }, compareAll));
    return outcomes;
  }
}

/** Looks at the outcomes in the order of the customers, as far as there are any without a gap. */
function follow(
  items: readonly KnownCustomer[],
  outcomes: readonly Outcome[],
  position: Position,
  streak: Streak,
): { position: Position; streak: Streak; obstacle?: Obstacle } {
  for (const [index, { record }] of items.entries()) {
    const outcome = outcomes[index];
    if (outcome === undefined) break;
    const before = position;
    position = record.customerId;
    if (!("failure" in outcome)) {
      streak = { before: position, failures: [] };
      continue;
    }
    const { failure } = outcome;
    if (failure instanceof PartnerCenterRefusal && isPartnerWide(outcome))
      return { position, streak, obstacle: { before, last: position, refusal: failure } };
    streak = { ...streak, failures: [...streak.failures, failure] };
    if (streak.failures.length >= mostFailures) {
      const isRefused = streak.failures.every((each) => each instanceof PartnerCenterRefusal);
      const refusal = isRefused && failure instanceof PartnerCenterRefusal ? { refusal: failure } : {};
      return { position, streak, obstacle: { before: streak.before, last: position, ...refusal } };
    }
  }
  return { position, streak };
}

/** What was found is counted at once: it is not found again. */
function countedWith(counts: DriftCounts, outcomes: readonly Outcome[], passed: number): DriftCounts {
  const findings = outcomes.map((outcome) => ("failure" in outcome ? 0 : outcome.findings));
  return {
    ...counts,
    customers: counts.customers + passed,
    verified: counts.verified + outcomes.slice(0, passed).filter(isVerified).length,
    findings: findings.reduce((sum, number) => sum + number, counts.findings),
  };
}

function isVerified(outcome: Outcome | undefined): boolean {
  return outcome !== undefined && "isVerified" in outcome && outcome.isVerified;
}

function isPartnerWide(outcome: Outcome): boolean {
  return (
    "failure" in outcome &&
    outcome.failure instanceof PartnerCenterRefusal &&
    partnerWide.includes(outcome.failure.reason)
  );
}
