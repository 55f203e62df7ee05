/** A refusal of Partner Center, and how it is put into words for the caller: what it said, and what cures it. */

import { Refusal } from "./refusal.ts";

/** Why Partner Center says no in a way that waiting does not cure. */
export type PartnerCenterRefusalReason =
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
export class PartnerCenterRefusal extends Error {
  override readonly name = "PartnerCenterRefusal";
  readonly reason: PartnerCenterRefusalReason;
  /** Partner Center's own code, such as `900150`, or Entra's, such as `AADSTS700082`. */
  readonly partnerCenterCode: string | undefined;

  constructor(
    reason: PartnerCenterRefusalReason,
    message: string,
    options: ErrorOptions & { partnerCenterCode?: string } = {},
  ) {
    super(message, options);
    this.reason = reason;
    this.partnerCenterCode = options.partnerCenterCode;
  }
}

const remedies: Readonly<Record<PartnerCenterRefusalReason | "NotConfirmed" | "Overtaken", string>> = {
  MfaRequired:
    "Let the Admin Agent account of this service sign in again with multi-factor authentication: run npm run partner-center:consent.",
  RoleMissing:
    "Give the account of this service the role Admin Agent in Partner Center, and check the partner's programme status.",
  AppOnlyToken:
    "Partner Center wants a user behind the call: let an Admin Agent sign in with npm run partner-center:consent.",
  NoRelationship:
    "Check in Partner Center that the customer is yours and that the reseller relationship is still in place.",
  SignInRequired: "Let an Admin Agent sign in again: run npm run partner-center:consent.",
  Refused: "Look the code up in Partner Center's documentation of errors.",
  NotConfirmed: "Look at the customer's permissions in Partner Center, then repeat the change.",
  Overtaken:
    "Nothing is to be done if the permission may stay as it is: somebody turned one Off meanwhile, and Off goes first.",
};

/** @param reason as below @returns what cures it, as a sentence */
export function remedyFor(reason: string): string {
  return remedies[reason as keyof typeof remedies] ?? remedies.Refused;
}

/**
 * @param reason what the policies' port or the end of a change called it
 * @param code Partner Center's own, if it gave one
 */
export function refusedByPartnerCenter(reason: string, message: string, code?: string): Refusal {
  const remedy = remedyFor(reason);
  return new Refusal("PartnerCenterRefused", `${message} ${remedy}`, {
    details: [{ code: reason, ...(code === undefined ? {} : { partnerCenterCode: code }), message, remedy }],
  });
}
