/** The state of record in Table Storage, under the keys of table-keys.ts. */

import type { RecordedChange } from "../domain/change.ts";
import type { ChangeId, CustomerId } from "../domain/identifiers.ts";
import { isAnyOn, untouchedCustomer } from "../domain/permission.ts";
import { dependencyUnavailable } from "../domain/refusal.ts";
import type { PermissionStore, StoredCustomer } from "../ports.ts";
import { activityColumns } from "./activity-row.ts";
import { causeOf } from "./cause-of.ts";
import { changeOf, changeRow } from "./change-row.ts";
import { customerOf, customerRow } from "./customer-row.ts";
import { callStorage, mayPass, storageCode } from "./storage-call.ts";
import { type TableClient, type TransactionAction, writeTo } from "./storage-clients.ts";
import {
  buckets,
  changeKeys,
  changeRanges,
  customerKeys,
  onKeys,
  pendingKeys,
  rowsBefore,
  rowsOf,
  unfinishedKeys,
} from "./table-keys.ts";
import { queryRows, type Row, readRow } from "./table-query.ts";
import { submitTransaction } from "./table-transaction.ts";

/** Of a commit, before its outcome counts as unknown. */
const commitMilliseconds = 2_500;
/** The most that a transaction may hold. */
const purgedAtOnce = 100;

export function createTablePermissionStore(table: () => Promise<TableClient>): PermissionStore {
  return {
    async readCustomer(customerId) {
      const row = await readRow(table, customerKeys(customerId));
      if (row === undefined) return { record: untouchedCustomer(customerId), version: undefined };
      return { record: customerOf(row), version: row.etag };
    },

    async findChange(customerId, changeId) {
      const row = await readRow(table, changeKeys(customerId, changeId));
      return row === undefined ? undefined : changeOf(row);
    },

    async commit(replaced, granted) {
      const actions = transactionOf(replaced, granted);
      const ofList = listedAsOn(replaced, granted);
      try {
        await submit([...actions, ...ofList]).catch((error: unknown) => {
          // No Off shall fail for want of a row that only a list reads.
          if (ofList.length > 0 && storageCode(error) === "ResourceNotFound") return submit(actions);
          throw error;
        });
        return "committed";
      } catch (error) {
        if (conflicts.includes(storageCode(error) ?? "")) return "conflict";
        if (mayPass(error)) return "unknown";
        throw dependencyUnavailable("Storage", { cause: causeOf("Storage", error) });
      }
    },

    async listUnfinished(before) {
      const range = rowsOf("unfinished", rowsBefore("unfinished", before));
      const rows = await Promise.all(
        buckets.map((bucket) => queryRows(table, `PartitionKey eq '${bucket}' and ${range}`)),
      );
      return rows.flat().map(({ customerId, changeId }) => ({
        customerId: customerId as CustomerId,
        changeId: changeId as ChangeId,
      }));
    },

    async purgeChanges(before) {
      let purged = 0;
      for (const bucket of buckets) {
        for (const range of changeRanges) {
          const filter = `PartitionKey eq '${bucket}' and ${range} and at lt '${before.toISOString()}'`;
          for (let isMore = true; isMore; ) {
            const rows = await queryRows(table, filter, purgedAtOnce, ["partitionKey", "rowKey"]);
            await removeAll(rows);
            purged += rows.length;
            isMore = rows.length === purgedAtOnce;
          }
        }
      }
      return purged;
    },
  };

  function submit(actions: TransactionAction[]): Promise<void> {
    return writeTo(table, (client) => submitTransaction(client, actions, AbortSignal.timeout(commitMilliseconds)));
  }

  async function removeAll(rows: readonly Row[]): Promise<void> {
    if (rows.length === 0) return;
    const deletions = rows.map((row): TransactionAction => ["delete", keysOf(row)]);
    const client = await table();
    await callStorage((abortSignal) => submitTransaction(client, deletions, abortSignal));
  }
}

/** Somebody else came first, or an earlier attempt of ours was written after all. */
const conflicts = ["UpdateConditionNotSatisfied", "ConditionNotMet", "EntityAlreadyExists"];

function transactionOf(
  { version, record: before }: StoredCustomer,
  { record, created, updated, activity }: RecordedChange,
): TransactionAction[] {
  const { customerId, unfinished } = record;
  const actions: TransactionAction[] = [
    version === undefined
      ? ["create", customerRow(record)]
      : ["update", customerRow(record), "Replace", { etag: version }],
  ];
  if (created !== undefined) actions.push(["create", changeRow(customerId, created)]);
  if (updated !== undefined) actions.push(["upsert", changeRow(customerId, updated), "Replace"]);
  if (activity !== undefined) actions.push(["create", { ...pendingKeys(activity), ...activityColumns(activity) }]);
  if (before.unfinished?.changeId !== unfinished?.changeId) {
    if (before.unfinished !== undefined) actions.push(["delete", { ...unfinishedKeys(customerId, before.unfinished) }]);
    if (unfinished !== undefined) {
      actions.push([
        "create",
        { ...unfinishedKeys(customerId, unfinished), customerId, changeId: unfinished.changeId },
      ]);
    }
  }
  return actions;
}

/** Most partners have few customers that are On among many: their list is a range of its own. */
function listedAsOn({ record: before }: StoredCustomer, { record }: RecordedChange): TransactionAction[] {
  if (isAnyOn(before) === isAnyOn(record)) return [];
  const keys = { ...onKeys(record.customerId) };
  return [isAnyOn(record) ? ["upsert", keys, "Replace"] : ["delete", keys]];
}

function keysOf({ partitionKey, rowKey }: Row): { partitionKey: string; rowKey: string } {
  return { partitionKey: String(partitionKey), rowKey: String(rowKey) };
}
