/**
 * How we call Partner Center, for which there is no SDK: with a token, a time limit and few retries, and with every
 * answer understood as a whole or not at all. What is odd is "unavailable", never "nothing there".
 */

import { setTimeout as pause } from "node:timers/promises";
import { foreignWords } from "../domain/foreign-words.ts";
import { PartnerCenterRefusal, type PartnerCenterRefusalReason } from "../domain/partner-center-refusal.ts";
import { dependencyUnavailable } from "../domain/refusal.ts";
import type { PartnerCenterCall } from "../ports.ts";
import { retryAfterMilliseconds } from "./arm-guard.ts";
import type { PartnerCenterTokens } from "./partner-center-tokens.ts";

export interface PartnerCenterOptions {
  /** Origin of Partner Center; nobody else gets the token. */
  readonly endpoint: string;
  readonly tokens: PartnerCenterTokens;
  readonly limits?: PartnerCenterLimits;
  /** Told of every request that is sent, repetitions too: for those who have a budget to keep. */
  readonly onRequest?: () => void;
}

export interface PartnerCenterLimits {
  /** Of one request. */
  readonly attemptMilliseconds?: number;
  /** Of one call with its retries, its waits and its token. */
  readonly callMilliseconds?: number;
  /** About how long to wait before the first repetition, unless Partner Center says how long. */
  readonly backOffMilliseconds?: number;
}

export type Json = Readonly<Record<string, unknown>>;

export interface Question {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  readonly body?: Json;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Something that Partner Center itself said: JSON, or nothing where nothing belongs. */
export interface Answer {
  readonly method: Question["method"];
  readonly status: number;
  /** Partner Center's own error code, such as `600041`. */
  readonly code: string | undefined;
  /** undefined: there is none. */
  readonly body: Json | undefined;
  header(name: string): string | undefined;
}

/** No answer, or one that cannot be relied on. Says nothing of what was sent. */
class PartnerCenterFailure extends Error {
  override readonly name = "PartnerCenterFailure";
  readonly statusCode: number | undefined;
  /** Whether the same request may be sent again: always, only if it changes nothing, or not at all. */
  readonly repeat: "always" | "reads" | "never";
  /** How long Partner Center asked us to wait, if it did. */
  readonly waitMilliseconds: number | undefined;

  constructor(
    message: string,
    repeat: PartnerCenterFailure["repeat"],
    options: ErrorOptions & { readonly statusCode?: number; readonly waitMilliseconds?: number | undefined } = {},
  ) {
    super(message, options);
    this.repeat = repeat;
    this.statusCode = options.statusCode;
    this.waitMilliseconds = options.waitMilliseconds;
  }
}

const mostAttempts = 3;
const longestWaitMilliseconds = 5_000;

/**
 * One call with its retries. All of them carry the same `MS-RequestId`, by which Partner Center knows a repeated call;
 * https://learn.microsoft.com/partner-center/developer/headers
 *
 * A write that timed out is not repeated, since it may still be under way and overtake what is decided next. Neither is
 * one with an answer that makes no sense. What became of it is found out by reading.
 */
export function createAsk({ endpoint, tokens, limits = {}, onRequest }: PartnerCenterOptions) {
  const { origin } = new URL(endpoint);
  const { attemptMilliseconds = 8_000, callMilliseconds = 20_000, backOffMilliseconds = 300 } = limits;

  /** @param stop a deadline that does not leave the call all of its own time */
  return async function ask(question: Question, call: PartnerCenterCall, stop?: AbortSignal): Promise<Answer> {
    const deadline = AbortSignal.any([AbortSignal.timeout(callMilliseconds), ...(stop === undefined ? [] : [stop])]);
    let isRenewed = false;
    for (let attempt = 1; ; attempt++) {
      const token = await tokens.get(deadline);
      const outcome = await askOnce(question, call, token, deadline);
      if (!(outcome instanceof PartnerCenterFailure)) {
        if (outcome.status !== 401 || isRenewed) return outcome;
        // Revoked, or the account has been signed in anew since: the next token may be better, the third will not.
        isRenewed = true;
        tokens.forget(token);
        continue;
      }
      const wait = waitOf(outcome, question, attempt, backOffMilliseconds);
      if (wait === undefined || deadline.aborted) throw unavailable(outcome);
      await pause(wait, undefined, { signal: deadline }).catch(() => {
        throw unavailable(outcome);
      });
    }
  };

  async function askOnce(
    question: Question,
    { requestId, correlationId }: PartnerCenterCall,
    token: string,
    deadline: AbortSignal,
  ): Promise<Answer | PartnerCenterFailure> {
    const signal = AbortSignal.any([deadline, AbortSignal.timeout(attemptMilliseconds)]);
    onRequest?.();
    try {
      const response = await fetch(`${origin}${question.path}`, {
        method: question.method,
        headers: {
          Accept: "application/json",
          Authorization: `Bearer ${token}`,
          "MS-RequestId": requestId,
          "MS-CorrelationId": correlationId,
          ...(question.body === undefined ? {} : { "Content-Type": "application/json" }),
          ...question.headers,
        },
        ...(question.body === undefined ? {} : { body: JSON.stringify(question.body) }),
        redirect: "manual",
        signal,
      });
      return understand(question.method, response, await response.text());
    } catch (cause) {
      const message = `Partner Center did not answer ${question.method} (MS-CorrelationId ${correlationId}).`;
      return new PartnerCenterFailure(message, signal.aborted ? "reads" : "always", { cause });
    }
  }
}

/** @returns milliseconds until the next attempt, or undefined when there should be none */
function waitOf(
  { repeat, statusCode, waitMilliseconds }: PartnerCenterFailure,
  { method }: Question,
  attempt: number,
  backOffMilliseconds: number,
): number | undefined {
  if (attempt >= mostAttempts || repeat === "never" || (repeat === "reads" && method !== "GET")) return undefined;
  if (waitMilliseconds !== undefined) return waitMilliseconds <= longestWaitMilliseconds ? waitMilliseconds : undefined;
  // Refused calls count against the limit, too: https://learn.microsoft.com/partner-center/developer/api-throttling-guidance
  const base = statusCode === 429 ? 4 * backOffMilliseconds : backOffMilliseconds;
  return base * attempt * (0.5 + Math.random());
}

function understand(method: Question["method"], response: Response, text: string): Answer | PartnerCenterFailure {
  const { status } = response;
  const header = (name: string) => response.headers.get(name) ?? undefined;
  const failure = (what: string, repeat: PartnerCenterFailure["repeat"], waitMilliseconds?: number) =>
    new PartnerCenterFailure(`Partner Center answered ${status} to ${method}${what}${idsOf(header)}.`, repeat, {
      statusCode: status,
      waitMilliseconds,
    });

  const body = text.trim() === "" ? undefined : parse(text);
  if (status === 408 || status === 429 || status >= 500) return failure("", "always", waitAskedFor(header, body));
  if (status < 200 || (status >= 300 && status < 400)) return failure(", a redirect", "never");
  if (body === "unintelligible") return failure(" with something else than JSON", "reads");
  // Without a word of Partner Center it may have come from something in between. These three need no words.
  const isPlain = status < 300 || status === 401 || status === 409 || status === 412;
  if (body === undefined && !isPlain) return failure(" and said nothing", "reads");
  return { method, status, code: status < 400 ? undefined : codeOf(body), body, header };
}

function parse(text: string): Json | "unintelligible" {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : "unintelligible";
  } catch {
    return "unintelligible";
  }
}

