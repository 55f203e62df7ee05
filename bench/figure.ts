/** One line of the benchmark: what was measured, its floor, and their ratio over all rounds. */

import type { Block } from "./load.ts";
import { median, quantile } from "./statistics.ts";

export interface Figure {
  readonly name: string;
  readonly unit: "ms" | "/s" | "µs CPU" | "calls";
  /** Medians over the rounds. */
  readonly measured: number;
  readonly floor: number;
  /**
   * How many times worse than the floor: median over the rounds of the ratio within a round. Of CPU, which the system
   * counts in hundredths of a second, the ratio over all rounds.
   */
  readonly ratio: number;
  /** 10 % and 90 % of the rounds lie below; absent: not known. */
  readonly low?: number;
  readonly high?: number;
  readonly rounds: number;
  /** The ratio that DESIGN §7 allows; absent: told for information. */
  readonly goal?: number;
}

export interface RoundsOf {
  readonly measured: readonly Block[];
  /** Of the same rounds. */
  readonly floor: readonly Block[];
}

/** Only what ran side by side is compared: a machine that others use is fast in one minute and slow in the next. */
export function compare(
  name: string,
  { measured, floor }: RoundsOf,
  kind: "p50" | "perSecond" | "cpu",
  goal?: number,
): Figure | undefined {
  const pairs = measured.flatMap((block, round) => {
    const [value, below] = [block[kind], floor[round]?.[kind]];
    return value === undefined || below === undefined || below === 0 ? [] : [{ value, below }];
  });
  if (pairs.length === 0) return undefined;
  const ratios = pairs.map(({ value, below }) => (kind === "perSecond" ? below / value : value / below));
  return {
    name,
    unit: { p50: "ms", perSecond: "/s", cpu: "µs CPU" }[kind] as Figure["unit"],
    measured: median(pairs.map(({ value }) => value)),
    floor: median(pairs.map(({ below }) => below)),
    ratio:
      kind === "cpu" ? sum(pairs.map(({ value }) => value)) / sum(pairs.map(({ below }) => below)) : median(ratios),
    low: quantile(ratios, 0.1),
    high: quantile(ratios, 0.9),
    rounds: pairs.length,
    ...(goal === undefined ? {} : { goal }),
  };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
