/** host.json: the settings this host honours, with the real host's defaults and limits (host: QueuesOptions.cs). */

import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { readJsonObject } from "./settings.ts";
import { StartupFault } from "./startup-fault.ts";
import { parseTimeSpan } from "./time-span.ts";

export interface QueueOptions {
  batchSize: number;
  newBatchThreshold: number;
  maxDequeueCount: number;
  /** How long a message stays hidden after a failure; while it runs it is hidden for ten minutes, renewed. */
  visibilityTimeoutMs: number;
  maxPollingIntervalMs: number;
  messageEncoding: "base64" | "none";
}

export interface HostOptions {
  routePrefix: string;
  /** undefined: a function may run for ever. */
  functionTimeoutMs: number | undefined;
  queues: QueueOptions;
}

export function readHostOptions(appRoot: string): HostOptions {
  const path = join(appRoot, "host.json");
  const hostJson = existsSync(path) ? readJsonObject(path) : { version: "2.0" };
  if (hostJson.version !== "2.0") throw new StartupFault(`${path} must say "version": "2.0".`);

  const extensions = section(hostJson, "extensions", path);
  const http = section(extensions, "http", path);
  const queues = section(extensions, "queues", path);
  const batchSize = integer(queues, "batchSize", 16, 1, 32, path);
  return {
    routePrefix: text(http, "routePrefix", "api", path).replace(/^\/+|\/+$/g, ""),
    functionTimeoutMs: timeout(hostJson, path),
    queues: {
      batchSize,
      newBatchThreshold: integer(
        queues,
        "newBatchThreshold",
        Math.floor(batchSize / 2) * availableParallelism(),
        0,
        1e6,
        path,
      ),
      maxDequeueCount: integer(queues, "maxDequeueCount", 5, 1, 1e6, path),
      visibilityTimeoutMs: duration(queues, "visibilityTimeout", "00:00:00", path),
      maxPollingIntervalMs: Math.max(100, duration(queues, "maxPollingInterval", "00:01:00", path)),
      messageEncoding: text(queues, "messageEncoding", "base64", path).toLowerCase() === "none" ? "none" : "base64",
    },
  };
}

function section(parent: Record<string, unknown>, name: string, path: string): Record<string, unknown> {
  const value = parent[name] ?? {};
  if (typeof value !== "object" || Array.isArray(value)) throw wrong(path, name, value, "an object");
  return { ...value };
}

function text(parent: Record<string, unknown>, name: string, fallback: string, path: string): string {
  const value = parent[name] ?? fallback;
  if (typeof value !== "string") throw wrong(path, name, value, "a string");
  return value;
}

function integer(
  parent: Record<string, unknown>,
  name: string,
  fallback: number,
  least: number,
  most: number,
  path: string,
): number {
  const value = parent[name] ?? fallback;
  if (typeof value !== "number" || !Number.isInteger(value) || value < least || value > most) {
    throw wrong(path, name, value, `a whole number from ${least} to ${most}`);
  }
  return value;
}

function duration(parent: Record<string, unknown>, name: string, fallback: string, path: string): number {
  const value = text(parent, name, fallback, path);
  return parseTimeSpan(value) ?? fail(wrong(path, name, value, "a time span like 00:00:30"));
}

function timeout(hostJson: Record<string, unknown>, path: string): number | undefined {
  const value = hostJson.functionTimeout;
  return value === "-1" || value === -1 ? undefined : duration(hostJson, "functionTimeout", "00:30:00", path);
}

function wrong(path: string, name: string, value: unknown, wanted: string): StartupFault {
  return new StartupFault(`${path}: "${name}" must be ${wanted}, not ${JSON.stringify(value)}.`);
}

function fail(fault: StartupFault): never {
  throw fault;
}