/** By header, or in the words of the one answer that has its own shape: `Try again in 57 seconds.` */
function waitAskedFor(header: Answer["header"], body: Json | string | undefined): number | undefined {
  const message = typeof body === "object" ? String(body.message) : "";
  const seconds = /\btry again in (\d{1,6}) seconds?\b/i.exec(message)?.[1];
  return retryAfterMilliseconds(header) ?? (seconds === undefined ? undefined : Number(seconds) * 1000);
}

function codeOf(body: Json | undefined): string | undefined {
  return /^\w{1,40}$/.exec(String(body?.code ?? ""))?.[0];
}

/**
 * Codes of Partner Center; https://learn.microsoft.com/partner-center/developer/error-codes. Among what is not here is
 * 600040, "the identifier is incorrect": it does not say that there is no policy.
 */
const reasons: ReadonlyMap<string | undefined, PartnerCenterRefusalReason> = new Map([
  ["900421", "MfaRequired"],
  ["900149", "RoleMissing"],
  ["900150", "RoleMissing"],
  ["900308", "RoleMissing"],
  ["900329", "AppOnlyToken"],
  ["20002", "NoRelationship"],
  ["60003", "NoRelationship"],
  ["900118", "NoRelationship"],
  ["900420", "SignInRequired"],
  // Conditional Access blocks the sign-in that the token stems from.
  ["900309", "SignInRequired"],
]);

/** @returns what to throw for an answer that is none of the expected ones */
export function noFrom(answer: Answer): Error {
  const { method, status, code, body, header } = answer;
  if (status < 400) return odd(answer, "is not the status that belongs to it");
  const reason = reasons.get(code) ?? (status === 401 ? "SignInRequired" : "Refused");
  const named = code === undefined ? String(status) : `${status}/${code}`;
  return new PartnerCenterRefusal(
    reason,
    `Partner Center refuses ${method} with ${named}${idsOf(header)}.${wordsOf(body)}`,
    code === undefined ? {} : { partnerCenterCode: code },
  );
}

/** What Microsoft's support asks for. */
function idsOf(header: Answer["header"]): string {
  const ids = ["MS-CorrelationId", "MS-RequestId"].flatMap((name) => {
    const id = /^[\w.-]{1,64}$/.exec(header(name) ?? "")?.[0];
    return id === undefined ? [] : [`${name} ${id}`];
  });
  return ids.length === 0 ? "" : ` (${ids.join(", ")})`;
}

/** Partner Center's own words, short and without anything that is long enough to be a token. */
function wordsOf(body: Json | undefined): string {
  const { description } = body ?? {};
  if (typeof description !== "string") return "";
  return ` It says: ${foreignWords(description, 200)}`;
}

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function odd({ method, status, header }: Answer, what: string): Error {
  const message = `Partner Center's answer to ${method} ${what}${idsOf(header)}.`;
  return unavailable(new PartnerCenterFailure(message, "never", { statusCode: status }));
}

function unavailable(failure: PartnerCenterFailure): Error {
  const { waitMilliseconds } = failure;
  return dependencyUnavailable("Partner Center", {
    cause: failure,
    ...(waitMilliseconds === undefined ? {} : { retryAfterSeconds: Math.ceil(waitMilliseconds / 1000) }),
  });
}
