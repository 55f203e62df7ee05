/**
 * Makes the self-serve policy in Partner Center say what the caller wished, and reads it back.
 *
 * Nothing that Partner Center answers to a write is believed, neither success nor failure. Only what is
 * read afterwards counts.
 */

import type { CustomerId } from "../domain/identifiers.ts";
import { Refusal } from "../domain/refusal.ts";
import { operationTypeOf, type PolicyMove, PolicyRefusal, planMove, planOff } from "../domain/self-serve-policy.ts";
import type { Clock, PermissionStore, PolicyCall, SelfServePolicies } from "../ports.ts";
import type { Pursuit } from "./continue-change.ts";

export interface MovePolicyPorts {
  readonly store: PermissionStore;
  readonly policies: SelfServePolicies;
  readonly clock: Clock;
  readonly newId: () => string;
}

/** Moves in one go. A policy that somebody else writes too may need a second one, or a third. */
const mostMoves = 3;
/** After this no further move is made in this go: the caller, or the queue, is waiting. */
const goMilliseconds = 15_000;
const patienceMinutes = 15;

export function createMovePolicy({ store, policies, clock, newId }: MovePolicyPorts): Pursuit {
  return {
    patienceMilliseconds: patienceMinutes * 60_000,
    notConfirmed: `Partner Center has not confirmed the change within ${patienceMinutes} minutes.`,

    async pursue({ changeId, intent: { wish, alsoOff } }, attempts) {
      const { customerId, product, state } = wish;
      const newCall = (): PolicyCall => ({ requestId: newId(), correlationId: changeId });
      const until = clock.now().getTime() + goMilliseconds;
      for (let moves = 0; ; moves++) {
        const policy = await policies.read(customerId, newCall());
        const next = alsoOff ? planOff(policy, [product, alsoOff]) : planMove(policy, product, state);
        if (next.kind === "none") return { kind: "reached" };
        if (moves === mostMoves || clock.now().getTime() >= until) return { kind: "open" };
        // Whoever has overtaken this change waits for one write that is under way, not for one after another.
        if ((await store.findChange(customerId, changeId))?.intent === undefined) return { kind: "open" };
        const refusal = await perform(customerId, next, newCall());
        if (refusal !== undefined) {
          const { reason: code, message, partnerCenterCode: own } = refusal;
          return {
            kind: "refused",
            error: { code, message, ...(own === undefined ? {} : { partnerCenterCode: own }) },
          };
        }
        attempts.last = operationTypeOf[next.kind];
      }
    },
  };

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
}
