/** The Functions app of the local run: the built `dist/` on the embedded host, in a process of its own. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { endWithParent } from "./end-with-parent.ts";
import { Sentence } from "./sentence.ts";

export interface AppProcess {
  /** Resolves when it has ended, for whatever reason, with how. */
  readonly ended: Promise<string>;
  /** SIGTERM; what has not ended after six seconds is killed. */
  stop(): Promise<void>;
}

const ready = /^Functions host listening on /;
const startsWithin = 60_000;
const stopsWithin = 6_000;

/**
 * Resolves when the app listens. `begun` gets the process at once: it must be stopped even if it never gets that far.
 */
export async function startApp(
  environment: Readonly<Record<string, string>>,
  begun: (app: AppProcess) => void,
): Promise<AppProcess> {
  const child = spawn(process.execPath, [...endWithParent, join(import.meta.dirname, "launch.mjs"), "host"], {
    cwd: join(import.meta.dirname, ".."),
    env: environment,
    // A group of its own: the terminal's Ctrl-C shall reach it through us only, and Azurite after it.
    detached: true,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ended = once(child, "close").then(([code, signal]) => (signal ? `by ${signal}` : `with code ${code}`));
  const app: AppProcess = { ended, stop: () => stop(child, ended) };
  begun(app);

  await new Promise<void>((resolve, reject) => {
    const refuse = (why: string) => reject(new Sentence(`The Functions app ${why}.`));
    const patience = setTimeout(() => refuse(`did not listen within ${startsWithin / 1000} seconds`), startsWithin);
    child.once("error", reject);
    child.once("close", () => clearTimeout(patience));
    ended.then((how) => refuse(`ended ${how} before it was listening`), reject);
    createInterface({ input: child.stdout }).on("line", (line) => {
      process.stdout.write(`${line}\n`);
      if (!ready.test(line)) return;
      clearTimeout(patience);
      resolve();
    });
  });
  return app;
}

async function stop(child: ChildProcess, ended: Promise<string>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  const patience = setTimeout(() => child.kill("SIGKILL"), stopsWithin);
  await ended;
  clearTimeout(patience);
}
