/**
 * Azurite's table service alone, in memory: half a million rows are too many for a file, which Azurite writes whole
 * every five seconds and cannot write at all from 512 MiB on. What stalls it in memory is queues, and there are none.
 */

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { endWithParent } from "../../../local/end-with-parent.ts";

export interface Tables {
  connectionStringOf(account: string): string;
  stop(): Promise<void>;
}

export async function startTablesInMemory(accounts: readonly string[]): Promise<Tables> {
  const port = await freePort();
  const child = spawn(
    process.execPath,
    [
      ...endWithParent,
      createRequire(__filename).resolve("azurite/dist/src/table/main.js"),
      ...["--inMemoryPersistence", "--disableTelemetry", "--skipApiVersionCheck", "--loose", "--silent"],
      ...["--tableHost", "127.0.0.1", "--tablePort", String(port)],
    ],
    {
      stdio: ["pipe", "pipe", "inherit"],
      env: {
        PATH: process.env.PATH,
        AZURITE_ACCOUNTS: accounts.map((account) => `${account}:${keyOf(account)}`).join(";"),
      },
    },
  );
  const ended = once(child, "close");
  await new Promise<void>((resolve, reject) => {
    child.once("close", (code) => reject(new Error(`Azurite ended with code ${code}.`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line.includes("successfully started")) resolve();
    });
  });
  return {
    connectionStringOf: (account) =>
      [
        "DefaultEndpointsProtocol=http",
        `AccountName=${account}`,
        `AccountKey=${keyOf(account)}`,
        `TableEndpoint=http://127.0.0.1:${port}/${account}`,
        // Nobody calls it: the proxy wants to know both.
        `QueueEndpoint=http://127.0.0.1:${port}/${account}`,
      ].join(";"),
    async stop() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

function keyOf(account: string): string {
  return createHash("sha512").update(account).digest("base64");
}

/** This service does not say which port it got when it is told to take any. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
