/** Puts a refusal of Partner Center into words for the caller: what it said, and what cures it. */

import { Refusal } from "./refusal.ts";
import type { PolicyRefusalReason } from "./self-serve-policy.ts";

const remedies: Readonly<Record<PolicyRefusalReason | "NotConfirmed" | "Overtaken", string>> = {
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
