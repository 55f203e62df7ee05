/** A load generator that costs as little as it can: it shares two cores with what it measures. */

import { readFileSync } from "node:fs";
import { Agent, type IncomingHttpHeaders, request } from "node:http";

export interface Request {
  readonly method: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** What one go of some requests came to. */
export interface Block {
  readonly p50: number;
  readonly p99: number;
  readonly perSecond: number;
  /** Of the server's process, microseconds a request; undefined where the system does not tell. */
  readonly cpu: number | undefined;
}

const agent = new Agent({ keepAlive: true });

/** Sends it again when the server closed an idle connection at the very moment it was chosen. */
export function send({ method, url, headers = {}, body }: Request): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const length =
      body === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
    const attempt = () => {
      const sent = request(url, { method, agent, headers: { ...length, ...headers } }, (answer) => {
        let text = "";
        answer.setEncoding("utf8");
        answer.on("data", (chunk: string) => {
          text += chunk;
        });
        answer.once("end", () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }));
        answer.once("error", reject);
      });
      sent.once("error", (error: NodeJS.ErrnoException) => {
        if (sent.reusedSocket && error.code === "ECONNRESET") attempt();
        else reject(error);
      });
      sent.end(body);
    };
    attempt();
  });
}

/** Sends all requests, so many at once, and throws for the first one that is not answered as it should be. */
export async function sendAll(
  requests: readonly Request[],
  { concurrency, pid, isRight }: { concurrency: number; pid?: number; isRight: (answer: Answer) => boolean },
): Promise<Block> {
  const rest = requests.values();
  const milliseconds: number[] = [];
  const cpuBefore = cpuOf(pid);
  const begun = performance.now();
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      for (const next of rest) {
        const at = performance.now();
        const answer = await send(next);
        milliseconds.push(performance.now() - at);
        if (!isRight(answer)) {
          throw new Error(`${next.method} ${next.url} was answered ${answer.status}: ${answer.text.slice(0, 500)}`);
        }
      }
    }),
  );
  const elapsed = performance.now() - begun;
  return blockOf(milliseconds, elapsed, cpuBefore === undefined ? undefined : (cpuOf(pid) ?? 0) - cpuBefore);
}

export function blockOf(milliseconds: readonly number[], elapsed: number, cpuSeconds?: number): Block {
  const sorted = milliseconds.toSorted((one, other) => one - other);
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
  return {
    p50: at(0.5),
    p99: at(0.99),
    perSecond: (milliseconds.length / elapsed) * 1000,
    cpu: cpuSeconds === undefined ? undefined : (cpuSeconds / milliseconds.length) * 1e6,
  };
}

/** @returns seconds of all its threads since it began; Linux only, in steps of a hundredth */
function cpuOf(pid: number | undefined): number | undefined {
  if (pid === undefined || process.platform !== "linux") return undefined;
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
