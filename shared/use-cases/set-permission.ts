/**
 * Turns a switch. The order is the product's promise:
 *
 *   look for an earlier answer → precondition → already so? → eligibility (On only) → commit → tell the queue
 *
 * State and log entry are committed together. When the answer to a commit is lost or somebody else came
 * first, everything is read and decided again, until the time is up; then the caller is told to repeat,
 * which is always safe.
 *
 * Where Partner Center has to follow, the change is committed as begun, and continued at once; it is in
 * force when Partner Center says so, not before. Where an operator has to move the switch there, the answer
 * says how.
 */

import {
  beginChange,
  type Change,
  fingerprintOf,
  grantChange,
  type Occasion,
  type RecordedChange,
  type Wish,
} from "../domain/change.ts";
import { type Eligibility, type Evidence, evidenceOf } from "../domain/eligibility.ts";
import type { ChangeId } from "../domain/identifiers.ts";
import { type ManualSteps, manualStepsOf } from "../domain/manual-steps.ts";
import { PartnerCenterRefusal, refusedByPartnerCenter } from "../domain/partner-center-refusal.ts";
import { type Permission, type PermissionState, type Product, permissionOf } from "../domain/permission.ts";
import { dependencyUnavailable, Refusal } from "../domain/refusal.ts";
import { stateIn } from "../domain/self-serve-policy.ts";
import type {
  ActivityQueue,
  ChangeQueue,
  Clock,
  PermissionStore,
  PolicyWitness,
  StoredCustomer,
  Telemetry,
} from "../ports.ts";
import type { CheckEligibility, EligibilityFinding } from "./check-eligibility.ts";
import type { ContinueChange, SeenPolicy } from "./continue-change.ts";

export interface SetPermissionRequest extends Wish {
  readonly by: Occasion["by"];
  readonly requestId: string;
  readonly correlationId?: string;
  /** The caller's id for this very request: repeating it gets the first answer again. */
  readonly repeatableAs?: ChangeId;
  /** From `If-Match`: whether the switch is still as the caller believes. */
  readonly precondition?: (permission: Permission) => boolean;
}

export interface SetPermissionAnswer {
  readonly permission: Permission;
  readonly changed: boolean;
  /** The change that Partner Center has not confirmed yet; the permission is as before. */
  readonly unfinished?: ChangeId;
  /** What an operator has to do for it; absent: nothing, we do it. */
  readonly manualSteps?: ManualSteps;
}

/**
 * @throws Refusal `ConditionNotMet`, `RequestIdReused`, `NoAzureSubscription`, `OwnerRoleMissing`,
 * `EligibilityInconclusive`, `ChangeInProgress`, `PartnerCenterRefused` or `DependencyUnavailable`
 */
export type SetPermission = (request: SetPermissionRequest) => Promise<SetPermissionAnswer>;

export interface SetPermissionPorts {
  readonly store: PermissionStore;
  readonly queue: ActivityQueue;
  readonly checkEligibility: CheckEligibility;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  readonly newChangeId: () => ChangeId;
  /** Absent: our record is the switch. */
  readonly partnerCenter?: {
    readonly policies: PolicyWitness;
    readonly continueChange: ContinueChange;
    /** Absent: the sweep of the minute is early enough. */
    readonly changes?: ChangeQueue;
    /** Present: not we but an operator moves the switch in Partner Center, and has so many hours for it. */
    readonly manualHours?: number;
  };
}

type Follower = NonNullable<SetPermissionPorts["partnerCenter"]>;

/** How long to go on deciding after the first commit that did not come through. */
const commitMilliseconds = 5_000;
/** When the queue is to look after an unfinished change for the first time. */
const lookAgainSeconds = 5;

