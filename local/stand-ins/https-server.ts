/**
 * The loopback server under every stand-in: real HTTPS (plain http only for the managed identity endpoint, as in Azure),
 * a log of what was asked, faults on demand, and a close that never waits for a hung client.
 */

import {
  createServer as createHttpServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { refuseInAzure } from "../not-in-azure.ts";
import { controlFaults, faultControlPath } from "./fault-control.ts";
import { createFaults, type Fault, type Faults } from "./faults.ts";
import { createRequestLog, type LoggedRequest, type RequestLog } from "./request-log.ts";
import { linkToSecondPage, withNextLink } from "./spoilt-pages.ts";
import type { ServerCertificate } from "./throw-away-ca.ts";

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** A fault wants the right answer to a write that is not done. */
  readonly noEffect?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface StandIn {
  /** Without a slash at the end. */
  readonly url: string;
  readonly port: number;
  readonly requests: RequestLog;
  readonly faults: Faults;
  close(): Promise<void>;
}

export interface ServerOptions {
  /** Absent: plain http. */
  readonly certificate?: ServerCertificate | undefined;
  /** 0 or absent: any free one. */
  readonly port?: number | undefined;
  readonly answer: (call: Call) => Answer | Promise<Answer>;
  /** The service's own way of saying 429, 500, 503 …, for faults that name a status only. */
  readonly failure: (status: number, call: Call) => Answer;
  /** For demos and tests by hand: what is answered here is no request to the service, is not logged and suffers no fault. */
  readonly control?: (call: Call) => Answer | undefined;
}

export async function startServer({
  certificate,
  port = 0,
  answer,
  failure,
  control,
}: ServerOptions): Promise<StandIn> {
  refuseInAzure("A stand-in");
  const requests = createRequestLog();
  const faults = createFaults();
  const sockets = new Set<Socket>();

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [path = "/", ...rest] = (request.url ?? "/").split("?");
    const query = rest.join("?");
    const method = request.method ?? "GET";
    const body = await readBody(request);
    if (path === faultControlPath) return send(response, controlFaults(faults, method, body));

    const call: Call = { method, path, query: new URLSearchParams(query), headers: request.headers, body };
    const controlled = control?.(call);
    if (controlled !== undefined) return send(response, controlled);

    const entry: LoggedRequest = { method, path, query, headers: request.headers, at: new Date() };
    requests.add(entry);
    response.once("finish", () => {
      entry.status = response.statusCode;
      entry.endedAt = new Date();
    });
    const fault = faults.take(entry);
    if (fault === undefined) return send(response, await answer(call));
    await suffer(fault, {
      request,
      response,
      here: `${url}${request.url ?? "/"}`,
      isFirstPage: !/[?&](\$|%24)skiptoken=/i.test(request.url ?? ""),
      right: async (how = {}) => answer({ ...call, ...how }),
      failure: (status) => failure(status, call),
    });
  };
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    serve(request, response).catch((error: unknown) => {
      // A fault of the stand-in itself must be seen, not look like one of the service.
      process.stderr.write(`Stand-in failed: ${error instanceof Error ? error.stack : String(error)}\n`);
      response.destroy();
    });
  };
  const server = certificate
    ? createHttpsServer({ cert: certificate.cert, key: certificate.key }, listener)
    : createHttpServer(listener);
  // As in Azure, idle connections live longer than a client's pause between two calls; Node's 5 s would cut some.
  server.keepAliveTimeout = 65_000;
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const { port: actualPort } = server.address() as AddressInfo;
  const url = `${certificate ? "https" : "http"}://127.0.0.1:${actualPort}`;

  return {
    url,
    port: actualPort,
    requests,
    faults,
    close: () =>
      new Promise((resolve) => {
        // A second close finds the server stopped and is content.
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

interface Victim {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly here: string;
  readonly isFirstPage: boolean;
  readonly right: (how?: Pick<Call, "noEffect">) => Promise<Answer>;
  readonly failure: (status: number) => Answer;
}

async function suffer(fault: Fault, { request, response, here, isFirstPage, right, failure }: Victim): Promise<void> {
  switch (fault.kind) {
    case "status": {
      const typical = failure(fault.status);
      const own = fault.body === undefined ? {} : { body: asText(fault.body) };
      return send(response, { ...typical, ...own, headers: { ...typical.headers, ...fault.headers } });
    }
    case "html":
      return send(response, htmlPage(fault.status ?? 502));
    case "json": {
      const { headers = {} } = await right();
      return send(response, { status: 200, headers, body: JSON.stringify(fault.body) });
    }
    case "cutJson": {
      const { body = "", ...rest } = await right();
      const half = body.slice(0, Math.ceil(body.length / 2));
      if (fault.how !== "contentLength") return send(response, { ...rest, body: half });
      response.writeHead(rest.status, { ...rest.headers, "Content-Length": Buffer.byteLength(body) });
      response.write(half, () => request.socket.destroy());
      return;
    }
    case "reset":
      return void request.socket.destroy();
    case "hang":
      return;
    case "afterEffect":
      await right();
      if (fault.answer === "hang") return;
      return fault.answer === "reset" ? void request.socket.destroy() : send(response, failure(fault.answer));
    case "noEffect":
      return send(response, await right({ noEffect: true }));
    case "hangPage2":
      return isFirstPage ? send(response, withNextLink(await right(), linkToSecondPage(here))) : undefined;
    case "slow":
      await wait(fault.ms);
      return send(response, await right());
    case "foreignNextLink": {
      const elsewhere = fault.to ?? "https://elsewhere.example/subscriptions?api-version=2016-06-01&%24skiptoken=2";
      return send(response, withNextLink(await right(), elsewhere));
    }
    case "repeatingNextLink":
      return send(response, withNextLink(await right(), here));
    case "contentType": {
      const answer = await right();
      return send(response, {
        ...answer,
        headers: { ...answer.headers, "Content-Type": fault.contentType ?? "text/plain" },
      });
    }
    case "redirect":
      return send(response, { status: fault.status ?? 307, headers: { Location: fault.to } });
  }
}

function htmlPage(status: number): Answer {
  const title = status === 502 ? "502 Bad Gateway" : `${status} Error`;
  return {
    status,
    headers: { "Content-Type": "text/html" },
    body: `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<center><h1>${title}</h1></center>\r\n<hr><center>Microsoft-Azure-Application-Gateway/v2</center>\r\n</body>\r\n</html>\r\n`,
  };
}

function asText(body: unknown): string {
  return typeof body === "string" ? body : JSON.stringify(body);
}

function send(response: ServerResponse, { status, headers = {}, body = "" }: Answer): void {
  if (response.destroyed) return;
  response.writeHead(status, { ...headers, "Content-Length": Buffer.byteLength(body) });
  response.end(body);
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
