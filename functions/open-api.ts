/** Describes this API to programs: GET /api/openapi.json */

import type { ApiHandler, Route } from "../shared/http/route.ts";

/** Made when first asked for: most instances never are, and their start shall not pay for it. */
export function openApi(routes: () => readonly Route[], requireFunctionKey: boolean): ApiHandler {
  let document: object | undefined;
  return async () => {
    document ??= await write(routes(), requireFunctionKey);
    // The designers of Logic Apps and Power Platform read it from a browser, and it is no secret.
    return { headers: { "access-control-allow-origin": "*" }, body: document };
  };
}

async function write(routes: readonly Route[], requireFunctionKey: boolean): Promise<object> {
  const { openApiOf } = await import("../shared/http/openapi.ts");
  const { apiDescription } = await import("./api-description.ts");
  return openApiOf(routes, apiDescription, requireFunctionKey);
}
