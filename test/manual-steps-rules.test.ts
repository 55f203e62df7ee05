/** What an operator is told to do in Partner Center's portal, in the words of the portal. */

import { describe, expect, test } from "@jest/globals";
import { beginChange, finishChange, type Wish } from "../shared/domain/change.ts";
import { manualStepsOf } from "../shared/domain/manual-steps.ts";
import { untouchedCustomer } from "../shared/domain/permission.ts";
import { ada, contoso, idOf, noon } from "./fakes/facts.ts";

const record = untouchedCustomer(contoso);
const begin = (wish: Pick<Wish, "product" | "state">) =>
  beginChange(
    record,
    { customerId: contoso, ...wish },
    { changeId: idOf<"change">(1), by: ada, at: noon, requestId: "r" },
  ).created;
const nextNoon = new Date(noon.getTime() + 24 * 60 * 60 * 1000).toISOString();

describe("the steps", () => {
  test("lead from the sign-in to the switch, and to the confirmation", () => {
    expect(manualStepsOf(begin({ product: "azureReservations", state: "On" }), 24)).toEqual({
      steps: [
        "Sign in to the Partner Center dashboard as an Admin Agent.",
        `Select Customers, then the customer whose Microsoft ID is ${contoso}.`,
        "Select Account from the customer menu.",
        "Locate the Customer permissions area at the bottom of the page.",
        `Under Azure reservations, move the switch next to Allow customer to purchase to the On position. Do not turn it On after ${nextNoon}: ask for the change again instead.`,
        "Wait for the confirmation: Partner Center is looked at every minute, and this operation ends as Succeeded when it shows the switch there.",
      ],
      link: `https://partner.microsoft.com/dashboard/v2/customers/${contoso}/account`,
      expiresAt: nextNoon,
    });
  });

  test.each([
    ["azureReservations", "On", "Under Azure reservations, ", "to the On position. Do not turn it On after "],
    ["azureReservations", "Off", "Under Azure reservations, ", "to the Off position. If it is Off already, leave it"],
    ["azureSavingsPlans", "On", "Under Azure savings plans, ", "to the On position. Do not turn it On after "],
    ["azureSavingsPlans", "Off", "Under Azure savings plans, ", "to the Off position. If it is Off already, leave it"],
  ] as const)("name the heading and the position (%s %s)", (product, state, heading, position) => {
    const [, , , , move] = manualStepsOf(begin({ product, state }), 24)?.steps ?? [];

    expect(move).toContain(heading);
    expect(move).toContain(position);
  });

  test.each([
    [1, "2026-11-02T13:00:00.000Z"],
    [720, "2026-12-02T12:00:00.000Z"],
  ])("are good for as long as the change waits (%i hours)", (hours, expiresAt) => {
    const at = new Date("2026-11-02T12:00:00.000Z").toISOString();
    const begun = { ...begin({ product: "azureReservations", state: "On" }), at };

    expect(manualStepsOf(begun, hours)?.expiresAt).toBe(expiresAt);
  });

  test("have the other switch Off as well, when the change has overtaken an On of it", () => {
    const stuck = beginChange(
      record,
      { customerId: contoso, product: "azureSavingsPlans", state: "On" },
      { changeId: idOf<"change">(2), by: ada, at: noon, requestId: "r" },
    );
    const { created } = beginChange(
      stuck.record,
      { customerId: contoso, product: "azureReservations", state: "Off" },
      { changeId: idOf<"change">(1), by: ada, at: noon, requestId: "r" },
      stuck.created,
    );

    expect(manualStepsOf(created, 24)?.steps).toContain(
      "Under Azure savings plans, see that the switch is in the Off position: it is not to be turned On any more.",
    );
    expect(manualStepsOf(created, 24)?.steps).toHaveLength(7);
  });

  test("are none when we move the switch ourselves, and none once the change has ended", () => {
    const running = begin({ product: "azureReservations", state: "On" });
    const { updated } = finishChange({ ...record, sequence: 0 }, running, noon, undefined);

    expect(manualStepsOf(running, undefined)).toBeUndefined();
    expect(manualStepsOf(updated, 24)).toBeUndefined();
  });
});
