/**
 * `GET …/oauth2/v2.0/authorize` of the page: asks who you are and sends a code back, or says why not, as
 * https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow describes for single-page applications.
 */

import { randomUUID } from "node:crypto";
import { type BrowserPerson, personCalled } from "./browser-people.ts";
import { rememberedPerson, rememberPerson } from "./browser-session.ts";
import { browserErrors } from "./entra-browser-errors.ts";
import type { IssuedCode } from "./entra-browser-token.ts";
import { type EntraError, entraErrors, errorDescription } from "./entra-errors.ts";
import { errorPage, rolePage } from "./entra-role-page.ts";
import type { Answer, Call } from "./https-server.ts";
import { grantedScope, isPageAddress } from "./page-registration.ts";

interface AuthorizeOptions {
  readonly clientId: string;
  readonly tenantId: string;
  readonly people: readonly BrowserPerson[];
  readonly issueCode: (code: Omit<IssuedCode, "issuedAt" | "redeemed">) => string;
}

export function authorizeBrowser(
  { path, query, headers }: Pick<Call, "path" | "query" | "headers">,
  { clientId, tenantId, people, issueCode }: AuthorizeOptions,
): Answer {
  // Errors of these two are shown, never sent: where they would be sent is what is wrong.
  const sentId = query.get("client_id") ?? "";
  if (sentId.toLowerCase() !== clientId) return shown(entraErrors.appNotFound(sentId, tenantId));
  const redirectUri = query.get("redirect_uri") ?? "";
  if (!isPageAddress(redirectUri)) return shown(browserErrors.redirectUriUnknown(redirectUri, clientId));

  const refusal = refusalOf(query, clientId);
  if (refusal !== undefined) return goTo(backWith(refusal));
  const prompt = query.get("prompt");
  const hinted = personCalled(query.get("login_hint") ?? undefined, people);
  if (prompt === "none") {
    const remembered = rememberedPerson(headers, people);
    const isAnother = hinted !== undefined && hinted !== remembered;
    return remembered === undefined || isAnother ? goTo(backWith(browserErrors.loginRequired())) : signIn(remembered);
  }
  // Entra would not ask somebody who is signed in already. This does, so that a demo can be another person.
  if (hinted === undefined || prompt !== null) return rolePage(people, addressOf, backWith(browserErrors.declined()));
  return signIn(hinted);

  function signIn(person: BrowserPerson): Answer {
    const nonce = query.get("nonce") ?? undefined;
    const scope = query.get("scope") ?? "";
    const code = issueCode({ person, redirectUri, scope, codeChallenge: query.get("code_challenge") ?? "", nonce });
    return goTo(back({ code, session_state: randomUUID() }), rememberPerson(person));
  }

  /** The same request again, with the answer to its question. */
  function addressOf({ userPrincipalName }: BrowserPerson): string {
    const again = new URLSearchParams(query);
    again.delete("prompt");
    again.set("login_hint", userPrincipalName);
    return `${path}?${again}`;
  }

  function backWith(error: EntraError): string {
    return back({ error: error.error, error_description: errorDescription(error) });
  }

  function back(answer: Readonly<Record<string, string>>): string {
    const target = new URL(redirectUri);
    const state = query.get("state");
    const all = { ...answer, ...(state === null ? {} : { state }) };
    for (const [name, value] of Object.entries(all)) target.searchParams.set(name, value);
    return target.href;
  }
}

function refusalOf(query: URLSearchParams, clientId: string): EntraError | undefined {
  const responseType = query.get("response_type") ?? "";
  if (responseType === "") return entraErrors.missingParameter("response_type");
  if (responseType !== "code") return browserErrors.responseType(responseType);
  const mode = query.get("response_mode") ?? "query";
  if (mode !== "query") return browserErrors.responseMode(mode);
  const challenge = query.get("code_challenge") ?? "";
  // Entra knows `plain`, too; the page never sends it.
  if (challenge === "" || query.get("code_challenge_method") !== "S256") return browserErrors.pkceRequired();
  if (!/^[\w-]{43}$/.test(challenge)) return browserErrors.challengeSize();
  const granted = grantedScope(query.get("scope") ?? "", clientId);
  return "code" in granted ? granted : undefined;
}

function shown(error: EntraError): Answer {
  return errorPage(error.status, errorDescription(error));
}

function goTo(address: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status: 302, headers: { Location: address, "Cache-Control": "no-store", ...headers } };
}
