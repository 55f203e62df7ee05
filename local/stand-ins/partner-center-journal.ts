/**
 * The stand-in's memory over restarts: a line of JSON per change, appended before the change is answered, so that a demo
 * that is killed finds its policies again. Without a folder there is none.
 */

import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { errorCode } from "./error-code.ts";
import type { AuditRecord } from "./partner-center-audit.ts";
import type { StoredPolicy } from "./partner-center-policies.ts";

export interface JournalLine {
  readonly customerId: string;
  /** `null`: removed; absent: not touched. */
  readonly policy?: StoredPolicy | null;
  readonly record?: AuditRecord;
}

export function openJournal(
  folder: string | undefined,
  replay: (line: JournalLine) => void,
): { append(line: JournalLine): void } {
  if (folder === undefined) return { append: () => undefined };
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, "partner-center.jsonl");
  const text = read(file);
  // What follows the last line break was being written when the process was killed, and was never answered.
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  if (whole !== text) writeFileSync(file, whole);
  for (const line of whole.split("\n")) if (line !== "") replay(JSON.parse(line) as JournalLine);
  return { append: (line) => appendFileSync(file, `${JSON.stringify(line)}\n`, { mode: 0o600 }) };
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT") return "";
    throw error;
  }
}
