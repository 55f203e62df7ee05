/**
 * The known customers in Table Storage: the records of those that were ever switched, beside the profiles of those
 * that Partner Center listed, under the keys of table-keys.ts.
 */

import { type CustomerFilter, isWanted, searchedBeginning, searchedId } from "../domain/customer-filter.ts";
import type { CustomerId } from "../domain/identifiers.ts";
import { untouchedCustomer } from "../domain/permission.ts";
import type { KnownCustomer, KnownCustomers, Page } from "../ports.ts";
import { customerOf, customerOfKey } from "./customer-row.ts";
import { profileOf, seenRow, verifiedRow } from "./profile-row.ts";
import { callStorage } from "./storage-call.ts";
import { type TableClient, type TransactionAction, writeTo } from "./storage-clients.ts";
import {
  bucketOf,
  buckets,
  customerKeys,
  onKeys,
  profileKeys,
  type RowKeys,
  rowsOf,
  rowsOfThose,
} from "./table-keys.ts";
import { queryRows, type Row, readRow } from "./table-query.ts";
import { submitTransaction } from "./table-transaction.ts";

export interface KnownCustomersOptions {
  /** Without Partner Center there are no profiles to look for. */
  readonly withProfiles: boolean;
}

interface PartOfBucket<Item> {
  readonly found: readonly Item[];
  /** The last customer that was looked at; absent: the bucket was read to its end, or enough of it. */
  readonly leftAt?: CustomerId;
}

/** What of a filter storage itself can look for, and what is then left to look for. */
interface Scan {
  /** Of the ids; absent: any. */
  readonly beginning?: string | undefined;
  readonly filter: CustomerFilter;
  /** How many rows of each kind to read, one after the other, before the bucket is left. */
  readonly sizes: readonly number[];
}

const bucketsAtOnce = 4;
/** The most that a transaction may hold. */
const rowsOfTransaction = 100;
/** Where a bucket goes on with nobody who is wanted, two pages are as long as this. Then it is left: the list goes on there. */
const longPage = 500;
/** What is searched for is rare. Pages are then as long as Azure has them, and there are no more than these in a bucket. */
const searchedPages = [1000, 1000, 1000, 1000] as const;
/** Of those that are On, when what is searched for may be rare. */
const searchedAtOnce = 200;
const readsAtOnce = 16;
/** As Azure has it. */
const mostOfPage = 1000;
const writeMilliseconds = 5_000;

