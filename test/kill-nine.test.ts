/**
 * Hundreds of switches by sixteen writers while the instance is killed again and again. A writer repeats a
 * request, with the same id, until it is answered: what was answered must be in the log exactly once.
 */

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { makeEligibleCustomers } from "./harness/customers.ts";
import { countRows, eventually, faultsOfLog, readLog } from "./harness/ledger.ts";
import { type Product, startProduct } from "./harness/product.ts";

const switchesWanted = Number(process.env.SWITCHES ?? 400);
const killsWanted = Number(process.env.KILLS ?? 6);
const customers = makeEligibleCustomers(8);

let product: Product;
beforeAll(async () => {
  product = await startProduct({ customers });
  // Written two minutes ago, as the last instance sees it: its sweep need not be waited for.
  await product.kill();
  await product.start({ behind: 120 });
});
afterAll(() => product.stop());

test("hundreds of switches and kill after kill lose nothing, double nothing and leave no gap", async () => {
  const writers = customers.flatMap(({ customer: { tenantId } }) =>
    ["azureReservations", "azureSavingsPlans"].map((one) => ({ tenantId, one, state: "Off" })),
  );
  const answered = new Map<string, { tenantId: string; one: string; state: string }>();
  let asked = 0;
  let lost = 0;
  let kills = 0;
  let restarted = Promise.resolve();
  const startedAt = Date.now();

  const crash = async () => {
    await product.kill();
    await product.start({ behind: 120 });
  };
  const write = async (writer: (typeof writers)[number]) => {
    while (asked < switchesWanted) {
      asked += 1;
      const id = randomUUID();
      const state = writer.state === "On" ? "Off" : "On";
      for (;;) {
        await restarted;
        const answer = await product
          .call("PUT", `/customers/${writer.tenantId}/permissions/${writer.one}`, {
            headers: { "repeatability-request-id": id },
            body: { state },
          })
          .catch(() => undefined);
        if (answer?.status === 200) {
          expect(answer.body).toMatchObject({ state, changed: true, changeId: id });
          break;
        }
        expect(answer?.status ?? 503).toBe(503);
        lost += 1;
      }
      writer.state = state;
      answered.set(id, { ...writer });
      if (kills < killsWanted && answered.size >= ((kills + 1) * switchesWanted) / (killsWanted + 1)) {
        kills += 1;
        restarted = crash();
      }
    }
  };
  await Promise.all(writers.map(write));
  const seconds = (Date.now() - startedAt) / 1000;

  await product.kill();
  await product.start();
  await fetch(`${product.url}/admin/functions/SweepPendingActivities`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '{"input":""}',
  });

  let entries = 0;
  for (const { customer } of customers) {
    const log = await readLog(product, customer.tenantId);
    entries += log.length;
    expect(faultsOfLog(log)).toEqual([]);
    for (const { changeId } of log) expect(answered.delete(changeId)).toBe(true);
    const { body } = await product.call("GET", `/customers/${customer.tenantId}/permissions`);
    for (const { product: one, state } of body.value) {
      expect(state).toBe(writers.find((writer) => writer.tenantId === customer.tenantId && writer.one === one)?.state);
    }
    await eventually(async () => {
      const rows = await countRows(product.connectionString, customer.tenantId);
      expect(rows).toEqual({ pending: 0, logged: log.length, byDay: log.length, poisoned: 0 });
    });
  }
  expect(answered.size).toBe(0);
  expect(entries).toBe(switchesWanted);
  expect(kills).toBe(killsWanted);
  process.stdout.write(
    `kill-nine: ${switchesWanted} switches acknowledged, ${entries} entries, ${kills} kills, ${lost} lost answers repeated, ${seconds.toFixed(1)} s\n`,
  );
}, 120_000);
