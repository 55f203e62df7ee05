/**
 * Entra's part in the Secure Application Model: a user of the partner signs in once (authorization code), from then on a
 * refresh token buys access tokens for Partner Center. Kept in the tokens themselves, so that a restart loses none.
 */

import { createHash, randomUUID } from "node:crypto";
import type { JWTPayload } from "jose";
import { checkClient } from "./entra-client-assertion.ts";
import { type EntraError, entraErrors } from "./entra-errors.ts";
import { signInErrors } from "./entra-sign-in-errors.ts";
import { guidOf } from "./guid.ts";
import type { PartnerApplication, PartnerUser } from "./partner-application.ts";
import { partnerCenterResource, resourceOf } from "./partner-center-resource.ts";

export interface SignInOptions {
  readonly application: PartnerApplication;
  readonly users: readonly PartnerUser[];
  readonly tenantId: string;
  /** Entra's own origin; a function because the port is known late. */
  readonly authority: () => string;
  readonly lifetimeSeconds: () => number;
  readonly sign: (claims: Record<string, unknown>) => Promise<string>;
  readonly verify: (token: string) => Promise<JWTPayload>;
}

export interface CodeOptions {
  /** The automation's account unless told otherwise. */
  readonly user?: PartnerUser;
  readonly redirectUri?: string;
  readonly scope?: string;
  /** PKCE, `S256`. */
  readonly codeChallenge?: string;
  /** Comes back in the id token. */
  readonly nonce?: string;
  /** A code lives for ten minutes. */
  readonly issuedAt?: Date;
}

export interface RefreshTokenOptions {
  readonly user?: PartnerUser;
  /** More than 90 days ago: AADSTS700082. */
  readonly issuedAt?: Date;
  readonly resource?: string;
}

export interface AccessTokenOptions {
  readonly user?: PartnerUser;
  /** Partner Center's public one unless told otherwise. */
  readonly resource?: string;
  /** Added to the claims, or replacing them; `undefined` leaves one out. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

export interface SignInTokens {
  /** A one-time code, as the authorize endpoint hands out. */
  issueAuthorizationCode(options?: CodeOptions): string;
  /** As if somebody had consented before: what an operator keeps in the key vault. */
  issueRefreshToken(options?: RefreshTokenOptions): Promise<string>;
  /** Straight to an App+User access token for Partner Center. */
  issuePartnerCenterToken(options?: AccessTokenOptions): Promise<string>;
  /** An application-only one, which Partner Center's self-serve policies refuse. */
  issuePartnerCenterAppToken(options?: Omit<AccessTokenOptions, "user">): Promise<string>;
}

interface IssuedCode extends Required<Omit<CodeOptions, "codeChallenge" | "nonce">> {
  readonly codeChallenge: string | undefined;
  readonly nonce: string | undefined;
  redeemed: boolean;
}

interface TokenAnswer {
  readonly token_type: "Bearer";
  readonly expires_in: number;
  readonly ext_expires_in: number;
  readonly access_token: string;
  readonly scope?: string;
  readonly refresh_token?: string;
  readonly id_token?: string;
  readonly client_info?: string;
}

const day = 24 * 60 * 60 * 1000;
const refreshTokenDays = 90;
const codeMinutes = 10;
const defaultScope = `${partnerCenterResource}/user_impersonation offline_access`;

