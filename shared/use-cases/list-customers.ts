/** Lists the known customers, page by page in a fixed order: who they are, and how both switches stand. */

import type { CustomerFilter } from "../domain/customer-filter.ts";
import type { Finding } from "../domain/drift.ts";
import type { CustomerId } from "../domain/identifiers.ts";
import { type ShownPermission, shownPermissionsOf } from "../domain/permission.ts";
import type { KnownCustomer, KnownCustomers, Page } from "../ports.ts";

/** Name, domain, relationship and `lastSeenAt` are there when Partner Center has listed the customer. */
export interface ListedCustomer {
  readonly customerId: CustomerId;
  readonly name?: string;
  readonly domain?: string;
  readonly relationship?: string;
  readonly permissions: readonly ShownPermission[];
  /** When Partner Center listed the customer last: it has left when others have been seen since. */
  readonly lastSeenAt?: string;
  /** When record and policy were last compared. */
  readonly lastVerifiedAt?: string;
  /** What is not as the record says; absent: nothing is known to be. */
  readonly findings?: readonly Finding[];
}

export type ListCustomers = (
  query: CustomerFilter & { readonly after?: CustomerId; readonly limit: number },
) => Promise<Page<ListedCustomer, CustomerId>>;

export function createListCustomers(known: KnownCustomers): ListCustomers {
  return async (query) => {
    const { items, ...rest } = await known.list(query);
    return { items: items.map(listed), ...rest };
  };
}

/** @returns the customer as callers see it */
export function listed({ record, profile = {} }: KnownCustomer): ListedCustomer {
  const { seenAt, verifiedAt, ...who } = profile;
  return {
    customerId: record.customerId,
    ...who,
    permissions: shownPermissionsOf(record),
    ...(seenAt === undefined ? {} : { lastSeenAt: seenAt }),
    ...(verifiedAt === undefined ? {} : { lastVerifiedAt: verifiedAt }),
    ...(record.findings === undefined ? {} : { findings: record.findings }),
  };
}
