/**
 * An HTTP call as the Logic Apps runtime makes it: the same request again after 408, 429, 5xx and lost connections; after
 * 202 the place in `Location` is asked until it answers something else.
 *
 * https://learn.microsoft.com/azure/logic-apps/logic-apps-exception-handling#retry-policies
 * https://learn.microsoft.com/azure/logic-apps/logic-apps-create-api-app#async-pattern
 */

import type { Value } from "./workflow-functions.ts";

export interface Sent {
  readonly step: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Absent: the connection was lost. */
  readonly status?: number;
}

export interface Wires {
  /** Of the workflow's managed identity. */
  readonly token: (audience: string) => Promise<string>;
  readonly send: typeof fetch;
  /** Waits, or only says that it has. */
  readonly pause: (milliseconds: number) => Promise<void>;
  readonly requests: Sent[];
}

export interface StepResult {
  readonly status: "Succeeded" | "Failed" | "TimedOut";
  readonly outputs: Value;
}

const presetPollSeconds = 20;

/** @param inputs evaluated */
export async function runHttpStep(step: string, inputs: Value, wires: Wires, timeout = "P1D"): Promise<StepResult> {
  const { method, uri, headers = {}, body, authentication, retryPolicy } = inputs;
  const token = authentication === undefined ? undefined : await wires.token(authentication.audience);
  const identity: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  let left = millisecondsOf(timeout);
  const wait = async (milliseconds: number) => {
    left -= milliseconds;
    await wires.pause(milliseconds);
  };

  const sent = { ...typeOf(body, headers), ...headers, ...identity };
  let last = await persistently({ method, url: uri, headers: sent, ...textual(body) });
  while (last?.status === 202) {
    const location = last.headers.get("location");
    if (location === null) break;
    if (!URL.canParse(location)) throw new Error(`${step} was sent to ${location}, which is not absolute.`);
    if (left <= 0) return { status: "TimedOut", outputs: outputsOf(last) };
    await wait(secondsOf(last.headers.get("retry-after")) * 1000);
    last = await persistently({ method: "GET", url: location, headers: identity });
  }
  if (last === undefined) return { status: "Failed", outputs: { statusCode: null, headers: {}, body: null } };
  return { status: last.status < 300 ? "Succeeded" : "Failed", outputs: outputsOf(last) };

  async function persistently(request: Omit<Sent, "step" | "status">): Promise<Answered | undefined> {
    const retries = retryPolicy?.type === "none" ? 0 : (retryPolicy?.count ?? 4);
    const first = millisecondsOf(retryPolicy?.interval ?? "PT7S");
    for (let retry = 0; ; retry++) {
      const answer = await once(request);
      const isToRepeat = answer === undefined || [408, 429].includes(answer.status) || answer.status >= 500;
      if (!isToRepeat || retry === retries) return answer;
      const asked = answer?.headers.get("retry-after");
      await wait(asked ? secondsOf(asked) * 1000 : first * 2 ** retry);
    }
  }

  async function once(request: Omit<Sent, "step" | "status">): Promise<Answered | undefined> {
    const { url, body: text, ...rest } = request;
    try {
      const response = await wires.send(url, { ...rest, ...(text === undefined ? {} : { body: text }) });
      wires.requests.push({ step, ...request, status: response.status });
      return { status: response.status, headers: response.headers, text: await response.text() };
    } catch {
      wires.requests.push({ step, ...request });
      return undefined;
    }
  }
}

interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

function textual(body: Value): { readonly body?: string } {
  return body === undefined ? {} : { body: JSON.stringify(body) };
}

/** A body that is JSON is said to be, unless the definition says something itself. */
function typeOf(body: Value, headers: Value): Record<string, string> {
  const isSaid = Object.keys(headers).some((name) => name.toLowerCase() === "content-type");
  return typeof body !== "object" || isSaid ? {} : { "content-type": "application/json; charset=utf-8" };
}

/** Names as .NET's HttpClient writes those that it knows; others as they came. */
const knownHeaders = ["Content-Type", "ETag", "Location", "Retry-After"];

function outputsOf({ status, headers, text }: Answered): Value {
  const named = [...headers].map(([name, value]) => [
    knownHeaders.find((known) => known.toLowerCase() === name) ?? name,
    value,
  ]);
  const isJson = /^application\/json\b/.test(headers.get("content-type") ?? "");
  return { statusCode: status, headers: Object.fromEntries(named), body: isJson ? JSON.parse(text) : text };
}

function secondsOf(retryAfter: string | null): number {
  return retryAfter === null ? presetPollSeconds : Number(retryAfter);
}

/** @param duration such as P2D or PT1M30S */
export function millisecondsOf(duration: string): number {
  const [whole, days, hours, minutes, seconds] =
    /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/.exec(duration) ?? [];
  if (whole === undefined) throw new Error(`${duration} is no duration.`);
  const [d = 0, h = 0, m = 0, s = 0] = [days, hours, minutes, seconds].map((number) => Number(number ?? 0));
  return (((d * 24 + h) * 60 + m) * 60 + s) * 1000;
}
