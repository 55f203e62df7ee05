/**
 * Stands between the product and Azurite and makes storage fail at a chosen call: lost requests, lost
 * replies, errors, silence. Also counts the calls.
 */

import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface StorageCall {
  readonly service: "table" | "queue";
  readonly method: string;
  /** Path and query, decoded. */
  readonly path: string;
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
  | { readonly afterwards: () => Promise<void> | void };

export interface StorageProxy {
  readonly connectionString: string;
  /** Decides about every call; set it to make things fail. */
  fate: (call: StorageCall) => Fate;
  readonly calls: StorageCall[];
  close(): Promise<void>;
}

export async function startStorageProxy(connectionString: string): Promise<StorageProxy> {
  const servers = await Promise.all(
    (["table", "queue"] as const).map(async (service) => {
      const name = service === "table" ? "TableEndpoint" : "QueueEndpoint";
      const endpoint = new URL(new RegExp(`${name}=([^;]+)`).exec(connectionString)?.[1] ?? "");
      const server = createServer((incoming, reply) => void handle(service, endpoint, incoming, reply));
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
    const call = { service, method: incoming.method ?? "", path, body: body.toString() };
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

    const outgoing = request({
      host: endpoint.hostname,
      port: endpoint.port,
      method: incoming.method,
      path: incoming.url,
      headers: incoming.headers,
    });
    outgoing.on("error", () => incoming.socket.destroy());
    outgoing.end(body);
    const [answer] = (await once(outgoing, "response")) as [IncomingMessage];
    const parts: Buffer[] = [];
    for await (const chunk of answer) parts.push(chunk as Buffer);
    if (typeof fate === "object" && "afterwards" in fate) await fate.afterwards();
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
