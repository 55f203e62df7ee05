/**
 * Entra's refusals of single-page applications, beside those of entra-errors.ts and entra-sign-in-errors.ts. Numbers and
 * texts as in https://learn.microsoft.com/entra/identity-platform/reference-error-codes and as quoted in public issues.
 */

import type { EntraError } from "./entra-errors.ts";

const invalidRequest = (code: number, message: string): EntraError => ({
  status: 400,
  error: "invalid_request",
  code,
  message,
});

export const browserErrors = {
  redirectUriUnknown: (redirectUri: string, clientId: string): EntraError =>
    invalidRequest(
      50011,
      `The redirect URI '${redirectUri}' specified in the request does not match the redirect URIs configured for the application '${clientId}'. Make sure the redirect URI sent in the request matches one added to your application in the Azure portal. Navigate to https://aka.ms/redirectUriMismatchError to learn more about how to troubleshoot this error.`,
    ),
  /** https://github.com/MicrosoftDocs/azure-docs/issues/93166 */
  pkceRequired: (): EntraError =>
    invalidRequest(9002325, "Proof Key for Code Exchange is required for cross-origin authorization code redemption."),
  challengeSize: (): EntraError => invalidRequest(501491, "Invalid size of Code_Challenge parameter."),
  responseType: (responseType: string): EntraError => ({
    status: 400,
    error: "unsupported_response_type",
    code: 700054,
    message: `response_type '${responseType}' is not enabled for the application.`,
  }),
  responseMode: (mode: string): EntraError =>
    invalidRequest(70007, `'${mode}' is not a supported value of 'response_mode' when requesting a token.`),
  /** https://github.com/AzureAD/microsoft-authentication-library-for-js/issues/5148 */
  loginRequired: (): EntraError => ({
    status: 400,
    error: "login_required",
    code: 50058,
    message: "A silent sign-in request was sent but no user is signed in.",
  }),
  declined: (): EntraError => ({
    status: 400,
    error: "access_denied",
    code: 65004,
    message: "User declined to consent to access the app.",
  }),
  /** https://github.com/Azure-Samples/azure-search-openai-demo/issues/1534 */
  tokenForItself: (clientId: string, resource: string): EntraError =>
    invalidRequest(
      90009,
      `Application '${clientId}'(${resource}) is requesting a token for itself. This scenario is supported only if resource is specified using the GUID based App Identifier.`,
    ),
  /** https://github.com/AzureAD/microsoft-authentication-library-for-js/issues/2482 */
  notCrossOrigin: (): EntraError =>
    invalidRequest(
      9002327,
      "Tokens issued for the 'Single-Page Application' client-type may only be redeemed via cross-origin requests.",
    ),
  /** https://github.com/vippsas/vipps-ecom-api/issues/246 */
  foreignOrigin: (origin: string): EntraError =>
    invalidRequest(
      9002326,
      `Cross-origin token redemption is permitted only for the 'Single-Page Application' client-type. Request origin: '${origin}'.`,
    ),
  /** https://github.com/nextauthjs/next-auth/issues/6133 */
  clientIsPublic: (): EntraError => ({
    status: 401,
    error: "invalid_client",
    code: 700025,
    message: "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
  }),
  refreshTokenExpired: (signedInAt: Date): EntraError => ({
    status: 400,
    error: "invalid_grant",
    code: 700084,
    message: `The refresh token was issued to a single page app (SPA), and therefore has a fixed, limited lifetime of 1.00:00:00, which cannot be extended. It is now expired and a new sign in request must be sent by the SPA to the sign in page. The token was issued on ${signedInAt.toISOString()}.`,
  }),
} satisfies Record<string, (...values: never[]) => EntraError>;
