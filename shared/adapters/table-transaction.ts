/** A transaction of Table Storage: all of it is done, or nothing. */

import type { TableClient, TransactionAction } from "./storage-clients.ts";

/**
 * @throws the SDK's error when storage refused it
 * @throws Error when the answer is no transaction's, and nobody knows whether it was done: the SDK reads any 2xx as
 * success, also a page of a proxy
 */
export async function submitTransaction(
  client: TableClient,
  actions: TransactionAction[],
  abortSignal: AbortSignal,
): Promise<void> {
  const { subResponses } = await client.submitTransaction(actions, { abortSignal });
  const isDone = subResponses.length === actions.length && subResponses.every(({ status }) => status === 204);
  if (!isDone) throw new Error("The answer of storage is not that of the transaction.");
}
