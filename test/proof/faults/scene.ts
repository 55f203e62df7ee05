/** One cell of the matrix: something a caller asks for, asked while a call behind it fails, and again when it is well. */

import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { eventually, faultsOfLog, readLog } from "../../harness/ledger.ts";
import type { Answer, Call, Product } from "../../harness/product.ts";

/** Played in this order; what is wrong stands in `problems` at the end. */
export interface Scene {
  prepare(): Promise<void>;
  /** Asks, while the fault is there, and looks at what has come of it. */
  suffer(): Promise<void>;
  /** Asks again, when the fault is gone. */
  recover(): Promise<void>;
  readonly played: Played;
}

export interface Played {
  outcome: string;
  /** Until the answer. */
  seconds: number;
  /** From the end of the fault until what was asked for has come to be. */
  recoverySeconds: number;
  /** How often it was asked for then; 0 where that is not what brings it about. */
  tries: number;
  readonly problems: string[];
}

/**
 * What was asked for is asked for again, until it comes to be. A machine with too much to do may make a request fail that
 * no fault has met, but not for so long; the product's own holding back would be.
 */
export async function again(played: Played, ask: () => Promise<Answer>, isRight: (answer: Answer) => boolean) {
  const { seconds } = await timed(
    eventually(async () => {
      played.tries += 1;
      const answer = await ask();
      if (!isRight(answer))
        throw new Error(`After the fault: ${answer.status} ${JSON.stringify(answer.body).slice(0, 500)}`);
    }, longestRecoverySeconds * 1000),
  );
  played.recoverySeconds += seconds;
}
const longestRecoverySeconds = 15;

export const newPlayed = (): Played => ({ outcome: "", seconds: 0, recoverySeconds: 0, tries: 0, problems: [] });

export async function timed<Thing>(promise: Promise<Thing>): Promise<{ thing: Thing; seconds: number }> {
  const start = performance.now();
  const thing = await promise;
  return { thing, seconds: (performance.now() - start) / 1000 };
}

/** Status and, below 500 and beside 200 and 202, the code; of a check its result. */
export function outcomeOf({ status, body }: Answer): string {
  const code = status >= 300 ? body?.error?.code : body?.checks === undefined ? undefined : body.result;
  return code === undefined || code === "DependencyUnavailable" ? String(status) : `${status} ${code}`;
}

/** What must hold for any answer, whatever has failed behind it. */
export function flawsOf(product: Product, answer: Answer): string[] {
  const { status, headers, body } = answer;
  const flaws: string[] = [];
  if (status >= 500) {
    const { error } = body ?? {};
    const words = `Not available at the moment. Try again, or quote request ${headers.get("x-ms-request-id")}.`;
    const wait = Number(headers.get("retry-after"));
    if (status !== 503 || error?.code !== "DependencyUnavailable") flaws.push(`${status} ${error?.code}`);
    if (JSON.stringify(body) !== JSON.stringify({ error: { code: error?.code, message: words } }))
      flaws.push(`says more than it should: ${JSON.stringify(body)}`);
    if (!(wait >= 1 && wait <= 300)) flaws.push(`Retry-After is ${headers.get("retry-after")}`);
  }
  const inHeaders = [...headers].filter(([name]) => !/^(operation-)?location$/.test(name)).flat();
  // The caller has named the host of a webhook himself.
  const text = `${JSON.stringify(body)} ${inHeaders.join(" ")}`
    .replaceAll(product.url, "")
    .replaceAll(/"callbackHost":"[^"]*"/g, "");
  for (const [what, pattern] of leaks(product)) {
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) flaws.push(`leaks ${what}: ${found}`);
  }
  return flaws;
}