export function createSetPermission(ports: SetPermissionPorts): SetPermission {
  const { store, telemetry, clock, partnerCenter } = ports;
  const manualHours = partnerCenter?.manualHours;

  return async (request) => {
    const { by, requestId, correlationId, repeatableAs, precondition, ...wish } = request;
    const changeId = repeatableAs ?? ports.newChangeId();
    let evidence: Evidence | undefined;
    let giveUpAt: number | undefined;

    for (let attempt = 1; ; attempt++) {
      // The change is looked up after the state was read: a copy of this request may be running beside us.
      const stored = await store.readCustomer(wish.customerId);
      const mayBeCommitted = repeatableAs !== undefined || attempt > 1;
      const earlier = mayBeCommitted ? await store.findChange(wish.customerId, changeId) : undefined;
      if (earlier !== undefined) {
        // Ours, and begun: only the answer to its beginning was lost.
        const isOurs = attempt > 1 && partnerCenter !== undefined && earlier.status === "Running";
        return answerAgain(isOurs ? await settle(partnerCenter, wish, earlier) : earlier, wish, manualHours);
      }

      const permission = permissionOf(stored.record, wish.product);
      if (precondition !== undefined && !precondition(permission)) {
        throw new Refusal(
          "ConditionNotMet",
          `The permission is not as If-Match says: it is ${permission.state} since ${permission.changedAt ?? "ever"}. Read it again, then decide.`,
          { target: "If-Match" },
        );
      }
      const overtaken = await unfinishedInTheWay(stored, wish);
      const seen = await lookIntoPartnerCenter(wish, changeId, permission);
      const said = partnerCenter === undefined ? wish.state : stateSeen(seen, wish.product);
      const isInForce = said === wish.state;
      const isNews = !isInForce && said !== "unknown";
      // An Off that is so already has no reason to overtake an On of the other switch.
      const isOwnToOvertake = overtaken?.permission.product === wish.product;
      if (permission.state === wish.state && !isNews && !isOwnToOvertake) return { permission, changed: false };
      if (wish.state === "On") evidence ??= await proveEligible(wish);

      const occasion: Occasion = {
        changeId,
        by,
        at: clock.now(),
        requestId,
        ...(correlationId === undefined ? {} : { correlationId }),
        ...(evidence === undefined ? {} : { evidence }),
      };
      const isAtOnce = partnerCenter === undefined || (isInForce && overtaken === undefined);
      const recorded = isAtOnce
        ? grantChange(stored.record, wish, occasion)
        : beginChange(stored.record, wish, occasion, overtaken);
      if ((await store.commit(stored, recorded)) === "committed") {
        await pushActivity(recorded);
        if (isAtOnce) return answerAgain(recorded.created, wish, manualHours);
        // Partner Center did not answer a moment ago: to ask it again would double the caller's wait.
        const change =
          seen === undefined
            ? await leaveForLater(partnerCenter, wish, recorded.created)
            : await settle(partnerCenter, wish, recorded.created, seen);
        return answerAgain(change, wish, manualHours);
      }

      giveUpAt ??= clock.now().getTime() + commitMilliseconds;
      if (clock.now().getTime() >= giveUpAt) throw dependencyUnavailable("Table storage");
      await clock.pause(Math.random() * Math.min(20 * attempt, 200));
    }
  };

  /**
   * One change of a customer at a time, but Off does not wait for an On that is stuck, of either switch.
   *
   * @returns the change to overtake, if any
   */
  async function unfinishedInTheWay({ record }: StoredCustomer, wish: Wish): Promise<Change | undefined> {
    const { unfinished } = record;
    if (unfinished === undefined || partnerCenter === undefined) return undefined;
    const change = await store.findChange(record.customerId, unfinished.changeId);
    if (unfinished.state === "On" && wish.state === "Off" && change?.intent !== undefined) return change;
    throw new Refusal(
      "ChangeInProgress",
      `Change ${unfinished.changeId} of this customer has not been confirmed by Partner Center yet. Wait for its operation to end; turning a permission Off does not wait for a change to On.`,
      { details: [unfinished] },
    );
  }

  /**
   * A switch to On is only begun when Partner Center answers, unless an operator moves it, who needs no answer
   * to begin. Off is accepted anyway, and followed up.
   *
   * @returns undefined when there is no Partner Center to follow, or no answer
   */
  async function lookIntoPartnerCenter(
    { customerId, state }: Wish,
    changeId: ChangeId,
    permission: Permission,
  ): Promise<SeenPolicy | undefined> {
    if (partnerCenter === undefined) return undefined;
    const readAt = clock.now();
    try {
      const call = { requestId: ports.newChangeId(), correlationId: changeId };
      return { policy: await partnerCenter.policies.read(customerId, call), readAt };
    } catch (error) {
      const isRefusal = error instanceof PartnerCenterRefusal;
      if (!isRefusal && !(error instanceof Refusal)) throw error;
      // Without the relationship there is no policy of ours: what was On here is Off, and may be recorded so.
      if (isRefusal && error.reason === "NoRelationship" && state === "Off") {
        return { policy: undefined, readAt };
      }
      const mayBegin =
        manualHours === undefined ? state === "Off" && !isRefusal : state === "Off" || permission.state === "Off";
      if (mayBegin) return undefined;
      throw isRefusal ? refusedByPartnerCenter(error.reason, error.message, error.partnerCenterCode) : error;
    }
  }

  /** Continues a change that was just begun, and leaves it to the queue when it takes longer. */
  async function settle(follower: Follower, wish: Wish, begun: Change, seen?: SeenPolicy): Promise<Change> {
    const { changeId } = begun;
    const change = await follower
      .continueChange(wish.customerId, changeId, { change: begun, seen })
      .catch((cause: unknown) => {
        telemetry.warning("A change could not be continued at once; it goes on later.", cause);
        return begun;
      });
    return change?.status === "Running" ? leaveForLater(follower, wish, change) : (change ?? begun);
  }

  async function leaveForLater({ changes }: Follower, { customerId }: Wish, running: Change): Promise<Change> {
    const { changeId } = running;
    await changes?.push({ customerId, changeId }, lookAgainSeconds).catch((cause: unknown) => {
      telemetry.warning("A change could not be queued; the sweep goes on with it.", cause);
    });
    return running;
  }

  async function pushActivity({ activity }: RecordedChange): Promise<void> {
    if (activity === undefined) return;
    await ports.queue.push(activity).catch((cause: unknown) => {
      telemetry.warning("An activity could not be queued; the sweep will log it.", cause);
    });
  }

  async function proveEligible(wish: Wish): Promise<Evidence> {
    const { eligibility, ...obstacle } = await ports.checkEligibility(wish);
    if (eligibility.result === "Eligible") return evidenceOf(eligibility);
    const refusal = refusalOf(eligibility, obstacle);
    telemetry.event("ChangeRefused", {
      customerId: wish.customerId,
      product: wish.product,
      code: refusal.code,
      checks: eligibility.checks.map(({ code }) => code).join(","),
    });
    throw refusal;
  }
}

