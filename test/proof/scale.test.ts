/**
 * What the product asks of storage does not grow with the partner: every operation is run by the product's own use cases
 * and adapters against a thousand customers and against a hundred thousand, and costs the same requests, rows returned
 * and rows looked at. Counted between the product and Azurite, not measured in seconds.
 *
 *   CUSTOMERS=100000 ACTIVITIES=200000 SEED=1 npm run test:scale
 *
 * UPDATE_DOCS=1 writes the figures into docs/scale.md.
 */

import { randomUUID } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { byDayRow } from "../../shared/adapters/by-day-row.ts";
import { openStorage } from "../../shared/adapters/storage-clients.ts";
import { createTableActivityLog } from "../../shared/adapters/table-activity-log.ts";
import { activityByDayTable, activityLogTable, permissionsTable } from "../../shared/adapters/table-keys.ts";
import { createTableKnownCustomers } from "../../shared/adapters/table-known-customers.ts";
import { createTableNotebook } from "../../shared/adapters/table-notebook.ts";
import { createTablePendingActivities } from "../../shared/adapters/table-pending-activities.ts";
import { createTablePermissionStore } from "../../shared/adapters/table-permission-store.ts";
import type { ChangeId, CustomerId } from "../../shared/domain/identifiers.ts";
import { type CustomerRecord, isAnyOn, products } from "../../shared/domain/permission.ts";
import type { Clock, Telemetry } from "../../shared/ports.ts";
import { createCheckHealth } from "../../shared/use-cases/check-health.ts";
import { createCompareCustomer } from "../../shared/use-cases/compare-customer.ts";
import { createContinueChange } from "../../shared/use-cases/continue-change.ts";
import { createDetectDrift } from "../../shared/use-cases/detect-drift.ts";
import { createSweepUnfinishedChanges } from "../../shared/use-cases/follow-up-changes.ts";
import { createGetCustomer } from "../../shared/use-cases/get-customer.ts";
import { createListActivities } from "../../shared/use-cases/list-activities.ts";
import { createListCustomers } from "../../shared/use-cases/list-customers.ts";
import { createMovePolicy } from "../../shared/use-cases/move-policy.ts";
import { createPurgeChanges } from "../../shared/use-cases/purge-changes.ts";
import { createReadPermissions } from "../../shared/use-cases/read-permissions.ts";
import { createLogPendingActivity, createRecordActivity } from "../../shared/use-cases/record-activity.ts";
import { createSetPermission } from "../../shared/use-cases/set-permission.ts";
import { createSweepPendingActivities } from "../../shared/use-cases/sweep-pending-activities.ts";
import { ada } from "../fakes/facts.ts";
import { nobodyListens } from "../fakes/in-memory-webhooks.ts";
import { createInMemoryWorld } from "../fakes/in-memory-world.ts";
import { type StorageProxy, startStorageProxy } from "../harness/storage-proxy.ts";
import { dayMilliseconds, type Fleet, logRow, makeFleet, oldChanges, permissionRows } from "./scale/fleet.ts";
import { loadRows } from "./scale/load.ts";
import { scannedRows } from "./scale/scanned-rows.ts";
import { startTablesInMemory, type Tables } from "./scale/tables-in-memory.ts";

const customers = Number(process.env.CUSTOMERS ?? 100_000);
const activities = Number(process.env.ACTIVITIES ?? 200_000);
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
const now = new Date();
const pageSize = 50;
const perDriftRun = 100;

const small = { customers: 1_000, activities: 2_000 };
const large = { customers, activities };
/** All were switched once: the worst for a list of those that are in the other state. */
const oneSided = { customers: Math.max(2_000, Math.floor(customers / 50)), activities: 0, switched: 100 };

interface Cost {
  readonly requests: number;
  readonly returned: number;
  readonly scanned: number;
  readonly written: number;
}

const started = Date.now();
const seconds = () => Math.round((Date.now() - started) / 1000);
const say = (text: string) => void process.stdout.write(`${text}\n`);

