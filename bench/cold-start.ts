/**
 * Cold start: what loading the app and its first GET take in a fresh process, against the least that can be had.
 *
 * The floor is a hello world of `@azure/functions` that reads the same row with the same SDK from the same Azurite, and
 * is bundled the same way. It validates no token; the product's share holds the fetch of Entra's signing keys, too.
 * Storage is spoken to over TLS, as in Azure, where there is no other way; the figures over plain http stand beside.
 */

import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, connect } from "node:net";
import { cpus, totalmem } from "node:os";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream";
import { createServer } from "node:tls";
import { promisify } from "node:util";
import { TableClient } from "@azure/data-tables";
import { transform } from "esbuild";
import { startAzurite } from "../local/azurite.ts";
import { bundle } from "../local/bundle.ts";
import { demoSettings } from "../local/demo-settings.ts";
import { apiAudience, demoApplication, partnerTenantId } from "../local/stand-ins/demo-customers.ts";
import { startEntra } from "../local/stand-ins/entra.ts";
import { openCertificate, type ServerCertificate } from "../local/stand-ins/throw-away-ca.ts";
import { customerRow } from "../shared/adapters/customer-row.ts";
import { parseGuid } from "../shared/domain/identifiers.ts";
import { untouchedCustomer } from "../shared/domain/permission.ts";

/** Milliseconds. `cpu` is of all threads of the process, and suffers less from others on the machine. */
export interface ColdStart {
  readonly load: number;
  readonly get: number;
  readonly total: number;
  readonly cpu: number;
}

export interface ColdStarts {
  readonly median: ColdStart;
  readonly fastest: number;
  /** Of the totals: the middle half of the rounds lies between them. */
  readonly quartiles: readonly [number, number];
}

export interface ColdStartResult {
  /** Product to floor: medians of load plus first GET. The goal is 1.3 at most. */
  readonly ratio: number;
  readonly floorMilliseconds: number;
  readonly productMilliseconds: number;
  readonly cpuRatio: number;
  /** The product against a hello world that loads its two packages from node_modules, as most apps do. */
  readonly ratioToUnbundled: number;
  readonly ratioOverPlainHttp: number;
  readonly rounds: number;
  readonly machine: string;
  readonly cases: Readonly<Record<CaseName, ColdStarts>>;
}

const caseNames = ["floor", "product", "floor unbundled", "floor over http", "product over http"] as const;
export type CaseName = (typeof caseNames)[number];

const root = join(import.meta.dirname, "..");
const run = promisify(execFile);

/** The product is measured as it stands in `dist/`. */
export async function measureColdStart({ rounds = 15 } = {}): Promise<ColdStartResult> {
  const cache = join(root, "node_modules", ".cache");
  await mkdir(cache, { recursive: true });
  // Below node_modules, so that the unbundled app finds its packages.
  const folder = await mkdtemp(join(cache, "cold-start-"));
  const certificate = await openCertificate(join(folder, "certificate"));
  const entra = await startEntra({
    ...{ folder, certificate, customers: [], tenantId: partnerTenantId, audience: apiAudience },
    application: demoApplication(),
  });
  const azurite = await startAzurite({ location: join(folder, "azurite") });
  const tls = await startTls(certificate, azurite.ports.table);
  try {
    const helloWorld = await makeHelloWorld(folder);
    const firstGet = await makeFirstGet(folder);
    const { row, request } = await makeRequest(azurite.connectionString, await entra.issueCallerToken());
    const start = async (app: string, storage: string): Promise<ColdStart> => {
      const { stdout } = await run(process.execPath, [firstGet], {
        cwd: app,
        env: {
          ...demoSettings({ port: 0, entraUrl: entra.url, armUrl: entra.url, storage }),
          ...{ REQUEST: JSON.stringify(request), ROW: JSON.stringify(row) },
          NODE_EXTRA_CA_CERTS: certificate.caFile,
        },
      });
      return JSON.parse(stdout);
    };
    const plain = azurite.connectionString;
    const secure = plain.replace(/TableEndpoint=http:\/\/[^/]+/, `TableEndpoint=https://127.0.0.1:${tls.port}`);
    const cases: Record<CaseName, () => Promise<ColdStart>> = {
      floor: () => start(helloWorld.bundled, secure),
      product: () => start(root, secure),
      "floor unbundled": () => start(helloWorld.unbundled, secure),
      "floor over http": () => start(helloWorld.bundled, plain),
      "product over http": () => start(root, plain),
    };

    const measured = new Map<CaseName, ColdStart[]>(caseNames.map((name) => [name, []]));
    for (let round = -1; round < rounds; round++) {
      for (const name of caseNames) {
        const coldStart = await cases[name]();
        // The first round fills the caches of the file system for all of them.
        if (round >= 0) measured.get(name)?.push(coldStart);
      }
    }
    return resultOf(rounds, measured);
  } finally {
    await Promise.all([azurite.stop(), entra.close(), tls.close()]);
    await rm(folder, { recursive: true, force: true });
  }
}

