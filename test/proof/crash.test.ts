/**
 * Chaos, and what callers saw of it. Under kill -9 of the instance, lost requests and replies of storage, pauses and
 * restarts of storage: what was acknowledged is on record exactly once, what was not is there as a whole or not at all,
 * and every switch behaved for its callers as one that does one thing at a time. Whoever subscribed was told of all that
 * was logged, and of nothing else.
 *
 *   SEED=… SWITCHES=… KILLS=… PAUSES=… RESTARTS=… OPERATIONS=… CALLERS=… npm run test:crash
 *
 * The seed gives what is asked, in which order things break and what becomes of which call of storage. How the
 * processes' work interleaves it cannot give.
 */

import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { type CallerOptions, createCaller } from "../harness/caller.ts";
import { makeEligibleCustomers } from "../harness/customers.ts";
import { type Audience, gatherAudience, receiverSettings } from "../harness/deliveries-to-all.ts";
import {
  createLosses,
  createMortal,
  disturb,
  type Losses,
  type Mortal,
  type OwnAzurite,
  startOwnAzurite,
} from "../harness/disturbances.ts";
import { createHistory, type History, type SwitchName } from "../harness/history.ts";
import { judge } from "../harness/judge.ts";
import { eventually } from "../harness/ledger.ts";
import { type Product, startProduct } from "../harness/product.ts";
import { chooseSeed, createRandom } from "../harness/random.ts";
import type { Fate, StorageCall } from "../harness/storage-proxy.ts";
import { examineRecord } from "../harness/whole-record.ts";

const seed = chooseSeed();
const switchesWanted = Number(process.env.SWITCHES ?? 500);
const disturbances = {
  kills: Number(process.env.KILLS ?? 12),
  pauses: Number(process.env.PAUSES ?? 3),
  restarts: Number(process.env.RESTARTS ?? 2),
};
const operationsWanted = Number(process.env.OPERATIONS ?? 1_200);
const callersWanted = Number(process.env.CALLERS ?? 64);

const customers = makeEligibleCustomers(20);
const tenantIds = customers.map(({ customer }) => customer.tenantId);
const [crowded = "", stale = "", careless = "", ...others] = tenantIds;
const [many, besieged, busy] = [others.slice(0, 12), others.slice(12, 13), others.slice(13)];
const switchesOf = (customerId: string): SwitchName[] => [
  { customerId, product: "azureReservations" },
  { customerId, product: "azureSavingsPlans" },
];

let azurite: OwnAzurite;
let product: Product;
let mortal: Mortal;
let audience: Audience;
const figures: string[] = [];

beforeAll(async () => {
  process.stdout.write(`crash: SEED=${seed}\n`);
  const location = await mkdtemp(join(process.env.TEST_FOLDER ?? "", "own-azurite-"));
  azurite = await startOwnAzurite({ location });
  product = await startProduct({ customers, connectionString: azurite.connectionString, settings: receiverSettings });
  audience = await gatherAudience(product, createRandom(seed, "receiver"));
  mortal = createMortal(product);
  // What an instance with a slow clock writes is old when the last one looks: its sweep need not be waited for.
  await mortal.kill({ behind: 120 });
}, 120_000);
afterEach(() => {
  product.storage.fate = () => "forward";
  product.storage.calls.length = 0;
});
afterAll(async () => {
  await product.stop();
  await audience.receiver.close();
  await azurite.stop();
  process.stdout.write(["crash: figures", `SEED=${seed}`, ...figures].join("\n  ").concat("\n"));
}, 60_000);

/** Everybody acts on the switches that are theirs until it is over. Who fails ends it for all. */
async function actUntil(isOver: () => boolean, actors: readonly (() => Promise<void>)[]): Promise<void> {
  let hasFailed = false;
  const act = async (actor: () => Promise<void>) => {
    while (!isOver() && !hasFailed) {
      await actor().catch((error: unknown) => {
        hasFailed = true;
        throw error;
      });
    }
  };
  await Promise.all(actors.map(act));
}

/** A caller of the run's own who acts on any of these switches. */
function actorOn(names: readonly SwitchName[], who: string, history: History, options: Partial<CallerOptions> = {}) {
  const random = createRandom(seed, who);
  const caller = createCaller({ product, history, random, ready: mortal.ready, ...options });
  return () => caller.act(random.pick(names));
}

/** An instance with the right time sweeps, and everything is held against what callers know. */
async function examine(history: History): Promise<string> {
  product.storage.fate = () => "forward";
  await mortal.kill();
  await product.trigger("SweepPendingActivities");
  const sum = { entries: 0, there: 0, absent: 0 };
  for (const customerId of new Set(history.switches().map((name) => name.customerId))) {
    const record = await eventually(async () => {
      const examined = await examineRecord(product, history, customerId);
      expect(examined.faults).toEqual([]);
      return examined;
    }, 30_000);
    for (const key of ["entries", "there", "absent"] as const) sum[key] += record[key];
  }
  const told = await audience.examine(new Set(history.switches().map((name) => name.customerId)));
  expect(told.faults).toEqual([]);
  const last = createCaller({ product, history, random: createRandom(seed, "last look") });
  for (const name of history.switches()) await last.read(name);
  return `${history.acknowledged()} switches acknowledged, ${sum.entries} log entries; of ${sum.there + sum.absent} unknown to their callers ${sum.there} are wholly there, ${sum.absent} wholly absent; ${told.figures}`;
}

function wordsOf({ requests, replies, refusals, delays }: Losses["counts"], history: History): string {
  return `storage: ${replies} replies and ${requests} requests lost, ${refusals} calls answered 503, ${delays} late; ${history.lost} answers lost to callers`;
}

