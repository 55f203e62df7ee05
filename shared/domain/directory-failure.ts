/**
 * What can keep us from looking into a customer's tenant. Some of it passes by itself, some of it stays
 * until somebody acts: callers are told to try again only in the first case.
 */

export const directoryFailureReasons = [
  /** Azure Resource Manager or Entra is down, throttled, too slow or unintelligible. */
  "DependencyUnavailable",
  /** Our service principal has no Reader role there. */
  "ReaderRoleMissing",
  /** Our application has no service principal in the customer's tenant, or it was disabled there. */
  "CustomerAppNotConsented",
  /** Entra refuses our application's own credential: secret wrong or expired, federation not set up. */
  "CustomerAppRejected",
  /** There is no such Entra tenant. */
  "CustomerTenantNotFound",
  /** The subscription belongs to another tenant, or is just moving. */
  "SubscriptionOfOtherTenant",
  /** There is no such subscription in the customer's tenant. */
  "SubscriptionNotFound",
] as const;
export type DirectoryFailureReason = (typeof directoryFailureReasons)[number];

export class DirectoryFailure extends Error {
  override readonly name = "DirectoryFailure";
  readonly reason: DirectoryFailureReason;
  /** How long Azure asked us to wait, if it did. */
  readonly retryAfterSeconds: number | undefined;

  constructor(
    reason: DirectoryFailureReason,
    message: string,
    options: ErrorOptions & { readonly retryAfterSeconds?: number } = {},
  ) {
    super(message, options);
    this.reason = reason;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  /** Whether the same question may be answered later without anybody doing anything. */
  get passes(): boolean {
    return this.reason === "DependencyUnavailable";
  }
}
