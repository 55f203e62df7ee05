/** Queue triggers: polls one queue and keeps its messages running side by side (host: QueueListener.cs). */

import type { DequeuedMessageItem, QueueClient } from "@azure/storage-queue";
import { foreignWords } from "../../shared/domain/foreign-words.ts";
import { BackOff } from "./back-off.ts";
import type { QueueOptions } from "./host-json.ts";
import { log } from "./log.ts";
import { type QueueProcessor, visibilitySeconds } from "./queue-processor.ts";
import { messageOf } from "./startup-fault.ts";

/** A poll that is under way at the end may hold messages, which would stay hidden for ten minutes if it were cut. */
const lastPollMs = 2000;

export class QueueTrigger {
  readonly #queue: QueueClient;
  readonly #processor: QueueProcessor;
  readonly #options: QueueOptions;
  readonly #functionName: string;
  readonly #backOff: BackOff;
  readonly #longestPollMs: number;
  readonly #abort = new AbortController();
  readonly #running = new Set<Promise<void>>();
  #stopping = false;
  #polling: Promise<void> = Promise.resolve();
  #trouble: string | undefined;

  /**
   * @param longestPollMs after which a poll is given up: it is answered at once or never, and the SDK, which has no
   * limit of its own, would wait for ever
   */
  constructor(
    queue: QueueClient,
    processor: QueueProcessor,
    options: QueueOptions,
    functionName: string,
    longestPollMs = 30_000,
  ) {
    this.#longestPollMs = longestPollMs;
    this.#queue = queue;
    this.#processor = processor;
    this.#options = options;
    this.#functionName = functionName;
    this.#backOff = new BackOff(options.maxPollingIntervalMs);
  }

  get queueName(): string {
    return this.#queue.name;
  }

  start(): void {
    this.#polling = this.#poll();
  }

  /** A message was put into this queue by this host; no need to wait for the next poll. */
  notify(): void {
    this.#backOff.wake();
  }

  /** Ends when nothing of this queue is in flight any more. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#backOff.wake();
    const timer = setTimeout(() => this.#abort.abort(), lastPollMs);
    await this.#polling;
    clearTimeout(timer);
    await Promise.all(this.#running);
  }

  async #poll(): Promise<void> {
    while (!this.#stopping) {
      const messages = await this.#receive();
      for (const message of messages) this.#take(message);
      if (messages.length === 0) {
        if (!this.#stopping) await this.#backOff.wait();
        continue;
      }
      this.#backOff.reset();
      while (!this.#stopping && this.#running.size > this.#options.newBatchThreshold) await Promise.race(this.#running);
    }
  }

  /** Nothing when the queue is not there or storage is down: the trigger never creates its queue, it keeps asking. */
  async #receive(): Promise<DequeuedMessageItem[]> {
    try {
      const { receivedMessageItems } = await this.#queue.receiveMessages({
        numberOfMessages: this.#options.batchSize,
        visibilityTimeout: visibilitySeconds,
        abortSignal: AbortSignal.any([this.#abort.signal, AbortSignal.timeout(this.#longestPollMs)]),
      });
      this.#trouble = undefined;
      return receivedMessageItems;
    } catch (error) {
      this.#report(error);
      return [];
    }
  }

  #take(message: DequeuedMessageItem): void {
    const work = this.#stopping ? this.#processor.release(message, 0) : this.#processor.process(message);
    const running = work
      .catch((error: unknown) => {
        log("error", this.#functionName, `Message '${message.messageId}' was left to reappear: ${messageOf(error)}`);
      })
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Once per kind of trouble, not once per poll; a queue that is not there yet is none. */
  #report(error: unknown): void {
    if (this.#stopping) return;
    const said = typeof error === "object" && error && "code" in error ? String(error.code) : messageOf(error);
    const code = foreignWords(said, 200);
    if (code === this.#trouble) return;
    this.#trouble = code;
    const level = code === "QueueNotFound" ? "information" : "warning";
    log(level, this.#functionName, `Queue '${this.#queue.name}' cannot be read (${code}); trying again.`);
  }
}
