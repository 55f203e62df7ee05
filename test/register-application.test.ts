/** infra/register-application.sh and register-page.sh, run with an `az` that keeps a directory in a file and writes down what it is asked for. */

import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "@jest/globals";
import { parse } from "yaml";
import { agentRoles } from "../shared/domain/agent-role.ts";

const script = "infra/register-application.sh";
const pageScript = "infra/register-page.sh";
let folder: string;

/** Answers as the real one does with --query and --output tsv: a row of values separated by tabs, or one value a line. */
const az = `#!/usr/bin/env bash
cd "$(dirname "$0")"
printf '%s\\n' "$*" | tr '\\n' ' ' >> calls; echo >> calls
case "$1 $2 $3" in
  "ad app list") [ -f app ] && cat app; true;;
  "ad app create") printf 'app-id\\nobject-id\\n'; printf 'app-id\\tobject-id\\n' > app;;
  "ad app show") [ -f redirect-uris ] && cat redirect-uris; true;;
  "ad sp list") case "$*" in *00000003-0000-0000-c000-000000000000*) echo graph-id;; *) [ -f sp ] && cat sp;; esac; true;;
  "ad sp create") echo sp-id | tee sp;;
  "rest --method GET") for one in "$@"; do case "$one" in value*) r="\${one#*\\'}"; [ -f "grant-\${r%%\\'*}" ] && cat "grant-\${r%%\\'*}"; esac; done; true;;
  "rest --method POST") while [ "$1" != --body ]; do shift; done; printf '%s\\n' "$2" >> grants;;
  "rest --method PATCH") while [ "$1" != --body ]; do shift; done; printf '%s' "$2" > "body-$(ls body-* 2>/dev/null | wc -l)";;
  *) echo "unknown: $*" >&2; exit 3;;
esac
`;

beforeEach(() => {
  folder = mkdtempSync(join(process.env.TEST_FOLDER ?? "", "az-"));
  writeFileSync(join(folder, "az"), az);
  writeFileSync(join(folder, "azd"), `#!/bin/sh\necho "$@" >> "$(dirname "$0")/azd-calls"\n`);
  for (const name of ["az", "azd"]) chmodSync(join(folder, name), 0o755);
});

const run = (...given: string[]) => runScript(script, given);
const runPage = (given: string[], settings: Record<string, string> = {}) => runScript(pageScript, given, settings);

function runScript(path: string, given: string[], settings: Record<string, string> = {}) {
  const env = { ...process.env, PATH: `${folder}:${process.env.PATH}`, ...settings };
  const { status, stdout, stderr } = spawnSync("bash", [path, ...given], { env, encoding: "utf8" });
  return { status, stdout, stderr };
}

const calls = () => readFileSync(join(folder, "calls"), "utf8").trim().split("\n");
const made = () => calls().filter((call) => /^ad \w+ create/.test(call));

test.each([script, pageScript])("%s is bash that can be read", (path) => {
  execFileSync("bash", ["-n", path]);
});

test("makes an application and its service principal, and a second run makes nothing again", () => {
  expect(run()).toEqual({ status: 0, stdout: expect.stringMatching(/^ENTRA_AUDIENCE=app-id$/m), stderr: "" });
  expect(made()).toEqual(
    [
      "ad app create --display-name Customer purchase permissions --sign-in-audience AzureADMyOrg --query [appId, id] --output tsv",
      "ad sp create --id app-id --query id --output tsv",
    ].map((call) => expect.stringContaining(call)),
  );
  const body = (number: number) => readFileSync(join(folder, `body-${number}`), "utf8");

  expect(run()).toEqual({ status: 0, stdout: expect.stringMatching(/^ENTRA_AUDIENCE=app-id$/m), stderr: "" });
  expect(made()).toHaveLength(2);
  expect([body(2), body(3)]).toEqual([body(0), body(1)]);
  const patched = calls().filter((call) => call.startsWith("rest --method PATCH"));
  expect(patched.map((call) => /v1\.0\/(\S+)/.exec(call)?.[1])).toEqual([
    ...["applications/object-id", "servicePrincipals/sp-id"],
    ...["applications/object-id", "servicePrincipals/sp-id"],
  ]);
  expect(readFileSync(join(folder, "azd-calls"), "utf8")).toContain("env set ENTRA_AUDIENCE app-id");
});

test("the registration is what the app asks of its callers' tokens", () => {
  run();
  const application = JSON.parse(readFileSync(join(folder, "body-0"), "utf8"));
  expect(application).toMatchObject({
    identifierUris: ["api://app-id"],
    api: { requestedAccessTokenVersion: 2 },
    optionalClaims: { accessToken: [{ name: "idtyp" }] },
  });
  const { appRoles, api } = application;
  for (const { allowedMemberTypes, isEnabled } of appRoles) {
    expect(allowedMemberTypes).toEqual(["User", "Application"]);
    expect(isEnabled).toBe(true);
  }
  expect(appRoles.map(({ value }: { value: string }) => value)).toEqual([...agentRoles]);
  const scopes = api.oauth2PermissionScopes.map(({ value }: { value: string }) => value);
  expect(scopes).toEqual(["Permissions.Read", "Permissions.ReadWrite"]);
  const caller = readFileSync("shared/http/caller.ts", "utf8");
  for (const scope of scopes) expect(caller).toContain(scope);
  const ids = [...appRoles, ...api.oauth2PermissionScopes].map(({ id }) => id);
  expect(new Set(ids).size).toBe(5);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  expect(JSON.parse(readFileSync(join(folder, "body-1"), "utf8"))).toEqual({ appRoleAssignmentRequired: true });
});

