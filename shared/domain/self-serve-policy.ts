/**
 * The self-serve policy: what Partner Center keeps about a customer instead of two switches. There is one
 * policy per partner and customer, it lists what the customer may buy, and no policy means nothing at all.
 */

import type { OperationType } from "./activity.ts";
import type { PermissionState, Product } from "./permission.ts";

/** One line of a policy. Others than ours are somebody else's and are kept as they are. */
export interface PolicyPermission {
  readonly resource: string;
  readonly action: string;
}

/** A policy as Partner Center reported it. */
export interface SelfServePolicy {
  readonly id: string;
  /** Temporary: good for one update right after it was read. */
  readonly etag: string;
  readonly permissions: readonly PolicyPermission[];
}

/** Partner Center's names of our products; https://learn.microsoft.com/partner-center/developer/self-serve-policy-resources */
export const resourceOf = {
  azureReservations: "AzureReservedInstances",
  azureSavingsPlans: "AzureSavingsPlan",
} as const satisfies Record<Product, string>;

/** What has to be done so that a policy says what it shall. */
export type PolicyMove =
  | { readonly kind: "none" }
  | { readonly kind: "create"; readonly permissions: readonly PolicyPermission[] }
  | { readonly kind: "replace"; readonly policy: SelfServePolicy; readonly permissions: readonly PolicyPermission[] }
  | { readonly kind: "remove"; readonly policy: SelfServePolicy };

/** In the words of Partner Center's audit records. */
export const operationTypeOf = {
  none: undefined,
  create: "create_self_serve_policy",
  replace: "update_self_serve_policy",
  remove: "delete_self_serve_policy",
} as const satisfies Record<PolicyMove["kind"], OperationType | undefined>;

/** All of a policy that a switch can be seen in. */
export type PolicyContent = Pick<SelfServePolicy, "permissions">;

/** @returns the state of one switch as the policy has it */
export function stateIn(policy: PolicyContent | undefined, product: Product): PermissionState {
  return policy?.permissions.some((permission) => isOf(permission, product)) ? "On" : "Off";
}

/** The policy holds both switches, and maybe what somebody else put there: only the one line is touched. */
export function planMove(policy: SelfServePolicy | undefined, product: Product, state: PermissionState): PolicyMove {
  if (state === "Off") return planOff(policy, [product]);
  if (stateIn(policy, product) === "On") return { kind: "none" };
  const permission = { resource: resourceOf[product], action: purchase };
  if (policy === undefined) return { kind: "create", permissions: [permission] };
  return { kind: "replace", policy, permissions: [...policy.permissions, permission] };
}

/**
 * Takes out the lines of these switches, and no other, in one move. The last line off means no policy, since nobody
 * documents what an empty one would be.
 */
export function planOff(policy: SelfServePolicy | undefined, off: readonly Product[]): PolicyMove {
  if (policy === undefined) return { kind: "none" };
  const permissions = policy.permissions.filter((each) => !off.some((product) => isOf(each, product)));
  if (permissions.length === policy.permissions.length) return { kind: "none" };
  return permissions.length === 0 ? { kind: "remove", policy } : { kind: "replace", policy, permissions };
}

const purchase = "Purchase";

function isOf({ resource, action }: PolicyPermission, product: Product): boolean {
  return (
    resource.toLowerCase() === resourceOf[product].toLowerCase() && action.toLowerCase() === purchase.toLowerCase()
  );
}
