/**
 * Access tokens for Partner Center by the Secure Application Model: the refresh token of an Admin Agent account is
 * exchanged at Microsoft Entra, and the new refresh token that comes along takes its place. There is no other way to
 * read or move a self-serve policy: Partner Center takes no application's own token for it. The application's own is
 * good for customers and audit records.
 * https://learn.microsoft.com/partner-center/developer/enable-secure-app-model
 */

import { PartnerCenterRefusal } from "../domain/partner-center-refusal.ts";
import { dependencyUnavailable, Refusal } from "../domain/refusal.ts";
import type { Telemetry } from "../ports.ts";
import {
  askForToken,
  EntraFailure,
  type Granted,
  type PartnerCenterCredential,
  proofOf,
  type TokenRequestLimits,
} from "./entra-token-endpoint.ts";
import { withinDeadline } from "./within-deadline.ts";

/** Where the refresh token is kept. */
export interface RefreshTokens {
  /**
   * @returns the newest one
   * @throws PartnerCenterRefusal `SignInRequired` when there is none, Refusal `DependencyUnavailable` when nobody can tell
   */
  read(): Promise<string>;
  /** Puts a new one in the place of the old. @throws anything when it could not be kept */
  write(token: string): Promise<void>;
}

export interface PartnerCenterTokens {
  /**
   * @returns an access token, the one that is kept while it is good
   * @throws PartnerCenterRefusal `SignInRequired`, `MfaRequired` or `Refused` when Entra says no
   * @throws Refusal `DependencyUnavailable` when there is no answer, or none that can be relied on, before the deadline
   */
  get(deadline: AbortSignal): Promise<string>;
  /** Fetches anew next time. @param refused the token that was not accepted; another one is kept */
  forget(refused?: string): void;
}

export interface PartnerCenterTokenOptions {
  /** Origin of the token issuer. */
  readonly authorityHost: string;
  /** The partner's tenant. */
  readonly tenantId: string;
  /** The application that the Admin Agent account has consented to. */
  readonly clientId: string;
  readonly credential: PartnerCenterCredential;
  /** Absent: the application signs in alone, with nobody behind it. */
  readonly refreshTokens?: RefreshTokens;
  /** Origin of Partner Center: what the token is for. */
  readonly endpoint: string;
  /** Is told when a new refresh token could not be kept. */
  readonly telemetry: Pick<Telemetry, "warning">;
  readonly limits?: TokenLimits;
}

export interface TokenLimits extends TokenRequestLimits {
  /** Of everything that one new token takes: after it a request that hangs is left behind. */
  readonly flightMilliseconds?: number;
  /** Of keeping the new refresh token. */
  readonly writeMilliseconds?: number;
}

/** A token this close to its end is not used any more: the call that it is for may take its time. */
const renewBeforeEndMilliseconds = 5 * 60_000;

export function createPartnerCenterTokens(options: PartnerCenterTokenOptions): PartnerCenterTokens {
  const { flightMilliseconds = 15_000 } = options.limits ?? {};
  let kept: { readonly token: string; readonly renewAt: number } | undefined;
  let flight: Promise<string> | undefined;

  /** Ten changes that start together cost one request to Entra, and rotate the refresh token once. */
  function fly(): Promise<string> {
    const stop = AbortSignal.timeout(flightMilliseconds);
    const underWay = withinDeadline(exchange(options, stop), stop)
      .then(({ accessToken, lifeMilliseconds }) => {
        kept = { token: accessToken, renewAt: Date.now() + lifeMilliseconds - renewBeforeEndMilliseconds };
        return accessToken;
      })
      .finally(() => {
        flight = undefined;
      });
    // Whoever asked may have given up before it fails.
    underWay.catch(() => undefined);
    return underWay;
  }

  return {
    async get(deadline) {
      if (kept !== undefined && Date.now() < kept.renewAt) return kept.token;
      flight ??= fly();
      try {
        return await withinDeadline(flight, deadline);
      } catch (error) {
        if (error instanceof Refusal || error instanceof PartnerCenterRefusal) throw error;
        const { retryAfterSeconds } = error instanceof EntraFailure ? error : {};
        throw dependencyUnavailable("Microsoft Entra", {
          cause: error,
          ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
        });
      }
    },
    forget(refused) {
      if (refused === undefined || kept?.token === refused) kept = undefined;
    },
  };
}

async function exchange(options: PartnerCenterTokenOptions, stop: AbortSignal): Promise<Granted> {
  const { authorityHost, tenantId, clientId, credential, refreshTokens, endpoint } = options;
  const url = `${authorityHost}/${tenantId}/oauth2/v2.0/token`;
  const refreshToken = (await refreshTokens?.read())?.trim();
  if (refreshToken === "")
    throw new PartnerCenterRefusal("SignInRequired", "There is no refresh token for Partner Center.");

  const form = new URLSearchParams({
    client_id: clientId,
    ...(refreshToken === undefined
      ? { grant_type: "client_credentials", scope: `${endpoint}/.default` }
      : {
          ...{ grant_type: "refresh_token", scope: `${endpoint}/user_impersonation offline_access` },
          refresh_token: refreshToken,
        }),
    ...(await proofOf(credential, clientId, url)),
  });
  const granted = await askForToken(url, form, stop, options.limits);
  if (refreshTokens !== undefined && granted.refreshToken !== undefined && granted.refreshToken !== refreshToken) {
    await keep(granted.refreshToken, refreshTokens, options);
  }
  return granted;
}

/** Before the access token is used: a crash after this point leaves the newer of the two, which lives longer. */
async function keep(
  refreshToken: string,
  refreshTokens: RefreshTokens,
  { telemetry, limits }: PartnerCenterTokenOptions,
): Promise<void> {
  try {
    await withinDeadline(refreshTokens.write(refreshToken), AbortSignal.timeout(limits?.writeMilliseconds ?? 5_000));
  } catch (error) {
    // Entra does not revoke the old one when it gives a new one: nothing is lost but some of its 90 days.
    telemetry.warning("The new refresh token for Partner Center could not be kept. The old one is still used.", error);
  }
}
