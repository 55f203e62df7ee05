/**
 * The known customers in Table Storage: the records of those that were ever switched, beside the profiles of those
 * that Partner Center listed, under the keys of table-keys.ts.
 */

import type { CustomerId } from "../domain/identifiers.ts";
import { isAnyOn, untouchedCustomer } from "../domain/permission.ts";
import { dependencyUnavailable } from "../domain/refusal.ts";
import type { KnownCustomer, KnownCustomers, Page } from "../ports.ts";
import { customerOf, customerOfKey } from "./customer-row.ts";
import { profileOf, seenRow, verifiedRow } from "./profile-row.ts";
import { callStorage } from "./storage-call.ts";
import { type TableClient, writeTo } from "./storage-clients.ts";
import { bucketOf, buckets, customerKeys, onKeys, profileKeys, type RowKeys, rowsOf } from "./table-keys.ts";
import { queryRows, type Row, readRow } from "./table-query.ts";

export interface KnownCustomersOptions {
  /** Without Partner Center there are no profiles to look for. */
  readonly withProfiles: boolean;
}

interface PartOfBucket<Item> {
  readonly found: readonly Item[];
  /** The last customer that was looked at; absent: the bucket was read to its end, or enough of it. */
  readonly leftAt?: CustomerId;
}

const bucketsAtOnce = 4;
/** The most that a transaction may hold. */
const rowsOfTransaction = 100;
/** Where a bucket goes on with nobody who is wanted, two pages are as long as this. Then it is left: the list goes on there. */
const longPage = 500;
const readsAtOnce = 16;
const writeMilliseconds = 5_000;

export function createTableKnownCustomers(
  table: () => Promise<TableClient>,
  { withProfiles }: KnownCustomersOptions,
): KnownCustomers {
  return {
    async list({ state, after, limit }) {
      if (state !== "On") {
        const read = (bucket: string, start?: CustomerId) => listBucket(bucket, state, start, limit + 1);
        return listPage(read, ({ record }) => record.customerId, after, limit);
      }
      // Few of many customers are On: they have a range of their own, and each is then read by its key.
      const { items, ...rest } = await listPage(
        async (bucket, start) => {
          const rows = await rowsAfter("on", bucket, start, limit + 1);
          return { found: rows.map((row) => customerOfKey(row, onKeys)) };
        },
        (customerId) => customerId,
        after,
        limit,
      );
      const customers = await findAll(items);
      // One of them may have been turned Off between the two reads.
      return { items: customers.filter(({ record }) => isAnyOn(record)), ...rest };
    },

    find,
    saveSeen: (customers, at) => merge(customers.map((customer) => seenRow(customer, at))),
    saveVerified: (customerIds, at) => merge(customerIds.map((customerId) => verifiedRow(customerId, at))),
  };

  async function find(customerId: CustomerId): Promise<KnownCustomer> {
    const [row, profile] = await Promise.all([
      readRow(table, customerKeys(customerId)),
      withProfiles ? readRow(table, profileKeys(customerId)) : undefined,
    ]);
    return knownCustomer(customerId, row, profile);
  }

  async function findAll(customerIds: readonly CustomerId[]): Promise<readonly KnownCustomer[]> {
    const customers: KnownCustomer[] = [];
    for (let first = 0; first < customerIds.length; first += readsAtOnce) {
      customers.push(...(await Promise.all(customerIds.slice(first, first + readsAtOnce).map(find))));
    }
    return customers;
  }

  /** Up to `limit` customers of one bucket by id, fewer only at its end or where it was left. */
  async function listBucket(
    bucket: string,
    state: "Off" | undefined,
    after: CustomerId | undefined,
    limit: number,
  ): Promise<PartOfBucket<KnownCustomer>> {
    if (!withProfiles) {
      const rows = await rowsAfter("customer", bucket, after, limit, state === undefined ? "" : " and anyOn eq false");
      return { found: rows.map((row) => knownCustomer(idOf(row), row)) };
    }
    // A profile does not tell whether its customer is On, so that none has to be written when a switch is turned.
    const wanted: KnownCustomer[] = [];
    let position = after;
    for (const size of [limit, limit, longPage, longPage]) {
      const page = await mergedPage(bucket, position, size);
      wanted.push(...page.filter(({ record }) => state === undefined || !isAnyOn(record)));
      position = page.at(-1)?.record.customerId;
      if (wanted.length >= limit || page.length < size) return { found: wanted.slice(0, limit) };
    }
    return position === undefined ? { found: wanted } : { found: wanted, leftAt: position };
  }

  /** Of both kinds of rows as many as the page shall have: so it lacks neither of a customer's two. */
  async function mergedPage(
    bucket: string,
    after: CustomerId | undefined,
    limit: number,
  ): Promise<readonly KnownCustomer[]> {
    const [records, profiles] = await Promise.all([
      rowsAfter("customer", bucket, after, limit),
      rowsAfter("profile", bucket, after, limit),
    ]);
    const recordRows = new Map(records.map((row) => [idOf(row), row]));
    const profileRows = new Map(profiles.map((row) => [customerOfKey(row, profileKeys), row]));
    const ids = [...new Set([...recordRows.keys(), ...profileRows.keys()])].sort().slice(0, limit);
    return ids.map((id) => knownCustomer(id, recordRows.get(id), profileRows.get(id)));
  }

  function rowsAfter(
    kind: "customer" | "on" | "profile",
    bucket: string,
    after: CustomerId | undefined,
    limit: number,
    more = "",
  ): Promise<Row[]> {
    const start = after === undefined ? "" : ` and RowKey gt '${kind}|${after}'`;
    return queryRows(table, `PartitionKey eq '${bucket}' and ${rowsOf(kind)}${start}${more}`, limit);
  }

  /** Repeating it changes nothing, and what is not named in a row stays as it is. */
  async function merge(rows: readonly RowKeys[]): Promise<void> {
    // A transaction refuses a row that stands in it twice.
    const once = new Map(rows.map((row) => [row.rowKey, row]));
    const chunks = byBucket([...once.values()], rowsOfTransaction);
    for (let first = 0; first < chunks.length; first += bucketsAtOnce) {
      await Promise.all(chunks.slice(first, first + bucketsAtOnce).map(mergeChunk));
    }
  }

  async function mergeChunk(rows: readonly RowKeys[]): Promise<void> {
    const { subResponses } = await writeTo(table, (client) =>
      callStorage(
        (abortSignal) =>
          client.submitTransaction(
            rows.map((row) => ["upsert", { ...row }, "Merge"]),
            { abortSignal },
          ),
        ["TableNotFound"],
        { milliseconds: writeMilliseconds },
      ),
    );
    // The SDK reads any 2xx as success, also a page of a proxy: count the answers.
    if (subResponses.length !== rows.length || !subResponses.every(({ status }) => status === 204)) {
      throw dependencyUnavailable("Storage", { cause: new Error("The answer of storage is no transaction's.") });
    }
  }
}

