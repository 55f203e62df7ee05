/** Lists the customers known to the service: GET /api/customers?state=&search=&finding=&maxpagesize= */

import { markOf, nextLinkOf, pageSizeOf, skipToken } from "../shared/http/paging.ts";
import { findingKindOf, searchOf, stateOf } from "../shared/http/parameters.ts";
import type { ApiHandler } from "../shared/http/route.ts";
import type { ListCustomers } from "../shared/use-cases/list-customers.ts";

export const customersQuery = ["state", "search", "finding", "maxpagesize", skipToken] as const;

export function listCustomers(list: ListCustomers): ApiHandler {
  return async ({ query, url }) => {
    const after = markOf(query)?.customerId;
    const { items, next } = await list({
      limit: pageSizeOf(query),
      ...(query.has("state") ? { state: stateOf(query.get("state")) } : {}),
      ...(query.has("search") ? { search: searchOf(query.get("search")) } : {}),
      ...(query.has("finding") ? { finding: findingKindOf(query.get("finding")) } : {}),
      ...(after === undefined ? {} : { after }),
    });
    const nextLink = next === undefined ? {} : { nextLink: nextLinkOf(url, { customerId: next }) };
    return { body: { value: items, ...nextLink } };
  };
}
