/**
 * The token endpoint of Microsoft Entra as the Secure Application Model uses it: one request with few retries, answers
 * that are a token, a refusal or nothing to rely on, and the proof that the application is who it says. Shared by the
 * app, which has a refresh token, and by the first consent, which is to get one.
 */

import { createHash, createPrivateKey, randomUUID, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { SignJWT } from "jose";
import { PartnerCenterRefusal, type PartnerCenterRefusalReason } from "../domain/partner-center-refusal.ts";
import { retryAfterMilliseconds } from "./arm-guard.ts";

/** How the application proves itself: a secret, or a PEM file with a certificate and its private key. */
export type PartnerCenterCredential = { readonly clientSecret: string } | { readonly certificatePath: string };

export interface Granted {
  readonly accessToken: string;
  readonly lifeMilliseconds: number;
  /** The next refresh token; Entra sends one nearly always. */
  readonly refreshToken: string | undefined;
  /** Who signed in, when that was asked for with the scope `openid`. */
  readonly idToken: string | undefined;
}

export interface TokenRequestLimits {
  /** Of one request to Entra. */
  readonly attemptMilliseconds?: number;
  /** About how long to wait before a request is repeated. */
  readonly backOffMilliseconds?: number;
  /** How often to ask at most; a code of the sign-in page is good for one time only. */
  readonly attempts?: number;
}

const longestLifeMilliseconds = 24 * 60 * 60_000;
const assertionSeconds = 5 * 60;
/** What may stand in a header. A value with anything else would be quoted in the error of `fetch`. */
const tokenPattern = /^[\w.~+/=-]+$/;

/**
 * @throws PartnerCenterRefusal `SignInRequired`, `MfaRequired` or `Refused` when Entra says no; anything else when there is no
 * answer, or none that can be relied on
 */
export async function askForToken(
  url: string,
  form: URLSearchParams,
  stop: AbortSignal,
  limits: TokenRequestLimits = {},
): Promise<Granted> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await askOnce(
        url,
        form,
        AbortSignal.any([stop, AbortSignal.timeout(limits.attemptMilliseconds ?? 8_000)]),
      );
    } catch (error) {
      const isThrottled = error instanceof EntraFailure && error.statusCode === 429;
      if (error instanceof PartnerCenterRefusal || isThrottled || attempt >= (limits.attempts ?? 2) || stop.aborted)
        throw error;
      await pause((limits.backOffMilliseconds ?? 300) * (0.5 + Math.random()), undefined, { signal: stop });
    }
  }
}

async function askOnce(url: string, form: URLSearchParams, signal: AbortSignal): Promise<Granted> {
  // A redirect would carry the refresh token to wherever it leads.
  const response = await fetch(url, { method: "POST", body: form, redirect: "manual", signal });
  const { status } = response;
  const answer = parse(await response.text());
  if (status === 200) return grantedBy(answer);
  if (status >= 400 && status < 500 && status !== 408 && status !== 429) {
    const refusal = refusalOf(answer);
    if (refusal !== undefined) throw refusal;
  }
  const wait = retryAfterMilliseconds((name) => response.headers.get(name) ?? undefined);
  throw new EntraFailure(`Microsoft Entra answered ${status}${idsOf(answer)}.`, status, wait);
}

/** No cause is given: the errors of `JSON.parse` quote what they were given, and that may be half a token. */
function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

