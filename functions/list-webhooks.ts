/** Lists the webhooks: GET /api/webhooks */

import type { ApiHandler } from "../shared/http/route.ts";
import type { ListWebhooks } from "../shared/use-cases/list-webhooks.ts";

export function listWebhooks(list: ListWebhooks): ApiHandler {
  return async () => ({ body: { value: await list() } });
}
