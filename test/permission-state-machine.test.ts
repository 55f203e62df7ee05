/**
 * Random lives of two customers: callers turn switches, repeat themselves, believe outdated things and get in
 * each other's way, while replies are lost, commits arrive late, clocks jump, messages vanish and the logging
 * function crashes. After every step the promises of the API are looked at from outside.
 *
 * fast-check prints seed and path of a failure; put both into `fc.assert`'s parameters to see it again.
 */

import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import fc from "fast-check";
import type { Activity } from "../shared/domain/activity.ts";
import { DirectoryFailure } from "../shared/domain/directory-failure.ts";
import type { ChangeId, CustomerId } from "../shared/domain/identifiers.ts";
import {
  type Actor,
  type Permission,
  type PermissionState,
  type Product,
  permissionOf,
  permissionStates,
  products,
} from "../shared/domain/permission.ts";
import { Refusal, type RefusalCode } from "../shared/domain/refusal.ts";
import { createCheckEligibility } from "../shared/use-cases/check-eligibility.ts";
import { createLogPendingActivity, createRecordActivity } from "../shared/use-cases/record-activity.ts";
import { createSetPermission, type SetPermissionAnswer } from "../shared/use-cases/set-permission.ts";
import { createSweepPendingActivities } from "../shared/use-cases/sweep-pending-activities.ts";
import { faultIn } from "./fakes/chain-verifier.ts";
import {
  ada,
  assignmentOn,
  ben,
  contoso,
  fabrikam,
  idOf,
  readerOn,
  report,
  robot,
  rules,
  subscriptionOf,
} from "./fakes/facts.ts";
import { createInMemoryDirectory, type TenantFacts } from "./fakes/in-memory-directory.ts";
import { nobodyListens } from "./fakes/in-memory-webhooks.ts";
import { createInMemoryWorld, type Fate, type InMemoryWorld } from "./fakes/in-memory-world.ts";

const customers = [contoso, fabrikam];
const callers: readonly Actor[] = [ada, ben, robot];

/** What the directory says about a customer, and what an On is told then. */
const tenants = {
  eligible: { answer: undefined, pages: [[assignmentOn(1)]] },
  withoutOwner: { answer: "OwnerRoleMissing", pages: [[readerOn(1)]] },
  withoutPlan: { answer: "NoAzureSubscription", state: "Disabled" },
  hidden: { answer: "EligibilityInconclusive", pages: [[]] },
  down: { answer: "DependencyUnavailable", pages: [new DirectoryFailure("DependencyUnavailable", "down")] },
} as const satisfies Record<string, { answer: RefusalCode | undefined; [fact: string]: unknown }>;
type Tenant = keyof typeof tenants;

function factsOf(customerId: CustomerId, tenant: Tenant): TenantFacts {
  const facts = { state: "Enabled", pages: [], ...tenants[tenant] };
  return {
    subscriptions: [subscriptionOf(1, { tenantId: customerId, state: facts.state })],
    assignments: { [idOf<"subscription">(1)]: facts.pages },
  };
}

/** What a caller sends. */
interface Plan {
  readonly customer: number;
  readonly product: Product;
  readonly state: PermissionState;
  readonly reason: string | undefined;
  /** Number of a repeatability id; few of them, so that they are used again. */
  readonly repeatable: number | undefined;
  /** `holds`: as it was just before. */
  readonly precondition: "none" | "holds" | "fails";
  readonly caller: number;
}

/** What happens at a call of storage: its fate, or somebody else who goes first. */
type Incident = Fate | "lateOnesArrive" | "twinGoesFirst" | Plan;

/** What the outside has been told so far. */
interface Model {
  readonly tenants: Map<CustomerId, Tenant>;
  /** Every request that was sent, by its request id. */
  readonly sent: Map<string, { readonly plan: Plan; readonly eligible: boolean }>;
  /** Requests that were told no, or that it is so already: they must never take effect. */
  readonly settled: Set<string>;
}

class Real {
  readonly world: InMemoryWorld = createInMemoryWorld();
  readonly directory: ReturnType<typeof createInMemoryDirectory>;
  readonly logPendingActivity = createLogPendingActivity(
    this.world.pending,
    this.world.log,
    this.world.telemetry,
    nobodyListens,
  );
  readonly record = createRecordActivity(this.world.pending, this.world.log, this.logPendingActivity);
  readonly sweep = createSweepPendingActivities(
    this.world.pending,
    this.logPendingActivity,
    this.world.telemetry,
    this.world.clock,
  );
  #changes = 0;

