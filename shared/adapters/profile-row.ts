/** What is known of a customer beside its record, as a table row of its own: turning a switch never touches it. */

import type { CustomerId } from "../domain/identifiers.ts";
import type { CustomerProfile, PartnerCustomer } from "../domain/partner-customer.ts";
import { dependencyUnavailable } from "../domain/refusal.ts";
import { profileKeys } from "./table-keys.ts";

/** To be merged into the row: it leaves alone when the customer was verified. */
export function seenRow({ customerId, name, domain, relationship }: PartnerCustomer, at: Date) {
  return { ...profileKeys(customerId), name, domain, relationship, seenAt: at.toISOString() };
}

/** To be merged into the row: it leaves alone what Partner Center lists the customer as. */
export function verifiedRow(customerId: CustomerId, at: Date) {
  return { ...profileKeys(customerId), verifiedAt: at.toISOString() };
}

const seenColumns = ["name", "domain", "relationship", "seenAt"] as const;

/** @throws Refusal `DependencyUnavailable` when the row does not hold a profile */
export function profileOf(row: Record<string, unknown>): CustomerProfile {
  const { verifiedAt } = row;
  const seen = seenColumns.filter((column) => row[column] !== undefined);
  const isWhole = seen.length === 0 || seen.length === seenColumns.length;
  const read = [...seen, ...(verifiedAt === undefined ? [] : (["verifiedAt"] as const))];
  if (!isWhole || !read.every((column) => typeof row[column] === "string")) throw damaged();
  return Object.fromEntries(read.map((column) => [column, row[column]]));
}

function damaged(): Error {
  return dependencyUnavailable("Storage", { cause: new Error("The profile of a customer is damaged.") });
}
