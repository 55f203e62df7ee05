/** Reads the activity log, newest first: GET /api/activities?customerId=&from=&to=&maxpagesize= */

import { activityMarkOf, nextLinkOf, pageSizeOf, skipToken } from "../shared/http/paging.ts";
import { customerIdOf } from "../shared/http/parameters.ts";
import { timeOf } from "../shared/http/query.ts";
import type { ApiHandler } from "../shared/http/route.ts";
import type { ListActivities } from "../shared/use-cases/list-activities.ts";

export const activitiesQuery = ["customerId", "from", "to", "maxpagesize", skipToken] as const;

export function listActivities(list: ListActivities): ApiHandler {
  return async ({ query, url }) => {
    const from = timeOf(query, "from");
    const to = timeOf(query, "to");
    const after = activityMarkOf(query);
    const { items, next } = await list({
      limit: pageSizeOf(query),
      ...(query.has("customerId") ? { customerId: customerIdOf(query.get("customerId")) } : {}),
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
      ...(after === undefined ? {} : { after }),
    });
    return { body: { value: items, ...(next === undefined ? {} : { nextLink: nextLinkOf(url, next) }) } };
  };
}
