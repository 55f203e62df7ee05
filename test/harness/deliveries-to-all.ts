/** A receiver that is told of everything while things break, and what it was told in the end. */

import { setTimeout as pause } from "node:timers/promises";
import { eventually, readLog } from "./ledger.ts";
import type { Product } from "./product.ts";
import type { Random } from "./random.ts";
import { compareWithLog, type Receiver, startReceiver } from "./receiver.ts";
import { ageDeliveries } from "./waiting-deliveries.ts";

/** The product needs it to call a receiver on this machine. */
export const receiverSettings = { WEBHOOK_HOSTS: "127.0.0.1" };

export interface Audience {
  readonly receiver: Receiver;
  /**
   * Waits until nothing is to be delivered any more.
   *
   * @returns in words what these customers' logs hold and was not announced, or was announced otherwise; and figures
   */
  examine(customerIds: Iterable<string>): Promise<{ readonly faults: readonly string[]; readonly figures: string }>;
}

/** Subscribes a receiver to all customers; it takes its time, so that some are killed while it thinks. */
export async function gatherAudience(product: Product, random: Random): Promise<Audience> {
  const receiver = await startReceiver(product);
  receiver.answer = async () => {
    await pause(random.chance(0.1) ? random.between(100, 1_000) : 0);
    return { status: 204 };
  };
  const { secret } = await eventually(async () => {
    const { status, body } = await product.call("POST", "/webhooks", { body: { callbackUrl: receiver.url } });
    if (status !== 201) throw new Error(`Subscribing was answered ${status}.`);
    return body;
  });
  return {
    receiver,
    async examine(customerIds) {
      await eventually(async () => {
        const waiting = await ageDeliveries(product);
        if (waiting === 0) return;
        await product.trigger("SweepDeliveries");
        await pause(500);
        throw new Error(`${waiting} deliveries wait.`);
      }, 60_000);
      const sum = { told: 0, repeated: 0 };
      const faults: string[] = [];
      for (const customerId of customerIds) {
        const log = await readLog(product, customerId);
        const arrived = receiver.arrivals.filter(({ body }) => JSON.parse(body).data.customerId === customerId);
        const { untrue, untold, repeated } = compareWithLog(arrived, log, secret);
        faults.push(...untrue, ...untold.map((id) => `${id} was never announced.`));
        sum.told += log.length - untold.length;
        sum.repeated += repeated;
      }
      return { faults, figures: `${sum.told} of them announced to a webhook, ${sum.repeated} more than once` };
    },
  };
}
