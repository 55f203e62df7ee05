/** What `npm run package` makes for azd is the app: it runs from there, far from the repository and its node_modules. */

import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { type Product, startProduct } from "./harness/product.ts";

const folder = join(process.env.TEST_FOLDER ?? "", "package");
let product: Product | undefined;

beforeAll(() => {
  execFileSync(process.execPath, ["local/launch.mjs", "package", folder]);
}, 120_000);
afterAll(() => product?.stop());

test("it holds the build, the settings of the host and the package beside the bundle, and nothing else", () => {
  expect(readdirSync(folder).sort()).toEqual([".funcignore", "dist", "host.json", "node_modules", "package.json"]);
  const files = readdirSync(join(folder, "dist"), { recursive: true, encoding: "utf8" });
  expect(files.filter((file) => file.endsWith(".map") || /local|test|bench/.test(file))).toEqual([]);
  const page = Object.keys(JSON.parse(readFileSync(join(folder, "dist/ui/files.json"), "utf8")));
  expect(files).toEqual(
    expect.arrayContaining(page.flatMap((name) => ["", ".br", ".gz"].map((end) => `ui/${name}${end}`))),
  );
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const own = JSON.parse(readFileSync("package.json", "utf8"));
  expect(manifest).toEqual({
    ...{ name: own.name, version: own.version, private: true, type: own.type, main: own.main },
    dependencies: { applicationinsights: own.dependencies.applicationinsights },
  });
  expect(existsSync(join(folder, manifest.main))).toBe(true);
  for (const name of ["jest", "azurite", "typescript", "node", "esbuild"])
    expect(existsSync(join(folder, "node_modules", name))).toBe(false);
});

test("it switches a permission, serves its page, and its telemetry arrives", async () => {
  const calls: string[] = [];
  product = await startProduct({
    settings: async (_, { key, cert }) => {
      const ingestion = createServer({ key, cert }, (request, response) => {
        calls.push(request.url ?? "");
        request.resume().on("end", () => response.end('{"itemsReceived":1,"itemsAccepted":1,"errors":[]}'));
      });
      await new Promise<void>((listening) => ingestion.listen(0, "127.0.0.1", listening));
      ingestion.unref();
      const endpoint = `https://127.0.0.1:${(ingestion.address() as AddressInfo).port}/`;
      return {
        AzureWebJobsScriptRoot: folder,
        APPLICATIONINSIGHTS_CONNECTION_STRING: `InstrumentationKey=00000000-0000-4000-8000-000000000000;IngestionEndpoint=${endpoint}`,
      };
    },
  });
  const path = `/customers/${product.customer("Contoso").tenantId}/permissions/azureReservations`;
  expect(await product.call("PUT", path, { body: { state: "On" } })).toMatchObject({
    status: 200,
    body: { state: "On" },
  });
  expect(await (await fetch(`${product.url}/ui/`)).text()).toContain('src="/ui/main-');
  while (calls.length === 0) await pause(50);
});
