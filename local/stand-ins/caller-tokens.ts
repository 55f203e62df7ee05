/**
 * Access tokens of people and applications that call our API, as Entra v2 issues them, and every kind of token that must
 * be refused. Claims as Entra documents them; a claim set to `undefined` is left out.
 */

import { importJWK, type JWTHeaderParameters, type JWTPayload, SignJWT, UnsecuredJWT } from "jose";
import { guidOf } from "./guid.ts";
import { makeSigningKey, publicJwk, publicPem, type SigningKey } from "./signing-keys.ts";

export type CallerClaims = { readonly [claim: string]: unknown };

export interface HowToSign {
  /** `foreign`: a key the issuer never had, under the issuer's own key id. */
  readonly key?: "issuer" | "foreign";
  /** `HS256` signs with the issuer's public key as shared secret; `none` does not sign. */
  readonly algorithm?: "RS256" | "PS256" | "HS256" | "none";
  /** Puts the public part of the signing key into the header, as if the verifier should trust it. */
  readonly embedJwk?: boolean;
  /** Another key id; `null` leaves it out. */
  readonly kid?: string | null;
  readonly header?: Readonly<Record<string, unknown>>;
  /** Changes the payload after signing. */
  readonly tampered?: boolean;
}

export interface Issuer {
  readonly key: SigningKey;
  readonly tenantId: string;
  readonly audience: string;
  /** `https://host[:port]`, without a slash. */
  readonly authority: string;
}

const hour = 60 * 60;
let foreignKey: SigningKey | undefined;

/** Ada, an Admin Agent of the partner, unless told otherwise. */
export function userClaims(issuer: Issuer, name = "Ada"): JWTPayload {
  return {
    ...commonClaims(issuer),
    name,
    oid: guidOf(`user:${name}`),
    preferred_username: `${name.trim().toLowerCase().replaceAll(/\s+/g, ".")}@partner.example`,
    roles: ["AdminAgent"],
    scp: "Permissions.ReadWrite",
    sub: guidOf(`subject:${name}`).replaceAll("-", ""),
  };
}

/** An application with its own token: no user, no scope. */
export function applicationClaims(issuer: Issuer, name = "nightly-automation"): JWTPayload {
  const oid = guidOf(`application:${name}`);
  return {
    ...commonClaims(issuer),
    azp: guidOf(`client:${name}`),
    azpacr: "2",
    idtyp: "app",
    oid,
    roles: ["AdminAgent"],
    sub: oid,
  };
}

function commonClaims({ audience, authority, tenantId }: Issuer): JWTPayload {
  const now = Math.floor(Date.now() / 1000);
  return {
    aud: audience,
    iss: `${authority}/${tenantId}/v2.0`,
    iat: now,
    nbf: now,
    exp: now + hour,
    aio: "AXQAi/8TAAAA",
    azp: guidOf("client:partner-portal"),
    azpacr: "0",
    rh: "1.AAAA.",
    tid: tenantId,
    uti: guidOf(`uti:${now}`).slice(0, 22),
    ver: "2.0",
  };
}

export async function signToken(
  issuer: { readonly key: SigningKey },
  claims: CallerClaims,
  { key = "issuer", algorithm = "RS256", embedJwk = false, kid, header = {}, tampered = false }: HowToSign = {},
): Promise<string> {
  const present = Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
  if (algorithm === "none") return new UnsecuredJWT(present).encode();

  foreignKey ??= makeSigningKey();
  const signer = key === "issuer" ? issuer.key : foreignKey;
  const keyId = kid === undefined ? issuer.key.kid : kid;
  const protectedHeader: JWTHeaderParameters = {
    typ: "JWT",
    alg: algorithm,
    ...(keyId === null ? {} : { kid: keyId }),
    ...(embedJwk ? { jwk: publicJwk(signer) } : {}),
    ...header,
  };
  const secret =
    algorithm === "HS256"
      ? Buffer.from(publicPem(issuer.key))
      : await importJWK({ ...signer.privateJwk, kty: "RSA" }, algorithm);
  // jose has to be told that we know a header we mark as critical; the verifier does not.
  const crit = Object.fromEntries((Array.isArray(header.crit) ? header.crit : []).map((name) => [String(name), true]));
  const token = await new SignJWT(present).setProtectedHeader(protectedHeader).sign(secret, { crit });
  return tampered ? changed(token) : token;
}

function changed(token: string): string {
  const [header, payload = "", signature] = token.split(".");
  const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as Record<string, unknown>;
  const forged = Buffer.from(JSON.stringify({ ...claims, roles: ["AdminAgent"], forged: true })).toString("base64url");
  return `${header}.${forged}.${signature}`;
}
