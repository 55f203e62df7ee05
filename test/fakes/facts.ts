/** Facts to test with: ids, callers, subscriptions and role assignments that say yes unless told otherwise. */

import type { AzureSubscription, EligibilityRules, RoleAssignment } from "../../shared/domain/eligibility.ts";
import type { ReportContext } from "../../shared/domain/eligibility-report.ts";
import { parseGuid } from "../../shared/domain/identifiers.ts";
import type { Actor } from "../../shared/domain/permission.ts";

/** A GUID with digits and letters, so that upper and lower case differ. */
export function idOf<Kind extends string>(number: number) {
  return parseGuid<Kind>(`c0ffee00-0000-4000-8000-${number.toString(16).padStart(12, "0")}`)!;
}

export const contoso = idOf<"customer">(0xa);
export const fabrikam = idOf<"customer">(0xb);
export const noon = new Date("2026-03-01T12:00:00.000Z");

export const ownerRoleId = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635";
export const readerRoleId = "acdd72a7-3385-48ef-bd42-f606fba81ae7";

export const ada: Actor = { tenantId: idOf(0x100), objectId: idOf(0x101), name: "Ada", kind: "User" };
export const ben: Actor = { tenantId: idOf(0x100), objectId: idOf(0x102), name: "Ben", kind: "User" };
export const robot: Actor = { tenantId: idOf(0x100), objectId: idOf(0x103), kind: "Application" };

export const rules: EligibilityRules = {
  cspQuotaIds: new Set(["csp_2015-05-01", "csp_mg_2017-12-01", "cspdevtest_2018-05-01"]),
  acceptedRoleIds: new Set([ownerRoleId]),
  excludedPrincipalIds: new Set(),
};

export const report: Omit<ReportContext, "customerId"> = {
  authorityHost: "https://login.example",
  customerAppId: "app id/1",
};

/** An Azure plan of Contoso's that counts. */
export function subscriptionOf(number: number, otherwise: Partial<AzureSubscription> = {}): AzureSubscription {
  return {
    subscriptionId: idOf<"subscription">(number),
    tenantId: contoso,
    displayName: `Subscription ${number}`,
    state: "Enabled",
    quotaId: "CSP_2015-05-01",
    ...otherwise,
  };
}

/** A user's Owner role on the subscription, as Azure Resource Manager words it. */
export function assignmentOn(number: number, otherwise: Partial<RoleAssignment> = {}): RoleAssignment {
  const scope = `/subscriptions/${idOf(number)}`;
  return {
    principalId: idOf(0x200),
    principalType: "User",
    roleDefinitionId: `${scope}/providers/Microsoft.Authorization/roleDefinitions/${ownerRoleId}`,
    scope,
    conditional: false,
    ...otherwise,
  };
}

/** Our own application's role: what is always there when we may look. */
export function readerOn(number: number): RoleAssignment {
  return assignmentOn(number, {
    principalId: idOf(0x300),
    principalType: "ServicePrincipal",
    roleDefinitionId: `/subscriptions/${idOf(number)}/providers/Microsoft.Authorization/roleDefinitions/${readerRoleId}`,
  });
}
