/**
 * Webhooks, and what still is to be delivered to them, looked up in storage itself, and made old for tests that cannot
 * wait.
 */

import { TableClient } from "@azure/data-tables";
import type { Product } from "./product.ts";

interface DeliveryRow {
  readonly partitionKey: string;
  readonly rowKey: string;
  readonly dueAt: string;
  readonly delivery0: string;
}

const tableOf = ({ connectionString }: Product, name = "WebhookDeliveries") =>
  TableClient.fromConnectionString(connectionString, name, { allowInsecureConnection: true });

/** @returns ids of a customer's webhooks, and whether they are noted as failing */
export async function webhooksOf(product: Product, customerId: string) {
  const rows = await Array.fromAsync(
    tableOf(product, "Webhooks").listEntities<{ rowKey: string; webhook0: string; failingSince?: string }>(),
  );
  return rows.flatMap(({ rowKey, webhook0, failingSince = "" }) =>
    JSON.parse(webhook0).customerId === customerId ? [{ id: rowKey, isFailing: failingSince !== "" }] : [],
  );
}

/** @param webhookId absent: of all */
export async function waitingDeliveries(product: Product, webhookId?: string): Promise<readonly DeliveryRow[]> {
  const due = "RowKey ge 'due|' and RowKey lt 'due}'";
  const filter = webhookId === undefined ? due : `PartitionKey eq '${webhookId}' and ${due}`;
  try {
    return await Array.fromAsync(tableOf(product).listEntities<DeliveryRow>({ queryOptions: { filter } }));
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return [];
    throw error;
  }
}

/**
 * As if minutes had passed: the sweep takes them.
 *
 * @param since when given, as if they were tried since then
 * @returns how many there are
 */
export async function ageDeliveries(product: Product, webhookId?: string, since?: Date): Promise<number> {
  const rows = await waitingDeliveries(product, webhookId);
  const dueAt = new Date(Date.now() - 10 * 60_000).toISOString();
  for (const { partitionKey, rowKey, delivery0 } of rows) {
    const delivery =
      since === undefined
        ? {}
        : { delivery0: JSON.stringify({ ...JSON.parse(delivery0), since: since.toISOString() }) };
    await tableOf(product)
      .updateEntity({ partitionKey, rowKey, dueAt, ...delivery }, "Merge")
      .catch((error: unknown) => {
        // It was delivered meanwhile.
        if ((error as { statusCode?: number }).statusCode !== 404) throw error;
      });
  }
  return rows.length;
}
