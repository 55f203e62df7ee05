/**
 * Compares one customer's record with the policy in Partner Center and with what Azure says, and writes down what is new:
 * each piece of news is one commit under the version of the record that it was judged by.
 *
 * What the list says may be old. So it decides only that all is well; before anything is reported the record is read, and
 * the policy after it: a change that comes in between makes the commit a conflict.
 */

import type { Occasion } from "../domain/change.ts";
import {
  type DriftFacts,
  type DriftNews,
  driftOf,
  type Finding,
  newsOf,
  reportDrift,
  toTurnOff,
  wasTurned,
} from "../domain/drift.ts";
import type { ChangeId, CustomerId } from "../domain/identifiers.ts";
import { PartnerCenterRefusal } from "../domain/partner-center-refusal.ts";
import { type CustomerRecord, products } from "../domain/permission.ts";
import { stateIn } from "../domain/self-serve-policy.ts";
import type {
  ActivityQueue,
  AuditTrail,
  Clock,
  PartnerCenterCall,
  PermissionStore,
  PolicyWitness,
  Telemetry,
} from "../ports.ts";
import type { CheckEligibility } from "./check-eligibility.ts";
import type { SetPermission } from "./set-permission.ts";

/**
 * @param listed the record as a list had it
 * @throws PartnerCenterRefusal or Refusal when it cannot be told
 */
export type CompareCustomer = (listed: CustomerRecord) => Promise<Comparison>;

export interface Comparison {
  /** Record and policy were compared, and what was found is written down. */
  readonly isVerified: boolean;
  /** New ones. */
  readonly findings: number;
}

export interface CompareCustomerPorts {
  readonly store: PermissionStore;
  readonly policies: PolicyWitness;
  readonly checkEligibility: CheckEligibility;
  readonly setPermission: SetPermission;
  /** Absent: who moved a policy is not asked for. */
  readonly audit?: AuditTrail;
  readonly queue: ActivityQueue;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  readonly newId: () => ChangeId;
}

export interface CompareCustomerOptions {
  readonly action: "report" | "turnOff";
  /** This service itself. */
  readonly by: Occasion["by"];
}

/** Commits that did not come through, before the customer is left for the next round. */
const mostConflicts = 2;

export function createCompareCustomer(
  ports: CompareCustomerPorts,
  { action, by }: CompareCustomerOptions,
): CompareCustomer {
  const { store, telemetry, newId } = ports;

  return async (listed) => {
    const { customerId } = listed;
    if (listed.unfinished !== undefined) return { isVerified: false, findings: 0 };
    const facts = await look(customerId);
    if (facts === "unknown") return { isVerified: false, findings: 0 };
    const isQuiet = newsOf(listed, driftOf(listed, facts)).length === 0;
    if (isQuiet && (action === "report" || toTurnOff(listed, facts).length === 0))
      return { isVerified: true, findings: 0 };
    return write(customerId, facts);
  };

  /** What Azure says is asked for only where something can be bought. */
  async function look(customerId: CustomerId): Promise<DriftFacts | "unknown"> {
    const policy = await readPolicy(customerId);
    if (policy === "unknown") return policy;
    const isAnyOn = policy !== "NoRelationship" && products.some((product) => stateIn(policy, product) === "On");
    if (!isAnyOn) return { policy };
    return { policy, eligibility: (await ports.checkEligibility({ customerId })).eligibility };
  }

  async function readPolicy(customerId: CustomerId): Promise<DriftFacts["policy"] | "unknown"> {
    try {
      return await ports.policies.read(customerId, newCall());
    } catch (error) {
      if (error instanceof PartnerCenterRefusal && error.reason === "NoRelationship") return "NoRelationship";
      throw error;
    }
  }

  /** One piece of news after the other, each judged by record and policy as they are then. */
  async function write(customerId: CustomerId, { eligibility }: DriftFacts): Promise<Comparison> {
    let findings = 0;
    for (let conflicts = 0; conflicts < mostConflicts; ) {
      const stored = await store.readCustomer(customerId);
      if (stored.record.unfinished !== undefined) break;
      const policy = await readPolicy(customerId);
      if (policy === "unknown") break;
      const facts: DriftFacts = { policy, ...(eligibility === undefined ? {} : { eligibility }) };
      const [news] = newsOf(stored.record, driftOf(stored.record, facts));
      if (news === undefined) {
        if (action === "turnOff") await turnOff(stored.record, facts);
        return { isVerified: true, findings };
      }

      const { requestId, correlationId } = newCall();
      const who = wasTurned(news) ? await whoTurned(stored.record, news) : undefined;
      const occasion = { changeId: newId(), by, at: ports.clock.now(), requestId, correlationId };
      const reported = reportDrift(stored.record, facts, news, occasion, who);
      if ((await store.commit(stored, reported)) !== "committed") {
        conflicts += 1;
        continue;
      }
      if (news.status === "Open") findings += 1;
      const { code, product } = news;
      telemetry.event(news.status === "Open" ? "DriftDetected" : "DriftClosed", { customerId, product, code });
      await ports.queue.push(reported.activity).catch((cause: unknown) => {
        telemetry.warning("An activity could not be queued; the sweep will log it.", cause);
      });
    }
    return { isVerified: false, findings };
  }

  /** Only a change after the last one of ours can be the one that was found: the audit records come late. */
  async function whoTurned({ customerId, switches }: CustomerRecord, { product }: DriftNews) {
    const last = await ports.audit?.lastChangeOf(customerId, newCall()).catch((cause: unknown) => {
      telemetry.warning("Partner Center's audit records could not be read; a finding has no name.", cause);
      return undefined;
    });
    const { changedAt } = switches[product];
    return last !== undefined && (changedAt === null || last.at > new Date(changedAt))
      ? last.userPrincipalName
      : undefined;
  }

  async function turnOff(record: CustomerRecord, facts: DriftFacts): Promise<void> {
    const { customerId } = record;
    for (const { product, codes } of toTurnOff(record, facts)) {
      const { requestId, correlationId } = newCall();
      const wish = { customerId, product, state: "Off", reason: reasonOf(codes) } as const;
      await ports.setPermission({ ...wish, by, requestId, correlationId }).catch((cause: unknown) => {
        telemetry.warning("A permission that drifted could not be turned Off; the next round tries again.", cause);
      });
    }
  }

  function newCall(): PartnerCenterCall {
    return { requestId: newId(), correlationId: newId() };
  }
}

function reasonOf(codes: readonly Finding["code"][]): string {
  return `Turned Off by DRIFT_ACTION: ${codes.join(", ")}.`;
}
