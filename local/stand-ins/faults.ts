/**
 * Faults on demand: everything a cloud service has been seen to do wrong, in process (`armStandIn.faults.add(…)`) or by
 * hand (`PUT /_faults`, see fault-control.ts). The first rule that matches a request and is not used up decides.
 */

import { type RequestMatch, requestMatches } from "./request-log.ts";

export type Fault =
  /** Any status; without `body` the stand-in's own error body for it. `Retry-After` goes into `headers`. */
  | {
      readonly kind: "status";
      readonly status: number;
      readonly body?: unknown;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** A gateway's error page where JSON was expected (502 unless told otherwise). */
  | { readonly kind: "html"; readonly status?: number }
  /** 200 with this JSON instead of the real body: `{}`, `{"value":null}`, `{"value":{}}`, `{"value":[42]}` … */
  | { readonly kind: "json"; readonly body: unknown }
  /** Half of the JSON: with a matching Content-Length (default), or with the full one and a cut connection. */
  | { readonly kind: "cutJson"; readonly how?: "truncated" | "contentLength" }
  /** The connection is closed without an answer. */
  | { readonly kind: "reset" }
  /** No answer, ever. */
  | { readonly kind: "hang" }
  /** The work is done, and then there is no answer, ever (`hang`), a cut connection (`reset`), or this status. */
  | { readonly kind: "afterEffect"; readonly answer: "hang" | "reset" | number }
  /** The right answer to a write that is not done. Only stand-ins that are written to know it. */
  | { readonly kind: "noEffect" }
  /** The first page is fine and names a second one, which never comes. */
  | { readonly kind: "hangPage2" }
  /** The right answer, late. */
  | { readonly kind: "slow"; readonly ms: number }
  /** The page's nextLink leads to another host. */
  | { readonly kind: "foreignNextLink"; readonly to?: string }
  /** The page's nextLink leads to the same page, for ever. */
  | { readonly kind: "repeatingNextLink" }
  /** The right body under another Content-Type. */
  | { readonly kind: "contentType"; readonly contentType?: string }
  | { readonly kind: "redirect"; readonly to: string; readonly status?: number };

export type FaultKind = Fault["kind"];

export const faultKinds: readonly FaultKind[] = [
  "status",
  "html",
  "json",
  "cutJson",
  "reset",
  "hang",
  "afterEffect",
  "noEffect",
  "hangPage2",
  "slow",
  "foreignNextLink",
  "repeatingNextLink",
  "contentType",
  "redirect",
];

export interface FaultRule {
  /** Absent: every request. */
  readonly match?: RequestMatch;
  /** How many of the matching requests pass before the fault begins. */
  readonly after?: number;
  /** How many requests are spoilt before the fault is over. Absent: for ever. */
  readonly times?: number;
  readonly fault: Fault;
}

export interface ActiveFault extends FaultRule {
  /** Requests spoilt so far. */
  readonly hits: number;
}

export interface Faults {
  /** `true`: every request is answered 503, as in an outage of the whole service. */
  down: boolean;
  readonly rules: readonly ActiveFault[];
  /** Returns the live rule; its `hits` go on counting. */
  add(rule: FaultRule): ActiveFault;
  remove(rule: ActiveFault): void;
  /** No rules, and not down. */
  clear(): void;
}

interface CountedRule extends FaultRule {
  seen: number;
  hits: number;
}

export interface FaultsOfServer extends Faults {
  /** The fault this request must suffer, if any. Counts. */
  take(request: { readonly method: string; readonly path: string; readonly query: string }): Fault | undefined;
}

export function createFaults(): FaultsOfServer {
  let rules: CountedRule[] = [];
  return {
    down: false,
    get rules() {
      return rules;
    },
    add(rule) {
      const counted: CountedRule = { ...rule, seen: 0, hits: 0 };
      rules.push(counted);
      return counted;
    },
    remove(rule) {
      rules = rules.filter((other) => other !== rule);
    },
    clear() {
      rules = [];
      this.down = false;
    },
    take(request) {
      if (this.down) return { kind: "status", status: 503 };
      for (const rule of rules) {
        if (!requestMatches(rule.match ?? {}, request)) continue;
        rule.seen += 1;
        if (rule.seen <= (rule.after ?? 0) || rule.hits >= (rule.times ?? Number.POSITIVE_INFINITY)) continue;
        rule.hits += 1;
        return rule.fault;
      }
      return undefined;
    },
  };
}
