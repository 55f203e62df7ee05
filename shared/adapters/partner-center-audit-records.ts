/**
 * Partner Center's audit records of one customer's self-serve policy. They come minutes late, in no order that is
 * promised, and are kept for 90 days.
 * https://learn.microsoft.com/partner-center/developer/get-a-record-of-partner-center-activity-by-user
 */

import { randomUUID } from "node:crypto";
import type { CustomerId } from "../domain/identifiers.ts";
import type { PartnerCenterCall } from "../ports.ts";
import {
  type Answer,
  createAsk,
  isObject,
  type Json,
  noFrom,
  odd,
  type PartnerCenterOptions,
} from "./partner-center-calls.ts";
import { continuationToken, pageOf } from "./partner-center-paging.ts";

/** That a change of the policy succeeded. */
export interface PolicyRecord {
  /** RFC 3339 UTC with nine decimals, so it sorts by time. */
  readonly at: string;
  readonly item: Json;
  readonly answer: Answer;
}

/** Whole days, counted back from today. Partner Center refuses more than 30 at once. */
export interface DaysAgo {
  readonly from: number;
  /** Absent: up to now. */
  readonly to?: number;
}

/** What one look may cost, all its spans together. */
export interface LookLimits {
  /** Partner Center may make them smaller than is asked for. */
  readonly pages: number;
  readonly milliseconds: number;
  /** What becomes of other customers' records, if Partner Center does not keep to the filter. */
  readonly ofOthers: "passOver" | "refuse";
}

/**
 * One look at one span of days.
 *
 * @returns the records in any order, or undefined when they did not end within the limits: then none is surely the last
 */
type Look = (days: DaysAgo) => Promise<readonly PolicyRecord[] | undefined>;

const dayMilliseconds = 24 * 60 * 60 * 1000;
const pageSize = 500;

/** @returns what begins a look, one after another for as many spans as its caller wants */
export function createPolicyRecords(options: PartnerCenterOptions) {
  const ask = createAsk(options);

  return function lookAt(customerId: CustomerId, call: PartnerCenterCall, limits: LookLimits): Look {
    const until = Date.now() + limits.milliseconds;
    const deadline = AbortSignal.timeout(limits.milliseconds);
    let pages = 0;

    return async ({ from, to }) => {
      const query = new URLSearchParams({
        startDate: dateOf(from),
        ...(to === undefined ? {} : { endDate: dateOf(to) }),
        size: String(pageSize),
        filter: JSON.stringify({ Field: "CustomerId", Value: customerId, Operator: "equals" }),
      });
      const found: PolicyRecord[] = [];
      let token: string | undefined;
      do {
        if (pages === limits.pages || Date.now() >= until) return undefined;
        // Under the same id it would be the same answer.
        const { correlationId } = call;
        const ids = pages === 0 ? call : { requestId: randomUUID(), correlationId };
        pages += 1;
        const answer = await ask(pageOf(`/v1/auditrecords?${query}`, token), ids, deadline);
        if (answer.status !== 200) throw noFrom(answer);
        found.push(...recordsIn(answer, customerId, limits));
        const next = answer.body?.continuationToken ?? "";
        token = next === "" ? undefined : continuationToken(next, answer, token);
      } while (token !== undefined);
      return found;
    };
  };
}

/** @returns undefined when there is no record at all */
export function newestOf(records: readonly PolicyRecord[]): PolicyRecord | undefined {
  const [newest, second] = records.toSorted((one, other) => other.at.localeCompare(one.at));
  // A page that was shifted by a new record may bring one of them again.
  if (newest !== undefined && newest.at === second?.at && newest.item.id !== second.item.id) {
    throw odd(newest.answer, "has two newest audit records");
  }
  return newest;
}

/** Names are written in snake case, and were in Pascal case before. */
export function wordOf(value: unknown): string {
  return String(value).toLowerCase().replaceAll("_", "");
}

function recordsIn(answer: Answer, customerId: CustomerId, { ofOthers }: LookLimits): PolicyRecord[] {
  const { items } = answer.body ?? {};
  if (!Array.isArray(items) || !items.every(isObject)) throw odd(answer, "is no list of audit records");
  const own = items.filter((item) => String(item.customerId).toLowerCase() === customerId);
  if (ofOthers === "refuse" && own.length < items.length) throw odd(answer, "has a record of another customer");
  return own
    .filter((item) => wordOf(item.resourceType) === "selfservepolicy" && wordOf(item.operationStatus) === "succeeded")
    .map((item) => ({ at: timeOf(item, answer), item, answer }));
}

/** UTC with seven decimals, of which `Date` knows three. */
function timeOf({ operationDate }: Json, answer: Answer): string {
  const [, time, decimals = ""] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z?$/.exec(String(operationDate)) ?? [];
  if (time === undefined || Number.isNaN(Date.parse(`${time}Z`)))
    throw odd(answer, "has an audit record without its time");
  return `${time}.${decimals.padEnd(9, "0")}Z`;
}

function dateOf(daysAgo: number): string {
  return new Date(Date.now() - daysAgo * dayMilliseconds).toISOString().slice(0, 10);
}
