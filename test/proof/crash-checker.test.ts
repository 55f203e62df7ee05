/** The checker itself: it refuses what cannot have happened, accepts what can, and agrees with trying every order. */

import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  checkLinearizability,
  type Operation,
  type Read,
  type Seen,
  type SwitchState,
  type Write,
} from "../harness/linearizability.ts";
import { createRandom } from "../harness/random.ts";

type Span = readonly [invoked: number, answered: number];
const never = Number.POSITIVE_INFINITY;

const read = ([invoked, answered]: Span, state: SwitchState, changeId: string | null): Operation => ({
  ...{ kind: "read", invoked, answered, seen: { state, changeId } },
});
const write = (
  [invoked, answered]: Span,
  changeId: string,
  state: SwitchState,
  outcome: Write["outcome"],
  expected?: string | null,
): Operation => ({
  ...{ kind: "write", invoked, answered, changeId, state, outcome },
  ...(expected === undefined ? {} : { expected }),
});

describe("impossible:", () => {
  test.each<[string, Operation[]]>([
    ["a stale read, after a change was answered", [write([1, 2], "a", "On", "changed"), read([3, 4], "Off", null)]],
    [
      "a stale read of an earlier change in the same state",
      [
        write([1, 2], "a", "On", "changed"),
        write([3, 4], "b", "Off", "changed"),
        write([5, 6], "c", "On", "changed"),
        read([7, 8], "On", "a"),
      ],
    ],
    [
      "a lost update: answered, and overwritten by one who did not know of it",
      [write([1, 5], "a", "On", "changed"), write([2, 4], "b", "On", "changed"), read([6, 7], "On", "b")],
    ],
    [
      "a double effect: the switch goes back to a change that was overtaken",
      [
        write([1, never], "a", "On", "unknown"),
        read([2, 3], "On", "a"),
        write([4, 5], "b", "Off", "changed"),
        read([6, 7], "On", "a"),
      ],
    ],
    [
      "two winners of one If-Match",
      [write([1, 4], "a", "On", "changed", null), write([2, 5], "b", "On", "changed", null)],
    ],
    [
      "If-Match held although somebody had changed the switch meanwhile",
      [write([1, 2], "a", "On", "changed"), write([3, 4], "b", "Off", "changed", null)],
    ],
    [
      "If-Match did not hold although nobody had changed anything",
      [read([1, 2], "Off", null), write([3, 4], "a", "On", "conditionNotMet", null), read([5, 6], "Off", null)],
    ],
    [
      "a change to the state that the switch had",
      [write([1, 2], "a", "On", "changed"), write([3, 4], "b", "On", "changed")],
    ],
    ["no change, although the switch was in the other state", [write([1, 2], "a", "On", { unchanged: null })]],
    [
      "two readers in turn who see the new state and then the old one, while the change is under way",
      [write([1, 10], "a", "On", "changed"), read([2, 3], "On", "a"), read([4, 5], "Off", null)],
    ],
    [
      "an unanswered change that was seen and then was not",
      [write([1, never], "a", "On", "unknown"), read([2, 3], "On", "a"), read([4, 5], "Off", null)],
    ],
    ["an effect before the question", [read([1, 2], "On", "a"), write([3, never], "a", "On", "unknown")]],
    ["a change that nobody asked for", [read([1, 2], "On", "x")]],
    ["the right change with the wrong state", [write([1, 2], "a", "On", "changed"), read([3, 4], "Off", "a")]],
    [
      "an unanswered one cannot explain two changes in a row",
      [
        write([1, never], "u", "Off", "unknown"),
        write([2, 3], "a", "On", "changed"),
        write([4, 5], "b", "On", "changed"),
        write([6, 7], "c", "On", "changed"),
      ],
    ],
  ])("%s", (_, history) => {
    expect(checkLinearizability(history).kind).toBe("notLinearizable");
  });

  test("what could not be explained is named", () => {
    const stale = read([3, 4], "Off", null);
    const change = write([1, 2], "a", "On", "changed");
    const clash = checkLinearizability([change, stale]);
    expect(clash).toMatchObject({ kind: "notLinearizable", stuck: expect.arrayContaining([change, stale]) });
    const second = write([5, 6], "b", "On", "changed");
    const verdict = checkLinearizability([change, read([3, 4], "On", "a"), second]);
    expect(verdict).toEqual({ kind: "notLinearizable", explained: 2, stuck: [second] });
  });
});