function knownCustomer(customerId: CustomerId, row: Row | undefined, profile?: Row): KnownCustomer {
  const record = row === undefined ? untouchedCustomer(customerId) : customerOf(row);
  return profile === undefined ? { record } : { record, profile: profileOf(profile) };
}

function idOf(row: Row): CustomerId {
  return customerOf(row).customerId;
}

/**
 * @param read of a bucket what stands after a customer, one more than the page holds when there is more
 * @returns a page over the buckets in their order
 */
async function listPage<Item>(
  read: (bucket: string, start: CustomerId | undefined) => Promise<PartOfBucket<Item>>,
  idOf: (item: Item) => CustomerId,
  after: CustomerId | undefined,
  limit: number,
): Promise<Page<Item, CustomerId>> {
  const found: Item[] = [];
  const startBucket = after === undefined ? undefined : bucketOf(after);
  let first = startBucket === undefined ? 0 : buckets.indexOf(startBucket);
  // With many customers one bucket fills a page. When it does not, there are few, and the rest is read in haste.
  for (let count = 1; first < buckets.length && found.length <= limit; count = bucketsAtOnce) {
    const next = buckets.slice(first, first + count);
    const parts = await Promise.all(next.map((bucket) => read(bucket, bucket === startBucket ? after : undefined)));
    for (const part of parts) {
      found.push(...part.found);
      if (part.leftAt !== undefined && found.length <= limit) return { items: found, next: part.leftAt };
    }
    first += count;
  }
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return found.length > limit && last !== undefined ? { items, next: idOf(last) } : { items };
}

/** @returns the rows of one bucket at a time, by key, no more than `most` together */
function byBucket<Keys extends RowKeys>(rows: readonly Keys[], most: number): Keys[][] {
  const groups = Object.values(Object.groupBy(rows, ({ partitionKey }) => partitionKey));
  return groups.flatMap((group = []) => {
    const sorted = group.toSorted((one, other) => (one.rowKey < other.rowKey ? -1 : 1));
    return Array.from({ length: Math.ceil(sorted.length / most) }, (_, index) =>
      sorted.slice(index * most, (index + 1) * most),
    );
  });
}
