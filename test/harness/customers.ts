/** Customers for tests that need many: each with one subscription and one Owner, so a switch to On is granted. */

import {
  type Customer,
  makeAssignment,
  makeCustomer,
  makeSubscription,
  roles,
  scopes,
} from "../../local/stand-ins/customer.ts";
import type { DemoCustomer } from "../../local/stand-ins/demo-customers.ts";
import { guidOf } from "../../local/stand-ins/guid.ts";

export function makeEligibleCustomers(count: number): DemoCustomer[] {
  return Array.from({ length: count }, (_, index) => ({
    customer: eligibleCustomer(`Eligible ${index + 1}`),
    outcome: "On: a user is Owner",
  }));
}

function eligibleCustomer(name: string): Customer {
  const customer = makeCustomer({ name });
  const subscription = makeSubscription({ displayName: name });
  const scope = scopes.subscription(subscription);
  customer.subscriptions.push(subscription);
  customer.roleAssignments.push(
    makeAssignment({
      scope,
      roleDefinitionId: roles.reader,
      principalId: customer.application.objectId,
      principalType: "ServicePrincipal",
    }),
    makeAssignment({
      scope,
      roleDefinitionId: roles.owner,
      principalId: guidOf(`owner of ${name}`),
      principalType: "User",
    }),
  );
  return customer;
}

/** Hands out customers one by one: no two tests share one. */
export function oneByOne(customers: readonly DemoCustomer[]): () => string {
  const rest = [...customers];
  return () => {
    const next = rest.shift();
    if (next === undefined) throw new Error("All customers of this file are taken: make more.");
    return next.customer.tenantId;
  };
}
