/** Reading the log: whatever is pending, logged or both, it reads as one list, newest first. */

import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Activity } from "../../shared/domain/activity.ts";
import { grantChange } from "../../shared/domain/change.ts";
import type { CustomerId } from "../../shared/domain/identifiers.ts";
import { type CustomerRecord, untouchedCustomer } from "../../shared/domain/permission.ts";
import type { ActivityPosition } from "../../shared/ports.ts";
import { createListActivities, type ListActivities } from "../../shared/use-cases/list-activities.ts";
import { ada, contoso, fabrikam, idOf, noon } from "../fakes/facts.ts";
import { createInMemoryWorld, type InMemoryWorld } from "../fakes/in-memory-world.ts";

type Place = "pending" | "logged" | "both";

/** One change of each customer named, at that second after noon. */
function activitiesOf(steps: readonly { customerId: CustomerId; second: number }[]): Activity[] {
  const records = new Map<CustomerId, CustomerRecord>();
  return steps.map(({ customerId, second }, index) => {
    const before = records.get(customerId) ?? untouchedCustomer(customerId);
    const { record, activity } = grantChange(
      before,
      { customerId, product: "azureReservations", state: before.sequence % 2 === 0 ? "On" : "Off" },
      { changeId: idOf<"change">(index), by: ada, at: secondsAfterNoon(second), requestId: `request ${index}` },
    );
    records.set(customerId, record);
    return activity;
  });
}

function secondsAfterNoon(seconds: number): Date {
  return new Date(noon.getTime() + seconds * 1000);
}

function put(world: InMemoryWorld, activity: Activity, place: Place): void {
  if (place !== "logged") world.putPending(activity);
  if (place !== "pending") world.putLogged(activity);
}

async function readAll(
  list: ListActivities,
  query: Omit<Parameters<ListActivities>[0], "after">,
): Promise<Activity[][]> {
  const pages: Activity[][] = [];
  let after: ActivityPosition | undefined;
  do {
    const page = await list({ ...query, ...(after === undefined ? {} : { after }) });
    pages.push([...page.items]);
    after = page.next;
  } while (after !== undefined && pages.length < 100);
  return pages;
}

const customers = [contoso, fabrikam, idOf<"customer">(0xc)] as const;
const entry = fc.record({
  customerId: fc.constantFrom(...customers),
  second: fc.nat({ max: 4 }),
  place: fc.constantFrom<Place>("pending", "logged", "both"),
});
const bound = fc.option(fc.nat({ max: 5 }).map(secondsAfterNoon), { nil: undefined });

test("every activity in the range is read once, newest first, however it is paged and wherever it is", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(entry, { maxLength: 14 }),
      fc.option(fc.constantFrom(...customers), { nil: undefined }),
      bound,
      bound,
      fc.integer({ min: 1, max: 6 }),
      async (entries, customerId, from, to, limit) => {
        const world = createInMemoryWorld();
        const activities = activitiesOf(entries);
        for (const [index, activity] of activities.entries()) put(world, activity, entries[index]!.place);
        const list = createListActivities(world.pending, world.log);

        const pages = await readAll(list, {
          ...(customerId === undefined ? {} : { customerId }),
          ...(from === undefined ? {} : { from }),
          ...(to === undefined ? {} : { to }),
          limit,
        });

        const wanted = activities
          .filter((activity) => customerId === undefined || activity.customerId === customerId)
          .filter(({ at }) => (from === undefined || new Date(at) >= from) && (to === undefined || new Date(at) < to));
        expect(pages.flat().map(({ id }) => id)).toEqual(newestFirst(wanted).map(({ id }) => id));
        expect(new Set(pages.flat())).toEqual(new Set(wanted));
        for (const page of pages.slice(0, -1)) expect(page).toHaveLength(limit);
        expect(pages).toHaveLength(Math.max(1, Math.ceil(wanted.length / limit)));
      },
    ),
    { numRuns: 300 },
  );
});

/** By time, then by customer, then latest first: written as one sortable text, as the table's keys are. */
function newestFirst(activities: readonly Activity[]): Activity[] {
  const keyOf = ({ at, customerId, sequence }: Activity) =>
    `${9e13 - Date.parse(at)} ${customerId} ${String(999 - sequence).padStart(3, "0")}`;
  return activities.toSorted((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
}

describe("while others write", () => {
  test("an activity that is logged between the two reads is still shown", async () => {
    for (const customerId of [undefined, contoso]) {
      const world = createInMemoryWorld();
      const [activity] = activitiesOf([{ customerId: contoso, second: 0 }]);
      put(world, activity!, "pending");
      world.fate = async (call) => {
        if (call === "log.ofAll" || call === "log.ofCustomer") {
          world.putLogged(activity!);
          await world.pending.remove(activity!);
        }
        return "done" as const;
      };

      const page = await createListActivities(
        world.pending,
        world.log,
      )({
        ...(customerId === undefined ? {} : { customerId }),
        limit: 5,
      });

      expect(page).toEqual({ items: [activity] });
    }
  });

  test("newer activities neither repeat nor drop those of the following pages", async () => {
    const world = createInMemoryWorld();
    const old = activitiesOf([0, 1, 2, 3].map((second) => ({ customerId: contoso, second })));
    for (const activity of old) put(world, activity, "logged");
    const list = createListActivities(world.pending, world.log);

    const first = await list({ limit: 2 });
    const newer = activitiesOf([{ customerId: fabrikam, second: 9 }]);
    put(world, newer[0]!, "pending");
    const second = await list({ limit: 2, after: first.next! });

    expect([...first.items, ...second.items]).toEqual(old.toReversed());
    expect(second).not.toHaveProperty("next");
  });
});

test("a customer's list shows nothing of another customer", async () => {
  const world = createInMemoryWorld();
  const [mine, other] = activitiesOf([
    { customerId: contoso, second: 0 },
    { customerId: fabrikam, second: 0 },
  ]);
  put(world, mine!, "pending");
  put(world, other!, "both");

  const list = createListActivities(world.pending, world.log);

  expect((await list({ customerId: contoso, limit: 5 })).items).toEqual([mine]);
  expect((await list({ customerId: fabrikam, limit: 5 })).items).toEqual([other]);
});

test("nothing is read as an empty page without a next one", async () => {
  const world = createInMemoryWorld();

  expect(await createListActivities(world.pending, world.log)({ limit: 1 })).toEqual({ items: [] });
});

test.each(["pending.list", "log.ofAll"])("nothing is shown rather than half of it when %s fails", async (broken) => {
  const world = createInMemoryWorld();
  world.fate = (call) => (call === broken ? "refused" : "done");

  await expect(createListActivities(world.pending, world.log)({ limit: 1 })).rejects.toMatchObject({
    code: "DependencyUnavailable",
  });
});
