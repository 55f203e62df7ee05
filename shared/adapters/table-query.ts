/** Reads rows of a range of keys, page by page, up to a limit. A table that is not there yet is empty. */

import { callStorage, storageCode } from "./storage-call.ts";
import type { TableClient } from "./storage-clients.ts";

export type Row = Record<string, unknown> & { readonly partitionKey?: string; readonly rowKey?: string };

/**
 * @param filter made of keys from table-keys.ts and RFC 3339 times only
 * @param limit fewer rows come back only when there are no more; an empty page in between is legal in Azure
 */
export async function queryRows(
  table: () => Promise<TableClient>,
  filter: string,
  limit = Number.POSITIVE_INFINITY,
  select?: string[],
): Promise<Row[]> {
  const client = await table();
  return callStorage(
    async (abortSignal) => {
      const rows: Row[] = [];
      const query = client.listEntities<Row>({
        abortSignal,
        onResponse: checkList,
        queryOptions: { filter, ...(select === undefined ? {} : { select }) },
      });
      for await (const page of query.byPage({ maxPageSize: Math.min(limit, 1000) })) {
        rows.push(...page);
        if (rows.length >= limit) break;
      }
      return rows.slice(0, limit);
    },
    ["TableNotFound"],
    { attempts: 2, milliseconds: 3_500 },
  ).catch((error: unknown) => {
    if (storageCode(error) === "TableNotFound") return [];
    throw error;
  });
}

/** The SDK takes any 200 for a list, also the page of a proxy, and what holds no list for an empty one. */
function checkList({
  status,
  parsedBody,
}: {
  readonly status: number;
  readonly parsedBody?: { value?: unknown };
}): void {
  if (status === 200 && !Array.isArray(parsedBody?.value)) throw new Error("The answer of storage is no list.");
}

/** @returns the row, or undefined when storage itself says that there is none */
export async function readRow(
  table: () => Promise<TableClient>,
  { partitionKey, rowKey }: { readonly partitionKey: string; readonly rowKey: string },
): Promise<(Row & { readonly etag: string }) | undefined> {
  const client = await table();
  try {
    return await callStorage((abortSignal) => client.getEntity<Row>(partitionKey, rowKey, { abortSignal }), notThere);
  } catch (error) {
    if (notThere.includes(storageCode(error) ?? "")) return undefined;
    throw error;
  }
}

const notThere = ["ResourceNotFound", "TableNotFound"];
