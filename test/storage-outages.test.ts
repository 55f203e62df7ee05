import { randomUUID } from "node:crypto";
import { cp, mkdtemp, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { TableClient } from "@azure/data-tables";
import { QueueClient } from "@azure/storage-queue";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import type { Customer } from "../local/stand-ins/customer.ts";
import { bucketOf } from "../shared/adapters/table-keys.ts";
import type { CustomerId } from "../shared/domain/identifiers.ts";
import { countMessages, countRows, eventually, faultsOfLog, readLog } from "./harness/ledger.ts";
import { type Answer, type Product, startProduct } from "./harness/product.ts";
import type { Fate, StorageCall } from "./harness/storage-proxy.ts";
import { admit, makeEligibleTenant } from "./harness/tenants.ts";

jest.setTimeout(90_000);

/** What storage owes us is asked for no longer than this. */
const longestSeconds = 15;

let product: Product;

beforeAll(async () => {
  product = await startProduct({ settings: { AzureWebJobsScriptRoot: await appWithQuickQueue() } });
  product.storage.fate = (call) => weather.lists?.(call) ?? weather.probes?.(call) ?? ofCustomer(call) ?? "forward";
  await prepareMessages();
  for (const { begin } of allInAdvance) begin();
});
afterAll(() => product.stop());

/** The same app under a host.json that gives a failed message back at once: five tries take no two minutes. */
async function appWithQuickQueue(): Promise<string> {
  const folder = await mkdtemp(join(process.env.TEST_FOLDER ?? "", "quick-queue-"));
  const host = JSON.parse(await readFile("host.json", "utf8"));
  Object.assign(host.extensions.queues, { visibilityTimeout: "00:00:00", maxPollingInterval: "00:00:01" });
  await writeFile(join(folder, "host.json"), JSON.stringify(host));
  await cp("package.json", join(folder, "package.json"));
  await symlink(join(process.cwd(), "dist"), join(folder, "dist"));
  return folder;
}

type Operation = "read" | "change" | "commit" | "push" | "log" | "index" | "pendingDelete" | "pendingList" | "logList";

function operationOf({ service, method, path }: StorageCall): Operation | undefined {
  if (service === "queue") return method === "POST" ? "push" : undefined;
  if (path.startsWith("/$batch")) return "commit";
  if (path.startsWith("/CustomerPermissions(") && path.includes("RowKey='customer|")) return "read";
  if (path.startsWith("/CustomerPermissions(") && path.includes("RowKey='change|")) return "change";
  if (path.startsWith("/CustomerPermissions(") && path.includes("'pending|") && method === "DELETE")
    return "pendingDelete";
  if (path.startsWith("/CustomerPermissions()") && path.includes("'pending|")) return "pendingList";
  if (path.startsWith("/ActivityLog()")) return "logList";
  if (path.startsWith("/ActivityLog") && method === "POST") return "log";
  if (path.startsWith("/ActivityByDay(") && method === "PUT") return "index";
  return undefined;
}

/** For calls that concern no single customer. */
const weather: Partial<Record<"lists" | "probes", (call: StorageCall) => Fate | undefined>> = {};
/** By customer, so that each case has its own weather. */
const fates = new Map<string, (call: StorageCall) => Fate | undefined>();

function ofCustomer(call: StorageCall): Fate | undefined {
  const message = /<MessageText>([^<]*)</.exec(call.body)?.[1] ?? "";
  const text = `${call.path} ${call.body} ${Buffer.from(message, "base64")}`;
  for (const [customerId, fate] of fates) if (text.includes(customerId)) return fate(call);
  return undefined;
}

/** Spoils the operation so many times. @returns how often it has done so */
function spoil({ tenantId }: Customer, operation: Operation, fate: Fate, times = Number.POSITIVE_INFINITY) {
  let hits = 0;
  fates.set(tenantId, (call) => {
    if (operationOf(call) !== operation || hits >= times) return undefined;
    hits += 1;
    return fate;
  });
  return () => hits;
}

const html = { "Content-Type": "text/html" };
const json = { "Content-Type": "application/json" };
const page = "<html><head><title>Proxy</title></head><body>Sorry.</body></html>";
const storageError = (code: string) =>
  JSON.stringify({ "odata.error": { code, message: { lang: "en-US", value: `${code}.` } } });

/** What can become of any call without anything being done. */
const undone: Readonly<Record<string, Fate>> = {
  "is lost": "loseRequest",
  "is never answered": "hang",
  "is answered 500": { status: 500, headers: json, body: storageError("InternalError") },
  "is answered 503": { status: 503, headers: json, body: storageError("ServerBusy") },
  "is answered 429": { status: 429 },
  "is answered 403": { status: 403, headers: json, body: storageError("AuthorizationFailure") },
  "meets a proxy's 403": { status: 403, headers: html, body: page },
  "meets a proxy's 404": { status: 404, headers: html, body: page },
  "meets a 404 without a word": { status: 404 },
  "meets a 404 that is somebody else's JSON": { status: 404, headers: json, body: '{"error":{"code":"NotFound"}}' },
  "meets a proxy's 409": { status: 409, headers: html, body: page },
  "meets a proxy's 412": { status: 412, headers: html, body: page },
  "meets a proxy's 502": { status: 502, headers: html, body: page },
  "meets a proxy's 200": { status: 200, headers: html, body: page },
  "is answered 200 {}": { status: 200, headers: json, body: "{}" },
  "is answered 200 null": { status: 200, headers: json, body: "null" },
  "is answered 202 without a word": { status: 202 },
  "is answered 204 without a word": { status: 204 },
};

/** What can become of a write that was done. */
const done: Readonly<Record<string, Fate>> = {
  "is done, and its reply is lost": "loseReply",
  "is done, and never answered": { afterwards: () => new Promise(() => undefined) },
  "is done, and answered 500": { status: 500, done: true },
  "is done, and answered by a proxy's 502": { status: 502, headers: html, body: page, done: true },
  "is done, and answered by a proxy's 200": { status: 200, headers: html, body: page, done: true },
  "is done, and answered by a proxy's 404": { status: 404, headers: html, body: page, done: true },
};

/** What passes at the second look is not worth a failure. */
const passing = [
  "is lost",
  "is never answered",
  "is answered 500",
  "is answered 503",
  "is answered 429",
  "meets a proxy's 502",
  "is done, and its reply is lost",
  "is done, and answered 500",
  "is done, and answered by a proxy's 502",
];

interface Case {
  readonly operation: Operation;
  readonly name: string;
  readonly fate: Fate;
  readonly times: number;
  readonly repeatable: boolean;
}

const forEver = Number.POSITIVE_INFINITY;
const cases: Case[] = [
  ...casesOf(["read", "change", "commit", "push"], undone, [1, forEver], [true]),
  ...casesOf(["commit"], undone, [1], [false]),
  ...casesOf(["commit"], done, [1, forEver], [true, false]),
  ...casesOf(["push"], done, [1], [true]),
];

function casesOf(
  operations: readonly Operation[],
  of: Readonly<Record<string, Fate>>,
  howOften: readonly number[],
  repeatables: readonly boolean[],
): Case[] {
  return operations.flatMap((operation) =>
    Object.entries(of).flatMap(([name, fate]) =>
      howOften.flatMap((times) => repeatables.map((repeatable) => ({ operation, name, fate, times, repeatable }))),
    ),
  );
}

/** Everything that runs before it is judged. */
const allInAdvance: { begin(): void; ended(): Promise<unknown> }[] = [];

async function allEnded(): Promise<void> {
  for (const { ended } of allInAdvance) await ended();
}

/** Runs cases side by side before the first one is judged, because most of them only wait. */
function inAdvance<Given, Outcome>(all: readonly Given[], run: (given: Given) => Promise<Outcome>, most = 3) {
  const outcomes = new Map(all.map((given) => [given, Promise.withResolvers<Outcome>()]));
  const ended = () => Promise.allSettled([...outcomes.values()].map(({ promise }) => promise));
  const begin = () => {
    const waiting = [...outcomes];
    const work = async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const [given, { resolve, reject }] = next;
        await run(given).then(resolve, reject);
      }
    };
    for (const { promise } of outcomes.values()) promise.catch(() => undefined);
    for (let worker = 0; worker < most; worker++) work().catch(() => undefined);
  };
  allInAdvance.push({ begin, ended });
  return {
    ended,
    async of(given: Given): Promise<Outcome> {
      const outcome = outcomes.get(given);
      if (outcome === undefined) throw new Error("The case was not run.");
      return outcome.promise;
    },
  };
}

