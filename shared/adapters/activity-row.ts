/**
 * An activity as a table row: its JSON text, byte for byte as it was hashed, over as many columns as it
 * needs (one column holds 64 KiB, that is 32 K UTF-16 units), beside the few columns that queries look at.
 */

import type { Activity } from "../domain/activity.ts";
import { dependencyUnavailable } from "../domain/refusal.ts";

/** In characters, not in UTF-16 units: half of one would not survive the way to Azure as UTF-8. */
const columnLength = 15_000;

/** @returns the columns without keys */
export function activityColumns(activity: Activity): Record<string, string> {
  const { customerId, at, hash } = activity;
  const text = JSON.stringify(activity);
  const columns: Record<string, string> = { customerId, at, hash };
  const parts = text.match(new RegExp(`.{1,${columnLength}}`, "gsu")) ?? [];
  for (const [index, part] of parts.entries()) columns[`entry${index}`] = part;
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
