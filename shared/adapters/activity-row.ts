/** An activity as a table row: its JSON text as it was hashed, beside the columns that queries look at. */

import type { Activity } from "../domain/activity.ts";
import { fromJsonColumns, jsonColumns } from "./json-columns.ts";

/** @returns the columns without keys */
export function activityColumns(activity: Activity): Record<string, string> {
  const { customerId, at, hash } = activity;
  return { customerId, at, hash, ...jsonColumns("entry", activity) };
}

/** @throws Refusal `DependencyUnavailable` when the row does not hold an activity */
export function activityOf(row: Record<string, unknown>): Activity {
  return fromJsonColumns<Activity>(row, "entry", ({ hash }) => typeof hash === "string" && hash === row.hash);
}
