/**
 * A credential per customer tenant for our multi-tenant application: federated managed identity in
 * production, a client secret, or the developer's Azure CLI login.
 *
 * One credential per tenant, never one for all: the Azure clients do not say which tenant they want a
 * token of, and a shared credential was reported to answer with the wrong one (azure-sdk-for-net#49391).
 */

import type { AccessToken, GetTokenOptions, TokenCredential } from "@azure/identity";
import { DirectoryFailure, type DirectoryFailureReason } from "../domain/directory-failure.ts";
import { foreignWords } from "../domain/foreign-words.ts";
import type { CustomerId } from "../domain/identifiers.ts";
import { once } from "./once.ts";
import { withinDeadline } from "./within-deadline.ts";

export type CustomerApp =
  | { readonly clientId: string; readonly managedIdentityClientId: string }
  | { readonly clientId: string; readonly clientSecret: string }
  | { readonly azureCli: true };

export interface CustomerCredentials {
  /** @returns a credential for that tenant that answers, or throws DirectoryFailure, before the deadline */
  of(customerId: CustomerId, deadline: AbortSignal): TokenCredential;
  /** Makes a new credential next time: Azure did not accept the token, or Entra did not answer. */
  forget(customerId: CustomerId): void;
}

/** Customers whose tokens are kept: an instance mostly works for few at a time, and a token is quickly had again. */
const mostCustomers = 500;
/** After this a token request that hangs is left behind, so that it cannot block a customer for ever. */
const flightMilliseconds = 15_000;

export function createCustomerCredentials(
  app: CustomerApp,
  authorityHost: string,
  isLoopback: boolean,
): CustomerCredentials {
  const kept = new Map<
    CustomerId,
    (scopes: string | string[], options: GetTokenOptions) => Promise<AccessToken | null>
  >();
  const managedIdentity = once(() => managedIdentityOf(app));

  return {
    of: (customerId, deadline) => ({
      async getToken(scopes, { tracingOptions: _, abortSignal: __, ...options } = {}) {
        const getToken = kept.get(customerId) ?? singleFlight(once(() => credentialOf(customerId)));
        kept.delete(customerId);
        kept.set(customerId, getToken);
        const [oldest] = kept.keys();
        if (kept.size > mostCustomers && oldest !== undefined) kept.delete(oldest);
        try {
          return await withinDeadline(getToken(scopes, options), deadline);
        } catch (error) {
          // MSAL answers with the last failure for a minute, or as long as a 429 says, also when Entra is well again.
          kept.delete(customerId);
          throw failureOf(error);
        }
      },
    }),
    forget: (customerId) => {
      kept.delete(customerId);
    },
  };

  async function credentialOf(tenantId: CustomerId): Promise<TokenCredential> {
    const { AzureCliCredential, ClientAssertionCredential, ClientSecretCredential } = await import("@azure/identity");
    if ("azureCli" in app) return new AzureCliCredential({ tenantId });
    // A stand-in on this machine is no Microsoft cloud: without this MSAL asks login.microsoftonline.com about it.
    const options = { authorityHost, disableInstanceDiscovery: isLoopback, retryOptions: { maxRetries: 1 } };
    if ("clientSecret" in app) return new ClientSecretCredential(tenantId, app.clientId, app.clientSecret, options);
    const assertion = async () =>
      (await (await managedIdentity()).getToken("api://AzureADTokenExchange/.default")).token;
    return new ClientAssertionCredential(tenantId, app.clientId, assertion, options);
  }
}

async function managedIdentityOf(app: CustomerApp) {
  const { ManagedIdentityCredential } = await import("@azure/identity");
  return new ManagedIdentityCredential(
    "managedIdentityClientId" in app ? { clientId: app.managedIdentityClientId } : {},
  );
}

/** Ten checks of one customer that start together cost one token request: the SDK would send ten. */
function singleFlight(credential: () => Promise<TokenCredential>) {
  const flights = new Map<string, Promise<AccessToken | null>>();
  return (scopes: string | string[], options: GetTokenOptions): Promise<AccessToken | null> => {
    const key = JSON.stringify([scopes, options]);
    const underWay = flights.get(key);
    if (underWay !== undefined) return underWay;
    const flight = withinDeadline(
      credential().then((made) => made.getToken(scopes, options)),
      AbortSignal.timeout(flightMilliseconds),
    ).finally(() => flights.delete(key));
    flights.set(key, flight);
    return flight;
  };
}

/** What Entra's error numbers mean for us; https://learn.microsoft.com/entra/identity-platform/reference-error-codes */
const reasons: Readonly<Record<string, DirectoryFailureReason>> = {
  700016: "CustomerAppNotConsented",
  7000229: "CustomerAppNotConsented",
  7000112: "CustomerAppNotConsented",
  500014: "CustomerAppNotConsented",
  650052: "CustomerAppNotConsented",
  65001: "CustomerAppNotConsented",
  90002: "CustomerTenantNotFound",
  900023: "CustomerTenantNotFound",
  7000215: "CustomerAppRejected",
  7000222: "CustomerAppRejected",
  700027: "CustomerAppRejected",
  700024: "CustomerAppRejected",
  70021: "CustomerAppRejected",
  700211: "CustomerAppRejected",
  700212: "CustomerAppRejected",
  700213: "CustomerAppRejected",
  700236: "CustomerAppRejected",
  53003: "CustomerAppRejected",
};

function failureOf(error: unknown): DirectoryFailure {
  if (error instanceof DirectoryFailure) return error;
  const text = error instanceof Error ? error.message : String(error);
  // The identity library throws errors of several classes; the number is in the message of all of them.
  const number = /AADSTS(\d+)/.exec(text)?.[1];
  const loggedOut = error instanceof Error && error.name === "CredentialUnavailableError";
  const reason =
    (number === undefined ? undefined : reasons[number]) ??
    (loggedOut ? "CustomerAppRejected" : "DependencyUnavailable");
  const words = number ?? foreignWords(text, 200);
  return new DirectoryFailure(reason, `No token for the customer's tenant: ${words}`, { cause: error });
}
