/**
 * Makes the self-serve policy in Partner Center say what the caller wished, and reads it back.
 *
 * Nothing that Partner Center answers to a write is believed, neither success nor failure. Only what is
 * read afterwards counts.
 */

import type { Intent } from "../domain/change.ts";
import type { CustomerId } from "../domain/identifiers.ts";
import { PartnerCenterRefusal } from "../domain/partner-center-refusal.ts";
import { Refusal } from "../domain/refusal.ts";
import {
  operationTypeOf,
  type PolicyMove,
  planMove,
  planOff,
  type SelfServePolicy,
} from "../domain/self-serve-policy.ts";
import type { Clock, PartnerCenterCall, PermissionStore, SelfServePolicies } from "../ports.ts";
import type { Pursuit, SeenPolicy } from "./continue-change.ts";

export interface MovePolicyPorts {
  readonly store: PermissionStore;
  readonly policies: SelfServePolicies;
  readonly clock: Clock;
  readonly newId: () => string;
}

/** Moves in one go. A policy that somebody else writes too may need a second one, or a third. */
const mostMoves = 3;
/** A policy that was read longer ago is read again before it is moved. */
const freshMilliseconds = 2_000;
/** After this no further move is made in this go: the caller, or the queue, is waiting. */
const goMilliseconds = 15_000;
const patienceMinutes = 15;

export function createMovePolicy({ store, policies, clock, newId }: MovePolicyPorts): Pursuit {
  return {
    patienceMilliseconds: patienceMinutes * 60_000,
    notConfirmed: `Partner Center has not confirmed the change within ${patienceMinutes} minutes.`,

    async pursue({ changeId, intent }, attempts, seen) {
      const { customerId } = intent.wish;
      let planned = firstMove(intent, seen);
      const newCall = (): PartnerCenterCall => ({ requestId: newId(), correlationId: changeId });
      const until = clock.now().getTime() + goMilliseconds;
      for (let moves = 0; ; moves++) {
        const next = planned ?? planOf(intent, await policies.read(customerId, newCall()));
        if (next.kind === "none") return { kind: "reached" };
        if (moves === mostMoves || clock.now().getTime() >= until) return { kind: "open" };
        // Whoever has overtaken this change waits for one write that is under way, not for one after another.
        const isOvertaken = async () => (await store.findChange(customerId, changeId))?.intent === undefined;
        if (planned === undefined && (await isOvertaken())) return { kind: "open" };
        const refusal = await perform(customerId, next, newCall());
        if (refusal !== undefined) {
          const { reason: code, message, partnerCenterCode: own } = refusal;
          return {
            kind: "refused",
            error: { code, message, ...(own === undefined ? {} : { partnerCenterCode: own }) },
          };
        }
        attempts.last = operationTypeOf[next.kind];
        planned = undefined;
      }
    },
  };

  /**
   * A move that Partner Center itself refuses when the policy has changed meanwhile (409, an etag that is stale) may be
   * made with what was read a moment ago; a deletion may not, since it takes whatever is there.
   */
  function firstMove(intent: Intent, seen: SeenPolicy | undefined): PolicyMove | undefined {
    if (seen === undefined || clock.now().getTime() - seen.readAt.getTime() > freshMilliseconds) return undefined;
    const { policy } = seen;
    if (!isWhole(policy)) return undefined;
    const first = planOf(intent, policy);
    return first.kind === "create" || first.kind === "replace" ? first : undefined;
  }

  /** @returns the refusal of a write, which surely had no effect. Of a write without answer only reading tells. */
  async function perform(
    customerId: CustomerId,
    move: PolicyMove,
    call: PartnerCenterCall,
  ): Promise<PartnerCenterRefusal | undefined> {
    try {
      if (move.kind === "create") await policies.create(customerId, move.permissions, call);
      if (move.kind === "replace") await policies.replace(customerId, move.policy, move.permissions, call);
      if (move.kind === "remove") await policies.remove(customerId, move.policy, call);
    } catch (error) {
      if (error instanceof PartnerCenterRefusal) return error;
      if (!(error instanceof Refusal)) throw error;
    }
    return undefined;
  }
}

function planOf({ wish: { product, state }, alsoOff }: Intent, policy: SelfServePolicy | undefined): PolicyMove {
  return alsoOff === undefined ? planMove(policy, product, state) : planOff(policy, [product, alsoOff]);
}

/** @returns whether it was read from Partner Center itself, so that it can be replaced, and not only heard of */
function isWhole(policy: SeenPolicy["policy"]): policy is SelfServePolicy | undefined {
  return policy === undefined || (typeof policy === "object" && "etag" in policy);
}
