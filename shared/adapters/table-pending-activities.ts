/** The pending activities: rows beside the state of record, written in the same transaction. */

import type { PendingActivities } from "../ports.ts";
import { activityOf } from "./activity-row.ts";
import { callStorage, storageCode } from "./storage-call.ts";
import type { TableClient } from "./storage-clients.ts";
import { bucketOf, buckets, pendingKeys, rowsBefore, rowsOf } from "./table-keys.ts";
import { queryRows, readRow } from "./table-query.ts";

export function createTablePendingActivities(table: () => Promise<TableClient>): PendingActivities {
  return {
    async find(position) {
      const row = await readRow(table, pendingKeys(position));
      return row === undefined ? undefined : activityOf(row);
    },

    async list({ customerId, before, limit }) {
      const range = [
        rowsOf("pending", before && rowsBefore("pending", before)),
        ...(customerId === undefined ? [] : [`customerId eq '${customerId}'`]),
      ].join(" and ");
      const rows = await Promise.all(
        (customerId === undefined ? buckets : [bucketOf(customerId)]).map((bucket) =>
          queryRows(table, `PartitionKey eq '${bucket}' and ${range}`, limit),
        ),
      );
      return rows.flat().map(activityOf);
    },

    async remove(position) {
      const { partitionKey, rowKey } = pendingKeys(position);
      const client = await table();
      await callStorage(
        (abortSignal) => client.deleteEntity(partitionKey, rowKey, { abortSignal }),
        ["ResourceNotFound"],
      ).catch((error: unknown) => {
        if (storageCode(error) !== "ResourceNotFound") throw error;
      });
    },
  };
}