/** The log has a server of its own: so both processors work. */
let tables: Tables;
let logs: Tables;
let sides: { readonly small: Side; readonly large: Side; readonly allOn: Side; readonly noneOn: Side };
const costs: { name: string; small: Cost; large: Cost }[] = [];

jest.setTimeout(600_000);

type Side = Awaited<ReturnType<typeof makeSide>>;

beforeAll(async () => {
  say(`SEED=${seed} CUSTOMERS=${customers} ACTIVITIES=${activities}`);
  [tables, logs] = await Promise.all([startTablesInMemory(accounts), startTablesInMemory(accounts)]);
  const side = (account: (typeof accounts)[number], options: Parameters<typeof fleetOf>[0]) =>
    makeSide(account, fleetOf(options), options.activities > 0);
  sides = {
    small: await side("small", small),
    allOn: await side("allon", { ...oneSided, on: 100 }),
    noneOn: await side("noneon", { ...oneSided, on: 0 }),
    large: await side("large", large),
  };
}, 2_400_000);
afterAll(async () => {
  await Promise.all(proxies.map((proxy) => proxy.close()));
  await Promise.all([tables?.stop(), logs?.stop()]);
});

const proxies: StorageProxy[] = [];
const accounts = ["small", "large", "allon", "noneon"] as const;

function fleetOf(options: Omit<Parameters<typeof makeFleet>[0], "seed" | "now">): Fleet {
  return makeFleet({ ...options, seed, now });
}

/** A fleet in storage, and the product's use cases over it. */
async function makeSide(account: (typeof accounts)[number], fleet: Fleet, withLog: boolean) {
  const made = seconds();
  // Making it has kept this process busy: it has yet to see that Azurite has closed connections meanwhile.
  await new Promise((seen) => setTimeout(seen, 100));
  await Promise.all([
    loadRows(tables.connectionStringOf(account), permissionsTable, permissionRows(fleet, now)),
    ...(withLog
      ? [
          loadRows(logs.connectionStringOf(account), activityLogTable, fleet.activities.map(logRow)),
          loadRows(logs.connectionStringOf(account), activityByDayTable, fleet.activities.map(byDayRow)),
        ]
      : []),
  ]);
  const { length: customerCount } = fleet.customerIds;
  say(
    `${customerCount} customers, ${withLog ? fleet.activities.length : 0} activities: loaded in ${seconds() - made} s.`,
  );

  const storage = await startStorageProxy(tables.connectionStringOf(account));
  const logStorage = await startStorageProxy(logs.connectionStringOf(account));
  proxies.push(storage, logStorage);
  const { table } = openStorage({ connectionString: storage.connectionString });
  const permissions = table(permissionsTable);
  const store = createTablePermissionStore(permissions);
  const pending = createTablePendingActivities(permissions);
  const { table: logTable } = openStorage({ connectionString: logStorage.connectionString });
  const log = createTableActivityLog(logTable(activityLogTable), logTable(activityByDayTable));
  const known = createTableKnownCustomers(permissions, { withProfiles: true });
  const knownWithoutProfiles = createTableKnownCustomers(permissions, { withProfiles: false });
  const notebook = createTableNotebook(permissions);
  const newId = () => randomUUID() as string as ChangeId;
  const queue = { push: async () => undefined };
  const logPendingActivity = createLogPendingActivity(pending, log, telemetry, nobodyListens);
  const setPermission = createSetPermission({
    ...{ store, queue, telemetry, clock },
    newChangeId: newId,
    checkEligibility: () => Promise.reject(new Error("Off asks for nothing.")),
  });
  const partnerCenter = createInMemoryWorld();
  const setPermissionLive = createSetPermission({
    ...{ store, queue, telemetry, clock },
    newChangeId: newId,
    checkEligibility: () => Promise.reject(new Error("Off asks for nothing.")),
    partnerCenter: {
      policies: partnerCenter.policies,
      changes: partnerCenter.changes,
      continueChange: createContinueChange(
        { store, queue, telemetry, clock },
        createMovePolicy({ store, policies: partnerCenter.policies, clock, newId }),
      ),
    },
  });
  const stateOf = new Map(fleet.records.map((record) => [record.customerId, record]));
  const policies = {
    read: async (customerId: CustomerId) => {
      const record = stateOf.get(customerId);
      return record !== undefined && isAnyOn(record) ? ("unknown" as const) : undefined;
    },
  };
  let asked = 0;
  return {
    ...{ account, fleet, storage, logStorage, store, pending, known, notebook },
    readPermissions: createReadPermissions(store),
    getCustomer: createGetCustomer(known),
    listCustomers: createListCustomers(known),
    listSwitched: createListCustomers(knownWithoutProfiles),
    listActivities: createListActivities(pending, log),
    sweepPending: createSweepPendingActivities(pending, logPendingActivity, telemetry, clock),
    sweepUnfinished: createSweepUnfinishedChanges({ store, notebook, telemetry, clock }, () =>
      Promise.reject(new Error("There is nothing to continue.")),
    ),
    checkHealth: createCheckHealth({ whatIsDown: async () => [] }, pending, clock),
    purge: createPurgeChanges(store, clock),
    ...{ setPermission, setPermissionLive, partnerCenter },
    recordActivity: createRecordActivity(pending, log, logPendingActivity),
    detectDrift: createDetectDrift(
      {
        ...{ customers: known, notebook, telemetry, clock },
        compareCustomer: createCompareCustomer(
          {
            ...{ store, queue, telemetry, clock, newId, setPermission },
            policies: {
              read: (customerId) => {
                asked += 1;
                return policies.read(customerId);
              },
            },
            checkEligibility: () => Promise.reject(new Error("Nobody is known to be On.")),
          },
          { action: "report", by: ada },
        ),
        gate: { isOpen: async () => true, close: async () => undefined },
        requestsMade: () => asked,
      },
      { intervalMinutes: 60, callsPerRun: perDriftRun },
    ),
  };
}

