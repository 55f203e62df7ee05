/**
 * Microsoft Entra on loopback: signing keys, OpenID configuration and the client-credentials grant for any customer's
 * tenant, with the service's own error bodies; and, for tests, every caller token there can be.
 */

import { randomUUID } from "node:crypto";
import { createLocalJWKSet, type JWTPayload, jwtVerify } from "jose";
import {
  applicationClaims,
  type CallerClaims,
  type HowToSign,
  type Issuer,
  signToken,
  userClaims,
} from "./caller-tokens.ts";
import type { Customer } from "./customer.ts";
import { authorize } from "./entra-authorize.ts";
import { keySetDocument, openIdConfiguration, publicDocument } from "./entra-configuration.ts";
import { assertionError, type EntraError, entraErrors, entraFailure, entraHeaders } from "./entra-errors.ts";
import { createSignIn, type SignInTokens } from "./entra-sign-in.ts";
import { guidOf, isGuid } from "./guid.ts";
import { type Answer, type Call, type StandIn, startServer } from "./https-server.ts";
import { isFederatedAssertion } from "./managed-identity.ts";
import {
  makePartnerApplication,
  makePartnerUsers,
  type PartnerApplication,
  type PartnerUser,
} from "./partner-application.ts";
import { openSigningKeys, publicJwk, type SigningKey } from "./signing-keys.ts";
import type { ServerCertificate } from "./throw-away-ca.ts";

/** The multi-tenant application that reads the customers' subscriptions. Mutable: tests let its secret expire. */
export interface CustomerApplication {
  clientId: string;
  name: string;
  secret: string;
  secretExpired: boolean;
  /** Where it is registered. Not the partner's tenant: federation with our managed identity fails (AADSTS700236). */
  homeTenantId: string;
  /** Object id of the managed identity in the application's federated credential; undefined: no such credential. */
  federatedSubject: string | undefined;
}

export interface EntraOptions {
  /** Keeps the signing keys. */
  readonly folder: string;
  readonly certificate: ServerCertificate;
  readonly port?: number;
  readonly customers: readonly Customer[];
  readonly tenantId: string;
  readonly audience: string;
  readonly application: CustomerApplication;
  /** The application that calls Partner Center. */
  readonly partnerApplication?: PartnerApplication;
  /** Who can sign in to it. */
  readonly partnerUsers?: readonly PartnerUser[];
}

export interface EntraStandIn extends StandIn, SignInTokens {
  readonly tenantId: string;
  readonly audience: string;
  readonly application: CustomerApplication;
  readonly partnerApplication: PartnerApplication;
  readonly partnerUsers: readonly PartnerUser[];
  /** Lifetime of the tokens issued for ARM and for Partner Center. */
  tokenLifetimeSeconds: number;
  /** What its key document shows; the browsers' door publishes the same ones. */
  readonly publishedKeys: readonly SigningKey[];
  /** A token for our API: Ada, Admin Agent, unless claims say otherwise (`undefined` leaves a claim out). */
  issueCallerToken(claims?: CallerClaims, how?: HowToSign): Promise<string>;
  issueApplicationToken(claims?: CallerClaims, how?: HowToSign): Promise<string>;
  /** A new key signs from now on; the old one stays published unless `keepOld` is false. */
  rotateKeys(options?: { readonly keepOld?: boolean }): Promise<void>;
  /** Signs anything as the issuer: the managed identity stand-in needs it. */
  sign(claims: CallerClaims): Promise<string>;
  /** For stand-ins that receive tokens issued here. Throws what jose throws. */
  verify(token: string): Promise<JWTPayload>;
}

interface TokenAnswer {
  readonly token_type: "Bearer";
  readonly expires_in: number;
  readonly ext_expires_in: number;
  readonly access_token: string;
}

