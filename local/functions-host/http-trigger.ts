/** HTTP triggers: from a request of node's server to an answer, with the status codes of the real host. */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { RegisteredFunction } from "./functions-app.ts";
import type { HostKey } from "./host-key.ts";
import { contentLength, readBody, readTarget, type Target, toRpcHttp } from "./http-request.ts";
import { sendEmpty, sendRpcHttp } from "./http-response.ts";
import type { Invoker } from "./invoker.ts";
import { describeError, log } from "./log.ts";
import { type Route, Routes } from "./routes.ts";
import type { BindingInfo } from "./rpc.ts";
import { resolveSettings } from "./settings.ts";
import { traceContextFrom } from "./trace-context.ts";

/** The real host's default, FUNCTIONS_REQUEST_BODY_SIZE_LIMIT. */
const largestBody = 104_857_600;

interface HttpFunction {
  fn: RegisteredFunction;
  triggerName: string;
  needsKey: boolean;
}

export interface HttpEndpoint {
  name: string;
  methods: string;
  path: string;
  needsKey: boolean;
}

/** Answers what is not a function's business; true when it did. */
export type SideDoor = (request: IncomingMessage, response: ServerResponse, path: string) => boolean;

export class HttpTrigger {
  readonly #routes = new Routes<HttpFunction>();
  readonly #prefix: string;
  readonly #invoker: Invoker;
  readonly #key: () => HostKey;
  readonly #sideDoor: SideDoor;
  stopping = false;

  constructor(options: { routePrefix: string; invoker: Invoker; key: () => HostKey; sideDoor: SideDoor }) {
    this.#prefix = options.routePrefix === "" ? "" : `${options.routePrefix}/`;
    this.#invoker = options.invoker;
    this.#key = options.key;
    this.#sideDoor = options.sideDoor;
  }

  add(fn: RegisteredFunction, triggerName: string, binding: BindingInfo): HttpEndpoint {
    const route = resolveSettings(String(binding.route || fn.name));
    const methods = Array.isArray(binding.methods) ? binding.methods.map(String) : undefined;
    const level = String(binding.authLevel ?? "function").toLowerCase();
    const needsKey = level !== "anonymous";
    const path = this.#prefix + route.replace(/^\/+/, "");
    this.#routes.add(path, methods, { fn, triggerName, needsKey });
    return { name: fn.name, methods: methods?.join(",") ?? "*", path: `/${path}`, needsKey };
  }

  readonly listener = (request: IncomingMessage, response: ServerResponse): void => {
    if (this.stopping) response.shouldKeepAlive = false;
    this.#answer(request, response).catch((error: unknown) => {
      log("error", "host", `${request.method} ${request.url} was not answered: ${describeError(error)}`);
      if (response.headersSent) response.destroy();
      else sendEmpty(response, 500);
    });
  };

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const target = readTarget(request);
    if (!target) return sendEmpty(response, 400);
    // It means the server itself, and only OPTIONS may (RFC 9112 §3.2.4); Kestrel says so before any function is found.
    if (request.url === "*" && request.method !== "OPTIONS") return sendEmpty(response, 405);
    if (this.#sideDoor(request, response, target.path)) return;

    const route = this.#routes.find(request.method ?? "GET", target.path);
    if (!route) return sendEmpty(response, 404);
    if (route.target.needsKey && !this.#key().opens(request, target.query)) return sendEmpty(response, 401);
    const length = contentLength(request);
    if (length > largestBody) {
      response.shouldKeepAlive = false;
      return sendEmpty(response, 413);
    }
    const body = length > 0 ? await readBody(request).catch(() => undefined) : undefined;
    if (length > 0 && !body) return; // The caller left in the middle of its own request.
    await this.#run(request, response, target, route, body);
  }

  async #run(
    request: IncomingMessage,
    response: ServerResponse,
    target: Target,
    { target: { fn, triggerName }, params }: Route<HttpFunction>,
    body: Buffer | undefined,
  ): Promise<void> {
    const { traceparent, tracestate } = request.headers;
    const result = await this.#invoker.invoke(fn, triggerName, {
      data: { http: toRpcHttp(request, target, params, body) },
      trace: traceContextFrom(asText(traceparent), asText(tracestate)),
    });
    if (result.succeeded) sendRpcHttp(response, result.returnValue);
    else sendEmpty(response, 500);
  }
}

function asText(header: string | string[] | undefined): string | undefined {
  return typeof header === "string" ? header : undefined;
}
