/** Polling trigger of Logic Apps: GET /api/triggers/permission-changes?triggerState=&customerId= */

import { customerIdOf } from "../shared/http/parameters.ts";
import type { ApiHandler } from "../shared/http/route.ts";
import { locationOf, triggerState, triggerStateOf } from "../shared/http/trigger-state.ts";
import type { PollPermissionChanges } from "../shared/use-cases/poll-permission-changes.ts";

export const pollQuery = [triggerState, "customerId"] as const;

export function pollPermissionChanges(poll: PollPermissionChanges): ApiHandler {
  return async ({ query, url }) => {
    const asked = triggerStateOf(query);
    const { activity, cursor, isMore } = await poll({
      ...(query.has("customerId") ? { customerId: customerIdOf(query.get("customerId")) } : {}),
      ...(asked === undefined ? {} : { cursor: asked }),
    });
    const headers = { location: locationOf(url, cursor), "retry-after": isMore ? "0" : "30" };
    return activity === undefined ? { status: 202, headers } : { headers, body: activity };
  };
}
