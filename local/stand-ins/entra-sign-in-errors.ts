/**
 * Entra's refusals of codes, refresh tokens and client certificates, beside those of entra-errors.ts. Numbers and texts as in
 * https://learn.microsoft.com/entra/identity-platform/reference-error-codes and as quoted in public issues.
 */

import type { EntraError } from "./entra-errors.ts";

const invalidGrant = (code: number, message: string, suberror?: string): EntraError => ({
  status: 400,
  error: "invalid_grant",
  code,
  message,
  ...(suberror === undefined ? {} : { suberror }),
});

export const signInErrors = {
  malformedGrant: (): EntraError => invalidGrant(9002313, "Invalid request. Request is malformed or invalid."),
  expiredByInactivity: (issuedAt: Date): EntraError =>
    invalidGrant(
      700082,
      `The refresh token has expired due to inactivity. The token was issued on ${issuedAt.toISOString()} and was inactive for 90.00:00:00.`,
    ),
  expired: (): EntraError =>
    invalidGrant(
      70008,
      "The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.",
    ),
  revoked: (issuedAt: Date, validFrom: Date): EntraError =>
    invalidGrant(
      50173,
      `The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password. The grant was issued on '${issuedAt.toISOString()}' and the TokensValidFrom date (before which tokens are not valid) for this user is '${validFrom.toISOString()}'.`,
      "bad_token",
    ),
  codeRedeemed: (): EntraError =>
    invalidGrant(
      54005,
      "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.",
    ),
  replyAddressChanged: (sent: string, expected: string): EntraError =>
    invalidGrant(
      500112,
      `The reply address '${sent}' does not match the reply address '${expected}' provided when requesting Authorization code.`,
    ),
  wrongVerifier: (): EntraError =>
    invalidGrant(501481, "The Code_Verifier does not match the code_challenge supplied in the authorization request."),
  accountDisabled: (): EntraError => invalidGrant(50057, "The user account is disabled."),
  noConsent: (appId: string, name: string): EntraError =>
    invalidGrant(
      65001,
      `The user or administrator has not consented to use the application with ID '${appId}' named '${name}'. Send an interactive authorization request for this user and resource.`,
      "consent_required",
    ),
  mfaRequired: (resource: string): EntraError => ({
    status: 400,
    error: "interaction_required",
    code: 50076,
    message: `Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access '${resource}'.`,
    suberror: "basic_action",
  }),
  invalidScope: (scope: string): EntraError => ({
    status: 400,
    error: "invalid_scope",
    code: 70011,
    message: `The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid. The scope '${scope}' is not valid.`,
  }),
  certificateUnknown: (thumbprint: string): EntraError => ({
    status: 401,
    error: "invalid_client",
    code: 700027,
    message: `The certificate with identifier used to sign the client assertion is not registered on application. [Reason - The key was not found., Thumbprint of key used by client: '${thumbprint}'].`,
  }),
  certificateExpired: (thumbprint: string): EntraError => ({
    status: 401,
    error: "invalid_client",
    code: 700027,
    message: `Client assertion failed signature validation. [Reason - The key used is expired., Thumbprint of key used by client: '${thumbprint}'].`,
  }),
  assertionOfAnotherClient: (): EntraError => ({
    status: 401,
    error: "invalid_client",
    code: 700021,
    message: "Client assertion application identifier doesn't match 'client_id' parameter.",
  }),
  assertionAudience: (): EntraError => ({
    status: 401,
    error: "invalid_client",
    code: 700023,
    message: "Client assertion audience claim does not match Realm issuer.",
  }),
} satisfies Record<string, (...values: never[]) => EntraError>;
