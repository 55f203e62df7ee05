/**
 * Watches whether an operator has moved the switch in Partner Center's portal: one look in each go, and not
 * a single write.
 */

import { stateIn } from "../domain/self-serve-policy.ts";
import type { Clock, PolicyWitness } from "../ports.ts";
import type { Pursuit } from "./continue-change.ts";

export interface WatchPolicyPorts {
  readonly policies: PolicyWitness;
  readonly clock: Clock;
  readonly newId: () => string;
}

/** @param hours how long the operator has got */
export function createWatchPolicy({ policies, clock, newId }: WatchPolicyPorts, hours: number): Pursuit {
  const lagMilliseconds = (policies.lagSeconds ?? 0) * 1000;
  return {
    // What is done in the last minute counts, even if the witness hears of it later.
    patienceMilliseconds: hours * 60 * 60 * 1000 + lagMilliseconds,
    notConfirmed: `Nobody has moved the switch in Partner Center within ${hours} ${hours === 1 ? "hour" : "hours"}, or we could not see it.`,

    async pursue({ changeId, permission, intent: { wish, notBefore, alsoOff } }) {
      const { customerId, product, state } = wish;
      // The operator may just have done what the overtaken change had asked for, and nobody has heard of it yet.
      const isTooEarly = notBefore !== undefined && clock.now().getTime() < Date.parse(notBefore) + lagMilliseconds;
      if (isTooEarly) return { kind: "open" };
      const policy = await policies.read(customerId, { requestId: newId(), correlationId: changeId });
      // A switch of which nothing is heard stands as it stood. That is enough for one that was Off, and never for On.
      const isReached =
        policy === "unknown"
          ? state === "Off" && permission.state === "Off"
          : stateIn(policy, product) === state && (alsoOff === undefined || stateIn(policy, alsoOff) === "Off");
      return { kind: isReached ? "reached" : "open" };
    },
  };
}
