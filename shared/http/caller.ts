/**
 * Who is calling: an agent of the partner, proven by an Entra v2 access token that is validated here, in
 * code, so that the answer is the same under every host. Headers that claim an identity
 * (`X-MS-CLIENT-PRINCIPAL*`) are never read: anybody can send them.
 *
 * Checks: https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-tokens
 */

import { createRemoteJWKSet, customFetch, decodeJwt, errors, type JWTPayload, jwksCache, jwtVerify } from "jose";
import { parseGuid } from "../domain/identifiers.ts";
import type { Actor } from "../domain/permission.ts";
import { dependencyUnavailable, Refusal } from "../domain/refusal.ts";
import { rememberCallers, rememberedMilliseconds } from "./remembered-callers.ts";

export const agentRoles = ["AdminAgent", "SalesAgent", "HelpdeskAgent"] as const;
export type AgentRole = (typeof agentRoles)[number];

export interface Caller {
  readonly actor: Actor;
  readonly roles: ReadonlySet<AgentRole>;
  /** Delegated permissions of a user's token; undefined for an application, whose roles say it all. */
  readonly scopes: ReadonlySet<string> | undefined;
}

export interface CallerOptions {
  /** The partner's tenants, lower-case. */
  readonly tenantIds: ReadonlySet<string>;
  /** Application (client) id of this API. */
  readonly audience: string;
  /** Origin of the token issuer. */
  readonly authorityHost: string;
}

/**
 * @param authorization the header of that name
 * @throws Refusal `Unauthenticated`, or `DependencyUnavailable` when the signing keys cannot be had
 */
export type ReadCaller = (authorization: string | null) => Promise<Caller>;

const clockSkewSeconds = 30;
/** An unknown key id makes us look for new keys, but not more often than this: anybody can invent key ids. */
const keyCooldownMilliseconds = 30_000;
/** A failed fetch is not repeated at once, whoever asks. */
const keyFailureMilliseconds = 1_000;
/** With the time for which a caller is remembered, a withdrawn key is believed for an hour. */
const keyRefreshMilliseconds = 60 * 60 * 1000 - rememberedMilliseconds;
/** How long keys are believed while Entra does not answer. */
const keyMaxAgeMilliseconds = 24 * 60 * 60 * 1000;

export function createReadCaller({ tenantIds, audience, authorityHost }: CallerOptions): ReadCaller {
  const keysOf = new Map(
    [...tenantIds].map((tenantId) => [tenantId, remoteKeys(`${authorityHost}/${tenantId}/discovery/v2.0/keys`)]),
  );

  const callerOfToken = rememberCallers(async (token) => {
    const tenantId = tenantOf(token);
    const keys = keysOf.get(tenantId);
    if (keys === undefined) throw unauthenticated("The token was not issued by a tenant that may call this API.");

    const { payload } = await jwtVerify(token, keys, {
      algorithms: ["RS256"],
      issuer: `${authorityHost}/${tenantId}/v2.0`,
      audience,
      clockTolerance: clockSkewSeconds,
      requiredClaims: ["exp", "nbf", "iat", "oid"],
    }).catch((error: unknown) => {
      if (error instanceof Refusal) throw error;
      if (error instanceof errors.JWKSTimeout || !(error instanceof errors.JOSEError)) {
        throw dependencyUnavailable("Entra's signing keys", { cause: error });
      }
      throw unauthenticated(`The token is not valid: ${error.code}.`, error);
    });
    if ((payload.iat ?? 0) > Date.now() / 1000 + clockSkewSeconds) {
      throw unauthenticated("The token was issued in the future.");
    }
    const endsAt = ((payload.exp ?? 0) + clockSkewSeconds) * 1000;
    return { caller: callerOf(payload, tenantId), endsAt };
  });

  return async (authorization) => {
    const token = /^Bearer +([\w-]+\.[\w-]+\.[\w-]+) *$/i.exec(authorization ?? "")?.[1];
    if (token === undefined) throw unauthenticated("An Entra access token is required: Authorization: Bearer <token>.");
    return callerOfToken(token);
  };
}

