/**
 * Customers whose switch can be turned Off again and again without Azure Resource Manager. Each was once turned On
 * through the API, with the check; before every block their records are put back to how the product wrote them then.
 */

import type { TableClient, TransactionAction } from "@azure/data-tables";
import { customerKeys, onKeys } from "../shared/adapters/table-keys.ts";
import type { CustomerId } from "../shared/domain/identifiers.ts";
import { openQueue, openTable } from "./floor.ts";
import { type Answer, type Request, sendAll } from "./load.ts";

export interface Switches {
  /** Turns each of them Off, one request a customer. */
  readonly requests: readonly Request[];
  readonly isRight: (answer: Answer) => boolean;
  /** The first so many are On again, and the queue is empty. */
  putBack(count: number): Promise<void>;
}

export interface SwitchesOptions {
  readonly api: string;
  readonly authorization: string;
  readonly connectionString: string;
  readonly customerIds: readonly string[];
}

export async function openSwitches({
  api,
  authorization,
  connectionString,
  customerIds,
}: SwitchesOptions): Promise<Switches> {
  const turn = (state: string) => (customerId: string) => ({
    method: "PUT",
    url: `${api}/customers/${customerId}/permissions/azureReservations`,
    headers: { authorization },
    body: JSON.stringify({ state, reason: "Renewal of the yearly agreement" }),
  });
  const isRight = ({ status, text }: Answer) => status === 200 && text.includes('"changed":true');
  await sendAll(customerIds.map(turn("On")), { concurrency: 4, isRight });

  const table = openTable(connectionString);
  const rowsOf: Record<string, unknown>[][] = [];
  for (const customerId of customerIds) {
    const { partitionKey, rowKey } = customerKeys(customerId as CustomerId);
    const { etag: _e, timestamp: _t, ...row } = await table.getEntity<Record<string, unknown>>(partitionKey, rowKey);
    rowsOf.push([row, { ...onKeys(customerId as CustomerId) }]);
  }
  const queue = openQueue(connectionString);
  return {
    requests: customerIds.map(turn("Off")),
    isRight,
    async putBack(count) {
      await replaceRows(table, rowsOf.slice(0, count).flat());
      await queue.clearMessages();
    },
  };
}

/** By partition, a hundred at a time. */
export async function replaceRows(table: TableClient, rows: readonly Record<string, unknown>[]): Promise<void> {
  for (const group of Object.values(Object.groupBy(rows, ({ partitionKey }) => String(partitionKey)))) {
    for (let first = 0; group !== undefined && first < group.length; first += 100) {
      const actions = group
        .slice(first, first + 100)
        .map((row): TransactionAction => ["upsert", row as never, "Replace"]);
      await table.submitTransaction(actions);
    }
  }
}
