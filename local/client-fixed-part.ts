/** What every client has, whatever the operations are: client-source.ts puts it in front of what it writes. */

export interface ClientOptions {
  /** Such as `https://<function app>.azurewebsites.net/api`. */
  readonly baseUrl: string;
  /** @returns an Entra access token for the API, asked for before every request */
  readonly token: () => Promise<string>;
}

export interface Answer<Body> {
  /** 202: accepted, and not in force yet. */
  readonly status: number;
  readonly body: Body;
  /** For `If-Match` of the next change. */
  readonly etag?: string;
  /** Of a 202: where the answer will be. */
  readonly location?: string;
}

/** The service said no. `code` is for programs, `message` for people. */
export class PermissionsError extends Error {
  override readonly name = "PermissionsError";
  readonly status: number;
  readonly code: string;
  readonly details: readonly unknown[];
  readonly requestId: string | undefined;

  constructor(status: number, code: string, message: string, details: readonly unknown[], requestId?: string) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
    this.requestId = requestId;
  }
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly headers: object;
  readonly body?: unknown;
}

const mostAttempts = 4;

/** Sends a request again, under the same request id, when no answer came or the service was busy: that is always safe. */
export class Caller {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /** Follows a 202 until the change is in force, or throws why it is not. */
  async finished<Body>(answer: Answer<Body>): Promise<Answer<Body>> {
    let latest = answer;
    while (latest.status === 202 && latest.location !== undefined) {
      latest = await this.#send<Body>("GET", this.#ours(latest.location), {}, undefined);
    }
    return latest;
  }

  /** All items of a list, page after page. */
  async *all<Item>(
    first: Answer<{ readonly value: readonly Item[]; readonly nextLink?: string }>,
  ): AsyncGenerator<Item> {
    let page = first.body;
    for (;;) {
      yield* page.value;
      if (page.nextLink === undefined) return;
      const next = await this.#send<typeof page>("GET", this.#ours(page.nextLink), {}, undefined);
      page = next.body;
    }
  }

  protected call<Body>({ method, path, query = {}, headers, body }: Call): Promise<Answer<Body>> {
    const url = new URL(`${this.#options.baseUrl}${path}`);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, String(value));
    const once = method === "GET" ? {} : { "Repeatability-Request-ID": crypto.randomUUID() };
    const names = Object.keys(headers).map((name) => name.toLowerCase());
    const isNamed = ["repeatability-request-id", "ms-requestid", "idempotency-key"].some((name) =>
      names.includes(name),
    );
    return this.#send<Body>(method, url, { ...(isNamed ? {} : once), ...headers }, body);
  }

  async #send<Body>(method: string, url: URL, headers: object, body: unknown): Promise<Answer<Body>> {
    for (let attempt = 1; ; attempt++) {
      const response = await this.#attempt(method, url, headers, body).catch((error: unknown) => {
        if (attempt === mostAttempts) throw error;
      });
      const wait = Number(response?.headers.get("retry-after") ?? 1);
      if (response === undefined || (response.status === 503 && attempt < mostAttempts)) {
        await pause(wait);
        continue;
      }
      const text = await response.text();
      const content = text === "" ? undefined : JSON.parse(text);
      if (!response.ok && response.status !== 304) {
        const { code = "Unknown", message = `Answered ${response.status}.`, details = [] } = content?.error ?? {};
        const requestId = response.headers.get("x-ms-request-id") ?? undefined;
        throw new PermissionsError(response.status, code, message, details, requestId);
      }
      if (response.status === 202) await pause(wait);
      const [etag, location] = ["etag", "location"].map((name) => response.headers.get(name));
      return {
        status: response.status,
        body: content as Body,
        ...(etag == null ? {} : { etag }),
        ...(location == null ? {} : { location }),
      };
    }
  }

  async #attempt(method: string, url: URL, headers: object, body: unknown): Promise<Response> {
    return fetch(url, {
      method,
      // The token goes nowhere else.
      redirect: "error",
      headers: {
        ...headers,
        authorization: `Bearer ${await this.#options.token()}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  /** @throws Error when a link leads to somebody else, who must not see the token */
  #ours(link: string): URL {
    const url = new URL(link, this.#options.baseUrl);
    if (url.origin !== new URL(this.#options.baseUrl).origin) throw new Error(`${url.origin} is not the service.`);
    return url;
  }
}

function pause(seconds: number): Promise<void> {
  return new Promise((go) => setTimeout(go, Math.min(Number.isFinite(seconds) ? seconds : 1, 60) * 1000));
}
