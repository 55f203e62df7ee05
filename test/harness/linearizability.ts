/**
 * Checks whether what callers saw of one switch can be explained by operations that each took effect at one moment
 * between question and answer (Herlihy and Wing). It is the search of Wing and Gong with the memory of Lowe: take any
 * operation that may come first, go on from there, and never look twice at the same rest with the same switch.
 *
 * A change has an id of its own, and the switch shows the id of its last change. So a switch never shows again what
 * it has shown before, and most of the search is forced.
 */

export type SwitchState = "On" | "Off";

/** What a caller sees of a switch: its state, and the change that brought it about. null: never touched. */
export interface Seen {
  readonly state: SwitchState;
  readonly changeId: string | null;
}

interface Asked {
  /** Any clock that all callers share; two moments are never the same. */
  readonly invoked: number;
  /** Infinity, when no answer came. */
  readonly answered: number;
}

export interface Read extends Asked {
  readonly kind: "read";
  readonly seen: Seen;
}

export interface Write extends Asked {
  readonly kind: "write";
  readonly changeId: string;
  readonly state: SwitchState;
  /** From If-Match: the change that the switch must still show. */
  readonly expected?: string | null;
  /**
   * `changed`: the switch was in the other state before. A change id: it was in this state already, by that change.
   * `unknown`: it may have taken effect at any time since it was asked for, or may still, or never.
   */
  readonly outcome: "changed" | "conditionNotMet" | "unknown" | { readonly unchanged: string | null };
}

export type Operation = Read | Write;

export type Verdict =
  | { readonly kind: "linearizable"; readonly order: readonly Operation[] }
  /** @property stuck the operations of which none can come next, where the search came farthest */
  | { readonly kind: "notLinearizable"; readonly explained: number; readonly stuck: readonly Operation[] }
  /** The search was given up. */
  | { readonly kind: "undecided" };

export interface CheckOptions {
  readonly initial?: Seen;
  /** A change may confirm the state that the switch has, as in live mode when Partner Center differs. */
  readonly confirms?: boolean;
  readonly mostNodes?: number;
}

const untouched: Seen = { state: "Off", changeId: null };

/** An operation in the search. */
interface Step {
  readonly operation: Operation;
  readonly invoked: number;
  /** By then it has taken effect: it was answered, or somebody who saw it was. Infinity: it need not have. */
  readonly before: number;
  /** The change that the switch must show at that moment; undefined: any. */
  readonly needs: string | null | undefined;
  readonly isMove: boolean;
  isDone: boolean;
}

export function checkLinearizability(operations: readonly Operation[], options: CheckOptions = {}): Verdict {
  const { initial = untouched, confirms = false, mostNodes = 300_000 } = options;
  const invented = operations.filter((operation) => isInvented(operation, operations, initial));
  if (invented.length > 0) return { kind: "notLinearizable", explained: 0, stuck: invented };
  const clash = clashOfReigns(operations, initial);
  if (clash !== undefined) return { kind: "notLinearizable", explained: 0, stuck: clash };
  const search = createSearch(stepsOf(operations), initial, confirms);
  const path = [search.descend()];
  while (search.left() > 0) {
    if (search.nodes() > mostNodes) return { kind: "undecided" };
    const here = path.at(-1);
    if (here === undefined) return { kind: "notLinearizable", ...search.farthest() };
    search.goBackTo(here);
    const next = here.choices.shift();
    if (next === undefined) path.pop();
    else path.push(search.descend(next));
  }
  return { kind: "linearizable", order: search.order() };
}

/** A point of the search to which it can come back. */
interface Place {
  readonly length: number;
  readonly current: Seen;
  /** What has not been tried from here. */
  readonly choices: Step[];
}

