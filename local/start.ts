/**
 * `npm start`: Azurite, the stand-ins of Entra, Azure Resource Manager and Partner Center, and the app on the embedded host, all on
 * loopback. What is started here is stopped here, whatever happens; its children also end when this process is killed.
 */

import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { startApp } from "./app-process.ts";
import { startAzurite } from "./azurite.ts";
import { describeBusyPort } from "./busy-port.ts";
import { demoEnvironment, demoPorts, portFrom } from "./demo-settings.ts";
import { refuseInAzure } from "./not-in-azure.ts";
import { Sentence } from "./sentence.ts";
import { startArm } from "./stand-ins/arm.ts";
import { makeDemoCustomers, partnerTenantId } from "./stand-ins/demo-customers.ts";
import { startDemoEntra } from "./stand-ins/demo-entra.ts";
import type { EntraStandIn } from "./stand-ins/entra.ts";
import { startBrowserDoor } from "./stand-ins/entra-browser-door.ts";
import { startPartnerCenter } from "./stand-ins/partner-center.ts";
import { openCertificate } from "./stand-ins/throw-away-ca.ts";
import { runningStart, state, stateFolder } from "./state.ts";
import { welcome } from "./welcome.ts";

const hour = 60 * 60;
const tokenHours = 12;

/** Newest last; stopped in the opposite order, so that the app goes first. */
const toStop: (() => Promise<unknown>)[] = [];
let stopping: Promise<void> | undefined;

stopOnSignals();
const startup = run();
try {
  await startup;
} catch (error) {
  // Told to stop while starting: what failed because of that is not worth a word.
  const wasTold = stopping !== undefined;
  await stopAll();
  if (!wasTold) throw error;
}

async function run(): Promise<void> {
  refuseInAzure("npm start");
  const ports = demoPorts(portFrom(process.env));
  const other = runningStart();
  if (other !== undefined)
    throw new Sentence(`npm start is already running here (process ${other}): stop that one first.`);
  const busy = await describeBusyPort(ports);
  if (busy !== undefined) throw new Sentence(busy);

  await mkdir(stateFolder, { recursive: true, mode: 0o700 });
  await writeFile(state.pid, String(process.pid));
  toStop.push(() => rm(state.pid, { force: true }));

  const certificate = await openCertificate(state.tls);
  const demo = makeDemoCustomers();
  const customers = demo.map(({ customer }) => customer);
  const entra = await startDemoEntra({
    folder: state.issuer,
    certificate,
    port: ports.entra,
    customers,
  });
  toStop.push(entra.close);
  const browserDoor = await startBrowserDoor({ entra, port: ports.browserDoor });
  toStop.push(browserDoor.close);
  const arm = await startArm({ certificate, port: ports.arm, customers, entra });
  toStop.push(arm.close);
  const partnerCenter = await startPartnerCenter({
    certificate,
    port: ports.partnerCenter,
    customers,
    entra,
    partnerTenantId,
    folder: state.partnerCenter,
  });
  toStop.push(partnerCenter.close);
  const azurite = await startAzurite({ location: state.azurite, ports });
  toStop.push(azurite.stop);
  azurite.ended.then(() => endedAlone("Azurite ended"), endedAlone);
  await keepTokenFresh(entra);

  const mode = process.env.PARTNER_CENTER_MODE === "manual" ? "manual" : "live";
  const environment = demoEnvironment(
    {
      ...{ port: ports.app, entraUrl: entra.url, browserDoorUrl: browserDoor.url, armUrl: arm.url },
      storage: azurite.connectionString,
      partnerCenter: { url: partnerCenter.url, refreshToken: await entra.issueRefreshToken(), mode },
    },
    certificate.caFile,
  );
  if (stopping !== undefined) return;
  const app = await startApp(environment, (begun) => toStop.push(begun.stop));
  app.ended.then((how) => endedAlone(`The Functions app ended ${how}`), endedAlone);

  await listCustomersAtOnce(ports.app);

  const { adminToken: tokenFile } = state;
  const { caFile } = certificate;
  const urls = { entraUrl: entra.url, armUrl: arm.url, partnerCenterUrl: partnerCenter.url };
  process.stdout.write(welcome({ ports, ...urls, stateFolder, tokenFile, caFile, demo, mode }));
}

/** The timer would read them from Partner Center within five minutes: too long for a first look. */
async function listCustomersAtOnce(port: number): Promise<void> {
  const url = `http://127.0.0.1:${port}/admin/functions/SynchroniseCustomers`;
  await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
}

/** Half its life before it ends there is a new one in the file: a run may last for days. */
async function keepTokenFresh(entra: EntraStandIn): Promise<void> {
  const write = async (): Promise<void> => {
    const token = await entra.issueCallerToken({ exp: Math.floor(Date.now() / 1000) + tokenHours * hour });
    const draft = `${state.adminToken}.${process.pid}`;
    await writeFile(draft, token, { mode: 0o600 });
    await rename(draft, state.adminToken);
  };
  await write();
  const timer = setInterval(() => void write().catch(endedAlone), (tokenHours / 2) * hour * 1000);
  toStop.push(async () => clearInterval(timer));
}

function stopOnSignals(): void {
  const stop = (): void => {
    if (stopping !== undefined) return;
    process.stdout.write("\nStopping …\n");
    stopAll().then(() => process.exit(0), endedAlone);
  };
  // Twice is once: with Ctrl-C the terminal and npm may both send it.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
  // A terminal that was closed must not keep us from stopping.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
  if (process.env.npm_lifecycle_event === undefined) return;
  // npm passes a SIGTERM to its shell only; the shell dies of it and tells nobody.
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && stop(), 500).unref();
}

function endedAlone(what: unknown): void {
  if (stopping !== undefined) return;
  const sentence = typeof what === "string" ? `${what} unexpectedly` : String(what);
  process.stderr.write(`${sentence}; stopping the rest.\n`);
  const exit = (): void => process.exit(1);
  stopAll().then(exit, exit);
}

function stopAll(): Promise<void> {
  const drain = async (): Promise<void> => {
    for (let stop = toStop.pop(); stop; stop = toStop.pop())
      await stop().catch((error: unknown) => void process.stderr.write(`${String(error)}\n`));
  };
  stopping ??= (async () => {
    await drain();
    // Whatever was just being started is there now, and has to go as well.
    await startup.catch(() => undefined);
    await drain();
  })();
  return stopping;
}
