/** The use cases of a few lines: reading, listing, operations, the sweep, the purge and health. */

import { describe, expect, jest, test } from "@jest/globals";
import type { Activity } from "../../shared/domain/activity.ts";
import { beginChange, type Change, failChange, grantChange } from "../../shared/domain/change.ts";
import type { CustomerId } from "../../shared/domain/identifiers.ts";
import { type PermissionState, type Product, untouchedCustomer } from "../../shared/domain/permission.ts";
import { dependencyUnavailable, Refusal } from "../../shared/domain/refusal.ts";
import type { Notebook } from "../../shared/ports.ts";
import { createCheckHealth } from "../../shared/use-cases/check-health.ts";
import { createFindUiFile } from "../../shared/use-cases/find-ui-file.ts";
import { createGetCustomer } from "../../shared/use-cases/get-customer.ts";
import { createGetOperation } from "../../shared/use-cases/get-operation.ts";
import { createListCustomers } from "../../shared/use-cases/list-customers.ts";
import { createPurgeChanges } from "../../shared/use-cases/purge-changes.ts";
import { createReadPermissions } from "../../shared/use-cases/read-permissions.ts";
import { createLogPendingActivity } from "../../shared/use-cases/record-activity.ts";
import { createSweepPendingActivities } from "../../shared/use-cases/sweep-pending-activities.ts";
import { ada, contoso, fabrikam, idOf, noon } from "../fakes/facts.ts";
import { createInMemoryCustomers } from "../fakes/in-memory-customers.ts";
import { nobodyListens } from "../fakes/in-memory-webhooks.ts";
import { createInMemoryWorld, type InMemoryWorld } from "../fakes/in-memory-world.ts";

const changeId = idOf<"change">(1);

async function change(
  world: InMemoryWorld,
  customerId: CustomerId,
  product: Product,
  state: PermissionState,
  id = changeId,
) {
  const stored = await world.store.readCustomer(customerId);
  const at = world.clock.now();
  const granted = grantChange(
    stored.record,
    { customerId, product, state, reason: "asked for" },
    { changeId: id, by: ada, at, requestId: "r" },
  );
  expect(await world.store.commit(stored, granted)).toBe("committed");
  return granted;
}

/** A change of Contoso's reservations that Partner Center has to follow. */
async function begin(
  world: InMemoryWorld,
  state: PermissionState = "On",
  id = changeId,
  overtaken?: Change,
): Promise<Change> {
  const stored = await world.store.readCustomer(contoso);
  const begun = beginChange(
    stored.record,
    { customerId: contoso, product: "azureReservations", state },
    { changeId: id, by: ada, at: world.clock.now(), requestId: "r" },
    overtaken,
  );
  expect(await world.store.commit(stored, begun)).toBe("committed");
  return begun.created;
}

function pendingSince(customer: number, secondsBeforeNoon: number): Activity {
  const customerId = idOf<"customer">(customer);
  return grantChange(
    untouchedCustomer(customerId),
    { customerId, product: "azureReservations", state: "Off" },
    { changeId, by: ada, at: new Date(noon.getTime() - secondsBeforeNoon * 1000), requestId: "r" },
  ).activity;
}

describe("reading permissions", () => {
  test("of a customer never touched says that both are Off, by nobody", async () => {
    const world = createInMemoryWorld();

    const untouched = { customerId: contoso, state: "Off", changedAt: null, changedBy: null, changeId: null };
    expect(await createReadPermissions(world.store)(contoso)).toEqual([
      { ...untouched, product: "azureReservations" },
      { ...untouched, product: "azureSavingsPlans" },
    ]);
    expect(world.calls).toEqual(["store.readCustomer"]);
  });

  test("shows who moved which switch when and why, and the other one untouched", async () => {
    const world = createInMemoryWorld();
    await change(world, contoso, "azureSavingsPlans", "On");

    expect(await createReadPermissions(world.store)(contoso)).toEqual([
      expect.objectContaining({ product: "azureReservations", state: "Off", changedAt: null }),
      {
        customerId: contoso,
        product: "azureSavingsPlans",
        state: "On",
        changedAt: noon.toISOString(),
        changedBy: ada,
        reason: "asked for",
        changeId,
      },
    ]);
  });
});