  constructor(model: Model) {
    this.directory = createInMemoryDirectory((customerId) => factsOf(customerId, model.tenants.get(customerId)!));
  }

  /** Sends one request; counts its eligibility checks, and nobody else's. */
  async send(model: Model, plan: Plan) {
    const customerId = customers[plan.customer]!;
    const requestId = `request ${model.sent.size + 1}`;
    model.sent.set(requestId, { plan, eligible: model.tenants.get(customerId) === "eligible" });
    const check = createCheckEligibility(this.directory, this.world.clock, { rules, timeoutSeconds: 20, report });
    let checks = 0;
    const set = createSetPermission({
      ...this.world,
      checkEligibility: (question) => {
        checks += 1;
        return check(question);
      },
      newChangeId: () => idOf<"change">(0x10000 + ++this.#changes),
    });
    const { changeId } = permissionOf(this.world.recordOf(customerId), plan.product);
    const asBefore = (permission: Permission) => permission.changeId === changeId;
    const outcome: SetPermissionAnswer | RefusalCode = await set({
      customerId,
      product: plan.product,
      state: plan.state,
      ...(plan.reason === undefined ? {} : { reason: plan.reason }),
      by: callers[plan.caller]!,
      requestId,
      ...(plan.repeatable === undefined ? {} : { repeatableAs: repeatableId(plan.repeatable) }),
      ...(plan.precondition === "none" ? {} : { precondition: plan.precondition === "holds" ? asBefore : () => false }),
    }).catch((error: unknown) => {
      if (error instanceof Refusal) return error.code;
      throw error;
    });
    if (typeof outcome === "object" ? !outcome.changed : outcome !== "DependencyUnavailable") {
      model.settled.add(requestId);
    }
    return { customerId, requestId, outcome, checks };
  }

  entriesOf(customerId: CustomerId): Activity[] {
    return this.world.committed.filter((activity) => activity.customerId === customerId);
  }
}

function repeatableId(number: number): ChangeId {
  return idOf<"change">(0x9000 + number);
}

/** Everything that makes two requests the same one, besides their id. */
function bodyOf({ product, state, reason }: Plan): string {
  return JSON.stringify([product, state, reason]);
}

/** The answer that follows from an entry of the log, and from nothing else. */
function answerFrom({ customerId, product, operation, at, by, reason, changeId }: Activity): SetPermissionAnswer {
  const state = operation.startsWith("Create") ? "On" : "Off";
  const permission = { customerId, product, state, changedAt: at, changedBy: by, changeId } as const;
  return { permission: reason === undefined ? permission : { ...permission, reason }, changed: true };
}

/** What always holds, seen from storage alone. */
function expectPromisesKept(model: Model, { world }: Real): void {
  for (const customerId of customers) {
    const record = world.recordOf(customerId);
    const committed = world.committed.filter((activity) => activity.customerId === customerId);
    const log = new Map([...world.pendingOf(customerId), ...world.loggedOf(customerId)].map((each) => [each.id, each]));
    const entries = [...log.values()].sort((one, other) => one.sequence - other.sequence);

    // Nothing is lost, nothing invented; the state is what the last entries say.
    expect(entries).toEqual(committed);
    expect(faultIn(JSON.stringify(entries), record)).toBeUndefined();
    for (const product of products) {
      const last = entries.findLast((entry) => entry.product === product);
      expect(permissionOf(record, product)).toEqual(
        last === undefined
          ? { customerId, product, state: "Off", changedAt: null, changedBy: null, changeId: null }
          : answerFrom(last).permission,
      );
    }
    expect(entries.map(({ at }) => at)).toEqual(entries.map(({ at }) => at).toSorted());

    // Every entry is one request's, that said so and was not told otherwise.
    expect(new Set(entries.map(({ requestId }) => requestId)).size).toBe(entries.length);
    expect(new Set(entries.map(({ changeId }) => changeId)).size).toBe(entries.length);
    for (const { requestId, product, operation, evidence, by } of entries) {
      const { plan, eligible } = model.sent.get(requestId)!;
      const isOn = operation.startsWith("Create");
      expect([plan.product, plan.state, callers[plan.caller]]).toEqual([product, isOn ? "On" : "Off", by]);
      expect(model.settled).not.toContain(requestId);
      if (isOn) expect(eligible).toBe(true);
      expect(evidence?.subscriptions.some(({ owners }) => owners.length > 0)).toBe(isOn ? true : undefined);
    }
  }
}

/** How often each kind of outcome came up: a machine that never gets anywhere proves nothing. */
const visits = new Map<string, number>();

function visit(outcome: SetPermissionAnswer | RefusalCode, calm: boolean, isRepeat: boolean): void {
  const name = typeof outcome === "string" ? outcome : `changed:${outcome.changed}${isRepeat ? ", again" : ""}`;
  const key = `${calm ? "calm" : "rough"} ${name}`;
  visits.set(key, (visits.get(key) ?? 0) + 1);
}

type Command = fc.AsyncCommand<Model, Real>;

class Turn implements Command {
  readonly plan: Plan;
  readonly commits: readonly Incident[];
  readonly otherCalls: readonly Incident[];

