/**
 * Brings a begun change on, and writes its end when there is one. Whoever comes along may do this, the
 * request itself, the queue, the sweep, also two at a time: every go looks first, and the end is written
 * once. How a go is made depends on who moves the policy: move-policy.ts, watch-policy.ts.
 */

import type { ActivityError, OperationType } from "../domain/activity.ts";
import { type Change, type EndedChange, failChange, finishChange, type Intent, noteAttempt } from "../domain/change.ts";
import type { ChangeId, CustomerId } from "../domain/identifiers.ts";
import { PartnerCenterRefusal } from "../domain/partner-center-refusal.ts";
import { Refusal } from "../domain/refusal.ts";
import type { ActivityQueue, Clock, PermissionStore, PolicyWitness, StoredCustomer, Telemetry } from "../ports.ts";

/**
 * @param begun from whoever has just committed the beginning
 * @param onSilence told when a go got no answer of Partner Center: the change goes on, so nothing is thrown
 * @returns the change as it stands now: `Running` when Partner Center has still not confirmed
 */
export type ContinueChange = (
  customerId: CustomerId,
  changeId: ChangeId,
  begun?: JustBegun,
  onSilence?: () => void,
) => Promise<Change | undefined>;

/** What was read of a policy a moment ago. */
export interface SeenPolicy {
  readonly policy: Awaited<ReturnType<PolicyWitness["read"]>>;
  readonly readAt: Date;
}

/** What its caller knows of a change, so that its first go need not ask for it again. */
export interface JustBegun {
  readonly change: Change;
  readonly seen: SeenPolicy | undefined;
}

export interface ContinueChangePorts {
  readonly store: PermissionStore;
  readonly queue: ActivityQueue;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
}

/** A change that has not ended. */
export interface RunningChange extends Change {
  readonly intent: Intent;
}

/** What one go has come to. */
export type Outcome =
  /** The policy says what was wished. */
  | { readonly kind: "reached" }
  | { readonly kind: "refused"; readonly error: ActivityError }
  /** Not yet, or nobody can tell. */
  | { readonly kind: "open" };

/** What was tried last in Partner Center. Outlives a go that fails, for the log. */
export interface Attempts {
  last: OperationType | undefined;
}

/** How a change comes to be. */
export interface Pursuit {
  /**
   * One go.
   *
   * @param attempts to be kept up to date with every write
   * @param seen the policy as it was when the change was decided on
   * @throws PartnerCenterRefusal or Refusal `DependencyUnavailable` when Partner Center does not say how the policy stands
   */
  pursue(change: RunningChange, attempts: Attempts, seen?: SeenPolicy): Promise<Outcome>;
  /** After this a change is given up. */
  readonly patienceMilliseconds: number;
  /** Why, for the log. */
  readonly notConfirmed: string;
}

export function createContinueChange(ports: ContinueChangePorts, pursuit: Pursuit): ContinueChange {
  const { store, queue, telemetry, clock } = ports;

  return async (customerId, changeId, begun, onSilence) => {
    const attempts: Attempts = { last: undefined };
    for (let attempt = 1; ; attempt++) {
      const stored = await store.readCustomer(customerId);
      // As long as the record names it, the change is running, as it was begun.
      const known = attempt === 1 && stored.record.unfinished?.changeId === changeId ? begun : undefined;
      const change = known?.change ?? (await store.findChange(customerId, changeId));
      if (change?.intent === undefined) return change;
      // Something else has taken its place, such as a switch while the service did not follow Partner Center.
      if (stored.record.unfinished?.changeId !== changeId) return change;

      const running = { ...change, intent: change.intent };
      const ending = await goOn(running, attempts, known?.seen, onSilence);
      if (ending === undefined) {
        await note(attempts, stored, running);
        return store.findChange(customerId, changeId);
      }
      const written = await write(stored, ending(stored));
      if (written !== undefined) return written;
      if (attempt >= 5) return change;
      await clock.pause(Math.random() * 100 * attempt);
    }
  };

  /** @returns how the change ends, or undefined while that is not known */
  async function goOn(
    change: RunningChange,
    attempts: Attempts,
    seen: SeenPolicy | undefined,
    onSilence: (() => void) | undefined,
  ): Promise<((stored: StoredCustomer) => EndedChange) | undefined> {
    try {
      const outcome = await pursuit.pursue(change, attempts, seen);
      if (outcome.kind === "refused") return ({ record }) => failChange(record, change, clock.now(), outcome.error);
      if (outcome.kind === "reached") {
        if (clock.now().getTime() < Date.parse(change.intent.notBefore ?? change.at)) return undefined;
        return ({ record }) => finishChange(record, change, clock.now(), attempts.last);
      }
    } catch (error) {
      if (!(error instanceof Refusal || error instanceof PartnerCenterRefusal)) throw error;
      if (error instanceof Refusal) onSilence?.();
      telemetry.warning("Partner Center did not confirm a change; it goes on.", error);
    }
    if (clock.now().getTime() - Date.parse(change.at) < pursuit.patienceMilliseconds) return undefined;
    const error = { code: "NotConfirmed", message: pursuit.notConfirmed };
    return ({ record }) => failChange(record, change, clock.now(), error);
  }

  /**
   * For the log entry of a later go, which finds it done and would not know by what. A crash before this is no harm:
   * the entry then says nothing about it.
   */
  async function note({ last }: Attempts, stored: StoredCustomer, change: RunningChange): Promise<void> {
    if (last === undefined || last === change.intent.attempted) return;
    await store.commit(stored, noteAttempt(stored.record, change, last)).catch((cause: unknown) => {
      telemetry.warning("What was tried in Partner Center could not be noted; the log will not name it.", cause);
    });
  }

  /** @returns the change as written, or undefined when somebody else came first or no answer came */
  async function write(stored: StoredCustomer, ended: EndedChange): Promise<Change | undefined> {
    if ((await store.commit(stored, ended)) !== "committed") return undefined;
    await queue.push(ended.activity).catch((cause: unknown) => {
      telemetry.warning("An activity could not be queued; the sweep will log it.", cause);
    });
    return ended.updated;
  }
}