function createSearch(steps: readonly Step[], initial: Seen, confirms: boolean) {
  const required = steps.filter(isRequired);
  const optional = steps.filter((step) => !isRequired(step));
  const places = new Map(required.map((step, index) => [step, index]));
  const movesThatNeed = Map.groupBy(
    required.filter(({ isMove }) => isMove),
    ({ needs }) => needs,
  );
  /** How many that do not move the switch still need it to show this change. */
  const waiting = new Map<string | null, number>();
  const wait = ({ isMove, needs }: Step, more: 1 | -1) => {
    if (!isMove && needs !== undefined) waiting.set(needs, (waiting.get(needs) ?? 0) + more);
  };
  for (const step of required) wait(step, 1);

  const known = new Set<string>();
  const order: Step[] = [];
  let current = initial;
  /** Of `required`, all before this are done. */
  let first = 0;
  let left = required.length;
  let farthest: { explained: number; stuck: Operation[] } = { explained: -1, stuck: [] };

  function take(step: Step): void {
    step.isDone = true;
    order.push(step);
    if (isRequired(step)) left -= 1;
    wait(step, -1);
    const { operation, isMove } = step;
    if (isMove && operation.kind === "write") current = { state: operation.state, changeId: operation.changeId };
  }

  function goBackTo(place: Place): void {
    for (const step of order.splice(place.length)) {
      step.isDone = false;
      if (isRequired(step)) {
        left += 1;
        first = Math.min(first, places.get(step) ?? 0);
      }
      wait(step, 1);
    }
    current = place.current;
  }

  /** Those that may come next: nothing that is left was answered before they were asked. */
  function enabled(): Step[] {
    while (required[first]?.isDone) first += 1;
    const found: Step[] = [];
    let bound = Number.POSITIVE_INFINITY;
    for (let index = first; index < required.length; index++) {
      const step = required[index] as Step;
      if (step.isDone) continue;
      if (step.invoked > bound) break;
      bound = Math.min(bound, step.before);
      found.push(step);
    }
    return [...found, ...optional.filter(({ isDone }) => !isDone)].filter(({ invoked }) => invoked < bound);
  }

  /** What does not move the switch and can be explained now, is: waiting would not make it easier. */
  function settle(): void {
    for (;;) {
      const fitting = enabled().filter((step) => !step.isMove && isLegal(step, current, confirms));
      if (fitting.length === 0) return;
      fitting.forEach(take);
    }
  }

  function choices(): Step[] {
    const key = placeKey();
    if (known.has(key)) return [];
    known.add(key);
    // The switch will never show this change again: whoever saw it must have come by now, or comes next.
    if ((waiting.get(current.changeId) ?? 0) > 0) return [];
    const moves = enabled().filter((step) => step.isMove && isLegal(step, current, confirms));
    const forced = (movesThatNeed.get(current.changeId) ?? []).filter(({ isDone }) => !isDone);
    if (forced.length > 0) return forced.length === 1 ? moves.filter((step) => step === forced[0]) : [];
    // Of those that nobody saw and nothing binds, one is as good as another.
    const alike = new Set<string>();
    return moves
      .filter((step) => {
        if (isRequired(step) || step.needs !== undefined || step.operation.kind === "read") return true;
        const isFirst = !alike.has(step.operation.state);
        alike.add(step.operation.state);
        return isFirst;
      })
      .sort((one, other) => one.before - other.before || one.invoked - other.invoked);
  }

  function placeKey(): string {
    const done: number[] = [];
    const beyond = required.length - left - first;
    for (let index = first; done.length < beyond; index++) if (required[index]?.isDone) done.push(index);
    const taken = optional.flatMap(({ isDone }, index) => (isDone ? [index] : []));
    return `${current.changeId} ${first} ${done} ${taken}`;
  }

  return {
    left: () => left,
    nodes: () => known.size,
    farthest: () => farthest,
    order: () => order.map(({ operation }) => operation),
    goBackTo,
    descend(step?: Step): Place {
      if (step !== undefined) take(step);
      settle();
      if (order.length > farthest.explained) {
        farthest = { explained: order.length, stuck: enabled().map(({ operation }) => operation) };
      }
      return { length: order.length, current, choices: choices() };
    },
  };
}

function isRequired({ before }: Step): boolean {
  return before < Number.POSITIVE_INFINITY;
}

/** When the switch surely showed a change (`from` < `to`), or moments of which it showed it at one at least. */
interface Reign {
  readonly from: number;
  readonly to: number;
  readonly operations: readonly Operation[];
}

/**
 * What the search would need long to refute: two changes that the switch would have had to show at the same time (the
 * zones of Gibbons and Korach). For more than reads and plain writes this is necessary, not sufficient.
 *
 * @returns the operations of two changes that cannot both be, if there are such
 */
