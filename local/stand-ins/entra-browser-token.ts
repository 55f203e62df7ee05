/**
 * Entra's token endpoint for the page: a code or a refresh token, never a secret, and only from a script of a registered
 * origin. Refresh tokens of single-page applications live for 24 hours from the sign-in, however often they are used
 * (https://learn.microsoft.com/entra/identity-platform/refresh-tokens#token-lifetime).
 */

import { createHash, randomUUID } from "node:crypto";
import type { JWTPayload } from "jose";
import type { BrowserPerson } from "./browser-people.ts";
import type { EntraStandIn } from "./entra.ts";
import { browserErrors } from "./entra-browser-errors.ts";
import { type EntraError, entraErrors } from "./entra-errors.ts";
import { signInErrors } from "./entra-sign-in-errors.ts";
import { guidOf } from "./guid.ts";
import { grantedScope, isPageOrigin } from "./page-registration.ts";

export interface IssuedCode {
  readonly person: BrowserPerson;
  readonly redirectUri: string;
  readonly scope: string;
  /** `S256`. */
  readonly codeChallenge: string;
  readonly nonce: string | undefined;
  readonly issuedAt: number;
  redeemed: boolean;
}

export interface BrowserTokenAnswer {
  readonly token_type: "Bearer";
  readonly scope: string;
  readonly expires_in: number;
  readonly ext_expires_in: number;
  readonly access_token: string;
  readonly refresh_token?: string;
  readonly id_token?: string;
}

export interface BrowserGrantsOptions {
  readonly entra: EntraStandIn;
  readonly people: readonly BrowserPerson[];
  /** The door's own, for the id token; a function because the port is known late. */
  readonly issuer: () => string;
  readonly codeLifetimeSeconds: () => number;
}

interface SignedIn {
  readonly person: BrowserPerson;
  readonly scope: string;
  readonly nonce?: string | undefined;
  /** In milliseconds. */
  readonly signedInAt: number;
}

const refreshTokenHours = 24;

