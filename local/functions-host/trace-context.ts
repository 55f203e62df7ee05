/** W3C trace context of an invocation: the caller's trace continued with a span of our own, or a new trace. */

import { randomUUID } from "node:crypto";
import type { TraceContext } from "./rpc.ts";

const pattern = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-([\da-f]{2})(?:-.*)?$/;

/** As ASP.NET's request activity does: same trace id and flags, new parent id, `tracestate` handed on. */
export function traceContextFrom(traceParent?: string, traceState?: string): TraceContext {
  const match = traceParent === undefined ? null : pattern.exec(traceParent);
  if (!match) return newTraceContext();
  const continued = `00-${match[1]}-${randomHex().slice(0, 16)}-${match[2]}`;
  return traceState ? { traceParent: continued, traceState } : { traceParent: continued };
}

export function newTraceContext(): TraceContext {
  return { traceParent: `00-${randomHex()}-${randomHex().slice(0, 16)}-00` };
}

/** randomUUID draws from a pool, which makes it cheaper than asking for random bytes twice per request. */
function randomHex(): string {
  return randomUUID().replaceAll("-", "");
}
