/**
 * Thousands of requests made of the OpenAPI document, right, nearly right and hostile, against the running product. Each
 * gets an answer that the document knows, none makes the product fail or give anything away, and in the end storage holds
 * what was acknowledged and nothing else.
 *
 * `REQUESTS=20000 SEED=1 npm run test:fuzz` sends the same requests again, as far as ids of the product's own making allow.
 */

import { TableClient } from "@azure/data-tables";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import { makeDemoCustomers } from "../../local/stand-ins/demo-customers.ts";
import { makeEligibleCustomers } from "../harness/customers.ts";
import { countMessages, eventually, faultsOfLog, readLog } from "../harness/ledger.ts";
import { type AnswerChecker, checkAnswersBy, type Operation } from "../harness/openapi.ts";
import { type Product, startProduct } from "../harness/product.ts";
import { asCommand, exchange, type WireAnswer, type WireRequest, type WireResult } from "../harness/wire.ts";
import { credentialsOf } from "./fuzz-credentials.ts";
import { type Credential, type Draft, draft, type Plan, planOf } from "./fuzz-requests.ts";

const requestsWanted = Number(process.env.REQUESTS ?? 10_000);
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
/** Each writes to customers of its own, one request after the other, so it knows what their state must be. */
const lanesOf = { off: 6, live: 2 } as const;
const customersOfLane = 3;

type Mode = keyof typeof lanesOf;

interface World {
  readonly mode: Mode;
  readonly product: Product;
  readonly credentials: readonly Credential[];
  readonly canary: string;
  readonly lanes: readonly Lane[];
}

interface Acknowledged {
  readonly changeId: string;
  readonly product: string;
  readonly state: string;
}

interface Lane {
  readonly customers: readonly string[];
  readonly remembered: Record<"change" | "tag" | "skip", string[]>;
  /** By customer, in the order of their answers. */
  readonly acknowledged: Map<string, Acknowledged[]>;
}

let worlds: World[] = [];
let checker: AnswerChecker;

const statuses = new Map<string, number>();
const inputs = new Set<string>();
const transports = new Set<string>();
let sent = 0;

beforeAll(async () => {
  worlds = await Promise.all((Object.keys(lanesOf) as Mode[]).map(startWorld));
  const { body } = await worlds[0]!.product.call("GET", "/openapi.json", { token: null });
  checker = checkAnswersBy(body);
}, 60_000);
afterAll(() => Promise.all(worlds.map(({ product }) => product.stop())));

async function startWorld(mode: Mode): Promise<World> {
  const eligible = makeEligibleCustomers(lanesOf[mode] * customersOfLane + 1);
  const product = await startProduct({
    customers: [...makeDemoCustomers(), ...eligible],
    partnerCenterMode: mode,
    settings: { WEBHOOK_HOSTS: "127.0.0.1" },
  });
  const [canary = "", ...ids] = eligible.map(({ customer }) => customer.tenantId);
  const lanes = Array.from({ length: lanesOf[mode] }, (_, index): Lane => {
    const customers = ids.slice(index * customersOfLane, (index + 1) * customersOfLane);
    return { customers, remembered: { change: [], tag: [], skip: [] }, acknowledged: new Map() };
  });
  return { mode, product, credentials: await credentialsOf(product), canary, lanes };
}

/** Fills in what stands between « and ». */
function fillFor({ product, canary }: World, { customers, remembered }: Lane): (text: string) => string {
  const strangers = makeDemoCustomers().map(({ customer }) => customer);
  const subscriptions = product.customers
    .map(({ customer }) => customer)
    .filter(({ tenantId }) => customers.includes(tenantId))
    .flatMap((customer) => customer.subscriptions.map(({ subscriptionId }) => subscriptionId));
  const values = (kind: string): readonly string[] => {
    if (kind === "customer") return customers;
    if (kind === "CUSTOMER") return customers.map((id) => id.toUpperCase());
    if (kind === "stranger") return refusedCustomers(strangers);
    if (kind === "subscription") return subscriptions;
    if (kind === "canary") return [canary];
    return remembered[kind as keyof Lane["remembered"]];
  };
  return (text) =>
    text.replaceAll(/«([a-zA-Z]+)(\d*)»/g, (_, kind: string, index: string) => {
      const some = values(kind);
      return some[Number(index) % Math.max(some.length, 1)] ?? "0".repeat(8);
    });
}

/** Demo customers that are not eligible: all lanes may ask for them, since no switch to On is granted. */
function refusedCustomers(strangers: readonly { readonly tenantId: string; readonly name: string }[]): string[] {
  const eligible = ["Contoso", "Fabrikam", "Northwind Traders", "Tailspin Toys"];
  return strangers.filter(({ name }) => !eligible.includes(name)).map(({ tenantId }) => tenantId);
}

