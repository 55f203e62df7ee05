/**
 * An activity in the list over all customers: the row of the log, and beside it, in a column that is read alone, what
 * the activity did to a switch.
 */

import type { Activity } from "../domain/activity.ts";
import { type Turn, turnOf } from "../domain/fleet-history.ts";
import { parseGuid } from "../domain/identifiers.ts";
import { permissionStates, products } from "../domain/permission.ts";
import { dependencyUnavailable } from "../domain/refusal.ts";
import { activityColumns, activityOf } from "./activity-row.ts";
import { byDayKeys, sequenceInByDayKey } from "./table-keys.ts";

export function byDayRow(activity: Activity) {
  return { ...byDayKeys(activity), ...activityColumns(activity), turned: turnText(turnOf(activity)) };
}

/** All that {@link turnIn} looks at; rows that were written by earlier versions lack the last one. */
export const turnColumns = ["rowKey", "customerId", "turned"];

function turnText(turn: Turn | undefined): string {
  return turn === undefined ? "nothing" : [turn.product, turn.state, ...(turn.isAgain ? ["again"] : [])].join("|");
}

/** @throws Refusal `DependencyUnavailable` when the row does not hold it */
export function turnIn(row: Record<string, unknown>): Turn | undefined {
  const { turned } = row;
  if (typeof turned !== "string") return turnOf(activityOf(row));
  if (turned === "nothing") return undefined;
  const [productName, stateName, again] = turned.split("|");
  const product = products.find((each) => each === productName);
  const state = permissionStates.find((each) => each === stateName);
  const customerId = parseGuid<"customer">(row.customerId);
  const sequence = sequenceInByDayKey(row.rowKey);
  if (product === undefined || state === undefined || customerId === undefined || !Number.isInteger(sequence)) {
    throw dependencyUnavailable("Storage", { cause: new Error("What an activity turned is damaged.") });
  }
  return { customerId, product, sequence, state, isAgain: again === "again" };
}
