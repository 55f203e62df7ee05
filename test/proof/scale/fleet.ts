/**
 * A partner's customers and their history, made by the product's own rules from a seed: of fifty customers one was
 * ever switched, with a long history, and of those three in ten are On. What is written are the product's own rows.
 */

import { activityColumns } from "../../../shared/adapters/activity-row.ts";
import { changeRow } from "../../../shared/adapters/change-row.ts";
import { customerRow } from "../../../shared/adapters/customer-row.ts";
import { seenRow } from "../../../shared/adapters/profile-row.ts";
import { bucketOf, logKeys, onKeys, type RowKeys } from "../../../shared/adapters/table-keys.ts";
import type { Activity } from "../../../shared/domain/activity.ts";
import { type Change, grantChange } from "../../../shared/domain/change.ts";
import type { CustomerId } from "../../../shared/domain/identifiers.ts";
import {
  type CustomerRecord,
  isAnyOn,
  type PermissionState,
  products,
  untouchedCustomer,
} from "../../../shared/domain/permission.ts";
import { ada } from "../../fakes/facts.ts";

export interface Fleet {
  /** In the order of the list: by bucket, then by id. */
  readonly customerIds: readonly CustomerId[];
  /** Of those that were ever switched, in the same order. */
  readonly records: readonly CustomerRecord[];
  readonly changes: readonly { readonly customerId: CustomerId; readonly change: Change }[];
  /** Of each customer in order. */
  readonly activities: readonly Activity[];
}

export interface FleetOptions {
  readonly customers: number;
  readonly activities: number;
  readonly seed: number;
  readonly now: Date;
  /** How many of 100 customers were ever switched. */
  readonly switched?: number;
  /** How many of 100 of those end as On. */
  readonly on?: number;
}

export const dayMilliseconds = 24 * 60 * 60 * 1000;
/** Over so many days the history goes back. */
export const historyDays = 400;
/** Answers of changes are kept for 30 days; this many older ones are there to be purged, however large the fleet. */
export const oldChanges = 40;

export function makeFleet({ customers, activities, seed, now, switched = 2, on = 30 }: FleetOptions): Fleet {
  const random = randomFrom(seed);
  const guid = <Id extends string>() => guidFrom(random) as Id;
  const customerIds = Array.from({ length: customers }, () => guid<CustomerId>())
    .map((customerId) => ({ customerId, place: bucketOf(customerId) + customerId }))
    .sort((one, other) => (one.place < other.place ? -1 : 1))
    .map(({ customerId }) => customerId);
  const records: CustomerRecord[] = [];
  const changes: { customerId: CustomerId; change: Change }[] = [];
  const log: Activity[] = [];
  const withRecord = customerIds.filter((_, index) => (index * switched) % 100 < switched);
  const each = Math.max(1, Math.floor(activities / withRecord.length));
  for (const [index, customerId] of withRecord.entries()) {
    const state: PermissionState = (index * on) % 100 < on ? "On" : "Off";
    const times = Array.from({ length: each }, () => Math.floor(random() * historyDays * dayMilliseconds)).sort(
      (one, other) => other - one,
    );
    let record = untouchedCustomer(customerId);
    for (const [place, ago] of times.entries()) {
      const left = each - 1 - place;
      const isLast = left < products.length;
      const granted = grantChange(
        record,
        {
          customerId,
          product: products[left % products.length] ?? products[0],
          state: isLast ? (left === 0 ? state : "Off") : left % 4 < 2 ? "On" : "Off",
          reason: "Asked for by mail",
        },
        { changeId: guid(), by: ada, at: new Date(now.getTime() - ago), requestId: guid(), correlationId: guid() },
      );
      record = granted.record;
      log.push(granted.activity);
      if (ago < 29 * dayMilliseconds) changes.push({ customerId, change: granted.created });
      const old = left === 0 ? Math.max(0, Math.ceil((oldChanges - index) / withRecord.length)) : 0;
      for (let count = 0; count < old; count++) {
        const at = new Date(now.getTime() - 31 * dayMilliseconds).toISOString();
        changes.push({ customerId, change: { ...granted.created, changeId: guid(), at } });
      }
    }
    records.push(record);
  }
  return { customerIds, records, changes, activities: log };
}

export type FleetRow = RowKeys & Record<string, unknown>;

export function permissionRows({ customerIds, records, changes }: Fleet, now: Date): FleetRow[] {
  return [
    ...customerIds.map((customerId, index) => {
      const number = String(index + 1).padStart(7, "0");
      const who = {
        customerId,
        name: `Customer ${number}`,
        domain: `customer${number}.example`,
        relationship: "reseller",
      };
      return seenRow(who, now);
    }),
    ...records.map(customerRow),
    ...records.filter(isAnyOn).map(({ customerId }) => ({ ...onKeys(customerId) })),
    ...changes.map(({ customerId, change }) => changeRow(customerId, change)),
  ];
}

export function logRow(activity: Activity): FleetRow {
  return { ...logKeys(activity), ...activityColumns(activity) };
}

/** mulberry32: small, and the same numbers everywhere. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function guidFrom(random: () => number): string {
  const hex = (digits: number) =>
    Math.floor(random() * 16 ** digits)
      .toString(16)
      .padStart(digits, "0");
  return `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(6)}${hex(6)}`;
}
