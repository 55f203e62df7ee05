/**
 * Partner Center's paging: the next page is the same address with `seekOperation=Next` and a token that travels in the
 * header `MS-ContinuationToken`. A token names the last item seen, so that others who come or go double or drop nothing.
 */

import type { Call } from "./https-server.ts";
import { collection } from "./partner-center-shapes.ts";

export interface Page<T> {
  readonly items: readonly T[];
  /** Undefined on the last page. */
  readonly token: string | undefined;
}

export interface Paging<T> {
  readonly idOf: (item: T) => string;
  readonly keep: (item: T) => boolean;
  readonly pageSize: number;
}

/**
 * @param all whatever there is, so that a token finds its place even when its own item is not kept any more
 * @returns undefined when the size or the token is none
 */
export function takePage<T>(all: readonly T[], call: Call, { idOf, keep, pageSize }: Paging<T>): Page<T> | undefined {
  const wanted = Number(parameter(call, "size") ?? pageSize);
  if (!Number.isInteger(wanted) || wanted < 1) return undefined;
  const size = Math.min(wanted, pageSize);
  const sent = call.headers["ms-continuationtoken"];
  let start = 0;
  if (typeof sent === "string") {
    const last = Buffer.from(sent, "base64").toString();
    start = all.findIndex((item) => idOf(item) === last) + 1;
    if (start === 0) return undefined;
  }
  const rest = all.slice(start).filter(keep);
  const items = rest.slice(0, size);
  const last = items.at(-1);
  const isLast = last === undefined || rest.length <= size;
  return { items, token: isLast ? undefined : Buffer.from(idOf(last)).toString("base64") };
}

/** @param path as links show it */
export function pageBody(items: readonly object[], token: string | undefined, call: Call, path: string): object {
  const query = new URLSearchParams([...call.query].filter(([name]) => name.toLowerCase() !== "seekoperation"));
  const self = query.size === 0 ? path : `${path}?${query}`;
  query.set("seekOperation", "Next");
  const next =
    token === undefined
      ? {}
      : { next: { uri: `${path}?${query}`, method: "GET", headers: [{ key: "MS-ContinuationToken", value: token }] } };
  return collection(items, { self: { uri: self, method: "GET", headers: [] }, ...next });
}

/** Names in queries are read without regard to case: documents write `entity_id`, the old SDK sent `entity_Id`. */
export function parameter({ query }: Call, name: string): string | undefined {
  return [...query].find(([sent]) => sent.toLowerCase() === name.toLowerCase())?.[1];
}
