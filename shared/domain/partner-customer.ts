/** A customer as Partner Center lists it, beside the two switches that we keep. */

import type { CustomerId } from "./identifiers.ts";

export interface PartnerCustomer {
  readonly customerId: CustomerId;
  readonly name: string;
  readonly domain: string;
  /** `reseller` for those that the partner sells to; Partner Center has others, and may get more. */
  readonly relationship: string;
}

/**
 * What is known of a customer beside its record. Times are RFC 3339 UTC.
 *
 * The first four are there together or not at all: a customer may be verified that Partner Center never listed.
 */
export interface CustomerProfile {
  readonly name?: string;
  readonly domain?: string;
  readonly relationship?: string;
  /** When Partner Center listed the customer last. */
  readonly seenAt?: string;
  /** When record and policy were last compared; absent: never. */
  readonly verifiedAt?: string;
}
