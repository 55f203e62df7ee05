/** ARM's items as they travel: models in, JSON out. */

import { type Customer, type EligibleRole, type RoleAssignment, roles, type Subscription } from "./customer.ts";
import { guidOf } from "./guid.ts";

export function subscriptionItem(customer: Customer, subscription: Subscription, apiVersion: string): object {
  const { subscriptionId, displayName, state, quotaId } = subscription;
  return {
    id: `/subscriptions/${subscriptionId}`,
    authorizationSource: "RoleBased",
    // Added to the interface in 2019-06-01 and 2020-01-01; the older version the SDK speaks does not have them.
    ...(apiVersion >= "2019" ? { managedByTenants: [], tags: {} } : {}),
    subscriptionId,
    tenantId: subscription.tenantId ?? customer.tenantId,
    displayName,
    state,
    subscriptionPolicies: { locationPlacementId: "Public_2014-09-01", quotaId, spendingLimit: "Off" },
  };
}

/** Role and scope carry the asking subscription even when the assignment is inherited from above it. */
export function roleAssignmentItem(assignment: RoleAssignment, subscriptionId: string): object {
  const { name, scope, roleDefinitionId, principalId, principalType, condition, createdOn } = assignment;
  return {
    properties: {
      roleDefinitionId: roleDefinitionPath(roleDefinitionId, subscriptionId),
      principalId,
      ...(principalType === undefined ? {} : { principalType }),
      scope,
      condition: condition ?? null,
      conditionVersion: condition === undefined ? null : "2.0",
      createdOn,
      updatedOn: createdOn,
      createdBy: guidOf("an administrator"),
      updatedBy: guidOf("an administrator"),
      delegatedManagedIdentityResourceId: null,
      description: null,
    },
    id: below(scope, `roleAssignments/${name}`),
    type: "Microsoft.Authorization/roleAssignments",
    name,
  };
}

export function eligibilityItem(eligible: EligibleRole, subscriptionId: string): object {
  const { name, scope, roleDefinitionId, principalId, principalType, condition, createdOn, endDateTime } = eligible;
  const scopeType = scope.includes("/managementGroups/") ? "managementgroup" : "subscription";
  const roleName = Object.entries(roles).find(([, id]) => id === roleDefinitionId)?.[0] ?? roleDefinitionId;
  const path = roleDefinitionPath(roleDefinitionId, subscriptionId);
  return {
    properties: {
      roleEligibilityScheduleId: below(scope, `RoleEligibilitySchedules/${guidOf(`schedule ${name}`)}`),
      scope,
      roleDefinitionId: path,
      principalId,
      ...(principalType === undefined ? {} : { principalType }),
      status: "Provisioned",
      startDateTime: createdOn,
      ...(endDateTime === undefined ? {} : { endDateTime }),
      memberType: "Direct",
      createdOn,
      condition: condition ?? null,
      conditionVersion: condition === undefined ? null : "2.0",
      expandedProperties: {
        principal: { id: principalId, displayName: "Somebody", type: principalType ?? "User" },
        roleDefinition: {
          id: path,
          displayName: roleName.replace(/^./, (first) => first.toUpperCase()),
          type: "BuiltInRole",
        },
        scope: { id: scope, displayName: scope.split("/").at(-1), type: scopeType },
      },
    },
    name,
    id: below(scope, `RoleEligibilityScheduleInstances/${name}`),
    type: "Microsoft.Authorization/RoleEligibilityScheduleInstances",
  };
}

function roleDefinitionPath(roleDefinitionId: string, subscriptionId: string): string {
  return `/subscriptions/${subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/${roleDefinitionId}`;
}

function below(scope: string, name: string): string {
  return `${scope === "/" ? "" : scope}/providers/Microsoft.Authorization/${name}`;
}
