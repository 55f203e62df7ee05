/** HTTP/1.1 byte by byte: sends what no client would, and reads whatever comes back. */

import { connect } from "node:net";

export interface WireRequest {
  readonly method: string;
  /** As it goes over the wire: nobody tidies it up. One character is one byte. */
  readonly target: string;
  readonly version: string;
  /** In this order, doubled ones too. One character is one byte. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
  /** The client is gone before the last byte is sent. */
  readonly leaves?: boolean;
}

export interface WireAnswer {
  readonly status: number;
  /** Names in lower case; doubled ones are joined. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

/** What came back, and how it ended. */
export interface WireResult {
  readonly answers: readonly WireAnswer[];
  /** `silent`: the server neither answered nor closed the connection in time. */
  readonly end: "closed" | "kept" | "silent" | "left";
  /** Everything that was received. */
  readonly raw: string;
}

/** An answer that takes longer than this is none. */
const patienceMilliseconds = 10_000;
/** After an answer on a connection that stays open: nothing more comes. */
const quietMilliseconds = 40;

export function bytesOf({ method, target, version, headers, body }: WireRequest): Buffer {
  const lines = [`${method} ${target} ${version}`, ...headers.map(([name, value]) => `${name}: ${value}`), "", ""];
  return Buffer.concat([Buffer.from(lines.join("\r\n"), "latin1"), body]);
}

export function exchange(url: string, request: WireRequest): Promise<WireResult> {
  const { hostname, port } = new URL(url);
  const bytes = bytesOf(request);
  return new Promise((resolve) => {
    const received: Buffer[] = [];
    let quiet: NodeJS.Timeout | undefined;
    const socket = connect(Number(port), hostname);
    const finish = (end: WireResult["end"]) => {
      clearTimeout(patience);
      clearTimeout(quiet);
      socket.destroy();
      const raw = Buffer.concat(received);
      resolve({ answers: answersIn(raw, request.method), end, raw: raw.toString() });
    };
    const patience = setTimeout(() => finish("silent"), patienceMilliseconds);
    socket
      .on("connect", () => {
        if (request.leaves) socket.write(bytes.subarray(0, -1), () => finish("left"));
        else socket.write(bytes);
      })
      .on("data", (chunk: Buffer) => {
        received.push(chunk);
        clearTimeout(quiet);
        if (answersIn(Buffer.concat(received), request.method).some(({ status }) => status >= 200)) {
          quiet = setTimeout(() => finish("kept"), quietMilliseconds);
        }
      })
      // A connection that is reset while we still write has been answered, or closed on purpose.
      .on("error", () => undefined)
      .on("close", () => finish("closed"));
  });
}

/** @returns the whole answers among these bytes */
function answersIn(bytes: Buffer, method: string): WireAnswer[] {
  const answers: WireAnswer[] = [];
  let at = 0;
  for (;;) {
    const end = bytes.indexOf("\r\n\r\n", at);
    if (end < 0) return answers;
    const [first = "", ...lines] = bytes.subarray(at, end).toString("latin1").split("\r\n");
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1]);
    if (Number.isNaN(status)) return answers;
    const headers: Record<string, string> = {};
    for (const line of lines) {
      const colon = line.indexOf(":");
      const name = line.slice(0, colon).toLowerCase();
      const value = line.slice(colon + 1).trim();
      headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
    }
    const hasBody = method !== "HEAD" && status >= 200 && status !== 204 && status !== 304;
    const body = hasBody ? bodyAt(bytes, end + 4, headers) : { text: "", end: end + 4 };
    if (body === undefined) return answers;
    answers.push({ status, headers, text: body.text });
    at = body.end;
  }
}

/** @returns undefined when it has not come to its end */
function bodyAt(
  bytes: Buffer,
  start: number,
  headers: Readonly<Record<string, string>>,
): { readonly text: string; readonly end: number } | undefined {
  if (headers["transfer-encoding"] === "chunked") {
    const end = bytes.indexOf("0\r\n\r\n", start);
    if (end < 0) return undefined;
    // Only node's own refusals come in chunks, and they are empty.
    return { text: bytes.subarray(start, end).toString(), end: end + 5 };
  }
  const length = Number(headers["content-length"] ?? bytes.length - start);
  if (bytes.length < start + length) return undefined;
  return { text: bytes.subarray(start, start + length).toString(), end: start + length };
}

/** @returns the request as a line for a shell; `secrets` are replaced by the names of variables */
export function asCommand(url: string, request: WireRequest, secrets: ReadonlyMap<string, string>): string {
  const hide = (text: string) => {
    let hidden = text;
    for (const [secret, name] of secrets) hidden = hidden.replaceAll(secret, `'"$${name}"'`);
    return hidden;
  };
  const { method, target, headers, body } = request;
  const text = Buffer.from(body).toString("latin1");
  const names = headers.map(([name]) => name.toLowerCase());
  const isPlain =
    /^[\x21-\x7e]*$/.test(target) &&
    target.startsWith("/") &&
    request.version === "HTTP/1.1" &&
    !request.leaves &&
    headers.every(([name, value]) => /^[\w-]+$/.test(name) && /^[\x20-\x7e]+$/.test(value)) &&
    names.includes("host") &&
    new Set(names).size === names.length &&
    !names.includes("transfer-encoding") &&
    Number(headers.find(([name]) => name === "Content-Length")?.[1] ?? 0) === body.length;
  if (!isPlain) {
    return `printf ${hide(quoted(bytesOf(request).toString("latin1")))} | nc ${new URL(url).host.replace(":", " ")}`;
  }
  const shown = headers.filter(([name]) => !/^(host|connection|content-length)$/i.test(name));
  return [
    `curl -sS --path-as-is -X ${method} ${quoted(`${new URL(url).origin}${target}`)}`,
    ...shown.map(([name, value]) => `-H ${hide(`'${`${name}: ${value}`.replaceAll("'", "'\\''")}'`)}`),
    ...(body.length === 0 ? [] : [`--data-binary ${quoted(text)}`]),
  ].join(" ");
}

/** For bash: every byte that is not plain is escaped. */
function quoted(text: string): string {
  const isPlain = /^[\x20-\x7e]*$/.test(text) && !/['\\%]/.test(text);
  if (isPlain) return `'${text}'`;
  const escaped = text.replaceAll(
    /[^\x20-\x7e]|['\\]/g,
    (one) => `\\x${one.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return `$'${escaped}'`;
}
