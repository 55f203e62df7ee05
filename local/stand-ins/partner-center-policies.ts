/**
 * The self-serve policies: one per customer, with an etag, a history for the activity log, and a way to move one behind
 * the product's back, as somebody in the portal would. In a folder it survives a restart, as Partner Center does.
 */

import { randomUUID } from "node:crypto";
import { type AuditRecord, policyAuditRecord } from "./partner-center-audit.ts";
import { openJournal } from "./partner-center-journal.ts";

/** As it came: unknown resources and members are kept. */
export interface PolicyPermission {
  readonly resource: string;
  readonly action: string;
  readonly [other: string]: unknown;
}

export interface StoredPolicy {
  readonly customerId: string;
  /** With its quotes, as it travels. */
  readonly etag: string;
  readonly permissions: readonly PolicyPermission[];
}

export interface Actor {
  readonly userPrincipalName: string;
  readonly applicationId: string;
}

export interface Policies {
  /** The truth, at once. Undefined: nothing is permitted. */
  of(customerId: string): StoredPolicy | undefined;
  /** The names of what is permitted: `["AzureReservedInstances"]`; empty without a policy. */
  resources(customerId: string): readonly string[];
  /** Behind the product's back. A bare name stands for its purchase; an empty list removes the policy. */
  set(customerId: string, permissions: readonly (string | PolicyPermission)[]): StoredPolicy | undefined;
  /** @returns whether there was one */
  delete(customerId: string): boolean;
  all(): readonly StoredPolicy[];
}

export interface PolicyStore extends Policies {
  /** What a reader sees, who may be behind the truth. */
  seen(customerId: string): StoredPolicy | undefined;
  /** `undefined` removes. */
  write(customerId: string, permissions: readonly PolicyPermission[] | undefined, how: Write): StoredPolicy | undefined;
  /** Oldest first. */
  readonly audit: readonly AuditRecord[];
  addAudit(record: AuditRecord): void;
}

interface Write {
  readonly by: Actor;
  readonly correlationId: string;
  /** How long readers still see what was there before. */
  readonly lagMilliseconds: number;
}

export interface PolicyStoreOptions {
  readonly partnerTenantId: string;
  readonly customerName: (customerId: string) => string;
  /** Absent: kept in memory only. */
  readonly folder?: string | undefined;
}

/** An Admin Agent at work in the portal. */
export const portalActor: Actor = {
  userPrincipalName: "grace@partner.example",
  applicationId: "Partner Center Web",
};

export function makePolicy(customerId: string, permissions: readonly PolicyPermission[]): StoredPolicy {
  return { customerId, etag: `"${randomUUID()}"`, permissions };
}

export function openPolicies({ partnerTenantId, customerName, folder }: PolicyStoreOptions): PolicyStore {
  const policies = new Map<string, StoredPolicy>();
  /** What readers see until a moment in time, for those who are behind. */
  const outdated = new Map<string, { readonly policy: StoredPolicy | undefined; readonly until: number }>();
  const audit: AuditRecord[] = [];
  const journal = openJournal(folder, ({ customerId, policy, record }) => {
    if (policy) policies.set(customerId, policy);
    else if (policy === null) policies.delete(customerId);
    if (record !== undefined) audit.push(record);
  });

  function of(customerId: string): StoredPolicy | undefined {
    return policies.get(customerId.toLowerCase());
  }

  function seen(customerId: string): StoredPolicy | undefined {
    const old = outdated.get(customerId.toLowerCase());
    return old !== undefined && old.until > Date.now() ? old.policy : of(customerId);
  }

  function write(
    id: string,
    permissions: readonly PolicyPermission[] | undefined,
    how: Write,
  ): StoredPolicy | undefined {
    const customerId = id.toLowerCase();
    const before = of(customerId);
    const after = permissions && makePolicy(customerId, permissions);
    if (before === undefined && after === undefined) return undefined;
    const visible = seen(customerId);
    if (how.lagMilliseconds > 0) outdated.set(customerId, { policy: visible, until: Date.now() + how.lagMilliseconds });
    else outdated.delete(customerId);
    if (after === undefined) policies.delete(customerId);
    else policies.set(customerId, after);
    const { by, correlationId } = how;
    const record = policyAuditRecord({
      ...{ partnerTenantId, customerId, customerName: customerName(customerId) },
      ...{ before, after, by, correlationId, at: new Date(), serial: audit.length },
    });
    audit.push(record);
    journal.append({ customerId, policy: after ?? null, record });
    return after;
  }

  const behindTheBack = (): Write => ({ by: portalActor, correlationId: randomUUID(), lagMilliseconds: 0 });
  return {
    of,
    seen,
    write,
    audit,
    resources: (customerId) => of(customerId)?.permissions.map(({ resource }) => resource) ?? [],
    set(customerId, permissions) {
      const full = permissions.map((one) => (typeof one === "string" ? { resource: one, action: "Purchase" } : one));
      return write(customerId, full.length === 0 ? undefined : full, behindTheBack());
    },
    delete(customerId) {
      const existed = of(customerId) !== undefined;
      write(customerId, undefined, behindTheBack());
      return existed;
    },
    all: () => [...policies.values()],
    addAudit(record) {
      audit.push(record);
      journal.append({ customerId: record.customerId, record });
    },
  };
}
