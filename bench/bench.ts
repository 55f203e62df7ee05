/**
 * `npm run bench`: DESIGN §7's figures, each as a ratio to its floor in the same run.
 *
 *   --quick         fewer rounds, for CI
 *   --guard         ends with 1 when a ratio is more than twice its goal, and no round met it
 *   --json <file>   writes the figures, too
 *   --only <names>  some of toggle,read,eligibility,telemetry,cold-start
 *   --costs         writes docs/cost.md, and measures nothing
 */

import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { makeManyCustomers } from "../local/stand-ins/many-customers.ts";
import { makeCases, measureEligibility } from "./eligibility.ts";
import type { Figure } from "./figure.ts";
import type { Patience } from "./interleave.ts";
import { costDocument } from "./operation-costs.ts";
import { isMet, tableOf, thisMachine } from "./report.ts";
import { startRig } from "./rig.ts";
import { blockOfToggles, goals, measureReads, measureToggles, openSides, warmUp } from "./storage-bound.ts";
import { measureTelemetry } from "./telemetry.ts";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    guard: { type: "boolean", default: false },
    json: { type: "string" },
    costs: { type: "boolean", default: false },
    only: { type: "string" },
  },
});
// Cold starts take a minute for themselves.
const usual = `toggle,read,eligibility,telemetry${values.quick ? "" : ",cold-start"}`;
const only = (values.only ?? usual).split(",");
const patience: Patience = values.quick
  ? { seconds: 1, leastRounds: 3, mostRounds: 9 }
  : { seconds: 12, leastRounds: 9, mostRounds: 60 };
const customers = makeManyCustomers(blockOfToggles(32));
const cases = makeCases().filter(({ name }) => !values.quick || !name.includes("no Owner"));
const say = (text: string) => process.stdout.write(`${text}\n`);

if (values.costs) await writeFile("docs/cost.md", costDocument());
else await measure();

async function measure(): Promise<void> {
  const begun = performance.now();
  const machine = thisMachine();
  say(
    `${machine.processor}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.platform}, Node ${machine.node}`,
  );
  const figures: Figure[] = [];
  const rig = await startRig([...customers, ...cases.map(({ customer }) => customer)]);
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => void rig.close().finally(() => process.exit(130)));
  }
  try {
    const sides = await openSides(
      rig,
      customers.map(({ tenantId }) => tenantId),
      values.quick,
    );
    await warmUp(rig, sides, values.quick ? 2 : 10);
    say(`  started and warm: ${((performance.now() - begun) / 1000).toFixed(0)} s`);
    const parts = {
      toggle: () => measureToggles(rig, sides, patience),
      read: () => measureReads(rig, sides, patience),
      eligibility: () => measureEligibility(rig, sides, cases, patience),
      telemetry: () => measureTelemetry(rig, sides, patience),
    };
    for (const [name, measure] of Object.entries(parts)) {
      if (!only.includes(name)) continue;
      const at = performance.now();
      figures.push(...(await measure()));
      say(`  ${name}: ${((performance.now() - at) / 1000).toFixed(0)} s`);
    }
  } finally {
    await rig.close();
  }
  const coldStart = only.includes("cold-start") ? await measureColdStart() : [];
  figures.push(...coldStart);

  say(`\n${tableOf(figures)}`);
  if (coldStart.length === 0) say("Cold start: not measured.");
  const measured = figures.filter(({ goal }) => goal !== undefined);
  const missed = measured.filter((figure) => !isMet(figure));
  const seconds = (performance.now() - begun) / 1000;
  say(`${measured.length - missed.length} of ${measured.length} goals met, in ${seconds.toFixed(0)} s.`);
  if (values.json !== undefined) {
    const at = new Date().toISOString();
    await writeFile(values.json, `${JSON.stringify({ at, machine, figures }, null, 2)}\n`);
  }
  if (values.guard) {
    // Half as fast as allowed, and no round that was fast enough: that is no noise any more.
    const worse = missed.filter(({ ratio, low, goal = ratio }) => ratio > 2 * goal && (low ?? ratio) > goal);
    for (const { name, ratio } of worse)
      process.stderr.write(`Too slow: ${name} is ${ratio.toFixed(2)} × its floor.\n`);
    if (worse.length > 0) process.exitCode = 1;
  }
}

/** bench/cold-start.ts takes fresh processes and another storage. */
async function measureColdStart(): Promise<Figure[]> {
  const file = join(import.meta.dirname, "cold-start.ts");
  if (!existsSync(file)) return [];
  const { measureColdStart: coldStart } = (await import(file)) as { readonly measureColdStart: ColdStart };
  const found = await coldStart({ rounds: values.quick ? 3 : 15 });
  const { ratio, floorMilliseconds: floor, productMilliseconds: measured, rounds } = found;
  return [{ name: "load + first GET, cold", unit: "ms", measured, floor, ratio, rounds, goal: goals.coldStart }];
}

type ColdStart = (options: { readonly rounds: number }) => Promise<{
  readonly ratio: number;
  readonly floorMilliseconds: number;
  readonly productMilliseconds: number;
  readonly rounds: number;
}>;
