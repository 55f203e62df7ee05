/**
 * Partner Center's activity log: one record for every change of a self-serve policy, whoever made it, in the shapes that
 * Microsoft documents. What `customizedData` holds for these records is documented nowhere; here it is empty.
 */

import type { StoredPolicy } from "./partner-center-policies.ts";
import { policyItem } from "./partner-center-shapes.ts";

export interface AuditRecord {
  readonly id: string;
  readonly partnerId: string;
  readonly customerId: string;
  readonly customerName: string;
  readonly userPrincipalName: string;
  readonly applicationId: string;
  readonly resourceType: string;
  /** JSON as a string, with PascalCase names. */
  readonly resourceOldValue: string | null;
  readonly resourceNewValue: string | null;
  readonly operationType: string;
  readonly originalCorrelationId: string;
  /** UTC, seven decimals. */
  readonly operationDate: string;
  readonly operationStatus: "succeeded" | "failed" | "progress" | "decline";
  readonly customizedData: readonly { readonly key: string; readonly value: string }[];
  readonly attributes: { readonly objectType: "AuditRecord" };
}

export interface PolicyChange {
  readonly partnerTenantId: string;
  readonly customerId: string;
  readonly customerName: string;
  readonly before: StoredPolicy | undefined;
  readonly after: StoredPolicy | undefined;
  readonly by: { readonly userPrincipalName: string; readonly applicationId: string };
  readonly correlationId: string;
  readonly at: Date;
  /** Tells two records of one millisecond apart. */
  readonly serial: number;
}

export function policyAuditRecord(change: PolicyChange): AuditRecord {
  const { partnerTenantId, customerId, customerName, before, after, by, correlationId, at, serial } = change;
  const verb = before === undefined ? "create" : after === undefined ? "delete" : "update";
  const operationType = `${verb}_self_serve_policy`;
  const resourceId = `${partnerTenantId}_${customerId}`;
  return {
    id: `${partnerTenantId}_${customerId}_${resourceId}_${operationType.replaceAll("_", "")}_${ticks(at) + BigInt(serial % 10_000)}`,
    partnerId: partnerTenantId,
    customerId,
    customerName,
    userPrincipalName: by.userPrincipalName,
    applicationId: by.applicationId,
    resourceType: "self_serve_policy",
    resourceOldValue: asValue(before, partnerTenantId),
    resourceNewValue: asValue(after, partnerTenantId),
    operationType,
    originalCorrelationId: correlationId,
    operationDate: at.toISOString().replace("Z", "0000Z"),
    operationStatus: "succeeded",
    customizedData: [],
    attributes: { objectType: "AuditRecord" },
  };
}

export type AuditFilter = (record: AuditRecord) => boolean;

/** The filter of the query; `undefined` for one that Partner Center does not know. */
export function parseAuditFilter(text: string | null): AuditFilter | undefined {
  if (text === null || text === "") return () => true;
  let filter: unknown;
  try {
    filter = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof filter !== "object" || filter === null) return undefined;
  const { Field, Value, Operator } = filter as { Field?: unknown; Value?: unknown; Operator?: unknown };
  if (typeof Value !== "string") return undefined;
  const value = Value.toLowerCase();
  switch (`${String(Field)} ${String(Operator)}`.toLowerCase()) {
    case "customerid equals":
      return ({ customerId }) => customerId === value;
    case "companyname substring":
      return ({ customerName }) => customerName.toLowerCase().includes(value);
    case "resourcetype equals":
      // "SelfServePolicy" as the old SDK sends it, or the name on the wire.
      return ({ resourceType }) => resourceType.replaceAll("_", "") === value.replaceAll("_", "");
    default:
      return undefined;
  }
}

function asValue(policy: StoredPolicy | undefined, partnerTenantId: string): string | null {
  return policy === undefined ? null : JSON.stringify(pascalCase(policyItem(policy, partnerTenantId)));
}

function pascalCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(pascalCase);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name.replace(/^./, (first) => first.toUpperCase()),
      pascalCase(inner),
    ]),
  );
}

/** .NET's: 100 ns since the year 1. */
function ticks(at: Date): bigint {
  return BigInt(at.getTime()) * 10_000n + 621_355_968_000_000_000n;
}
