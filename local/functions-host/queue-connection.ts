/** Queue clients of a connection setting: a connection string, or an account reached with an identity. */

import type { QueueServiceClient, StoragePipelineOptions } from "@azure/storage-queue";

/** The listener has its own back-off, so the SDK should report an outage instead of sitting on it. */
const options: StoragePipelineOptions = {
  retryOptions: { maxTries: 3, retryDelayInMs: 200, maxRetryDelayInMs: 2000, tryTimeoutInMs: 30_000 },
};

const clients = new Map<string, QueueServiceClient>();

export async function queueService(connection: string): Promise<QueueServiceClient> {
  const known = clients.get(connection);
  if (known) return known;
  const created = await connect(connection);
  clients.set(connection, created);
  return created;
}

async function connect(connection: string): Promise<QueueServiceClient> {
  const { QueueServiceClient } = await import("@azure/storage-queue");
  const connectionString = setting(connection, "");
  if (connectionString) return QueueServiceClient.fromConnectionString(connectionString, options);

  const account = setting(connection, "__accountName");
  const uri = setting(connection, "__queueServiceUri") ?? (account && `https://${account}.queue.core.windows.net`);
  if (!uri) {
    throw new Error(`The storage connection '${connection}' is not set: set ${connection} to a connection string.`);
  }
  const { DefaultAzureCredential, ManagedIdentityCredential } = await import("@azure/identity");
  const clientId = setting(connection, "__clientId");
  const credential =
    setting(connection, "__credential")?.toLowerCase() === "managedidentity"
      ? new ManagedIdentityCredential(clientId ? { clientId } : {})
      : new DefaultAzureCredential(clientId ? { managedIdentityClientId: clientId } : {});
  return new QueueServiceClient(uri, credential, options);
}

/** The prefixed name wins, as in WebJobs configuration. */
function setting(connection: string, suffix: string): string | undefined {
  return process.env[`AzureWebJobs${connection}${suffix}`] || process.env[`${connection}${suffix}`] || undefined;
}
