/** What the floor app needs to know: rows and a message as the product wrote them, without their keys. */

import { TableClient } from "@azure/data-tables";
import { QueueClient } from "@azure/storage-queue";
import { activityQueue, permissionsTable } from "../shared/adapters/table-keys.ts";

export interface FloorTemplate {
  readonly customer: Readonly<Record<string, unknown>>;
  readonly change: Readonly<Record<string, unknown>>;
  readonly pending: Readonly<Record<string, unknown>>;
  /** As it stands in the queue: base64. */
  readonly message: string;
}

export function openTable(connectionString: string, name = permissionsTable): TableClient {
  return TableClient.fromConnectionString(connectionString, name, { allowInsecureConnection: true });
}

export function openQueue(connectionString: string): QueueClient {
  return new QueueClient(connectionString, activityQueue);
}

/** @param connectionString of an account where one customer was just switched On and Off, and nobody logged it */
export async function templateFrom(connectionString: string, customerId: string): Promise<FloorTemplate> {
  const table = openTable(connectionString);
  const newest = async (kind: string) => {
    let found: Record<string, unknown> | undefined;
    for await (const row of table.listEntities<Record<string, unknown>>()) {
      const isIt = String(row.rowKey).startsWith(`${kind}|`) && String(row.rowKey).includes(customerId);
      if (isIt && String(row.timestamp) >= String(found?.timestamp ?? "")) found = row;
    }
    if (found === undefined) throw new Error(`The product wrote no row of the kind ${kind}.`);
    const { partitionKey: _p, rowKey: _r, etag: _e, timestamp: _t, ...columns } = found;
    return columns;
  };
  const { peekedMessageItems } = await openQueue(connectionString).peekMessages({ numberOfMessages: 32 });
  const message = peekedMessageItems.at(-1)?.messageText;
  if (message === undefined) throw new Error("The product sent no message.");
  return {
    customer: await newest("customer"),
    change: await newest("change"),
    pending: await newest("pending"),
    message,
  };
}
