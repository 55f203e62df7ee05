/**
 * `MS-RequestId` "is used to ensure idempotency": a write that comes again under the same id gets the answer of the first
 * one, and nothing is done twice. Answers that decided nothing (401, 429, 5xx) are not kept.
 */

import { createHash } from "node:crypto";
import type { Answer, Call } from "./https-server.ts";
import type { PartnerCenterBehaviour } from "./partner-center-behaviour.ts";

/** A demo may run for days: only the last ones are kept. */
const kept = 10_000;

export function createReplay(behaviour: PartnerCenterBehaviour) {
  const answers = new Map<string, Answer>();

  function keyOf({ method, path, headers, body }: Call): string {
    const what = behaviour.replay === "sameId" ? "" : createHash("sha256").update(body).digest("hex");
    return `${String(headers["ms-requestid"]).toLowerCase()} ${method} ${path.toLowerCase()} ${what}`;
  }

  /** The answer of the first call of this kind, or `decide` and its answer. */
  return function once(call: Call, decide: () => Answer): Answer {
    if (behaviour.replay === "off") return decide();
    const key = keyOf(call);
    const before = answers.get(key);
    if (before !== undefined) return before;
    const answer = decide();
    if (answer.status === 401 || answer.status === 429 || answer.status >= 500) return answer;
    answers.set(key, answer);
    const [oldest] = answers.keys();
    if (answers.size > kept && oldest !== undefined) answers.delete(oldest);
    return answer;
  };
}
