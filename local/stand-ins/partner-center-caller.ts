/** Who calls Partner Center: a user of the partner through an application (App+User), or an application alone. */

import { errors, type JWTPayload } from "jose";
import type { EntraStandIn } from "./entra.ts";
import type { Call } from "./https-server.ts";
import type { PartnerUser } from "./partner-application.ts";
import { type PartnerCenterError, partnerCenterErrors } from "./partner-center-errors.ts";
import { partnerCenterResource } from "./partner-center-resource.ts";

export interface PartnerCenterCaller {
  readonly applicationId: string;
  /** Undefined: an application-only token. */
  readonly user: PartnerUser | undefined;
  /** Whether the token proves a second factor. */
  readonly hasMfa: boolean;
}

export async function authenticate(
  { headers }: Call,
  { entra, tenantId, url }: { readonly entra: EntraStandIn; readonly tenantId: string; readonly url: string },
): Promise<PartnerCenterCaller | PartnerCenterError> {
  const token = /^Bearer (.+)$/i.exec(headers.authorization ?? "")?.[1];
  if (token === undefined) return partnerCenterErrors.noToken();
  let claims: JWTPayload;
  try {
    claims = await entra.verify(token);
  } catch (error) {
    return error instanceof errors.JWTExpired ? partnerCenterErrors.expiredToken() : partnerCenterErrors.invalidToken();
  }
  if (![partnerCenterResource, url].includes(String(claims.aud).replace(/\/$/, "")))
    return partnerCenterErrors.wrongAudience();
  if (claims.tid !== tenantId) return partnerCenterErrors.invalidToken();
  const applicationId = String(claims.appid);
  if (claims.scp === undefined) return { applicationId, user: undefined, hasMfa: false };
  const user = entra.partnerUsers.find(({ objectId }) => objectId === claims.oid);
  if (user === undefined) return partnerCenterErrors.invalidToken();
  return { applicationId, user, hasMfa: Array.isArray(claims.amr) && claims.amr.includes("mfa") };
}
