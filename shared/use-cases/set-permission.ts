/**
 * Turns a switch. The order is the product's promise:
 *
 *   look for an earlier answer → precondition → already so? → eligibility (On only) → commit → tell the queue
 *
 * State and log entry are committed together. When the answer to a commit is lost or somebody else came
 * first, everything is read and decided again, until the time is up; then the caller is told to repeat,
 * which is always safe.
 */

import { type Change, fingerprintOf, grantChange, type Occasion, type Wish } from "../domain/change.ts";
import { type Eligibility, type Evidence, evidenceOf } from "../domain/eligibility.ts";
import type { ChangeId } from "../domain/identifiers.ts";
import { type Permission, permissionOf } from "../domain/permission.ts";
import { dependencyUnavailable, Refusal } from "../domain/refusal.ts";
import type { ActivityQueue, Clock, PermissionStore, Telemetry } from "../ports.ts";
import type { CheckEligibility, EligibilityFinding } from "./check-eligibility.ts";

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
}

/**
 * @throws Refusal `ConditionNotMet`, `RequestIdReused`, `NoAzureSubscription`, `OwnerRoleMissing`,
 * `EligibilityInconclusive` or `DependencyUnavailable`
 */
export type SetPermission = (request: SetPermissionRequest) => Promise<SetPermissionAnswer>;

export interface SetPermissionPorts {
  readonly store: PermissionStore;
  readonly queue: ActivityQueue;
  readonly checkEligibility: CheckEligibility;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  readonly newChangeId: () => ChangeId;
}

/** How long to go on deciding after the first commit that did not come through. */
const commitMilliseconds = 5_000;

export function createSetPermission(ports: SetPermissionPorts): SetPermission {
  const { store, queue, telemetry, clock } = ports;

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
      if (earlier !== undefined) return answerAgain(earlier, wish);

      const permission = permissionOf(stored.record, wish.product);
      if (precondition !== undefined && !precondition(permission)) {
        throw new Refusal(
          "ConditionNotMet",
          `The permission is not as If-Match says: it is ${permission.state} since ${permission.changedAt ?? "ever"}. Read it again, then decide.`,
          { target: "If-Match" },
        );
      }
      if (permission.state === wish.state) return { permission, changed: false };
      if (wish.state === "On") evidence ??= await proveEligible(wish);

      const granted = grantChange(stored.record, wish, {
        changeId,
        by,
        at: clock.now(),
        requestId,
        ...(correlationId === undefined ? {} : { correlationId }),
        ...(evidence === undefined ? {} : { evidence }),
      });
      if ((await store.commit(stored, granted)) === "committed") {
        await queue.push(granted.activity).catch((cause: unknown) => {
          telemetry.warning("An activity could not be queued; the sweep will log it.", cause);
        });
        return { permission: granted.change.permission, changed: true };
      }

      giveUpAt ??= clock.now().getTime() + commitMilliseconds;
      if (clock.now().getTime() >= giveUpAt) throw dependencyUnavailable("Table storage");
      await clock.pause(Math.random() * Math.min(20 * attempt, 200));
    }
  };

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

function answerAgain(earlier: Change, wish: Wish): SetPermissionAnswer {
  if (earlier.fingerprint !== fingerprintOf(wish)) {
    throw new Refusal(
      "RequestIdReused",
      `The request id ${earlier.changeId} was used for another change of this customer. Use a new id for a new request.`,
    );
  }
  return { permission: earlier.permission, changed: true };
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
