/** Reads the query of a request strictly: what we do not know we do not ignore. */

import { invalidRequest } from "../domain/refusal.ts";

/**
 * @param known names that may stand in the query
 * @throws Refusal `InvalidRequest` naming a parameter that is unknown or stands there twice
 */
export function readQuery(url: URL, known: readonly string[]): ReadonlyMap<string, string> {
  const query = new Map<string, string>();
  for (const [name, value] of url.searchParams) {
    if (!known.includes(name)) invalidRequest(name, `The query parameter "${name}" is unknown here.`);
    if (query.has(name)) invalidRequest(name, `The query parameter "${name}" stands there twice.`);
    query.set(name, value);
  }
  return query;
}

/** Of all times that a row key can hold, or about so. */
export const latestTime = Date.UTC(5000, 0);

/**
 * @returns the time; one before 1970 or after {@link latestTime}, such as .NET's first and last, is cut to that
 * @throws Refusal `InvalidRequest` when the parameter is there and no RFC 3339 time
 */
export function timeOf(query: ReadonlyMap<string, string>, name: string): Date | undefined {
  const text = query.get(name);
  if (text === undefined) return undefined;
  const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?(Z|[+-]\d\d:\d\d)$/.test(text);
  const time = isTime && isDay(text.slice(0, 10)) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time)) {
    invalidRequest(name, `${name} must be an RFC 3339 time such as 2026-11-01T00:00:00Z; it is "${text}".`);
  }
  return new Date(Math.min(Math.max(time, 0), latestTime));
}

/** JavaScript takes 30 February for 2 March. */
function isDay(text: string): boolean {
  return new Date(`${text}T00:00:00Z`).getUTCDate() === Number(text.slice(8));
}