async function makeHelloWorld(folder: string): Promise<{ bundled: string; unbundled: string }> {
  const entry = "bench/cold/hello-world.ts";
  const bundled = join(folder, "bundled");
  const { outputFiles } = await bundle(root, entry, { outdir: join(bundled, "dist") });
  for (const { path, contents } of outputFiles) await write(path, contents);

  const unbundled = join(folder, "unbundled");
  const { code } = await transform(await readFile(join(root, entry), "utf8"), { loader: "ts" });
  await write(join(unbundled, "dist/functions/main.js"), code);

  const manifest = JSON.stringify({ type: "module", main: "dist/functions/main.js" });
  for (const app of [bundled, unbundled]) await write(join(app, "package.json"), manifest);
  return { bundled, unbundled };
}

/** Bundled, too: what Node would do to read TypeScript would go on while we measure. */
async function makeFirstGet(folder: string): Promise<string> {
  const outdir = join(folder, "first-get");
  const { outputFiles } = await bundle(root, "bench/cold/first-get.ts", { outdir, outExtension: { ".js": ".mjs" } });
  for (const { path, contents } of outputFiles) await write(path, contents);
  return join(outdir, "functions/main.mjs");
}

async function write(path: string, contents: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, contents);
}

/** A customer who is in the table, and a caller who may ask. */
async function makeRequest(storage: string, token: string) {
  const customerId = parseGuid<"customer">("5f3c1f0e-6d0b-4c6a-9f43-0d8a4f1c2b7e");
  if (customerId === undefined) throw new Error("The customer's id is no GUID.");
  const { partitionKey, rowKey, ...columns } = customerRow(untouchedCustomer(customerId));
  const table = TableClient.fromConnectionString(storage, "CustomerPermissions", { allowInsecureConnection: true });
  await table.createTable();
  await table.createEntity({ partitionKey, rowKey, ...columns });
  const product = "azureReservations";
  const request = {
    url: `http://localhost:7071/api/customers/${customerId}/permissions/${product}`,
    method: "GET",
    nullableHeaders: { host: { value: "localhost:7071" }, authorization: { value: `Bearer ${token}` } },
    nullableParams: { customerId: { value: customerId }, product: { value: product } },
    nullableQuery: {},
  };
  return { row: { partitionKey, rowKey }, request };
}

/** Puts TLS in front of a port of Azurite. */
async function startTls({ cert, key }: ServerCertificate, to: number) {
  const server = createServer({ cert, key }, (socket) => {
    const azurite = connect(to, "127.0.0.1");
    const ended = () => undefined;
    pipeline(socket, azurite, ended);
    pipeline(azurite, socket, ended);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return { port, close: () => new Promise((closed) => server.close(closed)) };
}

function resultOf(rounds: number, measured: ReadonlyMap<CaseName, readonly ColdStart[]>): ColdStartResult {
  const of = (name: CaseName): ColdStarts => summaryOf(measured.get(name) ?? []);
  const cases = {
    ...{ floor: of("floor"), product: of("product"), "floor unbundled": of("floor unbundled") },
    ...{ "floor over http": of("floor over http"), "product over http": of("product over http") },
  };
  const { floor, product } = cases;
  const ratio = (a: CaseName, b: CaseName) => round(cases[a].median.total / cases[b].median.total, 2);
  return {
    ratio: ratio("product", "floor"),
    floorMilliseconds: floor.median.total,
    productMilliseconds: product.median.total,
    cpuRatio: round(product.median.cpu / floor.median.cpu, 2),
    ratioToUnbundled: ratio("product", "floor unbundled"),
    ratioOverPlainHttp: ratio("product over http", "floor over http"),
    rounds,
    machine: `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}, ${process.platform}`,
    cases,
  };
}

function summaryOf(starts: readonly ColdStart[]): ColdStarts {
  const quantile = (of: (start: ColdStart) => number, share: number) => {
    const sorted = starts.map(of).sort((a, b) => a - b);
    return round(sorted[Math.round((sorted.length - 1) * share)] ?? Number.NaN, 1);
  };
  const median = (of: (start: ColdStart) => number) => quantile(of, 0.5);
  const total = ({ total }: ColdStart) => total;
  return {
    median: {
      ...{ load: median(({ load }) => load), get: median(({ get }) => get) },
      ...{ total: median(total), cpu: median(({ cpu }) => cpu) },
    },
    fastest: quantile(total, 0),
    quartiles: [quantile(total, 0.25), quantile(total, 0.75)],
  };
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
