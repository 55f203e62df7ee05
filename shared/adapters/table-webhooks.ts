/** The webhooks in Table Storage: one row each, all in one partition, since every activity asks for all of them. */

import type { Webhook } from "../domain/webhook.ts";
import type { Webhooks } from "../ports.ts";
import { fromJsonColumns, jsonColumns } from "./json-columns.ts";
import { callStorage, storageCode } from "./storage-call.ts";
import { type TableClient, writeTo } from "./storage-clients.ts";
import { webhookKeys, webhooksPartition } from "./table-keys.ts";
import { queryRows, type Row, readRow } from "./table-query.ts";

const gone = ["ResourceNotFound", "TableNotFound"];

export function createTableWebhooks(table: () => Promise<TableClient>): Webhooks {
  return {
    async list() {
      return (await queryRows(table, `PartitionKey eq '${webhooksPartition}'`)).map(webhookOf);
    },

    async find(id) {
      const row = await readRow(table, webhookKeys(id));
      return row === undefined ? undefined : webhookOf(row);
    },

    async add({ failingSince: _, ...webhook }) {
      const row = { ...webhookKeys(webhook.id), ...jsonColumns("webhook", webhook) };
      try {
        await writeTo(table, (client) =>
          callStorage(
            (abortSignal) => client.createEntity(row, { abortSignal }),
            ["EntityAlreadyExists", "TableNotFound"],
          ),
        );
        return "added";
      } catch (error) {
        if (storageCode(error) === "EntityAlreadyExists") return "exists";
        throw error;
      }
    },

    async remove(id) {
      const { partitionKey, rowKey } = webhookKeys(id);
      await unlessGone((client, abortSignal) => client.deleteEntity(partitionKey, rowKey, { abortSignal }));
    },

    /** Merged into a row that is there, so that one removed meanwhile does not come back. A column cannot be taken away. */
    async noteFailing(id, since) {
      const row = { ...webhookKeys(id), failingSince: since?.toISOString() ?? "" };
      await unlessGone((client, abortSignal) => client.updateEntity(row, "Merge", { abortSignal }));
    },
  };

  async function unlessGone(write: (client: TableClient, signal: AbortSignal) => Promise<unknown>): Promise<void> {
    const client = await table();
    await callStorage((abortSignal) => write(client, abortSignal), gone).catch((error: unknown) => {
      if (!gone.includes(storageCode(error) ?? "")) throw error;
    });
  }
}

function webhookOf(row: Row): Webhook {
  const webhook = fromJsonColumns<Webhook>(row, "webhook", ({ id }) => id === row.rowKey);
  const { failingSince } = row;
  return typeof failingSince === "string" && failingSince !== "" ? { ...webhook, failingSince } : webhook;
}