const telemetry: Telemetry = {
  event: () => undefined,
  warning: (message, cause) => {
    throw new Error(message, { cause });
  },
};
const clock: Clock = { now: () => now, pause: async () => undefined };

async function costOf({ account, storage, logStorage }: Side, work: () => Promise<unknown>): Promise<Cost> {
  storage.calls.splice(0);
  logStorage.calls.splice(0);
  await work();
  const asked = [
    ...storage.calls.splice(0).map((call) => ({ call, connectionString: tables.connectionStringOf(account) })),
    ...logStorage.calls.splice(0).map((call) => ({ call, connectionString: logs.connectionStringOf(account) })),
  ];
  let [returned, scanned, written] = [0, 0, 0];
  for (const { call, connectionString } of asked) {
    returned += call.rows?.length ?? 0;
    if (call.method === "GET") scanned += await scannedRows(connectionString, call);
    else if (call.path === "/$batch") written += call.body.match(/^(POST|PUT|MERGE|PATCH|DELETE) http/gm)?.length ?? 0;
    else written += 1;
  }
  return { requests: asked.length, returned, scanned, written };
}

interface Expected<Answer> {
  /** The most that it may cost, however large the fleet; absent: what it costs with the small one. */
  readonly most?: Partial<Cost>;
  readonly check?: (answer: Answer) => void;
  /** Absent: the large one. */
  readonly other?: Side;
}

async function compare<Answer>(
  name: string,
  work: (side: Side) => Promise<Answer>,
  { most = {}, check = () => undefined, other = sides.large }: Expected<Answer> = {},
) {
  const run = async (side: Side) => {
    const answers: Answer[] = [];
    const cost = await costOf(side, async () => void answers.push(await work(side)));
    for (const answer of answers) check(answer);
    return cost;
  };
  const cost = { name, small: await run(sides.small), large: await run(other) };
  costs.push(cost);
  const bound = { ...cost.small, ...most };
  const within = (figure: keyof Cost) => cost.large[figure] <= bound[figure];
  expect({ ...cost, bound, over: figures.filter((figure) => !within(figure)) }).toMatchObject({ over: [] });
}

