/**
 * How many customers had a permission On, day by day: told from how the switches stand now and from what the log says
 * that turned them, walking back.
 *
 * A switch is turned by an activity that succeeded, and by nothing else: one that failed or that detected something
 * leaves the record's switches alone. One that succeeded may find the switch as it wishes, where Partner Center had to
 * be brought in line with it: before that one it was the same.
 */

import { type Activity, operationOf } from "./activity.ts";
import type { CustomerId } from "./identifiers.ts";
import { type CustomerRecord, type PermissionState, type Product, permissionStates, products } from "./permission.ts";

/** A day (UTC), such as 2026-11-23. */
export type UtcDate = string & { readonly utcDate?: never };

/** What an activity did to a switch. */
export interface Turn {
  readonly customerId: CustomerId;
  readonly product: Product;
  readonly sequence: number;
  readonly state: PermissionState;
  /** The switch was so already. */
  readonly isAgain: boolean;
}

/** Numbers of the end of a day; of today: as it is now. */
export interface FleetDay {
  readonly date: UtcDate;
  /** With any permission On. */
  readonly customersOn: number;
  readonly on: Readonly<Record<Product, number>>;
  /** Switches that were turned in the course of the day. */
  readonly turnedOn: number;
  readonly turnedOff: number;
}

/** What a day's activities come to; of each switch only the first and the last one count. */
export interface DayOfTurns {
  readonly turned: Record<PermissionState, number>;
  readonly switches: Map<string, { first: Turn; last: Turn }>;
}

/** @returns undefined when it turned nothing */
export function turnOf({
  customerId,
  product,
  sequence,
  operation,
  result,
  realigned = false,
}: Activity): Turn | undefined {
  const state = permissionStates.find((each) => operationOf[each] === operation);
  return result === "Succeeded" && state !== undefined
    ? { customerId, product, sequence, state, isAgain: realigned }
    : undefined;
}

export function utcDateOf(time: Date): UtcDate {
  return time.toISOString().slice(0, 10);
}

/** @returns so many days up to that of this time, the newest first */
export function lastDates(now: Date, days: number): UtcDate[] {
  return Array.from({ length: days }, (_, ago) => daysFrom(now, -ago));
}

/** Of this day may be what was written by an instance whose clock is ahead. */
export function dateAfter(now: Date): UtcDate {
  return daysFrom(now, 1);
}

function daysFrom(time: Date, days: number): UtcDate {
  return utcDateOf(new Date(Date.UTC(time.getUTCFullYear(), time.getUTCMonth(), time.getUTCDate() + days)));
}

export function dayOfTurns(): DayOfTurns {
  return { turned: { On: 0, Off: 0 }, switches: new Map() };
}

/** In any order, but each turn once. */
export function addTurn({ turned, switches }: DayOfTurns, turn: Turn): void {
  if (!turn.isAgain) turned[turn.state] += 1;
  const key = `${turn.product}|${turn.customerId}`;
  const known = switches.get(key);
  if (known === undefined) switches.set(key, { first: turn, last: turn });
  else if (turn.sequence < known.first.sequence) known.first = turn;
  else if (turn.sequence > known.last.sequence) known.last = turn;
}

export interface FleetWalk {
  /** How a customer stands now: before the first day. */
  begin(record: CustomerRecord): void;
  /** One day further back than the day before. */
  back(date: UtcDate, day: DayOfTurns): FleetDay;
}

/** Where the log is newer than a record that was read before it, the log is right. */
export function walkBack(): FleetWalk {
  const on: Readonly<Record<Product, Set<CustomerId>>> = { azureReservations: new Set(), azureSavingsPlans: new Set() };
  let customersOn = 0;

  return {
    begin({ customerId, switches }) {
      for (const product of products) put(product, customerId, switches[product].state === "On");
    },

    back(date, { turned, switches }) {
      for (const { last } of switches.values()) put(last.product, last.customerId, last.state === "On");
      const { azureReservations, azureSavingsPlans } = on;
      const day = {
        ...{ date, customersOn },
        on: { azureReservations: azureReservations.size, azureSavingsPlans: azureSavingsPlans.size },
        ...{ turnedOn: turned.On, turnedOff: turned.Off },
      };
      for (const { first } of switches.values()) {
        put(first.product, first.customerId, (first.state === "On") === first.isAgain);
      }
      return day;
    },
  };

  function put(product: Product, customerId: CustomerId, isOn: boolean): void {
    const before = isAnyOn(customerId);
    if (isOn) on[product].add(customerId);
    else on[product].delete(customerId);
    customersOn += Number(isAnyOn(customerId)) - Number(before);
  }

  function isAnyOn(customerId: CustomerId): boolean {
    return products.some((product) => on[product].has(customerId));
  }
}
