/** What an HTTP function of ours looks like from inside, and what the table of routes says of it. */

import type { Caller } from "./caller.ts";

export type RequestHeaders = Pick<Headers, "get">;

export interface ApiRequest {
  readonly caller: Caller;
  readonly requestId: string;
  /** What ties this request to others, as far as the caller told us. */
  readonly correlationId: string | undefined;
  readonly url: URL;
  readonly route: Readonly<Record<string, string>>;
  readonly query: ReadonlyMap<string, string>;
  readonly headers: RequestHeaders;
  readBody(): Promise<ArrayBuffer>;
}

export interface ApiAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Answered as JSON. */
  readonly body?: unknown;
  /** Answered as it is, instead; the headers name its media type. */
  readonly text?: string;
}

export type ApiHandler = (request: ApiRequest) => Promise<ApiAnswer>;

/** One row of the table that registers the functions. */
export interface Route<Name extends string = string> {
  readonly name: Name;
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  /** Below `/api/`; absent for functions that the native Logic Apps action calls by name. */
  readonly route?: string;
  readonly access: "read" | "write" | "anonymous";
  /** Query parameters that are known beside `api-version`. */
  readonly query?: readonly string[];
  readonly handler: ApiHandler;
}
