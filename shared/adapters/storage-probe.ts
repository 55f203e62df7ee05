/** Asks tables and queue for something that need not be there: any answer of theirs says that they are up. */

import type { QueueClient } from "@azure/storage-queue";
import type { StorageProbe } from "../ports.ts";
import { callStorage, storageCode } from "./storage-call.ts";
import type { TableClient } from "./storage-clients.ts";
import { readRow } from "./table-query.ts";

export function createStorageProbe(table: () => Promise<TableClient>, queue: () => Promise<QueueClient>): StorageProbe {
  const probes = {
    tables: () => readRow(table, { partitionKey: "0", rowKey: "probe" }),
    queue: async () => {
      const client = await queue();
      await callStorage((abortSignal) => client.getProperties({ abortSignal }), ["QueueNotFound"]).catch((error) => {
        if (storageCode(error) !== "QueueNotFound") throw error;
      });
    },
  };
  return {
    async whatIsDown() {
      const answers = await Promise.allSettled(Object.values(probes).map((probe) => probe()));
      return Object.keys(probes).filter((_, index) => answers[index]?.status === "rejected");
    },
  };
}
