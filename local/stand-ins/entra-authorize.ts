/**
 * Entra's `GET …/oauth2/v2.0/authorize`: whoever `login_hint` means signs in and consents at once, without a page, and the
 * code goes back to a redirect URI on loopback, so that a code of the stand-in never leaves the machine.
 */

import { randomUUID } from "node:crypto";
import type { SignInTokens } from "./entra-sign-in.ts";
import type { Answer } from "./https-server.ts";
import type { PartnerApplication, PartnerUser } from "./partner-application.ts";
import { isLoopback, resourceOf } from "./partner-center-resource.ts";

interface AuthorizeOptions {
  readonly application: PartnerApplication;
  readonly users: readonly PartnerUser[];
  readonly tokens: Pick<SignInTokens, "issueAuthorizationCode">;
}

export function authorize(query: URLSearchParams, { application, users, tokens }: AuthorizeOptions): Answer {
  const redirectUri = query.get("redirect_uri") ?? "";
  if (!URL.canParse(redirectUri) || !isLoopback(new URL(redirectUri)))
    return page(`AADSTS50011: The redirect URI '${redirectUri}' specified in the request is not on loopback.`);
  if (query.get("response_type") !== "code") return page("AADSTS70007: This stand-in knows response_type 'code' only.");
  if (!["query", null].includes(query.get("response_mode")))
    return page("AADSTS70007: This stand-in knows response_mode 'query' only.");
  const scope = query.get("scope") ?? "";
  if (resourceOf(scope, ["user_impersonation", ".default"]) === undefined)
    return page(`AADSTS70011: The scope '${scope}' is not valid.`);
  const hint = query.get("login_hint")?.toLowerCase();
  const user = hint === undefined ? users[0] : users.find((one) => one.userPrincipalName.toLowerCase() === hint);
  if (user === undefined) return page(`AADSTS50034: The user account '${hint}' does not exist in the directory.`);

  const target = new URL(redirectUri);
  const state = query.get("state");
  const challenge = query.get("code_challenge");
  if (application.consent === "refused") {
    target.searchParams.set("error", "access_denied");
    target.searchParams.set("error_description", "AADSTS65004: User declined to consent to access the app.");
  } else {
    application.consent = "given";
    const pkce = challenge === null ? {} : { codeChallenge: challenge };
    const nonce = query.get("nonce");
    const once = nonce === null ? {} : { nonce };
    target.searchParams.set("code", tokens.issueAuthorizationCode({ user, redirectUri, scope, ...pkce, ...once }));
    target.searchParams.set("session_state", randomUUID());
  }
  if (state !== null) target.searchParams.set("state", state);
  return { status: 302, headers: { Location: target.href, "Cache-Control": "no-store" } };
}

function page(message: string): Answer {
  return {
    status: 400,
    headers: { "Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store" },
    body: `${message}\n`,
  };
}
