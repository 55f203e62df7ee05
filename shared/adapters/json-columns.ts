/**
 * A value as JSON over as many columns of a row as it needs: one column holds 64 KiB, that is 32 K UTF-16
 * units.
 */

import { dependencyUnavailable } from "../domain/refusal.ts";

/** Whole characters, of two UTF-16 units at most: half of one would not survive the way to Azure as UTF-8. */
const columnTexts = /.{1,15000}/gsu;

/** @returns columns `{name}0`, `{name}1` … */
export function jsonColumns(name: string, value: unknown): Record<string, string> {
  const columns: Record<string, string> = {};
  for (const [part, text] of (jsonText(value).match(columnTexts) ?? []).entries()) columns[`${name}${part}`] = text;
  return columns;
}

/**
 * @param isWhole whether what was read is what it should be; what cannot be read is never taken for a state
 * @throws Refusal `DependencyUnavailable` when it is not
 */
export function fromJsonColumns<Value>(
  row: Record<string, unknown>,
  name: string,
  isWhole: (value: Value) => boolean,
): Value {
  let text = "";
  for (let part = 0; typeof row[`${name}${part}`] === "string"; part++) text += row[`${name}${part}`];
  try {
    const value = JSON.parse(text) as Value;
    if (isWhole(value)) return value;
  } catch (cause) {
    throw dependencyUnavailable("Storage", { cause });
  }
  throw dependencyUnavailable("Storage", { cause: new Error(`The column ${name} of a row is damaged.`) });
}

/** Azurite drops what stands in a transaction with a raw line separator (U+2028, U+2029). */
function jsonText(value: unknown): string {
  return JSON.stringify(value).replace(/[\u2028\u2029]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16)}`);
}
