/** The embedded Functions host, as a process, over real HTTP and a real Azurite: what the real host does, it does. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { QueueServiceClient } from "@azure/storage-queue";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Azurite, freePorts, type RunningHost, runHost, startHost, waitUntil } from "./fixtures/host-app/processes.ts";

interface Seen {
  source: string;
  input: unknown;
  triggerMetadata?: Record<string, unknown>;
  traceContext?: { traceParent: string };
  retryContext?: { retryCount: number; maxRetryCount: number; exception?: { message: string } };
}

const fixture = join(process.cwd(), "test", "fixtures", "host-app");
const folder = mkdtempSync(join(process.env.TEST_FOLDER ?? "", "embedded-host-"));
const lockedApp = `import { app } from "@azure/functions"; app.http("Locked", { authLevel: "function", handler() {} });`;
let azurite: Azurite;
let queues: QueueServiceClient;
let host: RunningHost;

beforeAll(async () => {
  azurite = new Azurite(join(folder, "azurite"), await freePorts(3));
  await azurite.start();
  queues = QueueServiceClient.fromConnectionString(azurite.connectionString);
  await queues.createQueue("work");
  await putStaleMessage();
  host = await startHost(fixture, {
    APP_STORAGE: azurite.connectionString,
    WORK_QUEUE: "work",
    TICKS: "*/1 * * * * *",
    FUNCTIONS_HOST_KEY: "the key",
    "AzureWebJobs.Disabled.Disabled": "true",
  });
}, 30_000);

afterAll(async () => {
  await host?.stop();
  await azurite?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A message that was received more often than it may be, as a host that dies in the middle leaves it. */
async function putStaleMessage(): Promise<void> {
  const queue = queues.getQueueClient("stale");
  await queue.create();
  await queue.sendMessage(encode("stale"));
  for (let round = 0; round < 2; round += 1) {
    const [message] = (await queue.receiveMessages()).receivedMessageItems;
    if (message) await queue.updateMessage(message.messageId, message.popReceipt, undefined, 0);
  }
}

const encode = (text: string) => Buffer.from(text).toString("base64");
const send = (queue: string, text: string) => queues.getQueueClient(queue).sendMessage(encode(text));
const call = (path: string, init?: RequestInit) => fetch(`${host.url}${path}`, init);
const seenBy = async (source: string): Promise<Seen[]> =>
  ((await (await call("/api/seen")).json()) as Seen[]).filter((one) => one.source === source);

async function peek(queue: string): Promise<string[]> {
  const { peekedMessageItems } = await queues.getQueueClient(queue).peekMessages({ numberOfMessages: 32 });
  return peekedMessageItems.map((message) => message.messageText);
}

/** What no HTTP client lets one send. Ends when the server has closed the connection. */
function sendRaw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(host.port, "127.0.0.1", () => socket.write(text, "latin1"));
    socket.setEncoding("latin1").on("data", (chunk) => {
      answer += chunk;
    });
    socket.on("close", () => resolve(answer)).on("error", reject);
  });
}