const takesLong = ({ fate, times }: Pick<Case, "fate" | "times">) =>
  Number(times > 1) + Number(fate === "hang") + Number(typeof fate === "object" && "afterwards" in fate);
const switches = inAdvance(
  [...cases].sort((one, other) => takesLong(other) - takesLong(one)),
  suffer,
  10,
);

/** One customer's switch to On while storage fails, and the same request again when it is well. */
async function suffer({ operation, name, fate, times, repeatable }: Case) {
  const customer = admit(product, makeEligibleTenant(`${operation} ${name} ${times} ${repeatable}`));
  const requestId = repeatable ? randomUUID() : undefined;
  const hits = spoil(customer, operation, fate, times);
  const put = await timed(setPermission(customer, "On", requestId));
  const inLogAtOnce = put.status === 200 ? await readLog(product, customer.tenantId) : undefined;
  const spoilt = hits();
  fates.delete(customer.tenantId);
  const rows = await rowsOf(customer);
  const state = (await read(customer)).body.state;
  const again = await timed(setPermission(customer, "On", requestId));
  return { put, inLogAtOnce, spoilt, rows, state, again, log: await readLog(product, customer.tenantId) };
}

function setPermission({ tenantId }: Customer, state: "On" | "Off", requestId?: string): Promise<Answer> {
  return product.call("PUT", `/customers/${tenantId}/permissions/azureReservations`, {
    body: { state },
    headers: requestId === undefined ? {} : { "Repeatability-Request-ID": requestId },
  });
}

