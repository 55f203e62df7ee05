/**
 * Keeps the timers from hammering a Partner Center that refuses us for good (no multi-factor authentication,
 * no role, no valid sign-in): after such a refusal nothing is asked for an hour, then one question is.
 */

import type { PolicyRefusal } from "../domain/self-serve-policy.ts";

export interface PartnerCenterGate {
  /** @returns whether Partner Center may be called now; asks it at most once an hour how it receives us */
  isOpen(): Promise<boolean>;
  /** Partner Center has refused us, not one customer. */
  close(refusal: PolicyRefusal): Promise<void>;
}
