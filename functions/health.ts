/** Tells load balancers and alerts whether the service can work: GET /api/health */

import type { ApiHandler } from "../shared/http/route.ts";
import type { CheckHealth } from "../shared/use-cases/check-health.ts";

export function health(check: CheckHealth): ApiHandler {
  return async () => {
    const found = await check();
    return { status: found.status === "Healthy" ? 200 : 503, body: found };
  };
}
