/** Azure Resource Manager's error bodies and the headers every one of its answers carries. */

import { randomUUID } from "node:crypto";
import type { Answer } from "./https-server.ts";

export interface ArmError {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export const armErrors = {
  noToken: (tenant: string): ArmError => ({
    status: 401,
    code: "AuthenticationFailed",
    message: "Authentication failed. The 'Authorization' header is missing.",
    headers: challenge(tenant, "The authentication failed because of missing 'Authorization' header."),
  }),
  invalidToken: (tenant: string, message = "The access token is invalid."): ArmError => ({
    status: 401,
    code: "InvalidAuthenticationToken",
    message,
    headers: challenge(tenant, "Could not find identity for access token."),
  }),
  expiredToken: (tenant: string, expiry: Date): ArmError => ({
    status: 401,
    code: "ExpiredAuthenticationToken",
    message: `The access token expiry UTC time '${usTime(expiry)}' is earlier than current UTC time '${usTime(new Date())}'.`,
    headers: challenge(tenant, "The access token expiry UTC time is earlier than current UTC time."),
  }),
  wrongAudience: (tenant: string, audience: string): ArmError => ({
    status: 401,
    code: "InvalidAuthenticationTokenAudience",
    message: `The access token has been obtained for wrong audience or resource '${audience}'. It should exactly match with one of the allowed audiences 'https://management.core.windows.net/','https://management.core.windows.net','https://management.azure.com/','https://management.azure.com'.`,
    headers: challenge(tenant, "The access token has been obtained for wrong audience or resource."),
  }),
  wrongTenant: (tokenTenant: string, tenant: string): ArmError => ({
    status: 401,
    code: "InvalidAuthenticationTokenTenant",
    message: `The access token is from the wrong issuer 'https://sts.windows.net/${tokenTenant}/'. It must match the tenant 'https://sts.windows.net/${tenant}/' associated with this subscription. Please use the authority (URL) 'https://login.windows.net/${tenant}' to get the token. Note, if the subscription is transferred to another tenant there is no impact to the services, but information about new tenant could take time to propagate (up to an hour). If you just transferred your subscription and see this error message, please try back later.`,
    headers: challenge(
      tenant,
      "The access token is from the wrong issuer. It must match the tenant associated with this subscription. Please use correct authority to get the token.",
    ),
  }),
  forbidden: (appId: string, objectId: string, action: string, scope: string): ArmError => ({
    status: 403,
    code: "AuthorizationFailed",
    message: `The client '${appId}' with object id '${objectId}' does not have authorization to perform action '${action}' over scope '${scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
  }),
  subscriptionNotFound: (id: string): ArmError => ({
    status: 404,
    code: "SubscriptionNotFound",
    message: `The subscription '${id}' could not be found.`,
  }),
  invalidSubscriptionId: (id: string): ArmError => ({
    status: 400,
    code: "InvalidSubscriptionId",
    message: `The provided subscription identifier '${id}' is malformed or invalid.`,
  }),
  missingSubscription: (): ArmError => ({
    status: 404,
    code: "MissingSubscription",
    message: "The request did not have a subscription or a valid tenant level resource provider.",
  }),
  invalidResourceType: (type: string, namespace: string, version: string): ArmError => ({
    status: 404,
    code: "InvalidResourceType",
    message: `The resource type '${type}' could not be found in the namespace '${namespace}' for api version '${version}'.`,
  }),
  missingApiVersion: (): ArmError => ({
    status: 400,
    code: "MissingApiVersionParameter",
    message: "The api-version query parameter (?api-version=) is required for all requests.",
  }),
  invalidApiVersion: (version: string, supported: readonly string[]): ArmError => ({
    status: 400,
    code: "InvalidApiVersionParameter",
    message: `The api-version '${version}' is invalid. The supported versions are '${supported.join(",")}'.`,
  }),
  unsupportedQuery: (filter: string): ArmError => ({
    status: 400,
    code: "UnsupportedQuery",
    message: `The filter '${filter}' is not supported. Supported filters are either 'atScope()' or 'principalId eq '{value}' or assignedTo('{value}')'.`,
  }),
  noPim: (): ArmError => ({
    status: 400,
    code: "AadPremiumLicenseRequired",
    message: "The tenant needs to have Microsoft Entra ID P2 or Microsoft Entra ID Governance license.",
  }),
  throttled: (seconds: number, subscriptionId = "00000000-0000-0000-0000-000000000000"): ArmError => ({
    status: 429,
    code: "SubscriptionRequestsThrottled",
    message: `Number of 'read' requests for subscription '${subscriptionId}' exceeded. Please try again after '${seconds}' seconds after additional tokens are available. Refer to https://aka.ms/arm-throttling for additional information.`,
    headers: { "Retry-After": String(seconds) },
  }),
} satisfies Record<string, (...values: never[]) => ArmError>;

/** ARM's usual words for a status, for faults that name a status only. A 429 asked for like this has no Retry-After. */
export function typicalArmError(status: number): ArmError {
  if (status === 429) return { ...armErrors.throttled(17), headers: {} };
  const at = `Diagnostic information: timestamp '${new Date().toISOString()}', tracking id '${randomUUID()}', request correlation id '${randomUUID()}'.`;
  if (status === 503) return { status, code: "ServerTimeout", message: `The request timed out. ${at}` };
  if (status >= 500)
    return { status, code: "InternalServerError", message: `Encountered internal server error. ${at}` };
  return { status, code: status === 403 ? "AuthorizationFailed" : "BadRequest", message: "Answered on demand." };
}

export function armFailure({ status, code, message, headers = {} }: ArmError): Answer {
  const body = JSON.stringify({ error: { code, message } });
  return { status, headers: { ...armHeaders(), "x-ms-failure-cause": "gateway", ...headers }, body };
}

export function armHeaders(): Record<string, string> {
  const requestId = randomUUID();
  const stamp = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, "");
  return {
    "Cache-Control": "no-cache",
    Pragma: "no-cache",
    "Content-Type": "application/json; charset=utf-8",
    Expires: "-1",
    "x-ms-request-id": requestId,
    "x-ms-correlation-request-id": requestId,
    "x-ms-routing-request-id": `LOOPBACK:${stamp}:${requestId}`,
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
  };
}

function challenge(tenant: string, description: string): Record<string, string> {
  const authority = `https://login.windows.net/${tenant}`;
  return {
    "WWW-Authenticate": `Bearer authorization_uri="${authority}", error="invalid_token", error_description="${description}"`,
  };
}

/** As .NET prints it under the invariant culture's American cousin: 8/3/2026 9:54:40 PM. */
function usTime(time: Date): string {
  return time.toLocaleString("en-US", { timeZone: "UTC" }).replace(",", "");
}
