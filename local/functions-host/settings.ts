/** App settings: local.settings.json fills the environment where it is unset, as `func start` does. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { messageOf, StartupFault } from "./startup-fault.ts";

export function applyLocalSettings(appRoot: string): void {
  const path = join(appRoot, "local.settings.json");
  if (!existsSync(path)) return;
  const settings = readJsonObject(path);
  if (settings.IsEncrypted === true) {
    throw new StartupFault(`${path} is encrypted; run \`func settings decrypt\` first.`);
  }
  for (const [name, value] of Object.entries(settings.Values ?? {})) process.env[name] ??= String(value);
}

export function readJsonObject(path: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(readFileSync(path, "utf8").replace(/^\uFEFF/, ""));
    if (typeof parsed === "object" && parsed && !Array.isArray(parsed)) return { ...parsed };
  } catch (error) {
    throw new StartupFault(`${path} is not valid JSON: ${messageOf(error)}.`, { cause: error });
  }
  throw new StartupFault(`${path} must hold a JSON object.`);
}

/** `%NAME%` in a binding is the app setting of that name (host: DefaultNameResolver.cs). */
export function resolveSettings(text: string): string {
  return text.replace(/%([^%]+)%/g, (_, name: string) => {
    const value = process.env[name];
    if (value === undefined) throw new Error(`'%${name}%' does not resolve to a value.`);
    return value;
  });
}

/** The second form is for systems that allow no dots in the names of variables. */
export function isDisabled(functionName: string): boolean {
  const value =
    process.env[`AzureWebJobs.${functionName}.Disabled`] ?? process.env[`AzureWebJobs_${functionName}_Disabled`];
  return value !== undefined && /^(true|1)$/i.test(value);
}
