/**
 * The self-serve policies as Partner Center's audit records tell of them, for an application that calls alone: it may
 * not read a policy itself (403/900329). The newest record of a customer's policy says how the policy stands. A customer
 * without one in the 90 days that are kept may have a policy that is older, or none.
 */

import { dependencyUnavailable } from "../domain/refusal.ts";
import type { PolicyContent, PolicyPermission } from "../domain/self-serve-policy.ts";
import type { PolicyWitness } from "../ports.ts";
import { createPolicyRecords, newestOf, type PolicyRecord, wordOf } from "./partner-center-audit-records.ts";
import { type Answer, isObject, odd, type PartnerCenterOptions } from "./partner-center-calls.ts";

export interface AuditedPoliciesOptions extends PartnerCenterOptions {
  /** Of one look with all its pages. */
  readonly lookMilliseconds?: number;
}

/** The newest first. A day at the border is part of both: nobody says whether the last day of a query is. */
const spans = [{ from: 29 }, { from: 59, to: 29 }, { from: 89, to: 59 }];
const mostPages = 30;

export function createAuditedPolicies(options: AuditedPoliciesOptions): PolicyWitness {
  const lookAt = createPolicyRecords(options);
  const { lookMilliseconds = 20_000 } = options;

  return {
    // Not documented for these records; of orders Microsoft says that they show within 15 minutes.
    lagSeconds: 15 * 60,

    async read(customerId, call) {
      const limits = { pages: mostPages, milliseconds: lookMilliseconds, ofOthers: "passOver" } as const;
      const look = lookAt(customerId, call, limits);
      for (const days of spans) {
        const newest = newestOf((await look(days)) ?? tooMany());
        if (newest !== undefined) return policyAfter(newest);
      }
      return "unknown";
    },
  };
}

/** @returns undefined when there was no policy any more */
function policyAfter({ item, answer }: PolicyRecord): PolicyContent | undefined {
  const operation = wordOf(item.operationType);
  if (operation === "deleteselfservepolicy") return undefined;
  const isKnown = operation === "createselfservepolicy" || operation === "updateselfservepolicy";
  const permissions = member(parsed(item.resourceNewValue), "permissions");
  if (!isKnown || !Array.isArray(permissions)) throw unclear(answer);
  return { permissions: permissions.map((permission) => permissionOf(permission, answer)) };
}

function permissionOf(value: unknown, answer: Answer): PolicyPermission {
  const resource = member(value, "resource");
  const action = member(value, "action");
  if (typeof resource !== "string" || typeof action !== "string") throw unclear(answer);
  return { resource, action };
}

/** JSON as a string, with names in Pascal case. */
function parsed(text: unknown): unknown {
  try {
    return typeof text === "string" ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}

function member(value: unknown, name: string): unknown {
  return isObject(value) ? Object.entries(value).find(([key]) => key.toLowerCase() === name)?.[1] : undefined;
}

function unclear(answer: Answer): Error {
  return odd(answer, "has an audit record that does not say how the policy stands");
}

function tooMany(): never {
  throw dependencyUnavailable("Partner Center", {
    cause: new Error("The audit records of one customer did not end in time."),
  });
}
