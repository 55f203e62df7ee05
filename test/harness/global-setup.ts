/** Once for all tests: builds what is deployed, finds a browser, and starts one Azurite with an account for each product under test. */

import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp } from "node:fs/promises";
import { resolve } from "node:path";
import { type Azurite, startAzurite } from "../../local/azurite.ts";
import { findBrowser } from "./find-browser.ts";

export const accountNames = Array.from({ length: 100 }, (_, index) => `tests${index}`);

declare global {
  var azuriteOfTests: Azurite | undefined;
}

// jest asks for a default export here.
module.exports = async (): Promise<void> => {
  execFileSync(process.execPath, ["local/launch.mjs", "build"], { stdio: "inherit" });
  // Below a folder that git ignores: a test run leaves nothing anywhere else.
  const cache = resolve("node_modules/.cache");
  await mkdir(cache, { recursive: true });
  // Processes are started by the hundred: what Node.js has compiled once it need not compile again.
  process.env.NODE_COMPILE_CACHE = resolve(cache, "compiled");
  const folder = await mkdtemp(resolve(cache, "tests-"));
  const azurite = await startAzurite({ location: resolve(folder, "azurite"), accounts: accountNames });
  globalThis.azuriteOfTests = azurite;
  process.env.TEST_FOLDER = folder;
  process.env.TEST_BROWSER = JSON.stringify(findBrowser(folder, process.env));
  process.env.TEST_STORAGE = JSON.stringify(accountNames.map((name) => azurite.connectionStringOf(name)));
};
