/** Who is signed in at Entra in this browser: a session cookie, so that `prompt=none` can be answered as Entra does. */

import type { IncomingHttpHeaders } from "node:http";
import { type BrowserPerson, personCalled } from "./browser-people.ts";

/** As Entra's own is called. */
const cookie = "ESTSAUTH";

export function rememberPerson({ userPrincipalName }: BrowserPerson): Record<string, string> {
  return { "Set-Cookie": `${cookie}=${userPrincipalName}; Path=/; HttpOnly; SameSite=Lax` };
}

export function forgetPerson(): Record<string, string> {
  return { "Set-Cookie": `${cookie}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0` };
}

export function rememberedPerson(
  headers: IncomingHttpHeaders,
  people: readonly BrowserPerson[],
): BrowserPerson | undefined {
  const pairs = (headers.cookie ?? "").split(";").map((pair) => pair.trim().split("="));
  const [, hint] = pairs.find(([name]) => name === cookie) ?? [];
  return personCalled(hint, people);
}