function read({ tenantId }: Customer): Promise<Answer> {
  return product.call("GET", `/customers/${tenantId}/permissions/azureReservations`);
}

/** Counts in storage itself, past the proxy. Reads two short ranges only, for it is done hundreds of times. */
async function rowsOf({ tenantId }: Customer): Promise<{ pending: number; logged: number }> {
  const count = async (table: string, filter: string) => {
    const client = TableClient.fromConnectionString(product.connectionString, table, { allowInsecureConnection: true });
    return (await Array.fromAsync(client.listEntities({ queryOptions: { filter } }))).length;
  };
  const bucket = bucketOf(tenantId as CustomerId);
  return {
    pending: await count(
      "CustomerPermissions",
      `PartitionKey eq '${bucket}' and RowKey ge 'pending|' and RowKey lt 'pending}' and customerId eq '${tenantId}'`,
    ),
    logged: await count("ActivityLog", `PartitionKey eq '${tenantId}'`),
  };
}

async function timed(answer: Promise<Answer>) {
  const start = performance.now();
  return { ...(await answer), seconds: (performance.now() - start) / 1000 };
}

function expectUnavailable(answer: Answer & { readonly seconds: number }): void {
  expect(answer).toMatchObject({ status: 503, body: { error: { code: "DependencyUnavailable" } } });
  expect(answer.body.error.message).toBe(
    `Not available at the moment. Try again, or quote request ${answer.headers.get("x-ms-request-id")}.`,
  );
  expect(answer.headers.get("retry-after")).toMatch(/^[1-9]\d*$/);
  expect(answer.seconds).toBeLessThan(longestSeconds);
}

const label = ({ operation, name, times, repeatable }: Case) =>
  [
    { read: "the read", change: "the look-up of the request", commit: "the transaction", push: "the message" }[
      operation as "read" | "change" | "commit" | "push"
    ],
    name,
    times === 1 ? "once" : "every time",
    repeatable ? "" : "(without a request id)",
  ]
    .join(" ")
    .trim();
const labelled = (some: readonly Case[]) => some.map((one) => [label(one), one] as const);
const isDone = ({ name }: Case) => name in done;

describe("a switch to On is true and safe to repeat when", () => {
  test.each(labelled(cases))("%s", async (_, one) => {
    const { put, inLogAtOnce, spoilt, rows, state, again, log } = await switches.of(one);
    const committed = rows.pending + rows.logged;

    expect(spoilt).toBeGreaterThan(0);
    if (put.status === 200) {
      // Answered 200: committed, with its activity, exactly once, and to be seen at once.
      expect(put.body).toMatchObject({ state: "On", changed: true });
      expect(put.seconds).toBeLessThan(longestSeconds);
      expect(committed).toBeGreaterThanOrEqual(1);
      expect(inLogAtOnce).toHaveLength(1);
      expect(again.body.changeId).toBe(put.body.changeId);
    } else {
      expectUnavailable(put);
    }
    // State and activity exist together or not at all.
    expect(state).toBe(committed === 0 ? "Off" : "On");
    expect(again).toMatchObject({ status: 200, body: { state: "On" } });
    expect(again.body.changed).toBe(one.repeatable || committed === 0);
    expect(log).toHaveLength(1);
    expect(faultsOfLog(log)).toEqual([]);
  });

  // What was done is found by looking for its change.
  const quick = cases.filter(
    (one) =>
      one.operation !== "push" &&
      one.times === 1 &&
      (isDone(one) ? !one.name.endsWith("404") : passing.includes(one.name)),
  );
  test.each(labelled(quick))("%s, and goes through at the first request", async (_, one) => {
    expect((await switches.of(one)).put.status).toBe(200);
  });

  const lasting = cases.filter((one) => one.operation !== "push" && one.times === forEver && !isDone(one));
  test.each(labelled(lasting))("%s, and then nothing has happened", async (_, one) => {
    const { put, rows } = await switches.of(one);

    expect(put.status).toBe(503);
    expect(rows).toEqual({ pending: 0, logged: 0 });
  });
});

async function eligibleAndOn(name: string): Promise<Customer> {
  const customer = admit(product, makeEligibleTenant(name));
  const { status } = await setPermission(customer, "On");
  if (status !== 200) throw new Error(`${name} was answered ${status}.`);
  return customer;
}