function clashOfReigns(operations: readonly Operation[], initial: Seen): Operation[] | undefined {
  const reigns = new Map<string | null, { from: number; to: number; operations: Operation[] }>();
  const join = (changeId: string | null, operation: Operation) => {
    const reign = reigns.get(changeId) ?? { from: Number.POSITIVE_INFINITY, to: 0, operations: [] };
    reign.from = Math.min(reign.from, operation.answered);
    reign.to = Math.max(reign.to, operation.invoked);
    reign.operations.push(operation);
    reigns.set(changeId, reign);
  };
  for (const operation of operations) {
    if (operation.kind === "write" && isMoveOf(operation)) join(operation.changeId, operation);
    const needs = neededBy(operation);
    if (needs !== undefined && (operation.kind === "read" || operation.outcome !== "unknown")) join(needs, operation);
  }
  const beginning = reigns.get(initial.changeId);
  if (beginning !== undefined) beginning.from = Number.NEGATIVE_INFINITY;

  const sure: Reign[] = [];
  const brief: Reign[] = [];
  for (const reign of reigns.values()) (reign.from < reign.to ? sure : brief).push(reign);
  sure.sort((one, other) => one.from - other.from);
  for (const [index, reign] of sure.entries()) {
    const next = sure[index + 1];
    if (next !== undefined && next.from < reign.to) return [...reign.operations, ...next.operations];
    const inside = brief.find(({ from, to }) => reign.from < to && from < reign.to);
    if (inside !== undefined) return [...reign.operations, ...inside.operations];
  }
  return undefined;
}

/** Somebody saw a change that nobody asked for. */
function isInvented(operation: Operation, all: readonly Operation[], { changeId: initial }: Seen): boolean {
  const seen = operation.kind === "write" && operation.outcome === "unknown" ? undefined : neededBy(operation);
  if (seen === undefined || seen === null || seen === initial) return false;
  return !all.some((other) => other.kind === "write" && other.changeId === seen && isMoveOf(other));
}

function isMoveOf({ outcome }: Write): boolean {
  return outcome === "changed" || outcome === "unknown";
}

function stepsOf(operations: readonly Operation[]): Step[] {
  const firstSeen = new Map<string | null, number>();
  for (const operation of operations) {
    const changeId = neededBy(operation);
    if (changeId === undefined || (operation.kind === "write" && operation.outcome === "unknown")) continue;
    firstSeen.set(changeId, Math.min(firstSeen.get(changeId) ?? Number.POSITIVE_INFINITY, operation.answered));
  }
  const moves = new Set<string>();
  return operations
    .map((operation): Step => {
      const isMove = operation.kind === "write" && isMoveOf(operation);
      if (isMove && moves.has(operation.changeId)) throw new Error(`Two changes have the id ${operation.changeId}.`);
      if (isMove) moves.add(operation.changeId);
      const seenAt = (isMove ? firstSeen.get(operation.changeId) : undefined) ?? Number.POSITIVE_INFINITY;
      return {
        operation,
        invoked: operation.invoked,
        before: Math.min(operation.answered, seenAt),
        needs: neededBy(operation),
        isMove,
        isDone: false,
      };
    })
    .sort((one, other) => one.invoked - other.invoked);
}

/** @returns the change that the switch must show at the moment of the operation, undefined when any will do */
function neededBy(operation: Operation): string | null | undefined {
  if (operation.kind === "read") return operation.seen.changeId;
  if (typeof operation.outcome === "object") return operation.outcome.unchanged;
  return operation.outcome === "conditionNotMet" ? undefined : operation.expected;
}

function isLegal({ operation, needs }: Step, current: Seen, confirms: boolean): boolean {
  if (needs !== undefined && needs !== current.changeId) return false;
  if (operation.kind === "read") return operation.seen.state === current.state;
  const { outcome, state, expected } = operation;
  if (outcome === "conditionNotMet") return expected !== current.changeId;
  if (expected !== undefined && expected !== current.changeId) return false;
  return typeof outcome === "object" ? state === current.state : confirms || state !== current.state;
}
