/** Key Vault as far as the one secret of Partner Center goes: a challenge first, versions of the secret then. */

import { partnerTenantId } from "../../local/stand-ins/demo-customers.ts";
import type { EntraStandIn } from "../../local/stand-ins/entra.ts";
import { type Answer, type Call, type StandIn, startServer } from "../../local/stand-ins/https-server.ts";
import type { ServerCertificate } from "../../local/stand-ins/throw-away-ca.ts";

export interface KeyVaultStandIn extends StandIn {
  /** Oldest first. */
  readonly versions: string[];
  /** Answered to everybody who has a token, instead of the secret. */
  refusal: { readonly status: number; readonly code: string } | undefined;
}

export async function startKeyVault(
  entra: Pick<EntraStandIn, "url">,
  certificate: ServerCertificate,
): Promise<KeyVaultStandIn> {
  const json = { "Content-Type": "application/json; charset=utf-8" };
  const server = await startServer({ certificate, answer, failure: (status) => ({ status }) });
  const vault: KeyVaultStandIn = { ...server, versions: [], refusal: undefined };
  return vault;

  function answer({ method, path, headers, body }: Call): Answer {
    const { refusal, versions } = vault;
    if (headers.authorization === undefined) {
      const challenge = `Bearer authorization="${entra.url}/${partnerTenantId}", resource="https://vault.azure.net"`;
      return { status: 401, headers: { ...json, "WWW-Authenticate": challenge }, body: "{}" };
    }
    if (refusal !== undefined) return { status: refusal.status, headers: json, body: errorOf(refusal.code) };
    if (!path.startsWith("/secrets/partner-center-refresh-token")) return { status: 400 };
    if (method === "PUT") versions.push(JSON.parse(body).value);
    const id = `${server.url}/secrets/partner-center-refresh-token/${versions.length}`;
    const value = versions.at(-1);
    return value === undefined
      ? { status: 404, headers: json, body: errorOf("SecretNotFound") }
      : { status: 200, headers: json, body: JSON.stringify({ value, id, attributes: { enabled: true } }) };
  }
}

function errorOf(code: string): string {
  return JSON.stringify({ error: { code, message: `${code}: see the documentation.` } });
}
