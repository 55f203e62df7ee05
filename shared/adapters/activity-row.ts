/**
 * An activity as a table row: its JSON text, byte for byte as it was hashed, over as many columns as it
 * needs (one column holds 64 KiB, that is 32 K UTF-16 units), beside the few columns that queries look at.
 */

import type { Activity } from "../domain/activity.ts";
import { dependencyUnavailable } from "../domain/refusal.ts";

/** Whole characters, of two UTF-16 units at most: half of one would not survive the way to Azure as UTF-8. */
const columnTexts = /.{1,15000}/gsu;

/** @returns the columns without keys */
export function activityColumns(activity: Activity): Record<string, string> {
  const { customerId, at, hash } = activity;
  const text = jsonText(activity);
  const columns: Record<string, string> = { customerId, at, hash };
  for (const [part, columnText] of (text.match(columnTexts) ?? []).entries()) columns[`entry${part}`] = columnText;
  return columns;
}

/** JSON for a column. Azurite drops what stands in a transaction with a raw line separator (U+2028, U+2029). */
export function jsonText(value: unknown): string {
  return JSON.stringify(value).replace(/[\u2028\u2029]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16)}`);
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