const figures = ["requests", "returned", "scanned", "written"] as const;

const middle = <Item>(items: readonly Item[]): Item => items[Math.floor(items.length / 2)] as Item;
const onesWithRecord = ({ fleet }: Side) => middle(fleet.records).customerId;
const lengthOf = (length: number) => (answer: { readonly items: readonly unknown[] }) =>
  expect(answer.items).toHaveLength(length);

test("reading one customer is a point read each", async () => {
  await compare("permissions of a customer", (side) => side.readPermissions(onesWithRecord(side)));
  await compare("a customer with its profile", (side) => side.getCustomer(onesWithRecord(side)));
});

test("the log of one customer", async () => {
  const ofOne = (side: Side, more = {}) => side.listActivities({ customerId: onesWithRecord(side), limit: 5, ...more });
  await compare("its activities, first page", (side) => ofOne(side), { check: lengthOf(5) });
  await compare(
    "its activities, third page",
    async (side) => {
      const log = side.fleet.activities.filter(({ customerId }) => customerId === onesWithRecord(side));
      return ofOne(side, { after: log.at(-11) });
    },
    { check: lengthOf(5) },
  );
});

test("the list of all customers", async () => {
  const deep = ({ fleet }: Side) => middle(fleet.customerIds);
  const list = (state: "On" | "Off" | undefined, after?: (side: Side) => CustomerId) => (side: Side) =>
    side.listCustomers({
      ...(state === undefined ? {} : { state }),
      ...(after === undefined ? {} : { after: after(side) }),
      limit: pageSize,
    });
  // A bucket that ends within the page, and four more: records and profiles of each, one more than the page has.
  const row = pageSize + 1;
  const check = lengthOf(pageSize);
  const all = { most: { requests: 10, returned: 10 * row, scanned: 10 * row }, check };
  await compare("customers, first page", list(undefined), all);
  await compare("customers, page in the middle", list(undefined, deep), all);
  // Those that are On in between make it two pages of a bucket.
  const off = { most: { requests: 20, returned: 20 * row, scanned: 20 * row }, check };
  await compare("customers Off, first page", list("Off"), off);
  await compare("customers Off, page in the middle", list("Off", deep), off);
  // Those that are On have a range of their own; then a record and a profile for each. The small fleet has no full page.
  const each = 2 * pageSize;
  const on = { most: { requests: 5 + each, returned: 5 * row + each, scanned: 5 * row + each } };
  await compare("customers On, first page", list("On"), on);
  await compare("customers On, page in the middle", list("On", deep), on);
});

test("a list of the state that nobody is in", async () => {
  const list = (state: "On" | "Off") => (side: Side) => side.listCustomers({ state, limit: pageSize });
  // Of each bucket two short pages and two long ones of records and profiles, then the answer is given.
  const rows = 16 * 2 * 2 * (pageSize + 1 + 500);
  const most = { requests: 16 * 2 * 4, returned: rows, scanned: rows };
  await compare("customers Off where all are On", list("Off"), { most, other: sides.allOn });
  await compare("customers On where none is", list("On"), { most: { requests: 16 }, other: sides.noneOn });
});

test("the log of all", async () => {
  const at = (ago: number) => new Date(now.getTime() - ago * dayMilliseconds);
  const of = (range: object) => (side: Side) => side.listActivities({ limit: pageSize, ...range });
  await compare("activities of all, first page", of({}), { check: lengthOf(pageSize) });
  await compare(
    "activities of all, page in the middle",
    (side) =>
      side.listActivities({
        limit: pageSize,
        after: middle([...side.fleet.activities].sort((one, other) => (one.at < other.at ? 1 : -1))),
      }),
    { check: lengthOf(pageSize) },
  );
  // The small fleet has fewer in ten days than a page holds.
  const page = { most: { returned: pageSize + 1, scanned: pageSize + 1 } };
  await compare("activities of all, ten days in the middle", of({ from: at(210), to: at(200) }), page);
  await compare("activities of all, a range long before the first", of({ from: at(4000), to: at(3000) }), {
    check: lengthOf(0),
  });
});

