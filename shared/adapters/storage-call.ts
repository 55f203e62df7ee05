/**
 * How we call storage: with a time limit on every attempt (the SDKs have none, and `submitTransaction`
 * ignores the one it is given), with our own few retries (the SDKs' turn a commit whose reply was lost
 * into a false conflict), and with every failure turned into a plain "unavailable".
 */

import { setTimeout as pause } from "node:timers/promises";
import { dependencyUnavailable } from "../domain/refusal.ts";
import { causeOf } from "./cause-of.ts";

export interface CallLimits {
  readonly attempts?: number;
  /** Of one attempt. */
  readonly milliseconds?: number;
}

/**
 * Calls storage where repeating the call does no harm.
 *
 * @throws Refusal `DependencyUnavailable` when every attempt failed
 * @throws the SDK's error when storage answered one of `expected`, its own error codes
 */
export async function callStorage<Answer>(
  call: (signal: AbortSignal) => Promise<Answer>,
  expected: readonly string[] = [],
  { attempts = 3, milliseconds = 2_000 }: CallLimits = {},
): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await call(AbortSignal.timeout(milliseconds));
    } catch (error) {
      if (expected.includes(storageCode(error) ?? "")) throw error;
      if (attempt >= attempts || !mayPass(error))
        throw dependencyUnavailable("Storage", { cause: causeOf("Storage", error) });
      await pause(Math.random() * 100 * attempt);
    }
  }
}

/**
 * @returns storage's own error code, such as `ResourceNotFound`. A 404 without one did not come from
 * storage but from something in between, and proves nothing.
 */
export function storageCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  // Single operations of @azure/data-tables carry it in the details, transactions and queues on top.
  const { code, details } = error as Error & {
    code?: unknown;
    details?: { odataError?: { code?: unknown }; errorCode?: unknown };
  };
  const found = details?.odataError?.code ?? details?.errorCode ?? code;
  return typeof found === "string" ? found : undefined;
}

/** Whether the same call may succeed in a moment, or has succeeded unseen: no answer, or one that says so. */
export function mayPass(error: unknown): boolean {
  const { statusCode } = error as { statusCode?: unknown };
  return typeof statusCode !== "number" || statusCode === 408 || statusCode === 429 || statusCode >= 500;
}
