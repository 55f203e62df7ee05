/** Breaks what the product stands on, again and again, in an order that the seed gives: the instance, storage, the way between. */

import { setTimeout as pause } from "node:timers/promises";
import { type Azurite, type AzuriteOptions, startAzurite } from "../../local/azurite.ts";
import type { Product } from "./product.ts";
import type { Random } from "./random.ts";
import type { Fate, StorageCall } from "./storage-proxy.ts";

/** An Azurite that can be restarted: the next one takes the ports and the data of the last. */
export interface OwnAzurite {
  readonly connectionString: string;
  pause(): void;
  resume(): void;
  /** SIGTERM and a new one: what was acknowledged is kept. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export async function startOwnAzurite(options: AzuriteOptions): Promise<OwnAzurite> {
  let azurite: Azurite = await startAzurite(options);
  const { ports, connectionString } = azurite;
  return {
    connectionString,
    pause: () => azurite.pause(),
    resume: () => azurite.resume(),
    async restart() {
      await azurite.stop();
      azurite = await startAzurite({ ...options, ports });
    },
    stop: () => azurite.stop(),
  };
}

/** An instance that is killed with kill -9 and started again. */
export interface Mortal {
  /** Resolves when there is an instance to talk to. */
  ready(): Promise<void>;
  kill(options?: Parameters<Product["start"]>[0]): Promise<void>;
  readonly kills: number;
}

export function createMortal(product: Product): Mortal {
  let kills = 0;
  let ready: Promise<void> = Promise.resolve();
  return {
    ready: () => ready,
    get kills() {
      return kills;
    },
    kill(options) {
      kills += 1;
      ready = product.kill().then(() => product.start(options));
      return ready;
    },
  };
}

export interface Losses {
  readonly fate: (call: StorageCall) => Fate;
  readonly counts: { requests: number; replies: number; refusals: number; delays: number };
}

/** @param rate of the calls of storage that suffer something; a commit suffers three times as often */
export function createLosses(random: Random, rate: number): Losses {
  const counts = { requests: 0, replies: 0, refusals: 0, delays: 0 };
  return {
    counts,
    fate({ path }) {
      if (!random.chance(path === "/$batch" ? 3 * rate : rate)) return "forward";
      const choice = random.next();
      if (choice < 0.4) {
        counts.replies += 1;
        return "loseReply";
      }
      if (choice < 0.65) {
        counts.requests += 1;
        return "loseRequest";
      }
      if (choice < 0.85) {
        counts.refusals += 1;
        // The answer to work that was done, or to none.
        return { status: 503, done: random.chance(0.5) };
      }
      counts.delays += 1;
      return { delay: random.between(20, 900) };
    },
  };
}

export interface DisturbanceCounts {
  readonly kills: number;
  readonly pauses: number;
  readonly restarts: number;
}

export interface Disturbed {
  readonly product: Product;
  readonly mortal: Mortal;
  readonly random: Random;
  /** Absent: storage is left alone. */
  readonly azurite?: OwnAzurite;
  /** Resolves when so much of what is to happen has happened. */
  readonly reached: (share: number) => Promise<void>;
}

/**
 * All of them, one after another and spread over the run, in an order that chance gives.
 *
 * @param behind how many seconds the clocks of the instances are behind
 */
export async function disturb(
  { product, azurite, mortal, random, reached }: Disturbed,
  { kills, pauses, restarts }: DisturbanceCounts,
  behind: () => number,
): Promise<void> {
  const kill = () => mortal.kill({ behind: behind() });
  const pauseStorage = async () => {
    azurite?.pause();
    await pause(random.between(300, 3_500));
    azurite?.resume();
  };
  const all = random.shuffled([
    ...Array.from({ length: kills }, () => kill),
    ...Array.from({ length: pauses }, () => pauseStorage),
    ...Array.from({ length: restarts }, () => async () => azurite?.restart()),
  ]);
  for (const [index, disturbance] of all.entries()) {
    await reached((index + 1) / (all.length + 1));
    // The sweep and the queue may meet at the same entries.
    if (random.chance(0.3)) await product.trigger("SweepPendingActivities");
    await pause(random.between(0, 300));
    await disturbance();
  }
}