export function createSignIn(options: SignInOptions) {
  const { application, users, tenantId, authority, lifetimeSeconds, sign, verify } = options;
  const codes = new Map<string, IssuedCode>();
  const usedRefreshTokens = new Set<string>();

  const someone = (): PartnerUser => {
    const [first] = users;
    if (first === undefined) throw new Error("The partner's directory is empty: give startEntra a partnerUsers.");
    return first;
  };

  function issueAuthorizationCode({
    user = someone(),
    redirectUri = "http://localhost",
    scope = defaultScope,
    codeChallenge,
    nonce,
    issuedAt = new Date(),
  }: CodeOptions = {}): string {
    const code = `1.${Buffer.from(randomUUID() + randomUUID()).toString("base64url")}`;
    codes.set(code, { user, redirectUri, scope, codeChallenge, nonce, issuedAt, redeemed: false });
    return code;
  }

  async function issueRefreshToken({
    user = someone(),
    issuedAt = new Date(),
    resource = partnerCenterResource,
  }: RefreshTokenOptions = {}): Promise<string> {
    const token = await sign({
      aud: "refresh",
      jti: randomUUID(),
      sub: user.objectId,
      azp: application.clientId,
      // With fractions, so that what was issued in the second of a revocation is judged rightly.
      iat: issuedAt.getTime() / 1000,
      resource,
    });
    // Opaque to clients, as the real one.
    return `1.${Buffer.from(token).toString("base64url")}`;
  }

  /** A version 1 token, as first-party resources get. */
  function commonClaims(resource: string): JWTPayload {
    const now = Math.floor(Date.now() / 1000);
    const issuedBy = `https://sts.windows.net/${tenantId}/`;
    return {
      aud: resource,
      iss: issuedBy,
      iat: now,
      nbf: now,
      exp: now + lifetimeSeconds(),
      appid: application.clientId,
      appidacr: application.certificates.length > 0 ? "2" : "1",
      idp: issuedBy,
      tid: tenantId,
      uti: randomUUID().slice(0, 22),
      ver: "1.0",
    };
  }

  function issuePartnerCenterToken({
    user = someone(),
    resource = partnerCenterResource,
    claims = {},
  }: AccessTokenOptions = {}): Promise<string> {
    return sign({
      ...commonClaims(resource),
      acr: "1",
      amr: user.mfa ? ["pwd", "mfa"] : ["pwd"],
      ipaddr: "127.0.0.1",
      name: user.name,
      oid: user.objectId,
      scp: "user_impersonation",
      sub: guidOf(`subject:${user.name}`).replaceAll("-", ""),
      tid: user.tenantId ?? tenantId,
      unique_name: user.userPrincipalName,
      upn: user.userPrincipalName,
      ...claims,
    });
  }

  function issuePartnerCenterAppToken({
    resource = partnerCenterResource,
    claims = {},
  }: Omit<AccessTokenOptions, "user"> = {}): Promise<string> {
    const oid = guidOf(`service principal at home ${application.clientId}`);
    return sign({ ...commonClaims(resource), idtyp: "app", oid, sub: oid, ...claims });
  }

  /** Whether this client is the Secure Application Model's, in the tenant where it is registered. */
  function isResponsible(clientId: string | null, tenant: string): boolean {
    return (
      clientId?.toLowerCase() === application.clientId.toLowerCase() &&
      [tenantId.toLowerCase(), "common", "organizations"].includes(tenant)
    );
  }

  async function grant(form: URLSearchParams, tenant: string): Promise<EntraError | TokenAnswer> {
    const grantType = form.get("grant_type");
    if (!grantType) return entraErrors.missingParameter("grant_type");
    const refusal = await checkClient(application, form, [
      `${authority()}/${tenant}/oauth2/v2.0/token`,
      `${authority()}/${tenantId}/oauth2/v2.0/token`,
      `${authority()}/${tenantId}/v2.0`,
    ]);
    if (refusal) return refusal;
    if (grantType === "authorization_code") return redeemCode(form);
    if (grantType === "refresh_token") return refresh(form);
    return grantType === "client_credentials" ? applicationOnly(form) : entraErrors.unsupportedGrant(grantType);
  }

  async function redeemCode(form: URLSearchParams): Promise<EntraError | TokenAnswer> {
    for (const name of ["code", "redirect_uri"]) if (!form.get(name)) return entraErrors.missingParameter(name);
    const issued = codes.get(form.get("code") ?? "");
    if (issued === undefined) return signInErrors.malformedGrant();
    if (issued.redeemed) return signInErrors.codeRedeemed();
    if (Date.now() - issued.issuedAt.getTime() > codeMinutes * 60 * 1000) return signInErrors.expired();
    const redirectUri = form.get("redirect_uri") ?? "";
    if (redirectUri !== issued.redirectUri) return signInErrors.replyAddressChanged(redirectUri, issued.redirectUri);
    const { codeChallenge, user } = issued;
    if (codeChallenge !== undefined && challengeOf(form.get("code_verifier") ?? "") !== codeChallenge)
      return signInErrors.wrongVerifier();
    issued.redeemed = true;
    const scope = form.get("scope") || issued.scope;
    const offline = `${scope} ${issued.scope}`.includes("offline_access");
    return answerUser(user, scope, { offline, form, nonce: issued.nonce });
  }

  async function refresh(form: URLSearchParams): Promise<EntraError | TokenAnswer> {
    const sent = form.get("refresh_token");
    if (!sent) return entraErrors.missingParameter("refresh_token");
    let claims: JWTPayload;
    try {
      claims = await verify(Buffer.from(sent.slice(2), "base64url").toString());
    } catch {
      return signInErrors.malformedGrant();
    }
    const user = users.find(({ objectId }) => objectId === claims.sub);
    if (claims.aud !== "refresh" || claims.azp !== application.clientId || user === undefined)
      return signInErrors.malformedGrant();
    const issuedAt = new Date((claims.iat ?? 0) * 1000);
    if (Date.now() - issuedAt.getTime() > refreshTokenDays * day) return signInErrors.expiredByInactivity(issuedAt);
    if (issuedAt < user.tokensValidFrom) return signInErrors.revoked(issuedAt, user.tokensValidFrom);
    const id = String(claims.jti);
    if (application.usedRefreshTokens === "expire" && usedRefreshTokens.has(id)) return signInErrors.expired();

    const scope = form.get("scope") || `${String(claims.resource)}/user_impersonation`;
    const answer = await answerUser(user, scope, { offline: true, form });
    if ("access_token" in answer) usedRefreshTokens.add(id);
    return answer;
  }

  async function answerUser(
    user: PartnerUser,
    scope: string,
    {
      offline,
      form,
      nonce,
    }: { readonly offline: boolean; readonly form: URLSearchParams; readonly nonce?: string | undefined },
  ): Promise<EntraError | TokenAnswer> {
    const resource = resourceOf(scope, ["user_impersonation", ".default"]);
    if (resource === undefined) return signInErrors.invalidScope(scope);
    if (user.disabled) return signInErrors.accountDisabled();
    if (application.consent !== "given") return signInErrors.noConsent(application.clientId, application.name);
    if (application.requiresMfa && !user.mfa) return signInErrors.mfaRequired(resource);
    const clientInfo = { uid: user.objectId, utid: tenantId };
    return {
      token_type: "Bearer",
      scope: `${resource}/user_impersonation`,
      expires_in: lifetimeSeconds(),
      ext_expires_in: lifetimeSeconds(),
      access_token: await issuePartnerCenterToken({ user, resource }),
      ...(offline ? { refresh_token: await issueRefreshToken({ user, resource }) } : {}),
      // Only for clients that ask, as MSAL does: it keeps accounts by them.
      ...(scope.split(" ").includes("openid") ? { id_token: await idToken(user, nonce) } : {}),
      ...(form.get("client_info") === "1"
        ? { client_info: Buffer.from(JSON.stringify(clientInfo)).toString("base64url") }
        : {}),
    };
  }

  function idToken(user: PartnerUser, nonce: string | undefined): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    return sign({
      aud: application.clientId,
      iss: `${authority()}/${tenantId}/v2.0`,
      iat: now,
      nbf: now,
      exp: now + lifetimeSeconds(),
      name: user.name,
      ...(nonce === undefined ? {} : { nonce }),
      oid: user.objectId,
      preferred_username: user.userPrincipalName,
      sub: guidOf(`subject:${user.name}`).replaceAll("-", ""),
      tid: user.tenantId ?? tenantId,
      ver: "2.0",
    });
  }

  async function applicationOnly(form: URLSearchParams): Promise<EntraError | TokenAnswer> {
    const scope = form.get("scope");
    if (!scope) return entraErrors.missingParameter("scope");
    const resource = resourceOf(scope, [".default"]);
    if (resource === undefined) return entraErrors.scopeNotDefault(scope);
    return {
      token_type: "Bearer",
      expires_in: lifetimeSeconds(),
      ext_expires_in: lifetimeSeconds(),
      access_token: await issuePartnerCenterAppToken({ resource }),
    };
  }

  const tokens: SignInTokens = {
    issueAuthorizationCode,
    issueRefreshToken,
    issuePartnerCenterToken,
    issuePartnerCenterAppToken,
  };
  return { tokens, isResponsible, grant };
}

function challengeOf(verifier: string): string {
  return createHash("sha256").update(verifier).digest("base64url");
}
