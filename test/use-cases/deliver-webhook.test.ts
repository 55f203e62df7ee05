/** From the log to the receiver: at least once, nothing lost whatever fails in between, nothing invented. */

import { describe, expect, test } from "@jest/globals";
import { grantChange } from "../../shared/domain/change.ts";
import type { CallbackAnswer } from "../../shared/domain/delivery.ts";
import { untouchedCustomer } from "../../shared/domain/permission.ts";
import type { Webhook, WebhookId } from "../../shared/domain/webhook.ts";
import { createAnnouncements } from "../../shared/use-cases/announce-activity.ts";
import { createAttemptDelivery, createDeliverToWebhook } from "../../shared/use-cases/deliver-to-webhook.ts";
import { createListFailedDeliveries, createReplayDeliveries } from "../../shared/use-cases/failed-deliveries.ts";
import { createLogPendingActivity } from "../../shared/use-cases/record-activity.ts";
import { createSweepDeliveries } from "../../shared/use-cases/sweep-deliveries.ts";
import { ada, contoso, fabrikam, idOf, noon } from "../fakes/facts.ts";
import { createInMemoryWebhooks, type WebhookCall } from "../fakes/in-memory-webhooks.ts";
import { createInMemoryWorld } from "../fakes/in-memory-world.ts";

const minute = 60_000;
const hour = 60 * minute;

function activityOf(number = 1, customerId = contoso) {
  return grantChange(
    untouchedCustomer(customerId),
    { customerId, product: "azureReservations", state: "On" },
    {
      changeId: idOf<"change">(number),
      by: ada,
      at: new Date(noon.getTime() + number),
      requestId: `request-${number}`,
    },
  ).activity;
}

function setUp(...webhooks: Partial<Webhook>[]) {
  const world = createInMemoryWorld();
  const hooks = createInMemoryWebhooks();
  const ports = { ...hooks, telemetry: world.telemetry, clock: world.clock };
  const announcements = createAnnouncements(ports);
  const record = createLogPendingActivity(world.pending, world.log, world.telemetry, announcements);
  const attempt = createAttemptDelivery(ports);
  for (const [index, more] of (webhooks.length === 0 ? [{}] : webhooks).entries()) {
    const id = String(index + 1).repeat(32) as WebhookId;
    const callbackUrl = `https://${index + 1}.logic.azure.com/?sig=1`;
    hooks.all.set(id, {
      id,
      callbackUrl,
      secret: "whsec_AAAA",
      createdAt: noon.toISOString(),
      createdBy: ada,
      ...more,
    });
  }
  return {
    ...{ world, hooks, announcements, attempt },
    deliver: createDeliverToWebhook(hooks.webhooks, hooks.deliveries, attempt, world.clock),
    sweep: createSweepDeliveries(hooks.webhooks, hooks.deliveries, attempt, world.telemetry, world.clock),
    listFailed: createListFailedDeliveries(hooks.webhooks, hooks.deliveries),
    replay: createReplayDeliveries(hooks.webhooks, hooks.deliveries, announcements, world.clock),
    record: async (...activities: ReturnType<typeof activityOf>[]) => {
      for (const activity of activities) {
        world.putPending(activity);
        await record(activity);
      }
    },
    recordPending: record,
    failing: (what: WebhookCall) => {
      hooks.trouble = (call) => {
        if (call === what) throw new Error(`${what} fails`);
      };
    },
    eventNames: () => world.events.map(({ name }) => name),
  };
}

const first = "1".repeat(32) as WebhookId;
const second = "2".repeat(32) as WebhookId;
const hostsOf = (hooks: ReturnType<typeof createInMemoryWebhooks>) =>
  hooks.posted.map(({ callbackUrl }) => new URL(callbackUrl).host[0]);

