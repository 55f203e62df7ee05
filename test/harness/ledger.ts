/**
 * Looks at what the product has written, from both sides: the log as the API answers it, verified from
 * that alone, and the rows and messages in storage themselves.
 */

import { createHash } from "node:crypto";
import { TableClient } from "@azure/data-tables";
import { QueueClient } from "@azure/storage-queue";
import canonicalize from "canonicalize";
import type { Product } from "./product.ts";

export interface LoggedActivity {
  readonly id: string;
  readonly sequence: number;
  readonly customerId: string;
  readonly product: string;
  readonly operation: string;
  readonly result: string;
  readonly operationType?: string;
  readonly error?: { readonly code: string; readonly message: string; readonly partnerCenterCode?: string };
  readonly at: string;
  readonly changeId: string;
  readonly previousHash: string;
  readonly hash: string;
}

/** @returns the whole log of a customer as the API answers it, oldest first */
export async function readLog(product: Product, customerId: string): Promise<LoggedActivity[]> {
  const activities: LoggedActivity[] = [];
  let path: string | undefined = `/activities?customerId=${customerId}&maxpagesize=200`;
  while (path !== undefined) {
    const { status, body } = await product.call("GET", path);
    if (status !== 200) throw new Error(`The log of ${customerId} was answered ${status}.`);
    activities.push(...body.value);
    path = body.nextLink?.slice(`${new URL(body.nextLink).origin}/api`.length);
  }
  return activities.reverse();
}

/** @returns every fault of a customer's log, in words; none when sequence and chain are whole */
export function faultsOfLog(oldestFirst: readonly LoggedActivity[]): string[] {
  const faults: string[] = [];
  let previous = "0".repeat(64);
  for (const [index, activity] of oldestFirst.entries()) {
    const { hash, ...sealed } = activity;
    const text = canonicalize(sealed) ?? "";
    if (activity.sequence !== index + 1) faults.push(`${activity.id} stands in place ${index + 1}.`);
    if (activity.previousHash !== previous) faults.push(`${activity.id} does not follow its predecessor.`);
    if (createHash("sha256").update(text).digest("hex") !== hash) faults.push(`${activity.id} was changed.`);
    previous = hash;
  }
  return faults;
}

export interface StoredRows {
  readonly pending: number;
  readonly logged: number;
  readonly byDay: number;
  readonly poisoned: number;
}

/** Counts the rows of one customer in storage itself. */
export async function countRows(connectionString: string, customerId: string): Promise<StoredRows> {
  const rows = async (table: string, filter: string) => {
    const client = TableClient.fromConnectionString(connectionString, table, { allowInsecureConnection: true });
    try {
      return (await Array.fromAsync(client.listEntities({ queryOptions: { filter } }))).length;
    } catch (error) {
      if ((error as { statusCode?: number }).statusCode === 404) return 0;
      throw error;
    }
  };
  return {
    pending: await rows(
      "CustomerPermissions",
      `RowKey ge 'pending|' and RowKey lt 'pending}' and customerId eq '${customerId}'`,
    ),
    logged: await rows("ActivityLog", `PartitionKey eq '${customerId}'`),
    byDay: await rows("ActivityByDay", `customerId eq '${customerId}'`),
    poisoned: await countMessages(connectionString, "activities-poison"),
  };
}

export async function countMessages(connectionString: string, queue: string): Promise<number> {
  const client = new QueueClient(connectionString, queue);
  if (!(await client.exists())) return 0;
  return (await client.getProperties()).approximateMessagesCount ?? 0;
}

/** Asks again until the answer is right, or throws the last failure after the time. */
export async function eventually<Thing>(look: () => Promise<Thing>, milliseconds = 30_000): Promise<Thing> {
  const end = Date.now() + milliseconds;
  for (;;) {
    try {
      return await look();
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((go) => setTimeout(go, 100));
    }
  }
}
