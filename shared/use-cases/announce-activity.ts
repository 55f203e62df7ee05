/**
 * The outbox of the webhooks. While an activity is taken into the log, one delivery for each webhook that wants to know
 * is written, before the pending activity is removed: a crash in between repeats both, and a delivery that is there
 * stays as it is. The messages that hurry them go out when all of it is written, and may get lost.
 */

import type { Activity } from "../domain/activity.ts";
import { type DeliveryPosition, newDelivery } from "../domain/delivery.ts";
import { wantsToKnow } from "../domain/webhook.ts";
import type { Clock, Deliveries, DeliveryQueue, Telemetry, Webhooks } from "../ports.ts";

export interface Announcements {
  /** @returns what is to be delivered now */
  prepare(activity: Activity): Promise<readonly DeliveryPosition[]>;
  /** Never throws. */
  hurry(prepared: readonly DeliveryPosition[]): Promise<void>;
}

export interface AnnouncementPorts {
  readonly webhooks: Pick<Webhooks, "list">;
  readonly deliveries: Pick<Deliveries, "add">;
  readonly queue: DeliveryQueue;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
}

export function createAnnouncements({
  webhooks,
  deliveries,
  queue,
  telemetry,
  clock,
}: AnnouncementPorts): Announcements {
  return {
    async prepare(activity) {
      const interested = (await webhooks.list()).filter((webhook) => wantsToKnow(webhook, activity));
      const prepared = interested.map(({ id }) => newDelivery(id, activity, clock.now()));
      await Promise.all(prepared.map((delivery) => deliveries.add(delivery)));
      return prepared;
    },

    async hurry(prepared) {
      const pushed = prepared.map((position) =>
        queue
          .push(position, 0)
          .catch((cause: unknown) =>
            telemetry.warning("A delivery could not be pushed to the queue; the sweep delivers it.", cause),
          ),
      );
      await Promise.all(pushed);
    },
  };
}
