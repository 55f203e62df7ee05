/**
 * The policy through which every request to Azure Resource Manager goes. The SDKs would send our token to
 * any host that a `nextLink` names, would wait for hours when a 429 says so, have no time limit, and take
 * `200 {}` for an empty list. Not with this.
 */

import { setTimeout as pause } from "node:timers/promises";
import type { PipelinePolicy, PipelineRequest, PipelineResponse, SendRequest } from "@azure/core-rest-pipeline";
import { DirectoryFailure } from "../domain/directory-failure.ts";

const attemptMilliseconds = 8_000;
const longestWaitMilliseconds = 5_000;
/** More retries than this in one whole check do not help but harm. */
const mostRetries = 4;

/**
 * @param origin the only one that may get a token, e.g. `https://management.azure.com`
 * @param deadline of the whole check
 */
export function createArmGuard(origin: string, deadline: AbortSignal): PipelinePolicy {
  const asked = new Map<string, PipelineRequest>();
  let retries = mostRetries;

  return {
    name: "armGuard",
    async sendRequest(request, next) {
      if (new URL(request.url).origin !== origin) throw unintelligible("A link leads to another host.");
      // The very same request comes again when Azure challenges its token (continuous access evaluation).
      if ((asked.get(request.url) ?? request) !== request) throw unintelligible("A page links to itself.");
      asked.set(request.url, request);
      // The request's own signal comes early when an Owner was found elsewhere: then nobody waits for this answer.
      const stop = AbortSignal.any([
        deadline,
        ...(request.abortSignal instanceof AbortSignal ? [request.abortSignal] : []),
      ]);
      for (let attempt = 1; ; attempt++) {
        const outcome = await attemptOf(request, next);
        const wait = waitOf(outcome, attempt);
        if (wait === undefined || retries <= 0 || stop.aborted) return settle(outcome);
        retries -= 1;
        await pause(wait, undefined, { signal: stop });
      }
    },
  };
}

type Outcome = { readonly response: PipelineResponse } | { readonly error: unknown };

async function attemptOf(request: PipelineRequest, next: SendRequest): Promise<Outcome> {
  request.timeout = attemptMilliseconds;
  try {
    return { response: await next(request) };
  } catch (error) {
    return { error };
  }
}

function settle(outcome: Outcome): PipelineResponse {
  if ("error" in outcome) throw outcome.error;
  if (outcome.response.status === 200) checkShape(outcome.response);
  return outcome.response;
}

/** @returns how long to wait before the next attempt, or undefined when there should be none */
function waitOf(outcome: Outcome, attempt: number): number | undefined {
  const backOff = Math.random() * 300 * 2 ** attempt;
  if ("error" in outcome) return backOff;
  const { status, headers } = outcome.response;
  if (status !== 408 && status !== 429 && status < 500) return undefined;
  const asked = retryAfterMilliseconds((name) => headers.get(name));
  if (asked === undefined) return backOff;
  return asked <= longestWaitMilliseconds ? asked : undefined;
}

/** @returns what `Retry-After`, in seconds or as a date, or one of its variants in milliseconds asks for */
export function retryAfterMilliseconds(header: (name: string) => string | undefined): number | undefined {
  for (const name of ["retry-after-ms", "x-ms-retry-after-ms"]) {
    const milliseconds = Number(header(name) ?? Number.NaN);
    if (milliseconds >= 0) return milliseconds;
  }
  const text = header("retry-after");
  if (text === undefined) return undefined;
  const milliseconds = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isNaN(milliseconds) ? undefined : Math.max(0, milliseconds);
}

/** A list is an object with an array of objects; anything else is no list, not even an empty one. */
function checkShape({ bodyAsText, headers, request }: PipelineResponse): void {
  // What is not labelled as JSON the SDKs do not read at all: that, too, would be an empty list.
  if (!/^application\/json\s*(;|$)/i.test(headers.get("content-type") ?? ""))
    throw unintelligible("The answer is no JSON.");
  let body: unknown;
  try {
    body = JSON.parse(bodyAsText ?? "");
  } catch (cause) {
    throw unintelligible("The answer is not JSON.", cause);
  }
  const isList = !/\/subscriptions\/[^/]+$/.test(new URL(request.url).pathname);
  const { value } = (isObject(body) ? body : {}) as { value?: unknown };
  if (!isObject(body) || (isList && !(Array.isArray(value) && value.every(isObject)))) {
    throw unintelligible("The answer has no list where one belongs.");
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function unintelligible(message: string, cause?: unknown): DirectoryFailure {
  return new DirectoryFailure("DependencyUnavailable", `Azure Resource Manager is unintelligible. ${message}`, {
    cause,
  });
}
