/** One of every kind of caller token that must be refused, for tables in tests: `for (const bad of badCallerTokens(entra))`. */

import type { HowToSign } from "./caller-tokens.ts";
import type { EntraStandIn } from "./entra.ts";
import { guidOf } from "./guid.ts";

export interface BadCallerToken {
  readonly name: string;
  /** Not proven to be anybody, or somebody who was not given the right. */
  readonly status: 401 | 403;
  issue(): Promise<string>;
}

export function badCallerTokens(entra: EntraStandIn): readonly BadCallerToken[] {
  const seconds = (fromNow: number) => Math.floor(Date.now() / 1000) + fromNow;
  const otherTenant = guidOf("tenant:somebody-else");
  const bad = (name: string, claims: Record<string, unknown>, how: HowToSign = {}): BadCallerToken => ({
    name,
    status: claims.scp === undefined && "scp" in claims ? 403 : 401,
    issue: () => entra.issueCallerToken(claims, how),
  });
  return [
    bad("meant for Azure Resource Manager", { aud: "https://management.azure.com" }),
    bad("whose audience is the API's URI instead of its client id", { aud: `api://${entra.audience}` }),
    bad("without an audience", { aud: undefined }),
    bad("of another issuer", { iss: `https://login.elsewhere.example/${entra.tenantId}/v2.0` }),
    bad("of version 1", { iss: `https://sts.windows.net/${entra.tenantId}/`, ver: "1.0" }),
    bad("of another tenant", { iss: `${entra.url}/${otherTenant}/v2.0`, tid: otherTenant }),
    bad("whose tid is not that of its issuer", { tid: otherTenant }),
    bad("without a tid", { tid: undefined }),
    bad("that has expired", { iat: seconds(-7200), nbf: seconds(-7200), exp: seconds(-3600) }),
    bad("without an expiry", { exp: undefined }),
    bad("that is not valid yet", { iat: seconds(3600), nbf: seconds(3600), exp: seconds(7200) }),
    bad("without an oid", { oid: undefined }),
    bad("of a user without a scope", { scp: undefined }),
    bad("of an application without idtyp", { scp: undefined, name: undefined, preferred_username: undefined }),
    bad("signed with a foreign key under our key id", {}, { key: "foreign" }),
    bad("with a key id nobody knows", {}, { kid: "nobody-knows-this-key" }),
    bad("signed with a foreign key that it brings along", {}, { key: "foreign", embedJwk: true }),
    bad("signed HS256 with the public key", {}, { algorithm: "HS256" }),
    bad("signed PS256", {}, { algorithm: "PS256" }),
    bad("that is not signed", {}, { algorithm: "none" }),
    bad("changed after signing", { roles: ["HelpdeskAgent"] }, { tampered: true }),
    bad("with a critical header nobody understands", {}, { header: { crit: ["b65"], b65: true } }),
  ];
}
