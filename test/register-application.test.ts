/** infra/register-application.sh, run with an `az` that keeps a directory in a file and writes down what it is asked for. */

import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "@jest/globals";

const script = "infra/register-application.sh";
let folder: string;

/** Answers as the real one does with --query and --output tsv: a row of values separated by tabs, or one value a line. */
const az = `#!/usr/bin/env bash
cd "$(dirname "$0")"
printf '%s\\n' "$*" | tr '\\n' ' ' >> calls; echo >> calls
case "$1 $2 $3" in
  "ad app list") [ -f app ] && cat app; true;;
  "ad app create") printf 'app-id\\nobject-id\\n'; printf 'app-id\\tobject-id\\n' > app;;
  "ad sp list") [ -f sp ] && cat sp; true;;
  "ad sp create") echo sp-id | tee sp;;
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

function run(...given: string[]) {
  const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
  const { status, stdout, stderr } = spawnSync("bash", [script, ...given], { env, encoding: "utf8" });
  return { status, stdout, stderr };
}

const calls = () => readFileSync(join(folder, "calls"), "utf8").trim().split("\n");
const made = () => calls().filter((call) => /^ad \w+ create/.test(call));

test("the script is bash that can be read", () => {
  execFileSync("bash", ["-n", script]);
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
  const patched = calls().filter((call) => call.startsWith("rest"));
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
  const caller = readFileSync("shared/http/caller.ts", "utf8");
  for (const { value, allowedMemberTypes, isEnabled } of appRoles) {
    expect(allowedMemberTypes).toEqual(["User", "Application"]);
    expect(isEnabled).toBe(true);
    expect(caller).toContain(value);
  }
  expect(appRoles.map(({ value }: { value: string }) => value)).toEqual(["AdminAgent", "SalesAgent", "HelpdeskAgent"]);
  const scopes = api.oauth2PermissionScopes.map(({ value }: { value: string }) => value);
  expect(scopes).toEqual(["Permissions.Read", "Permissions.ReadWrite"]);
  for (const scope of scopes) expect(caller).toContain(scope);
  const ids = [...appRoles, ...api.oauth2PermissionScopes].map(({ id }) => id);
  expect(new Set(ids).size).toBe(5);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  expect(JSON.parse(readFileSync(join(folder, "body-1"), "utf8"))).toEqual({ appRoleAssignmentRequired: true });
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
