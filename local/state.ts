/** What the local run keeps between starts, all of it in `.local/` of this checkout, and whether a run is under way. */

import { readFileSync } from "node:fs";
import { join } from "node:path";

/** LOCAL_STATE_FOLDER moves it: tests that start the whole run must not meet the developer's own. */
export const stateFolder = process.env.LOCAL_STATE_FOLDER || join(import.meta.dirname, "..", ".local");

export const state = {
  azurite: join(stateFolder, "azurite"),
  issuer: join(stateFolder, "issuer"),
  partnerCenter: join(stateFolder, "partner-center"),
  tls: join(stateFolder, "tls"),
  adminToken: join(stateFolder, "admin-agent.token"),
  pid: join(stateFolder, "start.pid"),
} as const;

/** Process id of the `npm start` that uses this folder now. */
export function runningStart(): number | undefined {
  try {
    const pid = Number(readFileSync(state.pid, "utf8"));
    process.kill(pid, 0);
    return isLauncher(pid) ? pid : undefined;
  } catch {
    // No file, or no such process: nothing runs.
    return undefined;
  }
}

/** After kill -9 or in a new container the number may belong to somebody else; Linux can tell. */
function isLauncher(pid: number): boolean {
  if (process.platform !== "linux") return true;
  return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("launch.mjs");
}