function leaks(product: Product): [what: string, pattern: RegExp][] {
  const accountKey = /AccountKey=([^;]+)/.exec(product.connectionString)?.[1] ?? "no key";
  return [
    ["a stack", /\\n\s+at |node:internal|\.[jt]s:\d+/],
    ["a path", /\/node_modules\/|\/dist\/|\/home\/|\/work\/|\/tmp\//],
    ["a host", /127\.0\.0\.1|localhost|(^|\W)E(CONN\w+|PIPE|TIMEDOUT|NOTFOUND)\b/],
    ["a token", /eyJ[\w-]{10,}|Bearer [\w-]{8,}|(access|refresh)_token|client_secret/],
    ["a key", new RegExp(accountKey.replace(/[^\w]/g, "\\$&"))],
    ["somebody's page", /<html|<\/body/i],
    ["a name of storage", /odata|RowKey|PartitionKey|AccountBeingCreated|AuthorizationFailure/],
    ["an error's class", /\b(Type|Rest|Syntax|Abort|Aggregate)Error\b/],
  ];
}

export interface Reading {
  readonly product: Product;
  /** A path, or a function that makes it when it is needed. */
  readonly path: string;
  readonly call?: Call | undefined;
  prepare?(): Promise<void>;
  /** Whether it is the whole truth. */
  isRight(answer: Answer): boolean;
  /** Answers that are as good as none: a check says that it does not know. */
  mayBeUnknown?(answer: Answer): boolean;
  /** How long the product, by its own rules, does not ask again. */
  readonly backOffSeconds?: number | undefined;
}

export function reading({ product, path, call, backOffSeconds = 0, ...how }: Reading): Scene {
  const played = newPlayed();
  const ask = () => product.call("GET", path, call);
  return {
    played,
    async prepare() {
      await how.prepare?.();
    },
    async suffer() {
      const { thing: answer, seconds } = await timed(ask());
      Object.assign(played, { outcome: outcomeOf(answer), seconds });
      played.problems.push(...flawsOf(product, answer));
      if (answer.status === 200 && !how.isRight(answer) && !how.mayBeUnknown?.(answer))
        played.problems.push(`answered 200, and it is not true: ${JSON.stringify(answer.body).slice(0, 500)}`);
    },
    async recover() {
      await pause(backOffSeconds * 1000);
      await again(played, ask, (answer) => answer.status === 200 && how.isRight(answer));
    },
  };
}

const switches = ["azureReservations", "azureSavingsPlans"] as const;
const resources = { azureReservations: "AzureReservedInstances", azureSavingsPlans: "AzureSavingsPlan" };
type Switch = (typeof switches)[number];

export interface Turning {
  readonly product: Product;
  readonly customerId: string;
  /** Of the change, and so of the calls of Partner Center that it makes. */
  readonly changeId?: string;
  readonly wish: "On" | "Off";
  /** Which switches are On before; reservations are turned. */
  readonly before: readonly Switch[];
  readonly call?: Call | undefined;
  /** Partner Center follows, and must agree. */
  readonly isLive?: boolean;
  /** Nothing can be seen as long as the fault is there. */
  readonly isBlind?: boolean;
  readonly backOffSeconds?: number | undefined;
}

export function turning({ product, customerId, wish, before, call, isLive, isBlind, ...how }: Turning): Scene {
  const played = newPlayed();
  const { changeId = randomUUID(), backOffSeconds = 0 } = how;
  const path = `/customers/${customerId}/permissions`;
  const after = [...before.filter((one) => one !== "azureReservations"), ...(wish === "On" ? [switches[0]] : [])];
  const put = (one: Switch, state: "On" | "Off", id: string, as = call) =>
    product.call("PUT", `${path}/${one}`, { ...as, body: { state }, headers: { "Repeatability-Request-ID": id } });
  let logged = 0;
  let answer: Answer;

  /** Which switches are On, in the record, in Partner Center, and what was logged since. */
  async function look() {
    // A commit of which nothing was heard may land between two looks: then both are taken again.
    for (let before = await readRecord(); ; ) {
      const log = await eventually(() => readLog(product, customerId), 30_000);
      const record = await readRecord();
      if (record === before) {
        played.problems.push(...faultsOfLog(log));
        const policy = [...product.partnerCenter.policies.resources(customerId)].sort().join("+");
        return { record, policy, entries: log.slice(logged) };
      }
      before = record;
    }
  }
  const readRecord = () =>
    eventually(async () => {
      const answer = await product.call("GET", path);
      expectOk(answer);
      const on = answer.body.value.filter(({ state }: { state: string }) => state === "On");
      return words(on.map((one: { product: Switch }) => one.product));
    }, 30_000);
  const words = (all: readonly Switch[]) => [...all].sort().join("+");
  const policyOf = (all: readonly Switch[]) =>
    all
      .map((one) => resources[one])
      .sort()
      .join("+");

  /** Nothing has happened, or all of it; and never On without Partner Center and without proof. */
  async function judge(): Promise<void> {
    const { record, policy, entries } = await look();
    const isDone = record === words(after);
    const complain = (what: string) => {
      const found = entries.map(({ operation, result }) => `${operation.split(" ")[0]} ${result}`);
      played.problems.push(`${what} (${played.outcome}; ${record}; ${policy}; ${found})`);
    };
    if (!isDone && record !== words(before)) complain("the record is neither as before nor as wished");
    const succeeded = entries.filter(({ result }) => result === "Succeeded");
    const failed = entries.filter(({ result }) => result !== "Succeeded");
    if (succeeded.length !== Number(isDone)) complain("record and log contradict each other");
    if (failed.length > Number(answer.status === 409)) complain("something failed and was answered otherwise");
    if ((answer.status === 200) !== isDone && !(answer.status === 503 && isBlind)) complain("the answer is not true");
    if (isLive) {
      const allowed = answer.status === 202 ? [policyOf(before), policyOf(after)] : [policyOf(isDone ? after : before)];
      if (!allowed.includes(policy)) complain("the policy is not as it should be");
    }
    if (wish === "On" && succeeded.some((entry) => !("evidence" in entry))) complain("On without proof");
  }

  return {
    played,
    async prepare() {
      for (const one of before) {
        const id = randomUUID();
        await eventually(async () => expectOk(await put(one, "On", id, {})), 60_000);
      }
      logged = before.length;
    },
    async suffer() {
      const result = await timed(put("azureReservations", wish, changeId));
      answer = result.thing;
      Object.assign(played, { outcome: outcomeOf(answer), seconds: result.seconds });
      played.problems.push(...flawsOf(product, answer));
      if (!isBlind) await judge();
    },
    async recover() {
      if (isBlind) await judge();
      await bringOn();
      const { record, policy, entries } = await look();
      const succeeded = entries.filter(({ result }) => result === "Succeeded").length;
      const isAsWished = record === words(after) && (!isLive || policy === policyOf(after)) && succeeded === 1;
      if (!isAsWished) played.problems.push(`after the fault: ${record}; ${policy}; ${succeeded} entries`);
    },
  };

  /** A change that was begun ends by itself; what was not begun is asked for again, what was refused anew. */
  async function bringOn(): Promise<void> {
    if (answer.status === 202) {
      const operation = new URL(answer.headers.get("operation-location") ?? "").pathname.slice("/api".length);
      const { seconds } = await timed(
        eventually(async () => {
          const { body } = await product.call("GET", operation);
          if (body.status !== "Succeeded") throw new Error(`The operation is ${JSON.stringify(body)}.`);
        }, 90_000),
      );
      played.recoverySeconds = seconds;
    }
    const id = answer.status === 409 ? randomUUID() : changeId;
    await pause(backOffSeconds * 1000);
    await again(
      played,
      () => put("azureReservations", wish, id),
      ({ status }) => status === 200,
    );
  }
}

/** A switch to On that must not come to be, whatever is known or not. */
export function refusing({
  product,
  customerId,
  refusal,
}: {
  readonly product: Product;
  readonly customerId: string;
  readonly refusal: string;
}): Scene {
  const played = newPlayed();
  const path = `/customers/${customerId}/permissions/azureReservations`;
  const put = () => product.call("PUT", path, { body: { state: "On" } });
  async function judge(): Promise<void> {
    const { state } = await eventually(async () => {
      const answer = await product.call("GET", path);
      expectOk(answer);
      return answer.body;
    });
    const { length } = await eventually(() => readLog(product, customerId), 30_000);
    const policy = product.partnerCenter.policies.resources(customerId);
    if (state !== "Off" || length > 0 || policy.length > 0) played.problems.push(`${state}, ${length}, ${policy}`);
  }
  return {
    played,
    prepare: async () => undefined,
    async suffer() {
      const { thing: answer, seconds } = await timed(put());
      Object.assign(played, { outcome: outcomeOf(answer), seconds });
      played.problems.push(...flawsOf(product, answer));
      await judge();
    },
    async recover() {
      await again(played, put, (answer) => outcomeOf(answer) === refusal);
      await judge();
    },
  };
}

function expectOk({ status, body }: Answer): void {
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
}
