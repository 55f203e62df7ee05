/** `npm run secrets`, a part of `npm run lint`, finds what must never be committed here; and nothing of it is here. */

import { spawnSync } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, test } from "@jest/globals";

/** Made here, since they cannot stand here: this file is scanned as well. */
const planted = (): Record<string, string> => {
  const random = (bytes: number) => randomBytes(bytes).toString("base64url").replace(/^[-_]/, "a");
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return {
    "a storage account key": `AccountName=x;AccountKey=${randomBytes(64).toString("base64")}`,
    "a shared access signature": `https://x.example/?sv=1&sig=${encodeURIComponent(randomBytes(32).toString("base64"))}`,
    "a client secret of Microsoft Entra": `"abc8Q~${random(24)}xy"`,
    "a refresh token of Microsoft Entra": `0.A${random(40)}.${random(200)}`,
    "a key of the Functions host": `${random(30)}xyAzFu${random(6)}`,
    "a signed token": `eyJhbGciOiJSUzI1NiIsImtpZCI6.eyJ${random(40)}.${random(100)}`,
    "private key": privateKey.export({ format: "pem", type: "pkcs8" }).toString(),
    "basic auth": `https://user:${random(9)}@example.com`,
    "GitHub Token": `ghp_${randomBytes(18).toString("hex")}`,
  };
};

/** @returns what the scan says of a text, and how it ends */
function scan(text: string): { code: number | null; said: string } {
  const options = ["node_modules/secretlint/bin/secretlint.js", "--stdinFileName", "settings.txt"];
  const { status, stdout } = spawnSync(process.execPath, options, { input: text, encoding: "utf8" });
  return { code: status, said: stdout };
}

test("every kind of secret that this service has to do with is found", () => {
  const secrets = planted();
  const { code, said } = scan(Object.values(secrets).join("\n"));
  expect(code).toBe(1);
  for (const what of Object.keys(secrets)) expect(said.toLowerCase()).toContain(what.toLowerCase());
  for (const secret of Object.values(secrets)) expect(said).not.toContain(secret.slice(-20));
});

test("names, ids and placeholders are none", () => {
  const harmless = [
    "AccountKey=<the key>",
    "CUSTOMER_APP_CLIENT_SECRET=",
    "11111111-1111-4111-8111-111111111111",
    "Authorization: Bearer eyJ…",
    randomBytes(32).toString("hex"),
  ];
  expect(scan(harmless.join("\n"))).toMatchObject({ code: 0 });
});

test("it is a part of what CI runs, and passes here", () => {
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8"));
  expect(scripts.lint).toContain("npm run secrets");
  expect(scripts.check).toContain("npm run lint");
  expect(readFileSync(".github/workflows/ci.yml", "utf8")).toContain("npm run lint");
  const [, ...globs] = scripts.secrets.replaceAll('"', "").split(" ");
  const { status, stdout } = spawnSync(process.execPath, ["node_modules/secretlint/bin/secretlint.js", ...globs]);
  expect({ status, said: stdout.toString() }).toEqual({ status: 0, said: "" });
});