/** @returns what is wrong with what came back, in words */
function faultsOf(
  { wire, nature, hasRest, credential, isToBeRefused }: Draft,
  result: WireResult,
  world: World,
): string[] {
  const final = result.answers.filter(({ status }) => status >= 200);
  const faults = [...leaks(result, wire, world)];
  if (wire.leaves) return faults;
  if (result.end === "silent") return ["There was no answer, and the connection stayed open."];
  if (final.length === 0 && nature !== "broken") return ["There was no answer."];
  if (final.length > (hasRest ? 2 : 1)) faults.push(`There were ${final.length} answers.`);
  const [answer] = final;
  if (answer === undefined) return faults;
  if (nature === "conflict" && answer.status !== 400) faults.push(`It was answered ${answer.status} instead of 400.`);
  if (isToBeRefused && nature === "sound" && answer.status < 400) faults.push("It should have been refused.");
  if (answer.status >= 500) return [...faults, `It was answered ${answer.status}.`];
  return [
    ...faults,
    ...(answer.headers["x-ms-request-id"] === undefined
      ? faultsOfServer(answer, wire, nature)
      : faultsOfProduct(answer, wire, nature, credential)),
  ];
}

const serverStatuses = [400, 404, 405, 408, 413, 414, 417, 426, 431];

/** The server answers by itself what does not get as far as a function. */
function faultsOfServer({ status, text }: WireAnswer, wire: WireRequest, nature: Draft["nature"]): string[] {
  if (text !== "") return [`The server answered ${status} with a body.`];
  if (nature !== "sound") return serverStatuses.includes(status) ? [] : [`The server answered ${status}.`];
  if (wire.target.includes("%00")) return status === 400 ? [] : [`The server answered ${status} to a NUL.`];
  const operation = operationAt(wire);
  if (operation !== undefined) return [`The server answered ${status} instead of ${operation.id}.`];
  return status === 404 ? [] : [`The server answered ${status} where there is nothing.`];
}

function faultsOfProduct(
  answer: WireAnswer,
  wire: WireRequest,
  nature: Draft["nature"],
  { may }: Credential,
): string[] {
  const operation = operationAt(wire);
  if (operation === undefined) return nature === "sound" ? ["Something answered where there is nothing."] : [];
  const isDone = answer.status < 400;
  const writes = /^(Set|Subscribe|Unsubscribe|Replay)/.test(operation.id);
  const mayDo = operation.isAnonymous || may === "write" || may === "unknown" || (may === "read" && !writes);
  const isKept = answer.status === 401 || answer.status === 403;
  return [
    ...checker.faultsOf(operation, answer),
    ...(isDone && !mayDo ? [`${operation.id} was done for somebody who may not.`] : []),
    ...(!isKept && !mayDo ? [`Somebody who may not was told ${answer.status}.`] : []),
    ...(isKept && mayDo && nature === "sound" ? [`Somebody who may was told ${answer.status}.`] : []),
  ];
}