describe("listing customers", () => {
  test("gives both permissions of each, page by page", async () => {
    const world = createInMemoryWorld();
    const { known } = createInMemoryCustomers(world);
    await change(world, fabrikam, "azureReservations", "On");
    await change(world, contoso, "azureReservations", "Off");
    const list = createListCustomers(known);

    const first = await list({ limit: 1 });
    const second = await list({ limit: 1, after: first.next! });

    expect(first).toEqual({
      items: [{ customerId: contoso, permissions: await createReadPermissions(world.store)(contoso) }],
      next: contoso,
    });
    expect(second).toEqual({
      items: [{ customerId: fabrikam, permissions: await createReadPermissions(world.store)(fabrikam) }],
    });
  });

  test("shows what was found of a customer, and says nothing of it where nothing was", async () => {
    const world = createInMemoryWorld();
    await change(world, contoso, "azureReservations", "Off");
    await change(world, fabrikam, "azureReservations", "On");
    const since = noon.toISOString();
    const findings = [{ code: "OwnerLost", product: "azureReservations", message: "No Owner.", since }] as const;
    const stored = await world.store.readCustomer(fabrikam);
    await world.store.commit(stored, { record: { ...stored.record, findings } });

    const { known } = createInMemoryCustomers(world);
    const { items } = await createListCustomers(known)({ limit: 5 });

    expect(items.map((item) => item.findings)).toEqual([undefined, findings]);
    expect(items[0]).not.toHaveProperty("findings");
  });

  test.each([
    ["On" as const, fabrikam],
    ["Off" as const, contoso],
  ])("whose state is %s passes the wish on", async (state, customerId) => {
    const world = createInMemoryWorld();
    await change(world, fabrikam, "azureReservations", "On");
    await change(world, contoso, "azureReservations", "Off");

    const { known } = createInMemoryCustomers(world);
    const { items } = await createListCustomers(known)({ state, limit: 5 });

    expect(items.map((customer) => customer.customerId)).toEqual([customerId]);
  });
});

describe("a customer", () => {
  const permissions = [
    {
      customerId: contoso,
      product: "azureReservations",
      state: "Off",
      changedAt: null,
      changedBy: null,
      changeId: null,
    },
    {
      customerId: contoso,
      product: "azureSavingsPlans",
      state: "Off",
      changedAt: null,
      changedBy: null,
      changeId: null,
    },
  ];
  const asListed = { name: "Contoso", domain: "contoso.example", relationship: "reseller" };
  const later = new Date(noon.getTime() + 1);

  test("never heard of has both switches Off, and nothing is invented about it", async () => {
    const { known } = createInMemoryCustomers(createInMemoryWorld());

    expect(await createGetCustomer(known)(contoso)).toEqual({ customerId: contoso, permissions });
  });

  test("that Partner Center listed has its name, when it was seen, and when it was verified", async () => {
    const { known } = createInMemoryCustomers(createInMemoryWorld());
    await known.saveVerified([contoso], later);
    await known.saveSeen([{ customerId: contoso, ...asListed }], noon);

    const customer = {
      customerId: contoso,
      ...asListed,
      permissions,
      lastSeenAt: noon.toISOString(),
      lastVerifiedAt: later.toISOString(),
    };
    expect(await createGetCustomer(known)(contoso)).toEqual(customer);
    expect(await createListCustomers(known)({ limit: 5 })).toEqual({ items: [customer] });
  });

  test("that was verified and never listed has no name", async () => {
    const { known } = createInMemoryCustomers(createInMemoryWorld());
    await known.saveVerified([contoso], later);

    expect(await createGetCustomer(known)(contoso)).toEqual({
      customerId: contoso,
      permissions,
      lastVerifiedAt: later.toISOString(),
    });
  });
});

