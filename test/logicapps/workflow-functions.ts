/**
 * The functions of the workflow definition language that our workflows use, and no others: one that is missing here
 * fails the check.
 *
 * https://learn.microsoft.com/azure/logic-apps/workflow-definition-language-functions-reference
 */

import { randomUUID } from "node:crypto";
import { isDeepStrictEqual } from "node:util";

export type Value = any;

const dayMilliseconds = 86_400_000;

/** @param now the clock of the workflow */
export function workflowFunctions(now: () => Date): Readonly<Record<string, (...args: Value[]) => Value>> {
  return {
    addDays: (time: string, days: number, format?: string) =>
      formatted(new Date(Date.parse(time) + days * dayMilliseconds), format),
    and: (...all: boolean[]) => all.every(Boolean),
    coalesce: (...all: Value[]) => all.find((one) => one !== null && one !== undefined) ?? null,
    concat: (...all: Value[]) => all.map(textOf).join(""),
    empty: (one: Value) => one === null || one === undefined || sizeOf(one) === 0,
    equals: (one: Value, other: Value) => isDeepStrictEqual(one ?? null, other ?? null),
    guid: () => randomUUID(),
    if: (condition: boolean, one: Value, other: Value) => (condition ? one : other),
    last: (all: Value) => all.at(-1) ?? null,
    length: (one: Value) => sizeOf(one),
    not: (one: boolean) => !one,
    or: (...all: boolean[]) => all.some(Boolean),
    split: (text: string, by: string) => text.split(by),
    startOfDay: (time: string, format?: string) => formatted(new Date(`${time.slice(0, 10)}T00:00:00Z`), format),
    string: (one: Value) => textOf(one),
    take: (all: Value, count: number) => all.slice(0, count),
    union: (one: Value[], other: Value[]) => [
      ...one,
      ...other.filter((item) => !one.some((each) => isDeepStrictEqual(each, item))),
    ],
    utcNow: () => formatted(now(), undefined),
  };
}

/** How a value stands in a text: null is nothing, a list is JSON. */
export function textOf(value: Value): string {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function sizeOf(value: Value): number {
  return typeof value === "string" || Array.isArray(value) ? value.length : Object.keys(value).length;
}

/** .NET's default "o" has seven digits behind the second. */
function formatted(time: Date, format = "o"): string {
  const iso = time.toISOString();
  switch (format) {
    case "o":
      return iso.replace("Z", "0000Z");
    case "yyyy-MM-ddTHH:mm:ssZ":
      return `${iso.slice(0, 19)}Z`;
    default:
      throw new Error(`The format ${format} is not known here.`);
  }
}
