/**
 * How the Secure Application Model's client proves itself to Entra: a secret, or an assertion signed with the key of a
 * certificate that is registered on the application and named by its thumbprint.
 */

import { X509Certificate } from "node:crypto";
import { decodeProtectedHeader, type JWTPayload, jwtVerify } from "jose";
import { assertionError, type EntraError, entraErrors } from "./entra-errors.ts";
import { signInErrors } from "./entra-sign-in-errors.ts";
import type { PartnerApplication } from "./partner-application.ts";

const jwtBearer = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/** @param audiences what the assertion may name as its audience: the token endpoint, or the issuer */
export async function checkClient(
  application: PartnerApplication,
  form: URLSearchParams,
  audiences: readonly string[],
): Promise<EntraError | undefined> {
  const assertion = form.get("client_assertion");
  if (assertion) {
    if (form.get("client_assertion_type") !== jwtBearer) return entraErrors.missingParameter("client_assertion_type");
    return checkAssertion(application, assertion, audiences);
  }
  const secret = form.get("client_secret");
  if (!secret) return entraErrors.noCredential();
  if (secret !== application.secret) return entraErrors.wrongSecret(application.clientId);
  return application.secretExpired ? entraErrors.expiredSecret(application.clientId) : undefined;
}

async function checkAssertion(
  { clientId, certificates }: PartnerApplication,
  assertion: string,
  audiences: readonly string[],
): Promise<EntraError | undefined> {
  let header: ReturnType<typeof decodeProtectedHeader>;
  try {
    header = decodeProtectedHeader(assertion);
  } catch {
    return entraErrors.assertionMalformed();
  }
  const thumbprint = String(header["x5t#S256"] ?? header.x5t ?? header.kid ?? "");
  const certificate = certificates
    .map((pem) => new X509Certificate(pem))
    .find((one) => thumbprintsOf(one).includes(thumbprint));
  const shown = Buffer.from(thumbprint, "base64url").toString("hex").toUpperCase();
  if (certificate === undefined) return signInErrors.certificateUnknown(shown);
  if (certificate.validToDate.getTime() < Date.now()) return signInErrors.certificateExpired(shown);

  let claims: JWTPayload;
  try {
    ({ payload: claims } = await jwtVerify(assertion, certificate.publicKey, {
      algorithms: ["RS256", "PS256"],
      requiredClaims: ["exp"],
    }));
  } catch (error) {
    return assertionError(error);
  }
  if (claims.iss !== clientId || claims.sub !== clientId) return signInErrors.assertionOfAnotherClient();
  return typeof claims.aud === "string" && audiences.includes(claims.aud)
    ? undefined
    : signInErrors.assertionAudience();
}

/** `x5t` is the SHA-1 thumbprint, `x5t#S256` the SHA-256 one, both base64url; newer MSAL sends the latter. */
function thumbprintsOf({ fingerprint, fingerprint256 }: X509Certificate): readonly string[] {
  return [fingerprint, fingerprint256].map((hex) => Buffer.from(hex.replaceAll(":", ""), "hex").toString("base64url"));
}
