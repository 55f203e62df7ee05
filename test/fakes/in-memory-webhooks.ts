/**
 * Webhooks, deliveries, their queue and the receivers in memory, as true to the real ones as a use case can tell: a
 * delivery is replaced only under the version that was read, what is there is not written again, lists are in the order
 * of the keys. Every call asks `trouble` first, which may throw, or let somebody else go before.
 */

import type { CallbackAnswer, Delivery, DeliveryPosition, SignedMessage } from "../../shared/domain/delivery.ts";
import type { Webhook } from "../../shared/domain/webhook.ts";
import type { Callbacks, Deliveries, DeliveryQueue, StoredDelivery, Webhooks } from "../../shared/ports.ts";
import type { Announcements } from "../../shared/use-cases/announce-activity.ts";

/** For what is not about webhooks. */
export const nobodyListens: Announcements = { prepare: async () => [], hurry: async () => undefined };

export type WebhookCall =
  | `webhooks.${keyof Webhooks}`
  | `deliveries.${keyof Deliveries}`
  | `queue.${keyof DeliveryQueue}`
  | `callbacks.${keyof Callbacks}`;

export interface InMemoryWebhooks {
  readonly webhooks: Webhooks;
  readonly deliveries: Deliveries;
  readonly queue: DeliveryQueue;
  readonly callbacks: Callbacks;
  trouble: (call: WebhookCall) => unknown;
  readonly calls: WebhookCall[];
  /** What the receiver says; it may take its time. */
  answer: (callbackUrl: string, message: SignedMessage) => CallbackAnswer | Promise<CallbackAnswer>;
  readonly posted: { readonly callbackUrl: string; readonly message: SignedMessage }[];
  readonly messages: { readonly position: DeliveryPosition; readonly afterSeconds: number }[];
  readonly all: Map<string, Webhook>;
  due(): Delivery[];
  failed(): Delivery[];
}

export function createInMemoryWebhooks(): InMemoryWebhooks {
  const due = new Map<string, { delivery: Delivery; version: string }>();
  const failed = new Map<string, Delivery>();
  let versions = 0;
  const keyOf = ({ webhookId, id }: DeliveryPosition) => `${webhookId}|${id}`;
  const put = (delivery: Delivery): StoredDelivery => {
    versions += 1;
    const { version: _, ...kept } = { ...delivery, version: "" };
    due.set(keyOf(delivery), { delivery: kept, version: String(versions) });
    return { ...delivery, version: String(versions) };
  };
  const inOrder = (rows: Iterable<[string, Delivery]>) =>
    [...rows].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, delivery]) => delivery);
  const dueRows = () => [...due].map(([key, { delivery }]): [string, Delivery] => [key, delivery]);

  const world: InMemoryWebhooks = {
    webhooks: {
      list: () => call("webhooks.list", () => [...world.all.values()]),
      find: (id) => call("webhooks.find", () => world.all.get(id)),
      add: (webhook) =>
        call("webhooks.add", () => {
          if (world.all.has(webhook.id)) return "exists";
          world.all.set(webhook.id, webhook);
          return "added";
        }),
      remove: (id) => call("webhooks.remove", () => void world.all.delete(id)),
      noteFailing: (id, since) =>
        call("webhooks.noteFailing", () => {
          const { failingSince: _, ...webhook } = world.all.get(id) ?? { id: undefined };
          if (webhook.id === undefined) return;
          const noted = since === undefined ? {} : { failingSince: since.toISOString() };
          world.all.set(id, { ...(webhook as Webhook), ...noted });
        }),
    },
    deliveries: {
      add: (delivery) =>
        call("deliveries.add", () => {
          if (!due.has(keyOf(delivery))) put(delivery);
        }),
      find: (position) =>
        call("deliveries.find", () => {
          const row = due.get(keyOf(position));
          return row === undefined ? undefined : { ...row.delivery, version: row.version };
        }),
      listDue: (webhookId, before, limit) =>
        call("deliveries.listDue", () =>
          inOrder(dueRows())
            .filter((each) => each.webhookId === webhookId && each.dueAt < before.toISOString())
            .slice(0, limit)
            .map((each) => ({ ...each, version: due.get(keyOf(each))?.version ?? "" })),
        ),
      replace: (stored, by) =>
        call("deliveries.replace", () => (due.get(keyOf(stored))?.version === stored.version ? put(by) : undefined)),
      remove: (position) => call("deliveries.remove", () => void due.delete(keyOf(position))),
      giveUp: (delivery) =>
        call("deliveries.giveUp", () => {
          if (due.delete(keyOf(delivery))) failed.set(keyOf(delivery), delivery);
        }),
      listGivenUp: (webhookId, limit, id) =>
        call("deliveries.listGivenUp", () =>
          inOrder(failed)
            .filter((each) => each.webhookId === webhookId && (id === undefined || each.id === id))
            .slice(0, limit),
        ),
      revive: (delivery) =>
        call("deliveries.revive", () => {
          if (failed.delete(keyOf(delivery))) put(delivery);
        }),
      removeAllOf: (webhookId) =>
        call("deliveries.removeAllOf", () => {
          for (const rows of [due, failed]) {
            for (const key of rows.keys()) if (key.startsWith(`${webhookId}|`)) rows.delete(key);
          }
        }),
    },
    queue: {
      push: (position, afterSeconds) =>
        call("queue.push", () => {
          const { webhookId, id } = position;
          world.messages.push({ position: { webhookId, id }, afterSeconds });
        }),
    },
    callbacks: {
      post: (callbackUrl, message) =>
        call("callbacks.post", () => {
          world.posted.push({ callbackUrl, message });
          return world.answer(callbackUrl, message);
        }),
    },
    trouble: () => undefined,
    calls: [],
    answer: () => ({ status: 200 }),
    posted: [],
    messages: [],
    all: new Map(),
    due: () => inOrder(dueRows()),
    failed: () => inOrder(failed),
  };
  return world;

  async function call<Result>(name: WebhookCall, work: () => Result): Promise<Awaited<Result>> {
    world.calls.push(name);
    await world.trouble(name);
    return await work();
  }
}
