/**
 * The product as its users meet it: the built app on the embedded host in a process of its own, with real
 * Azurite behind it and the HTTPS stand-ins for Entra and Azure Resource Manager beside it.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { demoSettings } from "../../local/demo-settings.ts";
import { type ArmStandIn, startArm } from "../../local/stand-ins/arm.ts";
import type { CallerClaims } from "../../local/stand-ins/caller-tokens.ts";
import type { Customer } from "../../local/stand-ins/customer.ts";
import { type DemoCustomer, makeDemoCustomers, partnerTenantId } from "../../local/stand-ins/demo-customers.ts";
import { startDemoEntra } from "../../local/stand-ins/demo-entra.ts";
import type { EntraStandIn } from "../../local/stand-ins/entra.ts";
import { type BrowserDoor, startBrowserDoor } from "../../local/stand-ins/entra-browser-door.ts";
import { partnerCenterClientId, partnerCenterSecret } from "../../local/stand-ins/partner-application.ts";
import { type PartnerCenterStandIn, startPartnerCenter } from "../../local/stand-ins/partner-center.ts";
import { openCertificate, type ServerCertificate } from "../../local/stand-ins/throw-away-ca.ts";
import { type StorageProxy, startStorageProxy } from "./storage-proxy.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: any;
}

export interface Call {
  readonly token?: string | null;
  readonly headers?: Record<string, string>;
  /** An object is sent as JSON; text and bytes as they are. */
  readonly body?: unknown;
  /** When the caller stops waiting; the product may go on. */
  readonly signal?: AbortSignal;
}

export interface Product {
  readonly url: string;
  readonly entra: EntraStandIn;
  /** Where a browser signs in to the page; its `people` are those that it asks for. */
  readonly browserDoor: BrowserDoor;
  /** The page, where its sign-in comes back to. */
  readonly pageUrl: string;
  readonly arm: ArmStandIn;
  readonly partnerCenter: PartnerCenterStandIn;
  /** Between the product and Azurite. */
  readonly storage: StorageProxy;
  /** Of the stand-ins; the product trusts others that have it too. */
  readonly certificate: ServerCertificate;
  readonly customers: DemoCustomer[];
  /** Of Azurite itself, past the proxy. */
  readonly connectionString: string;
  /** What the app wrote to stdout and stderr. */
  readonly output: string[];
  /** Of the app that runs now. */
  readonly pid: number;
  /** The named demo customer; names as in demo-customers.ts. */
  customer(name: string): Customer;
  token(claims?: CallerClaims): Promise<string>;
  /** As Ada, an Admin Agent, unless a token is given; `null` sends none. */
  call(method: string, path: string, call?: Call): Promise<Answer>;
  /** Runs a timer's function now, or right after the run that is under way; does not wait for it. */
  trigger(timer: string): Promise<void>;
  /** kill -9, as a crash of the instance. */
  kill(): Promise<void>;
  /** @param behind seconds that the instance's clock is behind: what it writes is old when the next one looks */
  start(options?: { readonly behind?: number }): Promise<void>;
  stop(): Promise<void>;
}

type Settings = Record<string, string | undefined>;

export interface ProductOptions {
  /** A function, when they depend on the stand-ins. */
  readonly settings?: Settings | ((entra: EntraStandIn, certificate: ServerCertificate) => Promise<Settings>);
  readonly customers?: DemoCustomer[];
  /**
   * `live`: the product moves the policies in Partner Center, signed in as an Admin Agent. `manual`: it only looks
   * whether the test has.
   */
  readonly partnerCenterMode?: "off" | "live" | "manual";
  /** Timers that go over all customers run, too. Elsewhere they would meet what tests do to Partner Center. */
  readonly rounds?: boolean;
  /** Of an Azurite of the test's own, which it may stop and start; absent: an account of the one that all share. */
  readonly connectionString?: string;
}

