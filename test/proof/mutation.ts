/**
 * `npm run test:mutation`: Stryker changes `shared/domain` and `shared/use-cases` in every way it knows, one at a time,
 * and the unit tests must fail. Writes docs/mutation.md; what is asked of the score stands in stryker.config.json.
 *
 * `MUTATE=shared/domain/change.ts npm run test:mutation` takes one file only, and writes nothing.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { reasonOf } from "./equivalent-mutants.ts";

const report = "coverage/mutation/report.json";
const document = "docs/mutation.md";
const { MUTATE: only } = process.env;

interface Position {
  readonly line: number;
  readonly column: number;
}

interface Mutant {
  readonly mutatorName: string;
  readonly replacement: string;
  readonly location: { readonly start: Position; readonly end: Position };
  readonly status: string;
}

interface Score {
  readonly file: string;
  readonly killed: number;
  readonly survived: readonly Survivor[];
}

interface Survivor {
  readonly line: number;
  /** The line of source with what was replaced in it, and the replacement. */
  readonly change: string;
  readonly reason: string | undefined;
}

await rm(report, { force: true });
const stryker = spawn(
  process.execPath,
  ["node_modules/@stryker-mutator/core/bin/stryker.js", "run", ...(only === undefined ? [] : ["--mutate", only])],
  { stdio: "inherit" },
);
const [code] = (await once(stryker, "close")) as [number | null];
process.exitCode = code ?? 1;
// Stryker has said why.
if (!existsSync(report)) process.exit();

const { files } = JSON.parse(await readFile(report, "utf8")) as {
  files: Record<string, { source: string; mutants: readonly Mutant[] }>;
};
const scores = Object.entries(files)
  .map(([file, { source, mutants }]) => scoreOf(file, source, mutants))
  .filter(({ killed, survived }) => killed + survived.length > 0)
  .sort((one, other) => (one.file < other.file ? -1 : 1));
const table = tableOf(scores);
if (only === undefined) {
  await mkdir("docs", { recursive: true });
  await writeFile(document, documentOf(scores));
} else for (const { file, survived } of scores) for (const each of survived) say(`${file}:${each.line} ${each.change}`);
say(table);

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function scoreOf(file: string, source: string, mutants: readonly Mutant[]): Score {
  const lines = source.split("\n");
  const alive = mutants.filter(({ status }) => status === "Survived" || status === "NoCoverage");
  return {
    file,
    // A change after which the tests do not come to an end is noticed, too.
    killed: mutants.filter(({ status }) => status === "Killed" || status === "Timeout").length,
    survived: alive.map((mutant) => {
      const change = changeOf(lines, mutant);
      return { line: mutant.location.start.line, change, reason: reasonOf(file, change) };
    }),
  };
}

function changeOf(lines: readonly string[], { location: { start, end }, replacement }: Mutant): string {
  const first = lines[start.line - 1] ?? "";
  const original =
    start.line === end.line ? first.slice(start.column - 1, end.column - 1) : `${first.slice(start.column - 1)} …`;
  const [shown = "", ...more] = replacement.split("\n");
  return `${original} → ${more.length === 0 ? shown : `${shown} …`}`;
}

function percent(killed: number, of: number): string {
  return `${((100 * killed) / of).toFixed(1)} %`;
}

function tableOf(rows: readonly Score[]): string {
  const row = (name: string, killed: number, survived: number) =>
    `| ${name} | ${killed + survived} | ${killed} | ${survived} | ${percent(killed, killed + survived)} |`;
  const sum = (count: (row: Score) => number) => rows.reduce((total, each) => total + count(each), 0);
  return [
    "| file | mutants | killed | survived | score |",
    "|---|--:|--:|--:|--:|",
    ...rows.map(({ file, killed, survived }) => row(`\`${file}\``, killed, survived.length)),
    row(
      "**all**",
      sum(({ killed }) => killed),
      sum(({ survived }) => survived.length),
    ),
  ].join("\n");
}

function documentOf(rows: readonly Score[]): string {
  const cell = (text: string) => `\`\` ${text.replaceAll("|", "\\|")} \`\``;
  const survivors = rows.flatMap(({ file, survived }) =>
    survived.map(({ line, change, reason }) => `| \`${file}:${line}\` | ${cell(change)} | ${reason ?? "—"} |`),
  );
  return `# Mutation testing

Written by \`npm run test:mutation\`; do not edit. Stryker changes the source in every way it knows, one change at a time, and the unit tests have to fail: \`test/use-cases\`, \`test/*-rules.test.ts\` and \`test/activity-chain.test.ts\`. The long walk of \`test/permission-state-machine.test.ts\` (12 seconds a mutant) is left out, so it can only be better than this. Below 90 % the command fails. Changes after which no test file loads any more are not counted.

${tableOf(rows)}

## What survives

A change with a reason beside it makes no difference that a caller, an operator or the log could tell. One without is a hole in the tests.

| place | change | why no test can tell |
|---|---|---|
${survivors.join("\n")}
`;
}
