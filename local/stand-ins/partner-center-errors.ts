/**
 * Partner Center's error bodies and codes and the headers all of its answers carry.
 * Where a code is documented nowhere, a word stands in its place, so that it is not taken for one that is.
 */

import { randomBytes, randomUUID } from "node:crypto";
import type { Answer, Call } from "./https-server.ts";

export interface PartnerCenterError {
  readonly status: number;
  readonly code: string;
  readonly description: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const error = (status: number, code: string, description: string): PartnerCenterError => ({
  status,
  code,
  description,
});

export const partnerCenterErrors = {
  noToken: () => error(401, "Unauthorized", "Access token is missing."),
  invalidToken: () => error(401, "Unauthorized", "Access token is invalid."),
  expiredToken: () => error(401, "Unauthorized", "Access token has expired."),
  wrongAudience: () =>
    error(401, "900420", "The audience in the token is invalid and is no longer supported in Partner Center API."),
  mfaRequired: () =>
    error(
      401,
      "900421",
      "Multi-factor authentication (MFA) is required to call this API, and the token has no proof of it.",
    ),
  roleHasNoRights: () =>
    error(403, "900150", "The supplied role does not have the rights to perform the requested operation."),
  applicationOnly: () => error(403, "900329", "This resource doesn't support application-only authentication."),
  noRelationship: (partnerId: string, customerId: string) =>
    error(
      403,
      "20002",
      `Access denied: partner id ${partnerId} has no commerce relationship with the customer id ${customerId}.`,
    ),
  customerNotFound: () => error(404, "60003", "Tenant not found."),
  invalidCustomerId: () => error(400, "900118", "Invalid Customer Id."),
  policyNotFound: () => error(404, "600039", "Self-serve policy not found."),
  policyIdIncorrect: () => error(404, "600040", "Self-serve policy identifier is incorrect."),
  policyExists: () => error(409, "600041", "Self-serve policy already exists."),
  staleEtag: (status: number) => error(status, "2055", "Etag is no longer valid."),
  badRequest: (description: string) => error(400, "BadRequest", description),
  notFound: () => error(404, "NotFound", "The resource was not found."),
  methodNotAllowed: () => error(405, "MethodNotAllowed", "The requested resource does not support this http method."),
} satisfies Record<string, (...values: never[]) => PartnerCenterError>;

export function partnerCenterFailure({ status, code, description, headers }: PartnerCenterError, call: Call): Answer {
  const body = JSON.stringify({ code, description, data: [], source: "PartnerApiServiceCore" });
  return { status, headers: { ...partnerCenterHeaders(call), ...headers }, body };
}

/** The gateway's own shape, which has neither `code` nor `description`. */
export function throttled(seconds: number, call: Call): Answer {
  const body = { statusCode: 429, message: `Rate limit is exceeded. Try again in ${seconds} seconds.` };
  return {
    status: 429,
    headers: { ...partnerCenterHeaders(call), "Retry-After": String(seconds) },
    body: JSON.stringify(body),
  };
}

/** Partner Center's usual words for a status, for faults that name a status only. */
export function typicalError(status: number, { path }: Call): PartnerCenterError {
  switch (status) {
    case 401:
      return partnerCenterErrors.invalidToken();
    case 403:
      return partnerCenterErrors.roleHasNoRights();
    case 404:
      return /selfservepolicy\//i.test(path) ? partnerCenterErrors.policyNotFound() : partnerCenterErrors.notFound();
    case 409:
      return partnerCenterErrors.policyExists();
    case 412:
      return partnerCenterErrors.staleEtag(412);
    case 500:
      return error(status, "3000", "An unexpected error occurred.");
    case 503:
      return error(status, "3001", "The service is temporarily unavailable.");
    default:
      return error(status, "OnDemand", "Answered on demand.");
  }
}

export function partnerCenterHeaders({ headers }: Call): Record<string, string> {
  const echoed = (name: string): string => {
    const sent = headers[name];
    return typeof sent === "string" ? sent : randomUUID();
  };
  return {
    "Content-Type": "application/json; charset=utf-8",
    "Cache-Control": "no-cache",
    "MS-RequestId": echoed("ms-requestid"),
    "MS-CorrelationId": echoed("ms-correlationid"),
    "MS-CV": `${randomBytes(16).toString("base64url").slice(0, 16)}.0`,
    "MS-ServerId": "loopback",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
  };
}
