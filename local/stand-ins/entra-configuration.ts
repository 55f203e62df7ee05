/** What Entra publishes about itself for any tenant: the OpenID configuration, and the keys as its JWKS shows them. */

import { entraHeaders } from "./entra-errors.ts";
import type { Answer } from "./https-server.ts";
import { publicJwk, type SigningKey } from "./signing-keys.ts";

interface Place {
  /** Origin of the server that answers. */
  readonly url: string;
  /** As it stands in the addresses. */
  readonly tenant: string;
}

/** @param issuerTenant as it stands in the issuer: `{tenantid}` where many tenants share one document */
export function openIdConfiguration({ url, tenant }: Place, issuerTenant: string = tenant): Record<string, unknown> {
  return {
    token_endpoint: `${url}/${tenant}/oauth2/v2.0/token`,
    token_endpoint_auth_methods_supported: ["client_secret_post", "private_key_jwt", "client_secret_basic"],
    jwks_uri: `${url}/${tenant}/discovery/v2.0/keys`,
    response_modes_supported: ["query", "fragment", "form_post"],
    subject_types_supported: ["pairwise"],
    id_token_signing_alg_values_supported: ["RS256"],
    response_types_supported: ["code", "id_token", "code id_token", "id_token token"],
    scopes_supported: ["openid", "profile", "email", "offline_access"],
    issuer: `${url}/${issuerTenant}/v2.0`,
    request_uri_parameter_supported: false,
    authorization_endpoint: `${url}/${tenant}/oauth2/v2.0/authorize`,
    device_authorization_endpoint: `${url}/${tenant}/oauth2/v2.0/devicecode`,
    end_session_endpoint: `${url}/${tenant}/oauth2/v2.0/logout`,
    claims_supported: ["sub", "iss", "aud", "exp", "iat", "nonce", "preferred_username", "name", "tid", "ver"],
    tenant_region_scope: "EU",
    cloud_instance_name: "127.0.0.1",
  };
}

/** No `alg`, as in Entra: a validator has to pin RS256 by itself. */
export function keySetDocument(keys: readonly SigningKey[], url: string): Record<string, unknown> {
  const published = keys.map((key) => ({
    use: "sig",
    kid: key.kid,
    x5t: key.kid,
    ...publicJwk(key),
    cloud_instance_name: "127.0.0.1",
    issuer: `${url}/{tenantid}/v2.0`,
  }));
  return { keys: published };
}

/** For anybody, from any origin. */
export function publicDocument(body: unknown): Answer {
  return {
    status: 200,
    headers: { ...entraHeaders(), "Cache-Control": "max-age=86400, private", "Access-Control-Allow-Origin": "*" },
    body: JSON.stringify(body),
  };
}