/** As the Functions host finds it: without origin and dot segments, letters of literals in any case, %2F no slash. */
function operationAt({ method, target }: WireRequest): Operation | undefined {
  const [path = ""] = target.replace(/^https?:\/\/[^/]*/i, "").split(/[?#]/);
  const tidy = /\/(?:\.|%2e)/i.test(path) ? (URL.parse(`http://host${path}`)?.pathname ?? path) : path;
  const parts = (tidy.endsWith("/") ? tidy.slice(0, -1) : tidy).split("/");
  return checker.operations.find((operation) => {
    const template = `/api${operation.template}`.split("/");
    return (
      operation.method === method &&
      template.length === parts.length &&
      template.every((part, index) => {
        const text = parts[index] ?? "";
        return part.startsWith("{") ? text !== "" : part.toLowerCase() === text.toLowerCase();
      })
    );
  });
}

const givenAway =
  /\n\s*at \S+|node_modules|\/work\/|\/home\/|\/tmp\/|file:\/\/|\b[\w-]+\.[tj]s\b|AccountKey=[\w+/=]*|DefaultEndpoints\w*|eyJ[\w-]{10,}|\b(?:Syntax|Type|Range|Reference|Rest)Error\b|devstoreaccount\w*|only-for-the-local-stand-in/g;

/** What the caller has sent may come back, nothing else. */
function leaks({ raw }: WireResult, wire: WireRequest, { product }: World): string[] {
  const sentText = `${wire.target}\n${wire.headers.join("\n")}\n${Buffer.from(wire.body).toString()}`;
  const known = `${sentText}\n${decoded(sentText)}`;
  const found = (raw.match(givenAway) ?? []).filter((text) => !known.includes(text.trim()));
  const account = /AccountName=(\w+)/.exec(product.connectionString)?.[1] ?? "no account";
  if (raw.includes(account)) found.push(account);
  return found.map((text) => `The answer gives away "${text}".`);
}

function decoded(text: string): string {
  return text.replaceAll(/(%[\da-f]{2})+/gi, (escapes) => Buffer.from(escapes.replaceAll("%", ""), "hex").toString());
}

/** Notes what was acknowledged, and what later requests can use. */
function remember({ answers }: WireResult, wire: WireRequest, { remembered, acknowledged }: Lane): void {
  const answer = answers.find(({ status }) => status >= 200);
  if (
    answer === undefined ||
    answer.status >= 300 ||
    !/^application\/json/.test(answer.headers["content-type"] ?? "")
  ) {
    return;
  }
  const body = JSON.parse(answer.text);
  keep(remembered.tag, answer.headers.etag);
  keep(remembered.skip, body.nextLink && new URL(body.nextLink).searchParams.get("skipToken"));
  const operation = operationAt(wire)?.id ?? "";
  if (!/^Set/.test(operation)) return;
  const { customerId, product, state, changed } = body;
  const location = answer.headers["operation-location"];
  const changeId = location === undefined ? body.changeId : location.split("/").at(-1);
  const known = acknowledged.get(customerId) ?? [];
  // A repeated request gets its first answer again.
  if ((!changed && location === undefined) || known.some((one) => one.changeId === changeId)) return;
  acknowledged.set(customerId, [...known, { changeId, product, state }]);
  keep(remembered.change, changeId);
}

function keep(list: string[], value: string | null | undefined): void {
  if (value === null || value === undefined) return;
  list.push(value);
  if (list.length > 8) list.shift();
}

function count({ path, query, headers, body, operation, transport }: Plan, result: WireResult): void {
  sent += 1;
  const answer = result.answers.find(({ status }) => status >= 200);
  const status = answer === undefined ? "closed" : String(answer.status);
  statuses.set(status, (statuses.get(status) ?? 0) + 1);
  transports.add(transport.name);
  const fields = body?.fields ?? [];
  for (const { name, value } of [...path, ...query, ...headers, ...fields]) {
    if (isDocumented(operation, name)) inputs.add(`${operation.id} ${name} ${value.quality}`);
  }
}

function isDocumented({ parameters, body }: Operation, name: string): boolean {
  return parameters.some((one) => one.name === name) || Object.hasOwn(body?.properties ?? {}, name);
}

/** One after the other; the first that fails is made as small as it can be, and shown as a command. */
async function run(world: World, lane: Lane, runs: number, laneSeed: number): Promise<void> {
  const { product, credentials } = world;
  const host = new URL(product.url).host;
  const fill = fillFor(world, lane);
  const secrets = secretsIn(credentials);
  let command = "";
  await fc.assert(
    fc.asyncProperty(planOf(checker.operations, credentials.length), async (plan) => {
      const drafted = draft(plan, credentials, fill, host);
      command = `${asCommand(product.url, drafted.wire, secrets)}   # ${plan.transport.name}, ${drafted.credential.name}`;
      const result = await exchange(product.url, drafted.wire);
      remember(result, drafted.wire, lane);
      count(plan, result);
      const faults = faultsOf(drafted, result, world);
      if (faults.length > 0) throw new Error(`${faults.join(" ")}\n  ${command}\n  → ${result.raw.slice(0, 600)}`);
    }),
    {
      seed: laneSeed,
      numRuns: runs,
      reporter: ({ failed, errorInstance, counterexamplePath }) => {
        if (failed) {
          throw new Error(
            `${world.mode}, SEED=${seed} REQUESTS=${requestsWanted}, lane seed ${laneSeed}, path ${counterexamplePath}:\n${(errorInstance as Error)?.message}`,
          );
        }
      },
    },
  );
}

/** Long texts of the callers' headers, under names for a shell. The first one is the Admin Agent's token. */
function secretsIn(credentials: readonly Credential[]): ReadonlyMap<string, string> {
  const secrets = new Map<string, string>();
  for (const { headers } of credentials) {
    for (const [, value] of headers) {
      const secret = value.replace(/^Bearer +/i, "");
      if (secret.length > 100 && !secrets.has(secret)) secrets.set(secret, `TOKEN_${secrets.size}`);
    }
  }
  return secrets;
}

test(
  "every request is answered as documented, and storage holds what was acknowledged and nothing else",
  async () => {
    process.stdout.write(`fuzz: SEED=${seed} REQUESTS=${requestsWanted}\n`);
    const startedAt = Date.now();
    const lanes = worlds.flatMap((world) => world.lanes.map((lane) => ({ world, lane })));
    const share = Math.ceil(requestsWanted / lanes.length);
    const ended = await Promise.allSettled(
      lanes.map(({ world, lane }, index) => run(world, lane, share, seed + index)),
    );
    const failures = ended.flatMap((one) => (one.status === "rejected" ? [String(one.reason.message)] : []));
    if (failures.length > 0) throw new Error(`These were not answered as they should be.\n\n${failures.join("\n\n")}`);
    const seconds = (Date.now() - startedAt) / 1000;

    let changes = 0;
    for (const world of worlds) changes += await expectLedger(world);
    for (const { product } of worlds) expect((await product.call("GET", "/health", { token: null })).status).toBe(200);

    const answered = new Set([...checker.seen].filter((one) => / [23]\d\d$/.test(one)).map((one) => one.split(" ")[0]));
    if (requestsWanted >= 5_000) expect(answered.size).toBe(checker.operations.length);
    report({ seconds, changes, routes: answered.size });
  },
  600_000 + requestsWanted * 20,
);

/** @returns how many changes there are */
async function expectLedger({ product, lanes, mode }: World): Promise<number> {
  const acknowledged = new Map(lanes.flatMap(({ acknowledged }) => [...acknowledged]));
  const all = [...acknowledged.values()].flat();
  for (const [customerId, changes] of acknowledged) {
    const log = await eventually(async () => {
      const entries = await readLog(product, customerId);
      expect(entries.map(({ changeId }) => changeId).sort()).toEqual(changes.map(({ changeId }) => changeId).sort());
      return entries;
    });
    expect(faultsOfLog(log)).toEqual([]);
    const { body } = await product.call("GET", `/customers/${customerId}/permissions`);
    for (const { product: one, state } of body.value) {
      expect([customerId, one, state]).toEqual([
        customerId,
        one,
        changes.findLast((change) => change.product === one)?.state ?? "Off",
      ]);
    }
    if (mode === "live") {
      const on = body.value.filter(({ state }: { state: string }) => state === "On");
      expect(product.partnerCenter.policies.resources(customerId)).toHaveLength(on.length);
    }
  }
  await eventually(async () => {
    const rows = await keysIn(product, "CustomerPermissions");
    const kinds = (kind: string) => rows.filter((key) => key.startsWith(`${kind}|`)).sort();
    expect(kinds("pending")).toEqual([]);
    expect(kinds("customer")).toEqual([...acknowledged.keys()].map((id) => `customer|${id}`).sort());
    expect(kinds("change")).toHaveLength(all.length);
    expect(kinds("on")).toEqual(
      [...acknowledged]
        .filter(endsOn)
        .map(([id]) => `on|${id}`)
        .sort(),
    );
    expect(rows).toHaveLength(acknowledged.size + all.length + kinds("on").length);
    expect(await keysIn(product, "ActivityLog")).toHaveLength(all.length);
    expect(await keysIn(product, "ActivityByDay")).toHaveLength(all.length);
    expect(await countMessages(product.connectionString, "activities-poison")).toBe(0);
  }, 90_000);
  return all.length;
}

function endsOn([, changes]: readonly [string, readonly { readonly product: string; readonly state: string }[]]) {
  return [...new Map(changes.map(({ product, state }) => [product, state])).values()].includes("On");
}

async function keysIn({ connectionString }: Product, table: string): Promise<string[]> {
  const client = TableClient.fromConnectionString(connectionString, table, { allowInsecureConnection: true });
  const rows = await Array.fromAsync(client.listEntities({ queryOptions: { select: ["rowKey"] } }));
  return rows.map(({ rowKey }) => String(rowKey));
}

function report({ seconds, changes, routes }: { seconds: number; changes: number; routes: number }): void {
  const possible = checker.operations.flatMap(({ parameters, body }) => [
    ...parameters,
    ...Object.keys(body?.properties ?? {}),
  ]).length;
  const [named, valid] = ["hostile", "valid"].map(
    (quality) => [...inputs].filter((input) => input.endsWith(quality)).length,
  );
  const lines = [
    `fuzz: ${sent} requests in ${seconds.toFixed(1)} s (${Math.round(sent / seconds)}/s), SEED=${seed}`,
    `  statuses   ${[...statuses]
      .sort()
      .map(([status, times]) => `${status}: ${times}`)
      .join(", ")}`,
    `  routes     ${routes} of ${checker.operations.length} answered 2xx`,
    `  schema     ${checker.seen.size} of ${checker.all.size} members, statuses and codes of answers; inputs: ${valid} right and ${named} hostile of ${possible}`,
    `  transport  ${transports.size} ways to send`,
    `  ledger     ${changes} changes acknowledged, each of them once in the log, nothing else in storage`,
  ];
  process.stdout.write(`${lines.join("\n")}\n`);
}
