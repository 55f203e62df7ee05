/** How far the comparison of records and policies has come, looked up in storage itself, for tests that wait for it. */

import { TableClient } from "@azure/data-tables";
import { eventually } from "./ledger.ts";
import type { Product } from "./product.ts";

export interface DriftNote {
  readonly startedAt: string;
  readonly position?: string;
  readonly endedAt?: string;
  readonly counts?: { readonly customers: number; readonly requests: number };
}

const keys = ["service", "note|drift"] as const;

function tableOf({ connectionString }: Product): TableClient {
  return TableClient.fromConnectionString(connectionString, "CustomerPermissions", { allowInsecureConnection: true });
}

export async function readDriftNote(product: Product): Promise<DriftNote | undefined> {
  return readNote(product, "drift");
}

type NoteName = "drift" | "partnerCenter" | "synchronisation";

export async function readNote(product: Product, name: NoteName): Promise<any> {
  try {
    const { note0 } = await tableOf(product).getEntity<{ note0: string }>("service", `note|${name}`);
    return JSON.parse(note0);
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return undefined;
    throw error;
  }
}

/** As if the interval had passed: the next run begins a new round. */
export function forgetDriftNote(product: Product): Promise<void> {
  return forget(product, keys);
}

/** As if an hour had passed: Partner Center is asked how it receives us before anything else. */
export function forgetStanding(product: Product): Promise<void> {
  return forget(product, ["service", "note|partnerCenter"]);
}

export function forgetNote(product: Product, name: NoteName): Promise<void> {
  return forget(product, ["service", `note|${name}`]);
}

async function forget(product: Product, [partitionKey, rowKey]: readonly [string, string]): Promise<void> {
  await tableOf(product)
    .deleteEntity(partitionKey, rowKey)
    .catch((error: { statusCode?: number }) => {
      if (error.statusCode !== 404) throw error;
    });
}

/** One whole round over all known customers, from its first run to its end. */
export async function sweepDrift(product: Product): Promise<void> {
  await forgetDriftNote(product);
  await product.trigger("DetectDrift");
  await eventually(async () => {
    const note = await readDriftNote(product);
    if (note?.endedAt === undefined || note.endedAt < note.startedAt) throw new Error("The round has not ended.");
  }, 25_000);
}
