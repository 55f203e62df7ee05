/**
 * Who is calling: an agent of the partner, proven by an Entra v2 access token that is validated here, in
 * code, so that the answer is the same under every host. Headers that claim an identity
 * (`X-MS-CLIENT-PRINCIPAL*`) are never read: anybody can send them.
 *
 * Checks: https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-tokens
 */

import { decodeJwt, errors, type JWTPayload, jwtVerify } from "jose";
import { type AgentRole, agentRoles } from "../domain/agent-role.ts";
import { parseGuid } from "../domain/identifiers.ts";
import type { Actor } from "../domain/permission.ts";
import { dependencyUnavailable, Refusal } from "../domain/refusal.ts";
import { rememberCallers } from "./remembered-callers.ts";
import { remoteSigningKeys } from "./signing-keys.ts";

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

export function createReadCaller({ tenantIds, audience, authorityHost }: CallerOptions): ReadCaller {
  const keysOf = new Map(
    [...tenantIds].map((tenantId) => [tenantId, remoteSigningKeys(`${authorityHost}/${tenantId}/discovery/v2.0/keys`)]),
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
    throw new Refusal("AdminAgentRequired", "Only an Admin Agent may turn permissions on or off, or change webhooks.");
  }
  const accepted = ["Permissions.ReadWrite", ...(access === "read" ? ["Permissions.Read"] : [])];
  if (scopes !== undefined && !accepted.some((scope) => scopes.has(scope))) {
    throw new Refusal("ScopeRequired", `A user's token must carry the scope ${accepted.join(" or ")}.`);
  }
}

function unauthenticated(message: string, cause?: unknown): Refusal {
  return new Refusal("Unauthenticated", message, { target: "Authorization", cause });
}
