/** Runs what is to be compared side by side: ABAB, each round beginning with another one. */

import type { Block } from "./load.ts";

export interface Patience {
  /** A machine that others use takes longer for a round: then there are fewer. */
  readonly seconds: number;
  readonly leastRounds: number;
  readonly mostRounds: number;
}

/** The first round warms up, and does not count. */
export async function interleave<Side extends string>(
  { seconds, leastRounds, mostRounds }: Patience,
  sides: Readonly<Record<Side, () => Promise<Block>>>,
): Promise<Record<Side, Block[]>> {
  const names = Object.keys(sides) as Side[];
  const blocks = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Side, Block[]>;
  const until = performance.now() + seconds * 1000;
  for (let round = 0; round <= leastRounds || (round <= mostRounds && performance.now() < until); round++) {
    const first = round % names.length;
    for (const name of [...names.slice(first), ...names.slice(0, first)]) {
      const block = await sides[name]();
      if (round > 0) blocks[name].push(block);
    }
  }
  return blocks;
}
