/**
 * A customer's permission: one record with two switches, because Partner Center keeps one self-serve
 * policy per customer that holds both. Off is the default, so a customer never touched needs no record.
 */

import type { Finding } from "./drift.ts";
import type { ChangeId, CustomerId } from "./identifiers.ts";

export const products = ["azureReservations", "azureSavingsPlans"] as const;
export type Product = (typeof products)[number];

export const permissionStates = ["On", "Off"] as const;
export type PermissionState = (typeof permissionStates)[number];

export const actorKinds = ["User", "Application"] as const;

/** Who made a change: a user or an application of the partner's tenant. The name is for people, never for decisions. */
export interface Actor {
  readonly tenantId: string;
  readonly objectId: string;
  readonly name?: string;
  readonly kind: (typeof actorKinds)[number];
}

/** One of the two switches, with who moved it last, when (RFC 3339 UTC) and why. */
export interface Switch {
  readonly state: PermissionState;
  readonly changedAt: string | null;
  readonly changedBy: Actor | null;
  readonly reason?: string;
  readonly changeId: ChangeId | null;
}

/** A switch and whose it is. */
export interface Permission extends Switch {
  readonly customerId: CustomerId;
  readonly product: Product;
}

/** A change that was accepted and that Partner Center has not confirmed yet. */
export interface UnfinishedChange {
  readonly changeId: ChangeId;
  readonly product: Product;
  /** What the switch is to become. */
  readonly state: PermissionState;
  /** When it was accepted. */
  readonly since: string;
}

/** A switch as callers see it: how it stands, and what it may become at any moment. */
export interface ShownPermission extends Permission {
  readonly pending?: Omit<UnfinishedChange, "product">;
}

/** The state of record of one customer, and the end of the customer's activity chain. */
export interface CustomerRecord {
  readonly customerId: CustomerId;
  readonly switches: Readonly<Record<Product, Switch>>;
  /** How many activities the customer has; the next one is `sequence + 1`. */
  readonly sequence: number;
  /** Hash of the newest activity, 64 zeros before the first one. */
  readonly headHash: string;
  /** When the newest activity happened. */
  readonly headAt: string | null;
  /** At most one at a time: Partner Center keeps both switches in one policy. */
  readonly unfinished?: UnfinishedChange;
  /** What is not as the record says, and that nobody has decided about yet. Absent: nothing. */
  readonly findings?: readonly Finding[];
}

const untouched: Switch = { state: "Off", changedAt: null, changedBy: null, changeId: null };

/** @returns the record of a customer that was never switched: both Off, no activity. */
export function untouchedCustomer(customerId: CustomerId): CustomerRecord {
  return {
    customerId,
    switches: { azureReservations: untouched, azureSavingsPlans: untouched },
    sequence: 0,
    headHash: "0".repeat(64),
    headAt: null,
  };
}

/** @returns one switch of the record, whatever may be under way. */
export function permissionOf(record: CustomerRecord, product: Product): Permission {
  return { customerId: record.customerId, product, ...record.switches[product] };
}

/** @returns both switches of the record as callers see them, in the order of {@link products}. */
export function shownPermissionsOf(record: CustomerRecord): ShownPermission[] {
  return products.map((product) => {
    const permission = permissionOf(record, product);
    if (record.unfinished?.product !== product) return permission;
    const { product: _, ...pending } = record.unfinished;
    return { ...permission, pending };
  });
}

export function isAnyOn({ switches }: CustomerRecord): boolean {
  return products.some((product) => switches[product].state === "On");
}