test("through kill -9, lost replies, pauses and restarts every acknowledged switch is logged once, and nothing is half there", async () => {
  const startedAt = Date.now();
  const history = createHistory();
  const losses = createLosses(createRandom(seed, "losses"), 0.02);
  product.storage.fate = losses.fate;

  let isDisturbed = true;
  const reached = async (share: number) => {
    while (history.acknowledged() < share * switchesWanted) await pause(20);
  };
  const random = createRandom(seed, "disturbances");
  // The clocks of the instances differ, by up to a minute.
  const behind = () => random.between(90, 150);
  const disturbed = disturb({ product, azurite, mortal, random, reached }, disturbances, behind).finally(() => {
    isDisturbed = false;
  });
  const alone = many
    .flatMap(switchesOf)
    .map((name, index) => actorOn([name], `caller ${index} alone`, history, { impatience: 0.02 }));
  const together = Array.from({ length: 8 }, (_, index) =>
    actorOn(switchesOf(crowded), `caller ${index} of the crowd`, history, { impatience: 0.02 }),
  );
  const isOver = () => !isDisturbed && history.acknowledged() >= switchesWanted;
  await Promise.all([disturbed, actUntil(isOver, [...alone, ...together])]);
  const seconds = (Date.now() - startedAt) / 1000;

  const { kills, pauses, restarts } = disturbances;
  figures.push(
    `chaos, ${seconds.toFixed(1)} s: ${kills} kills, ${pauses} pauses and ${restarts} restarts of storage`,
    `  ${await examine(history)}`,
    `  ${wordsOf(losses.counts, history)}`,
  );
  const judgement = judge(history);
  expect(judgement.complaints).toEqual([]);
  figures.push(`  ${judgement.figures}`);
}, 300_000);

test.each([
  ["one customer", besieged, operationsWanted / 2],
  ["four customers", busy, operationsWanted],
])(
  `both switches of %s are linearizable for ${callersWanted} callers who lose answers`,
  async (whose, tenants, wanted) => {
    const startedAt = Date.now();
    await mortal.kill({ behind: 120 });
    const history = createHistory();
    const losses = createLosses(createRandom(seed, `losses: ${whose}`), 0.01);
    product.storage.fate = losses.fate;
    const operations = () => history.switches().reduce((sum, name) => sum + history.operationsOf(name).length, 0);
    const reached = async () => {
      while (operations() < wanted / 2) await pause(20);
    };
    const random = createRandom(seed, `disturbances: ${whose}`);
    const killed = disturb({ product, mortal, random, reached }, { kills: 1, pauses: 0, restarts: 0 }, () => 120);
    const actors = Array.from({ length: callersWanted }, (_, index) =>
      actorOn(tenants.flatMap(switchesOf), `${whose}: caller ${index}`, history, {
        impatience: 0.04,
        persistence: 0.5,
        contrariness: 0,
      }),
    );
    await Promise.all([killed, actUntil(() => operations() >= wanted, actors)]);
    const seconds = (Date.now() - startedAt) / 1000;

    figures.push(
      `${callersWanted} callers at ${tenants.length} customer${tenants.length === 1 ? "" : "s"}, ${seconds.toFixed(1)} s: 1 kill`,
      `  ${await examine(history)}`,
      `  ${wordsOf(losses.counts, history)}`,
    );
    const judgement = judge(history);
    expect(judgement.complaints).toEqual([]);
    figures.push(`  ${judgement.figures}`);
  },
  200_000,
);

/** Storage that answers some reads of the customer's row with what stood there much earlier. */
function oldReads(customerId: string): (call: StorageCall) => Fate {
  const random = createRandom(seed, "old reads");
  let old: Fate | undefined;
  let seen = 0;
  return ({ method, path }) => {
    if (method !== "GET" || !path.includes(`customer|${customerId}`)) return "forward";
    seen += 1;
    if (seen === 10) {
      return {
        afterwards({ status, headers, body }) {
          old = {
            status,
            headers: { "content-type": String(headers["content-type"]), etag: String(headers.etag) },
            body,
          };
        },
      };
    }
    return old !== undefined && seen > 60 && random.chance(0.1) ? old : "forward";
  };
}

/** Storage that writes without looking whether the row is still the one that was read. */
function carelessWrites({ path, body }: StorageCall): Fate {
  return path === "/$batch" ? { instead: body.replace(/^If-Match: .*$/gim, "If-Match: *") } : "forward";
}

// Last, because they leave a record behind that is broken.
test.each([
  ["reads that are answered with what was there earlier", stale, oldReads(stale)],
  ["writes that do not look whether somebody else came first", careless, carelessWrites],
])(
  "the checker finds what it is there to find: %s",
  async (what, customerId, fate) => {
    const history = createHistory();
    const names = switchesOf(customerId);
    const operations = () => names.reduce((sum, name) => sum + history.operationsOf(name).length, 0);
    const actors = (round: string) =>
      Array.from({ length: 12 }, (_, index) => actorOn(names, `${what}: ${round} caller ${index}`, history));
    await actUntil(() => operations() >= 100, actors("sound"));
    expect(judge(history).complaints).toEqual([]);

    product.storage.fate = fate;
    await actUntil(() => operations() >= 400, actors("spoilt"));
    const { verdicts } = judge(history);
    expect(verdicts).toContain("notLinearizable");
    // What storage let through twice stands in the log twice; what was only read wrongly has left no trace.
    const { faults } = await examineRecord(product, history, customerId);
    const forks = faults.filter((fault) => fault.includes("does not follow its predecessor"));
    expect(forks.length > 0).toBe(customerId === careless);
    figures.push(`planted and found: ${what} (${operations()} operations)`);
  },
  60_000,
);
