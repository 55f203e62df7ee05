/**
 * `npm run test:mutants`: puts the bugs of seeded-bugs.ts one by one into a copy of this checkout, builds it, and runs
 * the tests that have to notice. A bug that survives is a hole in the tests, and makes the command fail.
 *
 * The checkout itself is only read. The packages are hard links: what runs in the copy replaces files, it never
 * writes into them. Before the first bug the same tests must pass without any.
 *
 * `MUTANTS=token npm run test:mutants` takes only bugs with that word in their names, and shows how they were noticed.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:fs";
import {
  copyFile,
  cp,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Edit, type SeededBug, seededBugs } from "./seeded-bugs.ts";

/** Of one run of jest: the build, Azurite, and the tests of one bug. */
const longestRunMilliseconds = 300_000;
/** Neither source nor test. */
const leftOut = new Set([".git", ".local", "coverage", "dist", "node_modules"]);

interface TestResult {
  readonly fullName: string;
  readonly status: string;
  readonly failureMessages: readonly string[];
}

const say = (line: string) => process.stdout.write(`${line}\n`);
const whyFailed = ({ fullName, failureMessages }: TestResult) =>
  `${fullName}\n${failureMessages.join("\n").slice(0, 1500)}`;
const secondsSince = (start: number) => Math.round((Date.now() - start) / 1000);

async function copyCheckout(copy: string): Promise<void> {
  for (const entry of await readdir(".")) {
    if (!leftOut.has(entry)) await cp(entry, join(copy, entry), { recursive: true });
  }
  await linkFolder("node_modules", join(copy, "node_modules"));
}

async function linkFolder(from: string, to: string): Promise<void> {
  await mkdir(to);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.name === ".cache") continue;
    if (entry.isDirectory()) await linkFolder(source, target);
    else if (entry.isSymbolicLink()) await symlink(await readlink(source), target);
    // On another disk there are no links.
    else await link(source, target).catch(() => copyFile(source, target, constants.COPYFILE_FICLONE));
  }
}

/** @returns what the files that it changes held before */
async function put(copy: string, edits: readonly Edit[]): Promise<Map<string, string>> {
  const before = new Map<string, string>();
  for (const { file, search, replace } of edits) {
    const text = await readFile(join(copy, file), "utf8");
    const found = text.split(search).length - 1;
    if (found !== 1) throw new Error(`${file} has this ${found} times instead of once:\n${search}`);
    if (!before.has(file)) before.set(file, text);
    await writeFile(
      join(copy, file),
      text.replace(search, () => replace),
    );
  }
  return before;
}

/** Ends what runs now. */
let endTests = () => {};

/** @returns what became of each test that was run */
async function runTests(copy: string, bugs: readonly SeededBug[]): Promise<TestResult[]> {
  const report = join(copy, "jest-report.json");
  await rm(report, { force: true });
  const files = [...new Set(bugs.map(({ caughtBy }) => caughtBy.file))];
  const names = bugs.map(({ caughtBy }) => caughtBy.test.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const jest = spawn(
    process.execPath,
    [
      "node_modules/jest/bin/jest.js",
      ...["--runTestsByPath", ...files],
      ...["--testNamePattern", names.join("|")],
      ...["--json", "--outputFile", report],
    ],
    { cwd: copy, stdio: ["ignore", "pipe", "pipe"], detached: true },
  );
  const output: string[] = [];
  for (const stream of [jest.stdout, jest.stderr]) stream.on("data", (data: Buffer) => output.push(data.toString()));
  endTests = () => {
    if (jest.pid !== undefined && jest.exitCode === null && jest.signalCode === null)
      process.kill(-jest.pid, "SIGKILL");
  };
  const timer = setTimeout(endTests, longestRunMilliseconds);
  await once(jest, "close");
  clearTimeout(timer);

  const { testResults } = JSON.parse(
    await readFile(report, "utf8").catch(() => {
      throw new Error(`It does not build, or its tests came to no end.\n${output.join("").slice(-3000)}`);
    }),
  ) as { testResults: { message: string; assertionResults: TestResult[] }[] };
  const results = testResults.flatMap(({ assertionResults }) => assertionResults);
  const ran = results.filter(({ status }) => status === "passed" || status === "failed");
  if (ran.length === 0) throw new Error(`No test was run.\n${testResults.map(({ message }) => message).join("\n")}`);
  return ran;
}

const start = Date.now();
const wanted = process.env.MUTANTS ?? "";
const bugs = seededBugs.filter(({ name }) => name.includes(wanted));
const copy = await mkdtemp(join(tmpdir(), "mutants-"));
const removeCopy = () => rm(copy, { recursive: true, force: true });
// jest is a group of processes of its own: it does not hear the Ctrl-C.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    endTests();
    void removeCopy().finally(() => process.exit(1));
  });
}

try {
  await copyCheckout(copy);
  for (const { edits } of bugs) await restore(await put(copy, edits));
  const sound = await runTests(copy, bugs);
  for (const { name, caughtBy } of bugs) {
    const named = sound.filter(({ fullName }) => fullName.includes(caughtBy.test));
    if (named.length === 0) throw new Error(`There is no test "${caughtBy.test}" for the bug "${name}".`);
  }
  const broken = sound.filter(({ status }) => status === "failed");
  if (broken.length > 0) throw new Error(`Without any bug these tests fail:\n${broken.map(whyFailed).join("\n")}`);
  say(`Without any bug all ${sound.length} tests pass (${secondsSince(start)} s).`);

  const rows: { bug: string; caughtBy: string | undefined }[] = [];
  for (const bug of bugs) {
    const began = Date.now();
    const before = await put(copy, bug.edits);
    const failed = (await runTests(copy, [bug])).filter(({ status }) => status === "failed");
    await restore(before);
    rows.push({ bug: bug.name, caughtBy: failed[0] && `${bug.caughtBy.file}: ${failed[0].fullName}` });
    say(`${failed.length > 0 ? "caught  " : "SURVIVED"} ${bug.name} (${secondsSince(began)} s)`);
    if (wanted !== "") for (const one of failed) say(whyFailed(one));
  }

  const survivors = rows.filter(({ caughtBy }) => caughtBy === undefined);
  say("\n| bug | caught by |\n|---|---|");
  for (const { bug, caughtBy } of rows) say(`| ${bug} | ${caughtBy ?? "**nothing**"} |`);
  say(`\n${rows.length - survivors.length} of ${rows.length} bugs caught in ${secondsSince(start)} s.`);
  if (survivors.length > 0) process.exitCode = 1;
} finally {
  await removeCopy();
}

async function restore(before: ReadonlyMap<string, string>): Promise<void> {
  for (const [file, text] of before) await writeFile(join(copy, file), text);
}