describe("an operation", () => {
  test("of a committed change has succeeded, with the permission as the change left it", async () => {
    const world = createInMemoryWorld();
    const { created } = await change(world, contoso, "azureReservations", "On");
    await change(world, contoso, "azureReservations", "Off", idOf<"change">(2));

    expect(await createGetOperation(world.store)(contoso, changeId)).toEqual({
      id: changeId,
      status: "Succeeded",
      permission: created.permission,
    });
    expect(created.permission.state).toBe("On");
  });

  test("of an unfinished change is running, with the permission as it still is", async () => {
    const world = createInMemoryWorld();
    await begin(world);
    const [shown] = await createReadPermissions(world.store)(contoso);
    const { pending, ...permission } = shown ?? {};

    expect(await createGetOperation(world.store)(contoso, changeId)).toEqual({
      id: changeId,
      status: "Running",
      permission,
    });
    expect(pending?.changeId).toBe(changeId);
  });

  test("of a change that has failed says why, and that the permission was left alone", async () => {
    const world = createInMemoryWorld();
    const running = await begin(world);
    const stored = await world.store.readCustomer(contoso);
    const error = { code: "NotConfirmed", message: "Not confirmed." };
    await world.store.commit(stored, failChange(stored.record, running, world.clock.now(), error));

    expect(await createGetOperation(world.store)(contoso, changeId)).toEqual({
      id: changeId,
      status: "Failed",
      error,
      permission: expect.objectContaining({ state: "Off", changedAt: null }),
    });
  });

  test("of a change that was overtaken is cancelled", async () => {
    const world = createInMemoryWorld();
    const running = await begin(world);
    await begin(world, "Off", idOf<"change">(2), running);

    expect(await createGetOperation(world.store)(contoso, changeId)).toMatchObject({
      status: "Canceled",
      error: { code: "Overtaken" },
    });
    expect(await createGetOperation(world.store)(contoso, idOf<"change">(2))).toMatchObject({ status: "Running" });
  });

  test("of another customer is not found", async () => {
    const world = createInMemoryWorld();
    await change(world, contoso, "azureReservations", "On");

    await expect(createGetOperation(world.store)(fabrikam, changeId)).rejects.toMatchObject({
      code: "NotFound",
      target: "changeId",
      message: `Customer ${fabrikam} has no operation ${changeId}, or it is older than 30 days.`,
    });
  });
});

test("changes are forgotten after 30 days, and their activities are not", async () => {
  const world = createInMemoryWorld();
  await change(world, contoso, "azureReservations", "On", idOf<"change">(1));
  world.moveClock(1);
  await change(world, contoso, "azureReservations", "Off", idOf<"change">(2));
  const purge = createPurgeChanges(world.store, world.clock);
  const days = 24 * 60 * 60 * 1000;

  world.moveClock(30 * days - 1);
  expect(await purge()).toBe(0);
  world.moveClock(1);
  expect(await purge()).toBe(1);

  expect(await world.store.findChange(contoso, idOf<"change">(1))).toBeUndefined();
  expect(await world.store.findChange(contoso, idOf<"change">(2))).toBeDefined();
  expect(world.pendingOf(contoso)).toHaveLength(2);
});