const readCases = Object.entries(undone).map(([name, fate]) => ({ name, fate }));
const reads = inAdvance(readCases, async ({ name, fate }) => {
  const customer = await eligibleAndOn(`read ${name}`);
  const hits = spoil(customer, "read", fate);
  const answers = await Promise.all(
    ["/permissions", "/permissions/azureReservations"].map((path) =>
      timed(product.call("GET", `/customers/${customer.tenantId}${path}`)),
    ),
  );
  const spoilt = hits();
  spoil(customer, "read", fate, 1);
  const once = await read(customer);
  fates.delete(customer.tenantId);
  return { spoilt, answers, once, after: await read(customer) };
});

describe("a customer that is On is answered 503, never Off, when every read", () => {
  test.each(readCases)("$name", async (one) => {
    const { spoilt, answers, once, after } = await reads.of(one);

    expect(spoilt).toBeGreaterThanOrEqual(2);
    for (const answer of answers) expectUnavailable(answer);
    if (once.status !== 503) expect(once).toMatchObject({ status: 200, body: { state: "On" } });
    expect(after).toMatchObject({ status: 200, body: { state: "On" } });
  });

  test.each(readCases.filter(({ name }) => /lost|never|500|503|429|502/.test(name)))(
    "$name, and is answered On when only the first one is",
    async (one) => {
      expect((await reads.of(one)).once).toMatchObject({ status: 200, body: { state: "On" } });
    },
  );
});

type Row = Record<string, unknown>;
const textsOf = (row: Row) =>
  Object.entries(row).filter((entry): entry is [string, string] => typeof entry[1] === "string");
/** What a row is about stands in its longest column, whatever the columns are called. */
const replaceLongest = (row: Row, by: (text: string) => string | undefined): Row => {
  const [[name, text] = ["", ""]] = textsOf(row).sort(([, one], [, other]) => other.length - one.length);
  return { ...row, [name]: by(text) };
};
const replaceAll = (row: Row, pattern: RegExp, by: string): Row => ({
  ...row,
  ...Object.fromEntries(textsOf(row).map(([name, text]) => [name, text.replace(pattern, by)])),
});
const damageCases: readonly { readonly name: string; readonly damage: (row: Row) => Row }[] = [
  { name: "has lost what it is about", damage: (row) => replaceLongest(row, () => undefined) },
  {
    name: "has lost half of what it is about",
    damage: (row) => replaceLongest(row, (text) => text.slice(0, text.length / 2)),
  },
  { name: "has null for what it is about", damage: (row) => replaceLongest(row, () => "null") },
  { name: "has a number for what it is about", damage: (row) => replaceLongest(row, () => "42") },
  { name: "has an empty object for what it is about", damage: (row) => replaceLongest(row, () => "{}") },
  { name: "has a list for what it is about", damage: (row) => replaceLongest(row, () => "[]") },
  { name: "has a switch in no known state", damage: (row) => replaceAll(row, /"state":"On"/g, '"state":"Maybe"') },
  { name: "has a switch without a state", damage: (row) => replaceAll(row, /"state":"On",/g, "") },
  { name: "has nothing but its keys", damage: () => ({}) },
];
const damages = inAdvance(damageCases, async ({ name, damage }) => {
  const customer = admit(product, makeEligibleTenant(`a row that ${name}`));
  const requestId = randomUUID();
  const first = await setPermission(customer, "On", requestId);
  const calls = product.storage.calls.length;
  const look = () => product.call("GET", `/customers/${customer.tenantId}/permissions`);

  const record = await rowOf(customer, `customer|${customer.tenantId}`);
  spoil(customer, "read", replyWith(record, damage));
  const unread = [
    await timed(look()),
    await timed(setPermission(customer, "On")),
    await timed(setPermission(customer, "Off")),
  ];
  spoil(customer, "read", replyWith(record));
  const sound = await read(customer);

  const change = await rowOf(customer, `change|${customer.tenantId}|${requestId}`);
  spoil(customer, "change", replyWith(change, damage));
  unread.push(await timed(setPermission(customer, "On", requestId)));
  spoil(customer, "change", replyWith(change));
  const again = await setPermission(customer, "On", requestId);
  fates.delete(customer.tenantId);
  const commits = product.storage.calls
    .slice(calls)
    .filter((call) => operationOf(call) === "commit" && call.body.includes(customer.tenantId)).length;
  return { first, unread, sound, again, commits };
});

async function rowOf({ tenantId }: Customer, rowKey: string): Promise<Row> {
  const table = TableClient.fromConnectionString(product.connectionString, "CustomerPermissions", {
    allowInsecureConnection: true,
  });
  return table.getEntity(bucketOf(tenantId as CustomerId), rowKey);
}

