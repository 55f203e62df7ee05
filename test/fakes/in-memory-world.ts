/**
 * Storage, queues, Partner Center's policies, telemetry and clock in memory, as true to the real ones as a
 * use case can tell: a commit is atomic and compares versions, a policy is only replaced under its newest
 * etag, everything comes back as it came through JSON, lists are in the order of the table keys, and silence
 * leaves open whether the work was done.
 *
 * Every call asks `fate` first, so a test can make it fail, lose its reply, or let somebody else go before.
 * What `fate` throws, the call throws.
 */

import type { Activity } from "../../shared/domain/activity.ts";
import type { Change, RecordedChange } from "../../shared/domain/change.ts";
import { turnOf } from "../../shared/domain/fleet-history.ts";
import type { CustomerId } from "../../shared/domain/identifiers.ts";
import { type CustomerRecord, untouchedCustomer } from "../../shared/domain/permission.ts";
import { dependencyUnavailable } from "../../shared/domain/refusal.ts";
import type { PolicyPermission, SelfServePolicy } from "../../shared/domain/self-serve-policy.ts";
import type {
  ActivityLog,
  ActivityPosition,
  ActivityQueue,
  ActivityRange,
  ChangeQueue,
  Clock,
  PartnerCenterCall,
  PendingActivities,
  PermissionStore,
  SelfServePolicies,
  StoredCustomer,
  Telemetry,
  UnfinishedOf,
} from "../../shared/ports.ts";
import { noon } from "./facts.ts";

export type Call =
  | `store.${keyof PermissionStore}`
  | `pending.${keyof PendingActivities}`
  | `log.${keyof ActivityLog}`
  | `queue.${keyof ActivityQueue}`
  | `changes.${keyof ChangeQueue}`
  | `policies.${keyof SelfServePolicies}`;

export type Fate =
  | "done"
  /** Refused before anything was done. */
  | "refused"
  /** Not done, and nobody says so. */
  | "requestLost"
  /** Done, and nobody says so. */
  | "replyLost"
  /** Of a write to a policy: not done, and said to be done. */
  | "noEffect"
  /** Nobody says anything; done when `arrive` is called, if it then still can be. */
  | "late";

export type QueuedActivity = Omit<Activity, "evidence">;

export interface InMemoryWorld {
  readonly store: PermissionStore;
  readonly pending: PendingActivities;
  readonly log: ActivityLog;
  readonly queue: ActivityQueue;
  readonly changes: ChangeQueue;
  readonly policies: SelfServePolicies;
  readonly telemetry: Telemetry;
  readonly clock: Clock;

  /** Decides about every call; may do something of its own before. */
  fate: (call: Call) => Fate | Promise<Fate>;
  readonly calls: Call[];
  /** What was late arrives now. */
  arrive(): void;
  moveClock(milliseconds: number): void;

  readonly messages: QueuedActivity[];
  readonly reminders: { change: UnfinishedOf; afterSeconds: number }[];
  /** The ids that went along with every call of Partner Center. */
  readonly policyCalls: ({ readonly name: keyof SelfServePolicies } & PartnerCenterCall)[];
  readonly events: { name: string; properties: object; measurements: object | undefined }[];
  readonly warnings: { message: string; cause: unknown }[];
  /** Every activity that was ever committed, in that order, whatever became of it afterwards. */
  readonly committed: readonly Activity[];
  recordOf(customerId: CustomerId): CustomerRecord;
  /** Of all customers that were ever switched. */
  records(): CustomerRecord[];
  /** What the customer's policy permits; undefined when there is none. */
  policyOf(customerId: CustomerId): readonly PolicyPermission[] | undefined;
  /** Somebody else writes the policy; undefined deletes it. */
  putPolicy(customerId: CustomerId, permissions: readonly PolicyPermission[] | undefined): void;
  pendingOf(customerId: CustomerId): Activity[];
  loggedOf(customerId: CustomerId): Activity[];
  /** Puts an activity there without a change, as tests of the log need it. */
  putPending(activity: Activity): void;
  /** Into the log and the list over all customers. */
  putLogged(activity: Activity): void;
  putChange(customerId: CustomerId, change: Change): void;
}