describe("logging an activity", () => {
  test("writes a delivery for each webhook that wants to know, before the pending one goes, and then pushes", async () => {
    const { world, hooks, record } = setUp({}, { customerId: contoso }, { customerId: fabrikam });
    const order: string[] = [];
    hooks.trouble = (call) => order.push(call);
    world.fate = (call) => {
      order.push(call);
      return "done";
    };
    const activity = activityOf();
    await record(activity);
    expect(order).toEqual([
      ...["log.insert", "log.index", "webhooks.list", "deliveries.add", "deliveries.add"],
      ...["pending.remove", "queue.push", "queue.push"],
    ]);
    expect(hooks.due().map(({ webhookId, activity: { id } }) => [webhookId, id])).toEqual([
      [first, activity.id],
      [second, activity.id],
    ]);
    expect(hooks.messages.map(({ position, afterSeconds }) => [position.webhookId, afterSeconds])).toEqual([
      [first, 0],
      [second, 0],
    ]);
  });

  test.each<WebhookCall>(["webhooks.list", "deliveries.add"])("is repeated as a whole when %s fails", async (what) => {
    const { world, hooks, recordPending, failing } = setUp();
    const activity = activityOf();
    world.putPending(activity);
    failing(what);
    await expect(recordPending(activity)).rejects.toThrow("fails");
    expect(world.pendingOf(contoso)).toHaveLength(1);
    hooks.trouble = () => undefined;
    await recordPending(activity);
    expect([hooks.due().length, world.pendingOf(contoso).length, world.loggedOf(contoso).length]).toEqual([1, 0, 1]);
  });

  test("leaves a delivery alone that a crash before has left, with its attempts", async () => {
    const { world, hooks, record, deliver, recordPending } = setUp();
    hooks.answer = () => ({ status: 500 });
    const activity = activityOf();
    await record(activity);
    await deliver(hooks.messages[0]!.position);
    world.putPending(activity);
    await recordPending(activity);
    expect(hooks.due()).toMatchObject([{ attempts: 1, lastResult: "HTTP 500" }]);
  });

  test("does not fail for want of a queue", async () => {
    const { world, hooks, record, failing } = setUp();
    failing("queue.push");
    await record(activityOf());
    expect([hooks.due().length, world.pendingOf(contoso).length, world.warnings.length]).toEqual([1, 0, 1]);
  });
});

describe("a message", () => {
  test("delivers, once however often it comes, and removes the delivery", async () => {
    const { hooks, record, deliver } = setUp();
    const activity = activityOf();
    await record(activity);
    const [{ position } = { position: undefined }] = hooks.messages;
    await deliver(position!);
    await deliver(position!);
    expect(hooks.posted).toHaveLength(1);
    expect(hooks.posted[0]?.message.headers["webhook-id"]).toBe(activity.id);
    expect(JSON.parse(hooks.posted[0]?.message.body ?? "").data).toEqual(activity);
    expect(hooks.due()).toEqual([]);
    expect(hooks.calls.filter((call) => call === "webhooks.noteFailing")).toEqual([]);
  });

  test("that comes twice at the same time delivers once", async () => {
    const { hooks, record, deliver } = setUp();
    await record(activityOf());
    const { position } = hooks.messages[0]!;
    await Promise.all([deliver(position), deliver(position)]);
    expect(hooks.posted).toHaveLength(1);
  });

  test("of a webhook that is removed leaves nothing behind and calls nobody", async () => {
    const { hooks, record, deliver } = setUp();
    await record(activityOf(1), activityOf(2, fabrikam));
    hooks.all.clear();
    await deliver(hooks.messages[0]!.position);
    expect([hooks.posted.length, hooks.due().length]).toEqual([0, 0]);
  });

  test("is a hint: what is not due yet is not sent, whoever asks", async () => {
    const { world, hooks, record, deliver } = setUp();
    hooks.answer = () => ({ status: 503, retryAfter: "120" });
    await record(activityOf());
    const { position } = hooks.messages[0]!;
    await deliver(position);
    expect(hooks.messages[1]).toEqual({ position, afterSeconds: 121 });
    world.moveClock(119_999);
    await deliver(position);
    expect(hooks.posted).toHaveLength(1);
    world.moveClock(1);
    await deliver(position);
    expect(hooks.posted).toHaveLength(2);
  });

  test("that is new waits for the sweep while the receiver fails; one that was tried does not", async () => {
    const { world, hooks, record, deliver, sweep } = setUp();
    hooks.answer = () => ({ failure: "Timeout" });
    await record(activityOf(1), activityOf(2, fabrikam));
    const [one, other] = hooks.messages.map(({ position }) => position);
    await deliver(one!);
    await deliver(other!);
    expect(hooks.posted).toHaveLength(1);
    expect(hooks.all.get(first)).toMatchObject({ failingSince: noon.toISOString() });
    world.moveClock(10_000);
    hooks.answer = () => ({ status: 204 });
    await deliver(one!);
    expect([hooks.posted.length, hooks.all.get(first)?.failingSince]).toEqual([2, undefined]);
    world.moveClock(4 * minute);
    await sweep();
    expect([hooks.posted.length, hooks.due().length]).toEqual([3, 0]);
  });
});

