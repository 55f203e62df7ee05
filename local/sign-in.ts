/**
 * The one sign-in behind the Secure Application Model: an Admin Agent consents in a browser, and the code that comes
 * back is exchanged for a refresh token. Authorization code with PKCE (RFC 7636), state and nonce.
 * https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
 */

import { createHash, randomBytes } from "node:crypto";
import { decodeJwt } from "jose";
import { askForToken, proofOf } from "../shared/adapters/entra-token-endpoint.ts";
import type { ConsentSettings } from "../shared/config.ts";
import { Sentence } from "./sentence.ts";

export interface SignIn {
  readonly redirectUri: string;
  /** Comes back with the answer, and nobody else knows it. */
  readonly state: string;
  readonly nonce: string;
  /** Only its hash has left the machine. */
  readonly verifier: string;
  readonly authorizeUrl: string;
}

export interface SignedIn {
  readonly accessToken: string;
  readonly refreshToken: string;
  /** For people to recognise, if Entra named it. */
  readonly account: string | undefined;
}

export function beginSignIn(settings: ConsentSettings, redirectUri: string): SignIn {
  const [state, nonce, verifier] = [random(), random(), random()];
  const query = new URLSearchParams({
    client_id: settings.application.clientId,
    response_type: "code",
    response_mode: "query",
    redirect_uri: redirectUri,
    scope: scopeOf(settings),
    ...{ state, nonce, prompt: "select_account" },
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
  });
  return { redirectUri, state, nonce, verifier, authorizeUrl: `${endpointOf(settings, "authorize")}?${query}` };
}

/**
 * @throws PartnerCenterRefusal when Entra refuses the code or the application
 * @throws Sentence when what it grants is not what was asked for
 */
export async function redeemCode(
  settings: ConsentSettings,
  { redirectUri, verifier, nonce }: SignIn,
  code: string,
  stop: AbortSignal,
): Promise<SignedIn> {
  const { clientId, credential, tenantId } = settings.application;
  const url = endpointOf(settings, "token");
  const form = new URLSearchParams({
    grant_type: "authorization_code",
    ...{ client_id: clientId, scope: scopeOf(settings), code, redirect_uri: redirectUri, code_verifier: verifier },
    ...(await proofOf(credential, clientId, url)),
  });
  const { accessToken, refreshToken, idToken } = await askForToken(url, form, stop, { attempts: 1 });
  // Straight from Entra over TLS, so its signature proves nothing more (OpenID Connect Core §3.1.3.7, 6).
  const claims = idToken === undefined ? {} : decodeJwt(idToken);
  if (claims.nonce !== nonce || claims.aud !== clientId)
    throw new Sentence("The token of Microsoft Entra does not belong to this sign-in. Nothing was stored.");
  if (String(claims.tid).toLowerCase() !== tenantId)
    throw new Sentence(
      `The account that signed in is of another tenant, not of the partner's (${tenantId}). Nothing was stored.`,
    );
  if (refreshToken === undefined)
    throw new Sentence("Microsoft Entra gave no refresh token, although offline_access was asked for.");
  return { accessToken, refreshToken, account: nameOf(claims.preferred_username) };
}

/** `openid` for the nonce and the tenant, `profile` for the account's name. */
function scopeOf({ application }: ConsentSettings): string {
  return `${application.endpoint}/user_impersonation offline_access openid profile`;
}

function endpointOf({ authorityHost, application }: ConsentSettings, name: "authorize" | "token"): string {
  return `${authorityHost}/${application.tenantId}/oauth2/v2.0/${name}`;
}

function random(): string {
  return randomBytes(32).toString("base64url");
}

/** It goes to a terminal: nothing that steers one. */
function nameOf(value: unknown): string | undefined {
  return typeof value === "string" ? value.replace(/\p{C}/gu, "").slice(0, 200) : undefined;
}
