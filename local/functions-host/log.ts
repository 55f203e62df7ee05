/** The host's own output: one line per message, warnings and above on stderr, the rest only when asked for. */

import { format } from "node:util";
import type { LogLevel } from "./rpc.ts";

const verbose = process.env.FUNCTIONS_HOST_VERBOSE === "1";

export function log(level: LogLevel, source: string, message: string): void {
  if (level === "warning" || level === "error" || level === "critical") {
    process.stderr.write(`[${source}] ${message}\n`);
  } else if (level === "information" && verbose) {
    process.stdout.write(`[${source}] ${message}\n`);
  }
}

/** A handler may throw anything, even what String() cannot take; the stack is worth more than the message. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return format("%s", error);
  const cause = error.cause === undefined ? "" : `\n  caused by ${describeError(error.cause)}`;
  return (error.stack ?? error.message) + cause;
}
