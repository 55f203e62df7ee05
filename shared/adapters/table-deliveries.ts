/** The deliveries in Table Storage: a partition for each webhook, in it those that are due and those that were given up. */

import type { Delivery, DeliveryPosition } from "../domain/delivery.ts";
import type { Deliveries, StoredDelivery } from "../ports.ts";
import { fromJsonColumns, jsonColumns } from "./json-columns.ts";
import { callStorage, storageCode } from "./storage-call.ts";
import { type TableClient, type TransactionAction, writeTo } from "./storage-clients.ts";
import { deliveryKeys, rowsOf } from "./table-keys.ts";
import { queryRows, type Row, readRow } from "./table-query.ts";
import { submitTransaction } from "./table-transaction.ts";

const gone = ["ResourceNotFound", "TableNotFound"];
/** The most that a transaction may hold. */
const removedAtOnce = 100;

export function createTableDeliveries(table: () => Promise<TableClient>): Deliveries {
  return {
    async add(delivery) {
      await writeTo(table, (client) =>
        callStorage(
          (abortSignal) => client.createEntity(rowOf("due", delivery), { abortSignal }),
          ["EntityAlreadyExists", "TableNotFound"],
        ),
      ).catch(unless(["EntityAlreadyExists"]));
    },

    async find(position) {
      const row = await readRow(table, deliveryKeys("due", position));
      return row === undefined ? undefined : stored(row);
    },

    async listDue(webhookId, before, limit) {
      const range = `PartitionKey eq '${webhookId}' and ${rowsOf("due")} and dueAt lt '${before.toISOString()}'`;
      return (await queryRows(table, range, limit)).map(stored);
    },

    async replace({ version }, by) {
      const client = await table();
      const lost = [...gone, "UpdateConditionNotSatisfied", "ConditionNotMet"];
      try {
        const { etag } = await callStorage(
          (abortSignal) => client.updateEntity(rowOf("due", by), "Replace", { etag: version, abortSignal }),
          lost,
        );
        return etag === undefined ? undefined : { ...by, version: etag };
      } catch (error) {
        if (lost.includes(storageCode(error) ?? "")) return undefined;
        throw error;
      }
    },

    async remove(position) {
      const { partitionKey, rowKey } = deliveryKeys("due", position);
      const client = await table();
      await callStorage((abortSignal) => client.deleteEntity(partitionKey, rowKey, { abortSignal }), gone).catch(
        unless(gone),
      );
    },

    giveUp: (delivery) => move(delivery, "due", "failed"),
    revive: (delivery) => move(delivery, "failed", "due"),

    async listGivenUp(webhookId, limit, id) {
      const range =
        id === undefined ? rowsOf("failed") : `RowKey eq '${deliveryKeys("failed", { webhookId, id }).rowKey}'`;
      return (await queryRows(table, `PartitionKey eq '${webhookId}' and ${range}`, limit)).map(deliveryOf);
    },

    async removeAllOf(webhookId) {
      for (let isMore = true; isMore; ) {
        const rows = await queryRows(table, `PartitionKey eq '${webhookId}'`, removedAtOnce, [
          "partitionKey",
          "rowKey",
        ]);
        isMore = rows.length === removedAtOnce;
        await submit(rows.map((row) => ["delete", keysOf(row)]));
      }
    },
  };

  /** One that was removed meanwhile, or has moved already, stays as it is. */
  async function move(delivery: Delivery, from: "due" | "failed", to: "due" | "failed"): Promise<void> {
    await submit([
      ["delete", { ...deliveryKeys(from, delivery) }],
      ["upsert", rowOf(to, delivery), "Replace"],
    ]);
  }

  async function submit(actions: TransactionAction[]): Promise<void> {
    if (actions.length === 0) return;
    const client = await table();
    await callStorage((abortSignal) => submitTransaction(client, actions, abortSignal), gone).catch(unless(gone));
  }
}

function unless(codes: readonly string[]): (error: unknown) => void {
  return (error) => {
    if (!codes.includes(storageCode(error) ?? "")) throw error;
  };
}

function rowOf(kind: "due" | "failed", delivery: Delivery) {
  const { webhookId, id, activity, since, attempts, dueAt, lastResult, failedAt } = delivery;
  // Not what else the object may hold, such as the version that was read.
  const kept: Delivery = {
    ...{ webhookId, id, activity, since, attempts, dueAt },
    ...(lastResult === undefined ? {} : { lastResult }),
    ...(failedAt === undefined ? {} : { failedAt }),
  };
  return { ...deliveryKeys(kind, delivery), dueAt, ...jsonColumns("delivery", kept) };
}

function deliveryOf(row: Row): Delivery {
  const isWhole = (delivery: DeliveryPosition) => String(row.rowKey).endsWith(`|${delivery.id}`);
  return fromJsonColumns<Delivery>(row, "delivery", isWhole);
}

function stored(row: Row): StoredDelivery {
  return { ...deliveryOf(row), version: String(row.etag) };
}

function keysOf({ partitionKey, rowKey }: Row): { partitionKey: string; rowKey: string } {
  return { partitionKey: String(partitionKey), rowKey: String(rowKey) };
}
