/**
 * The known customers, the notes, and the list of customers in Partner Center in memory, beside an in-memory world:
 * lists are in the order of ids, everything comes back as it came through JSON, and every call asks `fate` first.
 */

import { isWanted } from "../../shared/domain/customer-filter.ts";
import type { CustomerId } from "../../shared/domain/identifiers.ts";
import type { CustomerProfile, PartnerCustomer } from "../../shared/domain/partner-customer.ts";
import { isAnyOn } from "../../shared/domain/permission.ts";
import type {
  KnownCustomer,
  KnownCustomers,
  Notebook,
  Notes,
  PartnerCenterCall,
  PartnerCenterProbe,
  PartnerCustomers,
} from "../../shared/ports.ts";
import type { InMemoryWorld } from "./in-memory-world.ts";

export type CustomersCall =
  | `known.${keyof KnownCustomers}`
  | `notebook.${keyof Notebook}`
  | `partnerCustomers.${keyof PartnerCustomers}`
  | `probe.${keyof PartnerCenterProbe}`;

export interface InMemoryCustomers {
  readonly known: KnownCustomers;
  readonly notebook: Notebook;
  readonly partnerCustomers: PartnerCustomers;
  readonly probe: PartnerCenterProbe;

  /** Decides about every call: what it throws, the call throws before anything is done. */
  fate: (call: CustomersCall) => void;
  readonly calls: CustomersCall[];
  /** What Partner Center lists, in its order. */
  readonly listed: PartnerCustomer[];
  pageSize: number;
  /** Partner Center knows positions up to this number; those it gave before are lost. */
  oldestPosition: number;
  /** What Partner Center says of our multi-factor authentication. */
  isMfaCompliant: boolean | undefined;
  /** Every question for a page. */
  readonly asked: ({ readonly position: string | undefined } & PartnerCenterCall)[];
  note<Name extends keyof Notes>(name: Name): Notes[Name] | undefined;
  profileOf(customerId: CustomerId): CustomerProfile | undefined;
}

export function createInMemoryCustomers(world: InMemoryWorld): InMemoryCustomers {
  const profiles = new Map<CustomerId, CustomerProfile>();
  const notes = new Map<keyof Notes, string>();

  const customers: InMemoryCustomers = {
    known: {
      list: ({ after, limit, ...filter }) =>
        call("known.list", () => {
          const ids = new Set([...profiles.keys(), ...world.records().map(({ customerId }) => customerId)]);
          const found = [...ids]
            .sort()
            .filter((customerId) => after === undefined || customerId > after)
            .map(known)
            .filter((customer) => isWanted(customer, filter));
          const items = found.slice(0, limit);
          const last = items.at(-1);
          return found.length > limit && last !== undefined ? { items, next: last.record.customerId } : { items };
        }),
      async *allOn() {
        yield call("known.allOn", () => world.records().filter(isAnyOn));
      },
      find: (customerId) => call("known.find", () => known(customerId)),
      saveSeen: (seen, at) =>
        call("known.saveSeen", () => {
          for (const { customerId, ...who } of seen) {
            profiles.set(customerId, { ...profiles.get(customerId), ...who, seenAt: at.toISOString() });
          }
        }),
      saveVerified: (customerIds, at) =>
        call("known.saveVerified", () => {
          for (const customerId of customerIds) {
            profiles.set(customerId, { ...profiles.get(customerId), verifiedAt: at.toISOString() });
          }
        }),
    },

    notebook: {
      read: (name) => call("notebook.read", () => customers.note(name)),
      write: (name, note) => call("notebook.write", () => void notes.set(name, JSON.stringify(note))),
    },

    partnerCustomers: {
      list: (position, ids) => {
        customers.asked.push({ position, ...ids });
        return call("partnerCustomers.list", () => {
          const first = Number(position ?? 0);
          if (position !== undefined && first < customers.oldestPosition) return undefined;
          const next = first + customers.pageSize;
          const items = customers.listed.slice(first, next);
          return next < customers.listed.length ? { items, next: String(next) } : { items };
        });
      },
    },

    probe: { isMfaCompliant: () => call("probe.isMfaCompliant", () => customers.isMfaCompliant) },

    fate() {},
    calls: [],
    listed: [],
    pageSize: 2,
    oldestPosition: 0,
    isMfaCompliant: true,
    asked: [],
    note(name) {
      const text = notes.get(name);
      return text === undefined ? undefined : JSON.parse(text);
    },
    profileOf: (customerId) => profiles.get(customerId),
  };
  return customers;

  function known(customerId: CustomerId): KnownCustomer {
    const profile = profiles.get(customerId);
    const record = world.recordOf(customerId);
    return profile === undefined ? { record } : { record, profile };
  }

  async function call<Result>(name: CustomersCall, work: () => Result): Promise<Result> {
    customers.calls.push(name);
    customers.fate(name);
    return work();
  }
}
