/**
 * Pushes to the product's queues: one base64 JSON document a message, far below the 48 KiB that a message
 * holds, and never the only copy of anything.
 */

import type { QueueClient } from "@azure/storage-queue";
import type { ActivityQueue, ChangeQueue, DeliveryQueue } from "../ports.ts";
import { mayPass, storageCode } from "./storage-call.ts";

/** Of both attempts together: a caller waits for them, and what is missing afterwards the sweeps make good. */
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
  const abortSignal = AbortSignal.timeout(pushMilliseconds);
  const send = () => client.sendMessage(message, { abortSignal, visibilityTimeout: afterSeconds });
  try {
    await send();
  } catch (error) {
    if (storageCode(error) === "QueueNotFound") await client.createIfNotExists({ abortSignal });
    // A second message does no harm: whoever takes it looks at the row that it names.
    else if (abortSignal.aborted || !mayPass(error)) throw error;
    await send();
  }
}
