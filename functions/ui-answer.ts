/** How the operators' page and its parts are answered, and what a browser lets them do. */

import type { HttpRequest, HttpResponseInit, InvocationContext } from "@azure/functions";
import { Refusal } from "../shared/domain/refusal.ts";
import { codingFor } from "../shared/http/content-coding.ts";
import { tagsOf } from "../shared/http/etag.ts";
import { answerTo } from "../shared/http/problem.ts";
import type { RequestHeaders } from "../shared/http/route.ts";
import type { FindUiFile } from "../shared/use-cases/find-ui-file.ts";
import type { UiSignIn } from "./ui.ts";

interface UiAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer>;
}

/** An error has the headers of the page as well: it is of the same origin. */
export async function answerUi(
  { method, headers, params }: HttpRequest,
  context: InvocationContext,
  find: FindUiFile,
  signIn: UiSignIn,
): Promise<HttpResponseInit> {
  const path = params.path ?? "";
  const found = path === "config.json" ? json(200, configOf(signIn)) : fileAt(path, headers, find);
  const answer = await Promise.resolve(found).catch((error: unknown) => {
    if (!(error instanceof Refusal)) context.error(error);
    const { status = 500, body } = answerTo(error, context.invocationId);
    return json(status, body);
  });
  const { status, body } = answer;
  const all = { ...guards(signIn.browserAuthorityHost), ...answer.headers };
  if (body === undefined) return { status, headers: all };
  // To HEAD the host is told the length that the answer to GET has.
  return method === "HEAD"
    ? { status, headers: { ...all, "content-length": String(body.length) } }
    : { status, headers: all, body };
}

async function fileAt(path: string, headers: RequestHeaders, find: FindUiFile): Promise<UiAnswer> {
  const file = await find(path);
  if (file === undefined) throw new Refusal("NotFound", "The operators' page has no such part.");
  const coding = codingFor(headers);
  const etag = `"${file.hash}-${coding}"`;
  const kept = file.isImmutable ? "public, max-age=31536000, immutable" : "no-cache";
  const ofAny = { "cache-control": kept, vary: "accept-encoding", etag };
  if (tagsOf(headers, "If-None-Match")?.(etag)) return { status: 304, headers: ofAny };
  const ofThis = { "content-type": file.mediaType, ...(coding === "identity" ? {} : { "content-encoding": coding }) };
  return { status: 200, headers: { ...ofAny, ...ofThis }, body: await file.read(coding) };
}

function configOf({ tenantIds, audience, browserAuthorityHost }: UiSignIn) {
  return {
    tenants: [...tenantIds],
    clientId: audience,
    authority: browserAuthorityHost,
    // Not its own `/.default`: an application that asks for that gets no access token, only an id token.
    // https://learn.microsoft.com/entra/identity-platform/scopes-oidc#the-default-scope
    scope: `${audience}/Permissions.ReadWrite`,
  };
}

function json(status: number, body: unknown): UiAnswer {
  const headers = { "cache-control": "no-store", "content-type": "application/json; charset=utf-8" };
  return { status, headers, body: Buffer.from(JSON.stringify(body)) };
}

/**
 * The page runs scripts of its own origin and no others, and makes markup only with the policy of `@microsoft/fast-html`;
 * it calls the API and the token endpoint; nobody may frame it, or learn from it where its users were.
 */
function guards(authority: string): Record<string, string> {
  return {
    "content-security-policy": [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      `connect-src 'self' ${authority}`,
      "img-src 'self' data:",
      "font-src 'none'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types fast-html",
    ].join("; "),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": unused.map((feature) => `${feature}=()`).join(", "),
  };
}

/**
 * What a page may do unless it says that it will not, and what Chromium 147 knows of it (of others it warns):
 * https://github.com/w3c/webappsec-permissions-policy/blob/main/features.md
 */
const unused = [
  ...["accelerometer", "autoplay", "camera", "clipboard-read", "display-capture"],
  ...["encrypted-media", "fullscreen", "gamepad", "geolocation", "gyroscope", "hid", "idle-detection", "local-fonts"],
  ...["magnetometer", "microphone", "midi", "payment", "picture-in-picture", "publickey-credentials-create"],
  ...["publickey-credentials-get", "screen-wake-lock", "serial", "storage-access", "usb"],
  ...["window-management", "xr-spatial-tracking"],
];