describe("the page's people need not consent", () => {
  const grants = () =>
    readFileSync(join(folder, "grants"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
  const toAll = { clientId: "sp-id", consentType: "AllPrincipals" };

  test("to its scopes and to signing in: that is done for all of them", () => {
    run();
    expect(grants()).toEqual([
      { ...toAll, resourceId: "sp-id", scope: "Permissions.Read Permissions.ReadWrite" },
      { ...toAll, resourceId: "graph-id", scope: "openid profile offline_access" },
    ]);
    expect(calls().find((call) => call.startsWith("rest --method GET"))).toContain(
      "/oauth2PermissionGrants?$filter=clientId%20eq%20'sp-id'%20and%20consentType%20eq%20'AllPrincipals' ",
    );
  });

  test("a second time; what else was consented to stays", () => {
    writeFileSync(join(folder, "grant-sp-id"), "one\tPermissions.ReadWrite Permissions.Read\n");
    writeFileSync(join(folder, "grant-graph-id"), "two\tUser.Read openid\n");
    expect(run()).toMatchObject({ status: 0, stderr: "" });
    const changed = calls().filter((call) => /^rest --method (PATCH|POST) .*oauth2PermissionGrants/.test(call));
    expect(changed).toEqual([expect.stringContaining("/oauth2PermissionGrants/two ")]);
    expect(changed[0]).toContain('{"scope":"User.Read openid profile offline_access"}');
  });
});

describe("the page's address", () => {
  const registered = () => {
    const patch = calls().find((call) => call.includes('--body {"spa":'));
    return patch === undefined ? undefined : JSON.parse(/--body (.*)$/.exec(patch)?.[1] ?? "").spa.redirectUris;
  };
  const known = { ENTRA_AUDIENCE: "app-id", SERVICE_API_URI: "https://func-x.azurewebsites.net" };

  test("is registered once azd knows it, beside the others", () => {
    writeFileSync(join(folder, "redirect-uris"), "http://localhost:7071/ui/\nhttps://old.example/ui/\n");
    expect(runPage([], known)).toMatchObject({ status: 0, stderr: "" });
    expect(calls()[0]).toContain("ad app show --id app-id --query spa.redirectUris[] --output tsv");
    expect(calls()[1]).toContain("https://graph.microsoft.com/v1.0/applications(appId='app-id') ");
    expect(registered()).toEqual([
      "http://localhost:7071/ui/",
      "https://old.example/ui/",
      "https://func-x.azurewebsites.net/ui/",
    ]);
  });

  test("can be given, several at once, and what is there is not sent again", () => {
    expect(run("Customer purchase permissions", "https://a.example/", "http://localhost:7071")).toMatchObject({
      status: 0,
      stdout: expect.stringContaining("The page may sign in at: https://a.example/ui/ http://localhost:7071/ui/"),
      stderr: "",
    });
    expect(registered()).toEqual(["https://a.example/ui/", "http://localhost:7071/ui/"]);

    writeFileSync(join(folder, "calls"), "");
    writeFileSync(join(folder, "redirect-uris"), "https://a.example/ui/\r\n");
    expect(runPage(["https://a.example"], known)).toMatchObject({ status: 0, stderr: "" });
    expect(registered()).toBeUndefined();
  });

  test("is asked of azd where the environment does not have it", () => {
    const azd = `#!/bin/sh\ncase "$3" in SERVICE_API_URI) echo https://b.example;; ENTRA_AUDIENCE) echo other-id;; *) exit 1;; esac\n`;
    writeFileSync(join(folder, "azd"), azd);
    expect(runPage([])).toMatchObject({ status: 0, stderr: "" });
    expect(calls()[0]).toContain("--id other-id");
    expect(registered()).toEqual(["https://b.example/ui/"]);
  });

  test("that is not known yet is no error, an application that is not is one", () => {
    expect(runPage([], { ENTRA_AUDIENCE: "app-id" })).toEqual({
      status: 0,
      stdout: expect.stringContaining("azd up registers the page"),
      stderr: "",
    });
    writeFileSync(join(folder, "azd"), "#!/bin/sh\necho 'ERROR: key not found'\nexit 1\n");
    expect(runPage(["https://a.example"])).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("infra/register-application.sh comes first"),
    });
  });

  test.each(["http://a.example", "https://a.example/ui", 'https://a"b', "a.example", "http://localhost.evil.example"])(
    "cannot be %s",
    (address) => {
      expect(runPage([address], known)).toMatchObject({ status: 1, stderr: expect.stringContaining(address) });
      expect(() => calls()).toThrow();
    },
  );

  test("is registered by azd after provisioning, and one who may not do that deploys all the same", () => {
    const { postprovision } = parse(readFileSync("azure.yaml", "utf8")).hooks;
    expect(Object.keys(postprovision)).toEqual(["posix", "windows"]);
    for (const { run: command, continueOnError } of Object.values<any>(postprovision))
      expect([command, continueOnError]).toEqual([`bash ${pageScript}`, true]);
    expect(readFileSync("infra/main.bicep", "utf8")).toContain("output SERVICE_API_URI string");
  });
});

test("two applications of the same name are not guessed between", () => {
  writeFileSync(join(folder, "app"), "one\tone-object\ntwo\ttwo-object\n");
  const { status, stderr } = run();
  expect(status).toBe(1);
  expect(stderr).toContain("several applications");
  expect(calls()).toHaveLength(1);
});

test("a name that would be a part of the query is refused", () => {
  expect(run("x'||'x")).toMatchObject({ status: 1, stderr: expect.stringContaining("cannot be looked for") });
});

test("what az refuses ends it", () => {
  writeFileSync(join(folder, "az"), "#!/bin/sh\necho 'Insufficient privileges' >&2\nexit 1\n");
  expect(run()).toMatchObject({ status: 1, stdout: "", stderr: expect.stringContaining("Insufficient privileges") });
});