describe("the sweep", () => {
  function createSweep(world: InMemoryWorld) {
    const logPendingActivity = createLogPendingActivity(world.pending, world.log, world.telemetry, nobodyListens);
    return createSweepPendingActivities(world.pending, logPendingActivity, world.telemetry, world.clock);
  }

  test("logs what has been pending for more than a minute, and leaves the rest to the queue", async () => {
    const world = createInMemoryWorld();
    const [old, older, fresh] = [pendingSince(1, 60.001), pendingSince(2, 3600), pendingSince(3, 60)];
    for (const activity of [old, older, fresh]) world.putPending(activity);

    await createSweep(world)();

    expect(world.loggedOf(old.customerId)).toEqual([old]);
    expect(world.loggedOf(older.customerId)).toEqual([older]);
    expect(world.loggedOf(fresh.customerId)).toEqual([]);
    expect(world.pendingOf(fresh.customerId)).toEqual([fresh]);
    expect(world.events[0]).toEqual({
      name: "PendingActivitiesSwept",
      properties: {},
      measurements: { count: 2, oldestAgeSeconds: 3600 },
    });
  });

  test("says so when there is nothing to do", async () => {
    const world = createInMemoryWorld();

    await createSweep(world)();

    expect(world.calls).toEqual(["pending.list"]);
    expect(world.events).toEqual([
      { name: "PendingActivitiesSwept", properties: {}, measurements: { count: 0, oldestAgeSeconds: 0 } },
    ]);
  });

  test("goes on after a failure and names every one of them in the end", async () => {
    const world = createInMemoryWorld();
    const activities = Array.from({ length: 20 }, (_, index) => pendingSince(index, 100));
    for (const activity of activities) world.putPending(activity);
    let inserts = 0;
    world.fate = (call) => (call === "log.insert" && ++inserts % 10 === 3 ? "refused" : "done");

    const failure = await createSweep(world)().catch((error: unknown) => error);

    expect(failure).toBeInstanceOf(AggregateError);
    expect(failure).toMatchObject({
      message: "2 pending activities were not logged.",
      errors: [{ code: "DependencyUnavailable" }, { code: "DependencyUnavailable" }],
    });
    const logged = activities.filter(({ customerId }) => world.loggedOf(customerId).length === 1);
    const pending = activities.filter(({ customerId }) => world.pendingOf(customerId).length === 1);
    expect([logged.length, pending.length]).toEqual([18, 2]);
    world.fate = () => "done";
    await createSweep(world)();
    expect(activities.every(({ customerId }) => world.loggedOf(customerId).length === 1)).toBe(true);
  });

  test("fails on one failure already", async () => {
    const world = createInMemoryWorld();
    world.putPending(pendingSince(1, 100));
    world.fate = (call) => (call === "log.index" ? "refused" : "done");

    await expect(createSweep(world)()).rejects.toMatchObject({ message: "1 pending activities were not logged." });
  });

  describe("of more than can be read at once", () => {
    function createBacklog(count: number) {
      const world = createInMemoryWorld();
      for (let customer = 0; customer < count; customer++) world.putPending(pendingSince(customer, 100 + customer));
      const reads = () => world.calls.filter((call) => call === "pending.list").length;
      const left = async () => (await world.pending.list({})).length;
      return { world, reads, left };
    }

    test("reads some, logs them, the oldest first, and goes on until none is left", async () => {
      const { world, reads, left } = createBacklog(600);

      await createSweep(world)();

      expect(reads()).toBe(3);
      expect(await left()).toBe(0);
      const swept = world.events.filter(({ name }) => name === "PendingActivitiesSwept");
      expect(swept.map(({ measurements }) => measurements)).toEqual([
        { count: 250, oldestAgeSeconds: 699 },
        { count: 250, oldestAgeSeconds: 449 },
        { count: 100, oldestAgeSeconds: 199 },
      ]);
    });

    test("reads no more after a failure, which would only come again", async () => {
      const { world, reads, left } = createBacklog(300);
      world.fate = (call) => (call === "log.insert" ? "refused" : "done");

      await expect(createSweep(world)()).rejects.toMatchObject({ errors: { length: 250 } });

      expect(reads()).toBe(1);
      expect(await left()).toBe(300);
    });

    test("leaves the rest to the next run after four minutes", async () => {
      const { world, reads, left } = createBacklog(600);
      world.fate = (call) => {
        if (call === "log.insert") world.moveClock(500);
        return "done";
      };

      await createSweep(world)();
      expect([reads(), await left()]).toEqual([2, 100]);
      await createSweep(world)();
      expect(await left()).toBe(0);
    });
  });

  test("logs eight at a time, not all at once", async () => {
    const world = createInMemoryWorld();
    for (let customer = 0; customer < 20; customer++) world.putPending(pendingSince(customer, 100));
    let running = 0;
    let most = 0;
    const sweep = createSweepPendingActivities(
      world.pending,
      async () => {
        most = Math.max(most, ++running);
        await new Promise<void>((go) => setImmediate(go));
        running -= 1;
      },
      world.telemetry,
      world.clock,
    );

    await sweep();

    expect(most).toBe(8);
  });
});

