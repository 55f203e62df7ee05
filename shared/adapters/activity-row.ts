/**
 * An activity as a table row: its JSON text, byte for byte as it was hashed, over as many columns as it
 * needs (one column holds 64 KiB), beside the few columns that queries look at.
 */

import type { Activity } from "../domain/activity.ts";
import { dependencyUnavailable } from "../domain/refusal.ts";

const columnLength = 30_000;

/** @returns the columns without keys */
export function activityColumns(activity: Activity): Record<string, string> {
  const { customerId, at, hash } = activity;
  const text = JSON.stringify(activity);
  const columns: Record<string, string> = { customerId, at, hash };
  for (let part = 0; part * columnLength < text.length; part++) {
    columns[`entry${part}`] = text.slice(part * columnLength, (part + 1) * columnLength);
  }
  return columns;
}

/** @throws Refusal `DependencyUnavailable` when the row does not hold an activity */
export function activityOf(row: Record<string, unknown>): Activity {
  let text = "";
  for (let part = 0; typeof row[`entry${part}`] === "string"; part++) text += row[`entry${part}`];
  try {
    const activity = JSON.parse(text) as Activity;
    if (activity.hash === row.hash) return activity;
  } catch (cause) {
    throw dependencyUnavailable("Storage", { cause });
  }
  throw dependencyUnavailable("Storage", { cause: new Error("A row of the activity log is damaged.") });
}
