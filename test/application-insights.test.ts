import { AsyncLocalStorage } from "node:async_hooks";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type IncomingHttpHeaders, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, afterEach, beforeAll, expect, jest, test } from "@jest/globals";
import { openCertificate, type ServerCertificate } from "../local/stand-ins/throw-away-ca.ts";
import { createTelemetryQueue } from "../shared/adapters/application-insights-queue.ts";
import type { Item, Sdk } from "../shared/adapters/application-insights-sdk.ts";
import { consoleTelemetry, nameCause } from "../shared/adapters/console-telemetry.ts";
import { httpsCallbacks } from "../shared/adapters/https-callbacks.ts";
import { watchOutgoingCalls, withoutSecrets } from "../shared/adapters/outgoing-calls.ts";
import { eventually } from "./harness/ledger.ts";

jest.setTimeout(20_000);

/** The two invocations of the fixture: their trace, and the span the host reports as the request. */
const first = { id: "0af7651916cd43dd8448eb211c80319c", parent: "b7ad6b7169203331" };
const second = { id: "11111111111111111111111111111111", parent: "2222222222222222" };

let folder: string;
let certificate: ServerCertificate;
let oneOfEach: Awaited<ReturnType<typeof runWorker>>;

beforeAll(async () => {
  folder = await mkdtemp(join(process.env.TEST_FOLDER ?? "", "ingestion-"));
  certificate = await openCertificate(folder);
  oneOfEach = await runWorker("one of each");
});
afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});
afterAll(() => rm(folder, { recursive: true }));

test("events, warnings and calls carry the trace of the invocation they happened in", () => {
  const { items, measured } = oneOfEach;

  expect(measured.succeeded).toEqual([true, true]);
  const of = (trace: typeof first) => ({ operation: trace.id, parent: trace.parent, function: "RecordActivity" });
  const none = { operation: undefined, parent: undefined, function: undefined };
  const table = "/Permissions(PartitionKey='a',RowKey='b')";
  expect(items).toHaveLength(10);
  expect(items).toEqual(
    expect.arrayContaining([
      { type: "EventData", name: "PermissionChanged", ...of(first) },
      { type: "MessageData", name: "The queue did not take\nan activity.", ...of(first) },
      { type: "RemoteDependencyData", name: "GET /first", result: "200", ...of(first) },
      // By the Azure SDK, which is ESM and was loaded after the adapter was set up.
      { type: "RemoteDependencyData", name: `GET ${table}`, result: "404", ...of(first) },
      { type: "RemoteDependencyData", name: "GET /second", result: "200", ...of(second) },
      { type: "RemoteDependencyData", name: "GET /fetched", result: "200", ...of(second) },
      { type: "RemoteDependencyData", name: "GET /refused", result: "ECONNREFUSED", ...of(second) },
      { type: "RemoteDependencyData", name: "GET /broken", result: "ECONNRESET", ...of(second) },
      { type: "EventData", name: "ActivityLogged", ...of(second) },
      { type: "EventData", name: "Started", ...none },
    ]),
  );
});

test("an event holds its properties and measurements, a warning the names of its causes", () => {
  const { envelopes } = oneOfEach;

  expect(envelopes.find(({ data }) => data.baseData.name === "PermissionChanged")?.data.baseData).toMatchObject({
    properties: { product: "azureReservations" },
    measurements: { milliseconds: 12 },
  });
  expect(envelopes.find(({ data }) => data.baseType === "MessageData")?.data.baseData).toMatchObject({
    severityLevel: "Warning",
    properties: { cause: "Error ECONNRESET, Error" },
  });
});

test("no secret of a header, a URL or an error is sent or written, and calls go out unchanged", () => {
  const { envelopes, stderr, called } = oneOfEach;

  expect(JSON.stringify(envelopes)).not.toContain("SECRET");
  expect(stderr).not.toContain("SECRET");
  expect(stderr).toBe("warning: The queue did not take an activity. (Error ECONNRESET, Error)\n");
  const calls = envelopes.map(({ data }) => String(data.baseData.data));
  expect(calls).toContainEqual(expect.stringMatching(/\/first\?code=REDACTED&api-version=1$/));
  expect(calls).toContainEqual(expect.stringMatching(/\?sv=REDACTED&sig=REDACTED$/));
  expect(called.map(({ url }) => url)).toContain("/first?code=SECRET-KEY&api-version=1");
  expect(called.filter(({ headers }) => "traceparent" in headers || "request-id" in headers)).toEqual([]);
});

