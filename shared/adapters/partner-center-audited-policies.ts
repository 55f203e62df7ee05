/**
 * The self-serve policies as Partner Center's audit records tell of them, for an application that calls alone: it may
 * not read a policy itself (403/900329). The newest record of a customer's policy says how the policy stands.
 * https://learn.microsoft.com/partner-center/developer/get-a-record-of-partner-center-activity-by-user
 *
 * Records are kept for 90 days only. A customer without one may have a policy that is older, or none.
 */

import { randomUUID } from "node:crypto";
import { dependencyUnavailable } from "../domain/refusal.ts";
import type { PolicyContent, PolicyPermission } from "../domain/self-serve-policy.ts";
import type { PolicyCall, PolicyWitness } from "../ports.ts";
import {
  type Answer,
  createAsk,
  isObject,
  type Json,
  noFrom,
  odd,
  type PartnerCenterOptions,
} from "./partner-center-calls.ts";

export interface AuditedPoliciesOptions extends PartnerCenterOptions {
  /** Of one look with all its pages. */
  readonly lookMilliseconds?: number;
}

const dayMilliseconds = 24 * 60 * 60 * 1000;
/** How many days ago a query begins and ends, the newest first. More than 30 days at once are refused. */
const spans = [
  { from: 29, to: undefined },
  { from: 59, to: 29 },
  { from: 89, to: 59 },
] as const;
const pageSize = 500;
/** Pages of one look. Partner Center may make them smaller than was asked for. */
const mostPages = 30;

export function createAuditedPolicies(options: AuditedPoliciesOptions): PolicyWitness {
  const ask = createAsk(options);
  const { lookMilliseconds = 20_000 } = options;

  return {
    // Not documented for these records; of orders Microsoft says that they show within 15 minutes.
    lagSeconds: 15 * 60,

    async read(customerId, call) {
      const until = Date.now() + lookMilliseconds;
      let pages = 0;
      for (const { from, to } of spans) {
        const query = new URLSearchParams({
          startDate: dateOf(from),
          ...(to === undefined ? {} : { endDate: dateOf(to) }),
          size: String(pageSize),
          filter: JSON.stringify({ Field: "CustomerId", Value: customerId, Operator: "equals" }),
        });
        const question = { method: "GET", path: `/v1/auditrecords?${query}` } as const;
        const found: PolicyRecord[] = [];
        let token: string | undefined;
        do {
          pages += 1;
          if (pages > mostPages || Date.now() >= until) throw tooMany(pages);
          const headers = token === undefined ? {} : { "MS-ContinuationToken": token };
          const answer = await ask({ ...question, headers }, pages === 1 ? call : anotherCall(call));
          if (answer.status !== 200) throw noFrom(answer);
          found.push(...policyRecordsIn(answer, customerId));
          token = nextTokenIn(answer, token);
        } while (token !== undefined);
        const newest = newestOf(found);
        if (newest !== undefined) return policyAfter(newest);
      }
      return "unknown";
    },
  };
}

interface PolicyRecord {
  /** Sorts by time, to the last decimal. */
  readonly at: string;
  readonly item: Json;
  readonly answer: Answer;
}

function anotherCall({ correlationId }: PolicyCall): PolicyCall {
  return { requestId: randomUUID(), correlationId };
}

function dateOf(daysAgo: number): string {
  return new Date(Date.now() - daysAgo * dayMilliseconds).toISOString().slice(0, 10);
}

/** @param sent the token of the page that this answer is; coming again it would go round for ever */
function nextTokenIn(answer: Answer, sent: string | undefined): string | undefined {
  const { continuationToken } = answer.body ?? {};
  if (continuationToken === undefined || continuationToken === null || continuationToken === "") return undefined;
  // It goes into a header.
  if (typeof continuationToken !== "string" || !/^[\x21-\x7e]+$/.test(continuationToken)) {
    throw odd(answer, "has a continuation token that is none");
  }
  if (continuationToken === sent) throw odd(answer, "continues with itself");
  return continuationToken;
}

function policyRecordsIn(answer: Answer, customerId: string): PolicyRecord[] {
  const { items } = answer.body ?? {};
  if (!Array.isArray(items) || !items.every(isObject)) throw odd(answer, "is no list of audit records");
  return items
    .filter((item) => isOf(item, customerId) && word(item.operationStatus) === "succeeded")
    .map((item) => ({ at: sortableTimeOf(item, answer), item, answer }));
}

/** Names are written in snake case, and were in Pascal case before. */
function isOf({ customerId, resourceType }: Json, wanted: string): boolean {
  return word(resourceType) === "selfservepolicy" && String(customerId).toLowerCase() === wanted;
}

function word(value: unknown): string {
  return String(value).toLowerCase().replaceAll("_", "");
}

/** UTC with seven decimals, of which `Date` knows three. */
function sortableTimeOf({ operationDate }: Json, answer: Answer): string {
  const [, time, decimals = ""] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z?$/.exec(String(operationDate)) ?? [];
  if (time === undefined) throw odd(answer, "has an audit record without its time");
  return `${time}.${decimals.padEnd(9, "0")}`;
}

/** @returns undefined when there was no policy any more */
function policyAfter({ item, answer }: PolicyRecord): PolicyContent | undefined {
  const operation = word(item.operationType);
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

function newestOf(records: readonly PolicyRecord[]): PolicyRecord | undefined {
  // Partner Center promises no order.
  const [newest, second] = records.toSorted((one, other) => other.at.localeCompare(one.at));
  // A page that was shifted by a new record may bring one of them again.
  if (newest !== undefined && newest.at === second?.at && newest.item.id !== second.item.id) {
    throw odd(newest.answer, "has two newest audit records");
  }
  return newest;
}

function unclear(answer: Answer): Error {
  return odd(answer, "has an audit record that does not say how the policy stands");
}

function tooMany(pages: number): Error {
  return dependencyUnavailable("Partner Center", {
    cause: new Error(`The audit records of one customer did not end with page ${pages - 1}.`),
  });
}
