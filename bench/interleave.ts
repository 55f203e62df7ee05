/** Runs what is to be compared side by side: ABAB, each round beginning with another one. */

import type { Block } from "./load.ts";

export interface Patience {
  /** A machine that others use takes longer for a round: then there are fewer. */
  readonly seconds: number;
  readonly leastRounds: number;
  readonly mostRounds: number;
}

type Sides = Readonly<Record<string, () => Promise<Block>>>;

/** The first round warms up, and does not count. */
export async function interleave<Given extends Sides>(
  { seconds, leastRounds, mostRounds }: Patience,
  sides: Given,
): Promise<{ [Side in keyof Given]: Block[] }> {
  const entries = Object.entries(sides).map(([name, run]) => ({ name, run, blocks: [] as Block[] }));
  const until = performance.now() + seconds * 1000;
  for (let round = 0; round <= leastRounds || (round <= mostRounds && performance.now() < until); round++) {
    const first = round % entries.length;
    for (const { run, blocks } of [...entries.slice(first), ...entries.slice(0, first)]) {
      const block = await run();
      if (round > 0) blocks.push(block);
    }
  }
  return Object.fromEntries(entries.map(({ name, blocks }) => [name, blocks])) as { [Side in keyof Given]: Block[] };
}
