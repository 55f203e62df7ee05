/** What the documents say is true: the tour runs line by line, and tables name what the code knows. */

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { registerFunctions, routesOf, type UseCases } from "../functions/register-functions.ts";
import { marksOfAzure } from "../shared/config.ts";
import type { Route } from "../shared/http/route.ts";

const run = promisify(execFile);
const readme = readFileSync("README.md", "utf8");
const routes = routesOf({} as UseCases);
const [tour] = /```bash tour\n([\s\S]*?)```/.exec(readme)?.slice(1) ?? [];

/** Assignments, and commands each with the text that the README promises in their answer. */
function stepsOf(text: string): { prelude: string; steps: { command: string; promised: string }[] } {
  const lines = text.split("\n");
  const prelude = lines.filter((line) => /^[A-Z]+=/.test(line)).join("\n");
  const steps = lines.flatMap((line, index) => {
    const promised = /^# → (.*)$/.exec(lines[index + 1] ?? "")?.[1];
    return promised === undefined ? [] : [{ command: line, promised }];
  });
  return { prelude, steps };
}

const { prelude, steps } = stepsOf(tour ?? "");
let folder: string;
let start: ReturnType<typeof spawn>;
let port: number;

beforeAll(async () => {
  folder = await mkdtemp(join(process.env.TEST_FOLDER ?? "", "tour-"));
  port = await eightFreePorts();
  start = spawn("npm", ["start"], {
    env: { ...process.env, PORT: String(port), LOCAL_STATE_FOLDER: folder },
    stdio: ["ignore", "pipe", "inherit"],
    detached: true,
  });
  if (start.stdout === null) throw new Error("npm start has no output.");
  for await (const line of createInterface({ input: start.stdout })) if (line.startsWith("Ready.")) break;
  start.stdout.resume();
}, 60_000);

afterAll(async () => {
  if (start.pid !== undefined && start.exitCode === null) {
    process.kill(-start.pid, "SIGINT");
    await once(start, "exit");
  }
  await rm(folder, { recursive: true, force: true });
}, 30_000);

test("every line of the README's five-minute tour does what it promises", async () => {
  const here = (text: string) =>
    text
      .replaceAll("localhost:7071", `localhost:${port}`)
      .replaceAll("127.0.0.1:7073", `127.0.0.1:${port + 2}`)
      .replaceAll("127.0.0.1:7074", `127.0.0.1:${port + 3}`)
      .replaceAll(".local/", `${folder}/`);
  expect(steps.length).toBeGreaterThanOrEqual(9);
  for (const { command, promised } of steps) {
    const { stdout } = await run("bash", ["-ec", `${here(prelude)}\n${here(command)}`], {
      env: { ...process.env, PORT: String(port), LOCAL_STATE_FOLDER: folder },
    });
    expect({ command, stdout }).toEqual({ command, stdout: expect.stringContaining(promised) });
  }
}, 60_000);

test("the README's table of functions is the table that registers them", () => {
  const rows = [...readme.matchAll(/^\| `(\w+)` \| `(GET|PUT|POST|DELETE) (\/[^?`]*)\S*` \| (.+) \|$/gm)].map(
    ([, name, method, route, who]) => ({ name, method, route, who }),
  );
  const who = { read: "any agent", write: "Admin Agent", anonymous: "anybody" } as const satisfies Record<
    Route["access"],
    string
  >;
  expect(rows).toEqual(
    routes.map(({ name, method, route = name, access }) => ({ name, method, route: `/${route}`, who: who[access] })),
  );
});

test("requests.http holds a request for every route", () => {
  const requests = readFileSync("requests.http", "utf8");
  for (const { name, method, route = name } of routes) {
    const path = route.replaceAll(/\{\w+\}/g, "[^/\\s?]+");
    expect(requests).toMatch(new RegExp(`^${method} \\{\\{api\\}\\}/${path}(\\?\\S+)?$`, "m"));
  }
});

test("the README names every setting that the code reads, and the sample only such", () => {
  const config = readFileSync("shared/config.ts", "utf8");
  const read = new Set(config.match(/\b[A-Z][A-Z0-9]+_[A-Z0-9_]*[A-Z0-9]\b|AzureWebJobsStorage/g));
  const ofNode = "NODE_TLS_REJECT_UNAUTHORIZED";
  for (const name of [...marksOfAzure, ofNode, "CSP_2015", "CSP_MG_2017", "CSPDEVTEST_2018"]) read.delete(name);
  const [section] = /^## Settings\n[\s\S]*?(?=^## )/m.exec(readme) ?? [];
  const documented = new Set([...(section ?? "").matchAll(/^\| `(\w+)` \| /gm)].map(([, name]) => name ?? ""));
  expect([...documented].sort()).toEqual([...read].sort());

  const sample = JSON.parse(readFileSync("local.settings.sample.json", "utf8"));
  const unknown = Object.keys(sample.Values).filter((name) => !read.has(name));
  expect(unknown).toEqual(["FUNCTIONS_WORKER_RUNTIME"]);
});

test("every npm script that the documents name exists", () => {
  const { scripts } = JSON.parse(readFileSync("package.json", "utf8"));
  const documents = ["README.md", "CONTRIBUTING.md", ".ci/run"].map((name) => readFileSync(name, "utf8")).join("\n");
  const named = [...documents.matchAll(/npm (?:run (?:--silent )?)?([\w:][\w:-]*)/g)].map(([, name]) => name ?? "");
  const own = named.filter((name) => !["ci", "registry", "script", "run"].includes(name));
  for (const name of own) expect(Object.keys(scripts)).toContain(name);
  expect(own.length).toBeGreaterThan(5);
});

test("the lockfile has the packages of every platform, so that npm ci works on all of them", () => {
  const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8")) as {
    packages: Record<string, { optionalDependencies?: Record<string, string> }>;
  };
  const missing = Object.entries(packages).flatMap(([place, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) => !(`node_modules/${name}` in packages || `${place}/node_modules/${name}` in packages),
    ),
  );
  expect(missing).toEqual([]);
});

test("the names in storage and of functions are those of the contract", () => {
  const registered: string[] = [];
  const remember = (name: string) => registered.push(name);
  registerFunctions({ http: remember, storageQueue: remember, timer: remember } as never, {
    useCases: {} as UseCases,
    readCaller: () => Promise.reject(new Error("nobody calls")),
    signIn: { tenantIds: new Set(), audience: "", browserAuthorityHost: "" },
    requireFunctionKey: false,
    queues: {
      connection: "AzureWebJobsStorage",
      activities: "activities",
      changes: "changes",
      deliveries: "deliveries",
    },
  });
  expect(registered).toEqual([
    // Those without a route are there a second time, with one.
    ...routes.flatMap((route) => ("route" in route ? [route.name] : [route.name, `${route.name}ByUrl`])),
    "OperatorsPage",
    "Root",
    "RecordActivity",
    "SweepPendingActivities",
    "DeliverWebhook",
    "SweepDeliveries",
    "PurgeChanges",
  ]);
});

async function eightFreePorts(): Promise<number> {
  for (let first = 20_000 + Math.floor(Math.random() * 20_000); ; first += 8) {
    const servers = Array.from({ length: 8 }, () => createServer());
    const free = await Promise.all(
      servers.map(
        (server, index) =>
          new Promise<boolean>((resolve) => {
            server.once("error", () => resolve(false)).listen(first + index, "127.0.0.1", () => resolve(true));
          }),
      ),
    );
    await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
    if (free.every(Boolean)) return first;
  }
}
