/**
 * Turns whatever was thrown into the answer of an error. Below 500 the message helps the caller; from 500
 * on it says nothing but the request id, because what went wrong inside is nobody's business outside.
 */

import { Refusal, type RefusalCode } from "../domain/refusal.ts";
import type { ApiAnswer } from "./route.ts";

/** What an answer can say went wrong. */
export type ProblemCode = RefusalCode | "InternalError";

export const statusOf = {
  InvalidRequest: 400,
  UnsupportedApiVersionValue: 400,
  Unauthenticated: 401,
  AdminAgentRequired: 403,
  AgentRoleRequired: 403,
  ScopeRequired: 403,
  NotFound: 404,
  NoAzureSubscription: 409,
  OwnerRoleMissing: 409,
  EligibilityInconclusive: 409,
  PartnerCenterRefused: 409,
  ChangeInProgress: 409,
  TooManyWebhooks: 409,
  ConditionNotMet: 412,
  RequestTooLarge: 413,
  RequestIdReused: 422,
  InternalError: 500,
  DependencyUnavailable: 503,
} as const satisfies Record<ProblemCode, number>;

/** Longer waits than this help no caller: a workflow would sleep through the day. */
const longestRetryAfterSeconds = 300;

/**
 * @param error what was thrown
 * @param requestId to be quoted by whoever asks us about it
 */
export function answerTo(error: unknown, requestId: string): ApiAnswer {
  if (!(error instanceof Refusal)) {
    return problem(
      statusOf.InternalError,
      "InternalError",
      `Something went wrong on our side. Quote request ${requestId}.`,
    );
  }
  const { code, message, target, details, retryAfterSeconds } = error;
  const status = statusOf[code];
  if (status >= 500) {
    const wait = Math.min(Math.max(retryAfterSeconds ?? 5, 1), longestRetryAfterSeconds);
    return problem(status, code, `Not available at the moment. Try again, or quote request ${requestId}.`, {
      "retry-after": String(wait),
    });
  }
  return problem(status, code, message, {}, { target, details });
}

function problem(
  status: number,
  code: ProblemCode,
  message: string,
  headers: Readonly<Record<string, string>> = {},
  more: { readonly target?: string | undefined; readonly details?: readonly unknown[] | undefined } = {},
): ApiAnswer {
  return { status, headers: { ...headers, "x-ms-error-code": code }, body: { error: { code, message, ...more } } };
}
