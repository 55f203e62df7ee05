/**
 * Customers' tenants in memory. Answers take a moment, so that calls overlap as they do over a network, and
 * every call is written down with how many ran at that time.
 */

import { DirectoryFailure } from "../../shared/domain/directory-failure.ts";
import type { AzureSubscription, RoleAssignment } from "../../shared/domain/eligibility.ts";
import type { CustomerId, SubscriptionId } from "../../shared/domain/identifiers.ts";
import type { CustomerDirectory, CustomerTenant } from "../../shared/ports.ts";

/** An error is thrown; `hang` waits until the call is aborted, as a server does that never answers. */
export type Trouble = Error | "hang";

export interface TenantFacts {
  readonly subscriptions: readonly AzureSubscription[] | Trouble;
  /** Pages of role assignments by subscription; none unless told. */
  readonly assignments?: Readonly<Record<SubscriptionId, readonly (readonly RoleAssignment[] | Trouble)[]>>;
  /** Assignments that could be activated. */
  readonly eligible?: readonly RoleAssignment[] | Trouble;
}

export interface DirectoryCall {
  readonly kind: "list" | "get" | "assignments" | "eligible";
  readonly subscriptionId: SubscriptionId | undefined;
  /** Pages read so far; 0 when the call was aborted before the first. */
  pages: number;
  /** How many calls ran when this one began, itself included. */
  readonly atOnce: number;
  /** How it ended; undefined while it runs. */
  end: "answered" | "failed" | "aborted" | "left" | undefined;
}

export interface InMemoryDirectory extends CustomerDirectory {
  readonly calls: DirectoryCall[];
  /** What is there from now on. */
  facts: (customerId: CustomerId) => TenantFacts;
}

export function createInMemoryDirectory(facts: TenantFacts | InMemoryDirectory["facts"]): InMemoryDirectory {
  const directory: InMemoryDirectory = {
    calls: [],
    facts: typeof facts === "function" ? facts : () => facts,
    lookInto(customerId, deadline): CustomerTenant {
      const here = () => directory.facts(customerId);
      return {
        subscriptions: () => ask("list", undefined, here().subscriptions, deadline),
        async subscription(subscriptionId) {
          const { subscriptions } = here();
          const all = await ask("get", subscriptionId, subscriptions, deadline);
          const found = all.find((subscription) => subscription.subscriptionId === subscriptionId);
          if (found === undefined) throw new DirectoryFailure("SubscriptionNotFound", "There is no such subscription.");
          return found;
        },
        async *roleAssignments(subscriptionId, stop) {
          const signal = AbortSignal.any([deadline, stop]);
          const call = begin("assignments", subscriptionId);
          try {
            for (const page of here().assignments?.[subscriptionId] ?? []) {
              const items = await answer(page, signal, call);
              call.pages += 1;
              yield items;
            }
            call.end = "answered";
          } finally {
            call.end ??= "left";
          }
        },
        eligibleAssignments: (subscriptionId) => ask("eligible", subscriptionId, here().eligible ?? [], deadline),
      };
    },
  };
  return directory;

  function begin(kind: DirectoryCall["kind"], subscriptionId: SubscriptionId | undefined): DirectoryCall {
    const running = directory.calls.filter(({ end }) => end === undefined).length;
    const call: DirectoryCall = { kind, subscriptionId, pages: 0, atOnce: running + 1, end: undefined };
    directory.calls.push(call);
    return call;
  }

  async function ask<Items>(
    kind: DirectoryCall["kind"],
    subscriptionId: SubscriptionId | undefined,
    content: Items | Trouble,
    signal: AbortSignal,
  ): Promise<Items> {
    const call = begin(kind, subscriptionId);
    const items = await answer(content, signal, call);
    call.end = "answered";
    return items;
  }
}

async function answer<Items>(content: Items | Trouble, signal: AbortSignal, call: DirectoryCall): Promise<Items> {
  await new Promise<void>((go) => setImmediate(go));
  if (content === "hang" && !signal.aborted) {
    await new Promise<void>((go) => signal.addEventListener("abort", () => go()));
  }
  if (signal.aborted) {
    call.end = "aborted";
    throw new DirectoryFailure("DependencyUnavailable", "The call was aborted.");
  }
  if (content instanceof Error) {
    call.end = "failed";
    throw content;
  }
  return content as Items;
}
