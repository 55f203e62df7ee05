/**
 * The same in live mode: Partner Center loses replies and requests, instances are killed, callers follow every change
 * that was accepted to the end of its operation. Then record, log and policies agree, every switch was linearizable, and
 * whoever subscribed was told of all that was logged.
 *
 *   SEED=… LIVE_SECONDS=… LIVE_KILLS=… npm run test:crash
 */

import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Fault, FaultsOfServer } from "../../local/stand-ins/faults.ts";
import { createCaller } from "../harness/caller.ts";
import { makeEligibleCustomers } from "../harness/customers.ts";
import { type Audience, gatherAudience, receiverSettings } from "../harness/deliveries-to-all.ts";
import { createLosses, createMortal, disturb } from "../harness/disturbances.ts";
import { createHistory, type SwitchName } from "../harness/history.ts";
import { judge } from "../harness/judge.ts";
import { eventually } from "../harness/ledger.ts";
import { type Product, startProduct } from "../harness/product.ts";
import { chooseSeed, createRandom, type Random } from "../harness/random.ts";
import { examineRecord } from "../harness/whole-record.ts";

const seed = chooseSeed();
/** How long callers act. What they have begun then may take another minute: an overtaken write is waited for. */
const secondsWanted = Number(process.env.LIVE_SECONDS ?? 40);
const kills = Number(process.env.LIVE_KILLS ?? 3);
const customers = makeEligibleCustomers(32);
const resources = { azureReservations: "AzureReservedInstances", azureSavingsPlans: "AzureSavingsPlan" } as const;
const switches = customers.flatMap(({ customer: { tenantId: customerId } }): SwitchName[] => [
  { customerId, product: "azureReservations" },
  { customerId, product: "azureSavingsPlans" },
]);

let product: Product;
let audience: Audience;
beforeAll(async () => {
  process.stdout.write(`crash, live: SEED=${seed}\n`);
  product = await startProduct({ customers, partnerCenterMode: "live", settings: receiverSettings });
  audience = await gatherAudience(product, createRandom(seed, "receiver in live mode"));
}, 60_000);
afterAll(async () => {
  await product.stop();
  await audience.receiver.close();
});

interface PolicyLosses {
  replies: number;
  requests: number;
  refusals: number;
  late: number;
  isOver: boolean;
}

/** Some calls lose their reply or never arrive; now and then a change cannot be read back, so that it is answered 202. */
function losePolicyCalls(faults: FaultsOfServer, random: Random): PolicyLosses {
  const counts: PolicyLosses = { replies: 0, requests: 0, refusals: 0, late: 0, isOver: false };
  const unreadable = new Map<string, number>();
  const suffer = (fault: Fault, kind: "replies" | "requests" | "refusals" | "late"): Fault => {
    counts[kind] += 1;
    return fault;
  };
  faults.take = (request) => {
    if (counts.isOver || !request.path.startsWith("/v1/SelfServePolicy")) return undefined;
    const { headers } = request as typeof request & { headers: Record<string, string> };
    const change = headers["ms-correlationid"] ?? "";
    if (request.method === "GET") {
      const left = unreadable.get(change) ?? 0;
      unreadable.set(change, left - 1);
      if (left > 0) return suffer({ kind: "reset" }, "requests");
    } else if (random.chance(0.15)) unreadable.set(change, random.between(3, 9));
    const choice = random.next();
    if (choice < 0.06) return suffer({ kind: "afterEffect", answer: "reset" }, "replies");
    if (choice < 0.08) return suffer({ kind: "afterEffect", answer: 500 }, "replies");
    if (choice < 0.085) return suffer({ kind: "afterEffect", answer: "hang" }, "replies");
    if (choice < 0.11) return suffer({ kind: "reset" }, "requests");
    if (choice < 0.13) return suffer({ kind: "status", status: 503 }, "refusals");
    return choice < 0.16 ? suffer({ kind: "slow", ms: random.between(50, 1_000) }, "late") : undefined;
  };
  return counts;
}

