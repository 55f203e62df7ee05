/** The Telemetry port where Application Insights is not set up: warnings go to stderr, events nowhere. */

import { foreignCode } from "../domain/foreign-words.ts";
import type { Telemetry } from "../ports.ts";

export const consoleTelemetry: Telemetry = { event() {}, warning: writeWarning };

/** One line on stderr, which the Functions host takes into its own log. */
export function writeWarning(message: string, cause?: unknown): void {
  try {
    const because = cause === undefined ? "" : ` (${nameCause(cause)})`;
    process.stderr.write(`warning: ${message.replace(/\s+/g, " ")}${because}\n`);
  } catch {
    // A closed stderr must not fail what the warning is about.
  }
}

/**
 * What may be told of an error: names, codes and statuses, down to its first cause. Never its message: those of SDKs
 * and of `JSON.parse` quote what they were given, and that may have been a connection string, a token or a signed URL.
 *
 * @returns for instance `RestError ENOTFOUND, Error ENOTFOUND`
 */
export function nameCause(cause: unknown): string {
  try {
    const names: string[] = [];
    for (let error = cause; error instanceof Error && names.length < 4; error = error.cause) {
      const { code, statusCode } = error as Error & { readonly code?: unknown; readonly statusCode?: unknown };
      const words = [error.name, code, statusCode].filter(
        (word) => typeof word === "string" || typeof word === "number",
      );
      names.push(words.map(asWord).join(" "));
    }
    return names.join(", ") || `no Error but ${typeof cause}`;
  } catch {
    return "an error that cannot be read";
  }
}

/** A code is a word; what is none is cut until nothing can hide in it. */
function asWord(word: string | number): string {
  const cut = String(word).replace(/[^\w.-].*$/s, "…");
  return foreignCode(cut.replace("…", "")) === undefined ? "…" : cut;
}