export function createInMemoryWorld(): InMemoryWorld {
  const customers = new Map<string, { version: string; text: string }>();
  const changes = new Map<string, string>();
  const pendingRows = new Map<string, string>();
  const logRows = new Map<string, string>();
  const byDayRows = new Map<string, string>();
  const policies = new Map<string, SelfServePolicy>();
  const committed: Activity[] = [];
  const lateWork: (() => unknown)[] = [];
  let versions = 0;
  let time = noon.getTime();

  const world: InMemoryWorld = {
    store: {
      readCustomer: (customerId) =>
        call("store.readCustomer", () => {
          const row = customers.get(customerId);
          return row === undefined
            ? { record: untouchedCustomer(customerId), version: undefined }
            : { record: JSON.parse(row.text), version: row.version };
        }),
      findChange: (customerId, changeId) =>
        call("store.findChange", () => parsed<Change>(changes.get(`${customerId}|${changeId}`))),
      commit: (replaced, written) => {
        // What the caller does with its objects afterwards is none of the storage's business.
        const sent = JSON.parse(JSON.stringify(written));
        return call(
          "store.commit",
          () => commit(replaced, sent),
          () => "unknown",
        );
      },
      listUnfinished: (before) =>
        call("store.listUnfinished", () =>
          [...customers.keys()].sort().flatMap((key) => {
            const { customerId, unfinished } = world.recordOf(key as CustomerId);
            if (unfinished === undefined || unfinished.since >= before.toISOString()) return [];
            return [{ customerId, changeId: unfinished.changeId }];
          }),
        ),
      purgeChanges: (before) =>
        call("store.purgeChanges", () => {
          const old = [...changes].filter(([, text]) => (JSON.parse(text) as Change).at < before.toISOString());
          for (const [key] of old) changes.delete(key);
          return old.length;
        }),
    },

    pending: {
      find: (position) => call("pending.find", () => parsed<Activity>(pendingRows.get(pendingKey(position)))),
      list: ({ customerId, before, limit }) =>
        call("pending.list", () =>
          [...pendingRows.entries()]
            .filter(([key]) => before === undefined || key < digits(before.getTime()))
            .sort(([one], [other]) => (one < other ? -1 : 1))
            .map(([, text]) => JSON.parse(text) as Activity)
            .filter((activity) => customerId === undefined || activity.customerId === customerId)
            .slice(0, limit),
        ),
      remove: (position) => call("pending.remove", () => void pendingRows.delete(pendingKey(position))),
    },

    log: {
      insert: (activity) =>
        call("log.insert", () => {
          if (logRows.has(logKey(activity))) return "exists";
          logRows.set(logKey(activity), JSON.stringify(activity));
          return "inserted";
        }),
      index: (activity) => call("log.index", () => void byDayRows.set(byDayKey(activity), JSON.stringify(activity))),
      find: (customerId, sequence) =>
        call("log.find", () => parsed<Activity>(logRows.get(logKey({ customerId, sequence })))),
      ofCustomer: (customerId, range) =>
        call("log.ofCustomer", () =>
          rowsIn(logRows, range, logKey).filter((activity) => activity.customerId === customerId),
        ).then((activities) => activities.slice(0, range.limit)),
      ofAll: (range) =>
        call("log.ofAll", () => rowsIn(byDayRows, range, byDayKey)).then((activities) =>
          activities.slice(0, range.limit),
        ),
      async *turnsOf(date) {
        const activities = await call("log.turnsOf", () => rowsIn(byDayRows, { limit: 0 }, byDayKey));
        const turns = activities.filter(({ at }) => at.startsWith(date)).map(turnOf);
        // Pages of two.
        for (let first = 0; first < turns.length; first += 2) {
          yield turns.slice(first, first + 2).filter((turn) => turn !== undefined);
        }
      },
    },

    queue: {
      push: ({ evidence: _, ...activity }) =>
        call("queue.push", () => void world.messages.push(JSON.parse(JSON.stringify(activity)))),
    },

    changes: {
      push: (change, afterSeconds) => call("changes.push", () => void world.reminders.push({ change, afterSeconds })),
    },

    policies: {
      read: (customerId, ids) => callPolicies("read", ids, () => policies.get(customerId)),
      create: (customerId, permissions, ids) =>
        callPolicies("create", ids, () => {
          if (policies.has(customerId)) return "exists";
          world.putPolicy(customerId, permissions);
          return "done";
        }),
      replace: (customerId, policy, permissions, ids) =>
        callPolicies("replace", ids, () => writePolicy(customerId, policy, permissions)),
      remove: (customerId, policy, ids) =>
        callPolicies("remove", ids, () => writePolicy(customerId, policy, undefined)),
    },

    telemetry: {
      event: (name, properties, measurements) => void world.events.push({ name, properties, measurements }),
      warning: (message, cause) => void world.warnings.push({ message, cause }),
    },

    clock: {
      now: () => new Date(time),
      pause: async (milliseconds) => {
        time += milliseconds;
        await new Promise<void>((go) => setImmediate(go));
      },
    },

    fate: () => "done",
    calls: [],
    arrive() {
      for (const work of lateWork.splice(0)) work();
    },
    moveClock(milliseconds) {
      time += milliseconds;
    },

    messages: [],
    reminders: [],
    policyCalls: [],
    events: [],
    warnings: [],
    committed,
    recordOf: (customerId) => parsed<CustomerRecord>(customers.get(customerId)?.text) ?? untouchedCustomer(customerId),
    records: () => [...customers.values()].map(({ text }) => JSON.parse(text)),
    policyOf: (customerId) => policies.get(customerId)?.permissions,
    putPolicy(customerId, permissions) {
      versions += 1;
      if (permissions === undefined) policies.delete(customerId);
      else policies.set(customerId, { id: `policy of ${customerId}`, etag: `"${versions}"`, permissions });
    },
    pendingOf: (customerId) => ofCustomer(pendingRows, customerId),
    loggedOf: (customerId) => ofCustomer(logRows, customerId),
    putPending: (activity) => void pendingRows.set(pendingKey(activity), JSON.stringify(activity)),
    putLogged(activity) {
      logRows.set(logKey(activity), JSON.stringify(activity));
      byDayRows.set(byDayKey(activity), JSON.stringify(activity));
    },
    putChange: (customerId, change) => void changes.set(`${customerId}|${change.changeId}`, JSON.stringify(change)),
  };
  return world;

  async function call<Result>(name: Call, work: () => Result, silence = unavailable as () => Result): Promise<Result> {
    world.calls.push(name);
    const fate = await world.fate(name);
    if (fate === "done") return work();
    if (fate === "refused") return unavailable();
    if (fate === "replyLost") work();
    if (fate === "noEffect") return "done" as Result;
    if (fate === "late") lateWork.push(work);
    return silence();
  }

  function callPolicies<Result>(
    name: keyof SelfServePolicies,
    { requestId, correlationId }: PartnerCenterCall,
    work: () => Result,
  ): Promise<Result> {
    world.policyCalls.push({ name, requestId, correlationId });
    return call(`policies.${name}`, work, () => unavailable("Partner Center"));
  }

  function writePolicy(
    customerId: CustomerId,
    { id, etag }: SelfServePolicy,
    permissions: readonly PolicyPermission[] | undefined,
  ): "done" | "stale" | "gone" {
    const policy = policies.get(customerId);
    if (policy?.id !== id) return "gone";
    if (policy.etag !== etag) return "stale";
    world.putPolicy(customerId, permissions);
    return "done";
  }

  /** All rows or none: the customer's under its version, the change begun earlier replaced, the others new. */
  function commit(
    replaced: StoredCustomer,
    { record, created, updated, activity }: RecordedChange,
  ): "committed" | "conflict" {
    const { customerId } = record;
    const changeKey = ({ changeId }: Change) => `${customerId}|${changeId}`;
    const isFirst = customers.get(customerId)?.version === replaced.version;
    const isChangeThere = created !== undefined && changes.has(changeKey(created));
    const isActivityThere = activity !== undefined && pendingRows.has(pendingKey(activity));
    if (!isFirst || isChangeThere || isActivityThere) return "conflict";
    versions += 1;
    customers.set(customerId, { version: `W/"${versions}"`, text: JSON.stringify(record) });
    for (const change of [created, updated]) {
      if (change !== undefined) changes.set(changeKey(change), JSON.stringify(change));
    }
    if (activity !== undefined) {
      pendingRows.set(pendingKey(activity), JSON.stringify(activity));
      committed.push(activity);
    }
    return "committed";
  }
}