describe("health", () => {
  function createHealth(world: InMemoryWorld, down: string[] = [], notebook?: Notebook) {
    const probe = { asked: 0, down };
    const check = createCheckHealth(
      {
        async whatIsDown() {
          probe.asked += 1;
          return probe.down;
        },
      },
      world.pending,
      world.clock,
      notebook,
    );
    return { check, probe };
  }

  test("is good when storage answers", async () => {
    expect(await createHealth(createInMemoryWorld()).check()).toEqual({ status: "Healthy" });
  });

  test("names what is down, and looks no further", async () => {
    const world = createInMemoryWorld();

    expect(await createHealth(world, ["queue"]).check()).toEqual({ status: "Unhealthy", down: ["queue"] });
    expect(world.calls).toEqual([]);
  });

  test("names the tables when they answer the probe and not what comes after it", async () => {
    const world = createInMemoryWorld();
    const failing = (error: Error) =>
      createHealth(world, [], { read: () => Promise.reject(error), write: () => Promise.resolve() });

    expect(await failing(dependencyUnavailable("Table storage")).check()).toEqual({
      status: "Unhealthy",
      down: ["tables"],
    });
    await expect(failing(new Error("a fault of ours")).check()).rejects.toThrow("a fault of ours");
    await expect(failing(new Refusal("NotFound", "another refusal")).check()).rejects.toThrow("another refusal");
  });

  test("looks once in five seconds, however many ask", async () => {
    const world = createInMemoryWorld();
    const { check, probe } = createHealth(world, ["tables"]);

    await Promise.all([check(), check()]);
    probe.down = [];
    world.moveClock(4_999);
    expect(await check()).toMatchObject({ status: "Unhealthy" });
    expect(probe.asked).toBe(1);
    world.moveClock(1);
    expect(await check()).toEqual({ status: "Healthy" });
    expect(probe.asked).toBe(2);
  });

  test("tells the age of the oldest activity that the sweep should have logged long ago", async () => {
    const world = createInMemoryWorld();
    world.putPending(pendingSince(1, 180.001));
    world.putPending(pendingSince(2, 599.6));
    world.putPending(pendingSince(3, 10));

    expect(await createHealth(world).check()).toEqual({ status: "Healthy", oldestPendingActivitySeconds: 600 });
    // Storage gives the oldest of each bucket.
    const both = [pendingSince(1, 180.001), pendingSince(2, 599.6)];
    jest.spyOn(world.pending, "list").mockResolvedValue(both);
    expect(await createHealth(world).check()).toMatchObject({ oldestPendingActivitySeconds: 600 });
  });

  test("tells it from three minutes on", async () => {
    const world = createInMemoryWorld();
    world.putPending(pendingSince(1, 180.001));

    expect(await createHealth(world).check()).toEqual({ status: "Healthy", oldestPendingActivitySeconds: 180 });
  });

  test("does not mind activities that have waited for three minutes or less", async () => {
    const world = createInMemoryWorld();
    world.putPending(pendingSince(1, 180));

    expect(await createHealth(world).check()).toEqual({ status: "Healthy" });
  });

  const checkedAt = noon.toISOString();
  const refusal = (reason: string) => ({ reason, message: `of ${reason}`, since: checkedAt });

  test.each([
    [{ isMfaCompliant: true }, "Ready"],
    [{ isMfaCompliant: null }, "Ready"],
    [{ isMfaCompliant: false }, "MfaNotCompliant"],
    [{ isMfaCompliant: false, refusal: refusal("MfaRequired") }, "MfaNotCompliant"],
    [{ isMfaCompliant: true, refusal: refusal("RoleMissing") }, "Refused"],
    [{ isMfaCompliant: false, refusal: refusal("SignInRequired") }, "Refused"],
  ])("tells in one word how Partner Center receives us: %j is %s", async (noted, word) => {
    const world = createInMemoryWorld();
    const { notebook } = createInMemoryCustomers(world);
    await notebook.write("partnerCenter", { checkedAt, askAgainAt: checkedAt, ...noted });

    expect(await createHealth(world, [], notebook).check()).toEqual({ status: "Healthy", partnerCenter: word });
  });

  test("says nothing of a Partner Center that was never asked, or is not called at all", async () => {
    const world = createInMemoryWorld();
    const { notebook } = createInMemoryCustomers(world);

    expect(await createHealth(world, [], notebook).check()).toEqual({ status: "Healthy" });
    expect(await createHealth(world).check()).toEqual({ status: "Healthy" });
  });
});

test("the operators' page is the document, and what lies below it has its own name", async () => {
  const asked: string[] = [];
  const find = createFindUiFile({
    find: async (name) => {
      asked.push(name);
      return undefined;
    },
  });
  for (const path of ["", "main.js", "../main.js"]) expect(await find(path)).toBeUndefined();
  expect(asked).toEqual(["index.html", "main.js", "../main.js"]);
});