describe("possible:", () => {
  test.each<[string, Operation[]]>([
    ["nothing", []],
    [
      "two readers at a time who see different things while the change is under way",
      [write([1, 10], "a", "On", "changed"), read([2, 8], "On", "a"), read([3, 9], "Off", null)],
    ],
    [
      "an unanswered change that takes effect long after everybody has forgotten it",
      [
        write([1, never], "u", "Off", "unknown"),
        write([2, 3], "a", "On", "changed"),
        read([4, 5], "On", "a"),
        read([6, 7], "Off", "u"),
      ],
    ],
    [
      "an unanswered change that never took effect",
      [write([1, never], "u", "On", "unknown"), read([2, 3], "Off", null), write([4, 5], "a", "On", "changed")],
    ],
    [
      "an unanswered change that nobody saw, and that alone explains what follows",
      [
        write([1, never], "u", "Off", "unknown"),
        write([2, 3], "a", "On", "changed"),
        write([4, 5], "b", "On", "changed"),
      ],
    ],
    [
      "an If-Match that did not hold because of an unanswered change",
      [
        write([1, never], "u", "On", "unknown"),
        read([2, 3], "Off", null),
        write([4, 5], "a", "On", "conditionNotMet", null),
      ],
    ],
    [
      "the loser of two with the same If-Match",
      [
        write([1, 6], "a", "On", "changed", null),
        write([2, 5], "b", "On", "conditionNotMet", null),
        read([3, 4], "Off", null),
      ],
    ],
    [
      "changes answered in the other order than they took effect",
      [
        write([1, 9], "a", "On", "changed"),
        write([2, 8], "b", "Off", "changed"),
        write([3, 7], "c", "On", "changed"),
        read([4, 6], "Off", "b"),
        read([10, 11], "On", "c"),
      ],
    ],
    [
      "a repeated request that changed nothing, whose first sending took effect later",
      [
        write([1, never], "u", "On", "unknown"),
        write([2, 3], "a", "On", "changed"),
        write([4, 5], "u", "On", { unchanged: "a" }),
        write([6, 7], "b", "Off", "changed"),
        read([8, 9], "On", "u"),
      ],
    ],
    [
      "no change, because another one was quicker",
      [write([1, 4], "a", "On", "changed"), write([2, 3], "b", "On", { unchanged: "a" })],
    ],
  ])("%s", (_, history) => {
    expect(checkLinearizability(history).kind).toBe("linearizable");
  });

  test("a confirmed state, where the switch follows Partner Center", () => {
    const history = [write([1, 2], "a", "On", "changed"), write([3, 4], "b", "On", "changed"), read([5, 6], "On", "b")];
    expect(checkLinearizability(history).kind).toBe("notLinearizable");
    expect(checkLinearizability(history, { confirms: true }).kind).toBe("linearizable");
  });
});

test("two changes with one id are a fault of the history, not of the product", () => {
  expect(() =>
    checkLinearizability([write([1, 2], "a", "On", "changed"), write([3, 4], "a", "Off", "changed")]),
  ).toThrow("Two changes have the id a.");
});

test("a search that takes too long is given up, not passed", () => {
  const many = Array.from({ length: 12 }, (_, index) =>
    write([index, 100 + index], String(index), index % 2 === 0 ? "On" : "Off", "changed"),
  );
  expect(checkLinearizability([...many, read([200, 201], "Off", "0")], { mostNodes: 10 }).kind).toBe("undecided");
});

/** What 64 callers see of a switch that is as it should be. Of the unanswered writes some take effect, some late, some never. */
function trueHistory(seed: number, size: number): Operation[] {
  const random = createRandom(seed, "true history");
  let current: Seen = { state: "Off", changeId: null };
  let time = 0;
  const effects: { readonly at: number; readonly act: () => void }[] = [];
  const history: Operation[] = [];
  for (let index = 0; index < size; index++) {
    time += random.next();
    const invoked = time;
    const at = invoked + random.next() * 32;
    const span: Span = [invoked, at + random.next() * 32];
    const state = random.pick(["On", "Off"] as const);
    const changeId = `change ${index}`;
    const isRead = random.chance(0.4);
    const isKnown = isRead || random.chance(0.9);
    const tells = random.chance(0.2);
    effects.push({
      at: isKnown ? at : at + random.next() * 500,
      act() {
        if (isRead) return void history.push(read(span, current.state, current.changeId));
        const expected = tells ? current.changeId : undefined;
        const outcome = state === current.state ? { unchanged: current.changeId } : "changed";
        if (isKnown) history.push(write(span, changeId, state, outcome, expected));
        else history.push(write([invoked, never], changeId, state, "unknown", expected));
        if (state !== current.state && (isKnown || random.chance(0.5))) current = { state, changeId };
      },
    });
  }
  for (const { act } of effects.sort((one, other) => one.at - other.at)) act();
  return history;
}

