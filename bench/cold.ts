/** `npm run bench:cold`: measures cold starts of what stands in `dist/`. ROUNDS, default 15; JSON with `--json`. */

import { measureColdStart } from "./cold-start.ts";

const rounds = Number(process.env.ROUNDS || 15);
const result = await measureColdStart({ rounds });
process.stdout.write(process.argv.includes("--json") ? `${JSON.stringify(result, null, 2)}\n` : tableOf(result));

function tableOf({ cases, ...figures }: typeof result): string {
  const rows = Object.entries(cases).map(([name, { median, fastest, quartiles }]) => {
    const cells = [median.load, median.get, median.total, quartiles.join("–"), fastest, median.cpu];
    return `${name.padEnd(18)}${cells.map((cell) => String(cell).padStart(14)).join("")}`;
  });
  const names = ["load", "first GET", "together", "half within", "fastest", "CPU"];
  return `Cold start, ms, medians of ${figures.rounds} rounds, interleaved
${" ".repeat(18)}${names.map((name) => name.padStart(14)).join("")}
${rows.join("\n")}
product ÷ floor: ${figures.ratio} (goal ≤ 1.3); of CPU ${figures.cpuRatio}; over plain http ${figures.ratioOverPlainHttp}; to an unbundled hello world ${figures.ratioToUnbundled}
${figures.machine}
`;
}
