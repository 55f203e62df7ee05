/**
 * `npm run build`: bundles the app into `dist/`, and the operators' page into `dist/ui/`. Files that have not changed
 * are left alone, so that an app which runs from there still finds the parts that it has not loaded yet.
 */

import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { bundle } from "./bundle.ts";
import { bundleUi } from "./ui-bundle.ts";

const root = join(import.meta.dirname, "..");
const dist = join(root, "dist");

const { outputFiles } = await bundle(root, "functions/main.ts");
const files = [...outputFiles.toSorted((a, b) => order(a.path) - order(b.path)), ...(await bundleUi(root))];
// The chunks first, then what imports them, then away with what nobody imports any more.
for (const { path, contents } of files) {
  if (existsSync(path) && (await readFile(path)).equals(contents)) continue;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, contents);
}
const built = new Set(files.map(({ path }) => path));
for (const file of await readdir(dist, { recursive: true, withFileTypes: true })) {
  const path = join(file.parentPath, file.name);
  if (!file.isDirectory() && !built.has(path)) await rm(path);
}

function order(path: string): number {
  return path.startsWith(join(dist, "chunks")) ? 0 : 1;
}