describe("an HTTP function", () => {
  test("gets URL, query, parameters, headers and body as the Functions host passes them", async () => {
    const response = await call("/api/ECHO/a%20b/x/y%2Fz?q=1&Q=2&e", {
      method: "PUT",
      headers: { "X-Mixed": "Case" },
      body: "grüße",
    });
    const echo = (await response.json()) as Record<string, unknown>;
    expect(response.status).toBe(200);
    expect(response.headers.get("x-answered")).toBe("yes");
    expect(echo).toMatchObject({
      url: `${host.url}/api/ECHO/a%20b/x/y%2Fz?q=1&Q=2&e`,
      method: "PUT",
      headers: { "x-mixed": "Case" },
      params: { id: "a b", rest: "x/y%2Fz" },
      query: { q: "1,2", e: "" },
      body: "grüße",
      invocationId: expect.stringMatching(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/),
    });
  });

  test("gets no body that came without a Content-Length, and the connection goes on", async () => {
    const answer = await sendRaw(
      "POST /api/echo/1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nlost\r\n0\r\n\r\n" +
        "GET /api/status/200 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    );
    expect(answer).toContain('"body":""');
    expect(answer).toMatch(/text$/);
  });

  test("gets no body with GET", async () => {
    const answer = await sendRaw(
      "GET /api/echo/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 4\r\n\r\nlost",
    );
    expect(answer).toContain('"body":""');
  });

  test("returns bytes exactly, whatever length its own headers claim", async () => {
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, index) => (index * 7) % 256));
    const response = await call("/api/bytes", { method: "POST", body: bytes });
    expect(response.headers.get("content-length")).toBe("100000");
    expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
  });

  test("continues the caller's trace, and starts one where there is none", async () => {
    const trace = "0af7651916cd43dd8448eb211c80319c";
    const traceOf = async (traceparent?: string) => {
      const response = await call("/api/echo/1", traceparent ? { headers: { traceparent, tracestate: "a=b" } } : {});
      return ((await response.json()) as { traceContext: object }).traceContext;
    };
    expect(await traceOf(`00-${trace}-b7ad6b7169203331-01`)).toEqual({
      traceParent: expect.stringMatching(new RegExp(`^00-${trace}-[\\da-f]{16}-01$`)),
      traceState: "a=b",
    });
    const fresh = { traceParent: expect.stringMatching(/^00-(?!0{32})[\da-f]{32}-[\da-f]{16}-0[01]$/) };
    expect(await traceOf()).toEqual(fresh);
    expect(await traceOf(`00-${"0".repeat(32)}-b7ad6b7169203331-01`)).toEqual(fresh);
  });

  test.each([
    ["GET", "/api/things/special", 200, { name: "Special", params: {} }],
    ["GET", "/api/THINGS/Special/", 200, { name: "Special", params: {} }],
    ["GET", "/api/things/42", 200, { name: "ByNumber", params: { number: "42" } }],
    ["GET", "/api/things/2147483648", 200, { name: "Rest", params: { rest: "2147483648" } }],
    ["GET", "/api/things/abcd", 200, { name: "ByName", params: { name: "abcd" } }],
    ["GET", "/api/things/abcde", 200, { name: "Rest", params: { rest: "abcde" } }],
    [
      "GET",
      "/api/things/8E3AF657-a8ff-443c-a75c-2fe8c4bcb635",
      200,
      { name: "ById", params: { id: "8E3AF657-a8ff-443c-a75c-2fe8c4bcb635" } },
    ],
    ["GET", "/api/things/a/b/c", 200, { name: "Rest", params: { rest: "a/b/c" } }],
    ["GET", "/api/things", 200, { name: "Rest", params: {} }],
    ["GET", "/api/things/../things/7", 200, { name: "ByNumber", params: { number: "7" } }],
    ["GET", "/api/paged", 200, {}],
    ["GET", "/api/paged/2", 200, { page: "2" }],
    ["GET", "/api/paged/2/3", 404, undefined],
    ["POST", "/api/things/special", 404, undefined],
    ["HEAD", "/api/things/special", 404, undefined],
    ["OPTIONS", "/api/nowhere", 404, undefined],
    ["GET", "/api/disabled", 404, undefined],
    ["GET", "/things/special", 404, undefined],
    ["GET", "/", 404, undefined],
  ])("is found by its route or not at all: %s %s is %d", async (method, path, status, body) => {
    const answer = await sendRaw(`${method} ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    const [head = "", text = ""] = answer.split("\r\n\r\n");
    expect(head).toContain(`HTTP/1.1 ${status} `);
    expect(text === "" ? undefined : JSON.parse(text)).toEqual(body);
  });

  test.each([
    ["/api/nothing", 204],
    ["/api/status/204", 204],
    ["/api/status/205", 205],
    ["/api/status/304", 304],
  ])("answers %s with %d and no body", async (path, status) => {
    const response = await call(path);
    expect(response.status).toBe(status);
    expect(await response.text()).toBe("");
  });

  test("that throws answers 500 with an empty body, and is named on stderr with its invocation", async () => {
    const response = await call("/api/fails");
    expect(response.status).toBe(500);
    expect(await response.text()).toBe("");
    expect(host.errors()).toMatch(
      /\[Fails\] Executed 'Functions\.Fails' \(Failed, Id=[\da-f-]{36}\)\. Error: the handler broke/,
    );
  });

  test("that outlives functionTimeout answers 500", async () => {
    const response = await call("/api/slow/60000");
    expect(response.status).toBe(500);
    expect(host.errors()).toContain("Timeout value of 2 s was exceeded.");
  });

  test("sets its cookies", async () => {
    expect((await call("/api/cookies")).headers.getSetCookie()).toEqual([
      "plain=a%20b; path=/",
      "full=1; max-age=60; path=/x; secure; samesite=lax; httponly",
    ]);
  });

  test("with authLevel function wants the host key, and the header wins over the query", async () => {
    const key = { "x-functions-key": "the key" };
    const tries = [
      await call("/api/locked"),
      await call("/api/locked?code=wrong"),
      await call("/api/locked?code=the%20key", { headers: { "x-functions-key": "the kex" } }),
      await call("/api/locked", { headers: key }),
      await call("/api/locked?code=the+key"),
    ];
    expect(tries.map((response) => response.status)).toEqual([401, 401, 401, 200, 200]);
    expect(await tries[0]?.text()).toBe("");
    expect(host.output()).toContain("x-functions-key: the key");
  });

  test.each(["", "a b", "a/b", "user@host", "[::1", "host:99999", "host:port", "1.2.3.4.5", "%", "a\\b"])(
    "is out of reach of the Host header '%s', which is answered 400",
    async (name) => {
      const answer = await sendRaw(`GET /api/nothing HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`);
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
      expect((await call("/api/nothing")).status).toBe(204);
    },
  );

  test.each([
    ["GET /api/nothing HTTP/1.1\r\nConnection: close\r\n\r\n", 400],
    ["GET /api/nothing HTTP/1.0\r\n\r\n", 400],
    ["GET /api/nothing HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n", 400],
    ["GET /api/%00 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 400],
    ["GET * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 405],
    ["OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 404],
    ["GET http://other/api/nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 204],
    ["GET /api/nothing HTTP/1.1\r\nHost: [::1]:80\r\nConnection: close, upgrade\r\nUpgrade: h2c\r\n\r\n", 204],
    ["POST /api/bytes HTTP/1.1\r\nHost: a\r\nContent-Length: 104857601\r\n\r\n", 413],
    ["GET /api/echo/%zz/%ff?%zz=%ff&__proto__=1 HTTP/1.1\r\nHost: a\r\n__proto__: x\r\nConnection: close\r\n\r\n", 200],
  ])("survives %j with %d", async (request, status) => {
    expect(await sendRaw(request)).toContain(`HTTP/1.1 ${status} `);
  });

  test("is not run when its caller leaves in the middle of the request, and may run on when it leaves later", async () => {
    const leave = (text: string) =>
      new Promise<void>((resolve) => {
        const socket = connect(host.port, "127.0.0.1", () => socket.write(text));
        socket.on("close", () => resolve()).on("error", () => undefined);
        setTimeout(() => socket.resetAndDestroy(), 50);
      });
    await leave("POST /api/bytes HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");
    await leave("GET /api/slow/100 HTTP/1.1\r\nHost: a\r\n\r\n");
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await call("/api/nothing")).status).toBe(204);
    expect(host.errors()).not.toMatch(/\[(Bytes|Slow)\] Executed .*(aborted|ECONNRESET)/);
  });

  test("that throws what is no error answers 500 all the same", async () => {
    for (const thrown of ["undefined", "nothing", "bare"]) {
      expect((await call(`/api/throws/${thrown}`)).status).toBe(500);
    }
  });

  test("runs between the hooks, which may replace its handler and its result", async () => {
    const response = await call("/api/hooked");
    expect([response.status, await response.text()]).toEqual([203, "the hook"]);
  });

  test("logs its warnings to stderr and keeps its information to itself", async () => {
    await call("/api/logs");
    expect(host.errors()).toContain("[Logs] a warning\n");
    expect(host.output() + host.errors()).not.toContain("an information");
  });
});

describe("a queue function", () => {
  test("gets what an output binding sent, parsed, its properties over the trigger's metadata", async () => {
    const text = '{"ID": "own", "n": 7, "at": "2026-01-01T00:00:00.000Z", "list": [1], "yes": true}';
    expect((await call("/api/send", { method: "POST", body: text })).status).toBe(202);
    await waitUntil(async () => (await seenBy("Work")).length > 0);
    const [seen] = await seenBy("Work");
    expect(seen?.input).toEqual(JSON.parse(text));
    expect(seen?.triggerMetadata).toMatchObject({
      queueTrigger: { iD: "own", n: 7 },
      dequeueCount: 1,
      id: "own",
      n: 7,
      at: "2026-01-01T00:00:00.000Z",
      yes: "True",
      popReceipt: expect.any(String),
      insertionTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/),
    });
    expect(seen?.triggerMetadata).not.toHaveProperty("list");
    await waitUntil(async () => (await peek("work")).length === 0);
  });

  test("is tried maxDequeueCount times, then its message moves to the poison queue unchanged", async () => {
    await send("work", '{"fail":true}');
    await waitUntil(async () => (await peek("work-poison").catch(() => [])).length === 1);
    const tries = (await seenBy("Work")).filter(({ input }) => JSON.stringify(input) === '{"fail":true}');
    expect(tries.map((one) => one.triggerMetadata?.dequeueCount)).toEqual([1, 2]);
    expect(await peek("work-poison")).toEqual([encode('{"fail":true}')]);
    expect(host.errors()).toContain(
      "Message has reached MaxDequeueCount of 2. Moving message to queue 'work-poison'.\n",
    );
    await waitUntil(async () => (await peek("work")).length === 0);
  });

  test("never runs for a message that is not base64: it is moved to the poison queue at once", async () => {
    const before = (await seenBy("Work")).length;
    await queues.getQueueClient("work").sendMessage("plain text!");
    await waitUntil(async () => (await peek("work-poison")).includes("plain text!"));
    expect((await seenBy("Work")).length).toBe(before);
  });

  test("never runs for a message that was received too often before: it is moved to the poison queue", async () => {
    await waitUntil(async () => (await peek("stale-poison").catch(() => [])).length === 1);
    expect(await seenBy("Stale")).toEqual([]);
  });

  test("waits for a queue that is not there yet, and does not create it", async () => {
    expect(await queues.getQueueClient("late").exists()).toBe(false);
    await queues.createQueue("late");
    await send("late", "123");
    await waitUntil(async () => (await seenBy("Late")).length === 1);
    expect((await seenBy("Late"))[0]?.input).toBe(123);
  });

  test("runs its messages side by side and each of them once", async () => {
    await Promise.all(Array.from({ length: 40 }, (_, index) => send("late", `"many ${index}"`)));
    await waitUntil(async () => (await seenBy("Late")).length >= 41);
    const inputs = (await seenBy("Late")).map(({ input }) => input);
    expect(new Set(inputs).size).toBe(inputs.length);
  });

  test("is fired by hand without its queue", async () => {
    const init = { method: "POST", headers: { "content-type": "application/json" } };
    const response = await call("/admin/functions/late", { ...init, body: '{"input":"{\\"by\\":\\"hand\\"}"}' });
    expect(response.status).toBe(202);
    await waitUntil(async () => (await seenBy("Late")).some(({ triggerMetadata }) => triggerMetadata?.by === "hand"));
  });
});

describe("a timer function", () => {
  const fire = (name: string, type = "application/json", body = "{}") =>
    call(`/admin/functions/${name}`, { method: "POST", headers: { "content-type": type }, body });

  test("runs at start-up when it asks for it, knowing its schedule", async () => {
    expect((await seenBy("OnStartup")).map(({ input }) => input)).toEqual([
      {
        schedule: { adjustForDST: true },
        scheduleStatus: {
          last: "0001-01-01T00:00:00+00:00",
          lastUpdated: "0001-01-01T00:00:00+00:00",
          next: expect.stringMatching(/^\d{4}-01-01T00:00:00\.000\+00:00$/),
        },
        isPastDue: false,
      },
    ]);
  });

  test("runs by its schedule and on demand, but never twice at a time", async () => {
    await fire("Ticks");
    await fire("Ticks");
    await waitUntil(async () => (await seenBy("Ticks ended")).length >= 3);
    const all = (await (await call("/api/seen")).json()) as Seen[];
    expect(all.find(({ source }) => source === "Ticks")?.input).toHaveProperty("scheduleStatus", null);
    const order = all.map(({ source }) => source).filter((source) => source.startsWith("Ticks"));
    expect(order).toEqual(order.map((_, index) => (index % 2 === 0 ? "Ticks" : "Ticks ended")));
  });

  test("that fails is run again as its retry policy says", async () => {
    expect((await fire("retried")).status).toBe(202);
    await waitUntil(async () => (await seenBy("Retried")).length === 3);
    expect((await seenBy("Retried")).map(({ retryContext }) => retryContext)).toEqual([
      undefined,
      { retryCount: 1, maxRetryCount: 2, exception: { message: "the timer broke" } },
      { retryCount: 2, maxRetryCount: 2, exception: { message: "the timer broke" } },
    ]);
  });

  test("cannot be fired by a name that is not there, an HTTP function's, or a form of a web page", async () => {
    expect((await fire("nobody")).status).toBe(404);
    expect((await fire("Echo")).status).toBe(404);
    expect((await fire("Retried", "text/plain")).status).toBe(415);
    expect((await fire("Retried", "application/json", "not JSON")).status).toBe(400);
    expect((await call("/admin/functions/Retried")).status).toBe(404);
  });
});

describe("the host", () => {
  test("outlives its storage and goes on listening when it is back", async () => {
    await azurite.stop();
    expect((await call("/api/send", { method: "POST", body: "lost" })).status).toBe(500);
    expect((await call("/api/nothing")).status).toBe(204);
    await azurite.start();
    await send("late", '"after the outage"');
    await waitUntil(async () => (await seenBy("Late")).some(({ input }) => input === "after the outage"));
  });

  test("lets a request finish when it is told to stop, then runs appTerminate and exits with 0", async () => {
    const slow = call("/api/slow/700");
    await new Promise((resolve) => setTimeout(resolve, 200));
    const stopped = host.stop();
    await new Promise((resolve) => setTimeout(resolve, 100));
    await expect(call("/api/nothing")).rejects.toThrow();
    expect(await (await slow).text()).toBe("done");
    expect(await stopped).toBe(0);
    expect(host.output()).toContain("appTerminate, started: true");
    expect(host.errors()).not.toMatch(/uncaughtException|unhandledRejection|was not answered/);
  });

  test("makes a key of its own when it needs one, and keeps it to the owner", async () => {
    const appRoot = makeApp({ "main.js": lockedApp });
    const first = await startHost(appRoot);
    const key = readFileSync(join(appRoot, ".local", "host-key"), "utf8").trim();
    expect(statSync(join(appRoot, ".local", "host-key")).mode & 0o777).toBe(0o600);
    expect(first.output()).toContain(`x-functions-key: ${key}`);
    expect((await fetch(`${first.url}/api/locked?code=${key}`)).status).toBe(204);
    expect(await first.stop("SIGINT")).toBe(0);
  });

  test("takes settings from local.settings.json, but the environment's over them", async () => {
    const values = { FUNCTIONS_HOST_KEY: "from the file", FROM_FILE: "file", FROM_BOTH: "file" };
    const appRoot = makeApp({
      "main.js": `import { app } from "@azure/functions";
        app.http("Settings", { handler: () => ({ jsonBody: [process.env.FROM_FILE, process.env.FROM_BOTH] }) });`,
      "local.settings.json": JSON.stringify({ IsEncrypted: false, Values: values }),
      "host.json": '{"version":"2.0","extensions":{"http":{"routePrefix":""}}}',
    });
    const other = await startHost(appRoot, { FROM_BOTH: "environment" });
    expect(await (await fetch(`${other.url}/settings`)).json()).toEqual(["file", "environment"]);
    expect(other.output()).not.toContain("x-functions-key");
    await other.stop();
  });

  test("reports a function it cannot run and serves the others", async () => {
    const appRoot = makeApp({
      "main.js": `import { app, input } from "@azure/functions";
        app.storageQueue("NoStorage", { connection: "NOT_SET", queueName: "work", handler: () => {} });
        app.timer("NoSchedule", { schedule: "whenever", handler: () => {} });
        app.timer("NoSetting", { schedule: "%NOT_SET%", handler: () => {} });
        app.serviceBusQueue("NoTrigger", { connection: "NOT_SET", queueName: "work", handler: () => {} });
        app.http("NoInput", { extraInputs: [input.storageBlob({ connection: "", path: "a/b" })], handler: () => {} });
        app.http("Fine", { handler: () => {} });`,
    });
    const other = await startHost(appRoot);
    expect((await fetch(`${other.url}/api/fine`)).status).toBe(204);
    await other.stop();
    expect(other.errors().match(/^\[\w+\] The function is left out: .+/gm)).toEqual([
      expect.stringContaining("[NoStorage] The function is left out: The storage connection 'NOT_SET' is not set"),
      expect.stringContaining("[NoSchedule]"),
      "[NoSetting] The function is left out: '%NOT_SET%' does not resolve to a value.",
      expect.stringContaining("no 'serviceBusTrigger'"),
      expect.stringContaining("no 'blob' input"),
    ]);
  });

  const streaming = 'import { app } from "@azure/functions"; app.setup({ enableHttpStream: true });';
  test.each([
    ["nothing built", {}, 'No file matches "main" of package.json (main.js): run `npm run build` first.'],
    ["a broken host.json", { "main.js": "", "host.json": "{" }, "host.json is not valid JSON: "],
    ["a host.json of another version", { "main.js": "", "host.json": "{}" }, 'host.json must say "version": "2.0".'],
    [
      "a batch size too large",
      { "main.js": "", "host.json": '{"version":"2.0","extensions":{"queues":{"batchSize":33}}}' },
      'host.json: "batchSize" must be a whole number from 1 to 32, not 33.',
    ],
    [
      "an app that refuses its settings",
      { "main.js": 'throw new Error("A is missing.\\nB too.")' },
      "A is missing.\nB too.",
    ],
    ["an app with a syntax error", { "main.js": "let let" }, "main.js: "],
    [
      "HTTP streaming",
      { "main.js": `${streaming} app.http("X", { handler() {} });` },
      "This host has no HTTP streaming",
    ],
    [
      "the same function twice",
      { "main.js": lockedApp + lockedApp.split(";")[1] },
      '"Locked" has already been registered',
    ],
  ])("does not start with %s, and says so without a stack", async (_, files: Record<string, string>, sentence) => {
    const { ended, text } = runHost(makeApp(files));
    expect(await ended).toBe(1);
    expect(text.err).toContain(sentence);
    expect(text.err).not.toMatch(/^\s+at /m);
    expect(text.out).not.toContain("listening");
  });

  test("does not start on a port that is taken, or is none", async () => {
    const [port = 0] = await freePorts(1);
    const appRoot = makeApp({ "main.js": lockedApp });
    const first = await startHost(appRoot, { PORT: `${port}` });
    const second = runHost(appRoot, { PORT: `${port}` });
    expect(await second.ended).toBe(1);
    expect(second.text.err).toBe(`Port ${port} is in use: set PORT to another one.\n`);
    await first.stop();
    const third = runHost(appRoot, { PORT: "http" });
    expect(await third.ended).toBe(1);
    expect(third.text.err).toBe('PORT must be a number up to 65535, not "http".\n');
  });
});

function makeApp(files: Record<string, string>): string {
  const appRoot = mkdtempSync(join(folder, "app-"));
  mkdirSync(appRoot, { recursive: true });
  symlinkSync(join(process.cwd(), "node_modules"), join(appRoot, "node_modules"));
  writeFileSync(join(appRoot, "package.json"), '{"type":"module","main":"main.js"}');
  for (const [name, text] of Object.entries(files)) writeFileSync(join(appRoot, name), text);
  return appRoot;
}