test("long true histories of 64 callers are explained, and one old answer among them is not", () => {
  for (let seed = 0; seed < 20; seed++) {
    const history = trueHistory(seed, 1_500);
    const verdict = checkLinearizability(history);
    expect(verdict.kind).toBe("linearizable");
    const reads = history.filter(({ kind }) => kind === "read");
    const [old, late] = [reads[Math.floor(reads.length / 3)], reads[Math.floor(reads.length / 2)]] as [Read, Read];
    const spoilt = history.map((operation) => (operation === late ? { ...late, seen: old.seen } : operation));
    expect(checkLinearizability(spoilt).kind).toBe("notLinearizable");
  }
});

const ids = ["a", "b", "c", "d", "e", "f"];
/** Small histories of all kinds, most of them impossible or nearly so. */
const histories = fc
  .array(
    fc.record({
      span: fc.tuple(fc.nat(9), fc.integer({ min: 1, max: 6 }), fc.nat(99)),
      kind: fc.constantFrom("read", "changed", "changed", "unknown", "unchanged", "conditionNotMet"),
      state: fc.constantFrom<SwitchState>("On", "Off"),
      seen: fc.constantFrom(null, ...ids.slice(0, 4)),
      expected: fc.option(fc.constantFrom(null, ...ids.slice(0, 3)), { nil: undefined, freq: 3 }),
    }),
    { minLength: 2, maxLength: 6 },
  )
  .map((drafts) =>
    drafts.map(({ span: [start, length, jitter], kind, state, seen, expected }, index): Operation => {
      const invoked = start + index / 1_000 + jitter / 1_000_000;
      const span: Span = [invoked, kind === "unknown" ? never : invoked + length + 0.1];
      const changeId = ids[index] as string;
      if (kind === "read") return read(span, state, seen);
      if (kind === "unchanged") return write(span, changeId, state, { unchanged: seen }, expected);
      if (kind === "conditionNotMet") return write(span, changeId, state, kind, expected ?? null);
      return write(span, changeId, state, kind as "changed" | "unknown", expected);
    }),
  );

/** By trying every order, without any cleverness, in words of its own. */
function isPossible(
  rest: readonly Operation[],
  state: SwitchState,
  changeId: string | null,
  confirms: boolean,
): boolean {
  if (rest.every(({ answered }) => answered === never)) return true;
  return rest.some((next) => {
    if (rest.some((other) => other.answered < next.invoked)) return false;
    const others = rest.filter((other) => other !== next);
    const stay = () => isPossible(others, state, changeId, confirms);
    if (next.kind === "read") return next.seen.state === state && next.seen.changeId === changeId && stay();
    const holds = next.expected === undefined || next.expected === changeId;
    if (next.outcome === "conditionNotMet") return !holds && stay();
    if (!holds) return false;
    if (typeof next.outcome === "object") return next.state === state && next.outcome.unchanged === changeId && stay();
    return (confirms || next.state !== state) && isPossible(others, next.state, next.changeId, confirms);
  });
}

test("ten thousand small histories are judged as by trying every order", () => {
  const counts = { linearizable: 0, notLinearizable: 0 };
  fc.assert(
    fc.property(histories, fc.boolean(), (history, confirms) => {
      const expected = isPossible(history, "Off", null, confirms) ? "linearizable" : "notLinearizable";
      expect(checkLinearizability(history, { confirms }).kind).toBe(expected);
      counts[expected] += 1;
    }),
    { numRuns: 10_000, ...(process.env.SEED ? { seed: Number(process.env.SEED) } : {}) },
  );
  expect(counts.linearizable).toBeGreaterThan(500);
  expect(counts.notLinearizable).toBeGreaterThan(500);
  process.stdout.write(
    `checker: ${counts.linearizable} possible and ${counts.notLinearizable} impossible small histories judged as by trying every order\n`,
  );
});
