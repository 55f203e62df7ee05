/** What is registered for the page in the stand-in: its redirect URIs, the origins they stand for, and its scopes. */

import { browserErrors } from "./entra-browser-errors.ts";
import type { EntraError } from "./entra-errors.ts";
import { signInErrors } from "./entra-sign-in-errors.ts";

/**
 * `/ui/` of this machine, whatever the port: Entra, too, ignores the port of localhost
 * (https://learn.microsoft.com/entra/identity-platform/reply-url#localhost-exceptions). So no code leaves this machine.
 */
export function isPageAddress(address: string): boolean {
  return /^http:\/\/(localhost|127\.0\.0\.1)(:\d{1,5})?\/ui\/$/.test(address);
}

export function isPageOrigin(origin: string): boolean {
  return isPageAddress(`${origin}/ui/`);
}

/** OpenID's own, about no resource. */
const openIdScopes: ReadonlySet<string> = new Set(["openid", "profile", "email", "offline_access"]);
const permissions = ["Permissions.Read", "Permissions.ReadWrite"] as const;

/**
 * What stands in `scp` for a scope that asks for our API by the id it shares with the page, or why not.
 * `.default` is everything that was consented to.
 */
export function grantedScope(scope: string, audience: string): { readonly scp: string } | EntraError {
  const wanted = scope.split(" ").filter((one) => one !== "" && !openIdScopes.has(one));
  if (wanted.length === 0) return signInErrors.invalidScope(scope);
  const itself = wanted.find((one) => one.startsWith(`api://${audience}/`));
  if (itself !== undefined) return browserErrors.tokenForItself(audience, `api://${audience}`);
  const known = [".default", ...permissions].map((permission) => `${audience}/${permission}`);
  if (wanted.some((one) => !known.includes(one))) return signInErrors.invalidScope(scope);
  const names = wanted.map((one) => one.slice(audience.length + 1));
  return { scp: (names.includes(".default") ? permissions : names).join(" ") };
}
