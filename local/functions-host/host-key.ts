/** The one function key of this host: given in the environment, or made once and kept beside the app. */

import { randomBytes, timingSafeEqual } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { dirname, join } from "node:path";

export class HostKey {
  readonly value: string;
  readonly #bytes: Buffer;

  constructor(appRoot: string) {
    this.value = process.env.FUNCTIONS_HOST_KEY || keptKey(join(appRoot, ".local", "host-key"));
    this.#bytes = Buffer.from(this.value);
  }

  /** The header wins over `?code=`, even when it is wrong (host: AuthenticationLevelHandler.cs). */
  opens(request: IncomingMessage, query: string): boolean {
    const header = request.headers["x-functions-key"];
    const given = Buffer.from(typeof header === "string" ? header : (codeOf(query) ?? ""));
    return given.length === this.#bytes.length && timingSafeEqual(given, this.#bytes);
  }
}

function codeOf(query: string): string | undefined {
  for (const [name, value] of new URLSearchParams(query)) if (name.toLowerCase() === "code") return value;
  return undefined;
}

function keptKey(path: string): string {
  const kept = existsSync(path) ? readFileSync(path, "utf8").trim() : "";
  if (kept !== "") return kept; // An empty key would open to callers without one.
  const key = randomBytes(32).toString("base64url");
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${key}\n`, { mode: 0o600 });
  return key;
}
