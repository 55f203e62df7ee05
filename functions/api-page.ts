/** Describes this API to people: GET /api/docs */

import type { ApiHandler, Route } from "../shared/http/route.ts";

/** Made when first asked for, as {@link openApi} is. */
export function apiPage(routes: () => readonly Route[], requireFunctionKey: boolean): ApiHandler {
  let page: { readonly text: string; readonly headers: Readonly<Record<string, string>> } | undefined;
  return async () => {
    page ??= await write(routes(), requireFunctionKey);
    return page;
  };
}

async function write(routes: readonly Route[], requireFunctionKey: boolean) {
  const { apiPageOf } = await import("../shared/http/api-page.ts");
  const { apiDescription } = await import("./api-description.ts");
  return apiPageOf(routes, apiDescription, requireFunctionKey);
}