export function createTableKnownCustomers(
  table: () => Promise<TableClient>,
  { withProfiles }: KnownCustomersOptions,
): KnownCustomers {
  return {
    async list({ after, limit, ...filter }) {
      const { search, state } = filter;
      const customerId = search === undefined ? undefined : searchedId(search);
      if (customerId !== undefined) return { items: after === undefined ? await findKnown(customerId, filter) : [] };
      const beginning = search === undefined || withProfiles ? undefined : searchedBeginning(search);
      // Without names there are ids only.
      if (search !== undefined && !withProfiles && beginning === undefined) return { items: [] };
      return state === "On" ? listOn(filter, beginning, after, limit) : listOthers(filter, beginning, after, limit);
    },

    async *allOn() {
      const open: { readonly bucket: string; readonly after?: CustomerId }[] = buckets.map((bucket) => ({ bucket }));
      while (open.length > 0) {
        const some = open.splice(0, bucketsAtOnce);
        // One call for a thousand of them: to read each by its key is dear where many are On.
        const pages = await Promise.all(
          some.map(({ bucket, after }) => rowsAfter("customer", bucket, after, mostOfPage, { more: "anyOn eq true" })),
        );
        for (const rows of pages) {
          const records = rows.map(customerOf);
          yield records;
          const last = records.at(-1);
          if (rows.length === mostOfPage && last !== undefined) {
            open.push({ bucket: bucketOf(last.customerId), after: last.customerId });
          }
        }
      }
    },

    find,
    saveSeen: (customers, at) => merge(customers.map((customer) => seenRow(customer, at))),
    saveVerified: (customerIds, at) => merge(customerIds.map((customerId) => verifiedRow(customerId, at))),
  };

  async function find(customerId: CustomerId): Promise<KnownCustomer> {
    return knownCustomer(customerId, ...(await readRows(customerId)));
  }

  async function findKnown(customerId: CustomerId, filter: CustomerFilter): Promise<readonly KnownCustomer[]> {
    const [row, profile] = await readRows(customerId);
    const customer = knownCustomer(customerId, row, profile);
    return (row ?? profile) !== undefined && isWanted(customer, filter) ? [customer] : [];
  }

  function readRows(customerId: CustomerId): Promise<[record: Row | undefined, profile: Row | undefined]> {
    return Promise.all([
      readRow(table, customerKeys(customerId)),
      withProfiles ? readRow(table, profileKeys(customerId)) : undefined,
    ]);
  }

  async function findAll(customerIds: readonly CustomerId[]): Promise<readonly KnownCustomer[]> {
    const customers: KnownCustomer[] = [];
    for (let first = 0; first < customerIds.length; first += readsAtOnce) {
      customers.push(...(await Promise.all(customerIds.slice(first, first + readsAtOnce).map(find))));
    }
    return customers;
  }

  /** Few of many customers are On: they have a range of their own, and each is then read by its key. */
  async function listOn(
    filter: CustomerFilter,
    beginning: string | undefined,
    after: CustomerId | undefined,
    limit: number,
  ): Promise<Page<KnownCustomer, CustomerId>> {
    const isRare = filter.finding !== undefined || (filter.search !== undefined && withProfiles);
    const { items, ...rest } = await listPage(
      async (bucket, start, most) => {
        const rows = await rowsAfter("on", bucket, start, most, { beginning });
        return { found: rows.map((row) => customerOfKey(row, onKeys)) };
      },
      (customerId) => customerId,
      after,
      isRare ? Math.max(limit, searchedAtOnce) : limit,
    );
    // One of them may have been turned Off between the two reads.
    const wanted = (await findAll(items)).filter((customer) => isWanted(customer, filter));
    const page = wanted.slice(0, limit);
    const last = page.at(-1);
    return wanted.length > limit && last !== undefined
      ? { items: page, next: last.record.customerId }
      : { items: page, ...rest };
  }

  async function listOthers(
    filter: CustomerFilter,
    beginning: string | undefined,
    after: CustomerId | undefined,
    limit: number,
  ): Promise<Page<KnownCustomer, CustomerId>> {
    const isRare = filter.search !== undefined || filter.finding !== undefined;
    // Only those that were ever switched have findings. Names are then read of those that are shown.
    const byRecord = !withProfiles || (filter.finding !== undefined && filter.search === undefined);
    const { items, ...rest } = await listPage(
      (bucket, start, most) => {
        const sizes = isRare ? searchedPages : [most, most, longPage, longPage];
        const scan = { beginning, filter, sizes };
        return byRecord ? scanRecords(bucket, start, most, scan) : scanBucket(bucket, start, most, scan, mergedPage);
      },
      ({ record }) => record.customerId,
      after,
      limit,
    );
    return { items: byRecord && withProfiles ? await withProfilesOf(items) : items, ...rest };
  }

  /** Storage finds states and the beginnings of ids by itself: then one page is enough. */
  function scanRecords(
    bucket: string,
    after: CustomerId | undefined,
    most: number,
    scan: Scan,
  ): Promise<PartOfBucket<KnownCustomer>> {
    const { beginning, filter } = scan;
    const range = { beginning, ...(filter.state === "Off" ? { more: "anyOn eq false" } : {}) };
    const read = async (_: string, start: CustomerId | undefined, limit: number) =>
      (await rowsAfter("customer", bucket, start, limit, range)).map((row) => knownCustomer(idOf(row), row));
    const sizes = filter.finding === undefined ? [most] : scan.sizes;
    return scanBucket(bucket, after, most, { ...scan, sizes }, read);
  }

  /** Up to `most` customers of one bucket by id, fewer only at its end or where it was left. */
  async function scanBucket(
    bucket: string,
    after: CustomerId | undefined,
    most: number,
    { filter, sizes }: Scan,
    read: (bucket: string, after: CustomerId | undefined, limit: number) => Promise<readonly KnownCustomer[]>,
  ): Promise<PartOfBucket<KnownCustomer>> {
    // A profile does not tell whether its customer is On, so that none has to be written when a switch is turned.
    const wanted: KnownCustomer[] = [];
    let position = after;
    for (const size of sizes) {
      const page = await read(bucket, position, size);
      wanted.push(...page.filter((customer) => isWanted(customer, filter)));
      position = page.at(-1)?.record.customerId;
      if (wanted.length >= most || page.length < size) return { found: wanted.slice(0, most) };
    }
    return position === undefined ? { found: wanted } : { found: wanted, leftAt: position };
  }

  async function withProfilesOf(customers: readonly KnownCustomer[]): Promise<readonly KnownCustomer[]> {
    const profiles: KnownCustomer[] = [];
    for (let first = 0; first < customers.length; first += readsAtOnce) {
      const some = customers.slice(first, first + readsAtOnce).map(async ({ record }) => {
        const row = await readRow(table, profileKeys(record.customerId));
        return row === undefined ? { record } : { record, profile: profileOf(row) };
      });
      profiles.push(...(await Promise.all(some)));
    }
    return profiles;
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
    { beginning, more }: { readonly beginning?: string | undefined; readonly more?: string } = {},
  ): Promise<Row[]> {
    const filter = [
      `PartitionKey eq '${bucket}'`,
      beginning === undefined ? rowsOf(kind) : rowsOfThose(kind, beginning),
      ...(after === undefined ? [] : [`RowKey gt '${kind}|${after}'`]),
      ...(more === undefined ? [] : [more]),
    ];
    return queryRows(table, filter.join(" and "), limit);
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
    const merges = rows.map((row): TransactionAction => ["upsert", { ...row }, "Merge"]);
    await writeTo(table, (client) =>
      callStorage((abortSignal) => submitTransaction(client, merges, abortSignal), ["TableNotFound"], {
        milliseconds: writeMilliseconds,
      }),
    );
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
 * @param read of a bucket what stands after a customer: `most` are one more than the page holds
 * @returns a page over the buckets in their order
 */
async function listPage<Item>(
  read: (bucket: string, start: CustomerId | undefined, most: number) => Promise<PartOfBucket<Item>>,
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
    const parts = await Promise.all(
      next.map((bucket) => read(bucket, bucket === startBucket ? after : undefined, limit + 1)),
    );
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