/** @returns `unknown` when nobody has heard of the policy, undefined when there was no answer */
function stateSeen(seen: SeenPolicy | undefined, product: Product): PermissionState | "unknown" | undefined {
  if (seen === undefined) return undefined;
  return seen.policy === "unknown" ? "unknown" : stateIn(seen.policy, product);
}

/** The answer to a change is the same whenever it is asked for. */
function answerAgain(change: Change, wish: Wish, manualHours: number | undefined): SetPermissionAnswer {
  const { changeId, fingerprint, status, permission, error } = change;
  if (fingerprint !== fingerprintOf(wish)) {
    throw new Refusal(
      "RequestIdReused",
      `The request id ${changeId} was used for another change of this customer. Use a new id for a new request.`,
    );
  }
  if (error !== undefined) throw refusedByPartnerCenter(error.code, error.message, error.partnerCenterCode);
  if (status !== "Running") return { permission, changed: true };
  const manualSteps = manualStepsOf(change, manualHours);
  return { permission, changed: false, unfinished: changeId, ...(manualSteps === undefined ? {} : { manualSteps }) };
}

function refusalOf(
  { result, checks }: Eligibility,
  { retryAfterSeconds, cause }: Omit<EligibilityFinding, "eligibility">,
): Refusal {
  if (retryAfterSeconds !== undefined) {
    return dependencyUnavailable("The eligibility check", { retryAfterSeconds, cause });
  }
  const decisive = checks.find((check) => check.result === (result === "NotEligible" ? "Failed" : "Inconclusive"));
  const message = [decisive?.message, decisive?.remedy].join(" ");
  if (result === "Inconclusive") return new Refusal("EligibilityInconclusive", message, { details: checks });
  return new Refusal(decisive?.name === "ownerRole" ? "OwnerRoleMissing" : "NoAzureSubscription", message, {
    details: checks,
  });
}
