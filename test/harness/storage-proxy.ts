/**
 * Stands between the product and Azurite and makes storage fail at a chosen call: lost requests, lost
 * replies, errors, silence. Also counts the calls, and the rows in their answers.
 */

import { once } from "node:events";
import {
  Agent,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";

export interface StorageCall {
  readonly service: "table" | "queue";
  readonly method: string;
  /** Path and query, decoded. */
  readonly path: string;
  readonly body: string;
  /** Keys of the rows in the answer of storage to a read; absent: none has come. */
  rows?: readonly RowInAnswer[];
}

/** A key that the call did not ask for is absent. */
export interface RowInAnswer {
  readonly PartitionKey?: string;
  readonly RowKey?: string;
}

export interface StorageAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What becomes of a call. A function is run after storage has done its work and before the reply is sent. */
export type Fate =
  | "forward"
  | "loseRequest"
  | "loseReply"
  | "hang"
  /** Storage does its work, and half of its reply comes. */
  | "cut"
  | {
      readonly status: number;
      readonly body?: string;
      readonly headers?: Record<string, string>;
      /** Storage does its work first, and only its reply is replaced. */
      readonly done?: boolean;
    }
  | { readonly delay: number }
  /** Storage gets this body instead. */
  | { readonly instead: string }
  | { readonly afterwards: (answer: StorageAnswer) => Promise<void> | void };

export interface StorageProxy {
  readonly connectionString: string;
  /** Decides about every call; set it to make things fail. */
  fate: (call: StorageCall) => Fate;
  readonly calls: StorageCall[];
  close(): Promise<void>;
}

export async function startStorageProxy(connectionString: string): Promise<StorageProxy> {
  // Azurite ends idle connections after five seconds: no call may meet that.
  const agent = new Agent({ keepAlive: true, timeout: 3_000 });
  const servers = await Promise.all(
    (["table", "queue"] as const).map(async (service) => {
      const name = service === "table" ? "TableEndpoint" : "QueueEndpoint";
      const endpoint = new URL(new RegExp(`${name}=([^;]+)`).exec(connectionString)?.[1] ?? "");
      const server = createServer((incoming, reply) => {
        // The caller was killed, or storage is not there: either way the connection ends.
        handle(service, endpoint, incoming, reply).catch(() => incoming.socket.destroy());
      });
      // After Node's five seconds idle connections end just as a call of a busy machine takes one; Azure waits longer.
      server.keepAliveTimeout = 120_000;
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      return { server, from: endpoint.href.replace(/\/$/, ""), to: `http://127.0.0.1:${port}${endpoint.pathname}` };
    }),
  );
  const proxy: StorageProxy = {
    connectionString: servers.reduce(
      (text, { from, to }) => text.replace(from, to.replace(/\/$/, "")),
      connectionString,
    ),
    fate: () => "forward",
    calls: [],
    async close() {
      for (const { server } of servers) {
        server.closeAllConnections();
        server.close();
        await once(server, "close");
      }
      agent.destroy();
    },
  };
  return proxy;

  async function handle(
    service: StorageCall["service"],
    endpoint: URL,
    incoming: IncomingMessage,
    reply: ServerResponse,
  ): Promise<void> {
    const chunks: Buffer[] = [];
    incoming.on("error", () => undefined);
    reply.on("error", () => undefined);
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const path = decodeURIComponent(incoming.url ?? "").slice(endpoint.pathname.length);
    const call: StorageCall = { service, method: incoming.method ?? "", path, body: body.toString() };
    proxy.calls.push(call);
    const fate = proxy.fate(call);
    if (fate === "hang") return;
    if (fate === "loseRequest") return void incoming.socket.destroy();
    const replace = ({ status, headers = {}, body: text = "" }: Extract<Fate, { status: number }>) => {
      reply.writeHead(status, headers);
      reply.end(text);
    };
    if (typeof fate === "object" && "status" in fate && !fate.done) return replace(fate);
    if (typeof fate === "object" && "delay" in fate) await new Promise((go) => setTimeout(go, fate.delay));

    const sent = typeof fate === "object" && "instead" in fate ? Buffer.from(fate.instead) : body;
    const outgoing = request({
      agent,
      host: endpoint.hostname,
      port: endpoint.port,
      method: incoming.method,
      path: incoming.url,
      headers: sent === body ? incoming.headers : { ...incoming.headers, "content-length": sent.length },
    });
    // Also after the answer has begun, when nobody waits for it any more.
    outgoing.on("error", () => incoming.socket.destroy());
    outgoing.end(sent);
    const [answer] = (await once(outgoing, "response")) as [IncomingMessage];
    const parts: Buffer[] = [];
    for await (const chunk of answer) parts.push(chunk as Buffer);
    const isRead = service === "table" && call.method === "GET" && answer.statusCode === 200;
    if (isRead && answer.headers["content-type"]?.includes("json")) call.rows = rowsIn(parts);
    if (typeof fate === "object" && "afterwards" in fate) {
      const { statusCode: status = 500, headers } = answer;
      await fate.afterwards({ status, headers, body: Buffer.concat(parts).toString() });
    }
    if (fate === "loseReply") return void incoming.socket.destroy();
    if (typeof fate === "object" && "status" in fate) return replace(fate);
    const whole = Buffer.concat(parts);
    if (fate === "cut") {
      const { "content-length": _, "transfer-encoding": __, ...headers } = answer.headers;
      reply.writeHead(answer.statusCode ?? 500, headers);
      return void reply.end(whole.subarray(0, Math.ceil(whole.length / 2)));
    }
    reply.writeHead(answer.statusCode ?? 500, answer.headers);
    reply.end(whole);
  }
}

function rowsIn(parts: readonly Buffer[]): readonly RowInAnswer[] {
  const answer = JSON.parse(Buffer.concat(parts).toString()) as RowInAnswer & {
    readonly value?: readonly RowInAnswer[];
  };
  return (answer.value ?? [answer]).map(({ PartitionKey, RowKey }) => ({
    ...(PartitionKey === undefined ? {} : { PartitionKey }),
    ...(RowKey === undefined ? {} : { RowKey }),
  }));
}
