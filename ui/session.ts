/**
 * Signs the reader in: OpenID Connect, authorization code with PKCE, at the partner's own Entra tenant. Tokens are kept in
 * memory only, so a reload signs in anew, which Entra does without asking as long as its own session lasts. What has to
 * outlive the way to Entra and back (verifier, state, nonce) is in the session storage of this tab until then.
 *
 * https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
 */

import * as oauth from "oauth4webapi";
import { type AgentRole, agentRoles } from "../shared/domain/agent-role.ts";
import { Problem } from "./problem.ts";

/** `GET /ui/config.json` */
export interface SignInConfig {
  readonly tenants: readonly string[];
  readonly clientId: string;
  /** Origin of the issuer. */
  readonly authority: string;
  readonly scope: string;
}

export interface Session {
  readonly name: string;
  readonly userName: string;
  /** As the token says; what they are good for is decided by the API. */
  readonly roles: readonly AgentRole[];
  readonly maySwitch: boolean;
  /**
   * @throws Problem `SignedOut` when there is none any more and none can be had without the reader, `SignInUnavailable`
   * when Entra cannot be asked for one
   */
  token(): Promise<string>;
  signOut(): void;
}

/** What the way to Entra and back has to carry. */
interface Journey {
  readonly tenant: string;
  readonly verifier: string;
  readonly state: string;
  readonly nonce: string;
  /** Where the reader was. */
  readonly hash: string;
}

interface Tokens {
  readonly access: string;
  readonly refresh: string | undefined;
  readonly endsAt: number;
  readonly claims: oauth.IDToken;
}

const journeyKey = "sign-in";
const readerKey = "signed-in-as";
const noAuthentication = oauth.None();
/** A token that ends while a request is on its way is as good as none. */
const reserveMilliseconds = 60_000;

/** Entra did not let the reader in; `code` is its own, such as `access_denied`. */
export class SignInFailure extends Error {
  override readonly name = "SignInFailure";
  readonly code: string;

  constructor(code: string, options?: ErrorOptions) {
    super(code, options);
    this.code = code;
  }
}

/** Who signed in last in this tab, and where: then a reload need not ask. */
export function lastReader(): { readonly tenant: string; readonly userName: string } | undefined {
  const kept = sessionStorage.getItem(readerKey);
  return kept === null ? undefined : JSON.parse(kept);
}

/**
 * Leaves the page for Entra's.
 *
 * @param loginHint who signs in: Entra need not ask, and Back leads past it
 */
export async function signIn(config: SignInConfig, tenant: string, loginHint?: string): Promise<void> {
  const server = await discover(config, tenant);
  const journey: Journey = {
    tenant,
    verifier: oauth.generateRandomCodeVerifier(),
    state: oauth.generateRandomState(),
    nonce: oauth.generateRandomNonce(),
    hash: location.hash,
  };
  sessionStorage.setItem(journeyKey, JSON.stringify(journey));
  const url = new URL(server.authorization_endpoint ?? "");
  const parameters = {
    client_id: config.clientId,
    redirect_uri: redirectUri(),
    response_type: "code",
    response_mode: "query",
    scope: `openid profile offline_access ${config.scope}`,
    code_challenge: await oauth.calculatePKCECodeChallenge(journey.verifier),
    code_challenge_method: "S256",
    state: journey.state,
    nonce: journey.nonce,
    ...(loginHint === undefined ? {} : { login_hint: loginHint }),
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  if (loginHint === undefined) location.assign(url);
  else location.replace(url);
}

/**
 * @returns the session of a reader who comes back from Entra; undefined: nobody does, or on a way
 * that did not begin here, such as with Back
 * @throws SignInFailure when Entra, or the reader there, said no
 */
export async function comeBack(config: SignInConfig): Promise<Session | undefined> {
  const here = new URL(location.href);
  const kept = sessionStorage.getItem(journeyKey);
  if (!here.searchParams.has("code") && !here.searchParams.has("error")) return undefined;
  sessionStorage.removeItem(journeyKey);
  const journey = kept === null ? undefined : (JSON.parse(kept) as Journey);
  // The code is of no use any more, and shall not stand in the history.
  history.replaceState(null, "", redirectUri() + (journey?.hash ?? here.hash));
  if (journey === undefined) return undefined;

  const client = { client_id: config.clientId };
  try {
    const server = await discover(config, journey.tenant);
    const parameters = oauth.validateAuthResponse(server, client, here, journey.state);
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      noAuthentication,
      parameters,
      redirectUri(),
      journey.verifier,
      insecureOnLoopback(config),
    );
    const answer = await oauth.processAuthorizationCodeResponse(server, client, response, {
      expectedNonce: journey.nonce,
      requireIdToken: true,
    });
    return sessionOf(config, journey.tenant, server, tokensOf(answer));
  } catch (cause) {
    sessionStorage.removeItem(readerKey);
    const code = cause instanceof oauth.AuthorizationResponseError || cause instanceof oauth.ResponseBodyError;
    throw new SignInFailure(code ? cause.error : "unavailable", { cause });
  }
}

