/**
 * Opens the product's tables and queue, by connection string or by identity. The SDKs are loaded on first
 * use, one after another, so that a function that needs none of them does not pay for them.
 */

import type { TableClient, TransactionAction } from "@azure/data-tables";
import type { TokenCredential } from "@azure/identity";
import type { QueueClient } from "@azure/storage-queue";
import { once } from "./once.ts";
import { callStorage, storageCode } from "./storage-call.ts";

export type StorageConnection =
  | { readonly connectionString: string }
  | {
      readonly tableServiceUri: string;
      readonly queueServiceUri: string;
      /** User-assigned identity; absent: the system-assigned one, or the developer's own login. */
      readonly managedIdentityClientId?: string;
    };

export interface StorageClients {
  table(name: string): () => Promise<TableClient>;
  queue(name: string): () => Promise<QueueClient>;
}

/** Only the emulator on this machine is spoken to without TLS. */
const options = (url: string) => ({
  allowInsecureConnection: /^http:\/\/(127\.|localhost[:/]|\[::1\])/.test(url),
  retryOptions: { maxRetries: 0 },
});

export function openStorage(connection: StorageConnection): StorageClients {
  const credential = once(async () => identityOf(connection));

  return {
    table: (name) =>
      once(async () => {
        const { TableClient } = await import("@azure/data-tables");
        if ("connectionString" in connection) {
          const { connectionString } = connection;
          const url = /TableEndpoint=([^;]+)/i.exec(connectionString)?.[1] ?? emulatorOf(connectionString);
          return TableClient.fromConnectionString(connectionString, name, options(url));
        }
        const { tableServiceUri } = connection;
        return new TableClient(tableServiceUri, name, await credential(), options(tableServiceUri));
      }),
    queue: (name) =>
      once(async () => {
        const { QueueClient } = await import("@azure/storage-queue");
        const quick = { retryOptions: { maxTries: 1 } };
        if ("connectionString" in connection) return new QueueClient(connection.connectionString, name, quick);
        const { queueServiceUri } = connection;
        return new QueueClient(new URL(name, withSlash(queueServiceUri)).href, await credential(), quick);
      }),
  };
}

function emulatorOf(connectionString: string): string {
  return /UseDevelopmentStorage=true/i.test(connectionString) ? "http://127.0.0.1:10002/" : "https://";
}

function withSlash(uri: string): string {
  return uri.endsWith("/") ? uri : `${uri}/`;
}

async function identityOf(connection: StorageConnection): Promise<TokenCredential> {
  const { DefaultAzureCredential, ManagedIdentityCredential } = await import("@azure/identity");
  const clientId = "managedIdentityClientId" in connection ? connection.managedIdentityClientId : undefined;
  return clientId === undefined ? new DefaultAzureCredential() : new ManagedIdentityCredential({ clientId });
}

/** Writes to a table, and makes the table first when it is not there yet. */
export async function writeTo<Answer>(
  table: () => Promise<TableClient>,
  write: (client: TableClient) => Promise<Answer>,
): Promise<Answer> {
  const client = await table();
  try {
    return await write(client);
  } catch (error) {
    if (storageCode(error) !== "TableNotFound") throw error;
    await callStorage((abortSignal) => client.createTable({ abortSignal }));
    return write(client);
  }
}

export type { TableClient, TransactionAction };
