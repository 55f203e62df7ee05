/** A customer as Partner Center lists it, beside the two switches that we keep. */

import type { CustomerId } from "./identifiers.ts";

export interface PartnerCustomer {
  readonly customerId: CustomerId;
  readonly name: string;
  readonly domain: string;
  /** `reseller` for those that the partner sells to; Partner Center has others, and may get more. */
  readonly relationship: string;
}

/** What is known of a customer from Partner Center, and since when. Times are RFC 3339 UTC. */
export interface CustomerProfile extends PartnerCustomer {
  /** When Partner Center listed the customer last. */
  readonly seenAt: string;
  /** When record and policy were last compared; absent: never. */
  readonly verifiedAt?: string;
}