test("nothing but our own items is sent: no requests, no metrics, no statistics", () => {
  const { envelopes, paths } = oneOfEach;

  expect(new Set(envelopes.map(({ data }) => data.baseType))).toEqual(
    new Set(["EventData", "MessageData", "RemoteDependencyData"]),
  );
  expect(new Set(paths)).toEqual(new Set(["/v2.1/track"]));
});

test("the SDK is not loaded as long as there is nothing to send", async () => {
  const { measured, paths } = await runWorker("nothing");

  expect(measured).toMatchObject({ succeeded: true, loaded: false });
  expect(measured.closedAfter).toBeLessThan(100);
  expect(paths).toEqual([]);
});

test("the SDK is loaded when the first invocation was answered, and an event then takes microseconds", async () => {
  const { measured, items } = await runWorker("long enough to load the SDK");

  expect(measured.loadedForTheFirst).toBe(false);
  expect(measured.microseconds?.median).toBeLessThan(500);
  expect(items.filter(({ operation }) => operation === first.id)).toHaveLength(1);
  expect(items.filter(({ operation }) => operation === second.id)).toHaveLength(901);
});

test("of a burst of 5000 events and 200 calls none is lost or sampled away, though the host does not sample the trace", async () => {
  const { envelopes, items, measured } = await runWorker("burst");

  expect(measured.closedAfter).toBeLessThan(3_500);
  expect(items.filter(({ type }) => type === "EventData")).toHaveLength(5_000);
  expect(items.filter(({ type }) => type === "RemoteDependencyData")).toHaveLength(200);
  expect(new Set(items.map(({ operation }) => operation))).toEqual(new Set([second.id]));
  expect(new Set(envelopes.map(({ sampleRate }) => sampleRate))).toEqual(new Set([100]));
});

test("an ingestion endpoint that is down, hangs or fails delays nothing, and the worker ends in time", async () => {
  const outages = await Promise.all([
    runWorker("outage", { ingestion: "down" }),
    runWorker("outage", { ingestion: "hangs" }),
    runWorker("outage", { ingestion: "fails" }),
  ]);

  for (const { exitCode, measured, stderr } of outages) {
    expect(exitCode).toBe(0);
    expect(measured.succeeded).toEqual([true, true, true]);
    expect(measured.microseconds?.median).toBeLessThan(500);
    expect(measured.closedAfter).toBeLessThan(4_000);
    expect(stderr).toBe("warning: Nobody hears this. (Error)\n".repeat(3));
  }
});

test("a connection string that cannot be used is one warning, and the app runs on", async () => {
  const { exitCode, measured, stderr } = await runWorker("one event", {
    connectionString: "InstrumentationKey=SECRET",
  });

  expect({ exitCode, succeeded: measured.succeeded }).toEqual({ exitCode: 0, succeeded: true });
  expect(stderr).toMatch(/^warning: Application Insights cannot be used and is off now\. .*\n$/);
  expect(stderr).not.toContain("SECRET");
});

test("with a managed identity its token is sent along", async () => {
  const identity = await serve(createServer(), (request, response) => {
    const asked = new URL(request.url ?? "", "http://host").searchParams;
    expect(Object.fromEntries(asked)).toMatchObject({ resource: "https://monitor.azure.com", client_id: "our-client" });
    const expires_on = Math.floor(Date.now() / 1000) + 3600;
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ access_token: "identity-token", expires_on, resource: "x", token_type: "Bearer" }));
  });

  const { authorizations, items } = await runWorker("one event", {
    managedIdentityClientId: "our-client",
    environment: { IDENTITY_ENDPOINT: `http://127.0.0.1:${identity.port}/msi/token`, IDENTITY_HEADER: "header" },
  });
  identity.close();

  expect(items).toHaveLength(1);
  expect(new Set(authorizations)).toEqual(new Set(["Bearer identity-token"]));
});

test("an SDK that does not load is tried again, and what waited is sent", async () => {
  const { queue, load, tracked, stderr, seconds } = queueInVain(2);

  queue.send(item("a"));
  await seconds(3);
  queue.send(item("b"));
  await seconds(4);

  expect(load).toHaveBeenCalledTimes(3);
  expect(tracked).toEqual(["a", "b"]);
  expect(stderr).not.toHaveBeenCalled();
});

test("an SDK that does not load three times is one warning and no further attempt", async () => {
  const { queue, load, tracked, stderr, seconds } = queueInVain(3);

  queue.send(item("a"));
  await seconds(10);
  queue.send(item("b"));
  await seconds(10);
  await queue.close();

  expect(load).toHaveBeenCalledTimes(3);
  expect(tracked).toEqual([]);
  expect(stderr).toHaveBeenCalledTimes(1);
  expect(stderr).toHaveBeenCalledWith(
    expect.stringMatching(/is off now\. .* \(Error ERR_REQUIRE_ESM_RACE_CONDITION\)\n$/),
  );
});

