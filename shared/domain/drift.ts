/**
 * Drift: what Partner Center or Azure say that our record does not. A finding stays on the customer until a
 * switch decides about it or it is gone by itself; both its coming and its going are activities.
 */

import type { Product } from "./permission.ts";

export const findingCodes = [
  "TurnedOnOutside",
  "TurnedOffOutside",
  "OwnerLost",
  "SubscriptionGone",
  "SubscriptionSuspended",
  "RelationshipEnded",
] as const;

export interface Finding {
  readonly code: (typeof findingCodes)[number];
  readonly product: Product;
  readonly message: string;
  /** When it was found. */
  readonly since: string;
  /** Who did it, as Partner Center's audit records name them. */
  readonly byUserPrincipalName?: string;
}