function replyWith(
  { partitionKey, rowKey, etag, timestamp: _, ...row }: Row,
  damage: (row: Row) => Row = (same) => same,
): Fate {
  return {
    status: 200,
    headers: { "Content-Type": "application/json;odata=minimalmetadata", ETag: String(etag) },
    body: JSON.stringify({ PartitionKey: partitionKey, RowKey: rowKey, ...damage(row) }),
  };
}

test.each(damageCases)(
  "a row that $name is taken for no state and no answer, and nothing is put on top of it",
  async (one) => {
    const { first, unread, sound, again, commits } = await damages.of(one);

    for (const answer of unread) expectUnavailable(answer);
    expect(commits).toBe(0);
    // The same replies with sound rows are read: it was the damage that was refused.
    expect(sound).toMatchObject({ status: 200, body: { state: "On" } });
    expect(again.body).toEqual(first.body);
  },
);

const unreadable: Readonly<Record<string, Fate>> = {
  ...undone,
  "is answered {value:null}": { status: 200, headers: json, body: '{"value":null}' },
  "is answered {value:{}}": { status: 200, headers: json, body: '{"value":{}}' },
  "is answered {value:[42]}": { status: 200, headers: json, body: '{"value":[42]}' },
  "is answered {value:[{}]}": { status: 200, headers: json, body: '{"value":[{}]}' },
  "is answered half of the JSON": {
    status: 200,
    headers: json,
    body: '{"value":[{"PartitionKey":"0","RowKey":"1","en',
  },
  "is answered a damaged row": {
    status: 200,
    headers: json,
    body: JSON.stringify({ value: [{ PartitionKey: "0", RowKey: "1", hash: "f".repeat(64), entry0: '{"hash":"' }] }),
  },
};
const logCases = (["pendingList", "logList"] as const).flatMap((operation) =>
  Object.entries(unreadable).map(([name, fate]) => ({ operation, name, fate })),
);
const logs = inAdvance(logCases, async ({ operation, name, fate }) => {
  const customer = await eligibleAndOn(`log ${operation} ${name}`);
  const list = () => timed(product.call("GET", `/activities?customerId=${customer.tenantId}`));
  const hits = spoil(customer, operation, fate);
  const answer = await list();
  const spoilt = hits();
  spoil(customer, operation, fate, 1);
  const once = await list();
  fates.delete(customer.tenantId);
  return { spoilt, answer, once, after: await list() };
});

