/** Customers with names and a history, as storage would have them had the product been used for months. */

import { guidOf } from "../../local/stand-ins/guid.ts";
import { byDayRow } from "../../shared/adapters/by-day-row.ts";
import { customerRow } from "../../shared/adapters/customer-row.ts";
import { seenRow, verifiedRow } from "../../shared/adapters/profile-row.ts";
import { activityByDayTable, activityLogTable, onKeys, permissionsTable } from "../../shared/adapters/table-keys.ts";
import type { Activity } from "../../shared/domain/activity.ts";
import { grantChange } from "../../shared/domain/change.ts";
import type { Finding } from "../../shared/domain/drift.ts";
import type { ChangeId, CustomerId } from "../../shared/domain/identifiers.ts";
import {
  type Actor,
  isAnyOn,
  type PermissionState,
  type Product,
  untouchedCustomer,
} from "../../shared/domain/permission.ts";
import { logRow } from "../proof/scale/fleet.ts";
import { loadRows } from "../proof/scale/load.ts";

export interface Turned {
  readonly at: Date;
  readonly product: Product;
  readonly state: PermissionState;
  readonly by: string | Actor;
  readonly reason?: string;
}

export interface FleetMember {
  readonly customerId: string;
  readonly name: string;
  readonly domain: string;
  /** Oldest first. */
  readonly turned?: readonly Turned[];
  readonly findings?: readonly Pick<Finding, "code" | "product" | "byUserPrincipalName">[];
  readonly verifiedMinutesAgo?: number;
}

const minute = 60_000;
const day = 24 * 60 * minute;

export function daysAgo(days: number): Date {
  return new Date(Date.now() - days * day);
}

/** @returns the activities, of each member oldest first */
export async function writeFleet(connectionString: string, members: readonly FleetMember[]): Promise<Activity[]> {
  const now = Date.now();
  const lives = members.map((member) => lifeOf(member, now));
  const activities = lives.flatMap((life) => life.activities);
  await loadRows(
    connectionString,
    permissionsTable,
    lives.flatMap(({ rows }) => rows),
  );
  await loadRows(connectionString, activityLogTable, activities.map(logRow));
  await loadRows(connectionString, activityByDayTable, activities.map(byDayRow));
  return activities;
}

function lifeOf({ name, domain, turned = [], findings = [], verifiedMinutesAgo, ...member }: FleetMember, now: number) {
  const customerId = member.customerId as CustomerId;
  let record = untouchedCustomer(customerId);
  const activities = turned.map(({ at, by, ...wish }, index) => {
    const granted = grantChange(
      record,
      { customerId, ...wish, ...(wish.state === "On" ? { acknowledgedCharges: true } : {}) },
      {
        changeId: guidOf(`change ${index} of ${customerId}`) as ChangeId,
        by: typeof by === "string" ? userCalled(by) : by,
        at,
        requestId: guidOf(`request ${index} of ${customerId}`),
      },
    );
    record = granted.record;
    return granted.activity;
  });
  const since = new Date(now - 2 * day).toISOString();
  const found = findings.map((finding) => ({ ...finding, since, message: "As the comparison found it." }));
  const seen = seenRow({ customerId, name, domain, relationship: "reseller" }, new Date(now));
  return {
    activities,
    rows: [
      ...(turned.length + found.length === 0
        ? []
        : [customerRow(found.length === 0 ? record : { ...record, findings: found })]),
      ...(isAnyOn(record) ? [{ ...onKeys(customerId) }] : []),
      verifiedMinutesAgo === undefined
        ? seen
        : { ...seen, ...verifiedRow(customerId, new Date(now - verifiedMinutesAgo * minute)) },
    ],
  };
}

function userCalled(name: string): Actor {
  const tenantId = guidOf("the partner's tenant") as Actor["tenantId"];
  return { tenantId, objectId: guidOf(`user:${name}`), name, kind: "User" };
}
