/** Going on with unfinished changes: one when the queue reminds of it, all of them by the minute. */

import { describe, expect, jest, test } from "@jest/globals";
import { beginChange, type Change } from "../../shared/domain/change.ts";
import { untouchedCustomer } from "../../shared/domain/permission.ts";
import type { ContinueChange } from "../../shared/use-cases/continue-change.ts";
import { createFollowUpChange, createSweepUnfinishedChanges } from "../../shared/use-cases/follow-up-changes.ts";
import { ada, contoso, fabrikam, idOf, noon } from "../fakes/facts.ts";
import { createInMemoryWorld, type InMemoryWorld } from "../fakes/in-memory-world.ts";

const changeId = idOf<"change">(1);

function begunAt(at: Date, customerId = contoso) {
  return beginChange(
    untouchedCustomer(customerId),
    { customerId, product: "azureReservations", state: "On" },
    { changeId, by: ada, at, requestId: "r" },
  );
}

describe("a reminder", () => {
  const remind = (world: InMemoryWorld, change: Change | undefined) => {
    const continueChange = jest.fn<ContinueChange>(async () => change);
    const followUp = createFollowUpChange(continueChange, world.changes, world.clock);
    return { continueChange, done: followUp({ customerId: contoso, changeId }) };
  };

  test.each([
    [0, 5],
    [10, 5],
    [13, 7],
    [60, 30],
    [240, 120],
    [800, 120],
  ])("of a change that has been running for %i seconds is followed by one in %i seconds", async (age, pause) => {
    const world = createInMemoryWorld();
    const { continueChange, done } = remind(world, begunAt(new Date(noon.getTime() - age * 1000)).created);
    await done;

    expect(continueChange.mock.calls).toEqual([[contoso, changeId]]);
    expect(world.reminders).toEqual([{ change: { customerId: contoso, changeId }, afterSeconds: pause }]);
  });

  test.each<[string, Change | undefined]>([
    ["has succeeded", { ...begunAt(noon).created, status: "Succeeded" }],
    ["has failed", { ...begunAt(noon).created, status: "Failed" }],
    ["was cancelled", { ...begunAt(noon).created, status: "Canceled" }],
    ["is forgotten", undefined],
  ])("of a change that %s is the last one", async (_, change) => {
    const world = createInMemoryWorld();
    await remind(world, change).done;

    expect(world.calls).toEqual([]);
  });

  test("of a change that the sweep of the minute follows is the last one, and continues it", async () => {
    const world = createInMemoryWorld();
    const continueChange = jest.fn<ContinueChange>(async () => begunAt(noon).created);

    await createFollowUpChange(continueChange, undefined, world.clock)({ customerId: contoso, changeId });

    expect(continueChange.mock.calls).toEqual([[contoso, changeId]]);
    expect(world.calls).toEqual([]);
  });

  test("fails when the next one could not be queued, so that it is delivered again", async () => {
    const world = createInMemoryWorld();
    world.fate = () => "refused";

    await expect(remind(world, begunAt(noon).created).done).rejects.toMatchObject({ code: "DependencyUnavailable" });
  });

  test("fails when the change could not be continued", async () => {
    const world = createInMemoryWorld();
    const followUp = createFollowUpChange(() => Promise.reject(new Error("down")), world.changes, world.clock);

    await expect(followUp({ customerId: contoso, changeId })).rejects.toThrow("down");
    expect(world.reminders).toEqual([]);
  });
});

describe("the sweep of unfinished changes", () => {
  const proxima = idOf<"customer">(0xc);

  async function putUnfinished(world: InMemoryWorld, customerId: typeof contoso, secondsBeforeNoon: number) {
    const begun = begunAt(new Date(noon.getTime() - secondsBeforeNoon * 1000), customerId);
    expect(await world.store.commit(await world.store.readCustomer(customerId), begun)).toBe("committed");
  }

  test("continues those begun more than a minute ago, and leaves the rest to the queue", async () => {
    const world = createInMemoryWorld();
    await putUnfinished(world, contoso, 60.001);
    await putUnfinished(world, fabrikam, 60);
    await putUnfinished(world, proxima, 3600);
    const continueChange = jest.fn<ContinueChange>(async () => undefined);

    await createSweepUnfinishedChanges(world.store, continueChange, world.clock)();

    expect(continueChange.mock.calls).toEqual([
      [contoso, changeId],
      [proxima, changeId],
    ]);
  });

  test("goes on after a failure, and names every one of them in the end", async () => {
    const world = createInMemoryWorld();
    for (const customerId of [contoso, fabrikam, proxima]) await putUnfinished(world, customerId, 100);
    const down = new Error("down");
    const continueChange = jest.fn<ContinueChange>(async (customerId) => {
      if (customerId !== fabrikam) throw down;
      return undefined;
    });

    const failure = await createSweepUnfinishedChanges(world.store, continueChange, world.clock)().catch(
      (error: unknown) => error,
    );

    expect(failure).toBeInstanceOf(AggregateError);
    expect(failure).toMatchObject({ message: "2 changes could not be continued.", errors: [down, down] });
    expect(continueChange).toHaveBeenCalledTimes(3);
  });

  test("continues one after another, so that a slow Partner Center is not pressed", async () => {
    const world = createInMemoryWorld();
    for (const customerId of [contoso, fabrikam, proxima]) await putUnfinished(world, customerId, 100);
    let running = 0;
    let most = 0;
    const continueChange: ContinueChange = async () => {
      most = Math.max(most, ++running);
      await new Promise<void>((go) => setImmediate(go));
      running -= 1;
      return undefined;
    };

    await createSweepUnfinishedChanges(world.store, continueChange, world.clock)();

    expect(most).toBe(1);
  });

  test("fails when it cannot know which are unfinished", async () => {
    const world = createInMemoryWorld();
    world.fate = () => "refused";
    const sweep = createSweepUnfinishedChanges(world.store, async () => undefined, world.clock);

    await expect(sweep()).rejects.toMatchObject({ code: "DependencyUnavailable" });
  });
});
