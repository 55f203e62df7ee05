/** Deliveries that were given up: who may see them, and what a replay does to the webhook. */

import { expect, test } from "@jest/globals";
import type { Activity } from "../../shared/domain/activity.ts";
import { newDelivery } from "../../shared/domain/delivery.ts";
import type { WebhookId } from "../../shared/domain/webhook.ts";
import { createAnnouncements } from "../../shared/use-cases/announce-activity.ts";
import { createListFailedDeliveries, createReplayDeliveries } from "../../shared/use-cases/failed-deliveries.ts";
import { ada, contoso, noon } from "../fakes/facts.ts";
import { createInMemoryWebhooks } from "../fakes/in-memory-webhooks.ts";
import { createInMemoryWorld } from "../fakes/in-memory-world.ts";

const id = "0123456789abcdef0123456789abcdef" as WebhookId;
const activity = { id: `${contoso}-1`, customerId: contoso, sequence: 1, at: noon.toISOString() } as Activity;

async function setUp({ isFailing, count }: { readonly isFailing: boolean; readonly count: number }) {
  const world = createInMemoryWorld();
  const hooks = createInMemoryWebhooks();
  const failing = isFailing ? { failingSince: noon.toISOString() } : {};
  hooks.all.set(id, {
    ...{ id, callbackUrl: "https://x/", secret: "whsec_1", createdAt: noon.toISOString(), createdBy: ada },
    ...failing,
  });
  for (let sequence = 1; sequence <= count; sequence++) {
    const delivery = newDelivery(id, { ...activity, sequence }, noon);
    await hooks.deliveries.add(delivery);
    await hooks.deliveries.giveUp(delivery);
  }
  const { webhooks, deliveries } = hooks;
  const announcements = createAnnouncements({ ...hooks, telemetry: world.telemetry, clock: world.clock });
  const replay = createReplayDeliveries(webhooks, deliveries, announcements, world.clock);
  hooks.calls.length = 0;
  return { hooks, replay, list: createListFailedDeliveries(webhooks, deliveries) };
}

test("nobody sees or replays what belongs to no webhook", async () => {
  const { replay, list } = await setUp({ isFailing: false, count: 1 });
  const another = id.replace("0", "f") as WebhookId;
  const refusal = { code: "NotFound", message: `There is no webhook ${another}.`, target: "webhookId" };
  await expect(list(another)).rejects.toMatchObject(refusal);
  await expect(replay(another)).rejects.toMatchObject(refusal);
});

test.each([
  { isFailing: true, count: 2, isWellAgain: true },
  { isFailing: true, count: 0, isWellAgain: false },
  { isFailing: false, count: 2, isWellAgain: false },
])("a replay of $count, failing before: $isFailing; the webhook is noted as well: $isWellAgain", async (given) => {
  const { hooks, replay, list } = await setUp(given);
  expect(await list(id)).toHaveLength(given.count);
  expect(await replay(id)).toBe(given.count);
  expect([await list(id), hooks.due().length, hooks.messages.length]).toEqual([[], given.count, given.count]);
  expect(hooks.calls.includes("webhooks.noteFailing")).toBe(given.isWellAgain);
  expect(hooks.all.get(id)?.failingSince).toBe(given.isFailing && !given.isWellAgain ? noon.toISOString() : undefined);
});
