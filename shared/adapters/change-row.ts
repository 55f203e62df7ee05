/** A change as a table row: the whole of it as JSON, beside the time by which old ones are found. */

import { type Change, changeStatuses } from "../domain/change.ts";
import type { CustomerId } from "../domain/identifiers.ts";
import { permissionStates } from "../domain/permission.ts";
import { fromJsonColumns, jsonColumns } from "./json-columns.ts";
import { changeKeys } from "./table-keys.ts";

export function changeRow(customerId: CustomerId, change: Change) {
  return { ...changeKeys(customerId, change.changeId), at: change.at, ...jsonColumns("change", change) };
}

/** @throws Refusal `DependencyUnavailable` when the row does not hold a change */
export function changeOf(row: Record<string, unknown>): Change {
  return fromJsonColumns<Change>(
    row,
    "change",
    ({ at, status, permission }) =>
      at === row.at && changeStatuses.includes(status) && permissionStates.includes(permission.state),
  );
}
