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
 * force when Partner Center says so, not before.
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
import { refusedByPartnerCenter } from "../domain/partner-center-refusal.ts";
import { type Permission, permissionOf } from "../domain/permission.ts";
import { dependencyUnavailable, Refusal } from "../domain/refusal.ts";
import { PolicyRefusal, stateIn } from "../domain/self-serve-policy.ts";
import type {
  ActivityQueue,
  ChangeQueue,
  Clock,
  PermissionStore,
  SelfServePolicies,
  StoredCustomer,
  Telemetry,
} from "../ports.ts";
import type { CheckEligibility, EligibilityFinding } from "./check-eligibility.ts";
import type { ContinueChange, JustBegun } from "./continue-change.ts";

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
    readonly policies: SelfServePolicies;
    readonly continueChange: ContinueChange;
    readonly changes: ChangeQueue;
  };
}

/** How long to go on deciding after the first commit that did not come through. */
const commitMilliseconds = 5_000;
/** When the queue is to look after an unfinished change for the first time. */
const lookAgainSeconds = 5;

export function createSetPermission(ports: SetPermissionPorts): SetPermission {
  const { store, telemetry, clock, partnerCenter } = ports;

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
        return answerAgain(isOurs ? await settle(partnerCenter, wish, earlier) : earlier, wish);
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
      const seen = await lookIntoPartnerCenter(wish, changeId);
      const isInForce = partnerCenter === undefined || (seen && stateIn(seen.policy, wish.product) === wish.state);
      // An Off that is so already has no reason to overtake an On of the other switch.
      const isOwnToOvertake = overtaken?.permission.product === wish.product;
      if (permission.state === wish.state && isInForce && !isOwnToOvertake) return { permission, changed: false };
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
        const change = isAtOnce ? recorded.created : await settle(partnerCenter, wish, recorded.created, seen);
        return answerAgain(change, wish);
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
   * A switch to On is only begun when Partner Center answers. Off is accepted anyway, and followed up.
   *
   * @returns undefined when there is no Partner Center to follow, or no answer
   */
  async function lookIntoPartnerCenter(
    { customerId, state }: Wish,
    changeId: ChangeId,
  ): Promise<Omit<JustBegun, "change"> | undefined> {
    if (partnerCenter === undefined) return undefined;
    const readAt = clock.now();
    const ids = { requestId: ports.newChangeId(), correlationId: changeId };
    try {
      return { policy: await partnerCenter.policies.read(customerId, ids), readAt };
    } catch (error) {
      if (error instanceof PolicyRefusal)
        throw refusedByPartnerCenter(error.reason, error.message, error.partnerCenterCode);
      if (state === "On" || !(error instanceof Refusal)) throw error;
      return undefined;
    }
  }

  /** Continues a change that was just begun, and leaves it to the queue when it takes longer. */
  async function settle(
    { continueChange, changes }: NonNullable<SetPermissionPorts["partnerCenter"]>,
    { customerId }: Wish,
    begun: Change,
    seen?: Omit<JustBegun, "change">,
  ): Promise<Change> {
    const { changeId } = begun;
    const change = await continueChange(customerId, changeId, seen && { change: begun, ...seen }).catch(
      (cause: unknown) => {
        telemetry.warning("A change could not be continued at once; the queue goes on with it.", cause);
        return begun;
      },
    );
    if (change?.status === "Running") {
      await changes.push({ customerId, changeId }, lookAgainSeconds).catch((cause: unknown) => {
        telemetry.warning("A change could not be queued; the sweep goes on with it.", cause);
      });
    }
    return change ?? begun;
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

/** The answer to a change is the same whenever it is asked for. */
function answerAgain({ changeId, fingerprint, status, permission, error }: Change, wish: Wish): SetPermissionAnswer {
  if (fingerprint !== fingerprintOf(wish)) {
    throw new Refusal(
      "RequestIdReused",
      `The request id ${changeId} was used for another change of this customer. Use a new id for a new request.`,
    );
  }
  if (error !== undefined) throw refusedByPartnerCenter(error.code, error.message, error.partnerCenterCode);
  return status === "Running" ? { permission, changed: false, unfinished: changeId } : { permission, changed: true };
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
