/**
 * Sees every HTTP call that this process makes, through Node's own diagnostics channels.
 *
 * Channels rather than patched modules: they need no particular order of imports (the Azure SDKs are ESM and hold
 * `node:http` already), they see `fetch` too, they add no header to the request, and the URL is ours to clean.
 * https://nodejs.org/api/diagnostics_channel.html#built-in-channels
 */

import { subscribe } from "node:diagnostics_channel";
import { ClientRequest, IncomingMessage } from "node:http";

export interface OutgoingCall {
  readonly method: string;
  /** @returns the URL without the values of query parameters that are not known to be harmless */
  readonly url: () => string;
  readonly startedAt: Date;
  /** Until the answer's headers or the failure, not to the end of the body. */
  readonly milliseconds: number;
  /** The HTTP status; or, without an answer, what went wrong (`ECONNREFUSED`). */
  readonly result: string;
  readonly succeeded: boolean;
}

/**
 * @param begin asked, in the caller's async context, when a call starts; undefined: the call is not watched
 * @param report told when the answer or the failure of a watched call is there
 */
export function watchOutgoingCalls<Begun>(
  begin: () => Begun | undefined,
  report: (call: OutgoingCall, begun: Begun) => void,
): void {
  const watched = new WeakMap<object, { readonly begun: Begun; readonly startedAt: Date; readonly start: number }>();

  function started(request: object): void {
    const begun = begin();
    if (begun !== undefined) watched.set(request, { begun, startedAt: new Date(), start: performance.now() });
  }

  function ended(request: object, target: Target, result: string, succeeded: boolean): void {
    const call = watched.get(request);
    if (call === undefined) return;
    watched.delete(request);
    const milliseconds = performance.now() - call.start;
    report({ ...target, startedAt: call.startedAt, milliseconds, result, succeeded }, call.begun);
  }

  on("http.client.request.start", ({ request }) => {
    if (request instanceof ClientRequest) started(request);
  });
  on("http.client.response.finish", ({ request, response }) => {
    if (!(request instanceof ClientRequest && response instanceof IncomingMessage)) return;
    const { statusCode = 0 } = response;
    ended(request, targetOf(request), String(statusCode), statusCode < 400);
  });
  on("http.client.request.error", ({ request, error }) => {
    if (request instanceof ClientRequest) ended(request, targetOf(request), codeOf(error), false);
  });

  // Global fetch; Partner Center is called with it.
  on("undici:request:create", ({ request }) => {
    if (isFetch(request)) started(request);
  });
  on("undici:request:headers", ({ request, response }) => {
    if (!isFetch(request)) return;
    const statusCode = Number((response as { readonly statusCode?: unknown } | undefined)?.statusCode ?? 0);
    ended(request, targetOfFetch(request), String(statusCode), statusCode < 400);
  });
  on("undici:request:error", ({ request, error }) => {
    if (isFetch(request)) ended(request, targetOfFetch(request), codeOf(error), false);
  });
}

interface Message {
  readonly request?: unknown;
  readonly response?: unknown;
  readonly error?: unknown;
}

/** An exception in a subscriber would be an uncaught one of the process. */
function on(channel: string, listener: (message: Message) => void): void {
  subscribe(channel, (message) => {
    try {
      listener(message as Message);
    } catch {
      // Not seeing a call is harmless, failing it is not.
    }
  });
}

type Target = Pick<OutgoingCall, "method" | "url">;

const pathsKept = new WeakSet<ClientRequest>();

/** Of this call no more than the host is shown: its path opens a door, too. */
export function keepPathSecret(request: ClientRequest): void {
  pathsKept.add(request);
}

function targetOf(request: ClientRequest): Target {
  const host = request.getHeader("host") ?? request.host;
  const { method, protocol } = request;
  const path = pathsKept.has(request) ? "/REDACTED" : request.path;
  return { method, url: () => withoutSecrets(`${protocol}//${host}${path}`) };
}

interface Fetch {
  readonly origin: string;
  readonly path: string;
  readonly method: string;
}

function isFetch(request: unknown): request is Fetch {
  return typeof request === "object" && request !== null && "origin" in request && "path" in request;
}

function targetOfFetch({ method, origin, path }: Fetch): Target {
  return { method, url: () => withoutSecrets(`${origin}${path}`) };
}

function codeOf(error: unknown): string {
  const { code, name } = (error ?? {}) as { readonly code?: unknown; readonly name?: unknown };
  return typeof code === "string" ? code : String(name ?? "Error");
}

/** Parameters of storage and Resource Manager whose values tell what was asked for and open no door. */
const harmlessParameters = new Set([
  ...["api-version", "comp", "restype", "timeout", "numofmessages", "visibilitytimeout", "messagettl"],
  ...["$filter", "%24filter", "$select", "%24select", "$top", "%24top", "$expand", "%24expand"],
]);

/** A list of what may be shown, not of what may not: `sig` and `code` are only the secrets we know of. */
export function withoutSecrets(url: string): string {
  const [address = "", ...rest] = url.split("?");
  if (rest.length === 0) return address;
  const parameters = rest.join("?").split("&");
  const shown = parameters.map((parameter) => {
    const name = parameter.slice(0, parameter.indexOf("="));
    if (name === "" || !parameter.includes("=")) return "REDACTED";
    return harmlessParameters.has(name.toLowerCase()) ? parameter : `${name}=REDACTED`;
  });
  return `${address}?${shown.join("&")}`;
}
