/** What is deployed besides our own code is known by name, version and licence: docs/dependencies.md and the SBOM say it. */

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "@jest/globals";

interface Locked {
  readonly version: string;
  readonly license?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
}

const read = (path: string) => JSON.parse(readFileSync(path, "utf8"));
const page = readFileSync("docs/dependencies.md", "utf8");
const { name, version, dependencies, devDependencies } = read("package.json");
const locked = Object.entries(read("package-lock.json").packages as Record<string, Locked>).filter(([at]) => at !== "");
const deployed = locked.filter(([, { dev, devOptional }]) => !dev && !devOptional);
const nameOf = (at: string) => at.replace(/^.*node_modules\//, "");
const permissive = ["0BSD", "Apache-2.0", "BSD-3-Clause", "ISC", "MIT"];

test("the page has the packages of package.json in their versions, with their licence and a reason", () => {
  const rows = [...page.matchAll(/^\| `(\S+)` \| (\S+) \| (\S+) \| .{10,} \|$/gm)].map(
    ([, packageName, packageVersion, licence]) => [packageName, packageVersion, licence],
  );
  expect(rows).toEqual(
    Object.entries(dependencies).map(([packageName, packageVersion]) => [
      packageName,
      packageVersion,
      read(`node_modules/${packageName}/package.json`).license,
    ]),
  );
});

test("versions are exact, and every package that is installed is pinned by a hash", () => {
  for (const wanted of Object.values({ ...dependencies, ...devDependencies }))
    expect(wanted).toMatch(/^\d+\.\d+\.\d+(-alpha\.\d+)?$/);
  // Development tools for other platforms, which the mirror that the lockfile was made with does not have.
  const elsewhere = locked.filter(([, { dev, optional, os, cpu, libc }]) => dev && optional && (os || cpu || libc));
  const unpinned = locked.filter(([, { integrity }]) => !/^sha512-/.test(integrity ?? ""));
  expect(unpinned.filter((one) => !elsewhere.includes(one))).toEqual([]);
  const foreign = locked.filter(([, { resolved }]) => !/^(https:\/\/registry\.npmjs\.org\/|$)/.test(resolved ?? ""));
  expect(foreign).toEqual([]);
});

test("no package that is deployed has a licence that asks for more than its notice", () => {
  const licences = deployed.map(([at, { license }]) => ({
    at,
    locked: license,
    installed: read(`${at}/package.json`),
  }));
  const others = licences.filter(
    ({ locked: one, installed }) => !permissive.includes(one ?? "") || installed.license !== one,
  );
  expect(others.map(({ at }) => at)).toEqual([]);
  expect(page).toContain(`${deployed.length} packages in all`);
  for (const licence of permissive) expect(page).toContain(licence);
  expect(new Set(licences.map(({ locked: one }) => one))).toEqual(new Set(permissive));
});

describe("the bill of materials", () => {
  let bill: { bomFormat: string; metadata: { component: unknown }; components: { name: string; version: string }[] };
  beforeAll(() => {
    bill = JSON.parse(execFileSync(process.execPath, ["local/sbom.mjs"], { maxBuffer: 1e8, stdio: "pipe" }).toString());
  }, 60_000);

  test("is CycloneDX of this product", () => {
    expect(bill.bomFormat).toBe("CycloneDX");
    expect(bill.metadata.component).toMatchObject({ name, version, type: "application" });
  });

  test("has every package that is deployed, and none that is not", () => {
    const listed = bill.components.map((one) => `${one.name}@${one.version}`);
    expect(new Set(listed)).toEqual(new Set(deployed.map(([at, one]) => `${nameOf(at)}@${one.version}`)));
  });
});
