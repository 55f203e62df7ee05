/** A customer's record as a table row. */

import { type CustomerId, parseGuid } from "../domain/identifiers.ts";
import { type CustomerRecord, isAnyOn, permissionStates, products } from "../domain/permission.ts";
import { dependencyUnavailable } from "../domain/refusal.ts";
import { fromJsonColumns, jsonColumns } from "./json-columns.ts";
import { customerKeys, type RowKeys } from "./table-keys.ts";

/** `anyOn` is there for the list of those that are Off. */
export function customerRow(record: CustomerRecord) {
  return { ...customerKeys(record.customerId), anyOn: isAnyOn(record), ...jsonColumns("record", record) };
}

/** @throws Refusal `DependencyUnavailable` when the row does not hold a record */
export function customerOf(row: Record<string, unknown>): CustomerRecord {
  return fromJsonColumns<CustomerRecord>(
    row,
    "record",
    ({ customerId, sequence, switches }) =>
      row.rowKey === customerKeys(customerId).rowKey &&
      Number.isInteger(sequence) &&
      products.every((product) => permissionStates.includes(switches[product].state)),
  );
}

/**
 * @param keys what the row's key was made by, such as `profileKeys`
 * @returns the customer that the row is of
 * @throws Refusal `DependencyUnavailable` when the row is no customer's
 */
export function customerOfKey(
  { rowKey }: Record<string, unknown>,
  keys: (customerId: CustomerId) => RowKeys,
): CustomerId {
  const customerId = parseGuid<"customer">(String(rowKey).split("|")[1]);
  if (customerId === undefined || keys(customerId).rowKey !== rowKey) {
    throw dependencyUnavailable("Storage", { cause: new Error("The key of a row is damaged.") });
  }
  return customerId;
}
