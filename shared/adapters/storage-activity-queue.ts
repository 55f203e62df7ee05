/**
 * Pushes activities to the queue that the logging function consumes: one base64 JSON document each, without
 * the evidence, so that it stays far below the 48 KiB that a message holds.
 */

import type { QueueClient } from "@azure/storage-queue";
import type { ActivityQueue } from "../ports.ts";
import { storageCode } from "./storage-call.ts";

const pushMilliseconds = 2_000;

export function createStorageActivityQueue(queue: () => Promise<QueueClient>): ActivityQueue {
  return {
    async push({ evidence: _, ...entry }) {
      const message = Buffer.from(JSON.stringify(entry)).toString("base64");
      const client = await queue();
      const abortSignal = AbortSignal.timeout(pushMilliseconds);
      try {
        await client.sendMessage(message, { abortSignal });
      } catch (error) {
        if (storageCode(error) !== "QueueNotFound") throw error;
        await client.createIfNotExists({ abortSignal });
        await client.sendMessage(message, { abortSignal });
      }
    },
  };
}
