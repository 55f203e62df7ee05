/**
 * How many rows Azure has to look at for a query. It finds only a range of keys by itself: every other comparison, and
 * an `or`, is made row by row. So the query is asked again with nothing but its range, up to the last row that came back
 * when it was cut off there. What it answers itself are rows returned, which hides this.
 */

import { TableClient } from "@azure/data-tables";
import type { RowInAnswer, StorageCall } from "../../harness/storage-proxy.ts";

export async function scannedRows(connectionString: string, call: StorageCall): Promise<number> {
  const [, table, query] = /^\/(\w+)\(\)\?(.*)$/s.exec(call.path) ?? [];
  if (table === undefined) return call.rows?.length ?? 0;
  const top = Number(/\$top=(\d+)/.exec(query ?? "")?.[1] ?? 1000);
  const filter = /\$filter=([^&]*)/.exec(query ?? "")?.[1] ?? "";
  const range = filter
    .replace(/\([^)]*\)/g, "")
    .match(/(PartitionKey|RowKey) (eq|ge|gt|le|lt) '[^']*'/g)
    ?.join(" and ");
  const client = TableClient.fromConnectionString(connectionString, table, { allowInsecureConnection: true });
  const count = async (conditions: string) => {
    let rows = 0;
    const pages = client
      .listEntities({ queryOptions: { filter: conditions, select: ["RowKey"] } })
      .byPage({ maxPageSize: 1000 });
    for await (const page of pages) rows += page.length;
    return rows;
  };
  const last: RowInAnswer | undefined = (call.rows?.length ?? 0) >= top ? call.rows?.at(-1) : undefined;
  const all = range === undefined ? "" : `${range} and `;
  if (last === undefined) return count(range ?? "");
  return (
    (await count(`${all}PartitionKey lt '${last.PartitionKey}'`)) +
    (await count(`${all}PartitionKey eq '${last.PartitionKey}' and RowKey le '${last.RowKey}'`))
  );
}
