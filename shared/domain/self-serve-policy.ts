/**
 * The self-serve policy: what Partner Center keeps about a customer instead of two switches. There is one
 * policy per partner and customer, it lists what the customer may buy, and no policy means nothing at all.
 */

import type { Product } from "./permission.ts";

/** One line of a policy. Others than ours are somebody else's and are kept as they are. */
export interface PolicyPermission {
  readonly resource: string;
  readonly action: string;
}

/** A policy as Partner Center reported it. */
export interface SelfServePolicy {
  readonly id: string;
  /** Temporary: good for one update right after it was read. */
  readonly etag: string;
  readonly permissions: readonly PolicyPermission[];
}

/** Partner Center's names of our products; https://learn.microsoft.com/partner-center/developer/self-serve-policy-resources */
export const resourceOf = {
  azureReservations: "AzureReservedInstances",
  azureSavingsPlans: "AzureSavingsPlan",
} as const satisfies Record<Product, string>;

/** Why Partner Center says no in a way that waiting does not cure. */
export type PolicyRefusalReason =
  /** 401/900421: the Admin Agent account signs in without multi-factor authentication. */
  | "MfaRequired"
  /** 403/900150, 900149, 900308: the account lacks the role, or the partner the programme. */
  | "RoleMissing"
  /** 403/900329: an application alone may not do this. */
  | "AppOnlyToken"
  /** 403/20002, 404/60003: no such customer, or no relationship with it. */
  | "NoRelationship"
  /** 401/900420 and other 401: the token is not accepted; Entra refuses the refresh token or the application. */
  | "SignInRequired"
  /** Any other answer below 500 that is not one of the known. */
  | "Refused";

/** Partner Center refused. */
export class PolicyRefusal extends Error {
  override readonly name = "PolicyRefusal";
  readonly reason: PolicyRefusalReason;
  /** Partner Center's own code, such as `900150`, or Entra's, such as `AADSTS700082`. */
  readonly partnerCenterCode: string | undefined;

  constructor(
    reason: PolicyRefusalReason,
    message: string,
    options: ErrorOptions & { partnerCenterCode?: string } = {},
  ) {
    super(message, options);
    this.reason = reason;
    this.partnerCenterCode = options.partnerCenterCode;
  }
}
