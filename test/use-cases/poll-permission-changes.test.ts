/** The polling trigger: every activity once, the oldest first, none passed over, with few calls of storage. */

import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Activity } from "../../shared/domain/activity.ts";
import type { CustomerId } from "../../shared/domain/identifiers.ts";
import { isBehind, oldestFirst, type PollCursor } from "../../shared/domain/poll-cursor.ts";
import { createPollPermissionChanges } from "../../shared/use-cases/poll-permission-changes.ts";
import { contoso, fabrikam, noon } from "../fakes/facts.ts";
import { createInMemoryWorld, type InMemoryWorld } from "../fakes/in-memory-world.ts";

const timeOf = (milliseconds: number) => new Date(noon.getTime() + milliseconds).toISOString();

function activityOf(at: number, sequence: number, customerId: CustomerId = contoso): Activity {
  return { id: `${customerId}-${sequence}`, at: timeOf(at), sequence, customerId } as Activity;
}

/** Asks until there is nothing more. */
async function walk(world: InMemoryWorld, start: PollCursor, customerId?: CustomerId) {
  const poll = createPollPermissionChanges(world.pending, world.log, world.clock);
  const told: Activity[] = [];
  let most = 0;
  for (let cursor = start; ; ) {
    const before = world.calls.length;
    const answer = await poll({ cursor, ...(customerId === undefined ? {} : { customerId }) });
    most = Math.max(most, world.calls.length - before);
    if (answer.activity === undefined) {
      expect(answer).toEqual({ cursor, isMore: false });
      return { told, most };
    }
    told.push(answer.activity);
    if (!answer.isMore) {
      const next = await poll({ cursor: answer.cursor, ...(customerId === undefined ? {} : { customerId }) });
      expect(next.activity).toBeUndefined();
    }
    cursor = answer.cursor;
  }
}

const second = 1000;
const day = 24 * 60 * 60 * second;

describe("asked for changes", () => {
  test("without a state it says from when on, and reads nothing", async () => {
    const world = createInMemoryWorld();
    const poll = createPollPermissionChanges(world.pending, world.log, world.clock);
    expect(await poll({})).toEqual({ cursor: { at: noon.toISOString() }, isMore: false });
    expect(await poll({ cursor: { at: noon.toISOString() } })).toMatchObject({ isMore: false });
    expect(world.calls).toEqual([]);
  });

  test("it tells what is half a minute old, and not before", async () => {
    const world = createInMemoryWorld();
    world.putLogged(activityOf(5, 1));
    const poll = createPollPermissionChanges(world.pending, world.log, world.clock);
    world.moveClock(30 * second + 5);
    expect((await poll({ cursor: { at: timeOf(0) } })).activity).toBeUndefined();
    world.moveClock(1);
    expect(await poll({ cursor: { at: timeOf(0) } })).toEqual({
      activity: activityOf(5, 1),
      cursor: { at: timeOf(5), customerId: contoso, sequence: 1 },
      isMore: false,
    });
  });

  test("what happened up to the time of the first call is not told", async () => {
    const world = createInMemoryWorld();
    world.putLogged(activityOf(0, 1));
    world.moveClock(day);
    expect((await walk(world, { at: timeOf(0) })).told).toEqual([]);
    expect((await walk(world, { at: timeOf(-1) })).told).toHaveLength(1);
  });

  test("it tells what is pending in its place, and what is in both places once", async () => {
    const world = createInMemoryWorld();
    for (const at of [10, 30]) world.putLogged(activityOf(at, at));
    for (const at of [20, 30]) world.putPending(activityOf(at, at));
    world.putPending(activityOf(15, 1, fabrikam));
    world.moveClock(day);
    const start = { at: timeOf(0) };
    expect((await walk(world, start)).told.map(({ sequence }) => sequence)).toEqual([10, 1, 20, 30]);
    expect((await walk(world, start, contoso)).told.map(({ sequence }) => sequence)).toEqual([10, 20, 30]);
  });

  test("many in one millisecond are told one by one", async () => {
    const world = createInMemoryWorld();
    const all = Array.from({ length: 130 }, (_, index) => activityOf(7, index + 1, index % 2 ? contoso : fabrikam));
    for (const activity of all) world.putLogged(activity);
    world.putLogged(activityOf(8, 500));
    world.moveClock(day);
    const { told } = await walk(world, { at: timeOf(0) });
    expect(told.map(({ id }) => id)).toEqual([...all, activityOf(8, 500)].sort(oldestFirst).map(({ id }) => id));
    expect((await walk(world, { at: timeOf(0) }, contoso)).told).toHaveLength(66);
  });

  test("every activity is told once and in order, wherever in time they are, with few calls", async () => {
    const place = fc.tuple(
      fc.oneof(fc.integer({ min: 1, max: 90 * day }), fc.integer({ min: 1, max: 5000 })),
      fc.boolean(),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(place, { minLength: 1, maxLength: 120 }), async (places) => {
        const world = createInMemoryWorld();
        const times = [...places].sort(([one], [other]) => one - other);
        const sequences = { [contoso]: 0, [fabrikam]: 0 };
        const all = times.map(([at, isContoso]) => {
          const customerId = isContoso ? contoso : fabrikam;
          sequences[customerId] = (sequences[customerId] ?? 0) + 1;
          return activityOf(at, sequences[customerId] ?? 0, customerId);
        });
        for (const activity of all) world.putLogged(activity);
        world.moveClock(91 * day);
        const { told, most } = await walk(world, { at: timeOf(0) });
        expect(told.map(({ id }) => id)).toEqual([...all].sort(oldestFirst).map(({ id }) => id));
        expect(most).toBeLessThan(40);
        const own = await walk(world, { at: timeOf(0) }, contoso);
        expect(own.told).toEqual(all.filter(({ customerId }) => customerId === contoso));
      }),
      { numRuns: 30 },
    );
  });
});

test("the order is total, and a cursor without an activity is behind its whole time", () => {
  const one = activityOf(1, 1, contoso);
  const other = activityOf(1, 1, fabrikam);
  expect([oldestFirst(one, other) > 0, oldestFirst(other, one) < 0, oldestFirst(one, one)]).toEqual([true, true, 0]);
  expect(isBehind({ at: timeOf(1) }, one)).toBe(false);
  expect(isBehind({ at: timeOf(1), customerId: contoso }, one)).toBe(false);
  expect(isBehind({ at: timeOf(1), customerId: contoso, sequence: 1 }, activityOf(1, 2, contoso))).toBe(true);
});