  constructor(plan: Plan, commits: readonly Incident[], otherCalls: readonly Incident[]) {
    this.plan = plan;
    this.commits = commits;
    this.otherCalls = otherCalls;
  }

  check = () => true;

  async run(model: Model, real: Real): Promise<void> {
    await turn(model, real, this.plan, this.commits, this.otherCalls);
  }

  toString(): string {
    return `Turn(${JSON.stringify([this.plan, this.commits, this.otherCalls])})`;
  }
}

/** Sends again what was sent before under a repeatability id, perhaps by somebody else. */
class Repeat implements Command {
  readonly choice: number;
  readonly caller: number;
  readonly commits: readonly Incident[];

  constructor(choice: number, caller: number, commits: readonly Incident[]) {
    this.choice = choice;
    this.caller = caller;
    this.commits = commits;
  }

  check = ({ sent }: Readonly<Model>) => repeatable(sent).length > 0;

  async run(model: Model, real: Real): Promise<void> {
    const plans = repeatable(model.sent);
    const plan = plans[this.choice % plans.length]!;
    await turn(model, real, { ...plan, caller: this.caller, precondition: "none" }, this.commits, []);
  }

  toString(): string {
    return `Repeat(${this.choice}, ${this.caller}, ${JSON.stringify(this.commits)})`;
  }
}

function repeatable(sent: Model["sent"]): Plan[] {
  return [...sent.values()].map(({ plan }) => plan).filter((plan) => plan.repeatable !== undefined);
}

async function turn(
  model: Model,
  real: Real,
  plan: Plan,
  commits: readonly Incident[],
  otherCalls: readonly Incident[],
): Promise<void> {
  const { world } = real;
  const customerId = customers[plan.customer]!;
  const recordBefore = world.recordOf(customerId);
  const entriesBefore = real.entriesOf(customerId);
  const scripts = { commits: [...commits], otherCalls: [...otherCalls] };
  let calm = true;
  let isNested = false;
  world.fate = async (call) => {
    if (isNested) return "done";
    const incident = (call === "store.commit" ? scripts.commits : scripts.otherCalls).shift() ?? "done";
    const isFate = typeof incident === "string" && incident !== "lateOnesArrive" && incident !== "twinGoesFirst";
    // A push that fails is no incident for the caller.
    if (incident !== "done" && !(isFate && call === "queue.push")) calm = false;
    if (isFate) return incident;
    isNested = true;
    if (incident === "lateOnesArrive") world.arrive();
    else await real.send(model, incident === "twinGoesFirst" ? plan : { ...incident, customer: plan.customer });
    isNested = false;
    return "done";
  };
  const { requestId, outcome, checks } = await real.send(model, plan);
  world.fate = () => "done";

  const recordAfter = world.recordOf(customerId);
  const entries = real.entriesOf(customerId);
  const own = entries.filter((entry) => entry.requestId === requestId);
  const earlier = entriesBefore.find(
    ({ changeId }) => plan.repeatable !== undefined && changeId === repeatableId(plan.repeatable),
  );
  visit(outcome, calm, earlier !== undefined);

  // However rough it was.
  expect(checks).toBeLessThanOrEqual(plan.state === "On" ? 1 : 0);
  if (typeof outcome === "object" && outcome.changed) {
    const entry = entries.find(({ changeId }) => changeId === outcome.permission.changeId)!;
    expect(outcome).toEqual(answerFrom(entry));
    expect(bodyOf(model.sent.get(entry.requestId)!.plan)).toBe(bodyOf(plan));
    if (plan.repeatable === undefined) expect(own).toEqual([entry]);
    else expect(entry.changeId).toBe(repeatableId(plan.repeatable));
    expect(own.length).toBe(entry.requestId === requestId ? 1 : 0);
  } else if (outcome !== "DependencyUnavailable") {
    expect(own).toEqual([]);
  }
  if (outcome === "RequestIdReused") {
    const first = entries.find(({ changeId }) => changeId === repeatableId(plan.repeatable!))!;
    expect(bodyOf(model.sent.get(first.requestId)!.plan)).not.toBe(bodyOf(plan));
  }

  // What exactly is answered when nothing got in the way.
  if (calm) {
    const wanted = expectedAnswer(earlier);
    if (wanted === "change") {
      expect(own).toHaveLength(1);
      expect(outcome).toEqual(answerFrom(own[0]!));
      expect(entries).toEqual([...entriesBefore, own[0]]);
      const other = products.find((product) => product !== plan.product)!;
      expect(recordAfter.switches[other]).toEqual(recordBefore.switches[other]);
    } else {
      expect(outcome).toEqual(wanted);
      expect(recordAfter).toEqual(recordBefore);
    }
  }
  expectPromisesKept(model, real);

  function expectedAnswer(first: Activity | undefined): SetPermissionAnswer | RefusalCode | "change" {
    if (first !== undefined) {
      expect(checks).toBe(0);
      const same = bodyOf(model.sent.get(first.requestId)!.plan) === bodyOf(plan);
      return same ? answerFrom(first) : "RequestIdReused";
    }
    const permission = permissionOf(recordBefore, plan.product);
    const refused = plan.precondition === "fails";
    if (refused || permission.state === plan.state) expect(checks).toBe(0);
    if (refused) return "ConditionNotMet";
    if (permission.state === plan.state) return { permission, changed: false };
    if (plan.state === "Off") return "change";
    expect(checks).toBe(1);
    return tenants[model.tenants.get(customerId)!].answer ?? "change";
  }
}

/** Everything else that goes on; each leaves the promises kept. */
class Meanwhile implements Command {
  readonly name: string;
  readonly happens: (model: Model, real: Real) => Promise<void> | void;

