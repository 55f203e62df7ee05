/**
 * `/_faults` of every stand-in, for demos by hand: PUT `{"down":true}` or a list of rules, DELETE to heal, GET to look.
 * A rule is `{"match":{"method","path" or "pathRegex"},"after","times","fault":{"kind",…}}`; see faults.ts for the kinds.
 */

import { type Fault, type FaultRule, type Faults, faultKinds } from "./faults.ts";
import type { Answer } from "./https-server.ts";

export const faultControlPath = "/_faults";

export function controlFaults(faults: Faults, method: string, body: string): Answer {
  if (method === "DELETE") faults.clear();
  else if (method === "PUT") {
    const wanted = parse(body);
    if (typeof wanted === "string") return json(400, { error: { code: "InvalidFaults", message: wanted } });
    if (wanted.down !== undefined) faults.down = wanted.down;
    if (wanted.rules !== undefined) {
      const { down } = faults;
      faults.clear();
      faults.down = down;
      for (const rule of wanted.rules) faults.add(rule);
    }
  } else if (method !== "GET") {
    return json(405, { error: { code: "MethodNotAllowed", message: "Use GET, PUT or DELETE." } });
  }
  return json(200, { down: faults.down, rules: faults.rules.map(shown) });
}

interface Wanted {
  readonly down?: boolean;
  readonly rules?: readonly FaultRule[];
}

/** What was asked for, or the sentence that says what is wrong with it. */
function parse(body: string): Wanted | string {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return 'The body must be JSON: a list of rules, one rule, or {"down":true}.';
  }
  if (Array.isArray(value)) return parseRules(value);
  if (!isRecord(value)) return 'The body must be a list of rules, one rule, or {"down":true}.';
  if ("fault" in value) return parseRules([value]);
  const { down, rules, ...others } = value;
  if (Object.keys(others).length > 0) return `Unknown member ${Object.keys(others).join(", ")}.`;
  if (down !== undefined && typeof down !== "boolean") return "down must be true or false.";
  if (rules !== undefined && !Array.isArray(rules)) return "rules must be a list.";
  const parsed = rules === undefined ? {} : parseRules(rules);
  if (typeof parsed === "string") return parsed;
  return { ...parsed, ...(down === undefined ? {} : { down }) };
}

function parseRules(values: readonly unknown[]): Wanted | string {
  const rules: FaultRule[] = [];
  for (const value of values) {
    if (!isRecord(value) || !isRecord(value.fault)) return 'Every rule needs a fault: {"fault":{"kind":"hang"}}.';
    const { match, after, times } = value;
    const kind = faultKinds.find((known) => isRecord(value.fault) && value.fault.kind === known);
    if (kind === undefined) return `Unknown kind of fault; known are ${faultKinds.join(", ")}.`;
    if (kind === "status" && !isStatus(value.fault.status))
      return "A fault of kind status needs a status of 200 to 599.";
    if (kind === "afterEffect" && !isEnding(value.fault.answer))
      return 'A fault of kind afterEffect needs answer: "hang", "reset" or a status of 200 to 599.';
    if (kind === "slow" && typeof value.fault.ms !== "number") return "A fault of kind slow needs ms.";
    if (kind === "redirect" && typeof value.fault.to !== "string") return "A fault of kind redirect needs to.";
    if ((after !== undefined && !isCount(after)) || (times !== undefined && !isCount(times)))
      return "after and times must be whole numbers.";
    rules.push({
      // Checked above as far as a wrong one could hurt; the rest only makes the fault odd.
      fault: value.fault as unknown as Fault,
      ...(isRecord(match) ? { match: parseMatch(match) } : {}),
      ...(isCount(after) ? { after } : {}),
      ...(isCount(times) ? { times } : {}),
    });
  }
  return { rules };
}

function parseMatch(match: Record<string, unknown>): NonNullable<FaultRule["match"]> {
  const { method, path, pathRegex } = match;
  const pattern = typeof pathRegex === "string" ? new RegExp(pathRegex) : typeof path === "string" ? path : undefined;
  return { ...(typeof method === "string" ? { method } : {}), ...(pattern === undefined ? {} : { path: pattern }) };
}

function shown({ match, ...rule }: Faults["rules"][number]): object {
  return { ...rule, match: match && { ...match, path: match.path?.toString() } };
}

function json(status: number, body: unknown): Answer {
  return { status, headers: { "Content-Type": "application/json" }, body: `${JSON.stringify(body, null, 2)}\n` };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0;
}

function isStatus(value: unknown): boolean {
  return isCount(value) && value >= 200 && value <= 599;
}

function isEnding(value: unknown): boolean {
  return value === "hang" || value === "reset" || isStatus(value);
}
