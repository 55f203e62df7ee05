/** Tells how many customers had a permission On, day by day: GET /api/fleet/history?days= */

import { historyDaysOf } from "../shared/http/parameters.ts";
import type { ApiHandler } from "../shared/http/route.ts";
import type { GetFleetHistory } from "../shared/use-cases/get-fleet-history.ts";

export const historyQuery = ["days"] as const;

export function getFleetHistory(get: GetFleetHistory): ApiHandler {
  return async ({ query }) => ({ body: { value: await get(historyDaysOf(query)) } });
}
