/**
 * `npm run --silent sbom`: a CycloneDX list, on stdout, of what is deployed. npm is shown a project without development
 * dependencies: its own `--omit=dev` leaves out whatever a development dependency needs as well (npm 11.19: 18 of 228 here).
 */

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const read = (name) => JSON.parse(readFileSync(new URL(`../${name}`, import.meta.url), "utf8"));
const { name, version, license, dependencies, overrides } = read("package.json");
const { packages, ...lock } = read("package-lock.json");
const { "": root, ...others } = packages;
const deployed = Object.entries(others).filter(([, { dev, devOptional }]) => !dev && !devOptional);

const folder = mkdtempSync(join(tmpdir(), "sbom-"));
try {
  // npm names the whole after the folder that it is in.
  const project = join(folder, name);
  mkdirSync(project);
  const write = (file, content) => writeFileSync(join(project, file), JSON.stringify(content));
  write("package.json", { name, version, license, dependencies, overrides });
  const { devDependencies: _, ...ofRoot } = root;
  write("package-lock.json", { ...lock, packages: { "": ofRoot, ...Object.fromEntries(deployed) } });
  execFileSync(
    "npm",
    ["sbom", "--package-lock-only", "--omit=optional", "--sbom-format=cyclonedx", "--sbom-type=application"],
    { cwd: project, stdio: ["ignore", "inherit", "inherit"], shell: process.platform === "win32" },
  );
} finally {
  rmSync(folder, { recursive: true });
}
