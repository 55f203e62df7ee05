/**
 * Where telemetry waits for Application Insights. No invocation waits for it in turn: it is handed to the SDK a second
 * later, some at a time. Nothing that goes wrong here is felt outside.
 */

import { AsyncLocalStorage } from "node:async_hooks";
import { setImmediate as breathe, setTimeout as pause } from "node:timers/promises";
import type { Item, Sdk } from "./application-insights-sdk.ts";
import { writeWarning } from "./console-telemetry.ts";

/** Long enough for the invocation that caused the cold start to be answered first: loading blocks for half a second. */
const loadAfterMilliseconds = 2_000;
const sendAfterMilliseconds = 1_000;
/** The SDK's queue holds 2048 and drops the rest in silence; OTEL_BLRP_MAX_QUEUE_SIZE does not reach it (3.17.0). */
const sdkRoom = 1_000;
/** About 2 ms of work, between which invocations go on. */
const handedOverAtOnce = 50;
const waitingRoom = 10_000;
/** Another import may be in the way of this one (`ERR_REQUIRE_ESM_RACE_CONDITION`), but not three times. */
const attemptsToLoad = 3;
/** The worker is killed 5 s after the host told it to end. */
const closeWithinMilliseconds = 3_000;

export interface TelemetryQueue {
  /** Never waits, never throws. */
  send(item: Item): void;
  /** Sends what is there, or gives up after three seconds. */
  close(): Promise<void>;
}

export function createTelemetryQueue(load: () => Promise<Sdk>): TelemetryQueue {
  // What is begun here, the SDK's timers and calls too, must not belong to the invocation that happened to cause it.
  const outsideInvocations = AsyncLocalStorage.snapshot();
  const waiting: Item[] = [];
  let sdk: Sdk | undefined;
  let off = false;
  let failedLoads = 0;
  let dropped = 0;
  let timer: NodeJS.Timeout | undefined;
  let sending: Promise<void> | undefined;

  function send(item: Item): void {
    if (off) return;
    if (waiting.length < waitingRoom) waiting.push(item);
    else dropped += 1;
    sendSoon();
  }

  function sendSoon(): void {
    if (timer !== undefined || sending !== undefined || off) return;
    const after = sdk === undefined ? loadAfterMilliseconds : sendAfterMilliseconds;
    timer = outsideInvocations(() => setTimeout(sendAll, after)).unref();
  }

  function sendAll(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    sending ??= outsideInvocations(drain)
      .catch(turnOff)
      .finally(() => {
        sending = undefined;
        if (waiting.length > 0) sendSoon();
      });
    return sending;
  }

  async function drain(): Promise<void> {
    if (sdk === undefined && waiting.length === 0) return;
    try {
      sdk ??= await load();
    } catch (error) {
      failedLoads += 1;
      if (failedLoads >= attemptsToLoad) turnOff(error);
      return;
    }
    while (waiting.length > 0) {
      for (let room = sdkRoom; room > 0 && waiting.length > 0; room -= handedOverAtOnce) {
        for (const item of waiting.splice(0, handedOverAtOnce)) sdk.track(item);
        await breathe();
      }
      await sdk.flush();
    }
    if (dropped > 0)
      writeWarning(`${dropped} items of telemetry were dropped: Application Insights did not take them.`);
    dropped = 0;
  }

  function turnOff(error: unknown): void {
    if (off) return;
    off = true;
    waiting.length = 0;
    writeWarning("Application Insights cannot be used and is off now. Is its connection string right?", error);
  }

  return {
    send,
    async close() {
      // Once for what is on its way already, and once for what came after.
      const sent = sendAll().then(sendAll);
      await Promise.race([sent, pause(closeWithinMilliseconds, undefined, { ref: false })]);
    },
  };
}