export async function startEntra(options: EntraOptions): Promise<EntraStandIn> {
  const { folder, certificate, port, customers, tenantId, audience, application } = options;
  const { partnerApplication = makePartnerApplication(), partnerUsers = makePartnerUsers() } = options;
  const keys = await openSigningKeys(folder);
  let tokenLifetimeSeconds = 3599;

  const isTenant = (tenant: string): boolean =>
    tenant === tenantId || customers.some((customer) => customer.tenantId.toLowerCase() === tenant);

  const server: StandIn = await startServer({
    certificate,
    port,
    answer,
    failure: (status, call) => fail(entraErrors.transient(status), call, status),
  });
  const issuer = (): Issuer => ({ key: keys.current, tenantId, audience, authority: server.url });
  const signIn = createSignIn({
    application: partnerApplication,
    users: partnerUsers,
    tenantId,
    authority: () => server.url,
    lifetimeSeconds: () => tokenLifetimeSeconds,
    sign: (claims) => signToken(issuer(), claims),
    verify,
  });

  async function answer(call: Call): Promise<Answer> {
    const [, tenantAsSent = "", ...rest] = call.path.split("/");
    const tenant = tenantAsSent.toLowerCase();
    const endpoint = rest.join("/");
    if (endpoint === "v2.0/.well-known/openid-configuration") {
      // Not refused for a tenant that does not exist: MSAL knows these addresses of the public cloud by heart, never asks
      // there, and meets AADSTS90002 at the token endpoint. So it shall here.
      if (isGuid(tenant) || isShared(tenant)) return configuration(tenant);
    } else if (!["discovery/v2.0/keys", "oauth2/v2.0/token", "oauth2/v2.0/authorize"].includes(endpoint)) {
      return { status: 404, headers: { "x-ms-request-id": randomUUID() } };
    }
    if (!isTenant(tenant) && !isShared(tenant)) return fail(entraErrors.tenantNotFound(tenantAsSent), call);
    if (endpoint === "discovery/v2.0/keys") return publicDocument(keySetDocument(keys.published, server.url));
    if (endpoint === "oauth2/v2.0/authorize") return signInPage(call, tenant);
    const form = new URLSearchParams(call.body);
    const isSignIn = signIn.isResponsible(form.get("client_id"), tenant);
    const result = await (isSignIn ? signIn.grant(form, tenant) : grant(tenant, form));
    return "code" in result
      ? fail(result, call)
      : { status: 200, headers: entraHeaders(), body: JSON.stringify(result) };
  }

  function configuration(tenant: string): Answer {
    return publicDocument(openIdConfiguration({ url: server.url, tenant }, isShared(tenant) ? "{tenantid}" : tenant));
  }

  function signInPage(call: Call, tenant: string): Answer {
    const clientId = call.query.get("client_id");
    const at = { application: partnerApplication, users: partnerUsers, tokens: signIn.tokens };
    if (signIn.isResponsible(clientId, tenant)) return authorize(call.query, at);
    return fail(entraErrors.appNotFound(clientId ?? "", tenant), call);
  }

  async function grant(tenant: string, form: URLSearchParams): Promise<EntraError | TokenAnswer> {
    for (const name of ["grant_type", "client_id", "scope"])
      if (!form.get(name)) return entraErrors.missingParameter(name);
    const [grantType = "", clientId = "", scope = ""] = ["grant_type", "client_id", "scope"].map(
      (n) => form.get(n) ?? "",
    );
    const isUserGrant = grantType === "authorization_code" || grantType === "refresh_token";
    if (isUserGrant && clientId.toLowerCase() !== application.clientId.toLowerCase())
      return entraErrors.appNotFound(clientId, tenant);
    if (grantType !== "client_credentials") return entraErrors.unsupportedGrant(grantType);

    const customer = customers.find((one) => one.tenantId.toLowerCase() === tenant);
    const principal = customer?.application ?? (tenant === tenantId ? homePrincipal() : undefined);
    if (clientId.toLowerCase() !== application.clientId.toLowerCase() || !principal || principal.consent === "missing")
      return entraErrors.appNotFound(clientId, customer?.name ?? tenant);
    if (principal.consent === "disabled") return entraErrors.appDisabled(clientId, application.name);
    const refusal = await checkCredential(form);
    if (refusal) return refusal;

    // MSAL adds OpenID's own scopes to some requests; they do not count.
    const wanted = scope.split(" ").filter((one) => !["openid", "profile", "offline_access"].includes(one));
    const [resourceScope = ""] = wanted;
    if (wanted.length !== 1 || !resourceScope.endsWith("/.default")) return entraErrors.scopeNotDefault(scope);
    const resource = resourceScope.slice(0, -"/.default".length);
    if (!isAzureResource(resource)) return entraErrors.resourceNotFound(resource, customer?.name ?? tenant);
    return {
      token_type: "Bearer",
      expires_in: tokenLifetimeSeconds,
      ext_expires_in: tokenLifetimeSeconds,
      access_token: await signToken({ key: keys.current }, resourceClaims(tenant, resource, principal.objectId, form)),
    };
  }

  async function checkCredential(form: URLSearchParams): Promise<EntraError | undefined> {
    const assertion = form.get("client_assertion");
    if (assertion) return checkAssertion(assertion);
    const secret = form.get("client_secret");
    if (!secret) return entraErrors.noCredential();
    if (secret !== application.secret) return entraErrors.wrongSecret(application.clientId);
    return application.secretExpired ? entraErrors.expiredSecret(application.clientId) : undefined;
  }

  async function checkAssertion(assertion: string): Promise<EntraError | undefined> {
    let claims: JWTPayload;
    try {
      claims = await verify(assertion);
    } catch (error) {
      return assertionError(error);
    }
    if (application.homeTenantId !== claims.tid) return entraErrors.federationAcrossTenants(claims.iss ?? "");
    const matches =
      isFederatedAssertion(claims) &&
      claims.iss === `${server.url}/${tenantId}/v2.0` &&
      claims.sub === application.federatedSubject;
    return matches ? undefined : entraErrors.noFederation(claims.sub ?? "");
  }

  function homePrincipal(): Customer["application"] {
    return { consent: "given", objectId: guidOf(`service principal at home ${application.clientId}`) };
  }

  /** A version 1 token, as Azure Resource Manager gets. */
  function resourceClaims(tenant: string, resource: string, objectId: string, form: URLSearchParams): JWTPayload {
    const now = Math.floor(Date.now() / 1000);
    const issuedBy = `https://sts.windows.net/${tenant}/`;
    return {
      aud: resource,
      iss: issuedBy,
      iat: now,
      nbf: now,
      exp: now + tokenLifetimeSeconds,
      aio: "k2RgYAAA",
      appid: application.clientId,
      appidacr: form.has("client_assertion") ? "2" : "1",
      idp: issuedBy,
      idtyp: "app",
      oid: objectId,
      rh: "1.AAAA.",
      sub: objectId,
      tid: tenant,
      uti: randomUUID().slice(0, 22),
      ver: "1.0",
    };
  }

  function fail(error: EntraError, call: Call, status: number = error.status): Answer {
    const sent = call.headers["client-request-id"];
    const correlationId = typeof sent === "string" ? sent : undefined;
    return { ...entraFailure(error, { url: server.url, correlationId }), status };
  }

  let keySet: { readonly of: typeof keys.known; readonly find: ReturnType<typeof createLocalJWKSet> } | undefined;

  function verify(token: string): Promise<JWTPayload> {
    // Made anew after a rotation only: importing the keys costs more than checking a signature.
    if (keySet?.of !== keys.known) {
      const jwks = keys.known.map((key) => ({ ...publicJwk(key), kid: key.kid, alg: "RS256" }));
      keySet = { of: keys.known, find: createLocalJWKSet({ keys: jwks }) };
    }
    return jwtVerify(token, keySet.find, { algorithms: ["RS256"] }).then(({ payload }) => payload);
  }

  return {
    ...server,
    tenantId,
    audience,
    application,
    partnerApplication,
    partnerUsers,
    ...signIn.tokens,
    get tokenLifetimeSeconds() {
      return tokenLifetimeSeconds;
    },
    set tokenLifetimeSeconds(seconds) {
      tokenLifetimeSeconds = seconds;
    },
    get publishedKeys() {
      return keys.published;
    },
    issueCallerToken: (claims = {}, how = {}) => {
      const { name } = claims;
      const person = typeof name === "string" ? userClaims(issuer(), name) : userClaims(issuer());
      return signToken(issuer(), { ...person, ...claims }, how);
    },
    issueApplicationToken: (claims = {}, how = {}) =>
      signToken(issuer(), { ...applicationClaims(issuer()), ...claims }, how),
    rotateKeys: (how) => keys.rotate(how),
    sign: (claims) => signToken(issuer(), claims),
    verify,
  };
}

function isShared(tenant: string): boolean {
  return tenant === "common" || tenant === "organizations";
}

/** Public cloud's Resource Manager under its four names, or a stand-in of it on loopback. */
function isAzureResource(resource: string): boolean {
  return /^https:\/\/(management\.(core\.windows\.net|azure\.com)|127\.0\.0\.1(:\d+)?|localhost(:\d+)?)\/?$/.test(
    resource,
  );
}
