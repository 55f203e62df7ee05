/**
 * `npm run package`: puts what is deployed into `.package/`, which azure.yaml names: the bundle, `host.json`, a
 * `package.json` without scripts, and of node_modules the one package beside the bundle with what it needs. They are
 * copied as `npm ci` has installed and verified them; Azure builds and installs nothing.
 */

import { existsSync } from "node:fs";
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { packageBesideBundle } from "./bundle.ts";
import { placesOf } from "./installed-packages.ts";
import { Sentence } from "./sentence.ts";

const root = join(import.meta.dirname, "..");
const target = process.argv[2] ?? join(root, ".package");

if (!existsSync(join(root, "dist"))) throw new Sentence("There is no build: run `npm run build` first.");
await rm(target, { recursive: true, force: true });
await mkdir(target, { recursive: true });
await cp(join(root, "dist"), join(target, "dist"), { recursive: true, filter: (path) => !path.endsWith(".map") });
// azd leaves node_modules out where no .funcignore says otherwise.
for (const name of ["host.json", ".funcignore"]) await cp(join(root, name), join(target, name));

const { name, version, type, main, dependencies } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
const beside = { [packageBesideBundle]: dependencies[packageBesideBundle] };
const manifest = { name, version, private: true, type, main, dependencies: beside };
await writeFile(join(target, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);

for (const place of await placesOf(root, packageBesideBundle)) {
  const from = join(root, place);
  // Packages within are places of their own; an optional one of another platform is not here.
  const isOwn = (path: string) => path === from || (basename(path) !== "node_modules" && !path.endsWith(".map"));
  if (existsSync(from)) await cp(from, join(target, place), { recursive: true, filter: isOwn });
}