test("10000 items wait for the SDK, and the warning counts those that found no room", async () => {
  const { queue, tracked, stderr, seconds } = queueInVain(0);

  for (let time = 0; time < 10_003; time++) queue.send(item(String(time)));
  await seconds(3);

  jest.useRealTimers();
  await eventually(async () => expect(stderr).toHaveBeenCalled());
  expect(tracked).toHaveLength(10_000);
  expect(stderr).toHaveBeenCalledTimes(1);
  expect(stderr).toHaveBeenCalledWith(expect.stringMatching(/^warning: 3 items of telemetry were dropped/));
});

test("what the SDK begins belongs to no invocation, or its own calls would be reported as ours", async () => {
  const invocation = new AsyncLocalStorage<string>();
  const seen: [string, unknown][] = [];
  const see = (what: string) => void seen.push([what, invocation.getStore()]);
  const queue = createTelemetryQueue(async () => {
    see("load");
    return { track: () => see("track"), flush: async () => see("flush") };
  });

  await invocation.run("ours", async () => {
    queue.send(item("a"));
    await queue.close();
    queue.send(item("b"));
    await queue.close();
  });

  expect(seen).toEqual(["load", "track", "flush", "track", "flush"].map((what) => [what, undefined]));
});

test.each([
  ["https://a.example/b", "https://a.example/b"],
  ["https://a.example/b?code=x&sig=y", "https://a.example/b?code=REDACTED&sig=REDACTED"],
  ["https://a.example/b?api-version=1&$filter=atScope()", "https://a.example/b?api-version=1&$filter=atScope()"],
  ["https://a.example/b?c=x?sig=y", "https://a.example/b?c=REDACTED"],
  ["https://a.example/b?secret", "https://a.example/b?REDACTED"],
  ["https://a.example/b?=secret", "https://a.example/b?REDACTED"],
  ["https://a.example/b?", "https://a.example/b?REDACTED"],
])("%s is told as %s", (url, told) => {
  expect(withoutSecrets(url)).toBe(told);
});

test.each<[string, unknown]>([
  ["Error", new Error("secret")],
  [
    "RestError TableNotFound 404",
    Object.assign(new Error("secret"), { name: "RestError", code: "TableNotFound", statusCode: 404 }),
  ],
  [
    "TypeError, Error ECONNREFUSED",
    new TypeError("secret", { cause: Object.assign(new Error("x"), { code: "ECONNREFUSED" }) }),
  ],
  ["Error no…", Object.assign(new Error("secret"), { code: "no word: secret" })],
  ["Error … 403", Object.assign(new Error("secret"), { code: "s".repeat(61), statusCode: 403 })],
  ["Error …", Object.assign(new Error("secret"), { code: " secret" })],
  ["no Error but string", "secret"],
  ["no Error but undefined", undefined],
  [
    "an error that cannot be read",
    Object.defineProperty(new Error("secret"), "code", {
      get() {
        throw new Error("secret");
      },
    }),
  ],
])("of an error only this is told: %s", (told, cause) => {
  expect(nameCause(cause)).toBe(told);
});

test("without Application Insights a warning is one line on stderr, and an event nothing", () => {
  const write = jest.spyOn(process.stderr, "write").mockReturnValue(true);

  consoleTelemetry.event("PermissionChanged", {});
  consoleTelemetry.warning("Two\nlines.", new Error("secret"));
  const written = write.mock.calls;
  write.mockImplementation(() => {
    throw new Error("EPIPE");
  });
  expect(() => consoleTelemetry.warning("Unheard.", new Error("secret"))).not.toThrow();

  expect(written[0]).toEqual(["warning: Two lines. (Error)\n"]);
});

/** A queue whose SDK fails to load that many times, and then only notes what it is given. */
function queueInVain(failures: number) {
  jest.useFakeTimers();
  const stderr = jest.spyOn(process.stderr, "write").mockReturnValue(true);
  const tracked: string[] = [];
  const load = jest.fn(async (): Promise<Sdk> => {
    if (load.mock.calls.length <= failures) {
      throw Object.assign(new Error("secret"), { code: "ERR_REQUIRE_ESM_RACE_CONDITION" });
    }
    return { track: ({ trace }) => tracked.push(trace?.functionName ?? ""), flush: async () => {} };
  });
  const seconds = (count: number) => jest.advanceTimersByTimeAsync(count * 1000);
  return { queue: createTelemetryQueue(load), load, tracked, stderr, seconds };
}

