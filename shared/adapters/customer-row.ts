/** A customer's record as a table row. */

import { type CustomerRecord, permissionStates, products } from "../domain/permission.ts";
import { fromJsonColumns, jsonColumns } from "./json-columns.ts";
import { customerKeys } from "./table-keys.ts";

/** `anyOn` is there for the list of customers to look at. */
export function customerRow(record: CustomerRecord) {
  const anyOn = products.some((product) => record.switches[product].state === "On");
  return { ...customerKeys(record.customerId), anyOn, ...jsonColumns("record", record) };
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
