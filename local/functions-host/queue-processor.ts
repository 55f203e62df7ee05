/** What happens to one message around its invocation: renewal, deletion, release, poison (host: QueueProcessor.cs). */

import type { DequeuedMessageItem, QueueClient } from "@azure/storage-queue";
import type { QueueOptions } from "./host-json.ts";
import { log } from "./log.ts";
import { decodeBase64, decodeUtf8, triggerMetadata } from "./queue-message.ts";
import type { TypedData } from "./rpc.ts";
import { messageOf } from "./startup-fault.ts";

/** Fixed on the real host; host.json's visibilityTimeout is something else. */
export const visibilitySeconds = 600;

export type RunMessage = (data: TypedData, metadata: Record<string, TypedData>) => Promise<{ succeeded: boolean }>;

export class QueueProcessor {
  readonly #queue: QueueClient;
  /** undefined for a queue that is a poison queue itself: there a failed message stays hidden for ten minutes. */
  readonly #poisonQueue: QueueClient | undefined;
  readonly #options: QueueOptions;
  readonly #functionName: string;
  readonly #run: RunMessage;
  readonly #onPoisoned: (queueName: string) => void;

  constructor(parts: {
    queue: QueueClient;
    poisonQueue: QueueClient | undefined;
    options: QueueOptions;
    functionName: string;
    run: RunMessage;
    onPoisoned: (queueName: string) => void;
  }) {
    this.#queue = parts.queue;
    this.#poisonQueue = parts.poisonQueue;
    this.#options = parts.options;
    this.#functionName = parts.functionName;
    this.#run = parts.run;
    this.#onPoisoned = parts.onPoisoned;
  }

  async process(message: DequeuedMessageItem): Promise<void> {
    const body =
      this.#options.messageEncoding === "none" ? Buffer.from(message.messageText) : decodeBase64(message.messageText);
    // What cannot be decoded never reaches the function, however often it was tried (host: QueueServiceClientProvider).
    if (!body || message.dequeueCount > this.#options.maxDequeueCount) return await this.#poison(message);

    const renewal = this.#renewAtHalfTime(message);
    const succeeded = await this.#invoke(message, body);
    await renewal.stop();
    if (succeeded) await this.#delete(message);
    else if (this.#poisonQueue && message.dequeueCount >= this.#options.maxDequeueCount) await this.#poison(message);
    else if (this.#poisonQueue) await this.release(message, this.#options.visibilityTimeoutMs);
  }

  async release(message: DequeuedMessageItem, hiddenForMs: number): Promise<void> {
    const { messageId, popReceipt } = message;
    await this.#ignoreTaken("release", message, () =>
      this.#queue.updateMessage(messageId, popReceipt, undefined, Math.ceil(hiddenForMs / 1000)),
    );
  }

  async #invoke(message: DequeuedMessageItem, body: Buffer): Promise<boolean> {
    try {
      const text = decodeUtf8(body);
      return (await this.#run({ string: text }, triggerMetadata(text, message))).succeeded;
    } catch (error) {
      log("error", this.#functionName, `Message '${message.messageId}' is not UTF-8 text: ${messageOf(error)}`);
      return false;
    }
  }

  #renewAtHalfTime(message: DequeuedMessageItem): { stop(): Promise<void> } {
    let renewing: Promise<void> = Promise.resolve();
    const renew = async () => {
      try {
        const { messageId, popReceipt } = message;
        const renewed = await this.#queue.updateMessage(messageId, popReceipt, undefined, visibilitySeconds);
        message.popReceipt = renewed.popReceipt ?? popReceipt;
      } catch (error) {
        log("warning", this.#functionName, `Message '${message.messageId}' was not renewed: ${messageOf(error)}`);
      }
    };
    const timer = setInterval(() => {
      renewing = renew();
    }, visibilitySeconds * 500);
    return {
      async stop() {
        clearInterval(timer);
        await renewing;
      },
    };
  }

  /** Copy, then delete: a crash in between doubles the message and never loses it. */
  async #poison(message: DequeuedMessageItem): Promise<void> {
    if (!this.#poisonQueue) return;
    const { name } = this.#poisonQueue;
    log(
      "warning",
      this.#functionName,
      `Message has reached MaxDequeueCount of ${this.#options.maxDequeueCount}. Moving message to queue '${name}'.`,
    );
    await this.#poisonQueue.createIfNotExists();
    await this.#poisonQueue.sendMessage(message.messageText);
    this.#onPoisoned(name);
    await this.#delete(message);
  }

  async #delete(message: DequeuedMessageItem): Promise<void> {
    await this.#ignoreTaken("delete", message, () => this.#queue.deleteMessage(message.messageId, message.popReceipt));
  }

  /** Gone, or taken over by another receiver: then it is theirs to finish. */
  async #ignoreTaken(verb: string, message: DequeuedMessageItem, act: () => Promise<unknown>): Promise<void> {
    try {
      await act();
    } catch (error) {
      const status = typeof error === "object" && error && "statusCode" in error ? error.statusCode : undefined;
      if (status !== 400 && status !== 404 && status !== 409) throw error;
      log("information", this.#functionName, `Unable to ${verb} queue message '${message.messageId}'.`);
    }
  }
}