describe("an attempt", () => {
  test("that a crash has ended is made again, by the sweep", async () => {
    const { world, hooks, record, deliver, sweep } = setUp();
    await record(activityOf());
    hooks.trouble = (call) => {
      if (call === "deliveries.remove") throw new Error("killed");
    };
    await expect(deliver(hooks.messages[0]!.position)).rejects.toThrow("killed");
    hooks.trouble = () => undefined;
    await sweep();
    expect(hooks.posted).toHaveLength(1);
    world.moveClock(4 * minute);
    await sweep();
    expect([hooks.posted.length, hooks.due().length]).toEqual([2, 0]);
    // The receiver can tell.
    expect(hooks.posted[0]?.message.headers["webhook-id"]).toBe(hooks.posted[1]?.message.headers["webhook-id"]);
  });

  test("that fails is noted and made again later, also when the queue is down", async () => {
    const { world, hooks, record, deliver, failing } = setUp();
    hooks.answer = () => ({ status: 500 });
    await record(activityOf());
    failing("queue.push");
    await deliver(hooks.messages[0]!.position);
    const dueAt = new Date(noon.getTime() + 10_000).toISOString();
    expect(hooks.due()).toMatchObject([{ attempts: 1, dueAt, lastResult: "HTTP 500" }]);
    expect(world.warnings).toHaveLength(1);
  });

  test("that is answered 410 removes the webhook and all that waits for it, and no other's", async () => {
    const { world, hooks, record, deliver } = setUp({}, {});
    hooks.answer = (url) => ({ status: url.includes("//1.") ? 410 : 200 });
    await record(activityOf(1), activityOf(2, fabrikam));
    await deliver(hooks.messages[0]!.position);
    expect([...hooks.all.keys()]).toEqual([second]);
    expect(hooks.due().map(({ webhookId }) => webhookId)).toEqual([second, second]);
    expect(world.events.at(-1)).toEqual({
      name: "WebhookGone",
      properties: { webhookId: first, lastResult: "HTTP 410" },
    });
  });
});

