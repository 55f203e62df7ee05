/** Subscribing and unsubscribing: the same wish is one webhook, what is secret is not shown, nothing is left behind. */

import { describe, expect, test } from "@jest/globals";
import { workflowHosts } from "../../shared/domain/callback-url.ts";
import type { CustomerId } from "../../shared/domain/identifiers.ts";
import type { WebhookId } from "../../shared/domain/webhook.ts";
import { createListWebhooks } from "../../shared/use-cases/list-webhooks.ts";
import { createSubscribeToChanges } from "../../shared/use-cases/subscribe-to-changes.ts";
import {
  createUnsubscribeByCallbackUrl,
  createUnsubscribeFromChanges,
} from "../../shared/use-cases/unsubscribe-from-changes.ts";
import { ada, contoso, fabrikam, idOf, noon } from "../fakes/facts.ts";
import { createInMemoryWebhooks } from "../fakes/in-memory-webhooks.ts";
import { createInMemoryWorld } from "../fakes/in-memory-world.ts";

const callbackUrl = "https://prod-1.westeurope.logic.azure.com/workflows/1?sig=secret";

function setUp() {
  const world = createInMemoryWorld();
  const hooks = createInMemoryWebhooks();
  let secrets = 0;
  const subscribe = createSubscribeToChanges({
    ...{ ...hooks, telemetry: world.telemetry, clock: world.clock, hosts: workflowHosts },
    newSecret: () => `whsec_${++secrets}`,
  });
  const unsubscribe = createUnsubscribeFromChanges(hooks.webhooks, hooks.deliveries, world.telemetry);
  const byUrl = createUnsubscribeByCallbackUrl(hooks.webhooks, unsubscribe);
  const list = createListWebhooks(hooks.webhooks);
  return { world, hooks, subscribe, unsubscribe, byUrl, list };
}

describe("subscribing", () => {
  test("makes a webhook with a secret, and tells telemetry its host and nothing more of the URL", async () => {
    const { world, hooks, subscribe } = setUp();
    const made = await subscribe({ callbackUrl, by: ada });
    expect(made).toEqual({
      ...{ id: expect.stringMatching(/^[0-9a-f]{32}$/), callbackUrl, secret: "whsec_1" },
      ...{ createdAt: noon.toISOString(), createdBy: ada },
    });
    expect([...hooks.all.values()]).toEqual([made]);
    expect(world.events).toEqual([
      {
        name: "WebhookSubscribed",
        properties: { webhookId: made.id, callbackHost: "prod-1.westeurope.logic.azure.com", by: ada.objectId },
      },
    ]);
  });

  test("again finds the same one with the same secret; for a customer, or by another tenant, it is another", async () => {
    const { hooks, subscribe } = setUp();
    const first = await subscribe({ callbackUrl, by: ada });
    expect(await subscribe({ callbackUrl, by: ada })).toEqual(first);
    const others = [
      await subscribe({ callbackUrl, by: ada, customerId: contoso }),
      await subscribe({ callbackUrl, by: ada, customerId: fabrikam }),
      await subscribe({ callbackUrl, by: { ...ada, tenantId: idOf(0x999) } }),
      await subscribe({ callbackUrl: `${callbackUrl}2`, by: ada }),
    ];
    expect(new Set([first, ...others].map(({ id }) => id)).size).toBe(5);
    expect(others[0]).toMatchObject({ customerId: contoso });
    expect(hooks.all.size).toBe(5);
  });

  test("twice at the same time gets one secret", async () => {
    const { hooks, subscribe } = setUp();
    const both = await Promise.all([subscribe({ callbackUrl, by: ada }), subscribe({ callbackUrl, by: ada })]);
    expect(both[0]).toEqual(both[1]);
    expect(hooks.all.size).toBe(1);
  });

  test("says that it cannot tell when the one that was there first is gone again", async () => {
    const { hooks, subscribe, unsubscribe } = setUp();
    const { id } = await subscribe({ callbackUrl, by: ada });
    const webhook = hooks.all.get(id)!;
    await unsubscribe(id);
    hooks.trouble = (call) => {
      if (call === "webhooks.add") hooks.all.set(id, webhook);
      if (call === "webhooks.find") hooks.all.delete(id);
    };
    await expect(subscribe({ callbackUrl, by: ada })).rejects.toMatchObject({ code: "DependencyUnavailable" });
  });

  test("to what must not be called is refused, without a word of the URL", async () => {
    const { hooks, subscribe } = setUp();
    const refused = subscribe({ callbackUrl: "https://evil.example/?sig=secret", by: ada });
    await expect(refused).rejects.toMatchObject({ code: "InvalidRequest", target: "callbackUrl" });
    await expect(refused).rejects.not.toThrow(/evil|secret/);
    expect(hooks.calls).toEqual([]);
  });

  test("ends at fifty, but for one that is there", async () => {
    const { subscribe } = setUp();
    const first = await subscribe({ callbackUrl, by: ada });
    for (let number = 2; number <= 50; number++) await subscribe({ callbackUrl: `${callbackUrl}${number}`, by: ada });
    await expect(subscribe({ callbackUrl: `${callbackUrl}51`, by: ada })).rejects.toMatchObject({
      code: "TooManyWebhooks",
    });
    expect(await subscribe({ callbackUrl, by: ada })).toEqual(first);
  });
});

describe("unsubscribing", () => {
  test("removes the webhook first, then what was to be delivered; when it is not there, too", async () => {
    const { world, hooks, subscribe, unsubscribe } = setUp();
    const { id } = await subscribe({ callbackUrl, by: ada });
    hooks.calls.length = 0;
    await unsubscribe(id);
    await unsubscribe(id);
    expect(hooks.all.size).toBe(0);
    const once = ["webhooks.remove", "deliveries.removeAllOf"];
    expect(hooks.calls).toEqual([...once, ...once]);
    expect(world.events.at(-1)).toEqual({ name: "WebhookUnsubscribed", properties: { webhookId: id } });
  });

  test("by callback URL removes all that have it, and no other", async () => {
    const { hooks, subscribe, byUrl } = setUp();
    await subscribe({ callbackUrl, by: ada });
    await subscribe({ callbackUrl, by: ada, customerId: contoso });
    const other = await subscribe({ callbackUrl: `${callbackUrl}2`, by: ada });
    await byUrl("no URL");
    expect(hooks.all.size).toBe(3);
    await byUrl(callbackUrl.replace("prod-1", "PROD-1"));
    expect([...hooks.all.values()]).toEqual([other]);
  });
});

test("the list has the oldest first, and neither callback URL nor secret", async () => {
  const { world, hooks, subscribe, list } = setUp();
  const by = { callbackUrl, by: ada };
  await subscribe({ ...by, customerId: idOf<"customer">(1) as CustomerId });
  world.moveClock(1000);
  const { id } = await subscribe(by);
  await hooks.webhooks.noteFailing(id, noon);
  const [older, newer] = [...hooks.all.values()];
  hooks.all.clear();
  for (const webhook of [newer!, older!]) hooks.all.set(webhook.id, webhook);
  const shown = await list();
  expect(shown.map(({ customerId, failingSince }) => [customerId, failingSince])).toEqual([
    [idOf(1), undefined],
    [undefined, noon.toISOString()],
  ]);
  expect(shown[1]).toEqual({
    ...{ id: id as WebhookId, callbackHost: "prod-1.westeurope.logic.azure.com" },
    ...{ createdAt: "2026-03-01T12:00:01.000Z", createdBy: ada, failingSince: noon.toISOString() },
  });
  expect(JSON.stringify(shown)).not.toMatch(/sig=|whsec_/);
});
