/** What docs/operations.md tells an operator to run does what it says, and the log's verifier finds what it should. */

import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { TableClient } from "@azure/data-tables";
import { QueueClient } from "@azure/storage-queue";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { monthTable } from "../bench/month-costs.ts";
import { demoSettings } from "../local/demo-settings.ts";
import { receptions } from "../shared/use-cases/partner-center-gate.ts";
import { makeEligibleCustomers, oneByOne } from "./harness/customers.ts";
import { eventually, readLog } from "./harness/ledger.ts";
import { type Product, startProduct } from "./harness/product.ts";

const run = promisify(execFile);
const guide = readFileSync("docs/operations.md", "utf8");
const blocks = [...guide.matchAll(/```bash run\n([\s\S]*?)```/g)].map(([, text = ""]) => text);
const steps = blocks.flatMap((block) => {
  const lines = block.split("\n");
  return lines.flatMap((command, index) => {
    const promised = /^# → (.*)$/.exec(lines[index + 1] ?? "")?.[1];
    return promised === undefined ? [] : [{ command, promised }];
  });
});

const customers = makeEligibleCustomers(12);
const next = oneByOne(customers);
let product: Product;
let environment: NodeJS.ProcessEnv;
let folder: string;

beforeAll(async () => {
  product = await startProduct({ customers, partnerCenterMode: "live", rounds: true });
  folder = await mkdtemp(join(process.env.TEST_FOLDER ?? "", "operations-"));
  const { entra, arm, storage, url } = product;
  environment = {
    ...{
      PATH: process.env.PATH,
      HEADS: join(folder, "heads.json"),
      CUSTOMER: next(),
      MASTER_KEY: "not asked for here",
    },
    ...{ APP: url, API: `${url}/api`, TOKEN: await product.token() },
    ...demoSettings({ port: 0, entraUrl: entra.url, armUrl: arm.url, storage: storage.connectionString }),
  };
  await switchOn(String(environment.CUSTOMER));
});
afterAll(() => product.stop());

async function switchOn(customerId: string): Promise<void> {
  const path = `/customers/${customerId}/permissions/azureReservations`;
  expect((await product.call("PUT", path, { body: { state: "On" } })).status).toBe(200);
}

/** @param more what the command gets besides the operator's environment */
async function shell(command: string, more: NodeJS.ProcessEnv = {}): Promise<{ code: number; output: string }> {
  const options = { env: { ...environment, ...more } };
  try {
    const { stdout, stderr } = await run("bash", ["-ec", command], options);
    return { code: 0, output: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, output: stdout + stderr };
  }
}

const poisonQueue = () => new QueueClient(product.connectionString, "activities-poison");
const verify = (ids: string, more?: NodeJS.ProcessEnv) =>
  shell(`node docs/examples/verify-log.mjs "$API" ${ids}`, more);

