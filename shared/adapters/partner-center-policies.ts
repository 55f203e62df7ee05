/**
 * The self-serve policies of Partner Center. An odd answer is "unavailable", never "no policy", because no policy means
 * that both switches are Off. https://learn.microsoft.com/partner-center/developer/self-serve-policy-resources
 */

import type { CustomerId } from "../domain/identifiers.ts";
import type { PolicyPermission, SelfServePolicy } from "../domain/self-serve-policy.ts";
import type { SelfServePolicies } from "../ports.ts";
import { type Answer, createAsk, isObject, noFrom, odd, type PartnerCenterOptions } from "./partner-center-calls.ts";

const policiesPath = "/v1/SelfServePolicy";

/** @param options.partnerTenantId the grantor of the policies: the partner that is billed */
export function createPartnerCenterPolicies(
  options: PartnerCenterOptions & { readonly partnerTenantId: string },
): SelfServePolicies {
  const { partnerTenantId } = options;
  const ask = createAsk(options);

  const bodyOf = (customerId: CustomerId, permissions: readonly PolicyPermission[]) => {
    // Undocumented, and it might well mean "all": the last permission is taken away by removing the policy.
    if (permissions.length === 0) throw new RangeError("A policy needs a permission; without any it is removed.");
    return {
      selfServeEntity: { selfServeEntityType: "customer", tenantID: customerId },
      grantor: { grantorType: "billToPartner", tenantID: partnerTenantId },
      permissions,
    };
  };

  return {
    async read(customerId, call) {
      const answer = await ask({ method: "GET", path: `${policiesPath}?entity_id=${customerId}` }, call);
      if (answer.code === notFoundCode) return undefined;
      if (answer.status !== 200) throw noFrom(answer);
      return onlyPolicyOf(answer, customerId, partnerTenantId);
    },

    async create(customerId, permissions, call) {
      const body = bodyOf(customerId, permissions);
      const answer = await ask({ method: "POST", path: policiesPath, body }, call);
      if (answer.status === 409 && (answer.code ?? existsCode) === existsCode) return "exists";
      if (answer.status !== 201) throw noFrom(answer);
      policyOf(answer.body, answer, customerId, partnerTenantId);
      return "done";
    },

    async replace(customerId, { id, etag }, permissions, call) {
      const body = {
        id,
        ...bodyOf(customerId, permissions),
        attributes: { etag, objectType: "SelfServePolicy" },
      };
      const answer = await ask({ method: "PUT", path: pathOf(id), body }, call);
      if (isStale(answer)) return "stale";
      if (answer.code === notFoundCode) return "gone";
      if (answer.status !== 200) throw noFrom(answer);
      policyOf(answer.body, answer, customerId, partnerTenantId);
      return "done";
    },

    async remove(_, { id }, call) {
      const answer = await ask({ method: "DELETE", path: pathOf(id) }, call);
      if (isStale(answer)) return "stale";
      if (answer.code === notFoundCode) return "gone";
      if (answer.status !== 204) throw noFrom(answer);
      return "done";
    },
  };
}

const existsCode = "600041";
const notFoundCode = "600039";
const staleEtagCode = "2055";

/** The policy has changed since it was read. */
function isStale({ status, code }: Answer): boolean {
  return status === 409 || status === 412 || code === staleEtagCode;
}

/** The collection holds the one policy of this customer, or none. @returns undefined when it says that there is none */
function onlyPolicyOf(answer: Answer, customerId: CustomerId, partnerTenantId: string): SelfServePolicy | undefined {
  const { totalCount, items } = answer.body ?? {};
  if (!Array.isArray(items) || items.length > 1 || totalCount !== items.length) {
    throw odd(answer, "is no collection of one policy or none");
  }
  return items.length === 0 ? undefined : policyOf(items[0], answer, customerId, partnerTenantId);
}

function policyOf(item: unknown, answer: Answer, customerId: CustomerId, partnerTenantId: string): SelfServePolicy {
  const { id, selfServeEntity, grantor, permissions, attributes } = isObject(item) ? item : {};
  const etag = isObject(attributes) ? attributes.etag : undefined;
  // The id is made of both tenants' ids. It goes into a path, and it must not be another customer's.
  if (typeof id !== "string" || !/^[\w-]{1,200}$/.test(id) || !id.toLowerCase().includes(customerId)) {
    throw odd(answer, "has a policy without its id");
  }
  if (!isTenant(selfServeEntity, customerId) || !isTenant(grantor, partnerTenantId.toLowerCase())) {
    throw odd(answer, "has a policy of others");
  }
  if (typeof etag !== "string" || etag === "") throw odd(answer, "has a policy without its etag");
  if (!Array.isArray(permissions) || !permissions.every(isPermission)) {
    throw odd(answer, "has a policy without its permissions");
  }
  // The permissions are passed on as they came, with whatever else they hold: some may be somebody else's.
  return { id, etag, permissions };
}

function isTenant(value: unknown, tenantId: string): boolean {
  return isObject(value) && typeof value.tenantID === "string" && value.tenantID.toLowerCase() === tenantId;
}

function isPermission(value: unknown): value is PolicyPermission {
  return isObject(value) && [value.resource, value.action].every((word) => typeof word === "string" && word !== "");
}

function pathOf(id: string): string {
  return `${policiesPath}/${encodeURIComponent(id)}`;
}