test("what runs by itself", async () => {
  await compare("sweep of pending activities, nothing to do", (side) => side.sweepPending());
  await compare("sweep of unfinished changes, nothing to do", (side) => side.sweepUnfinished());
  await compare("health", (side) => side.checkHealth());
  // Of those that are On there are as many in a page as there happen to be: each is noted as verified, and the run itself.
  await compare("drift, one run of a page", (side) => side.detectDrift(), { most: { written: perDriftRun + 1 } });
  // Partner Center's order is not ours: a page of it has customers of all buckets.
  const listed = 500;
  await compare("synchronisation, one page of 500", (side) =>
    side.known.saveSeen(
      Array.from({ length: listed }, (_, index) => ({
        customerId: side.fleet.customerIds[index * Math.floor(side.fleet.customerIds.length / listed)] as CustomerId,
        name: "A",
        domain: "a.example",
        relationship: "reseller",
      })),
      now,
    ),
  );
  // It looks at the changes of 30 days, and at a range again after it has removed something of it.
  const scanned = 2 * sides.large.fleet.changes.length;
  const most = { scanned, requests: 16 * 16 + oldChanges };
  await compare("purge", (side) => side.purge(), { most, check: (purged) => expect(purged).toBe(oldChanges) });
});

test("a toggle, and logging it", async () => {
  const onesOn = ({ fleet }: Side) => fleet.records.filter(isAnyOn);
  const turnOff = ({ customerId, switches }: CustomerRecord) => ({
    ...({ customerId, state: "Off", by: ada, requestId: randomUUID() } as const),
    product: products.find((product) => switches[product].state === "On") ?? products[0],
  });
  await compare("toggle to Off", (side) => side.setPermission(turnOff(onesOn(side)[0]!)));
  const pendingOf = async (side: Side) => (await side.pending.list({ customerId: onesOn(side)[0]!.customerId }))[0]!;
  const pending = new Map([
    [sides.small, await pendingOf(sides.small)],
    [sides.large, await pendingOf(sides.large)],
  ]);
  await compare("logging it", (side) => side.recordActivity(pending.get(side)!));

  await compare("toggle to Off in live mode", async (side) => {
    const { partnerCenter } = side;
    const wish = turnOff(onesOn(side)[1]!);
    const resource = wish.product === "azureReservations" ? "AzureReservedInstances" : "AzureSavingsPlan";
    partnerCenter.putPolicy(wish.customerId, [{ resource, action: "Purchase" }]);
    expect((await side.setPermissionLive(wish)).changed).toBe(true);
    expect(partnerCenter.policyCalls.map(({ name }) => name)).toEqual(["read", "read", "remove", "read"]);
  });
});

afterAll(async () => {
  const run = `SEED=${seed} CUSTOMERS=${customers} ACTIVITIES=${activities}`;
  const line = ({ requests, returned, scanned, written }: Cost) =>
    `${requests} / ${returned} / ${scanned} / ${written}`;
  const width = Math.max(...costs.map(({ name }) => name.length));
  say("\nrequests / rows returned / rows looked at / rows written");
  for (const cost of costs) say(`${cost.name.padEnd(width)}  ${line(cost.small).padEnd(20)} ${line(cost.large)}`);
  say(`${run}: ${seconds()} s`);
  if (process.env.UPDATE_DOCS === undefined) return;
  const table = [
    `| Requests / rows returned / rows looked at / rows written | ${small.customers} customers | ${customers} customers |`,
    "|---|---|---|",
    ...costs.map((cost) => `| ${cost.name} | ${line(cost.small)} | ${line(cost.large)} |`),
    "",
    `Counted by \`${run} npm run test:scale\`; the rows "where all are On" and "where none is" with ${oneSided.customers} customers on the right.`,
  ];
  const document = await readFile("docs/scale.md", "utf8");
  await writeFile(
    "docs/scale.md",
    document.replace(/(<!-- counted -->\n)[\s\S]*(\n<!-- end -->)/, `$1${table.join("\n")}$2`),
  );
});
