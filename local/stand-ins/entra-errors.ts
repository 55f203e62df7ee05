/** Entra's error bodies. Texts as the service writes them (issues in public repositories quote them in full). */

import { randomUUID } from "node:crypto";
import { errorCode } from "./error-code.ts";
import type { Answer } from "./https-server.ts";

export interface EntraError {
  readonly status: 400 | 401 | 429 | 500 | 503;
  readonly error: string;
  readonly code: number;
  readonly message: string;
  readonly suberror?: string;
}

export const entraErrors = {
  appNotFound: (appId: string, directory: string): EntraError => ({
    status: 400,
    error: "unauthorized_client",
    code: 700016,
    message: `Application with identifier '${appId}' was not found in the directory '${directory}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.`,
  }),
  appDisabled: (appId: string, name: string): EntraError => ({
    status: 400,
    error: "unauthorized_client",
    code: 7000112,
    message: `Application '${appId}'(${name}) is disabled.`,
  }),
  tenantNotFound: (tenant: string): EntraError => ({
    status: 400,
    error: "invalid_request",
    code: 90002,
    message: `Tenant '${tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.`,
  }),
  wrongSecret: (appId: string): EntraError => ({
    status: 401,
    error: "invalid_client",
    code: 7000215,
    message: `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${appId}'.`,
  }),
  expiredSecret: (appId: string): EntraError => ({
    status: 401,
    error: "invalid_client",
    code: 7000222,
    message: `The provided client secret keys for app '${appId}' are expired. Visit the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: https://aka.ms/certCreds.`,
  }),
  noCredential: (): EntraError => ({
    status: 401,
    error: "invalid_client",
    code: 7000218,
    message: "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
  }),
  missingParameter: (name: string): EntraError => ({
    status: 400,
    error: "invalid_request",
    code: 900144,
    message: `The request body must contain the following parameter: '${name}'.`,
  }),
  unsupportedGrant: (grant: string): EntraError => ({
    status: 400,
    error: "unsupported_grant_type",
    code: 70003,
    message: `The app requested an unsupported grant type '${grant}'.`,
  }),
  scopeNotDefault: (scope: string): EntraError => ({
    status: 400,
    error: "invalid_scope",
    code: 1002012,
    message: `The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).`,
  }),
  resourceNotFound: (resource: string, directory: string): EntraError => ({
    status: 400,
    error: "invalid_resource",
    code: 500011,
    message: `The resource principal named ${resource} was not found in the tenant named ${directory}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant.`,
  }),
  assertionMalformed: (): EntraError => ({
    status: 400,
    error: "invalid_request",
    code: 50027,
    message: "JWT token is invalid or malformed.",
  }),
  assertionExpired: (): EntraError => ({
    status: 401,
    error: "invalid_client",
    code: 700024,
    message: `Client assertion is not within its valid time range. Current time: ${new Date().toISOString()}. Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials .`,
  }),
  assertionSignature: (): EntraError => ({
    status: 401,
    error: "invalid_client",
    code: 700027,
    message:
      "The certificate with identifier used to sign the client assertion is not registered on application. Client assertion failed signature validation.",
  }),
  noFederation: (subject: string): EntraError => ({
    status: 400,
    error: "invalid_request",
    code: 700213,
    message: `No matching federated identity record found for presented assertion subject '${subject}'. Check your federated identity credential Subject, Audience and Issuer against the presented assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation`,
  }),
  federationAcrossTenants: (issuer: string): EntraError => ({
    status: 400,
    error: "invalid_request",
    code: 700236,
    message: `Entra ID tokens issued by issuer '${issuer}' may not be used for federated identity credential flows for applications or managed identities registered in this tenant.`,
  }),
  transient: (status: number): EntraError => ({
    status: status === 429 ? 429 : status === 503 ? 503 : 500,
    error: "temporarily_unavailable",
    code: status === 429 ? 90055 : 90033,
    message:
      status === 429
        ? "Server terminated the operation because it encountered excessive request."
        : "A transient error has occurred. Please try again.",
  }),
} satisfies Record<string, (...values: never[]) => EntraError>;

export function entraFailure(
  { status, error, code, message, suberror }: EntraError,
  { url, correlationId = randomUUID() }: { readonly url: string; readonly correlationId?: string | undefined },
): Answer {
  const traceId = randomUUID();
  const timestamp = timestampNow();
  return {
    status,
    headers: entraHeaders(traceId),
    body: JSON.stringify({
      error,
      error_description: errorDescription({ code, message }, { traceId, correlationId, timestamp }),
      error_codes: [code],
      timestamp,
      trace_id: traceId,
      correlation_id: correlationId,
      error_uri: `${url}/error?code=${code}`,
      ...(suberror === undefined ? {} : { suberror }),
    }),
  };
}

/** The text as it goes into an answer, or back to an application with the address of its page. */
export function errorDescription(
  { code, message }: Pick<EntraError, "code" | "message">,
  { traceId = randomUUID() as string, correlationId = randomUUID() as string, timestamp = timestampNow() } = {},
): string {
  return `AADSTS${code}: ${message} Trace ID: ${traceId} Correlation ID: ${correlationId} Timestamp: ${timestamp}`;
}

function timestampNow(): string {
  return `${new Date().toISOString().slice(0, 19).replace("T", " ")}Z`;
}

export function entraHeaders(requestId: string = randomUUID()): Record<string, string> {
  return {
    "Cache-Control": "no-store, no-cache",
    Pragma: "no-cache",
    "Content-Type": "application/json; charset=utf-8",
    Expires: "-1",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "x-ms-request-id": requestId,
    "x-ms-ests-server": "2.1.0 - local stand-in",
  };
}

/** @param error what jose throws for an assertion that does not hold */
export function assertionError(error: unknown): EntraError {
  const code = errorCode(error);
  if (code === "ERR_JWT_EXPIRED") return entraErrors.assertionExpired();
  return code === "ERR_JWS_INVALID" || code === "ERR_JWT_INVALID"
    ? entraErrors.assertionMalformed()
    : entraErrors.assertionSignature();
}