function grantedBy(answer: Readonly<Record<string, unknown>>): Granted {
  const { token_type, access_token, expires_in, refresh_token, id_token } = answer;
  const seconds = Number(expires_in);
  if (
    String(token_type).toLowerCase() !== "bearer" ||
    typeof access_token !== "string" ||
    !tokenPattern.test(access_token) ||
    !(seconds > 0)
  ) {
    throw new EntraFailure("Microsoft Entra answered 200, but with no token.", 200, undefined);
  }
  return {
    accessToken: access_token,
    lifeMilliseconds: Math.min(seconds * 1000, longestLifeMilliseconds),
    refreshToken: textOf(refresh_token),
    idToken: textOf(id_token),
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** The account has to prove a second factor, or to set one up; reference-error-codes as below. */
const mfaCodes = new Set(["50072", "50074", "50076", "50078", "50079"]);
/** Said with a 4xx, and yet it passes. */
const passingErrors = new Set(["temporarily_unavailable", "server_error"]);
/**
 * The account, the application or what one granted to the other is not good any more: an expired or revoked refresh
 * token (AADSTS700082, 70008, 50173), no consent (65001), a wrong or expired secret (7000215, 7000222), … The words are
 * a standard (RFC 6749 §5.2, OpenID Connect), while Microsoft warns of relying on the numbers:
 * https://learn.microsoft.com/entra/identity-platform/reference-error-codes
 */
const signInErrors = new Set([
  ...["invalid_grant", "invalid_client", "unauthorized_client", "access_denied", "invalid_resource"],
  ...["interaction_required", "login_required", "consent_required"],
]);

/** @returns undefined when the answer is not one of Entra's errors, or one that passes */
function refusalOf(answer: Readonly<Record<string, unknown>>): PartnerCenterRefusal | undefined {
  const { error, error_codes, error_description } = answer;
  if (typeof error !== "string" || passingErrors.has(error)) return undefined;
  const [first] = Array.isArray(error_codes) ? error_codes : [];
  const code = /^\d{1,10}$/.exec(String(first))?.[0] ?? /\bAADSTS(\d{1,10})\b/.exec(String(error_description))?.[1];
  const known = signInErrors.has(error) ? "SignInRequired" : "Refused";
  const reason: PartnerCenterRefusalReason = code !== undefined && mfaCodes.has(code) ? "MfaRequired" : known;
  const named = code === undefined ? undefined : `AADSTS${code}`;
  const word = /^\w{1,40}$/.exec(error)?.[0] ?? "an unknown error";
  return new PartnerCenterRefusal(
    reason,
    `Microsoft Entra refuses a token for Partner Center: ${named ?? word}${idsOf(answer)}.`,
    named === undefined ? {} : { partnerCenterCode: named },
  );
}

/** What Microsoft's support asks for. The description is left out: it may name people. */
function idsOf({ trace_id, correlation_id }: Readonly<Record<string, unknown>>): string {
  const ids = [
    ["trace id", trace_id],
    ["correlation id", correlation_id],
  ].filter(([, id]) => typeof id === "string" && /^[\w-]{1,64}$/.test(id));
  return ids.length === 0 ? "" : ` (${ids.map((pair) => pair.join(" ")).join(", ")})`;
}

/** @returns the fields by which the application proves itself to the token endpoint */
export async function proofOf(
  credential: PartnerCenterCredential,
  clientId: string,
  url: string,
): Promise<Record<string, string>> {
  if ("clientSecret" in credential) return { client_secret: credential.clientSecret };
  return {
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: await assertionOf(credential.certificatePath, clientId, url),
  };
}

/**
 * Proves the application with its certificate instead of a secret. The file is read for every token, once an hour, so
 * that a renewed certificate needs no restart. https://learn.microsoft.com/entra/identity-platform/certificate-credentials
 */
async function assertionOf(path: string, clientId: string, audience: string): Promise<string> {
  try {
    const pem = await readFile(path, "utf8");
    const key = createPrivateKey(
      /-----BEGIN ([A-Z]+ )?PRIVATE KEY-----.+?-----END \1?PRIVATE KEY-----/s.exec(pem)?.[0] ?? "",
    );
    // The file may hold the chain as well; the key tells which one is ours.
    const certificate = [...pem.matchAll(/-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----/gs)]
      .map(([block]) => new X509Certificate(block))
      .find((each) => each.checkPrivateKey(key));
    if (certificate === undefined) throw new Error("No certificate in the file belongs to its private key.");

    const thumbprint = createHash("sha256").update(certificate.raw).digest("base64url");
    return await new SignJWT()
      .setProtectedHeader({ alg: "PS256", typ: "JWT", "x5t#S256": thumbprint })
      .setIssuer(clientId)
      .setSubject(clientId)
      .setAudience(audience)
      .setJti(randomUUID())
      .setIssuedAt()
      .setNotBefore("-30 s")
      .setExpirationTime(`${assertionSeconds} s`)
      .sign(key);
  } catch (cause) {
    throw new PartnerCenterRefusal(
      "SignInRequired",
      "The certificate of the application for Partner Center cannot be used: a PEM file with a certificate and its RSA private key is needed.",
      { cause },
    );
  }
}

/** No token, for a reason that may pass. Says nothing of what was sent. */
export class EntraFailure extends Error {
  override readonly name = "EntraFailure";
  readonly statusCode: number;
  readonly retryAfterSeconds: number | undefined;

  constructor(message: string, statusCode: number, waitMilliseconds: number | undefined) {
    super(message);
    this.statusCode = statusCode;
    this.retryAfterSeconds = waitMilliseconds === undefined ? undefined : Math.ceil(waitMilliseconds / 1000);
  }
}
