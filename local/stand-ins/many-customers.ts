/** Customers by the thousand, each with an Azure plan, one subscription and an Owner, for sweeps and paging. */

import { type Customer, makeAssignment, makeCustomer, makeSubscription, roles, scopes } from "./customer.ts";
import { guidOf } from "./guid.ts";

/** Customer 17 is the same in every run; every hundredth was sold "Azure Global" instead of a plan. */
export function makeManyCustomers(count: number): Customer[] {
  return Array.from({ length: count }, (_, index) => {
    const number = String(index + 1).padStart(7, "0");
    const customer = makeCustomer({
      name: `Customer ${number}`,
      tenantId: `d${number}-0000-4000-8000-${number.padStart(12, "0")}`,
    });
    const subscription = makeSubscription({
      displayName: `Subscription ${number}`,
      subscriptionId: `6${number}-0001-4000-8000-${number.padStart(12, "0")}`,
      ...((index + 1) % 100 === 0 ? { soldAs: "azureGlobal" } : {}),
    });
    const scope = scopes.subscription(subscription);
    customer.subscriptions.push(subscription);
    customer.roleAssignments.push(
      makeAssignment({
        ...{ scope, roleDefinitionId: roles.reader, principalType: "ServicePrincipal" },
        principalId: customer.application.objectId,
      }),
      makeAssignment({
        ...{ scope, roleDefinitionId: roles.owner, principalType: "User" },
        principalId: guidOf(`Owner of ${number}`),
      }),
    );
    return customer;
  });
}
