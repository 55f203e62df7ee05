/**
 * The embedded Functions host: loads the built app and runs its HTTP, queue and timer triggers as the real host does.
 * The app cannot tell: it meets only `@azure/functions` and its environment.
 */

import { createServer, type Server } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { adminEndpoint } from "./admin-endpoint.ts";
import { installCoreModule } from "./core-module.ts";
import type { FunctionsApp } from "./functions-app.ts";
import { readHostOptions } from "./host-json.ts";
import { HostKey } from "./host-key.ts";
import { HttpTrigger } from "./http-trigger.ts";
import { Invoker } from "./invoker.ts";
import { loadApp } from "./load-app.ts";
import { describeError, log } from "./log.ts";
import { QueueOutput } from "./queue-output.ts";
import { applyLocalSettings } from "./settings.ts";
import { messageOf, StartupFault } from "./startup-fault.ts";
import { Triggers } from "./triggers.ts";

export interface FunctionsHost {
  port: number;
  /** One line per function: name and URL, queue or schedule. */
  summary: string[];
  /** Stops accepting, lets what is under way finish for up to five seconds, runs the appTerminate hooks. */
  stop(): Promise<void>;
}

/** So that a token or a pause that Azure takes is not refused here. */
const kestrelLimits = { keepAliveTimeout: 130_000, maxHeaderSize: 32_768 };

/** The grace the host gives a worker to end (host: WorkerConstants.cs). */
const graceMs = 5000;

export async function startFunctionsHost(where: { appRoot: string; port: number }): Promise<FunctionsHost> {
  const { appRoot } = where;
  applyLocalSettings(appRoot);
  const options = readHostOptions(appRoot);

  const app = installCoreModule();
  await loadApp(appRoot);
  await startApp(app);

  let hostKey: HostKey | undefined;
  const key = () => {
    hostKey ??= new HostKey(appRoot);
    return hostKey;
  };
  const output = new QueueOutput(options.queues.messageEncoding, (queueName) => triggers.notifyQueue(queueName));
  const invoker = new Invoker(app, output.sendFor, options.functionTimeoutMs);
  const sideDoor = adminEndpoint((name) => triggers.findFire(name));
  const http = new HttpTrigger({ routePrefix: options.routePrefix, invoker, key, sideDoor });
  const triggers = new Triggers(http, invoker, options);
  for (const fn of app.functions.values()) await triggers.add(fn);

  const server = createServer(kestrelLimits, http.listener);
  const port = await listen(server, where.port);
  for (const timer of triggers.timers) timer.start();
  for (const queue of triggers.queues) queue.start();

  const base = `http://localhost:${port}`;
  const summary = triggers.summary.map(
    ({ name, detail, path }) => `${name}: ${detail}${path === undefined ? "" : ` ${base}${path}`}`,
  );
  if (triggers.needsKey) summary.push(`x-functions-key: ${key().value}`);
  return { port, summary, stop: () => stop(app, server, triggers, invoker) };
}

/** In the worker's order: hooks, then no more functions, then the capabilities, which settle `app.setup`. */
async function startApp(app: FunctionsApp): Promise<void> {
  try {
    await app.runAppHooks("appStart");
  } catch (error) {
    throw new StartupFault(messageOf(error), { cause: error });
  }
  app.lock();
  if (!app.hasModel) {
    log("warning", "host", "No functions were registered.");
    return;
  }
  const capabilities = (await app.model.getCapabilities?.({})) ?? {};
  if ("HttpUri" in capabilities) {
    throw new StartupFault("This host has no HTTP streaming: do not call app.setup({ enableHttpStream: true }).");
  }
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const busy = error.code === "EADDRINUSE";
      reject(new StartupFault(busy ? `Port ${port} is in use: set PORT to another one.` : error.message));
    });
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address ? address.port : port);
    });
  });
}

async function stop(app: FunctionsApp, server: Server, triggers: Triggers, invoker: Invoker): Promise<void> {
  triggers.http.stopping = true;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  // A connection turns idle only after its last answer, which is later than the end of the invocation.
  const sweep = setInterval(() => server.closeIdleConnections(), 20);
  for (const timer of triggers.timers) timer.stop();
  const queues = Promise.all(triggers.queues.map((queue) => queue.stop()));
  await Promise.race([Promise.all([closed, queues, invoker.drain()]), sleep(graceMs, undefined, { ref: false })]);
  clearInterval(sweep);
  server.closeAllConnections();
  try {
    await Promise.race([app.runAppHooks("appTerminate"), sleep(graceMs, undefined, { ref: false })]);
  } catch (error) {
    log("error", "host", `An appTerminate hook failed: ${describeError(error)}`);
  }
}
