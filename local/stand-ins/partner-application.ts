/**
 * The partner's side of the Secure Application Model: the application that calls Partner
 * Center, and the people of the partner who may sign in to it. Everything is mutable: a test takes MFA or a role away.
 */

import type { AgentRole } from "../../shared/domain/agent-role.ts";
import { guidOf } from "./guid.ts";

export interface PartnerApplication {
  clientId: string;
  name: string;
  secret: string;
  secretExpired: boolean;
  /** Certificates (PEM) whose keys may sign a client assertion. */
  certificates: string[];
  /** `missing`: AADSTS65001 until somebody signs in at the authorize endpoint; `refused`: that person says no. */
  consent: "given" | "missing" | "refused";
  /** Conditional access: no token for a user whose sign-in was without a second factor (AADSTS50076). */
  requiresMfa: boolean;
  /** `expire`: a refresh token is good for one use, so that a rotated one that was not kept is missed. Entra: `stay`. */
  usedRefreshTokens: "stay" | "expire";
}

export interface PartnerUser {
  name: string;
  objectId: string;
  userPrincipalName: string;
  /** The role in Partner Center. Not in the token: Partner Center looks it up. */
  agentRole: AgentRole | undefined;
  /** Whether the sign-in behind the tokens had a second factor: `amr` of every token issued from now on. */
  mfa: boolean;
  disabled: boolean;
  /** Where the account is at home; undefined: in the partner's tenant. */
  tenantId?: string;
  /** Refresh tokens issued before are revoked (AADSTS50173). */
  tokensValidFrom: Date;
}

export const partnerCenterClientId = "dddddddd-dddd-4ddd-8ddd-dddddddddddd";
/** No secret at all: it opens nothing but the stand-in. */
export const partnerCenterSecret = "only-for-the-local-partner-center";

export function makePartnerApplication(application: Partial<PartnerApplication> = {}): PartnerApplication {
  return {
    clientId: partnerCenterClientId,
    name: "Customer purchase permissions for Partner Center",
    secret: partnerCenterSecret,
    secretExpired: false,
    certificates: [],
    consent: "given",
    requiresMfa: false,
    usedRefreshTokens: "stay",
    ...application,
  };
}

export function makePartnerUser(user: Pick<PartnerUser, "name"> & Partial<PartnerUser>): PartnerUser {
  return {
    // The same people as in tokens for our own API (caller-tokens.ts).
    objectId: guidOf(`user:${user.name}`),
    userPrincipalName: `${user.name.trim().toLowerCase().replaceAll(/\s+/g, ".")}@partner.example`,
    agentRole: "AdminAgent",
    mfa: true,
    disabled: false,
    tokensValidFrom: new Date(0),
    ...user,
  };
}

/** The account of the automation first: it signs in when nobody else is named. */
export function makePartnerUsers(): PartnerUser[] {
  return [
    makePartnerUser({ name: "Partner Center automation" }),
    makePartnerUser({ name: "Ada" }),
    makePartnerUser({ name: "Sal", agentRole: "SalesAgent" }),
    makePartnerUser({ name: "Hedy", agentRole: "HelpdeskAgent" }),
    makePartnerUser({ name: "Nobody", agentRole: undefined }),
  ];
}
