/** The five operations on `/v1/SelfServePolicy`, for a caller who was let in. */

import type { Customer } from "./customer.ts";
import { isGuid } from "./guid.ts";
import type { Call } from "./https-server.ts";
import type { PartnerCenterBehaviour } from "./partner-center-behaviour.ts";
import { type PartnerCenterError, partnerCenterErrors } from "./partner-center-errors.ts";
import { parameter } from "./partner-center-paging.ts";
import { type Actor, makePolicy, type PolicyPermission, type PolicyStore } from "./partner-center-policies.ts";
import { collection, policyId, policyItem } from "./partner-center-shapes.ts";

export type Result = PartnerCenterError | { readonly success: 200 | 201 | 204; readonly item?: object };

export interface PolicyCallOptions {
  readonly policies: PolicyStore;
  readonly partnerTenantId: string;
  readonly behaviour: PartnerCenterBehaviour;
  readonly findCustomer: (tenantId: string) => Customer | undefined;
}

export function createPolicyCalls({ policies, partnerTenantId, behaviour, findCustomer }: PolicyCallOptions) {
  const shown = (policy: Parameters<typeof policyItem>[0]): object => policyItem(policy, partnerTenantId);

  /** @param id what follows `/SelfServePolicy/`, if anything */
  return function answer(call: Call, id: string | undefined, by: Actor): Result {
    if (id === undefined) {
      if (call.method === "GET") return list(call);
      return call.method === "POST" ? create(call, by) : partnerCenterErrors.methodNotAllowed();
    }
    if (!["GET", "PUT", "DELETE"].includes(call.method)) return partnerCenterErrors.methodNotAllowed();
    const customerId = customerOf(id);
    if (customerId === undefined)
      return call.method === "PUT" ? partnerCenterErrors.policyIdIncorrect() : partnerCenterErrors.policyNotFound();
    const refusal = refuseCustomer(customerId);
    if (refusal) return refusal;
    if (call.method === "PUT") return update(call, customerId, by);
    if (call.method === "DELETE") return remove(call, customerId, by);
    const policy = policies.seen(customerId);
    return policy ? { success: 200, item: shown(policy) } : partnerCenterErrors.policyNotFound();
  };

  function list(call: Call): Result {
    const customerId = parameter(call, "entity_id");
    if (customerId === undefined || !isGuid(customerId)) return partnerCenterErrors.invalidCustomerId();
    const refusal = refuseCustomer(customerId);
    if (refusal) return refusal;
    const policy = policies.seen(customerId);
    return { success: 200, item: collection(policy ? [shown(policy)] : []) };
  }

  function create(call: Call, by: Actor): Result {
    const body = readBody(call);
    if ("code" in body) return body;
    const { customerId, permissions } = body;
    const refusal = refuseCustomer(customerId);
    if (refusal) return refusal;
    if (policies.of(customerId) !== undefined) return partnerCenterErrors.policyExists();
    return { success: 201, item: write(call, customerId, permissions, by) };
  }

  function update(call: Call, customerId: string, by: Actor): Result {
    const body = readBody(call);
    if ("code" in body) return body;
    // The id in the address and the one in the body must mean the same customer.
    if (body.customerId !== customerId) return partnerCenterErrors.policyIdIncorrect();
    const policy = policies.of(customerId);
    if (policy === undefined) return partnerCenterErrors.policyNotFound();
    if (body.etag === undefined) return partnerCenterErrors.badRequest("The property attributes.etag is required.");
    if (body.etag !== policy.etag) return partnerCenterErrors.staleEtag(Number(behaviour.staleEtag));
    return { success: 200, item: write(call, customerId, body.permissions, by) };
  }

  function remove(call: Call, customerId: string, by: Actor): Result {
    if (policies.of(customerId) === undefined) return partnerCenterErrors.policyNotFound();
    if (isReal(call)) policies.write(customerId, undefined, how(call, by));
    return { success: 204 };
  }

  function write(call: Call, customerId: string, permissions: readonly PolicyPermission[], by: Actor): object {
    const written = isReal(call) ? policies.write(customerId, permissions, how(call, by)) : undefined;
    return shown(written ?? makePolicy(customerId.toLowerCase(), permissions));
  }

  function isReal({ noEffect = false }: Call): boolean {
    return !noEffect && !behaviour.writesDoNothing;
  }

  function how({ headers }: Call, by: Actor) {
    return {
      by,
      correlationId: String(headers["ms-correlationid"]),
      lagMilliseconds: behaviour.readLagMilliseconds,
    };
  }

  function customerOf(id: string): string | undefined {
    const customerId = id.toLowerCase().slice(partnerTenantId.length + 1);
    return isGuid(customerId) && id.toLowerCase() === policyId(partnerTenantId, customerId) ? customerId : undefined;
  }

  function refuseCustomer(customerId: string): PartnerCenterError | undefined {
    const customer = findCustomer(customerId);
    if (customer === undefined) return partnerCenterErrors.customerNotFound();
    return customer.relationshipToPartner === "reseller"
      ? undefined
      : partnerCenterErrors.noRelationship(partnerTenantId, customerId);
  }

  function readBody({ body }: Call): PolicyBody | PartnerCenterError {
    let value: unknown;
    try {
      value = JSON.parse(body);
    } catch {
      return partnerCenterErrors.badRequest("The body is not valid JSON.");
    }
    const entity = member(value, "selfServeEntity");
    const grantor = member(value, "grantor");
    const customerId = member(entity, "tenantID");
    const permissions = member(value, "permissions");
    const etag = member(member(value, "attributes"), "etag");
    if (lower(member(entity, "selfServeEntityType")) !== "customer")
      return partnerCenterErrors.badRequest("The property selfServeEntity.selfServeEntityType must be customer.");
    if (typeof customerId !== "string" || !isGuid(customerId)) return partnerCenterErrors.invalidCustomerId();
    if (lower(member(grantor, "grantorType")) !== "billtopartner")
      return partnerCenterErrors.badRequest("The property grantor.grantorType must be billToPartner.");
    // What the real service answers to a foreign grantor is documented nowhere.
    if (lower(member(grantor, "tenantID")) !== partnerTenantId.toLowerCase())
      return partnerCenterErrors.badRequest("The property grantor.tenantID must be the caller's tenant.");
    // An empty list is documented nowhere; whoever takes the last permission away has to delete the policy.
    if (!Array.isArray(permissions) || permissions.length === 0 || !permissions.every(isPermission))
      return partnerCenterErrors.badRequest("The property permissions must name at least one resource and action.");
    return { customerId: customerId.toLowerCase(), permissions, etag: typeof etag === "string" ? etag : undefined };
  }
}

interface PolicyBody {
  /** In lower case. */
  readonly customerId: string;
  readonly permissions: readonly PolicyPermission[];
  readonly etag: string | undefined;
}

function isPermission(value: unknown): value is PolicyPermission {
  return typeof member(value, "resource") === "string" && typeof member(value, "action") === "string";
}

/** By name without regard to case, as .NET reads JSON. */
function member(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return Object.entries(value).find(([sent]) => sent.toLowerCase() === name.toLowerCase())?.[1];
}

function lower(value: unknown): unknown {
  return typeof value === "string" ? value.toLowerCase() : value;
}
