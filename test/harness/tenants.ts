/** Customers made for one test, and faults that only one of them suffers: so cases can run side by side. */

import {
  type Customer,
  makeAssignment,
  makeCustomer,
  makeSubscription,
  partnerAdminAgents,
  type RoleAssignment,
  roles,
  type Subscription,
  scopes,
} from "../../local/stand-ins/customer.ts";
import { createFaults, type Faults, type FaultsOfServer } from "../../local/stand-ins/faults.ts";
import { guidOf } from "../../local/stand-ins/guid.ts";
import type { StandIn } from "../../local/stand-ins/https-server.ts";
import type { LoggedRequest } from "../../local/stand-ins/request-log.ts";
import type { Product } from "./product.ts";

/** Makes Entra and Azure Resource Manager know a customer from now on. */
export function admit(product: Product, customer: Customer): Customer {
  // The very array that both stand-ins look into.
  (product.arm.customers as Customer[]).push(customer);
  return customer;
}

/** Each subscription with what every real one has: the partner's own Owner and our Reader. No Owner that counts. */
export function makeTenant(name: string, subscriptions: readonly Partial<Subscription>[] = [{}]): Customer {
  const customer = makeCustomer({ name, tenantId: guidOf(`tenant:${name}`) });
  customer.subscriptions = subscriptions.map((wanted, index) =>
    makeSubscription({
      displayName: `${name} ${index + 1}`,
      subscriptionId: guidOf(`subscription:${name} ${index + 1}`),
      ...wanted,
    }),
  );
  for (const subscription of customer.subscriptions) {
    const scope = scopes.subscription(subscription);
    assign(customer, {
      scope,
      roleDefinitionId: roles.reader,
      principalId: customer.application.objectId,
      principalType: "ServicePrincipal",
    });
    assign(customer, { scope, principalId: partnerAdminAgents, principalType: "ForeignGroup" });
  }
  return customer;
}

/** Gives somebody a role: unless told otherwise, the user Priya the Owner role on the first subscription. */
export function assign(customer: Customer, wanted: Partial<RoleAssignment> = {}): RoleAssignment {
  const [first] = customer.subscriptions;
  const assignment = makeAssignment({
    scope: first === undefined ? scopes.root : scopes.subscription(first),
    roleDefinitionId: roles.owner,
    principalId: guidOf(`${customer.name}/Priya`),
    principalType: "User",
    ...wanted,
  });
  customer.roleAssignments.push(assignment);
  return assignment;
}

/** @returns an eligible customer: one subscription, one user who owns it */
export function makeEligibleTenant(name: string): Customer {
  const customer = makeTenant(name);
  assign(customer);
  return customer;
}

const faultsByServer = new WeakMap<Faults, Map<string, FaultsOfServer>>();

/** @returns faults of that server which only requests about one customer's tenant meet */
export function faultsFor(server: StandIn, { tenantId }: Customer): Faults {
  return faultsOf(server, tenantId, tenantOf);
}

/** @returns faults of Partner Center's stand-in which only the calls of one change meet */
export function faultsForChange(server: StandIn, changeId: string): Faults {
  return faultsOf(server, changeId, ({ headers }) => String(headers["ms-correlationid"]));
}

function faultsOf(server: StandIn, key: string, keyOf: (request: LoggedRequest) => string): Faults {
  const all = server.faults as FaultsOfServer;
  let byKey = faultsByServer.get(all);
  if (byKey === undefined) {
    const own = new Map<string, FaultsOfServer>();
    const takeForAll = all.take.bind(all);
    all.take = (request) => own.get(keyOf(request as LoggedRequest))?.take(request) ?? takeForAll(request);
    faultsByServer.set(all, own);
    byKey = own;
  }
  const faults = byKey.get(key) ?? createFaults();
  byKey.set(key, faults);
  return faults;
}

/** @returns the requests that a server got about one customer's tenant, in order */
export function requestsFor(server: StandIn, { tenantId }: Pick<Customer, "tenantId">): LoggedRequest[] {
  return server.requests.entries.filter((request) => tenantOf(request) === tenantId.toLowerCase());
}

/** Entra has the tenant in its path, Azure Resource Manager in the token. */
function tenantOf({ path, headers }: LoggedRequest): string {
  const claims = /^Bearer [^.]+\.([^.]+)\./.exec(headers.authorization ?? "")?.[1];
  const tenant =
    claims === undefined ? path.split("/")[1] : JSON.parse(Buffer.from(claims, "base64url").toString()).tid;
  return String(tenant).toLowerCase();
}
