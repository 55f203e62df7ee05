/** Stand-ins believe anybody and forge any token: where the real services are, none of them starts, whoever starts it. */

import { spawnSync } from "node:child_process";
import { mkdtemp, readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "@jest/globals";
import { startAzurite } from "../local/azurite.ts";
import { startServer } from "../local/stand-ins/https-server.ts";
import { openSigningKeys } from "../local/stand-ins/signing-keys.ts";
import { marksOfAzure } from "../shared/config.ts";

const folder = () => mkdtemp(join(process.env.TEST_FOLDER ?? "", "not-in-azure-"));

describe.each(marksOfAzure)("in Azure, known by %s,", (mark) => {
  afterEach(() => {
    delete process.env[mark];
  });

  test("no server of a stand-in starts, no issuer signs, no emulator runs", async () => {
    const location = await folder();
    process.env[mark] = "0123abcd";
    const answer = () => ({ status: 200 });
    await expect(startServer({ answer, failure: answer })).rejects.toThrow(/does not start in Azure/);
    await expect(openSigningKeys(location)).rejects.toThrow(/does not start in Azure/);
    await expect(startAzurite({ location })).rejects.toThrow(/does not start in Azure/);
    expect(await readdir(location)).toEqual([]);
  });
});

test.each([
  ["npm start", ["start"]],
  ["npm run token", ["token", "--role", "AdminAgent"]],
])("in Azure, %s ends with a sentence", async (_, options) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["local/launch.mjs", ...options], {
    env: { PATH: process.env.PATH, LOCAL_STATE_FOLDER: await folder(), WEBSITE_POD_NAME: "0123abcd" },
    encoding: "utf8",
    timeout: 25_000,
  });
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  expect(stderr).toMatch(/^[\w ]+ does not start in Azure: it is for development only\.\n$/);
});
