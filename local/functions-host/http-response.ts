/** The worker's RPC answer written to the wire (host: RawScriptResult.cs, RpcHttpCookieConverter). */

import type { ServerResponse } from "node:http";
import type { HttpCookie, TypedData } from "./rpc.ts";

/** Framing is the server's business: a wrong length from the handler would break the connection for the next request. */
const ownHeaders = new Set(["content-length", "transfer-encoding", "connection", "keep-alive"]);

export function sendEmpty(response: ServerResponse, status: number): void {
  response.writeHead(status, status === 204 ? {} : { "content-length": 0 }).end();
}

/** No return value is 204, as for a null result of an ASP.NET action (host: HttpBinding.SetResponse). */
export function sendRpcHttp(response: ServerResponse, returnValue: TypedData | null | undefined): void {
  const http = returnValue?.http;
  if (!http) {
    sendEmpty(response, 204);
    return;
  }

  const status = Number(http.statusCode ?? 200);
  const headers: Record<string, string | string[] | number> = {};
  for (const [name, value] of Object.entries(http.headers ?? {})) if (!ownHeaders.has(name)) headers[name] = value;
  if (http.cookies && http.cookies.length > 0) {
    headers["set-cookie"] = [headers["set-cookie"] ?? [], http.cookies.map(formatCookie)].flat().map(String);
  }
  const body = http.body?.bytes ?? new Uint8Array();
  const hasBody = status !== 204 && status !== 205 && status !== 304;
  if (hasBody) headers["content-length"] = lengthOf(response, body, http.headers);
  response.writeHead(status, headers).end(hasBody && body.length > 0 ? body : undefined);
}

/** A HEAD handler may say how long the answer to GET would be. */
function lengthOf(response: ServerResponse, body: Uint8Array, headers: Record<string, string> | undefined): number {
  const announced = Number(headers?.["content-length"]);
  return response.req.method === "HEAD" && body.length === 0 && announced > 0 ? announced : body.length;
}

/** Escaping, attribute order and the default path `/` are those of ASP.NET's CookieOptions. */
function formatCookie(cookie: HttpCookie): string {
  const expires = cookie.expires?.value?.seconds;
  const sameSite = cookie.sameSite === "explicitNone" ? "none" : cookie.sameSite;
  return [
    `${encodeURIComponent(cookie.name ?? "")}=${encodeURIComponent(cookie.value ?? "")}`,
    expires !== undefined && `expires=${new Date(expires * 1000).toUTCString()}`,
    cookie.maxAge?.value !== undefined && `max-age=${Math.trunc(cookie.maxAge.value)}`,
    cookie.domain?.value && `domain=${cookie.domain.value}`,
    `path=${cookie.path?.value ?? "/"}`,
    cookie.secure?.value && "secure",
    cookie.sameSite !== undefined && cookie.sameSite !== "none" && `samesite=${sameSite}`,
    cookie.httpOnly?.value && "httponly",
  ]
    .filter((part) => typeof part === "string")
    .join("; ");
}
