/** The state of record in Table Storage; see docs of the keys in table-keys.ts. */

import type { Activity } from "../domain/activity.ts";
import type { Change } from "../domain/change.ts";
import type { ChangeId, CustomerId } from "../domain/identifiers.ts";
import {
  type CustomerRecord,
  type Permission,
  permissionStates,
  products,
  type Switch,
  untouchedCustomer,
} from "../domain/permission.ts";
import { dependencyUnavailable } from "../domain/refusal.ts";
import type { PermissionStore, StoredCustomer } from "../ports.ts";
import { activityColumns, jsonText } from "./activity-row.ts";
import { callStorage, mayPass, storageCode } from "./storage-call.ts";
import { type TableClient, type TransactionAction, writeTo } from "./storage-clients.ts";
import { bucketOf, buckets, changeKeys, customerKeys, pendingKeys, rowsOf } from "./table-keys.ts";
import { queryRows, type Row, readRow } from "./table-query.ts";

/** Of a commit, before its outcome counts as unknown. */
const commitMilliseconds = 2_500;
const bucketsAtOnce = 4;

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
      try {
        const { subResponses } = await writeTo(table, (client) =>
          client.submitTransaction(actions, { abortSignal: AbortSignal.timeout(commitMilliseconds) }),
        );
        // The SDK reads any 2xx as success, also a page of a proxy: count the answers.
        const done = subResponses.length === actions.length && subResponses.every(({ status }) => status === 204);
        return done ? "committed" : "unknown";
      } catch (error) {
        if (conflicts.includes(storageCode(error) ?? "")) return "conflict";
        if (mayPass(error)) return "unknown";
        throw dependencyUnavailable("Storage", { cause: error });
      }
    },

    async listCustomers({ state, after, limit }) {
      const wanted = state === undefined ? "" : ` and anyOn eq ${state === "On"}`;
      const rows: Row[] = [];
      for (let first = after === undefined ? 0 : buckets.indexOf(bucketOf(after)); first < buckets.length; ) {
        const pages = await Promise.all(
          buckets.slice(first, first + bucketsAtOnce).map((bucket) => {
            const start = after !== undefined && bucket === bucketOf(after) ? ` and RowKey gt 'customer|${after}'` : "";
            return queryRows(
              table,
              `PartitionKey eq '${bucket}' and ${rowsOf("customer")}${start}${wanted}`,
              limit + 1,
            );
          }),
        );
        rows.push(...pages.flat());
        if (rows.length > limit) break;
        first += bucketsAtOnce;
      }
      const items = rows.slice(0, limit).map(customerOf);
      const last = items.at(-1);
      return rows.length > limit && last !== undefined ? { items, next: last.customerId } : { items };
    },

    async purgeChanges(before) {
      let purged = 0;
      for (const bucket of buckets) {
        const filter = `PartitionKey eq '${bucket}' and ${rowsOf("change")} and at lt '${before.toISOString()}'`;
        const rows = await queryRows(table, filter, undefined, ["partitionKey", "rowKey"]);
        for (let first = 0; first < rows.length; first += 100) {
          const deletions = rows.slice(first, first + 100).map((row): TransactionAction => ["delete", keysOf(row)]);
          const client = await table();
          await callStorage((abortSignal) => client.submitTransaction(deletions, { abortSignal }));
          purged += deletions.length;
        }
      }
      return purged;
    },
  };
}

/** Somebody else came first, or an earlier attempt of ours was written after all. */
const conflicts = ["UpdateConditionNotSatisfied", "ConditionNotMet", "EntityAlreadyExists"];

function transactionOf(
  { version }: StoredCustomer,
  { record, change, activity }: { record: CustomerRecord; change: Change; activity: Activity },
): TransactionAction[] {
  const customer = {
    ...customerKeys(record.customerId),
    customerId: record.customerId,
    sequence: record.sequence,
    headHash: record.headHash,
    anyOn: products.some((product) => record.switches[product].state === "On"),
    ...Object.fromEntries(products.map((product) => [product, jsonText(record.switches[product])])),
  };
  return [
    version === undefined ? ["create", customer] : ["update", customer, "Replace", { etag: version }],
    [
      "create",
      {
        ...changeKeys(record.customerId, change.changeId),
        changeId: change.changeId,
        fingerprint: change.fingerprint,
        at: change.at,
        permission: jsonText(change.permission),
      },
    ],
    ["create", { ...pendingKeys(activity), ...activityColumns(activity) }],
  ];
}

function customerOf(row: Row): CustomerRecord {
  const { customerId, sequence, headHash } = row;
  return intelligible(
    typeof customerId === "string" && typeof sequence === "number" && typeof headHash === "string",
    () => ({
      customerId: customerId as CustomerId,
      switches: Object.fromEntries(
        products.map((product) => [product, switchOf(row[product])]),
      ) as CustomerRecord["switches"] & Record<string, Switch>,
      sequence: sequence as number,
      headHash: headHash as string,
    }),
  );
}

function changeOf(row: Row): Change {
  const { changeId, fingerprint, at, permission } = row;
  return intelligible(typeof fingerprint === "string" && typeof at === "string", () => ({
    changeId: changeId as ChangeId,
    fingerprint: fingerprint as string,
    at: at as string,
    permission: switchOf<Permission>(permission),
  }));
}

function switchOf<Kind extends Switch>(column: unknown): Kind {
  const found = JSON.parse(String(column)) as Kind | null;
  if (found !== null && permissionStates.includes(found.state)) return found;
  throw new Error("A switch is in no known state.");
}

/** A row that cannot be read is never taken for a state. */
function intelligible<Thing>(readable: boolean, read: () => Thing): Thing {
  try {
    if (readable) return read();
  } catch (cause) {
    throw dependencyUnavailable("Storage", { cause });
  }
  throw dependencyUnavailable("Storage", { cause: new Error("A row of CustomerPermissions is damaged.") });
}

function keysOf({ partitionKey, rowKey }: Row): { partitionKey: string; rowKey: string } {
  return { partitionKey: String(partitionKey), rowKey: String(rowKey) };
}