export async function startProduct({
  settings = {},
  customers = makeDemoCustomers(),
  partnerCenterMode = "off",
  rounds = false,
  connectionString: ownStorage,
}: ProductOptions = {}): Promise<Product> {
  const root = process.env.TEST_FOLDER ?? "";
  const folder = await mkdtemp(join(root, "product-"));
  const connectionString = ownStorage ?? (await claimAccount(root));
  const certificate = await openCertificate(join(folder, "certificates"));
  const everybody = customers.map(({ customer }) => customer);
  const entra = await startDemoEntra({
    folder,
    certificate,
    customers: everybody,
  });
  const browserDoor = await startBrowserDoor({ entra });
  const arm = await startArm({ certificate, customers: everybody, entra });
  const partnerCenter = await startPartnerCenter({ certificate, customers: everybody, entra, partnerTenantId });
  const storage = await startStorageProxy(connectionString);
  const partnerCenterSettings: Settings = {
    PARTNER_CENTER_MODE: partnerCenterMode,
    PARTNER_CENTER_ENDPOINT: partnerCenter.url,
    PARTNER_CENTER_CLIENT_ID: partnerCenterClientId,
    PARTNER_CENTER_CLIENT_SECRET: partnerCenterSecret,
    PARTNER_CENTER_REFRESH_TOKEN: await entra.issueRefreshToken(),
    ...(rounds
      ? {}
      : { "AzureWebJobs.SynchroniseCustomers.Disabled": "true", "AzureWebJobs.DetectDrift.Disabled": "true" }),
  };
  const ownSettings = typeof settings === "function" ? await settings(entra, certificate) : settings;
  const output: string[] = [];
  let child: ChildProcess | undefined;
  let url = "";

  const start = async ({ behind = 0 } = {}) => {
    child = spawn(process.execPath, ["local/launch.mjs", "host"], {
      env: {
        PATH: process.env.PATH,
        NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
        ...demoSettings({
          port: 0,
          entraUrl: entra.url,
          browserDoorUrl: browserDoor.url,
          armUrl: arm.url,
          storage: storage.connectionString,
        }),
        ...(partnerCenterMode === "off" ? {} : partnerCenterSettings),
        ...ownSettings,
        NODE_EXTRA_CA_CERTS: certificate.caFile,
        ...(behind === 0
          ? {}
          : { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(slowClock(behind))}` }),
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    url = await listening(child, output);
  };
  const close = () => Promise.all([entra, browserDoor, arm, partnerCenter, storage].map((server) => server.close()));
  await start().catch(async (error: unknown) => {
    await close();
    throw error;
  });
  const earlier = Math.floor(Date.now() / 1000) - 300;
  const ada = await entra.issueCallerToken({ iat: earlier, nbf: earlier });

  return {
    get url() {
      return url;
    },
    get pageUrl() {
      return `${url}/ui/`;
    },
    get pid() {
      return child?.pid ?? 0;
    },
    ...{ entra, browserDoor, arm, partnerCenter, storage, certificate, customers, connectionString, output, start },
    customer(name) {
      const found = everybody.find((customer) => customer.name === name);
      if (found === undefined) throw new Error(`There is no demo customer ${name}.`);
      return found;
    },
    token: (claims) => entra.issueCallerToken(claims),
    async call(method, path, { token = ada, headers = {}, body, signal } = {}) {
      const isJson = typeof body === "object" && !(body instanceof Uint8Array) && !(body instanceof ReadableStream);
      const response = await fetch(`${url}/api${path}`, {
        method,
        ...(signal === undefined ? {} : { signal }),
        headers: {
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: (isJson ? JSON.stringify(body) : body) as string, duplex: "half" }),
      });
      const text = await response.text();
      const isPage = response.headers.get("content-type")?.startsWith("text/html") ?? false;
      const answered = text === "" ? undefined : isPage ? text : JSON.parse(text);
      return { status: response.status, headers: response.headers, body: answered };
    },
    async trigger(timer) {
      const response = await fetch(`${url}/admin/functions/${timer}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: '{"input":""}',
      });
      if (response.status !== 202) throw new Error(`The timer ${timer} was answered ${response.status}.`);
    },
    async kill() {
      await end(child, "SIGKILL");
    },
    async stop() {
      await end(child, "SIGTERM");
      await close();
    },
  };
}

function slowClock(seconds: number): string {
  return `const { now } = Date; const late = () => now() - ${seconds * 1000};
    globalThis.Date = class extends Date {
      constructor(...given) { given.length === 0 ? super(late()) : super(...given); }
      static now() { return late(); }
    };`;
}

async function end(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill(signal);
  await ended;
}

function listening(child: ChildProcess, output: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on("line", (line) => {
        output.push(line);
        const url = /listening on (http:\/\/\S+)/.exec(line)?.[1];
        if (url !== undefined) resolve(url.replace("localhost", "127.0.0.1"));
      });
    }
    child.once("close", (code) => reject(new Error(`The app ended with code ${code}.\n${output.join("\n")}`)));
  });
}

/** Products in different tests must not see each other's rows: each takes an account that none has. */
async function claimAccount(root: string): Promise<string> {
  const accounts = JSON.parse(process.env.TEST_STORAGE ?? "[]") as string[];
  for (const [index, connectionString] of accounts.entries()) {
    const isMine = await mkdir(join(root, `account-${index}`)).then(
      () => true,
      () => false,
    );
    if (isMine) return connectionString;
  }
  throw new Error("All accounts of Azurite are taken: make more in global-setup.ts.");
}
