/**
 * Serves the operators' page to browsers, and what it has to know of this deployment:
 *   GET /ui/             the page
 *   GET /ui/{*path}      its parts
 *   GET /ui/config.json  where and for what its users sign in
 *   GET /                leads to the page
 * Nothing of it is a secret, and nobody has signed in yet. HEAD is answered as GET is, without a body.
 */

import type { HttpHandler, HttpResponseInit } from "@azure/functions";
import type { FindUiFile } from "../shared/use-cases/find-ui-file.ts";

/** What the page signs its users in with. */
export interface UiSignIn {
  readonly tenantIds: ReadonlySet<string>;
  /** Application (client) id of the API, which is that of the page too. */
  readonly audience: string;
  /** Origin without a slash at the end. */
  readonly browserAuthorityHost: string;
}

/** How it is answered is loaded when it is first asked for: an instance that serves the API only never does. */
export function ui(find: FindUiFile, signIn: UiSignIn): HttpHandler {
  return async (request, context) => {
    const { answerUi } = await import("./ui-answer.ts");
    return answerUi(request, context, find, signIn);
  };
}

export async function toUi(): Promise<HttpResponseInit> {
  return { status: 302, headers: { location: "/ui/", "cache-control": "no-store" } };
}
