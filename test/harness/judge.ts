/** Has what callers saw judged: are these histories of switches that do one thing at a time? */

import type { History } from "./history.ts";
import { type CheckOptions, checkLinearizability, type Operation, type Verdict } from "./linearizability.ts";

export interface Judgement {
  /** Only of histories that are not known to be linearizable. */
  readonly complaints: readonly string[];
  readonly verdicts: readonly Verdict["kind"][];
  /** One line for people. */
  readonly figures: string;
}

export function judge(history: History, options?: CheckOptions): Judgement {
  const startedAt = Date.now();
  const names = history.switches();
  const histories = names.map((name) => history.operationsOf(name));
  const verdicts = histories.map((operations) => checkLinearizability(operations, options));
  const lengths = histories.map(({ length }) => length);
  const sum = lengths.reduce((all, length) => all + length, 0);
  const unknown = histories.flat().filter((each) => each.kind === "write" && each.outcome === "unknown").length;
  const conditional = histories.flat().filter((each) => each.kind === "write" && each.expected !== undefined).length;
  return {
    complaints: verdicts.flatMap((verdict, index) => {
      const { customerId, product } = names[index] ?? {};
      return verdict.kind === "linearizable" ? [] : [`${customerId} ${product} is ${wordsOf(verdict)}`];
    }),
    verdicts: verdicts.map(({ kind }) => kind),
    figures:
      `${histories.length} histories checked, ${Math.min(...lengths)} to ${Math.max(...lengths)} operations in one, ` +
      `${sum} in all, of them ${conditional} with If-Match and ${unknown} of unknown effect (${Date.now() - startedAt} ms)`,
  };
}

function wordsOf(verdict: Verdict): string {
  if (verdict.kind !== "notLinearizable") return verdict.kind;
  return `not linearizable: after ${verdict.explained} operations none of these can come next: ${verdict.stuck.map(line).join(" | ")}`;
}

function line(operation: Operation): string {
  const { invoked, answered, ...rest } = operation;
  return `${invoked}–${answered} ${JSON.stringify(rest)}`;
}
