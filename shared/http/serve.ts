/**
 * The one place where a request of the Functions host becomes one of ours: caller, role, api-version, query,
 * request ids, and every error's answer.
 */

import type { HttpHandler, HttpRequest, HttpResponseInit } from "@azure/functions";
import { foreignCode, foreignWords } from "../domain/foreign-words.ts";
import { invalidRequest, Refusal } from "../domain/refusal.ts";
import { authorize, type Caller, type ReadCaller } from "./caller.ts";
import { answerTo } from "./problem.ts";
import { readQuery } from "./query.ts";
import type { ApiAnswer, RequestHeaders, Route } from "./route.ts";

export const apiVersion = "2026-11-01";
const anonymous: Caller = {
  actor: { tenantId: "", objectId: "", kind: "Application" },
  roles: new Set(),
  scopes: undefined,
};

/** @param knownQuery accepted on every route, such as the key that the Functions host asks for */
export function serve(
  { access, query = [], handler }: Route,
  readCaller: ReadCaller,
  knownQuery: readonly string[],
): HttpHandler {
  return async (http, context) => {
    const requestId = context.invocationId;
    const answer = await respond(http, requestId).catch((error: unknown) => {
      if (!(error instanceof Refusal) || error.code === "DependencyUnavailable") context.error(logged(error));
      return answerTo(error, requestId);
    });
    return responseOf(answer, http.headers, requestId);
  };

  async function respond(http: HttpRequest, requestId: string): Promise<ApiAnswer> {
    const caller = access === "anonymous" ? anonymous : await readCaller(http.headers.get("authorization"));
    if (access !== "anonymous") authorize(caller, access);
    const url = URL.parse(http.url) ?? invalidRequest("Host", "The Host header names no host.");
    const parameters = readQuery(url, [...query, ...knownQuery, "api-version"]);
    const version = parameters.get("api-version") ?? apiVersion;
    if (version !== apiVersion) {
      throw new Refusal("UnsupportedApiVersionValue", `api-version ${version} is not supported. Use ${apiVersion}.`, {
        target: "api-version",
      });
    }
    const { headers, params: route } = http;
    const correlationId = correlationOf(headers);
    const readBody = () => http.arrayBuffer();
    return handler({ caller, requestId, correlationId, url, route, query: parameters, headers, readBody });
  }
}

/** The chain of causes in one line; answers of others and what we sent them are left out, they may hold secrets. */
function logged(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const what = error instanceof Refusal ? error.message : withoutAnswer(error);
  return error.cause === undefined ? what : `${what} Cause: ${logged(error.cause)}`;
}

const mostOfMessage = 300;

/** The errors of the Azure SDKs have a status, and their messages quote the answer that they got; MSAL's quote it too. */
function withoutAnswer(error: Error): string {
  const { name, message, stack = "" } = error;
  const { statusCode, code } = error as Error & { readonly statusCode?: unknown; readonly code?: unknown };
  if (statusCode === undefined) {
    const frames = stack.replace(message, "").split("\n").slice(1);
    return [`${name}: ${foreignWords(message, mostOfMessage)}`, ...frames].join("\n");
  }
  return [name, statusCode, foreignCode(code)].filter((word) => word !== undefined).join(" ");
}

const safeId = /^[\x21-\x7e]{1,128}$/;

function correlationOf(headers: RequestHeaders): string | undefined {
  const sent = headers.get("ms-correlationid") ?? headers.get("x-ms-client-request-id");
  if (sent !== null && safeId.test(sent)) return sent;
  return /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(headers.get("traceparent") ?? "")?.[1];
}

/** Ids of the caller's that are answered as they came, if they are harmless. */
const echoed = ["x-ms-client-request-id", "ms-correlationid", "ms-requestid"];

function responseOf(
  { status = 200, headers = {}, body, text }: ApiAnswer,
  sent: RequestHeaders,
  requestId: string,
): HttpResponseInit {
  const hasToken = /^Bearer +[^ ]/i.test(sent.get("authorization") ?? "");
  const challenge = hasToken ? 'Bearer error="invalid_token"' : "Bearer";
  const echoes = echoed.flatMap((name) => {
    const id = sent.get(name);
    return id !== null && safeId.test(id) ? [[name, id] as const] : [];
  });
  return {
    status,
    headers: {
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      ...Object.fromEntries(echoes),
      "x-ms-request-id": requestId,
      ...(status === 401 ? { "www-authenticate": challenge } : {}),
      ...headers,
    },
    ...(body === undefined ? {} : { jsonBody: body }),
    ...(text === undefined ? {} : { body: text }),
  };
}
