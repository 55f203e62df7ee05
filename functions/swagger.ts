/** Describes this API to Power Platform and Logic Apps: GET /api/swagger.json */

import type { ApiHandler, Route } from "../shared/http/route.ts";

/**
 * Made when first asked for, as {@link openApi} is, and kept: but for the address.
 *
 * Whoever imports the document sends tokens to the host that it names, and the custom connectors of Power Platform and
 * the designer of Logic Apps (`siteConfig.apiDefinition.url`) want one named. No setting knows it, and there may be
 * several (slots, own domains). So it is the one that this very request was sent to, and never kept: one caller's Host
 * header comes back to that caller only (every answer is `no-store`, and Azure's front end lets no request through that
 * names a host that is not the app's).
 */
export function swagger(routes: () => readonly Route[], requireFunctionKey: boolean): ApiHandler {
  let document: object | undefined;
  return async ({ url }) => {
    document ??= await write(routes(), requireFunctionKey);
    // For the same reason as that of OpenAPI: the designers read it from a browser.
    return { headers: { "access-control-allow-origin": "*" }, body: { ...document, ...addressOf(url) } };
  };
}

const loopback: ReadonlySet<string> = new Set(["localhost", "127.0.0.1"]);

/**
 * A token goes over https, whatever the proxy in front of us spoke to us. A host that Swagger 2.0 has no way to write
 * (an IPv6 address) is left out, which means the one that the document was read from.
 */
function addressOf({ host, hostname, protocol }: URL): object {
  const schemes = [loopback.has(hostname) ? protocol.replace(":", "") : "https"];
  return /^[\w.-]+(:\d+)?$/.test(host) ? { host, schemes } : { schemes };
}

async function write(routes: readonly Route[], requireFunctionKey: boolean): Promise<object> {
  const { swaggerOf } = await import("../shared/http/swagger.ts");
  const { apiDescription } = await import("./api-description.ts");
  return swaggerOf(routes, apiDescription, requireFunctionKey);
}
