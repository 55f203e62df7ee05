/** What .funcignore leaves for Azure: the build, its settings of the host and its packages. No stand-in, no source, no secret. */

import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";

/** .gitignore's rules as far as .funcignore uses them: a pattern with a slash in front is of the top folder. */
const patterns = readFileSync(".funcignore", "utf8")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"));
const rules = patterns.map((pattern) => {
  const name = pattern
    .replace(/^\//, "")
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", "[^/]*");
  return new RegExp(`${pattern.startsWith("/") ? "^" : "(^|/)"}${name}(/|$)`);
});
const isDeployed = (path: string) => !rules.some((rule) => rule.test(path));

function filesBelow(folder: string): string[] {
  return readdirSync(folder === "" ? "." : folder).flatMap((name) => {
    const path = folder === "" ? name : `${folder}/${name}`;
    if (path === "node_modules" || path === ".git") return [];
    return statSync(join(path)).isDirectory() ? filesBelow(path) : [path];
  });
}

test("of all files that are here only the build, host.json and the lists of packages are deployed", () => {
  const deployed = filesBelow("").filter(isDeployed);
  const code = /^dist\/(?!local|test|bench)[\w/-]+\.[cm]?js(\.LEGAL\.txt)?$/;
  const page =
    /^dist\/ui\/(files\.json|(index\.html|licences\.txt|[\w-]+-[A-Z\d]{8}\.(js|css)(\.LEGAL\.txt)?)(\.br|\.gz)?)$/;
  const built = deployed.filter((path) => (path.startsWith("dist/ui/") ? page : code).test(path));
  expect(deployed.filter((path) => !built.includes(path)).sort()).toEqual([
    "host.json",
    "package-lock.json",
    "package.json",
  ]);
  const { main } = JSON.parse(readFileSync("package.json", "utf8"));
  expect(built).toContain(main);
});

test("what may come to lie here is not deployed either", () => {
  const mayCome = [
    ...["local.settings.json", ".env", ".npmrc", ".local/host-key", ".local/issuer/issuer-keys.json", ".git/config"],
    ...[
      "coverage/lcov.info",
      "reports/mutation.json",
      "npm-debug.log",
      "sbom.json",
      "SECURITY.md",
      "stryker.config.json",
    ],
    ...["local/start.ts", "test/harness/product.ts", "bench/run.ts", "docs/security.md", "infra/main.bicep", ".ci/run"],
    ...["connector/apiDefinition.swagger.json", "connector/apiProperties.json"],
    ...["azure.yaml", "infra/types/azure.json", "infra/register-application.sh", "infra/modules/vault.bicep"],
    ...[".github/workflows/azure-dev.yml", ".azure/prod/.env", ".package/dist/functions/main.js"],
    ...["functions/main.ts", "shared/config.ts", "ui/main.ts", "ui/index.html", "dist/functions/main.js.map"],
  ];
  expect(mayCome.filter(isDeployed)).toEqual([]);
});

test("the packages that the build needs are deployed", () => {
  const { dependencies } = JSON.parse(readFileSync("package.json", "utf8"));
  for (const name of Object.keys(dependencies)) expect(isDeployed(`node_modules/${name}/package.json`)).toBe(true);
});

test("the rules are of the kind that is understood here, and by every tool that reads them", () => {
  for (const pattern of patterns) expect(pattern).toMatch(/^\/?[\w.*-]+$/);
});

test("nothing that is deployed knows where the stand-ins are", () => {
  for (const path of filesBelow("dist").filter(isDeployed)) {
    expect({ path, knows: readFileSync(path, "utf8").includes("stand-ins/") }).toEqual({ path, knows: false });
  }
});
