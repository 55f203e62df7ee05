/**
 * Entra's door for browsers: plain http on loopback, because a browser does not trust the throw-away CA. It signs people
 * in to the page (authorization code with PKCE) in the partner's tenant. The access tokens are those of the API's issuer,
 * the https stand-in; only id tokens are this door's own. Faults as at every stand-in: `/_faults`.
 */

import { type BrowserPerson, makeBrowserPeople } from "./browser-people.ts";
import { forgetPerson } from "./browser-session.ts";
import type { EntraStandIn } from "./entra.ts";
import { authorizeBrowser } from "./entra-browser-authorize.ts";
import { createBrowserGrants } from "./entra-browser-token.ts";
import { keySetDocument, openIdConfiguration, publicDocument } from "./entra-configuration.ts";
import { type EntraError, entraErrors, entraFailure, entraHeaders } from "./entra-errors.ts";
import { signedOutPage } from "./entra-role-page.ts";
import { type Answer, type Call, type StandIn, startServer } from "./https-server.ts";
import { isPageAddress, isPageOrigin } from "./page-registration.ts";

export interface BrowserDoorOptions {
  /** Whose tokens are handed out. */
  readonly entra: EntraStandIn;
  readonly port?: number;
  readonly people?: readonly BrowserPerson[];
}

export interface BrowserDoor extends StandIn {
  /** Of the id tokens, and in the OpenID configuration. */
  readonly issuer: string;
  readonly people: readonly BrowserPerson[];
  /** Entra's codes live for about a minute. */
  codeLifetimeSeconds: number;
  /** As if the named person had signed in then: what is older than a day has expired. */
  issueRefreshToken(options: { readonly person: BrowserPerson; readonly signedInAt: Date }): Promise<string>;
}

export async function startBrowserDoor({
  entra,
  port,
  people = makeBrowserPeople(),
}: BrowserDoorOptions): Promise<BrowserDoor> {
  const { tenantId, audience: clientId } = entra;
  let codeLifetimeSeconds = 60;
  const server: StandIn = await startServer({
    port,
    answer,
    failure: (status, call) => ({ ...fail(entraErrors.transient(status), call), status }),
  });
  const issuer = (): string => `${server.url}/${tenantId}/v2.0`;
  const grants = createBrowserGrants({ entra, people, issuer, codeLifetimeSeconds: () => codeLifetimeSeconds });

  async function answer(call: Call): Promise<Answer> {
    const [, tenantAsSent = "", ...rest] = call.path.split("/");
    const route = `${call.method} ${rest.join("/")}`;
    if (tenantAsSent.toLowerCase() !== tenantId) return fail(entraErrors.tenantNotFound(tenantAsSent), call);
    switch (route) {
      case "GET v2.0/.well-known/openid-configuration":
        return publicDocument(openIdConfiguration({ url: server.url, tenant: tenantId }));
      case "GET discovery/v2.0/keys":
        return publicDocument(keySetDocument(entra.publishedKeys, server.url));
      case "GET oauth2/v2.0/authorize":
        return authorizeBrowser(call, { clientId, tenantId, people, issueCode: grants.issueCode });
      case "POST oauth2/v2.0/token":
        return token(call);
      case "OPTIONS oauth2/v2.0/token":
        return { status: 204, headers: { ...forScripts(call), "Access-Control-Allow-Methods": "POST" } };
      case "GET oauth2/v2.0/logout":
        return signOut(call.query);
      default:
        return { status: 404, headers: entraHeaders() };
    }
  }

  async function token(call: Call): Promise<Answer> {
    const result = await grants.grant(new URLSearchParams(call.body), call.headers.origin);
    if ("code" in result) return fail(result, call);
    return { status: 200, headers: { ...entraHeaders(), ...forScripts(call) }, body: JSON.stringify(result) };
  }

  function fail(error: EntraError, call: Call): Answer {
    const failure = entraFailure(error, { url: server.url });
    return { ...failure, headers: { ...failure.headers, ...forScripts(call) } };
  }

  const { issueRefreshToken } = grants;
  return {
    ...server,
    people,
    get issuer() {
      return issuer();
    },
    get codeLifetimeSeconds() {
      return codeLifetimeSeconds;
    },
    set codeLifetimeSeconds(seconds) {
      codeLifetimeSeconds = seconds;
    },
    issueRefreshToken: ({ person, signedInAt }) =>
      issueRefreshToken({
        person,
        scope: `openid profile offline_access ${clientId}/.default`,
        signedInAt: signedInAt.getTime(),
      }),
  };
}

/** Scripts of the page may read the answer; those of other sites may not. */
function forScripts({ headers: { origin } }: Call): Record<string, string> {
  return origin !== undefined && isPageOrigin(origin)
    ? { "Access-Control-Allow-Origin": origin, "Access-Control-Allow-Headers": "content-type", Vary: "Origin" }
    : { Vary: "Origin" };
}

/** https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc#send-a-sign-out-request */
function signOut(query: URLSearchParams): Answer {
  const target = query.get("post_logout_redirect_uri") ?? "";
  if (!isPageAddress(target)) {
    const page = signedOutPage();
    return { ...page, headers: { ...page.headers, ...forgetPerson() } };
  }
  const address = new URL(target);
  const state = query.get("state");
  if (state !== null) address.searchParams.set("state", state);
  return { status: 302, headers: { Location: address.href, "Cache-Control": "no-store", ...forgetPerson() } };
}
