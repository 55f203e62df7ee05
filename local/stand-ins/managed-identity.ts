/**
 * The managed identity endpoint of App Service on loopback (plain http, secret in a header, as in Azure). Its token for
 * `api://AzureADTokenExchange` is the assertion with which the customer application proves itself, without a secret.
 */

import { randomUUID } from "node:crypto";
import type { JWTPayload } from "jose";
import type { EntraStandIn } from "./entra.ts";
import { guidOf } from "./guid.ts";
import { type Answer, type Call, type StandIn, startServer } from "./https-server.ts";

/** Entra puts the exchange's application id into `aud`, whatever name it was asked for by. */
const tokenExchangeAppId = "fb60f99c-7a34-4190-8149-302f77469936";

export interface ManagedIdentityOptions {
  readonly entra: EntraStandIn;
  readonly port?: number;
  readonly clientId?: string;
}

export interface ManagedIdentityStandIn extends StandIn {
  readonly clientId: string;
  /** What a federated credential has to name as its subject. */
  readonly objectId: string;
  /** What App Service sets for the process. */
  readonly environment: { readonly IDENTITY_ENDPOINT: string; readonly IDENTITY_HEADER: string };
}

export async function startManagedIdentity({
  entra,
  port,
  clientId = guidOf("managed identity of the function app"),
}: ManagedIdentityOptions): Promise<ManagedIdentityStandIn> {
  const objectId = guidOf(`object id of managed identity ${clientId}`);
  const secret = randomUUID();
  const server = await startServer({
    port,
    answer,
    failure: (status) => failure(status, "An unexpected error occurred while fetching the AAD Token."),
  });

  async function answer({ path, query, headers, method }: Call): Promise<Answer> {
    if (method !== "GET" || path !== "/msi/token") return { status: 404 };
    if (headers["x-identity-header"] !== secret)
      return failure(401, "The X-IDENTITY-HEADER header is missing or wrong.");
    if (query.get("api-version") !== "2019-08-01") return failure(400, "The api-version is missing or not supported.");
    const resource = query.get("resource");
    if (!resource) return failure(400, "The resource parameter is missing.");
    if (query.get("client_id") !== clientId)
      return failure(
        400,
        "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.",
      );
    const now = Math.floor(Date.now() / 1000);
    const expires = now + 24 * 60 * 60;
    const access_token = await entra.sign({
      aud: resource === "api://AzureADTokenExchange" ? tokenExchangeAppId : resource,
      iss: `${entra.url}/${entra.tenantId}/v2.0`,
      iat: now,
      nbf: now,
      exp: expires,
      azp: clientId,
      idtyp: "app",
      oid: objectId,
      sub: objectId,
      tid: entra.tenantId,
      ver: "2.0",
    });
    const body = { access_token, expires_on: String(expires), resource, token_type: "Bearer", client_id: clientId };
    return { status: 200, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  }

  return {
    ...server,
    clientId,
    objectId,
    environment: { IDENTITY_ENDPOINT: `${server.url}/msi/token`, IDENTITY_HEADER: secret },
  };
}

export function isFederatedAssertion({ aud }: JWTPayload): boolean {
  return aud === tokenExchangeAppId || aud === "api://AzureADTokenExchange";
}

function failure(statusCode: number, message: string): Answer {
  return {
    status: statusCode,
    headers: { "Content-Type": "application/json; charset=utf-8" },
    body: JSON.stringify({ statusCode, message, correlationId: randomUUID() }),
  };
}