function unavailable(dependency = "Storage"): never {
  throw dependencyUnavailable(dependency);
}

function parsed<Value>(text: string | undefined): Value | undefined {
  return text === undefined ? undefined : JSON.parse(text);
}

function ofCustomer(rows: ReadonlyMap<string, string>, customerId: CustomerId): Activity[] {
  return [...rows.values()]
    .map((text) => JSON.parse(text) as Activity)
    .filter((activity) => activity.customerId === customerId)
    .sort((one, other) => one.sequence - other.sequence);
}

function rowsIn(
  rows: ReadonlyMap<string, string>,
  { from, to, after }: ActivityRange & { readonly after?: ActivityPosition },
  keyOf: (position: ActivityPosition) => string,
): Activity[] {
  return [...rows.entries()]
    .filter(([key]) => after === undefined || key > keyOf(after))
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([, text]) => JSON.parse(text) as Activity)
    .filter(
      ({ at }) => (from === undefined || at >= from.toISOString()) && (to === undefined || at < to.toISOString()),
    );
}

const pendingKey = ({ at, customerId, sequence }: ActivityPosition) =>
  `${digits(Date.parse(at))}|${customerId}|${digits(sequence)}`;
const logKey = ({ customerId, sequence }: Pick<ActivityPosition, "customerId" | "sequence">) =>
  `${customerId}|${inverted(sequence)}`;
const byDayKey = ({ at, customerId, sequence }: ActivityPosition) =>
  `${inverted(Date.parse(at))}|${customerId}|${inverted(sequence)}`;

function digits(number: number): string {
  return String(number).padStart(14, "0");
}

function inverted(number: number): string {
  return digits(10 ** 14 - 1 - number);
}