export function createBrowserGrants({ entra, people, issuer, codeLifetimeSeconds }: BrowserGrantsOptions) {
  const clientId = entra.audience;
  const codes = new Map<string, IssuedCode>();

  function issueCode(issued: Omit<IssuedCode, "issuedAt" | "redeemed">): string {
    const code = `1.${Buffer.from(randomUUID() + randomUUID()).toString("base64url")}`;
    codes.set(code, { ...issued, issuedAt: Date.now(), redeemed: false });
    return code;
  }

  async function grant(form: URLSearchParams, origin: string | undefined): Promise<EntraError | BrowserTokenAnswer> {
    for (const name of ["client_id", "grant_type"]) if (!form.get(name)) return entraErrors.missingParameter(name);
    const [sentId = "", grantType = ""] = [form.get("client_id") ?? "", form.get("grant_type") ?? ""];
    if (sentId.toLowerCase() !== clientId) return entraErrors.appNotFound(sentId, entra.tenantId);
    if (form.has("client_secret") || form.has("client_assertion")) return browserErrors.clientIsPublic();
    if (grantType !== "authorization_code" && grantType !== "refresh_token")
      return entraErrors.unsupportedGrant(grantType);
    if (origin === undefined) return browserErrors.notCrossOrigin();
    if (!isPageOrigin(origin)) return browserErrors.foreignOrigin(origin);
    const signedIn = await (grantType === "refresh_token" ? refresh(form) : redeem(form));
    return "code" in signedIn ? signedIn : answer(signedIn);
  }

  function redeem(form: URLSearchParams): EntraError | SignedIn {
    for (const name of ["code", "redirect_uri"]) if (!form.get(name)) return entraErrors.missingParameter(name);
    const issued = codes.get(form.get("code") ?? "");
    if (issued === undefined) return signInErrors.malformedGrant();
    if (issued.redeemed) return signInErrors.codeRedeemed();
    if (Date.now() - issued.issuedAt >= codeLifetimeSeconds() * 1000) return signInErrors.expired();
    const redirectUri = form.get("redirect_uri") ?? "";
    if (redirectUri !== issued.redirectUri) return signInErrors.replyAddressChanged(redirectUri, issued.redirectUri);
    const verifier = form.get("code_verifier");
    if (!verifier) return browserErrors.pkceRequired();
    if (createHash("sha256").update(verifier).digest("base64url") !== issued.codeChallenge)
      return signInErrors.wrongVerifier();
    issued.redeemed = true;
    const { person, scope, nonce } = issued;
    return { person, scope, nonce, signedInAt: Date.now() };
  }

  async function refresh(form: URLSearchParams): Promise<EntraError | SignedIn> {
    const sent = form.get("refresh_token");
    if (!sent) return entraErrors.missingParameter("refresh_token");
    let claims: JWTPayload;
    try {
      claims = await entra.verify(Buffer.from(sent.slice(2), "base64url").toString());
    } catch {
      return signInErrors.malformedGrant();
    }
    const person = people.find(({ objectId }) => objectId === claims.sub);
    if (claims.aud !== "refresh" || claims.azp !== clientId || person === undefined)
      return signInErrors.malformedGrant();
    const signedInAt = (claims.iat ?? 0) * 1000;
    if (Date.now() - signedInAt >= refreshTokenHours * 60 * 60 * 1000)
      return browserErrors.refreshTokenExpired(new Date(signedInAt));
    return { person, scope: form.get("scope") || String(claims.scope), signedInAt };
  }

  async function answer(signedIn: SignedIn): Promise<EntraError | BrowserTokenAnswer> {
    const { person, scope } = signedIn;
    const granted = grantedScope(scope, clientId);
    if ("code" in granted) return granted;
    const asked = new Set(scope.split(" "));
    const seconds = entra.tokenLifetimeSeconds;
    return {
      token_type: "Bearer",
      scope: granted.scp
        .split(" ")
        .map((permission) => `${clientId}/${permission}`)
        .join(" "),
      expires_in: seconds,
      ext_expires_in: seconds,
      access_token: await entra.issueCallerToken({
        name: person.name,
        oid: person.objectId,
        preferred_username: person.userPrincipalName,
        azp: clientId,
        uti: randomUUID().slice(0, 22),
        // Without a role there is no such claim.
        roles: person.roles.length === 0 ? undefined : person.roles,
        scp: granted.scp,
        exp: now() + seconds,
      }),
      ...(asked.has("offline_access") ? { refresh_token: await issueRefreshToken(signedIn) } : {}),
      ...(asked.has("openid") ? { id_token: await idToken(signedIn, seconds) } : {}),
    };
  }

  /** Kept in the token itself, so that a restart signs nobody out. Opaque to clients, as the real one. */
  async function issueRefreshToken({ person, scope, signedInAt }: SignedIn): Promise<string> {
    const subject = { aud: "refresh", azp: clientId, jti: randomUUID(), sub: person.objectId };
    const token = await entra.sign({ ...subject, iat: signedInAt / 1000, scope });
    return `1.${Buffer.from(token).toString("base64url")}`;
  }

  /** https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference */
  function idToken({ person, nonce }: SignedIn, seconds: number): Promise<string> {
    return entra.sign({
      aud: clientId,
      iss: issuer(),
      iat: now(),
      nbf: now(),
      exp: now() + seconds,
      name: person.name,
      nonce,
      oid: person.objectId,
      preferred_username: person.userPrincipalName,
      roles: person.roles.length === 0 ? undefined : person.roles,
      sub: guidOf(`subject:${person.name}`).replaceAll("-", ""),
      tid: entra.tenantId,
      ver: "2.0",
    });
  }

  return { issueCode, grant, issueRefreshToken };
}

function now(): number {
  return Math.floor(Date.now() / 1000);
}
