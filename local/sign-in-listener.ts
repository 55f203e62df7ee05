/**
 * Waits on loopback for the browser that comes back from Microsoft Entra with a code or an error. Anything else that
 * knocks is turned away without a word of what it sent, and the wait goes on.
 */

import { createHash, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Sentence } from "./sentence.ts";
import { errorCode } from "./stand-ins/error-code.ts";

export type SignInAnswer =
  | { readonly code: string }
  | {
      /** OAuth's word, such as `access_denied`. */
      readonly error: string;
      readonly description: string;
    };

export interface SignInListener {
  /** To be registered with the application, exactly like this. */
  readonly redirectUri: string;
  /**
   * @param state only the answer that brings it counts
   * @param onStranger told of every answer with another state
   */
  answer(state: string, onStranger: () => void): Promise<SignInAnswer>;
  close(): void;
}

const pages = {
  arrived: "The answer has arrived. The terminal tells how it ended; you can close this window.\n",
  stranger: "This is not the answer to the sign-in that the terminal waits for. You can close this window.\n",
  nothing: "There is nothing here.\n",
};

/** @param port 0: any free one */
export async function listenForSignIn(port: number): Promise<SignInListener> {
  const server = createServer((_, response) => send(response, 404, pages.nothing));
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(errorCode(error) === "EADDRINUSE" ? busy(port) : error));
    server.listen(port, "127.0.0.1", resolve);
  });
  const { port: actualPort } = server.address() as AddressInfo;
  const redirectUri = `http://localhost:${actualPort}/`;
  const hosts = [`localhost:${actualPort}`, `127.0.0.1:${actualPort}`];

  function answer(state: string, onStranger: () => void): Promise<SignInAnswer> {
    return new Promise((resolve) => {
      server.removeAllListeners("request");
      server.on("request", ({ method, url = "/", headers }: IncomingMessage, response: ServerResponse) => {
        const [path, query] = url.split("?");
        // By another name than ours somebody else's page would reach us (DNS rebinding).
        if (method !== "GET" || path !== "/" || query === undefined || !hosts.includes(headers.host ?? ""))
          return send(response, 404, pages.nothing);
        const values = new URLSearchParams(query);
        if (!isSame(values.get("state") ?? "", state)) {
          onStranger();
          return send(response, 400, pages.stranger);
        }
        const code = values.get("code");
        const error = values.get("error");
        if (code === null && error === null) return send(response, 400, pages.stranger);
        const description = values.get("error_description") ?? "";
        const arrived = error === null ? { code: code ?? "" } : { error, description };
        // Only when the browser has its page may the listener go.
        send(response, 200, pages.arrived, () => resolve(arrived));
      });
    });
  }

  return {
    redirectUri,
    answer,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function busy(port: number): Sentence {
  return new Sentence(
    `Port ${port} is in use by another program: stop that one, or choose another port with --port and register its redirect URI.`,
  );
}

/** In constant time, whatever the lengths. */
function isSame(one: string, other: string): boolean {
  const [first, second] = [one, other].map((text) => createHash("sha256").update(text).digest());
  return first !== undefined && second !== undefined && timingSafeEqual(first, second);
}

function send(response: ServerResponse, status: number, body: string, then?: () => void): void {
  response.writeHead(status, {
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Length": Buffer.byteLength(body),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    Connection: "close",
  });
  if (then !== undefined) response.once("close", then);
  response.end(body);
}