describe("a log is answered 503, never shorter than it is, when the", () => {
  test.each(logCases)("$operation $name every time", async (one) => {
    const { spoilt, answer, once, after } = await logs.of(one);

    expect(spoilt).toBeGreaterThan(0);
    expectUnavailable(answer);
    if (once.status !== 503) expect(once.body.value).toHaveLength(1);
    expect(after).toMatchObject({ status: 200, body: { value: [{ sequence: 1 }] } });
  });

  test.each(logCases.filter(({ name }) => /lost|never|500|503|429|502|proxy's 200/.test(name)))(
    "$operation $name every time, and is whole when that happens once",
    async (one) => {
      expect((await logs.of(one)).once).toMatchObject({ status: 200, body: { value: [{ sequence: 1 }] } });
    },
  );
});

const customerLists = inAdvance(
  readCases,
  async ({ fate }) => {
    const listRange = ({ path }: StorageCall) => path.includes("PartitionKey eq '2'") && path.includes("'customer|");
    weather.lists = (call) => (listRange(call) ? fate : undefined);
    const answer = await timed(product.call("GET", "/customers?maxpagesize=200"));
    delete weather.lists;
    return { answer, after: await product.call("GET", "/customers?maxpagesize=200") };
  },
  1,
);

test.each(readCases)("the list of customers is answered 503 when one of its ranges $name", async (one) => {
  const { answer, after } = await customerLists.of(one);

  expectUnavailable(answer);
  expect(after.status).toBe(200);
});

const conflictCases = [
  { status: 412, code: "UpdateConditionNotSatisfied" },
  { status: 409, code: "EntityAlreadyExists" },
];
const conflicts = inAdvance(conflictCases, async ({ status, code }) => {
  const customer = admit(product, makeEligibleTenant(`conflict ${code}`));
  const conflict = { status, headers: json, body: storageError(code) };
  const hits = spoil(customer, "commit", conflict, 3);
  const passing = await setPermission(customer, "On");
  const spoilt = hits();
  spoil(customer, "commit", conflict);
  const lasting = await timed(setPermission(customer, "Off"));
  fates.delete(customer.tenantId);
  const state = (await read(customer)).body.state;
  return { spoilt, passing, lasting, state, log: await readLog(product, customer.tenantId) };
});

test.each(conflictCases)("a conflict ($status $code) is decided anew, and given up in time", async (one) => {
  const { spoilt, passing, lasting, state, log } = await conflicts.of(one);

  expect(spoilt).toBe(3);
  expect(passing).toMatchObject({ status: 200, body: { changed: true } });
  expectUnavailable(lasting);
  expect(state).toBe("On");
  expect(log).toHaveLength(1);
});

test("switches that meet at one customer all come to be, one after the other", async () => {
  const customer = admit(product, makeEligibleTenant("real conflicts"));
  const path = `/customers/${customer.tenantId}/permissions`;
  const answers = await Promise.all(
    ["azureReservations", "azureSavingsPlans"].flatMap((name) =>
      Array.from({ length: 4 }, () => product.call("PUT", `${path}/${name}`, { body: { state: "On" } })),
    ),
  );

  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  expect(answers.filter(({ body }) => body.changed)).toHaveLength(2);
  const log = await readLog(product, customer.tenantId);
  expect(log.map(({ sequence }) => sequence)).toEqual([1, 2]);
  expect(faultsOfLog(log)).toEqual([]);
});

// 204 without a word is storage's own yes to these: nothing can be seen in it.
const recordingCases = [
  // Four times: more than one invocation of the function lives through.
  ...(["log", "index", "pendingDelete"] as const).flatMap((operation) =>
    Object.entries({ ...undone, ...done })
      .filter(([name]) => !name.includes("never answered") && !name.includes("204"))
      .map(([name, fate]) => ({ operation, name, fate, times: 4 })),
  ),
  // Pushed again at once, without waiting for the sweep.
  ...Object.entries({ ...undone, ...done })
    .filter(([name]) => passing.includes(name) && name !== "is never answered")
    .map(([name, fate]) => ({ operation: "push" as const, name, fate, times: 1 })),
];
const recordings = inAdvance(recordingCases, async ({ operation, name, fate, times }) => {
  const customer = admit(product, makeEligibleTenant(`recorded ${operation} ${name}`));
  const hits = spoil(customer, operation, fate, times);
  const put = await setPermission(customer, "On");
  await eventually(async () => expect(await rowsOf(customer)).toEqual({ pending: 0, logged: 1 }), 30_000);
  const rows = await countRows(product.connectionString, customer.tenantId);
  return { put, rows, spoilt: hits(), log: await readLog(product, customer.tenantId) };
});

test.each(recordingCases)("an activity comes into the log once, although its $operation $name", async (one) => {
  const { put, rows, spoilt, log } = await recordings.of(one);

  expect(put.status).toBe(200);
  expect(rows).toMatchObject({ pending: 0, logged: 1, byDay: 1 });
  expect(spoilt).toBeGreaterThan(0);
  expect(log).toHaveLength(1);
  expect(faultsOfLog(log)).toEqual([]);
});

/** An activity that is in the log, and whose message is gone. */
let logged: any;
const inventedCustomer = randomUUID();
const base64 = (text: string) => Buffer.from(text).toString("base64");
const queueOf = (name: string) => new QueueClient(product.connectionString, name);
const rowsOfLogged = () => countRows(product.connectionString, logged.customerId);

async function prepareMessages(): Promise<void> {
  const { tenantId } = await eligibleAndOn("with messages of others");
  [logged] = (await product.call("GET", `/activities?customerId=${tenantId}`)).body.value;
  await eventually(async () => expect(await rowsOfLogged()).toMatchObject({ pending: 0, logged: 1, byDay: 1 }));
  await eventually(async () => expect(await countMessages(product.connectionString, "activities")).toBe(0));
}

/** How often a message was given back after a failure, and whether it was deleted. */
function callsAbout(messageId: string) {
  const calls = product.storage.calls.filter(({ path }) => path.startsWith(`/activities/messages/${messageId}`));
  return {
    givenBack: calls.filter(({ method }) => method === "PUT").length,
    deleted: calls.filter(({ method }) => method === "DELETE").length,
  };
}

interface Forgery {
  readonly name: string;
  readonly text: () => string;
  /** What cannot even be decoded does not reach the function. */
  readonly tries?: 0;
}
const but = (changes: object) => () => base64(JSON.stringify({ ...logged, ...changes }));
const forgeries: readonly Forgery[] = [
  { name: "invents an activity", text: but({ sequence: 2 }) },
  { name: "invents a customer", text: but({ customerId: inventedCustomer }) },
  { name: "changes a hash", text: but({ hash: "f".repeat(64) }) },
  { name: "leaves out the hash", text: but({ hash: undefined }) },
  { name: "aims at other rows", text: but({ customerId: "x' or RowKey ge '" }) },
  { name: "has a sequence below one", text: but({ sequence: -1 }) },
  { name: "has a sequence beyond all", text: but({ sequence: 1e300 }) },
  { name: "has a time that is none", text: but({ at: "yesterday" }) },
  { name: "is an empty object", text: () => base64("{}") },
  { name: "is null", text: () => base64("null") },
  { name: "is a list", text: () => base64("[]") },
  { name: "is no JSON", text: () => base64("Turn it on, please.") },
  { name: "is empty", text: () => base64("") },
  { name: "is not even base64", text: () => "not base64!", tries: 0 },
];
const messages = inAdvance(forgeries, async ({ text }) => {
  const sent = text();
  const { messageId } = await queueOf("activities").sendMessage(sent);
  return eventually(async () => {
    const calls = callsAbout(messageId);
    expect(calls.deleted).toBe(1);
    return { calls, sent };
  }, 30_000);
});

describe("the logging function", () => {
  test("takes a message that it had before as done", async () => {
    const { messageId } = await queueOf("activities").sendMessage(base64(JSON.stringify(logged)));

    await eventually(async () => expect(callsAbout(messageId)).toEqual({ givenBack: 0, deleted: 1 }));
    expect(await rowsOfLogged()).toMatchObject({ pending: 0, logged: 1, byDay: 1 });
  });

  test.each(forgeries)("gives up a message that $name, after five tries at most", async (one) => {
    const { calls } = await messages.of(one);

    expect(calls).toEqual({ givenBack: one.tries === 0 ? 0 : 4, deleted: 1 });
  });

  test("puts such messages into the poison queue, and no other, and logs nothing of them", async () => {
    await Promise.all([messages.ended(), recordings.ended()]);
    const { peekedMessageItems } = await queueOf("activities-poison").peekMessages({ numberOfMessages: 32 });
    const sent = await Promise.all(forgeries.map(async (one) => (await messages.of(one)).sent));

    expect(peekedMessageItems.map(({ messageText }) => messageText).sort()).toEqual([...sent].sort());
    expect(await rowsOfLogged()).toMatchObject({ pending: 0, logged: 1, byDay: 1 });
    expect(await countRows(product.connectionString, inventedCustomer)).toMatchObject({
      pending: 0,
      logged: 0,
      byDay: 0,
    });
    const { body } = await product.call("GET", `/activities?customerId=${logged.customerId}`);
    expect(body.value).toEqual([logged]);
  });

  test("leaves a forged row in the log as it is, and keeps the activity that belongs there", async () => {
    const customer = admit(product, makeEligibleTenant("with a forged row"));
    const table = TableClient.fromConnectionString(product.connectionString, "ActivityLog", {
      allowInsecureConnection: true,
    });
    const forgery = { partitionKey: customer.tenantId, rowKey: "9999999998", hash: "f".repeat(64), entry0: "{}" };
    await table.createEntity(forgery);
    const before = await countMessages(product.connectionString, "activities-poison");
    expect((await setPermission(customer, "On")).status).toBe(200);

    await eventually(async () =>
      expect(await countMessages(product.connectionString, "activities-poison")).toBe(before + 1),
    );
    expect(await countRows(product.connectionString, customer.tenantId)).toMatchObject({
      pending: 1,
      logged: 1,
      byDay: 0,
    });
    expect(await table.getEntity(customer.tenantId, "9999999998")).toMatchObject({
      hash: "f".repeat(64),
      entry0: "{}",
    });
  });
});

const probeOf = {
  tables: ({ service, path }: StorageCall) => service === "table" && path.includes("RowKey='probe'"),
  queue: ({ service, path }: StorageCall) => service === "queue" && path.startsWith("/activities?comp=metadata"),
};
const askHealth = () => timed(product.call("GET", "/health", { token: null }));
const countProbes = () => product.storage.calls.filter((call) => probeOf.tables(call) || probeOf.queue(call)).length;
const healthCases: readonly {
  readonly down: readonly (keyof typeof probeOf)[];
  readonly name: string;
  readonly fate: Fate;
}[] = [
  { down: ["tables"], name: "is answered 503", fate: { status: 503 } },
  { down: ["queue"], name: "meets a proxy's 404", fate: { status: 404, headers: html, body: page } },
  { down: ["tables"], name: "meets a proxy's 404", fate: { status: 404, headers: html, body: page } },
  { down: ["queue"], name: "is lost", fate: "loseRequest" },
  { down: [], name: "is answered", fate: "forward" },
];
const health = inAdvance(
  healthCases,
  async ({ down, fate }) => {
    weather.probes = (call) => (down.some((name) => probeOf[name](call)) ? fate : undefined);
    const wanted = down.length === 0 ? undefined : down;
    return eventually(async () => {
      const answer = await askHealth();
      expect(answer.body.down).toEqual(wanted);
      const before = countProbes();
      await Promise.all(Array.from({ length: 20 }, askHealth));
      return { answer, probes: countProbes() - before };
    }, 30_000);
  },
  1,
);

test.each(healthCases)(
  "health says that $down is down when a probe of it $name, and looks once in five seconds",
  async (one) => {
    const { answer, probes } = await health.of(one);

    expect(answer.status).toBe(one.down.length === 0 ? 200 : 503);
    expect(answer.body).toEqual(
      one.down.length === 0 ? { status: "Healthy" } : { status: "Unhealthy", down: one.down },
    );
    expect(answer.seconds).toBeLessThan(longestSeconds);
    expect(probes).toBe(0);
  },
);

test.each(Object.entries({ ...undone, ...done }))(
  "a switch is answered 200 and quickly, whatever becomes of its message to the queue: it %s",
  async (name, fate) => {
    await allEnded();
    const customer = admit(product, makeEligibleTenant(`quick ${name}`));
    const hits = spoil(customer, "push", fate);
    const on = await timed(setPermission(customer, "On"));
    const off = await timed(setPermission(customer, "Off"));

    expect(hits()).toBeGreaterThanOrEqual(2);
    for (const { status, body, seconds } of [on, off]) {
      expect({ status, changed: body.changed }).toEqual({ status: 200, changed: true });
      expect(seconds).toBeLessThan(3);
    }
    const log = await readLog(product, customer.tenantId);
    expect(log.map(({ sequence }) => sequence)).toEqual([1, 2]);
    expect(faultsOfLog(log)).toEqual([]);
  },
);

test("transactions that are never answered, and reads that fall silent among them, are given up in time", async () => {
  await allEnded();
  const outcomes = await Promise.all(
    [1, 2, 3, 4, forEver].map(async (most) => {
      const customer = admit(product, makeEligibleTenant(`silence after ${most}`));
      let commits = 0;
      fates.set(customer.tenantId, (call) => {
        if (operationOf(call) === "commit") commits += 1;
        return operationOf(call) === "commit" || commits >= most ? "hang" : undefined;
      });
      const put = await timed(setPermission(customer, "On"));
      fates.delete(customer.tenantId);
      return { most, put, commits, after: await setPermission(customer, "On") };
    }),
  );

  for (const { most, put, commits, after } of outcomes) {
    expectUnavailable(put);
    expect(commits).toBeGreaterThanOrEqual(Math.min(most, 2));
    expect(after).toMatchObject({ status: 200, body: { changed: true } });
  }
});

test("while all of storage is silent everything is answered 503 in time, and then it is well again", async () => {
  await allEnded();
  const customer = admit(product, makeEligibleTenant("silence"));
  const { tenantId } = customer;
  const changed = await setPermission(customer, "On");
  const requests: readonly (() => Promise<Answer>)[] = [
    ...[
      `/customers/${tenantId}/permissions`,
      `/customers/${tenantId}/permissions/azureReservations`,
      `/customers/${tenantId}/operations/${changed.body.changeId}`,
      "/customers",
      "/customers?state=On",
      "/customers?search=a",
      "/fleet/history",
      "/activities",
      `/activities?customerId=${tenantId}`,
    ].map((path) => () => product.call("GET", path)),
    () =>
      product.call("POST", "/GetCustomerPermission", { body: { customerId: tenantId, product: "azureReservations" } }),
    () => setPermission(customer, "Off"),
    () => setPermission(customer, "On", randomUUID()),
  ];
  const { fate } = product.storage;
  product.storage.fate = () => "hang";
  const [eligibility, ...answers] = await Promise.all([
    timed(product.call("GET", `/customers/${tenantId}/eligibility`)),
    ...requests.map((request) => timed(request())),
  ]);
  const unhealthy = await askHealth();
  product.storage.fate = fate;

  for (const answer of answers) expectUnavailable(answer);
  expect(unhealthy).toMatchObject({ status: 503, body: { status: "Unhealthy", down: ["tables", "queue"] } });
  expect(unhealthy.seconds).toBeLessThan(longestSeconds);
  // The dry run needs no storage.
  expect(eligibility).toMatchObject({ status: 200, body: { result: "Eligible" } });

  // Without a restart, and at once.
  for (const request of requests) expect((await request()).status).toBe(200);
  await eventually(async () => expect((await askHealth()).status).toBe(200));
});

test("the app's output holds no key, no token, and nothing of what storage answered", () => {
  const output = product.output.join("\n");
  const accountKey = /AccountKey=([^;]+)/.exec(product.connectionString)?.[1];

  expect(accountKey).toBeDefined();
  for (const secret of [accountKey, "SharedKey", "Bearer ", "eyJ"]) expect(output).not.toContain(secret);
  expect(output).not.toMatch(/unhandledRejection|uncaughtException/);
  // What there is to say is said.
  const said = product.output.filter((line) => line.includes("Storage is unavailable. Cause: "));
  expect(said.join("\n")).toMatch(/RestError 503/);
  expect(said.join("\n")).not.toContain("<");
});
