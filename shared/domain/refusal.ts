/**
 * The closed list of ways in which we say no. Everything that a caller can be told is a Refusal with one
 * of these codes; any other error is our own fault and is answered as a bare 500.
 */

export type RefusalCode =
  | "InvalidRequest"
  | "UnsupportedApiVersionValue"
  | "RequestTooLarge"
  | "Unauthenticated"
  | "AdminAgentRequired"
  | "AgentRoleRequired"
  | "ScopeRequired"
  | "NotFound"
  | "NoAzureSubscription"
  | "OwnerRoleMissing"
  | "EligibilityInconclusive"
  | "PartnerCenterRefused"
  | "ChangeInProgress"
  | "TooManyWebhooks"
  | "ConditionNotMet"
  | "RequestIdReused"
  | "DependencyUnavailable";

export interface RefusalOptions extends ErrorOptions {
  /** The parameter, header or field that is to blame. */
  readonly target?: string;
  /** What a program or an operator needs to mend it, such as the failed checks. */
  readonly details?: readonly unknown[];
  /** When waiting helps: after how many seconds to try again. */
  readonly retryAfterSeconds?: number;
}

export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: RefusalCode;
  readonly target: string | undefined;
  readonly details: readonly unknown[] | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: RefusalCode, message: string, options: RefusalOptions = {}) {
    super(message, options);
    this.code = code;
    this.target = options.target;
    this.details = options.details;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}

/** The request is malformed. @throws always */
export function invalidRequest(target: string, message: string): never {
  throw new Refusal("InvalidRequest", message, { target });
}

/**
 * Something that we depend on is down, throttled, too slow or unintelligible: we do not know, and say so
 * instead of guessing.
 *
 * @param dependency for the log and the operator, e.g. "Azure Resource Manager"
 */
export function dependencyUnavailable(
  dependency: string,
  options: { readonly cause?: unknown; readonly retryAfterSeconds?: number } = {},
): Refusal {
  return new Refusal("DependencyUnavailable", `${dependency} is unavailable.`, {
    cause: options.cause,
    retryAfterSeconds: options.retryAfterSeconds ?? 5,
  });
}
