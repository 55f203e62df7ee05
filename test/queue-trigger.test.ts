/** The embedded host's polling of a queue goes on, whatever becomes of one poll. */

import type { QueueClient } from "@azure/storage-queue";
import { expect, test } from "@jest/globals";
import type { QueueProcessor } from "../local/functions-host/queue-processor.ts";
import { QueueTrigger } from "../local/functions-host/queue-trigger.ts";
import { eventually } from "./harness/ledger.ts";

test("a poll that is never answered is given up, and the next one comes", async () => {
  let polls = 0;
  const queue = {
    name: "silent",
    receiveMessages: ({ abortSignal }: { abortSignal: AbortSignal }) => {
      polls += 1;
      return new Promise((_, reject) => abortSignal.addEventListener("abort", () => reject(abortSignal.reason)));
    },
  } as unknown as QueueClient;
  const options = { batchSize: 16, newBatchThreshold: 8, maxDequeueCount: 5, visibilityTimeoutMs: 0 };
  const trigger = new QueueTrigger(
    queue,
    {} as QueueProcessor,
    { ...options, maxPollingIntervalMs: 100, messageEncoding: "base64" },
    "Silent",
    50,
  );
  trigger.start();
  try {
    await eventually(async () => expect(polls).toBeGreaterThanOrEqual(3), 5_000);
  } finally {
    await trigger.stop();
  }
});
