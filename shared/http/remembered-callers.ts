/**
 * Callers whose token was found valid within the last minute. The same token comes with every request for an hour, and
 * checking its signature costs more than all the rest that a read does besides storage. Only what was accepted is
 * remembered, under a hash of the whole token, and never beyond the token's own end.
 */

import { createHash } from "node:crypto";

/** By so much longer a withdrawn signing key is believed. */
export const rememberedMilliseconds = 60_000;
/** Nobody without a valid token can take a place, and the oldest makes room. */
const mostRemembered = 1_000;

export interface Validated<Caller> {
  readonly caller: Caller;
  /** Milliseconds since 1970. */
  readonly endsAt: number;
}

/** @param validate throws for a token that is not valid */
export function rememberCallers<Caller>(
  validate: (token: string) => Promise<Validated<Caller>>,
): (token: string) => Promise<Caller> {
  const remembered = new Map<string, Validated<Caller> & { readonly since: number }>();

  return async (token) => {
    const key = createHash("sha256").update(token).digest("base64");
    const now = Date.now();
    const known = remembered.get(key);
    // A clock that was put back proves nothing.
    if (known !== undefined && now >= known.since && now < known.endsAt) return known.caller;

    remembered.delete(key);
    const { caller, endsAt } = await validate(token);
    const [oldest] = remembered.keys();
    if (remembered.size >= mostRemembered && oldest !== undefined) remembered.delete(oldest);
    remembered.set(key, { caller, since: now, endsAt: Math.min(endsAt, now + rememberedMilliseconds) });
    return caller;
  };
}
