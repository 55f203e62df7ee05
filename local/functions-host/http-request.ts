/**
 * A request from the wire as the RPC message the worker would get (host: GrpcMessageConversionExtensions.ToRpcHttp).
 * Built from the raw headers, because node's own joining drops repeated ones that ASP.NET keeps.
 */

import type { IncomingMessage } from "node:http";
import type { RouteParams } from "./route-template.ts";
import type { HttpData, NullableValue } from "./rpc.ts";

export interface Target {
  path: string;
  query: string;
}

/** undefined: nothing a URL can be made of, which is a 400 of the server and never reaches a function. */
export function readTarget(request: IncomingMessage): Target | undefined {
  const host = request.headers.host;
  const rawUrl = request.url ?? "/";
  if (host === undefined || !isHost(host) || hasTwoHosts(request.rawHeaders) || rawUrl.includes("%00"))
    return undefined;
  const url = rawUrl.startsWith("/") ? rawUrl : originForm(rawUrl);
  if (url === undefined) return undefined;
  const at = url.indexOf("?");
  const path = at < 0 ? url : url.slice(0, at);
  return { path: withoutDotSegments(path), query: at < 0 ? "" : url.slice(at + 1) };
}

const hostPattern = /^(?:\[[\da-f:.]+\]|[\w.~!$&'()*+,;=-]+)(?::\d{1,5})?$/i;
let lastGoodHost = "";

function isHost(host: string): boolean {
  if (host === lastGoodHost) return true;
  if (!hostPattern.test(host) || !URL.canParse(`http://${host}/`)) return false;
  lastGoodHost = host;
  return true;
}

function hasTwoHosts(rawHeaders: readonly string[]): boolean {
  let hosts = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at];
    if (name?.length === 4 && name.toLowerCase() === "host") hosts += 1;
  }
  return hosts > 1;
}

/** `GET http://host/path` is what clients send to a proxy; Kestrel takes the path from it. `OPTIONS *` has none. */
function originForm(rawUrl: string): string | undefined {
  if (rawUrl === "*") return "/";
  const url = /^https?:/i.test(rawUrl) ? URL.parse(rawUrl) : null;
  return url ? url.pathname + url.search : undefined;
}

function withoutDotSegments(path: string): string {
  return /\/(?:\.|%2e)/i.test(path) ? new URL(`http://host${path}`).pathname : path;
}

export function toRpcHttp(request: IncomingMessage, target: Target, params: RouteParams, body?: Buffer): HttpData {
  const search = target.query === "" ? "" : `?${target.query}`;
  const nullableParams = emptyMap();
  for (const name in params) nullableParams[name] = { value: params[name] ?? "" };
  return {
    url: `http://${request.headers.host}${target.path}${search}`,
    method: request.method ?? "GET",
    nullableHeaders: readHeaders(request.rawHeaders),
    nullableParams,
    nullableQuery: readQuery(target.query),
    ...(body && { body: { bytes: body } }),
  };
}

function readHeaders(rawHeaders: readonly string[]): Record<string, NullableValue<string>> {
  const headers = emptyMap();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    add(headers, (rawHeaders[at] ?? "").toLowerCase(), rawHeaders[at + 1] ?? "");
  }
  return headers;
}

/** ASP.NET's query is a case-insensitive map: the first spelling of a name stays, its values are joined by commas. */
function readQuery(query: string): Record<string, NullableValue<string>> {
  const values = emptyMap();
  if (query === "") return values;
  const spellings = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    const folded = name.toLowerCase();
    const spelling = spellings.get(folded) ?? name;
    spellings.set(folded, spelling);
    add(values, spelling, value);
  }
  return values;
}

function add(map: Record<string, NullableValue<string>>, name: string, value: string): void {
  const present = map[name];
  map[name] = { value: present ? `${present.value},${value}` : value };
}

/** Without a prototype, so that a header or parameter called `__proto__` is only a name. */
function emptyMap(): Record<string, NullableValue<string>> {
  return Object.create(null);
}

/** Chunked bodies have no Content-Length and arrive empty, as on the real host without HTTP streaming. */
export function contentLength(request: IncomingMessage): number {
  return Number(request.headers["content-length"] ?? 0);
}

export function readBody(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    request.on("error", reject);
  });
}
