/** Loads the built app as the worker does: every file that package.json "main" (a path or a glob) names, in turn. */

import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { messageOf, StartupFault } from "./startup-fault.ts";

export async function loadApp(appRoot: string): Promise<void> {
  const main = readMain(appRoot);
  const files = globSync(main, { cwd: appRoot, exclude: (name) => name === "node_modules" }).sort();
  if (files.length === 0) {
    throw new StartupFault(`No file matches "main" of package.json (${main}): run \`npm run build\` first.`);
  }
  for (const file of files) {
    try {
      // import() takes CommonJS files as well, so "type" in package.json needs no second way.
      await import(pathToFileURL(join(appRoot, file)).href);
    } catch (error) {
      // The message alone: an app that refuses its settings says there what is wrong.
      const where = error instanceof SyntaxError ? `${file}: ` : "";
      throw new StartupFault(where + messageOf(error), { cause: error });
    }
  }
}

function readMain(appRoot: string): string {
  const path = join(appRoot, "package.json");
  let manifest: unknown;
  try {
    manifest = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new StartupFault(`${path} cannot be read: ${messageOf(error)}.`, { cause: error });
  }
  if (typeof manifest === "object" && manifest && "main" in manifest && typeof manifest.main === "string") {
    return manifest.main;
  }
  throw new StartupFault(`${path} has no "main", so there is no app to load.`);
}
