/**
 * Where the refresh token of the Admin Agent account is kept between two uses: in Azure Key Vault, as the Secure
 * Application Model demands, or in a setting, for trying things out: then a new one is forgotten with the process.
 */

import type { SecretClient } from "@azure/keyvault-secrets";
import { PartnerCenterRefusal } from "../domain/partner-center-refusal.ts";
import { dependencyUnavailable } from "../domain/refusal.ts";
import { causeOf } from "./cause-of.ts";
import { once } from "./once.ts";
import type { RefreshTokens } from "./partner-center-tokens.ts";
import { withinDeadline } from "./within-deadline.ts";

export const refreshTokenSecret = "partner-center-refresh-token";

export interface RefreshTokenVaultOptions {
  /** For example `https://contoso.vault.azure.net`. */
  readonly keyVaultUrl: string;
  /** User-assigned identity; absent: the system-assigned one, or the developer's own login. */
  readonly managedIdentityClientId?: string;
  readonly limits?: { readonly callMilliseconds?: number };
}

/** The identity needs the role Key Vault Secrets Officer, or the permissions to get and set secrets. */
export function createRefreshTokenVault(options: RefreshTokenVaultOptions): RefreshTokens {
  const client = once(() => clientOf(options));
  const { callMilliseconds = 5_000 } = options.limits ?? {};

  /** The limit is around everything: the abort signal does not reach the token request of the identity library. */
  async function call<Answer>(question: (client: SecretClient, abortSignal: AbortSignal) => Promise<Answer>) {
    const limit = AbortSignal.timeout(callMilliseconds);
    try {
      return await withinDeadline(
        client().then((made) => question(made, limit)),
        limit,
      );
    } catch (error) {
      throw failureOf(error);
    }
  }

  return {
    async read() {
      const { value } = await call((vault, abortSignal) => vault.getSecret(refreshTokenSecret, { abortSignal }));
      return value ?? "";
    },
    async write(token) {
      // A new version; the ones before stay in the vault and expire by themselves.
      await call((vault, abortSignal) => vault.setSecret(refreshTokenSecret, token, { abortSignal }));
    },
  };
}

/** @param text the refresh token that the operator has put into the settings */
export function createRefreshTokenSetting(text: string): RefreshTokens {
  let newest = text;
  return {
    async read() {
      return newest;
    },
    async write(token) {
      newest = token;
    },
  };
}

async function clientOf({ keyVaultUrl, managedIdentityClientId }: RefreshTokenVaultOptions): Promise<SecretClient> {
  const { DefaultAzureCredential, ManagedIdentityCredential } = await import("@azure/identity");
  const { SecretClient } = await import("@azure/keyvault-secrets");
  const credential =
    managedIdentityClientId === undefined
      ? new DefaultAzureCredential()
      : new ManagedIdentityCredential({ clientId: managedIdentityClientId });
  const isLoopback = /^(127(\.\d+){3}|localhost|\[::1\])$/.test(new URL(keyVaultUrl).hostname);
  return new SecretClient(keyVaultUrl, credential, {
    retryOptions: { maxRetries: 1, maxRetryDelayInMs: 500 },
    // A stand-in on this machine cannot have a name below vault.azure.net; every other vault must.
    disableChallengeResourceVerification: isLoopback,
  });
}

function failureOf(error: unknown): Error {
  const { code, statusCode } = error as { code?: unknown; statusCode?: unknown };
  const cause = causeOf("Key Vault", error);
  return statusCode === 404 && code === "SecretNotFound"
    ? new PartnerCenterRefusal("SignInRequired", `Key Vault holds no secret ${refreshTokenSecret}.`, { cause })
    : dependencyUnavailable("Key Vault", { cause });
}
