/** What a stand-in was asked, in order: tests count calls with it, and look at what was sent along. */

import type { IncomingHttpHeaders } from "node:http";

export interface LoggedRequest {
  readonly method: string;
  /** As sent, before any decoding: `//subscriptions` stays visible. */
  readonly path: string;
  readonly query: string;
  readonly headers: IncomingHttpHeaders;
  readonly at: Date;
  /** Missing while the request is unanswered (a hung one, or one whose socket was cut). */
  status?: number;
  endedAt?: Date;
}

export interface RequestMatch {
  readonly method?: string;
  /** A part of the decoded path and query, or an expression on it. */
  readonly path?: string | RegExp;
}

export interface RequestLog {
  readonly entries: readonly LoggedRequest[];
  count(match?: RequestMatch): number;
  /** Number of requests per `METHOD path`, without query. */
  perPath(): Record<string, number>;
  clear(): void;
}

/** A demo may run for days: only the last ones are kept. */
const kept = 20_000;

export function createRequestLog(): RequestLog & { add(entry: LoggedRequest): void } {
  const entries: LoggedRequest[] = [];
  return {
    entries,
    add(entry) {
      entries.push(entry);
      if (entries.length > kept) entries.splice(0, kept / 2);
    },
    count: (match = {}) => entries.filter((entry) => requestMatches(match, entry)).length,
    perPath() {
      const counts: Record<string, number> = {};
      for (const { method, path } of entries) counts[`${method} ${path}`] = (counts[`${method} ${path}`] ?? 0) + 1;
      return counts;
    },
    clear: () => void entries.splice(0),
  };
}

export function requestMatches(
  match: RequestMatch,
  request: { readonly method: string; readonly path: string; readonly query: string },
): boolean {
  if (match.method !== undefined && match.method.toUpperCase() !== request.method) return false;
  if (match.path === undefined) return true;
  const target = decoded(request.query === "" ? request.path : `${request.path}?${request.query}`);
  return typeof match.path === "string" ? target.includes(match.path) : new RegExp(match.path).test(target);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
