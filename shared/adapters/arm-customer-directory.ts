/**
 * Looks into customers' tenants with Azure Resource Manager: which subscriptions there are, and who holds
 * which role at or above them.
 */

import type { RoleAssignment as ArmRoleAssignment, RoleEligibilityScheduleInstance } from "@azure/arm-authorization";
import type { Subscription } from "@azure/arm-subscriptions";
import { DirectoryFailure, type DirectoryFailureReason } from "../domain/directory-failure.ts";
import type { AzureSubscription, RoleAssignment } from "../domain/eligibility.ts";
import { foreignCode } from "../domain/foreign-words.ts";
import { type CustomerId, parseGuid } from "../domain/identifiers.ts";
import type { CustomerDirectory, CustomerTenant } from "../ports.ts";
import { createArmGuard, retryAfterMilliseconds, unintelligible } from "./arm-guard.ts";
import type { CustomerCredentials } from "./customer-credentials.ts";
import { once } from "./once.ts";

/** Of one list. Four thousand role assignments, the most that a subscription can have, need far fewer. */
const mostPages = 100;

export function createArmCustomerDirectory(endpoint: string, credentials: CustomerCredentials): CustomerDirectory {
  return { lookInto: (customerId, deadline) => lookInto(endpoint, credentials, customerId, deadline) };
}

function lookInto(
  endpoint: string,
  credentials: CustomerCredentials,
  customerId: CustomerId,
  deadline: AbortSignal,
): CustomerTenant {
  const clients = once(async () => {
    const { SubscriptionClient } = await import("@azure/arm-subscriptions");
    const { AuthorizationManagementClient } = await import("@azure/arm-authorization");
    const credential = credentials.of(customerId, deadline);
    const options = {
      endpoint,
      credentialScopes: `${endpoint}/.default`,
      retryOptions: { maxRetries: 0 },
      additionalPolicies: [{ policy: createArmGuard(endpoint, deadline), position: "perRetry" as const }],
    };
    return {
      subscriptions: new SubscriptionClient(credential, options).subscriptions,
      // The client wants a subscription of its own, but uses it for no call of ours.
      authorization: new AuthorizationManagementClient(credential, customerId, options),
    };
  });

  /** Runs one question, and says why there is no answer in words that decide whether to ask again. */
  async function ask<Answer>(question: () => Promise<Answer>, notFound: DirectoryFailureReason): Promise<Answer> {
    try {
      return await question();
    } catch (error) {
      const failure = failureOf(error, notFound);
      if ((error as { statusCode?: unknown }).statusCode === 401) credentials.forget(customerId);
      throw failure;
    }
  }

  async function* pagesOf<Item, Fact>(
    list: (abortSignal: AbortSignal) => Promise<{ byPage(): AsyncIterableIterator<Item[]> }>,
    factOf: (item: Item) => Fact,
    stop: AbortSignal,
  ): AsyncGenerator<Fact[]> {
    const pages = (await list(AbortSignal.any([deadline, stop]))).byPage();
    for (let page = 1; page <= mostPages; page++) {
      const { value, done } = await ask(() => pages.next(), "DependencyUnavailable");
      if (done) return;
      yield (value as Item[]).map(factOf);
    }
    throw unintelligible(`A list has more than ${mostPages} pages.`);
  }

  return {
    async subscriptions() {
      const list = async (abortSignal: AbortSignal) => (await clients()).subscriptions.list({ abortSignal });
      return (await Array.fromAsync(pagesOf(list, subscriptionOf, deadline))).flat();
    },

    async subscription(subscriptionId) {
      const { subscriptions } = await clients();
      return subscriptionOf(
        await ask(() => subscriptions.get(subscriptionId, { abortSignal: deadline }), "SubscriptionNotFound"),
      );
    },

    roleAssignments(subscriptionId, stop) {
      // Without a leading slash: the SDK writes one itself. Without the filter roles below would come too.
      const list = async (abortSignal: AbortSignal) =>
        (await clients()).authorization.roleAssignments.listForScope(`subscriptions/${subscriptionId}`, {
          filter: "atScope()",
          abortSignal,
        });
      return pagesOf(list, assignmentOf, stop);
    },

    async eligibleAssignments(subscriptionId) {
      const list = async (abortSignal: AbortSignal) =>
        (await clients()).authorization.roleEligibilityScheduleInstances.listForScope(
          `subscriptions/${subscriptionId}`,
          {
            filter: "atScope()",
            abortSignal,
          },
        );
      return (await Array.fromAsync(pagesOf(list, assignmentOf, deadline))).flat();
    },
  };
}

function subscriptionOf({
  subscriptionId,
  tenantId,
  displayName,
  state,
  subscriptionPolicies,
}: Subscription): AzureSubscription {
  const id = parseGuid<"subscription">(subscriptionId);
  const quotaId = subscriptionPolicies?.quotaId;
  if (id === undefined || typeof tenantId !== "string" || typeof state !== "string" || typeof quotaId !== "string") {
    throw unintelligible("A subscription lacks its id, tenant, state or quota id.");
  }
  return { subscriptionId: id, tenantId, displayName: (displayName ?? id).toWellFormed(), state, quotaId };
}

function assignmentOf(item: ArmRoleAssignment | RoleEligibilityScheduleInstance): RoleAssignment {
  const { principalId, principalType, roleDefinitionId, scope, condition } = item;
  if (typeof principalId !== "string" || typeof roleDefinitionId !== "string" || typeof scope !== "string") {
    throw unintelligible("A role assignment lacks its principal, role or scope.");
  }
  return { principalId, principalType, roleDefinitionId, scope, conditional: typeof condition === "string" };
}

/** Error codes of Azure Resource Manager; each was seen in issues and documentation of Azure. */
function failureOf(error: unknown, notFound: DirectoryFailureReason): DirectoryFailure {
  if (error instanceof DirectoryFailure) return error;
  const { statusCode, code, response } = error as {
    statusCode?: unknown;
    code?: unknown;
    response?: { headers: { get(name: string): string | undefined } };
  };
  const message = `Azure Resource Manager: ${statusCode ?? "no answer"} ${foreignCode(code) ?? ""}`;
  const wait = retryAfterMilliseconds((name) => response?.headers.get(name));
  const options = { cause: error, ...(wait === undefined ? {} : { retryAfterSeconds: Math.ceil(wait / 1000) }) };
  switch (code) {
    case "InvalidAuthenticationTokenTenant":
      return new DirectoryFailure("SubscriptionOfOtherTenant", message, options);
    case "AuthorizationFailed":
      return new DirectoryFailure("ReaderRoleMissing", message, options);
    case "SubscriptionNotFound":
      return new DirectoryFailure(notFound, message, options);
    default:
      return new DirectoryFailure("DependencyUnavailable", message, options);
  }
}
