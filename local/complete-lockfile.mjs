/**
 * `npm run lockfile`, after every `npm install` of ours: adds to package-lock.json the optional packages of other
 * platforms (macOS, Windows, musl) that npm leaves out when a registry mirror does not offer them. Without their
 * entries `npm ci` fails: "Missing: @biomejs/cli-darwin-arm64 from lock file".
 */

import { readFileSync, writeFileSync } from "node:fs";

const lock = JSON.parse(readFileSync("package-lock.json", "utf8"));

for (const [place, { optionalDependencies = {}, dev, engines, license }] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const key = `node_modules/${name}`;
    if (lock.packages[key] !== undefined || lock.packages[`${place}/${key}`] !== undefined) continue;
    const [os] = /darwin|linux|win32|android|freebsd|openharmony/.exec(name) ?? [];
    const [cpu] = /x64|arm64|arm|ia32|ppc64|s390x|riscv64|loong64|wasm32/.exec(name.replace("win32", "")) ?? [];
    const libc = name.includes("musl") ? "musl" : name.endsWith("-gnu") ? "glibc" : undefined;
    lock.packages[key] = {
      version: version.replace(/^[\^~]/, ""),
      ...(cpu && { cpu: [cpu] }),
      ...(dev && { dev }),
      ...(libc && { libc: [libc] }),
      license,
      optional: true,
      ...(os && { os: [os] }),
      ...(engines && { engines }),
    };
    process.stdout.write(`added ${name}@${version}\n`);
  }
}

const sorted = Object.entries(lock.packages).sort(([one], [other]) => one.localeCompare(other, "en"));
writeFileSync("package-lock.json", `${JSON.stringify({ ...lock, packages: Object.fromEntries(sorted) }, null, 2)}\n`);
