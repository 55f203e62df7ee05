/**
 * `/_policies` of the stand-in, for demos by hand: moves a policy behind the product's back, as somebody in the portal would.
 * GET all or one, `PUT /_policies/{customerId}` with `["AzureReservedInstances"]` (or whole permissions), DELETE.
 */

import { isGuid } from "./guid.ts";
import type { Answer, Call } from "./https-server.ts";
import type { Policies, PolicyPermission } from "./partner-center-policies.ts";

const controlPath = "/_policies";

export function controlPolicies({ method, path, body }: Call, policies: Policies): Answer | undefined {
  if (path !== controlPath && !path.startsWith(`${controlPath}/`)) return undefined;
  const customerId = path.slice(controlPath.length + 1).toLowerCase();
  if (method === "GET") return json(200, customerId === "" ? policies.all() : (policies.of(customerId) ?? null));
  if (!isGuid(customerId)) return fault(400, `Name the customer: ${method} ${controlPath}/{customerId}`);
  if (method === "DELETE") {
    policies.delete(customerId);
    return json(200, null);
  }
  if (method !== "PUT") return fault(405, "Use GET, PUT or DELETE.");
  const permissions = parse(body);
  if (permissions === undefined)
    return fault(400, 'The body must be a list such as ["AzureReservedInstances","AzureSavingsPlan"].');
  return json(200, policies.set(customerId, permissions) ?? null);
}

function parse(body: string): (string | PolicyPermission)[] | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return Array.isArray(value) && value.every(isPermission) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isPermission(value: unknown): value is string | PolicyPermission {
  if (typeof value === "string") return true;
  if (typeof value !== "object" || value === null) return false;
  const { resource, action } = value as Partial<PolicyPermission>;
  return typeof resource === "string" && typeof action === "string";
}

function fault(status: number, message: string): Answer {
  return json(status, { error: { code: "InvalidPolicy", message } });
}

function json(status: number, body: unknown): Answer {
  return { status, headers: { "Content-Type": "application/json" }, body: `${JSON.stringify(body, null, 2)}\n` };
}
