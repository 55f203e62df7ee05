/** A Functions app on the embedded host, in a process of its own, on any free port. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { endWithParent } from "../local/end-with-parent.ts";

export interface AppUnderTest {
  /** Ends with `/api`. */
  readonly url: string;
  readonly pid: number;
  stop(): Promise<void>;
}

const root = join(import.meta.dirname, "..");

/** @param nodeArguments such as `--cpu-prof` */
export async function startAppUnderTest(
  environment: Readonly<Record<string, string>>,
  nodeArguments: readonly string[] = [],
): Promise<AppUnderTest> {
  const child = spawn(process.execPath, [...endWithParent, ...nodeArguments, join(root, "local/launch.mjs"), "host"], {
    cwd: root,
    env: environment,
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
  });
  const ended = once(child, "close");
  const said: string[] = [];
  const url = await new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => {
        const found = /listening on (http:\/\/\S+)/.exec(line)?.[1];
        if (found !== undefined) resolve(found.replace("localhost", "127.0.0.1"));
        if (said.length < 50) said.push(line);
      });
    }
    child.once("error", reject);
    child.once("close", (code) => reject(new Error(`The app ended with code ${code}.\n${said.join("\n")}`)));
  });
  return {
    url: `${url}/api`,
    pid: child.pid ?? 0,
    async stop() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}
