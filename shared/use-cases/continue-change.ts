/**
 * Moves a begun change on: makes the self-serve policy in Partner Center say what the caller wished, reads
 * it back, and only then finishes the change. Whoever comes along may do this, the request itself, the
 * queue, the sweep, also two at a time: every step looks first, and the end is written once.
 *
 * Nothing that Partner Center answers to a write is believed, neither success nor failure. Only what is
 * read afterwards counts.
 */

import type { OperationType } from "../domain/activity.ts";
import { type Change, type EndedChange, failChange, finishChange, type Intent, noteAttempt } from "../domain/change.ts";
import type { ChangeId, CustomerId } from "../domain/identifiers.ts";
import { Refusal } from "../domain/refusal.ts";
import {
  operationTypeOf,
  type PolicyMove,
  PolicyRefusal,
  planMove,
  planOff,
  type SelfServePolicy,
} from "../domain/self-serve-policy.ts";
import type {
  ActivityQueue,
  Clock,
  PermissionStore,
  PolicyCall,
  SelfServePolicies,
  StoredCustomer,
  Telemetry,
} from "../ports.ts";

/**
 * @param begun from whoever has just committed the beginning
 * @returns the change as it stands now: `Running` when Partner Center has still not confirmed
 */
export type ContinueChange = (
  customerId: CustomerId,
  changeId: ChangeId,
  begun?: JustBegun,
) => Promise<Change | undefined>;

/** What was read to decide on a change, so that its first go need not ask for it again. */
export interface JustBegun {
  readonly change: Change;
  readonly policy: SelfServePolicy | undefined;
  /** When the policy was read. */
  readonly readAt: Date;
}

export interface ContinueChangePorts {
  readonly store: PermissionStore;
  readonly policies: SelfServePolicies;
  readonly queue: ActivityQueue;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  readonly newId: () => string;
}

/** What one call has tried last in Partner Center. */
interface Go {
  attempted: OperationType | undefined;
}

/** Moves in one go. A policy that somebody else writes too may need a second one, or a third. */
const mostMoves = 3;
/** A policy that was read longer ago is read again before it is moved. */
const freshMilliseconds = 2_000;
/** After this no further move is made in this go: the caller, or the queue, is waiting. */
const goMilliseconds = 15_000;
/** After this a change is given up. */
const patienceMilliseconds = 15 * 60_000;

export function createContinueChange(ports: ContinueChangePorts): ContinueChange {
  const { store, policies, queue, telemetry, clock, newId } = ports;

  return async (customerId, changeId, begun) => {
    const go: Go = { attempted: undefined };
    for (let attempt = 1; ; attempt++) {
      const stored = await store.readCustomer(customerId);
      // As long as the record names it, the change is running, as it was begun.
      const known = attempt === 1 && stored.record.unfinished?.changeId === changeId ? begun : undefined;
      const change = known?.change ?? (await store.findChange(customerId, changeId));
      if (change?.intent === undefined) return change;
      // Something else has taken its place, such as a switch while the service did not follow Partner Center.
      if (stored.record.unfinished?.changeId !== changeId) return change;

      const outcome = await move(customerId, change, change.intent, go, known);
      if (outcome === undefined) {
        await note(go, stored, { ...change, intent: change.intent });
        return store.findChange(customerId, changeId);
      }
      const written = await write(stored, outcome(stored));
      if (written !== undefined) return written;
      if (attempt >= 5) return change;
      await clock.pause(Math.random() * 100 * attempt);
    }
  };

  /** @returns how the change ends, or undefined while that is not known */
  async function move(
    customerId: CustomerId,
    change: Change,
    intent: Intent,
    go: Go,
    known: JustBegun | undefined,
  ): Promise<((stored: StoredCustomer) => EndedChange) | undefined> {
    let planned = firstMove(intent, known);
    const correlationId = change.changeId;
    const until = clock.now().getTime() + goMilliseconds;
    try {
      for (let moves = 0; moves <= mostMoves; moves++) {
        const ids = { requestId: newId(), correlationId };
        const next = planned ?? planOf(intent, await policies.read(customerId, ids));
        if (next.kind === "none") {
          if (clock.now().getTime() < Date.parse(intent.notBefore ?? change.at)) return undefined;
          return ({ record }) => finishChange(record, change, clock.now(), go.attempted);
        }
        if (moves === mostMoves || clock.now().getTime() >= until) break;
        // Whoever has overtaken this change waits for one write that is under way, not for one after another.
        if (planned === undefined && (await store.findChange(customerId, change.changeId))?.intent === undefined)
          return undefined;
        const refusal = await perform(customerId, next, { requestId: newId(), correlationId });
        if (refusal !== undefined) {
          const { reason: code, message, partnerCenterCode: own } = refusal;
          const error = { code, message, ...(own === undefined ? {} : { partnerCenterCode: own }) };
          return ({ record }) => failChange(record, change, clock.now(), error);
        }
        go.attempted = operationTypeOf[next.kind];
        planned = undefined;
      }
    } catch (error) {
      if (!(error instanceof Refusal || error instanceof PolicyRefusal)) throw error;
      telemetry.warning("Partner Center did not confirm a change; it goes on.", error);
    }
    if (clock.now().getTime() - Date.parse(change.at) < patienceMilliseconds) return undefined;
    return ({ record }) =>
      failChange(record, change, clock.now(), {
        code: "NotConfirmed",
        message: "Partner Center has not confirmed the change within 15 minutes.",
      });
  }

  /**
   * A move that Partner Center itself refuses when the policy has changed meanwhile (409, an etag that is stale) may be
   * made with what was read a moment ago; a deletion may not, since it takes whatever is there.
   */
  function firstMove(intent: Intent, known: JustBegun | undefined): PolicyMove | undefined {
    if (known === undefined || clock.now().getTime() - known.readAt.getTime() > freshMilliseconds) return undefined;
    const first = planOf(intent, known.policy);
    return first.kind === "create" || first.kind === "replace" ? first : undefined;
  }

  /** @returns the refusal of a write, which surely had no effect. Of a write without answer only reading tells. */
  async function perform(
    customerId: CustomerId,
    move: PolicyMove,
    call: PolicyCall,
  ): Promise<PolicyRefusal | undefined> {
    try {
      if (move.kind === "create") await policies.create(customerId, move.permissions, call);
      if (move.kind === "replace") await policies.replace(customerId, move.policy, move.permissions, call);
      if (move.kind === "remove") await policies.remove(customerId, move.policy, call);
    } catch (error) {
      if (error instanceof PolicyRefusal) return error;
      if (!(error instanceof Refusal)) throw error;
    }
    return undefined;
  }

  /**
   * For the log entry of a later go, which finds it done and would not know by what. A crash before this is no harm:
   * the entry then says nothing about it.
   */
  async function note({ attempted }: Go, stored: StoredCustomer, change: Change & { readonly intent: Intent }) {
    if (attempted === undefined || attempted === change.intent.attempted) return;
    await store.commit(stored, noteAttempt(stored.record, change, attempted)).catch((cause: unknown) => {
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

function planOf({ wish: { product, state }, alsoOff }: Intent, policy: SelfServePolicy | undefined): PolicyMove {
  return alsoOff === undefined ? planMove(policy, product, state) : planOff(policy, [product, alsoOff]);
}
