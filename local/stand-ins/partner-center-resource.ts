/** Partner Center as a resource of Entra: its name, and the scopes that mean it. */

export const partnerCenterResource = "https://api.partnercenter.microsoft.com";

/** The resource that a scope is about, when it is Partner Center and the permission one of the given. */
export function resourceOf(scope: string, permissions: readonly string[]): string | undefined {
  const resources = scope
    .split(" ")
    .filter((one) => one !== "" && !["openid", "profile", "email", "offline_access"].includes(one))
    .map((one) => {
      const cut = one.lastIndexOf("/");
      return permissions.includes(one.slice(cut + 1)) ? one.slice(0, cut).replace(/\/$/, "") : "";
    });
  const [resource = "", ...others] = new Set(resources);
  if (others.length > 0) return undefined;
  const isKnown =
    resource === partnerCenterResource ||
    // The stand-in of Partner Center itself.
    (URL.canParse(resource) && resource === new URL(resource).origin && isLoopback(new URL(resource)));
  return isKnown ? resource : undefined;
}

export function isLoopback({ hostname, protocol }: URL): boolean {
  return ["127.0.0.1", "localhost", "[::1]"].includes(hostname) && /^https?:$/.test(protocol);
}
