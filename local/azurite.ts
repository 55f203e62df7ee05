/**
 * Azurite, the storage emulator, as a child process: file mode (in memory, queues stall it at its clean-up), ended with
 * SIGTERM (kill -9 loses acknowledged writes). It ends by itself when this process is gone.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { endWithParent } from "./end-with-parent.ts";
import { refuseInAzure } from "./not-in-azure.ts";

export interface AzuritePorts {
  readonly queue: number;
  readonly table: number;
  readonly blob: number;
}

export interface AzuriteOptions {
  /** The folder that keeps the data. */
  readonly location: string;
  /** Absent or 0: any free ones. */
  readonly ports?: Partial<AzuritePorts>;
  /** Absent: the well-known development account. Tests take one account each and do not see each other. */
  readonly accounts?: readonly string[];
}

export interface Azurite {
  /** Of the first account. */
  readonly connectionString: string;
  readonly ports: AzuritePorts;
  readonly pid: number;
  /** Resolves when the process has ended, for whatever reason. */
  readonly ended: Promise<void>;
  connectionStringOf(account: string): string;
  /** Plays an outage: connections are accepted, nothing is answered, nothing is lost. */
  pause(): void;
  resume(): void;
  stop(): Promise<void>;
}

const developmentAccount = "devstoreaccount1";
/** Documented and the same on every machine: not a secret. */
const developmentKey = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
const startsWithin = 60_000;
const stopsWithin = 10_000;

export async function startAzurite({ location, ports = {}, accounts = [] }: AzuriteOptions): Promise<Azurite> {
  refuseInAzure("Azurite");
  await mkdir(location, { recursive: true });
  const names = accounts.length > 0 ? accounts : [developmentAccount];
  const arguments_ = [
    createRequire(import.meta.url).resolve("azurite/dist/src/azurite.js"),
    ...["--location", location, "--disableTelemetry", "--skipApiVersionCheck", "--loose", "--silent"],
    ...services.flatMap((service) => [
      `--${service}Host`,
      "127.0.0.1",
      `--${service}Port`,
      String(ports[service] ?? 0),
    ]),
  ];
  const child = spawn(process.execPath, [...endWithParent, ...arguments_], {
    // stdin is the line to this process; a group of its own keeps the terminal's Ctrl-C away from it.
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
    env: {
      ...process.env,
      NODE_OPTIONS: "",
      AZURITE_ACCOUNTS: names.map((name) => `${name}:${keyOf(name)}`).join(";"),
    },
  });
  const ended = once(child, "close").then(() => undefined);
  const actual = await listening(child);
  child.stdout.resume();
  child.stderr.resume();

  const connectionStringOf = (account: string): string =>
    [
      "DefaultEndpointsProtocol=http",
      `AccountName=${account}`,
      `AccountKey=${keyOf(account)}`,
      `BlobEndpoint=http://127.0.0.1:${actual.blob}/${account}`,
      `QueueEndpoint=http://127.0.0.1:${actual.queue}/${account}`,
      `TableEndpoint=http://127.0.0.1:${actual.table}/${account}`,
    ].join(";");

  return {
    connectionString: connectionStringOf(names[0] ?? developmentAccount),
    connectionStringOf,
    ports: actual,
    pid: child.pid ?? 0,
    ended,
    pause: () => void child.kill("SIGSTOP"),
    resume: () => void child.kill("SIGCONT"),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      if (process.platform !== "win32") child.kill("SIGCONT");
      child.kill("SIGTERM");
      const patience = setTimeout(() => child.kill("SIGKILL"), stopsWithin);
      await ended;
      clearTimeout(patience);
    },
  };
}

const services = ["blob", "queue", "table"] as const;

/** Waits for "successfully listening" of all three; rejects with Azurite's own words when it ends before that. */
function listening(
  child: ChildProcess & { readonly stdout: NodeJS.ReadableStream; readonly stderr: NodeJS.ReadableStream },
) {
  return new Promise<AzuritePorts>((resolve, reject) => {
    const found: Partial<Record<(typeof services)[number], number>> = {};
    let said = "";
    const patience = setTimeout(() => {
      child.kill("SIGKILL");
      reject(new Error(`Azurite did not start within ${startsWithin / 1000} seconds.\n${said}`));
    }, startsWithin);
    child.stderr.on("data", (chunk) => {
      said += String(chunk);
    });
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(patience);
      reject(new Error(`Azurite ended with code ${code} while it was starting.\n${said}`.trim()));
    });
    createInterface({ input: child.stdout }).on("line", (line) => {
      said += `${line}\n`;
      const [, name, port] =
        /Azurite (\w+) service is successfully listening at https?:\/\/[^:]+:(\d+)/.exec(line) ?? [];
      const service = services.find((one) => one === name?.toLowerCase());
      if (service) found[service] = Number(port);
      const { blob, queue, table } = found;
      if (!blob || !queue || !table) return;
      clearTimeout(patience);
      resolve({ blob, queue, table });
    });
  });
}

function keyOf(account: string): string {
  return account === developmentAccount ? developmentKey : createHash("sha512").update(account).digest("base64");
}