test("while Partner Center loses replies and instances die, every change comes to an end that record, log and policy agree on", async () => {
  const startedAt = Date.now();
  const history = createHistory();
  const mortal = createMortal(product);
  const ofPolicies = losePolicyCalls(product.partnerCenter.faults as FaultsOfServer, createRandom(seed, "policies"));
  const ofStorage = createLosses(createRandom(seed, "losses of live mode"), 0.004);
  product.storage.fate = ofStorage.fate;

  let isDisturbed = true;
  let isOver = false;
  const secondsGone = () => (Date.now() - startedAt) / 1000;
  const reached = (share: number) => pause(Math.max(share * secondsWanted - secondsGone(), 0) * 1000);
  const disturbed = disturb(
    { product, mortal, random: createRandom(seed, "deaths in live mode"), reached },
    { kills, pauses: 0, restarts: 0 },
    () => 0,
  ).finally(() => {
    isDisturbed = false;
  });
  const callers = Array.from({ length: 48 }, (_, index) => {
    const random = createRandom(seed, `live caller ${index}`);
    const options = { product, history, random, ready: mortal.ready, isLive: true, impatience: 0.01 };
    return { random, ...createCaller(options), own: switches.filter((_each, place) => place % 16 === index % 16) };
  });
  // The minute's sweep, every few seconds: the end of what an instance took with it need not be waited for longer.
  const sweeping = (async () => {
    while (!isOver) {
      await mortal.ready();
      for (const timer of ["SweepUnfinishedChanges", "SweepPendingActivities"]) {
        // An instance that has just died is swept by the next one.
        await product.trigger(timer).catch(() => undefined);
      }
      await pause(3_000);
    }
  })();
  const acting = callers.map(async ({ act, own, random }) => {
    while (isDisturbed || secondsGone() < secondsWanted) await act(random.pick(own));
  });
  await Promise.all([disturbed, ...acting]);

  ofPolicies.isOver = true;
  product.storage.fate = () => "forward";
  const last = createCaller({ product, history, random: createRandom(seed, "last look"), isLive: true });
  const unknown = [...history.asked].filter(([, { end }]) => end === "unknown").map(([changeId]) => changeId);
  await Promise.all(unknown.map(last.follow));

  const sum = { entries: 0, there: 0, absent: 0 };
  for (const { customer } of customers) {
    const record = await eventually(async () => {
      const examined = await examineRecord(product, history, customer.tenantId);
      expect(examined.faults).toEqual([]);
      return examined;
    }, 80_000);
    const { body } = await product.call("GET", `/customers/${customer.tenantId}/permissions`);
    const on = body.value.flatMap((each: { product: keyof typeof resources; state: string }) =>
      each.state === "On" ? [resources[each.product]] : [],
    );
    expect([...product.partnerCenter.policies.resources(customer.tenantId)].sort()).toEqual(on.sort());
    for (const key of ["entries", "there", "absent"] as const) sum[key] += record[key];
  }
  isOver = true;
  await sweeping;
  const told = await audience.examine(customers.map(({ customer }) => customer.tenantId));
  expect(told.faults).toEqual([]);
  for (const name of switches) await last.read(name);
  const judgement = judge(history, { confirms: true });
  expect(judgement.complaints).toEqual([]);

  const { replies, requests, refusals, late } = ofPolicies;
  process.stdout.write(
    [
      "crash, live: figures",
      `SEED=${seed}`,
      `live mode, ${secondsGone().toFixed(1)} s until every change had ended: ${kills} kills`,
      `  ${history.acknowledged()} switches acknowledged, ${history.accepted} answered 202 and followed to their end, ${sum.entries} log entries; of ${sum.there + sum.absent} unknown to their callers ${sum.there} are wholly there, ${sum.absent} wholly absent; ${told.figures}`,
      `  Partner Center: ${replies} replies and ${requests} requests lost, ${refusals} calls answered 503, ${late} late; ${ofStorage.counts.replies} replies of storage lost; ${history.lost} answers lost to callers`,
      `  ${judgement.figures}`,
    ]
      .join("\n  ")
      .concat("\n"),
  );
}, 280_000);
