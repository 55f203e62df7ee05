/** Fills tables by transactions of up to a hundred rows, several at a time. */

import { TableClient } from "@azure/data-tables";
import type { FleetRow } from "./fleet.ts";

const atOnce = 6;

export async function loadRows(connectionString: string, table: string, rows: readonly FleetRow[]): Promise<void> {
  const client = TableClient.fromConnectionString(connectionString, table, { allowInsecureConnection: true });
  await client.createTable();
  const transactions = transactionsOf(rows);
  const load = async () => {
    for (let next = transactions.pop(); next !== undefined; next = transactions.pop()) {
      const { subResponses } = await client.submitTransaction(next.map((row) => ["create", row]));
      if (subResponses.length !== next.length) throw new Error("Azurite has not written the whole transaction.");
    }
  };
  await Promise.all(Array.from({ length: atOnce }, load));
}

function transactionsOf(rows: readonly FleetRow[]): FleetRow[][] {
  const partitions = Map.groupBy(rows, ({ partitionKey }) => partitionKey);
  return [...partitions.values()].flatMap((partition) =>
    Array.from({ length: Math.ceil(partition.length / 100) }, (_, index) =>
      partition.slice(index * 100, (index + 1) * 100),
    ),
  );
}
