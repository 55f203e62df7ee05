/**
 * `npm run size`: how large what is deployed is, and what it is made of. `dist/` holds every package but Application
 * Insights, so node_modules is deployed only for that, and only where its setting is there.
 */

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import { bundle, packageBesideBundle } from "../local/bundle.ts";
import { placesOf } from "../local/installed-packages.ts";
import { Sentence } from "../local/sentence.ts";
import { bundleUi } from "../local/ui-bundle.ts";

const goalMegabytes = 3;
const root = join(import.meta.dirname, "..");

interface Size {
  readonly files: number;
  readonly bytes: number;
  /** In a zip archive, without its directory. */
  readonly zipped: number;
}

const { outputFiles, metafile } = await bundle(root, "functions/main.ts");
const deployed = outputFiles.filter(({ path }) => !isLeftOut(path)).map(({ contents }) => contents);
const rest = ["host.json", "package.json", "package-lock.json"].map((name) => readFile(join(root, name)));
const page = sizeOf((await bundleUi(root)).map(({ contents }) => contents));
const own = add(sizeOf([...deployed, ...(await Promise.all(rest))]), page);
const insights = await sizeOfPackages(packageBesideBundle);

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(2)} MB`;
const row = (name: string, { files, bytes, zipped }: Size) =>
  `${name.padEnd(36)}${String(files).padStart(7)} files${megabytes(bytes).padStart(12)}${megabytes(zipped).padStart(12)} zipped`;
const packages = [...bytesByPackage()].sort(([, a], [, b]) => b - a);
process.stdout.write(`${packages
  .slice(0, 15)
  .map(([name, bytes]) => `  ${name.padEnd(32)}${(bytes / 1e3).toFixed(0).padStart(7)} kB`)
  .join("\n")}
  ${`${packages.length - 15} more`.padEnd(32)}${(packages.slice(15).reduce((sum, [, bytes]) => sum + bytes, 0) / 1e3).toFixed(0).padStart(7)} kB
${row("the operators' page, in three forms", page)}
${row("deployed", own)}
${row("… with Application Insights", add(own, insights))}
`);
if (own.bytes > goalMegabytes * 1e6) {
  throw new Sentence(`Without Application Insights ${goalMegabytes} MB are the goal: look at the packages above.`);
}

/** As .funcignore has it. */
function isLeftOut(path: string): boolean {
  return path.endsWith(".map");
}

function sizeOf(contents: readonly Uint8Array[]): Size {
  return contents
    .map((each) => ({ files: 1, bytes: each.length, zipped: deflateRawSync(each).length }))
    .reduce(add, { files: 0, bytes: 0, zipped: 0 });
}

function add(a: Size, b: Size): Size {
  return { files: a.files + b.files, bytes: a.bytes + b.bytes, zipped: a.zipped + b.zipped };
}

/** The share of each package in the bundle; ours is the folder of the sources. */
function bytesByPackage(): Map<string, number> {
  const sums = new Map<string, number>();
  for (const { inputs } of Object.values(metafile.outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
      const name = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? "our own code";
      sums.set(name, (sums.get(name) ?? 0) + bytesInOutput);
    }
  }
  return sums;
}

/** A package with everything it depends on, as `npm ci` has installed it. */
async function sizeOfPackages(name: string): Promise<Size> {
  let size: Size = { files: 0, bytes: 0, zipped: 0 };
  for (const place of await placesOf(root, name)) {
    for (const path of await filesIn(join(root, place))) {
      if (!isLeftOut(path)) size = add(size, sizeOf([await readFile(path)]));
    }
  }
  return size;
}

/** Without packages within: they have a place of their own in the lockfile. */
async function filesIn(folder: string): Promise<string[]> {
  const found = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    // An optional package of another platform.
    if (error.code === "ENOENT") return [];
    throw error;
  });
  const paths = found.map(async (entry) => {
    const path = join(folder, entry.name);
    if (entry.isFile()) return [path];
    return entry.isDirectory() && entry.name !== "node_modules" ? filesIn(path) : [];
  });
  return (await Promise.all(paths)).flat();
}
