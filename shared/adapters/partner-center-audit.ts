/**
 * Partner Center's activity log, asked for who changed a customer's policy last. Records come minutes late, in no order
 * that is documented; https://learn.microsoft.com/partner-center/developer/get-a-record-of-partner-center-activity-by-user
 */

import type { CustomerId } from "../domain/identifiers.ts";
import type { AuditTrail, Clock, PolicyCall } from "../ports.ts";
import { type Answer, createAsk, isObject, noFrom, odd, type PartnerCenterOptions } from "./partner-center-calls.ts";

/** One query spans 30 days at most, and a day without a time counts as a whole one at both ends. */
const daysBack = 29;
const pageSize = 500;
/** A customer with more records than these in a month is not searched on: without all of them none is surely the last. */
const mostPages = 4;
const longestName = 256;

/** @param options.applicationId ours: what it did itself was not done outside */
export function createPartnerCenterAudit(
  options: PartnerCenterOptions & { readonly applicationId: string; readonly clock: Pick<Clock, "now"> },
): AuditTrail {
  const ask = createAsk(options);
  const { applicationId, clock } = options;

  return {
    async lastChangeOf(customerId, call) {
      const changes = await changesOf(customerId, call);
      const [first, ...others] = changes ?? [];
      if (first === undefined) return undefined;
      const last = others.reduce((one, other) => (other.at > one.at ? other : one), first);
      // Our own is the newest: what was found is not in the log yet, and an older record would name somebody else.
      if (last.applicationId === applicationId.toLowerCase()) return undefined;
      const { at, userPrincipalName } = last;
      return { at, ...(userPrincipalName === "" ? {} : { userPrincipalName }) };
    },
  };

  /** @returns the changes of the policy in any order, or undefined when there are too many records to see them all */
  async function changesOf(customerId: CustomerId, call: PolicyCall): Promise<readonly Change[] | undefined> {
    const query = new URLSearchParams({
      startDate: new Date(clock.now().getTime() - daysBack * 24 * 60 * 60_000).toISOString().slice(0, 10),
      size: String(pageSize),
      filter: JSON.stringify({ Field: "CustomerId", Value: customerId, Operator: "equals" }),
    });
    const changes: Change[] = [];
    let token: string | undefined;
    for (let page = 1; page <= mostPages; page++) {
      if (token !== undefined) query.set("seekOperation", "Next");
      const headers: Record<string, string> = token === undefined ? {} : { "MS-ContinuationToken": token };
      const answer = await ask({ method: "GET", path: `/v1/auditrecords?${query}`, headers }, call);
      if (answer.status !== 200) throw noFrom(answer);
      const { items, continuationToken } = answer.body ?? {};
      if (!Array.isArray(items)) throw odd(answer, "is no collection of records");
      changes.push(...items.flatMap((item) => changeOf(item, answer, customerId)));
      token = tokenOf(continuationToken, answer);
      if (token === undefined) return changes;
    }
    return undefined;
  }
}

interface Change {
  readonly at: Date;
  readonly applicationId: string;
  /** Empty: there is none. */
  readonly userPrincipalName: string;
}

/** Records of other kinds, and of what did not succeed, say nothing of the policy. */
function changeOf(item: unknown, answer: Answer, customerId: CustomerId): Change[] {
  if (!isObject(item)) throw odd(answer, "has a record that is none");
  const { resourceType, operationStatus, operationDate, applicationId, userPrincipalName } = item;
  if (String(item.customerId).toLowerCase() !== customerId) throw odd(answer, "has a record of another customer");
  if (String(resourceType).replaceAll("_", "").toLowerCase() !== "selfservepolicy") return [];
  if (String(operationStatus).toLowerCase() !== "succeeded") return [];
  const at = new Date(String(operationDate));
  if (Number.isNaN(at.getTime())) throw odd(answer, "has a record without a time");
  return [{ at, applicationId: String(applicationId).toLowerCase(), userPrincipalName: nameFrom(userPrincipalName) }];
}

/** Text of others: bounded, on one line, and never looked into. */
function nameFrom(value: unknown): string {
  if (typeof value !== "string") return "";
  return value
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, "")
    .trim()
    .slice(0, longestName)
    .toWellFormed();
}

function tokenOf(value: unknown, answer: Answer): string | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  // It goes into a header.
  if (typeof value === "string" && /^[\x21-\x7e]{1,4096}$/.test(value)) return value;
  throw odd(answer, "has a token that is none");
}
