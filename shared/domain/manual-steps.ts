/**
 * What an operator does in Partner Center's portal so that a change comes to be, where nobody else moves the switch. It
 * is derived from the change and never stored, so the words can follow the portal.
 * https://learn.microsoft.com/partner-center/customers/give-customers-permission
 */

import type { Change } from "./change.ts";
import type { Product } from "./permission.ts";

export interface ManualSteps {
  /** In the order in which they are done. */
  readonly steps: readonly string[];
  /** The customer's Account page in Partner Center. */
  readonly link: string;
  /** When the change is given up if nobody has moved the switch. RFC 3339 UTC. */
  readonly expiresAt: string;
}

/** As the portal writes them. */
const headingOf = {
  azureReservations: "Azure reservations",
  azureSavingsPlans: "Azure savings plans",
} as const satisfies Record<Product, string>;

/** @returns undefined when there is nothing to be done: the change has ended, or we move the switch ourselves */
export function manualStepsOf({ at, intent }: Change, hours: number | undefined): ManualSteps | undefined {
  if (intent === undefined || hours === undefined) return undefined;
  const { customerId, product, state } = intent.wish;
  const { alsoOff } = intent;
  const expiresAt = new Date(Date.parse(at) + hours * 60 * 60 * 1000).toISOString();
  // An On that nobody waits for any more would cost the partner money, and no record would say so.
  const tooLate = {
    On: `Do not turn it On after ${expiresAt}: ask for the change again instead.`,
    Off: "If it is Off already, leave it there.",
  };
  return {
    steps: [
      "Sign in to the Partner Center dashboard as an Admin Agent.",
      `Select Customers, then the customer whose Microsoft ID is ${customerId}.`,
      "Select Account from the customer menu.",
      "Locate the Customer permissions area at the bottom of the page.",
      `Under ${headingOf[product]}, move the switch next to Allow customer to purchase to the ${state} position. ${tooLate[state]}`,
      ...(alsoOff === undefined
        ? []
        : [
            `Under ${headingOf[alsoOff]}, see that the switch is in the Off position: it is not to be turned On any more.`,
          ]),
      "Wait for the confirmation: Partner Center is looked at every minute, and this operation ends as Succeeded when it shows the switch there.",
    ],
    link: `https://partner.microsoft.com/dashboard/v2/customers/${customerId}/account`,
    expiresAt,
  };
}
