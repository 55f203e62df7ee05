/** The few `$filter` expressions ARM knows for role assignments, and where an assignment lies. */

import type { Customer, RoleAssignment, Subscription } from "./customer.ts";

export interface RoleFilter {
  /** Only at or above the scope asked for; otherwise below it as well. */
  readonly atScope: boolean;
  readonly principals?: (customer: Customer) => ReadonlySet<string>;
}

/** `undefined`: not supported, which ARM answers 400. */
export function parseRoleFilter(text: string | null): RoleFilter | undefined {
  const filter = (text ?? "").trim();
  if (filter === "") return { atScope: false };
  if (/^atScope\(\)$/i.test(filter)) return { atScope: true };
  const byPrincipal = /^principalId eq '([^']+)'$/i.exec(filter)?.[1]?.toLowerCase();
  if (byPrincipal !== undefined) return { atScope: false, principals: () => new Set([byPrincipal]) };
  const assigned = /^(atScope\(\) and )?assignedTo\('([^']+)'\)$/i.exec(filter);
  const user = assigned?.[2]?.toLowerCase();
  if (user === undefined) return undefined;
  return { atScope: assigned?.[1] !== undefined, principals: ({ groups }) => withGroups(user, groups) };
}

/** A user and every group it is in, directly or through other groups. */
function withGroups(user: string, groups: Customer["groups"]): ReadonlySet<string> {
  const found = new Set([user]);
  for (const member of found)
    for (const [group, members] of Object.entries(groups))
      if (members.some((one) => one.toLowerCase() === member)) found.add(group.toLowerCase());
  return found;
}

export type Position = "atOrAbove" | "below" | "elsewhere";

export function positionOf({ scope }: RoleAssignment, asked: string, { managementGroups }: Subscription): Position {
  const [own, target] = [scope.toLowerCase(), asked.toLowerCase()];
  const group = /^\/providers\/microsoft\.management\/managementgroups\/([^/]+)$/.exec(own)?.[1];
  if (group !== undefined) return managementGroups.some((id) => id.toLowerCase() === group) ? "atOrAbove" : "elsewhere";
  if (own === "/" || own === target || target.startsWith(`${own}/`)) return "atOrAbove";
  return own.startsWith(`${target}/`) ? "below" : "elsewhere";
}