function sessionOf(config: SignInConfig, tenant: string, server: oauth.AuthorizationServer, first: Tokens): Session {
  /** undefined: the reader has signed out */
  let tokens: Tokens | undefined = first;
  let renewal: Promise<Tokens> | undefined;
  const { name, preferred_username: preferred, roles } = first.claims;
  const userName = typeof preferred === "string" ? preferred : "";
  const held = agentRoles.filter((role) => Array.isArray(roles) && roles.includes(role));
  sessionStorage.setItem(readerKey, JSON.stringify({ tenant, userName }));

  async function renew(before: Tokens): Promise<Tokens> {
    if (before.refresh === undefined) throw signedOut();
    const client = { client_id: config.clientId };
    const how = { ...insecureOnLoopback(config), additionalParameters: { scope: config.scope } };
    const response = await oauth.refreshTokenGrantRequest(server, client, noAuthentication, before.refresh, how);
    const answer = await oauth.processRefreshTokenResponse(server, client, response);
    return tokensOf(answer, before);
  }

  return {
    name: typeof name === "string" ? name : userName,
    userName,
    roles: held,
    maySwitch: held.includes("AdminAgent"),
    async token() {
      const before = tokens;
      if (before === undefined) throw signedOut();
      if (before.endsAt - Date.now() > reserveMilliseconds) return before.access;
      renewal ??= renew(before).finally(() => {
        renewal = undefined;
      });
      try {
        const renewed = await renewal;
        if (tokens !== undefined) tokens = renewed;
        return renewed.access;
      } catch (cause) {
        // Entra said no: only the reader can help. Otherwise the old one may still be good for a moment.
        const isRefused = cause instanceof oauth.ResponseBodyError;
        if (!isRefused && before.endsAt > Date.now()) return before.access;
        if (isRefused || before.refresh === undefined) throw signedOut(cause);
        throw new Problem({ code: "SignInUnavailable", message: String(cause), details: [] }, { cause });
      }
    },
    signOut() {
      sessionStorage.removeItem(readerKey);
      // A browser may keep the page as it was left, and show it again with Back.
      tokens = undefined;
      addEventListener("pageshow", () => location.reload());
      document.body.replaceChildren();
      const url = new URL(server.end_session_endpoint ?? redirectUri());
      url.searchParams.set("post_logout_redirect_uri", redirectUri());
      location.assign(url);
    },
  };
}

function signedOut(cause?: unknown): Problem {
  return new Problem({ code: "SignedOut", message: "Sign in again.", details: [] }, { cause });
}

function tokensOf(answer: oauth.TokenEndpointResponse, before?: Tokens): Tokens {
  const claims = oauth.getValidatedIdTokenClaims(answer) ?? before?.claims;
  if (claims === undefined) throw new SignInFailure("no_id_token");
  return {
    access: answer.access_token,
    refresh: answer.refresh_token ?? before?.refresh,
    endsAt: Date.now() + (answer.expires_in ?? 0) * 1000,
    claims,
  };
}

async function discover(config: SignInConfig, tenant: string): Promise<oauth.AuthorizationServer> {
  const issuer = new URL(`${config.authority}/${tenant}/v2.0`);
  const response = await oauth.discoveryRequest(issuer, { algorithm: "oidc", ...insecureOnLoopback(config) });
  return oauth.processDiscoveryResponse(issuer, response);
}

/** The API gives out no issuer without TLS but the local one. */
function insecureOnLoopback({ authority }: SignInConfig): { [oauth.allowInsecureRequests]?: boolean } {
  return authority.startsWith("http:") ? { [oauth.allowInsecureRequests]: true } : {};
}

function redirectUri(): string {
  return `${location.origin}/ui/`;
}
