/** `npm run host`: the built app on the embedded Functions host, on PORT, until it is told to stop. */

import { startFunctionsHost } from "./functions-host/functions-host.ts";
import { describeError } from "./functions-host/log.ts";
import { StartupFault } from "./functions-host/startup-fault.ts";

/** The real host outlives its worker; here both are one process, which an app's stray error must not end. */
for (const event of ["uncaughtException", "unhandledRejection"]) {
  process.on(event, (error: unknown) => {
    process.stderr.write(`[app] ${event}: ${describeError(error)}\n`);
  });
}

/** A reader that left must not end the host, nor make it report its own reports. */
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);

try {
  // The name is the real host's: where the app is when it is not here.
  const appRoot = process.env.AzureWebJobsScriptRoot || process.cwd();
  const host = await startFunctionsHost({ appRoot, port: readPort() });
  for (const line of host.summary) process.stdout.write(`  ${line}\n`);

  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    await host.stop();
    process.exit(0);
  };
  process.on("SIGINT", stop).on("SIGTERM", stop);
  process.stdout.write(`Functions host listening on http://localhost:${host.port}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof StartupFault ? error.message : describeError(error)}\n`);
  process.exit(1);
}

function readPort(): number {
  const text = process.env.PORT || "7071";
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new StartupFault(`PORT must be a number up to 65535, not "${text}".`);
  return port;
}
