/** From "pending" into the log: repeated, interrupted or forged, the log holds each activity once and as committed. */

import { describe, expect, test } from "@jest/globals";
import type { Activity } from "../../shared/domain/activity.ts";
import { grantChange } from "../../shared/domain/change.ts";
import { untouchedCustomer } from "../../shared/domain/permission.ts";
import { createLogPendingActivity, createRecordActivity } from "../../shared/use-cases/record-activity.ts";
import { ada, contoso, fabrikam, idOf, noon } from "../fakes/facts.ts";
import { nobodyListens } from "../fakes/in-memory-webhooks.ts";
import { type Call, createInMemoryWorld, type Fate, type InMemoryWorld } from "../fakes/in-memory-world.ts";

function activityOf(reason: string, customerId = contoso): Activity {
  return grantChange(
    untouchedCustomer(customerId),
    { customerId, product: "azureReservations", state: "On", reason },
    { changeId: idOf<"change">(1), by: ada, at: noon, requestId: "request-1" },
  ).activity;
}

const activity = activityOf("wanted");
const twin = activityOf("another entry in the same place");

function createRecorder(world: InMemoryWorld) {
  return createRecordActivity(
    world.pending,
    world.log,
    createLogPendingActivity(world.pending, world.log, world.telemetry, nobodyListens),
  );
}

test("a message takes its activity into the log, then into the list over all, and removes the pending one last", async () => {
  const world = createInMemoryWorld();
  world.putPending(activity);

  await createRecorder(world)(activity);

  expect(world.calls).toEqual(["pending.find", "log.insert", "log.index", "pending.remove"]);
  expect(world.loggedOf(contoso)).toEqual([activity]);
  expect(await world.log.ofAll({ limit: 5 })).toEqual([activity]);
  expect(world.pendingOf(contoso)).toEqual([]);
  expect(world.events).toEqual([
    {
      name: "ActivityRecorded",
      properties: {
        id: `${contoso}-1`,
        customerId: contoso,
        product: "azureReservations",
        operation: "Create Customer Purchase Permissions",
        result: "Succeeded",
        changeId: idOf(1),
        requestId: "request-1",
      },
    },
  ]);
});

test("the pending activity is the truth, not the message", async () => {
  const world = createInMemoryWorld();
  world.putPending(activity);

  await createRecorder(world)({ ...activity, reason: "forged", hash: "forged" } as Activity);

  expect(world.loggedOf(contoso)).toEqual([activity]);
});

test("only the activity that the message points at is recorded", async () => {
  const world = createInMemoryWorld();
  const other = activityOf("wanted", fabrikam);
  world.putPending(activity);
  world.putPending(other);

  await createRecorder(world)(other);

  expect(world.pendingOf(contoso)).toEqual([activity]);
  expect(world.loggedOf(contoso)).toEqual([]);
  expect(world.loggedOf(fabrikam)).toEqual([other]);
});

describe("a message without a pending activity", () => {
  test("is a duplicate when the log has that entry: nothing is done", async () => {
    const world = createInMemoryWorld();
    world.putLogged(activity);

    await createRecorder(world)(activity);

    expect(world.calls).toEqual(["pending.find", "log.find"]);
    expect(world.events).toEqual([]);
  });

  test("is not ours when the log has no entry there: the log invents nothing", async () => {
    const world = createInMemoryWorld();

    await expect(createRecorder(world)(activity)).rejects.toThrow(
      `Activity ${contoso}-1 is neither pending nor logged: the message is not ours.`,
    );
    expect(world.loggedOf(contoso)).toEqual([]);
  });

  test("is not ours when the log has another entry there", async () => {
    const world = createInMemoryWorld();
    world.putLogged(twin);

    await expect(createRecorder(world)(activity)).rejects.toThrow(
      `Activity ${contoso}-1 is logged with another hash: the message is not ours.`,
    );
    expect(world.loggedOf(contoso)).toEqual([twin]);
  });
});

describe("a log that holds another entry in that place", () => {
  test("raises the alarm, keeps what it has, and the pending activity is not lost", async () => {
    const world = createInMemoryWorld();
    world.putPending(activity);
    world.putLogged(twin);

    await expect(createRecorder(world)(activity)).rejects.toThrow(
      `The log holds another entry in the place of activity ${contoso}-1.`,
    );

    expect(world.events).toEqual([
      { name: "ActivityLogForked", properties: { id: activity.id, hash: activity.hash, loggedHash: twin.hash } },
    ]);
    expect(world.loggedOf(contoso)).toEqual([twin]);
    expect(world.pendingOf(contoso)).toEqual([activity]);
    expect(world.calls).not.toContain("log.index");
  });

  test("and loses it before it can be read raises the alarm too", async () => {
    const world = createInMemoryWorld();
    const log = { ...world.log, insert: async () => "exists" as const };

    await expect(
      createLogPendingActivity(world.pending, log, world.telemetry, nobodyListens)(activity),
    ).rejects.toThrow(/another entry/);
    expect(world.events).toMatchObject([{ name: "ActivityLogForked", properties: { loggedHash: "undefined" } }]);
  });
});

describe("an interruption at", () => {
  const steps: Call[] = ["pending.find", "log.insert", "log.index", "pending.remove"];
  const fates: Fate[] = ["refused", "requestLost", "replyLost"];

  test.each(steps.flatMap((step) => fates.map((fate) => [step, fate] as const)))(
    "%s (%s) is healed by the next delivery, and nothing is logged twice",
    async (step, fate) => {
      const world = createInMemoryWorld();
      world.putPending(activity);
      const record = createRecorder(world);

      world.fate = (call) => (call === step ? fate : "done");
      await expect(record(activity)).rejects.toThrow("Storage is unavailable.");
      expect([...world.pendingOf(contoso), ...world.loggedOf(contoso)]).toContainEqual(activity);
      world.fate = () => "done";
      await record(activity);

      expect(world.loggedOf(contoso)).toEqual([activity]);
      expect(await world.log.ofAll({ limit: 5 })).toEqual([activity]);
      expect(world.pendingOf(contoso)).toEqual([]);
    },
  );
});

test("two deliveries at the same time log the activity once", async () => {
  const world = createInMemoryWorld();
  world.putPending(activity);
  const record = createRecorder(world);

  await Promise.all([record(activity), record(activity)]);

  expect(world.loggedOf(contoso)).toEqual([activity]);
  expect(world.pendingOf(contoso)).toEqual([]);
});
