/** Entra's signing keys of one tenant: fetched when first needed, believed for a day, and looked for again when old. */

import { get } from "node:https";
import { createRemoteJWKSet, customFetch, jwksCache } from "jose";
import { dependencyUnavailable } from "../domain/refusal.ts";
import { rememberedMilliseconds } from "./remembered-callers.ts";

export type SigningKeys = (
  ...token: Parameters<ReturnType<typeof createRemoteJWKSet>>
) => ReturnType<ReturnType<typeof createRemoteJWKSet>>;

/** An unknown key id makes us look for new keys, but not more often than this: anybody can invent key ids. */
const cooldownMilliseconds = 30_000;
/** A failed fetch is not repeated at once, whoever asks. */
const failureMilliseconds = 1_000;
/** With the time for which a caller is remembered, a withdrawn key is believed for an hour. */
const refreshMilliseconds = 60 * 60 * 1000 - rememberedMilliseconds;
/** How long keys are believed while Entra does not answer. */
const maxAgeMilliseconds = 24 * 60 * 60 * 1000;

export function remoteSigningKeys(url: string): SigningKeys {
  const cache: { uat?: number } = {};
  let failure: { readonly error: unknown; readonly until: number } | undefined;
  const keys = createRemoteJWKSet(new URL(url), {
    cooldownDuration: cooldownMilliseconds,
    cacheMaxAge: maxAgeMilliseconds,
    [jwksCache]: cache as Record<string, never>,
    async [customFetch](address, { signal }) {
      if (failure !== undefined && Date.now() < failure.until) throw failure.error;
      try {
        const found = await getJson(address, signal);
        if (!isKeySet(found)) throw new Error("The answer holds no signing keys.");
        failure = undefined;
        return Response.json(found);
      } catch (cause) {
        const error = dependencyUnavailable("Entra's signing keys", { cause });
        failure = { error, until: Date.now() + failureMilliseconds };
        throw error;
      }
    },
  });
  return (...token) => {
    const isOld = cache.uat !== undefined && Date.now() - cache.uat > refreshMilliseconds;
    // Nobody waits for this: while it fails, the keys that we have remain good for a day.
    if (isOld && !keys.reloading) keys.reload().catch(() => undefined);
    return keys(...token);
  };
}

/**
 * Not with `fetch`: the first use of it costs a cold start 40 ms, and the SDK for the tables needs `node:https` anyway.
 * No redirect is followed.
 */
async function getJson(address: string, signal: AbortSignal): Promise<unknown> {
  const text = await new Promise<string>((resolve, reject) => {
    const request = get(address, { signal, headers: { accept: "application/json" } }, (response) => {
      if (response.statusCode !== 200) {
        response.destroy();
        reject(new Error(`The status is ${response.statusCode}.`));
        return;
      }
      let received = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        received += part;
      });
      response.on("end", () => resolve(received)).on("error", reject);
    });
    request.on("error", reject);
  });
  return JSON.parse(text);
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
