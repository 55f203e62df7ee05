/** What `azd up` deploys is checked without Azure: Bicep by its grammar and types, and all that must agree with the code. */

import { readdirSync, readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "@jest/globals";
import { parse } from "yaml";
import {
  activityByDayTable,
  activityLogTable,
  activityQueue,
  changeQueue,
  deliveriesTable,
  deliveryQueue,
  permissionsTable,
  webhooksTable,
} from "../shared/adapters/table-keys.ts";
import { readSettings } from "../shared/config.ts";
import { createAzure, identityClientId } from "./infra/azure.ts";
import { type BicepFile, readBicepTexts } from "./infra/bicep.ts";
import { type CheckBicep, createCheck } from "./infra/check.ts";
import { createEvaluator, type Values } from "./infra/evaluate.ts";
import { networkFindings } from "./infra/network.ts";
import { networkMistakes } from "./infra/network-mistakes.ts";
import { mistakes } from "./infra/planted-mistakes.ts";
import { readTypeSnapshot } from "./infra/type-snapshot.ts";

const texts = readBicepTexts();
const snapshot = readTypeSnapshot();
const { parameters } = JSON.parse(readFileSync("infra/main.parameters.json", "utf8")) as {
  parameters: Record<string, { value: string }>;
};
let check: CheckBicep;
let files: readonly BicepFile[];

beforeAll(async () => {
  check = await createCheck(snapshot, networkFindings);
  ({ files } = check(texts));
});

function fileAt(path: string): BicepFile {
  const file = files.find((each) => each.path === path);
  if (file === undefined) throw new Error(`There is no ${path}.`);
  return file;
}

describe("the Bicep files", () => {
  test("agree with the types of Azure, and with what this product does not allow", () => {
    expect(check(texts).findings).toEqual([]);
  });

  test.each([...mistakes, ...networkMistakes])("do not pass with $what", ({ path, from, to, named }) => {
    const text = texts.get(path) ?? "";
    expect(text).toContain(from);
    const { findings } = check(new Map([...texts, [path, text.replace(from, to)]]));
    expect(findings).toContainEqual({
      path: expect.anything(),
      line: expect.anything(),
      message: expect.stringMatching(named),
    });
  });

  test("are all modules of main.bicep, and declare only types that are in the snapshot, which has no others", async () => {
    const modules = fileAt("main.bicep").modules.map(({ type }) => type);
    expect(modules.toSorted()).toEqual([...texts.keys()].filter((path) => path !== "main.bicep").toSorted());
    const { files: workflows } = (await createCheck(snapshot))(readBicepTexts("logicapps"));
    const declared = [...files, ...workflows].flatMap(({ resources }) => resources.map(({ type }) => type));
    expect([...new Set(declared)].toSorted()).toEqual(Object.keys(snapshot).toSorted());
  });

  test("get every parameter from azd, under the name of its setting, and no other", () => {
    const { params } = fileAt("main.bicep");
    expect(Object.keys(parameters)).toEqual(params.map(({ name }) => name));
    for (const { name, value } of params) {
      const [, variable, preset] = /^\$\{(\w+)(?:=(.*))?\}$/.exec(parameters[name]?.value ?? "") ?? [];
      const words = name.replaceAll(/([a-z])([A-Z])/g, "$1_$2").toUpperCase();
      expect({ name, variable }).toEqual({ name, variable: words.replace(/^ENVIRONMENT_NAME$|^LOCATION$/, azdName) });
      // What azd fills in is what Bicep would.
      const literal = value?.text.replace(/^'(.*)'$/, "$1");
      expect({ name, preset }).toEqual({ name, preset: literal });
    }
  });
});

test("the workflow hands every parameter on, and signs in without a secret", () => {
  const { permissions, jobs } = parse(readFileSync(".github/workflows/azure-dev.yml", "utf8"));
  expect(permissions).toEqual({ "id-token": "write", contents: "read" });
  const { env, steps } = jobs.deploy;
  const variables = Object.values(parameters).map(({ value }) => /\w+/.exec(value)?.[0] ?? "");
  const ofAzd = ["AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_SUBSCRIPTION_ID"];
  expect(Object.keys(env)).toEqual([...ofAzd, ...variables]);
  for (const [name, value] of Object.entries(env)) {
    expect(value).toBe(`\${{ ${name === "PARTNER_CENTER_CLIENT_SECRET" ? "secrets" : "vars"}.${name} }}`);
  }
  const commands = steps.map(({ run }: { run?: string }) => run ?? "").join("\n");
  expect(commands).toMatch(
    /azd auth login .*--federated-credential-provider github[\s\S]*azd provision[\s\S]*azd deploy/,
  );
});

test("CI runs what everybody can run, and Bicep's own compiler", () => {
  const { permissions, jobs } = parse(readFileSync(".github/workflows/ci.yml", "utf8"));
  expect(permissions).toEqual({ contents: "read" });
  const runs = Object.values(jobs as Record<string, { steps: { run?: string }[] }>).flatMap(({ steps }) =>
    steps.flatMap(({ run }) => run ?? []),
  );
  const guard = "npm run bench -- --quick --guard";
  const builds = ["infra", "logicapps"].map(
    (folder) => `az bicep build --file ${folder}/main.bicep --stdout > /dev/null`,
  );
  expect(runs).toEqual([".ci/run", "npm run lint && npm run typecheck && npm run test:coverage", guard, ...builds]);
});

function azdName(name: string): string {
  return name === "LOCATION" ? "AZURE_LOCATION" : "AZURE_ENV_NAME";
}

const ids = { audience: "11111111-1111-4111-8111-111111111111", customerApp: "22222222-2222-4222-8222-222222222222" };

/** The app settings of a deployment with these parameters. */
function settingsWith(params: Values): Record<string, string> {
  const given = { environmentName: "test", location: "westeurope", entraAudience: ids.audience };
  const main = createEvaluator(createAzure(files), "main.bicep", {
    ...given,
    customerAppClientId: ids.customerApp,
    ...params,
  });
  return main.module("functionApp").properties("settings") as Record<string, string>;
}

describe("the settings of the app", () => {
  const mark = { WEBSITE_POD_NAME: "pod" };

  test("are such that it starts in Azure, with its identity everywhere", () => {
    const settings = readSettings({ ...settingsWith({}), ...mark });
    expect(settings).toMatchObject({
      storage: {
        connectionName: "PERMISSIONS_STORAGE",
        connection: {
          tableServiceUri: "https://strecabcdefghijklm.table.core.windows.net/",
          queueServiceUri: "https://strecabcdefghijklm.queue.core.windows.net/",
          managedIdentityClientId: identityClientId,
        },
      },
      callers: { audience: ids.audience, authorityHost: "https://login.microsoftonline.com" },
      customerApp: { clientId: ids.customerApp, managedIdentityClientId: identityClientId },
      partnerCenter: undefined,
      applicationInsights: { managedIdentityClientId: identityClientId },
      requireFunctionKey: false,
    });
    expect([...settings.callers.tenantIds]).toEqual(["44444444-4444-4444-8444-444444444444"]);
    expect([...settings.eligibility.excludedPrincipalIds]).toEqual([]);
    expect(settings.eligibility.cspQuotaIds.size).toBe(3);
  });

  test("are such that it follows Partner Center: live, and by hand with an account or without", () => {
    const partnerCenter = { partnerCenterClientId: ids.audience, partnerCenterManualHours: 48 };
    const read = (params: Values) => readSettings({ ...settingsWith({ ...partnerCenter, ...params }), ...mark });
    const vault = { keyVaultUrl: "https://kv-abcdefghijklm.vault.azure.net/" };
    const clientSecret = "@Microsoft.KeyVault(VaultName=kv-abcdefghijklm;SecretName=partner-center-client-secret)";
    expect(read({ partnerCenterMode: "live" }).partnerCenter).toMatchObject({
      refreshToken: vault,
      credential: { clientSecret },
    });
    const byHand = { partnerCenterMode: "manual" };
    expect(read(byHand).partnerCenter).toMatchObject({ refreshToken: vault, manualHours: 48 });
    const alone = read({ ...byHand, partnerCenterHasAccount: false }).partnerCenter;
    expect(alone).toMatchObject({ manualHours: 48 });
    expect(alone).not.toHaveProperty("refreshToken");
    expect(read({ requireFunctionKey: true }).requireFunctionKey).toBe(true);
  });

  /** Read by the Functions host or the triggers' extensions: learn.microsoft.com/azure/azure-functions/functions-app-settings */
  const ofHost = [
    ...["credential", "clientId", "blobServiceUri", "queueServiceUri"].map((name) => `AzureWebJobsStorage__${name}`),
    ...["credential", "clientId", "queueServiceUri"].map((name) => `PERMISSIONS_STORAGE__${name}`),
    ...["APPLICATIONINSIGHTS_CONNECTION_STRING", "APPLICATIONINSIGHTS_AUTHENTICATION_STRING"],
    "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT",
    "AzureWebJobsDisableHomepage",
  ];
  const notInAzure: Readonly<Record<string, string>> = {
    AzureWebJobsStorage: "is set by its parts, for the identity",
    PERMISSIONS_STORAGE: "is set by its parts, for the identity",
    CUSTOMER_APP_CLIENT_SECRET: "the identity is federated",
    BROWSER_AUTHORITY_HOST: "is AZURE_AUTHORITY_HOST",
    PARTNER_CENTER_ENDPOINT: "there is one, the default",
    PARTNER_CENTER_CLIENT_CERTIFICATE_PATH: "there is no file to lead to",
    PARTNER_CENTER_REFRESH_TOKEN: "is in the key vault",
  };
  const readme = readFileSync("README.md", "utf8");
  const [section = ""] = /^## Settings\n[\s\S]*?(?=^## )/m.exec(readme) ?? [];
  const documented = [...section.matchAll(/^\| `(\w+)` \| /gm)].map(([, name = ""]) => name);

  test("are all read by the app or by the Functions host", () => {
    const code = readFileSync("shared/config.ts", "utf8");
    const parts = ["PERMISSIONS_STORAGE__tableServiceUri"];
    const unread = Object.keys(settingsWith({})).filter(
      (name) => !ofHost.includes(name) && !parts.includes(name) && !code.includes(`"${name}"`),
    );
    expect(unread).toEqual([]);
  });

  test("are all that the README lists, but for those that have no place in Azure", () => {
    const set = Object.keys(settingsWith({}));
    const missing = documented.filter((name) => !set.includes(name));
    expect(missing.toSorted()).toEqual(Object.keys(notInAzure).toSorted());
  });

  test("have defaults that are those of the app", () => {
    const preset = (name: string) =>
      new RegExp(`^\\| \`${name}\` \\| \`(\\w+)\` \\|`, "m").exec(section)?.[1]?.toLowerCase();
    const set = settingsWith({});
    const differing = documented
      .filter((name) => name in set && preset(name) !== undefined && !/^(AZURE_|CSP_|APPL)/.test(name))
      .filter((name) => set[name]?.toLowerCase() !== preset(name) && name !== "PARTNER_CENTER_TENANT_ID");
    expect(differing).toEqual([]);
  });
});

describe("names", () => {
  const listOf = (name: string) =>
    fileAt("modules/record-storage.bicep")
      .variables.find((variable) => variable.name === name)
      ?.value?.descendantsOfType("string_content")
      .map((node) => node?.text);

  test("of tables and queues are those of the code", () => {
    const tables = [permissionsTable, activityLogTable, activityByDayTable, webhooksTable, deliveriesTable];
    expect(listOf("tableNames")).toEqual(tables);
    expect(listOf("queueNames")).toEqual([activityQueue, changeQueue, deliveryQueue]);
    const exported = readFileSync("shared/adapters/table-keys.ts", "utf8").match(/export const \w+(Table|Queue) =/g);
    expect(exported).toHaveLength(8);
  });

  test("of events and fields in alerts are those that the app sends", () => {
    const alerts = texts.get("modules/alerts.bicep") ?? "";
    const queries = alerts.match(/query: '.*'/g) ?? [];
    const events = queries
      .filter((query) => query.includes("customEvents"))
      .flatMap((query) => query.match(/"\w+"/g) ?? []);
    expect(events.length).toBeGreaterThanOrEqual(5);
    const useCases = readdirSync("shared/use-cases").map((name) => readFileSync(`shared/use-cases/${name}`, "utf8"));
    const code = [...useCases, readFileSync("shared/ports.ts", "utf8")].join("\n");
    const sent = (name: string) =>
      code.includes(`"${name}"`) ||
      (code.includes("`PartnerCenter$") && code.includes(`"${name.replace("PartnerCenter", "")}"`));
    expect(events.filter((event) => !sent(event.replaceAll('"', "")))).toEqual([]);
    for (const [, field] of alerts.matchAll(/customMeasurements\.(\w+)/g)) expect(code).toContain(`${field}:`);
  });

  test("of the app for azd: the tag, the folder, the script and what the workflow runs", () => {
    const { services } = parse(readFileSync("azure.yaml", "utf8"));
    expect(Object.keys(services)).toEqual(["api"]);
    const { project, host, dist, remoteBuild, hooks } = services.api;
    expect({ project, host, dist, remoteBuild }).toEqual({
      project: ".",
      host: "function",
      dist: ".package",
      remoteBuild: false,
    });
    expect(texts.get("modules/function-app.bicep")).toContain("'azd-service-name': 'api'");
    const { scripts } = JSON.parse(readFileSync("package.json", "utf8"));
    for (const shell of ["posix", "windows"])
      expect(hooks.prepackage[shell].run).toBe("npm ci --no-audit --no-fund && npm run package");
    expect(scripts.package).toContain("npm run build");
  });
});
