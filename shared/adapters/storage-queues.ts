/**
 * Pushes to the product's queues: one base64 JSON document a message, far below the 48 KiB that a message
 * holds, and never the only copy of anything.
 */

import type { QueueClient } from "@azure/storage-queue";
import type { ActivityQueue, ChangeQueue, DeliveryQueue } from "../ports.ts";
import { storageCode } from "./storage-call.ts";

const pushMilliseconds = 2_000;

/** Activities for the logging function, without the evidence: the logging function reads the pending row. */
export function createStorageActivityQueue(queue: () => Promise<QueueClient>): ActivityQueue {
  return { push: ({ evidence: _, ...entry }) => push(queue, entry, 0) };
}

/** Unfinished changes, for the function that goes on with them. */
export function createStorageChangeQueue(queue: () => Promise<QueueClient>): ChangeQueue {
  return { push: (change, afterSeconds) => push(queue, change, afterSeconds) };
}

/** Deliveries to webhooks: which one, and nothing of it. */
export function createStorageDeliveryQueue(queue: () => Promise<QueueClient>): DeliveryQueue {
  return {
    push: ({ webhookId, id }, afterSeconds) => push(queue, { webhookId, deliveryId: id }, afterSeconds),
  };
}

async function push(queue: () => Promise<QueueClient>, document: object, afterSeconds: number): Promise<void> {
  const message = Buffer.from(JSON.stringify(document)).toString("base64");
  const client = await queue();
  const options = { abortSignal: AbortSignal.timeout(pushMilliseconds), visibilityTimeout: afterSeconds };
  try {
    await client.sendMessage(message, options);
  } catch (error) {
    if (storageCode(error) !== "QueueNotFound") throw error;
    await client.createIfNotExists(options);
    await client.sendMessage(message, options);
  }
}