/** @returns the tenant that the token claims to be from, before anything of it is believed */
function tenantOf(token: string): string {
  try {
    return String(parseGuid(decodeJwt(token).tid));
  } catch (error) {
    throw unauthenticated("The token cannot be read.", error);
  }
}

function callerOf(payload: JWTPayload, tenantId: string): Caller {
  const objectId = parseGuid(payload.oid);
  if (objectId === undefined) throw unauthenticated("The token names no object id.");
  const isApplication = payload.idtyp === "app";
  const name = typeof payload.name === "string" ? payload.name.slice(0, 256).toWellFormed() : "";
  const roles = Array.isArray(payload.roles) ? payload.roles : [];
  return {
    actor: {
      tenantId,
      objectId,
      ...(name === "" ? {} : { name }),
      kind: isApplication ? "Application" : "User",
    },
    roles: new Set(agentRoles.filter((role) => roles.includes(role))),
    scopes: isApplication ? undefined : new Set(typeof payload.scp === "string" ? payload.scp.split(" ") : []),
  };
}

/**
 * @param access what the caller is about to do
 * @throws Refusal `AgentRoleRequired`, `AdminAgentRequired` or `ScopeRequired`
 */
export function authorize({ roles, scopes }: Caller, access: "read" | "write"): void {
  if (roles.size === 0) {
    throw new Refusal("AgentRoleRequired", `The caller holds none of the roles ${agentRoles.join(", ")}.`);
  }
  if (access === "write" && !roles.has("AdminAgent")) {
    throw new Refusal("AdminAgentRequired", "Only an Admin Agent may turn a customer's permission on or off.");
  }
  const accepted = ["Permissions.ReadWrite", ...(access === "read" ? ["Permissions.Read"] : [])];
  if (scopes !== undefined && !accepted.some((scope) => scopes.has(scope))) {
    throw new Refusal("ScopeRequired", `A user's token must carry the scope ${accepted.join(" or ")}.`);
  }
}

function unauthenticated(message: string, cause?: unknown): Refusal {
  return new Refusal("Unauthenticated", message, { target: "Authorization", cause });
}

type KeySet = (
  ...token: Parameters<ReturnType<typeof createRemoteJWKSet>>
) => ReturnType<ReturnType<typeof createRemoteJWKSet>>;

function remoteKeys(url: string): KeySet {
  const cache: { uat?: number } = {};
  let failure: { readonly error: unknown; readonly until: number } | undefined;
  const keys = createRemoteJWKSet(new URL(url), {
    cooldownDuration: keyCooldownMilliseconds,
    cacheMaxAge: keyMaxAgeMilliseconds,
    [jwksCache]: cache as Record<string, never>,
    async [customFetch](address, options) {
      if (failure !== undefined && Date.now() < failure.until) throw failure.error;
      try {
        const response = await fetch(address, options);
        const found: unknown = response.status === 200 ? await response.json() : undefined;
        if (!isKeySet(found)) throw new Error(`No signing keys: status ${response.status}.`);
        failure = undefined;
        return Response.json(found);
      } catch (cause) {
        const error = dependencyUnavailable("Entra's signing keys", { cause });
        failure = { error, until: Date.now() + keyFailureMilliseconds };
        throw error;
      }
    },
  });
  return (...token) => {
    const isOld = cache.uat !== undefined && Date.now() - cache.uat > keyRefreshMilliseconds;
    // Nobody waits for this: while it fails, the keys that we have remain good for a day.
    if (isOld && !keys.reloading) keys.reload().catch(() => undefined);
    return keys(...token);
  };
}

/** Garbage with status 200 means that Entra is not itself; it does not mean that every token is bad. */
function isKeySet(value: unknown): boolean {
  const { keys } = (value ?? {}) as { keys?: unknown };
  return (
    Array.isArray(keys) &&
    keys.length > 0 &&
    keys.every((key) => key?.kty !== "RSA" || isRsaKey(key)) &&
    keys.some((key) => key?.kty === "RSA")
  );
}

/** A key that jose cannot use must not be kept for an hour: 2048 bits are 342 characters. */
function isRsaKey({ kid, n, e }: Readonly<Record<string, unknown>>): boolean {
  return typeof kid === "string" && /^[\w-]{342,}$/.test(String(n)) && /^[\w-]{2,}$/.test(String(e));
}