  constructor(name: string, happens: (model: Model, real: Real) => Promise<void> | void) {
    this.name = name;
    this.happens = happens;
  }

  check = () => true;

  async run(model: Model, real: Real): Promise<void> {
    await this.happens(model, real);
    expectPromisesKept(model, real);
  }

  toString(): string {
    return this.name;
  }
}

const plan: fc.Arbitrary<Plan> = fc.record({
  customer: fc.nat({ max: 1 }),
  product: fc.constantFrom(...products),
  state: fc.constantFrom(...permissionStates),
  reason: fc.constantFrom(undefined, undefined, "because"),
  repeatable: fc.constantFrom(undefined, undefined, 1, 2, 3),
  precondition: fc.constantFrom("none", "none", "none", "holds", "fails"),
  caller: fc.nat({ max: 2 }),
});
const commitIncident: fc.Arbitrary<Incident> = fc.oneof(
  fc.constantFrom<Incident>("done", "requestLost", "replyLost", "late", "refused", "twinGoesFirst", "lateOnesArrive"),
  plan,
);
const otherIncident: fc.Arbitrary<Incident> = fc.oneof(
  { weight: 12, arbitrary: fc.constantFrom<Incident>("done", "done", "done", "lateOnesArrive", "twinGoesFirst") },
  { weight: 2, arbitrary: plan },
  { weight: 1, arbitrary: fc.constantFrom<Incident>("refused", "replyLost") },
);
const rarely = <Item>(arbitrary: fc.Arbitrary<Item>, maxLength: number) =>
  fc.oneof(fc.constant<readonly Item[]>([]), fc.array(arbitrary, { maxLength }));

const turnCommand = fc
  .tuple(plan, rarely(commitIncident, 5), rarely(otherIncident, 8))
  .map(([wish, commits, otherCalls]): Command => new Turn(wish, commits, otherCalls));

const commands: fc.Arbitrary<Command>[] = [
  turnCommand,
  turnCommand,
  turnCommand,
  turnCommand,
  fc
    .tuple(fc.nat({ max: 50 }), fc.nat({ max: 2 }), rarely(commitIncident, 3))
    .map(([choice, caller, commits]) => new Repeat(choice, caller, commits)),
  fc
    .tuple(fc.constantFrom(...customers), fc.constantFrom<Tenant>("eligible", ...(Object.keys(tenants) as Tenant[])))
    .map(
      ([customerId, tenant]) =>
        new Meanwhile(`Tenant(${customerId}, ${tenant})`, (model) => void model.tenants.set(customerId, tenant)),
    ),
  fc
    .integer({ min: -3_600_000, max: 3_600_000 })
    .map((milliseconds) => new Meanwhile(`Clock(${milliseconds})`, (_, { world }) => world.moveClock(milliseconds))),
  fc.constant(new Meanwhile("LateOnesArrive", (_, { world }) => world.arrive())),
  fc.constant(new Meanwhile("MessagesVanish", (_, { world }) => void world.messages.splice(0))),
  fc.nat().map(
    (choice) =>
      new Meanwhile(`Deliver(${choice})`, async (_, { world, record }) => {
        // Any one of them, and it may come again: the queue promises neither order nor once.
        const message = world.messages[choice % Math.max(1, world.messages.length)];
        if (message !== undefined) await record(message);
      }),
  ),
  fc.tuple(fc.nat({ max: 4 }), fc.constantFrom<Fate>("refused", "replyLost")).map(
    ([callsBefore, fate]) =>
      new Meanwhile(`RecorderCrashes(${callsBefore}, ${fate})`, async (_, { world, record }) => {
        const [message] = world.messages;
        if (message === undefined) return;
        let calls = 0;
        world.fate = () => (calls++ === callsBefore ? fate : "done");
        await record(message).catch((error: unknown) => expect(error).toBeInstanceOf(Refusal));
        world.fate = () => "done";
      }),
  ),
  fc.constant(
    new Meanwhile("Sweep", async (_, { world, sweep }) => {
      await sweep();
      const aMinuteAgo = new Date(world.clock.now().getTime() - 60_000).toISOString();
      for (const customerId of customers) {
        for (const { at } of world.pendingOf(customerId)) expect(at >= aMinuteAgo).toBe(true);
      }
    }),
  ),
];

// Pauses between attempts are random; a failure must look the same when it is played again.
beforeAll(() => {
  jest.spyOn(Math, "random").mockReturnValue(0.5);
});
afterAll(() => {
  jest.restoreAllMocks();
});

test("whatever callers, storage, queue and clocks do, no promise is broken after any step", async () => {
  await fc.assert(
    fc.asyncProperty(fc.commands(commands, { maxCommands: 40, size: "max" }), async (steps) => {
      const model: Model = {
        tenants: new Map(customers.map((customerId) => [customerId, "eligible"])),
        sent: new Map(),
        settled: new Set(),
      };
      const real = new Real(model);
      await fc.asyncModelRun(() => ({ model, real }), steps);

      // In the end all of it is in the log, even if the queue never delivered anything.
      real.world.arrive();
      real.world.moveClock(100 * 3_600_000);
      await real.sweep();
      expectPromisesKept(model, real);
      for (const customerId of customers) {
        expect(real.world.pendingOf(customerId)).toEqual([]);
        expect(real.world.loggedOf(customerId)).toEqual(real.entriesOf(customerId));
      }
    }),
    { numRuns: 250 },
  );
}, 120_000);

test("these lives came across everything that can be answered, in calm and in rough times", () => {
  const refusals = ["ConditionNotMet", "RequestIdReused", "DependencyUnavailable"];
  const eligibilityRefusals = ["OwnerRoleMissing", "NoAzureSubscription", "EligibilityInconclusive"];
  const answers = ["changed:true", "changed:true, again", "changed:false"];

  expect([...visits.keys()]).toEqual(
    expect.arrayContaining([
      ...[...answers, ...refusals, ...eligibilityRefusals].map((name) => `calm ${name}`),
      ...[...answers, ...refusals].map((name) => `rough ${name}`),
    ]),
  );
});