describe("docs/operations.md", () => {
  test("every command that can be run here is, and answers as it says", async () => {
    await poisonQueue().createIfNotExists();
    expect(steps.length).toBeGreaterThanOrEqual(12);
    for (const { command, promised } of steps) {
      const { output } = await shell(command);
      expect({ command, output }).toEqual({ command, output: expect.stringContaining(promised) });
    }
  }, 90_000);

  test("every block of commands is run here, or names only routes and scripts that there are", async () => {
    const { body: api } = await product.call("GET", "/openapi.json", { token: null });
    const templates = Object.keys(api.paths).map((path) => new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}$`));
    const hasWebhooks = Object.keys(api.paths).some((path) => path.startsWith("/webhooks"));
    const others = [...guide.matchAll(/```bash(?! run)( \w+)?\n([\s\S]*?)```/g)].map(([, kind, text = ""]) => ({
      kind,
      text,
    }));
    for (const { kind, text } of others) {
      const routes = [...text.matchAll(/"\$API(\/[^"?]*)/g)].map(([, route = ""]) => route);
      // These routes come with the webhooks: as soon as one of them is there, all have to be.
      if (kind === " webhooks") expect(routes).toHaveLength(3);
      if (kind !== " webhooks" || hasWebhooks) {
        for (const route of routes)
          expect({ route, isThere: templates.some((one) => one.test(route)) }).toEqual({ route, isThere: true });
      }
    }
    const { scripts } = JSON.parse(readFileSync("package.json", "utf8"));
    const named = [...guide.matchAll(/npm run (?:--silent )?([\w:-]+)/g)].map(([, name = ""]) => name);
    for (const name of named) expect(Object.keys(scripts)).toContain(name);
  });

  test("every file and heading that it links to is there", () => {
    const headings = [...guide.matchAll(/^#+ (.*)$/gm)].map(([, text = ""]) => text.toLowerCase().replaceAll(" ", "-"));
    const links = [...guide.matchAll(/\]\(([^)]+)\)/g)]
      .map(([, link = ""]) => link)
      .filter((link) => !link.startsWith("https:"));
    for (const link of links) {
      const [file = "", anchor = ""] = link.split("#");
      expect({ link, isThere: file === "" ? headings.includes(anchor) : existsSync(join("docs", file)) }).toEqual({
        link,
        isThere: true,
      });
    }
  });

  test("its events are those that the code reports", async () => {
    const { stdout } = await run("grep", ["-rhoE", '"[A-Z][A-Za-z]+"', "shared/use-cases", "functions"]);
    const reported = new Set([...stdout.matchAll(/"(\w+)"/g)].map(([, name = ""]) => name));
    for (const reception of receptions) reported.add(`PartnerCenter${reception}`);
    const named = [...guide.matchAll(/event `(\w+)`/g)].map(([, name = ""]) => name);
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((name) => !reported.has(name))).toEqual([]);
  });

  test("what a month costs is as calculated", () => {
    const [, table] = /<!-- month -->\n([\s\S]*?)<!-- end -->/.exec(guide) ?? [];
    expect(table).toBe(monthTable());
  });
});

describe("the verifier of logs", () => {
  test("finds nothing in what the app has written", async () => {
    const { code, output } = await verify("");
    expect({ code, output }).toEqual({ code: 0, output: expect.not.stringContaining("WRONG") });
  });

  test("finds an entry that was cut off, by the permission that it made", async () => {
    const customerId = next();
    await switchOn(customerId);
    await removeLastEntry(customerId);
    expect(await verify(customerId)).toEqual({
      code: 1,
      output: expect.stringContaining("the change that made azureReservations On is missing"),
    });
  });

  test("finds a log that was begun anew, by the heads that were noted", async () => {
    const customerId = next();
    await switchOn(customerId);
    const heads = join(folder, "noted.json");
    expect((await verify(`${customerId} --heads ${heads}`)).code).toBe(0);
    const noted = JSON.parse(await readFile(heads, "utf8"));
    expect(noted).toEqual({ [customerId]: { sequence: 1, hash: expect.stringMatching(/^[0-9a-f]{64}$/) } });
    await writeFile(heads, JSON.stringify({ [customerId]: { sequence: 1, hash: "0".repeat(64) } }));
    const { code, output } = await verify(`${customerId} --heads ${heads}`);
    expect({ code, output }).toEqual({ code: 1, output: expect.stringContaining("not the one that was there before") });
  });

  test.each<[string, (log: any[]) => void, string]>([
    ["an edited entry", (log) => Object.assign(log[0], { reason: "another" }), "was edited"],
    ["a missing entry", (log) => log.splice(1, 1), "is missing"],
    [
      "entries that do not hang together",
      (log) => Object.assign(log[0], { previousHash: "1".repeat(64) }),
      "does not follow",
    ],
  ])("finds %s", async (_, spoil, found) => {
    const customerId = next();
    await switchOn(customerId);
    await product.call("PUT", `/customers/${customerId}/permissions/azureReservations`, { body: { state: "Off" } });
    await product.call("PUT", `/customers/${customerId}/permissions/azureSavingsPlans`, { body: { state: "On" } });
    const log = (await readLog(product, customerId)).reverse();
    spoil(log);
    const server = createServer((request, reply) => {
      const value = request.url?.startsWith("/activities") ? log : [];
      reply.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ value }));
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await verify(customerId, { API: api })).toEqual({ code: 1, output: expect.stringContaining(found) });
    server.close();
  });

  test("says when it may not look", async () => {
    const { code, output } = await verify(next(), { TOKEN: "none" });
    expect({ code, output }).toEqual({ code: 2, output: expect.stringContaining("401") });
  });

  async function removeLastEntry(customerId: string): Promise<void> {
    const table = TableClient.fromConnectionString(product.connectionString, "ActivityLog", {
      allowInsecureConnection: true,
    });
    const rows = () =>
      Array.fromAsync(table.listEntities({ queryOptions: { filter: `PartitionKey eq '${customerId}'` } }));
    const [last] = await eventually(async () => {
      const found = await rows();
      expect(found).toHaveLength(1);
      return found;
    });
    await table.deleteEntity(last?.partitionKey ?? "", last?.rowKey ?? "");
  }
});

describe("npm run poison", () => {
  test("shows ids of what lies there and nothing else, and puts it back", async () => {
    const queue = poisonQueue();
    await queue.createIfNotExists();
    const customerId = next();
    await switchOn(customerId);
    const [entry] = await readLog(product, customerId);
    for (const text of [
      JSON.stringify({ ...entry, by: { name: "Somebody" } }),
      "no JSON",
      '{"customerId":"<script>"}',
    ]) {
      await queue.sendMessage(Buffer.from(text).toString("base64"));
    }
    const { output } = await shell("npm run --silent poison");
    expect(output).toContain("activities-poison: 3.");
    expect(output).toContain(`customer ${customerId} sequence 1 change ${entry?.changeId}`);
    expect(output).toContain("not one of ours");
    expect(output).not.toMatch(/Somebody|script/);

    expect((await shell("npm run --silent poison -- --replay")).output).toContain("activities-poison: 3 put back.");
    expect((await shell("npm run --silent poison")).output).toContain("activities-poison: 0.");
    // The duplicate is taken as done; that what is not ours comes back is shown in storage-outages.test.ts.
    await eventually(async () => {
      const { peekedMessageItems } = await new QueueClient(product.connectionString, "activities").peekMessages();
      expect(peekedMessageItems).toEqual([]);
      expect(await verify(customerId)).toEqual({
        code: 0,
        output: expect.stringContaining(`${customerId}: 1 entries, whole.`),
      });
    }, 20_000);
  }, 60_000);

  test("says in a sentence what it lacks", async () => {
    const { code, output } = await shell("npm run --silent poison", {
      PERMISSIONS_STORAGE: "",
      AzureWebJobsStorage: "",
    });
    expect(code).not.toBe(0);
    expect(output).toContain("PERMISSIONS_STORAGE or AzureWebJobsStorage is missing");
    expect(output).not.toContain("    at ");
    expect((await shell("npm run --silent poison -- --all")).output).toContain("--all");
  });
});
