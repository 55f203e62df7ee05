/** Calls the API as the reader. */

import { Problem, problemOf } from "./problem.ts";

export interface Answer<Body> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

export interface Api {
  /** @param path below the page's own origin, or a link that the API gave */
  get<Body>(path: string, signal?: AbortSignal): Promise<Answer<Body>>;
  put<Body>(path: string, headers: Readonly<Record<string, string>>, body: unknown): Promise<Answer<Body>>;
}

/** The check may take 20 seconds, and Partner Center after it. */
const patienceMilliseconds = 90_000;

/**
 * @param token gives the access token of now
 * @throws Problem from every call that does not succeed
 */
export function createApi(token: () => Promise<string>): Api {
  const call = async <Body>(path: string, init: RequestInit): Promise<Answer<Body>> => {
    // Of a link of the API the path only: behind a proxy it may name another host, and the token goes nowhere else.
    const { pathname, search } = new URL(path, location.origin);
    const url = new URL(pathname + search, location.origin);
    const headers = { ...init.headers, authorization: `Bearer ${await token()}` };
    const timeout = AbortSignal.timeout(patienceMilliseconds);
    const signal = init.signal ? AbortSignal.any([init.signal, timeout]) : timeout;
    const offline = (cause: unknown) => {
      if (init.signal?.aborted) throw cause;
      throw new Problem({ code: "Offline", message: String(cause), details: [] }, { cause });
    };
    const response = await fetch(url, { ...init, headers, signal, cache: "no-store" }).catch(offline);
    if (!response.ok) throw await problemOf(response);
    // What was cut off on its way is no answer.
    const body: Body = await response.json().catch(offline);
    return { status: response.status, headers: response.headers, body };
  };
  return {
    get: (path, signal) => call(path, signal === undefined ? {} : { signal }),
    put: (path, headers, body) =>
      call(path, {
        method: "PUT",
        headers: { ...headers, "content-type": "application/json" },
        body: JSON.stringify(body),
      }),
  };
}

export interface Page<Item> {
  readonly value: readonly Item[];
  readonly nextLink?: string;
}