function item(functionName: string): Item {
  return { trace: { traceId: first.id, spanId: first.parent, functionName }, track() {} };
}

/** What the ingestion endpoint is sent, as far as we look at it. */
interface Envelope {
  readonly tags: Readonly<Record<string, string>>;
  readonly sampleRate: number;
  readonly data: { readonly baseType: string; readonly baseData: Readonly<Record<string, unknown>> };
}

interface Measured {
  readonly succeeded?: boolean | readonly boolean[];
  readonly loaded?: boolean;
  readonly loadedForTheFirst?: boolean;
  readonly microseconds?: { readonly median: number; readonly longest: number };
  readonly closedAfter: number;
}

interface WorkerOptions {
  readonly ingestion?: "works" | "down" | "hangs" | "fails";
  readonly connectionString?: string;
  readonly managedIdentityClientId?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Runs test/fixtures/telemetry/worker.ts against an ingestion endpoint and a service to call, both on loopback. */
async function runWorker(scenario: string, { ingestion = "works", environment, ...options }: WorkerOptions = {}) {
  const envelopes: Envelope[] = [];
  const paths: (string | undefined)[] = [];
  const authorizations: (string | undefined)[] = [];
  const called: { readonly url: string | undefined; readonly headers: IncomingHttpHeaders }[] = [];

  const endpoint = await serve(createTlsServer(certificate), async (request, response) => {
    paths.push(request.url);
    authorizations.push(request.headers.authorization);
    const received: Envelope[] = JSON.parse(await text(request));
    if (ingestion === "hangs") return;
    if (ingestion === "fails") return void response.writeHead(500).end();
    envelopes.push(...received);
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ itemsReceived: received.length, itemsAccepted: received.length, errors: [] }));
  });
  const target = await serve(createServer(), ({ url = "", headers, socket }, response) => {
    called.push({ url, headers });
    if (url === "/broken") socket.destroy();
    else response.writeHead(url.startsWith("/Permissions") ? 404 : 200).end("{}");
  });
  const nobody = await serve(createServer(), () => {});
  nobody.close();

  const port = ingestion === "down" ? nobody.port : endpoint.port;
  const connectionString = `InstrumentationKey=11111111-1111-4111-8111-111111111111;IngestionEndpoint=https://127.0.0.1:${port}/`;
  const worker = spawn(process.execPath, [join(__dirname, "fixtures/telemetry/worker.ts")], {
    env: {
      PATH: process.env.PATH,
      NODE_EXTRA_CA_CERTS: certificate.caFile,
      // As in Azure; elsewhere the SDK looks for a virtual machine's metadata service.
      WEBSITE_SITE_NAME: "customer-purchase-permissions",
      FUNCTIONS_WORKER_RUNTIME: "node",
      ...environment,
      FIXTURE: JSON.stringify({
        scenario,
        connectionString,
        target: `http://127.0.0.1:${target.port}`,
        refused: `http://127.0.0.1:${nobody.port}`,
        ...options,
      }),
    },
  });
  const [stdout, stderr, [exitCode]] = await Promise.all([
    text(worker.stdout),
    text(worker.stderr),
    once(worker, "close"),
  ]);
  endpoint.close();
  target.close();
  if (stdout === "") throw new Error(`The worker said nothing but: ${stderr}`);
  const measured: Measured = JSON.parse(stdout);

  const items = envelopes.map(({ tags, data: { baseType, baseData } }) => ({
    type: baseType,
    name: baseData.name ?? baseData.message,
    ...(baseData.resultCode !== undefined && { result: baseData.resultCode }),
    operation: tags["ai.operation.id"],
    parent: tags["ai.operation.parentId"],
    function: tags["ai.operation.name"],
  }));
  return { envelopes, items, paths, authorizations, called, measured, stderr, exitCode };
}

async function serve(server: ReturnType<typeof createServer>, listener: RequestListener) {
  server.on("request", listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

test("of a callback URL no more is told than its host", async () => {
  const told: string[] = [];
  watchOutgoingCalls(
    () => "an invocation",
    ({ url }) => told.push(url()),
  );
  const answer = await httpsCallbacks.post("https://127.0.0.1:1/s3cret?sig=s3cret", { headers: {}, body: "{}" });
  expect([answer, told]).toEqual([{ failure: "ECONNREFUSED" }, ["https://127.0.0.1:1/REDACTED"]]);
});
