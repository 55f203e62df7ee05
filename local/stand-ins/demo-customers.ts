/**
 * Ten customers of the demo partner, one for every outcome of the eligibility check. The names are Microsoft's fictitious
 * companies. Ids are chosen to be recognised: c0000001-… is the first customer's tenant, 50000001-… its subscription.
 */

import {
  type Customer,
  makeAssignment,
  makeCustomer,
  makeSubscription,
  partnerAdminAgents,
  roles,
  type Subscription,
  scopes,
} from "./customer.ts";
import type { CustomerApplication } from "./entra.ts";
import { guidOf } from "./guid.ts";

export const partnerTenantId = "11111111-1111-4111-8111-111111111111";
/** The API's application (client) id. */
export const apiAudience = "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa";
export const customerAppClientId = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb";
/** No secret at all: it opens nothing but the stand-in. */
export const customerAppSecret = "only-for-the-local-stand-in";

export interface DemoCustomer {
  readonly customer: Customer;
  /** What `PUT {"state":"On"}` will be answered, for the table that `npm start` prints. */
  readonly outcome: string;
}

export function demoApplication(): CustomerApplication {
  return {
    clientId: customerAppClientId,
    name: "Customer purchase permissions",
    secret: customerAppSecret,
    secretExpired: false,
    homeTenantId: partnerTenantId,
    federatedSubject: undefined,
  };
}

/** Fresh objects on every call, so that a test may change them. */
export function makeDemoCustomers(): DemoCustomer[] {
  const contoso = tenant("Contoso", 1);
  const fabrikam = tenant("Fabrikam", 2);
  const adatum = tenant("Adatum", 3);
  const northwind = tenant("Northwind Traders", 4);
  const tailspin = tenant("Tailspin Toys", 5);
  const wingtip = tenant("Wingtip Toys", 6);
  const litware = tenant("Litware", 7);
  const proseware = tenant("Proseware", 8);
  const woodgrove = tenant("Woodgrove Bank", 9);
  const relecloud = tenant("Relecloud", 10);

  contoso.subscription({});
  contoso.owner("Priya", scopes.subscription(contoso.subscriptionAt(0)));

  fabrikam.subscription({ displayName: "Fabrikam Development", quotaId: "CSPDEVTEST_2018-05-01" });
  fabrikam.subscription({ displayName: "Fabrikam Production" });
  fabrikam.owner("Jonas", scopes.subscription(fabrikam.subscriptionAt(1)));

  adatum.subscription({});

  northwind.subscription({ soldAs: "azureGlobal" });
  northwind.owner("Cloud platform team", scopes.subscription(northwind.subscriptionAt(0)), "Group");

  tailspin.subscription({ managementGroups: ["tailspin-production", tailspin.customer.tenantId] });
  tailspin.owner("Mei", scopes.managementGroup("tailspin-production"));

  wingtip.subscription({ state: "Disabled" });
  wingtip.owner("Luis", scopes.subscription(wingtip.subscriptionAt(0)));

  litware.subscription({ displayName: "Litware pay-as-you-go", quotaId: "PayAsYouGo_2014-09-01" });
  litware.owner("Aisha", scopes.subscription(litware.subscriptionAt(0)));

  proseware.customer.application.consent = "missing";
  proseware.subscription({});
  proseware.owner("Tomas", scopes.subscription(proseware.subscriptionAt(0)));

  woodgrove.subscription({});
  woodgrove.owner("Hana", scopes.subscription(woodgrove.subscriptionAt(0)));
  woodgrove.withoutReader();

  relecloud.customer.hasPim = true;
  relecloud.subscription({});
  relecloud.eligibleOwner("Noor", scopes.subscription(relecloud.subscriptionAt(0)));

  return [
    { customer: contoso.customer, outcome: "On: a user is Owner" },
    { customer: fabrikam.customer, outcome: "On: Owner on the second of two subscriptions" },
    { customer: adatum.customer, outcome: "refused: the only Owner is the partner itself" },
    { customer: northwind.customer, outcome: "On: a group is Owner, sold as Azure Global" },
    { customer: tailspin.customer, outcome: "On: Owner inherited from a management group" },
    { customer: wingtip.customer, outcome: "refused: the subscription is disabled" },
    { customer: litware.customer, outcome: "refused: pay-as-you-go, not bought from a partner" },
    { customer: proseware.customer, outcome: "cannot tell: nobody consented to our application" },
    { customer: woodgrove.customer, outcome: "cannot tell: our application has no Reader role" },
    { customer: relecloud.customer, outcome: "refused: Owner is eligible (PIM), not active" },
  ];
}

function tenant(name: string, number: number) {
  const digits = number.toString().padStart(7, "0");
  const customer = makeCustomer({
    name,
    tenantId: `c${digits}-0000-4000-8000-${digits.padStart(12, "0")}`,
  });
  const person = (who: string) => guidOf(`${name}/${who}`);

  return {
    customer,
    /** With what is found in every real tenant: the partner's own Owner, our Reader, a Contributor, an Owner further down. */
    subscription(wanted: Partial<Subscription>): void {
      const count = customer.subscriptions.length + 1;
      const made = makeSubscription({
        displayName: name,
        subscriptionId: `5${digits}-${count.toString().padStart(4, "0")}-4000-8000-${digits.padStart(12, "0")}`,
        ...wanted,
      });
      customer.subscriptions.push(made);
      const scope = scopes.subscription(made);
      const add = (roleDefinitionId: string, principalId: string, principalType: string, at = scope) =>
        customer.roleAssignments.push(makeAssignment({ scope: at, roleDefinitionId, principalId, principalType }));
      if (made.quotaId.startsWith("CSP")) add(roles.owner, partnerAdminAgents, "ForeignGroup");
      add(roles.reader, customer.application.objectId, "ServicePrincipal");
      add(roles.contributor, person("Sam, who deploys"), "User");
      add(roles.owner, person("build pipeline"), "ServicePrincipal");
      add(roles.owner, person("Kim, who owns one resource group"), "User", scopes.resourceGroup(made, "web"));
    },
    subscriptionAt(index: number): Subscription {
      const found = customer.subscriptions[index];
      if (found === undefined) throw new Error(`${name} has no subscription number ${index + 1}.`);
      return found;
    },
    owner(who: string, scope: string, principalType: "User" | "Group" = "User"): void {
      const principalId = person(who);
      customer.roleAssignments.push(
        makeAssignment({ scope, roleDefinitionId: roles.owner, principalId, principalType }),
      );
      if (principalType === "Group") customer.groups[principalId] = [person(`member of ${who}`)];
    },
    eligibleOwner(who: string, scope: string): void {
      customer.eligibleRoles.push(
        makeAssignment({ scope, roleDefinitionId: roles.owner, principalId: person(who), principalType: "User" }),
      );
    },
    withoutReader(): void {
      const { objectId } = customer.application;
      customer.roleAssignments = customer.roleAssignments.filter(({ principalId }) => principalId !== objectId);
    },
  };
}
