/** The rules by which the history of the fleet is told: days, what turns a switch, and that order does not matter. */

import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Activity } from "../shared/domain/activity.ts";
import { grantChange } from "../shared/domain/change.ts";
import {
  addTurn,
  dateAfter,
  dayOfTurns,
  lastDates,
  type Turn,
  turnOf,
  walkBack,
} from "../shared/domain/fleet-history.ts";
import { untouchedCustomer } from "../shared/domain/permission.ts";
import { ada, contoso, idOf, noon } from "./fakes/facts.ts";

test("days are those of UTC, over the ends of months and leap years", () => {
  const now = new Date("2028-03-01T00:00:00.000Z");
  expect(lastDates(now, 3)).toEqual(["2028-03-01", "2028-02-29", "2028-02-28"]);
  expect(lastDates(new Date(now.getTime() - 1), 1)).toEqual(["2028-02-29"]);
  expect(dateAfter(new Date("2026-12-31T23:59:59.999Z"))).toBe("2027-01-01");
});

const { activity } = grantChange(
  untouchedCustomer(contoso),
  { customerId: contoso, product: "azureReservations", state: "On" },
  { changeId: idOf<"change">(1), by: ada, at: noon, requestId: "r" },
);
const turned: Turn = { customerId: contoso, product: "azureReservations", sequence: 1, state: "On", isAgain: false };

test.each<[what: string, otherwise: Partial<Activity>, turn: Turn | undefined]>([
  ["that succeeded", {}, turned],
  ["to Off", { operation: "Delete Customer Purchase Permissions" }, { ...turned, state: "Off" }],
  ["that found the switch so", { realigned: true }, { ...turned, isAgain: true }],
  ["that failed", { result: "Failed" }, undefined],
  ["that detected something", { result: "Detected" }, undefined],
  ["of an operation that nobody knows", { operation: "Update" as Activity["operation"] }, undefined],
])("an activity %s", (_, otherwise, turn) => {
  expect(turnOf({ ...activity, ...otherwise })).toEqual(turn);
});

test("in whatever order a day's turns come, they come to the same", () => {
  const turns = fc
    .array(fc.constantFrom("On", "Off"), { minLength: 1, maxLength: 8 })
    .map((states) =>
      states.map(
        (state, index): Turn => ({ ...turned, sequence: index + 1, state, isAgain: state === states[index - 1] }),
      ),
    );
  const shuffled = turns.chain((all) =>
    fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
  );
  fc.assert(
    fc.property(shuffled, ([all, inAnyOrder]) => {
      const day = dayOfTurns();
      for (const turn of inAnyOrder) addTurn(day, turn);

      expect([...day.switches.values()]).toEqual([{ first: all.at(0), last: all.at(-1) }]);
      const walk = walkBack();
      const isOn = Number(all.at(-1)?.state === "On");
      expect(walk.back("2026-03-01", day)).toMatchObject({ customersOn: isOn });
      expect(walk.back("2026-02-28", dayOfTurns())).toMatchObject({ customersOn: Number(all.at(0)?.state === "Off") });
    }),
  );
});
