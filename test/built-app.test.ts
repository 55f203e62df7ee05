/** What is deployed: how little of it a start and a read load, and that telemetry sees the calls of the bundled SDKs. */

import { statSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { basename } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, expect, test } from "@jest/globals";
import type { ServerCertificate } from "../local/stand-ins/throw-away-ca.ts";
import { type Product, type ProductOptions, startProduct } from "./harness/product.ts";

/** Tells on stdout of every file of the app, and of Application Insights, that is loaded. */
const tellOfFiles = `
import { registerHooks } from "node:module";
registerHooks({
  load(url, context, next) {
    if (/\\/dist\\/(functions|chunks)\\/|\\/node_modules\\/applicationinsights\\//.test(url)) console.log("loaded " + url);
    return next(url, context);
  },
});`;
const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(tellOfFiles)}`;

let product: Product | undefined;
afterEach(() => product?.stop());

async function start(options: ProductOptions = {}): Promise<Product> {
  product = await startProduct({ ...options, settings: { NODE_OPTIONS } });
  return product;
}

/** What was loaded, without hashes; shared chunks have no name of their own and count with their size only. */
function loadedBy({ output }: Product): { readonly names: readonly string[]; readonly kilobytes: number } {
  const files = output.flatMap((line) => /^loaded file:\/\/(.+)$/.exec(line)?.[1] ?? []);
  const names = files.map((file) => basename(file).replace(/-[A-Z\d]{8}\.js$/, ""));
  const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0);
  return { names: names.filter((name) => name !== "chunk"), kilobytes: Math.round(bytes / 1000) };
}

function pathOf(running: Product): string {
  return `/customers/${running.customers[0]?.customer.tenantId}/permissions/azureReservations`;
}

test("a start loads no SDK, and a read only the one for the tables", async () => {
  const running = await start();
  const atStart = loadedBy(running);
  expect(atStart.names).toEqual(["main.js"]);
  expect(atStart.kilobytes).toBeLessThan(380);

  expect((await running.call("GET", pathOf(running))).status).toBe(200);
  const afterRead = loadedBy(running);
  expect(afterRead.names).toEqual(["main.js", "data-tables"]);
  expect(afterRead.kilobytes).toBeLessThan(760);
});

test("the operators' page is served without any SDK, and what serves it is loaded with its first file", async () => {
  const running = await start();
  for (const path of ["/ui/", "/ui/config.json"]) expect((await fetch(running.url + path)).status).toBe(200);
  expect(loadedBy(running).names).toEqual(["main.js", "ui-answer"]);
});

test("telemetry sees the calls of the bundled SDKs, and its own SDK is loaded after the first answer", async () => {
  const ingestion = createIngestion();
  const running = await startProduct({
    settings: async (_, certificate) => ({
      NODE_OPTIONS,
      APPLICATIONINSIGHTS_CONNECTION_STRING: await ingestion.listen(certificate),
    }),
  });
  product = running;
  expect(loadedBy(running).names).toEqual(["main.js"]);

  expect((await running.call("GET", pathOf(running))).status).toBe(200);
  while (!loadedBy(running).names.includes("index.js")) await pause(50);
  await running.stop();
  ingestion.close();

  expect(ingestion.calls).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/^GET \/[\w-]+\/discovery\/v2\.0\/keys$/),
      expect.stringMatching(/^GET \/\w+\/CustomerPermissions\(/),
    ]),
  );
});

/** The names of the outgoing calls that Application Insights is told of. */
function createIngestion() {
  const calls: string[] = [];
  let server: ReturnType<typeof createServer> | undefined;
  return {
    calls,
    async listen(certificate: ServerCertificate): Promise<string> {
      server = createServer(certificate, async (request, response) => {
        const items = JSON.parse(await text(request));
        for (const { data } of items) if (data.baseType === "RemoteDependencyData") calls.push(data.baseData.name);
        response.setHeader("content-type", "application/json");
        response.end(JSON.stringify({ itemsReceived: items.length, itemsAccepted: items.length, errors: [] }));
      });
      await new Promise<void>((listening) => server?.listen(0, "127.0.0.1", listening));
      const { port } = server.address() as AddressInfo;
      return `InstrumentationKey=11111111-1111-4111-8111-111111111111;IngestionEndpoint=https://127.0.0.1:${port}/`;
    },
    close: () => void server?.close(),
  };
}
