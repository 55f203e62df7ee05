/** Going on with unfinished changes: one when the queue reminds of it, all of them by the minute. */

import { describe, expect, jest, test } from "@jest/globals";
import { beginChange, type Change } from "../../shared/domain/change.ts";
import { untouchedCustomer } from "../../shared/domain/permission.ts";
import { dependencyUnavailable, Refusal } from "../../shared/domain/refusal.ts";
import type { ContinueChange } from "../../shared/use-cases/continue-change.ts";
import { createFollowUpChange, createSweepUnfinishedChanges } from "../../shared/use-cases/follow-up-changes.ts";
import { ada, contoso, idOf, noon } from "../fakes/facts.ts";
import { createInMemoryCustomers } from "../fakes/in-memory-customers.ts";
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
  const minute = 60_000;
  const customerOf = (number: number) => idOf<"customer">(number);

  /** With one change for each of these ages in seconds: of customer 1, 2, 3 … */
  async function start(...ages: number[]) {
    const world = createInMemoryWorld();
    const { notebook, note } = createInMemoryCustomers(world);
    for (const [index, age] of ages.entries()) {
      const customerId = customerOf(index + 1);
      const begun = begunAt(new Date(noon.getTime() - age * 1000), customerId);
      expect(await world.store.commit(await world.store.readCustomer(customerId), begun)).toBe("committed");
    }
    const continueChange = jest.fn<ContinueChange>(async () => undefined);
    const sweep = createSweepUnfinishedChanges({ ...world, notebook }, continueChange);
    /** One run. @returns the customers whose change was continued, by number */
    const run = async () => {
      continueChange.mockClear();
      await sweep();
      return continueChange.mock.calls.map(([customerId]) => Number.parseInt(customerId.slice(-3), 16));
    };
    const left = () => world.events.map(({ measurements }) => measurements);
    return { world, continueChange, sweep, run, left, note: () => note("unfinishedChanges") };
  }

  test("continues those begun more than a minute ago, and leaves the rest to the queue", async () => {
    const { continueChange, sweep, run } = await start(60.001, 60, 3600);

    expect(await run()).toEqual([1, 3]);
    expect(await run()).toEqual([1, 3]);
    await sweep();
    expect(continueChange).toHaveBeenLastCalledWith(customerOf(3), changeId, undefined, expect.any(Function));
  });

  test("asks storage nothing more when there is none", async () => {
    const { world, run } = await start(10);
    const notebook = { read: () => Promise.reject(new Error("asked")), write: async () => undefined };

    expect(await run()).toEqual([]);
    await createSweepUnfinishedChanges({ ...world, notebook }, async () => undefined)();
  });

  test("goes on after a failure, and names every one of them in the end", async () => {
    const { continueChange, sweep } = await start(100, 100, 100, 100, 100);
    const down = new Error("down");
    continueChange.mockImplementation(async (customerId) => {
      if (customerId !== customerOf(2)) throw down;
      return undefined;
    });

    const failure = await sweep().catch((error: unknown) => error);

    expect(failure).toBeInstanceOf(AggregateError);
    expect(failure).toMatchObject({ message: "4 changes could not be continued.", errors: [down, down, down, down] });
    expect(continueChange).toHaveBeenCalledTimes(5);
  });

  test.each([
    ["a fault of ours", new Error("fault")],
    ["a refusal", new Refusal("NotFound", "gone")],
  ])("does not take %s, however often in a row, for a silence of others", async (_, failure) => {
    const { continueChange, sweep, left } = await start(100, 100, 100, 100, 100);
    continueChange.mockRejectedValue(failure);

    await expect(sweep()).rejects.toThrow("5 changes could not be continued.");
    expect(left()).toEqual([]);
  });

  test("continues one after another, so that a slow Partner Center is not pressed", async () => {
    const { continueChange, sweep } = await start(100, 100, 100);
    let running = 0;
    let most = 0;
    continueChange.mockImplementation(async () => {
      most = Math.max(most, ++running);
      await new Promise<void>((go) => setImmediate(go));
      running -= 1;
      return undefined;
    });

    await sweep();

    expect(most).toBe(1);
  });

  test("begins none after four minutes; the next run goes on behind the last one, and round to the first", async () => {
    const { world, continueChange, run, left, note } = await start(100, 100, 100, 100, 100);
    continueChange.mockImplementation(async () => {
      world.moveClock(2 * minute);
      return undefined;
    });

    expect(await run()).toEqual([1, 2]);
    expect(note()).toEqual({ startedAt: noon.toISOString(), position: customerOf(2) });
    expect(await run()).toEqual([3, 4]);
    expect(await run()).toEqual([5, 1]);
    expect(await run()).toEqual([2, 3]);
    expect(left()).toEqual(Array(4).fill({ continued: 2, left: 3 }));
    expect(world.events[0]?.name).toBe("UnfinishedChangesLeft");
  });

  test("finds its place when the change that was the last one has ended meanwhile, or there are none behind", async () => {
    const { world, continueChange, run } = await start(100, 100, 100, 100);
    const slow: ContinueChange = async () => {
      world.moveClock(2 * minute);
      return undefined;
    };
    continueChange.mockImplementation(slow);
    const unfinished = await world.store.listUnfinished(noon);
    const only = (...numbers: number[]) =>
      jest
        .spyOn(world.store, "listUnfinished")
        .mockResolvedValueOnce(
          numbers.flatMap((number) => unfinished.filter(({ customerId }) => customerId === customerOf(number))),
        );

    expect(await run()).toEqual([1, 2]);
    only(4, 1, 3);
    expect(await run()).toEqual([3, 4]);
    only(2, 1, 3);
    expect(await run()).toEqual([1, 2]);
  });

  test("a run that gets to all of them notes nothing", async () => {
    const { world, continueChange, run, left, note } = await start(100, 100);
    continueChange.mockImplementation(async () => {
      world.moveClock(2 * minute);
      return undefined;
    });

    expect(await run()).toEqual([1, 2]);
    expect(note()).toBeUndefined();
    expect(left()).toEqual([]);
  });

  test.each<[string, ContinueChange]>([
    [
      "Partner Center",
      async (_, __, ___, onSilence) => {
        onSilence?.();
        return begunAt(noon).created;
      },
    ],
    ["storage", () => Promise.reject(dependencyUnavailable("Storage"))],
  ])("ends after three without an answer of %s in a row, and the next run tries others", async (_, silent) => {
    const { continueChange, sweep, left, note } = await start(...Array<number>(7).fill(100));
    const tried: unknown[] = [];
    continueChange.mockImplementation(async (...given) => {
      tried.push(given[0]);
      return given[0] === customerOf(2) ? undefined : silent(...given);
    });
    const run = () => sweep().catch((error: unknown) => expect(error).toBeInstanceOf(AggregateError));

    await run();
    expect(tried).toEqual([1, 2, 3, 4, 5].map(customerOf));
    expect(left()).toEqual([{ continued: 5, left: 2 }]);
    expect(note()?.position).toBe(customerOf(5));
    await run();
    expect(tried.slice(5)).toEqual([6, 7, 1].map(customerOf));
  });

  test("fails when it cannot know which are unfinished", async () => {
    const { world, sweep } = await start(100);
    world.fate = () => "refused";

    await expect(sweep()).rejects.toMatchObject({ code: "DependencyUnavailable" });
  });
});