describe("the sweep", () => {
  test("delivers what waits for two minutes and a half, the oldest first, and leaves what is younger to the queue", async () => {
    const { world, hooks, record, sweep, eventNames } = setUp();
    await record(activityOf(2, fabrikam), activityOf(1));
    world.moveClock(2.5 * minute);
    await sweep();
    expect(hooks.posted).toEqual([]);
    expect(eventNames()).not.toContain("DeliveriesSwept");
    world.moveClock(1);
    await sweep();
    expect(hooks.posted.map(({ message }) => message.headers["webhook-id"])).toEqual([`${contoso}-1`, `${fabrikam}-1`]);
    expect(world.events.at(-1)).toMatchObject({ name: "DeliveriesSwept", measurements: { attempts: 2 } });
  });

  test("asks a receiver that fails once a run, and the others go on", async () => {
    const { world, hooks, record, sweep } = setUp({}, {});
    hooks.answer = (url): CallbackAnswer => (url.includes("//1.") ? { status: 500 } : { status: 200 });
    for (let number = 1; number <= 20; number++) await record(activityOf(number, idOf<"customer">(number)));
    world.moveClock(4 * minute);
    await sweep();
    expect(hostsOf(hooks).filter((host) => host === "1")).toHaveLength(1);
    expect(hostsOf(hooks).filter((host) => host === "2")).toHaveLength(20);
  });

  test("gives every webhook a turn before a slow one gets its second", async () => {
    const { world, hooks, record, sweep } = setUp(...Array.from({ length: 9 }, () => ({})));
    for (let number = 1; number <= 3; number++) await record(activityOf(number, idOf<"customer">(number)));
    world.moveClock(4 * minute);
    hooks.answer = () => {
      world.moveClock(10_000);
      return { status: 200 };
    };
    await sweep();
    const turns = hostsOf(hooks);
    expect(turns.indexOf("9")).toBeLessThan(turns.indexOf("1", turns.indexOf("1") + 1) + 8);
    expect(turns.slice(0, 9).sort()).toEqual(["1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    // Four minutes are over, the rest is left to the next run.
    expect(turns.length).toBeLessThan(27);
    hooks.answer = () => ({ status: 200 });
    await sweep();
    expect(hooks.due()).toEqual([]);
  });

  test("takes more than one turn for many", async () => {
    const { world, hooks, record, sweep } = setUp();
    for (let number = 1; number <= 120; number++) await record(activityOf(number, idOf<"customer">(number)));
    world.moveClock(4 * minute);
    await sweep();
    expect([hooks.posted.length, hooks.due().length]).toEqual([120, 0]);
  });

  test("passes over what somebody else has just taken, and a webhook that was removed meanwhile", async () => {
    const { world, hooks, record, sweep } = setUp();
    await record(activityOf(1), activityOf(2, fabrikam));
    world.moveClock(4 * minute);
    let isTaken = false;
    hooks.trouble = async (call) => {
      if (call !== "deliveries.replace" || isTaken) return;
      isTaken = true;
      const [one] = hooks.due();
      const found = await hooks.deliveries.find(one!);
      await hooks.deliveries.replace(found!, { ...found!, dueAt: world.clock.now().toISOString() });
    };
    await sweep();
    expect(hooks.posted.map(({ message }) => message.headers["webhook-id"])).toEqual([`${fabrikam}-1`]);
    world.moveClock(4 * minute);
    hooks.trouble = (call) => {
      if (call === "deliveries.listDue") hooks.all.clear();
    };
    await sweep();
    expect(hooks.posted).toHaveLength(1);
  });

  test("tells of storage that fails for a webhook, after all others had their turn", async () => {
    const { world, hooks, record, sweep } = setUp({}, {});
    await record(activityOf());
    world.moveClock(4 * minute);
    let calls = 0;
    hooks.trouble = (call) => {
      if (call === "deliveries.listDue" && ++calls === 1) throw new Error("storage");
    };
    await expect(sweep()).rejects.toThrow("Deliveries of 1 webhooks failed.");
    expect(hostsOf(hooks)).toEqual(["2"]);
  });
});

describe("what was tried for three days", () => {
  async function givenUp() {
    const all = setUp({}, {});
    const { world, hooks, record, sweep } = all;
    hooks.answer = (url) => ({ status: url.includes("//1.") ? 500 : 200 });
    await record(activityOf(1), activityOf(2, fabrikam));
    for (let hours = 0; hours < 80; hours++) {
      world.moveClock(hour);
      await sweep();
    }
    return all;
  }

  test("is given up, told to telemetry, and listed", async () => {
    const { world, hooks, listFailed } = await givenUp();
    expect([hooks.due().length, hooks.failed().length]).toEqual([0, 2]);
    const told = world.events.filter(({ name }) => name === "WebhookDeliveryFailed");
    expect(told).toMatchObject([
      { properties: { webhookId: first, activityId: `${contoso}-1`, lastResult: "HTTP 500" } },
      { properties: { webhookId: first, activityId: `${fabrikam}-1` } },
    ]);
    const listed = await listFailed(first);
    expect(listed).toMatchObject([
      { activityId: `${contoso}-1`, customerId: contoso, lastResult: "HTTP 500" },
      { activityId: `${fabrikam}-1`, customerId: fabrikam },
    ]);
    expect(listed[0]?.attempts).toBeGreaterThan(8);
    const failedAfter = Date.parse(listed[0]?.failedAt ?? "") - noon.getTime();
    expect(failedAfter).toBeGreaterThan(60 * hour);
    expect(failedAfter).toBeLessThanOrEqual(72 * hour);
    expect(await listFailed(second)).toEqual([]);
  });

  test("is tried anew when it is replayed: one, or all of them, at once", async () => {
    const { hooks, listFailed, replay, deliver } = await givenUp();
    hooks.answer = () => ({ status: 200 });
    const [one] = await listFailed(first);
    hooks.messages.length = 0;
    hooks.posted.length = 0;
    expect(await replay(first, one?.id)).toBe(1);
    expect(hooks.due()).toMatchObject([{ id: one?.id, attempts: 0 }]);
    expect(hooks.all.get(first)?.failingSince).toBeUndefined();
    await deliver(hooks.messages[0]!.position);
    expect([await replay(first), await replay(first)]).toEqual([1, 0]);
    await deliver(hooks.messages[1]!.position);
    expect(hooks.posted.map(({ message }) => message.headers["webhook-id"])).toEqual([`${contoso}-1`, `${fabrikam}-1`]);
    expect([hooks.due().length, hooks.failed().length]).toEqual([0, 0]);
  });

  test("goes with its webhook", async () => {
    const { hooks } = await givenUp();
    await hooks.deliveries.removeAllOf(first);
    expect(hooks.failed()).toEqual([]);
  });

  test("is not of a webhook that does not exist", async () => {
    const { listFailed, replay } = setUp();
    await expect(listFailed(second)).rejects.toMatchObject({ code: "NotFound" });
    await expect(replay(second)).rejects.toMatchObject({ code: "NotFound" });
  });
});
