/** When a permission was On, told from the log. */

import type { Activity } from "../shared/domain/activity.ts";
import type { Actor, Product } from "../shared/domain/permission.ts";

export interface Period {
  readonly product: Product;
  /** Absent: before what is known of the log. */
  readonly from?: string;
  /** Absent: it is On now. */
  readonly to?: string;
  readonly by?: Actor;
  readonly reason?: string;
}

/**
 * @param activities of one customer, newest first; what failed or was only detected has switched nothing
 * @returns the newest period first
 */
export function periodsOf(activities: readonly Activity[]): Period[] {
  const open = new Map<Product, Period>();
  const ended: Period[] = [];
  for (const { product, operation, result, realigned, at, by, reason } of activities.toReversed()) {
    if (result !== "Succeeded") continue;
    const period = open.get(product);
    if (operation === "Create Customer Purchase Permissions") {
      if (period === undefined)
        open.set(product, { product, from: at, by, ...(reason === undefined ? {} : { reason }) });
      continue;
    }
    // Partner Center was brought in line with a record that had it Off all the time.
    if (period === undefined && realigned === true) continue;
    ended.push({ ...(period ?? { product }), to: at });
    open.delete(product);
  }
  return [...ended, ...open.values()].sort((one, other) => timeOf(other) - timeOf(one));
}

function timeOf({ to }: Period): number {
  return to === undefined ? Number.POSITIVE_INFINITY : Date.parse(to);
}
