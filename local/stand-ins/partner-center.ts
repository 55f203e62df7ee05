/**
 * Partner Center on loopback: self-serve policies, customers with their subscriptions, and the activity log, as
 * documents and reports describe the real one. What differs between reports is in `behaviour`.
 */

import type { Customer } from "./customer.ts";
import type { EntraStandIn } from "./entra.ts";
import { isGuid } from "./guid.ts";
import { type Answer, type Call, type StandIn, startServer } from "./https-server.ts";
import { type AuditRecord, parseAuditFilter } from "./partner-center-audit.ts";
import { type PartnerCenterBehaviour, usualBehaviour } from "./partner-center-behaviour.ts";
import { authenticate, type PartnerCenterCaller } from "./partner-center-caller.ts";
import { controlPolicies } from "./partner-center-control.ts";
import { createCustomerIndex } from "./partner-center-customers.ts";
import {
  type PartnerCenterError,
  partnerCenterErrors,
  partnerCenterFailure,
  partnerCenterHeaders,
  throttled,
  typicalError,
} from "./partner-center-errors.ts";
import { pageBody, parameter, takePage } from "./partner-center-paging.ts";
import { openPolicies, type Policies } from "./partner-center-policies.ts";
import { createPolicyCalls, type Result } from "./partner-center-policy-calls.ts";
import { createReplay } from "./partner-center-replay.ts";
import {
  azureEntitlements,
  collection,
  customerDetails,
  customerItem,
  partnerSubscriptions,
} from "./partner-center-shapes.ts";
import type { ServerCertificate } from "./throw-away-ca.ts";

export interface PartnerCenterOptions {
  readonly certificate: ServerCertificate;
  readonly port?: number;
  readonly customers: readonly Customer[];
  readonly entra: EntraStandIn;
  readonly partnerTenantId: string;
  /** Keeps policies and activity log over a restart; absent: in memory only. */
  readonly folder?: string;
}

export interface PartnerCenterStandIn extends StandIn {
  readonly behaviour: PartnerCenterBehaviour;
  readonly policies: Policies;
  readonly audit: {
    /** Oldest first. */
    readonly records: readonly AuditRecord[];
    /** For records of other kinds, such as an order; a policy's own are written by themselves. */
    add(record: AuditRecord): void;
  };
}

const day = 24 * 60 * 60 * 1000;
const auditDays = 90;
const defaultAuditDays = 30;

export async function startPartnerCenter(options: PartnerCenterOptions): Promise<PartnerCenterStandIn> {
  const { certificate, port, customers, entra, partnerTenantId, folder } = options;
  const behaviour = usualBehaviour();
  const findCustomer = createCustomerIndex(customers);
  const policies = openPolicies({ partnerTenantId, folder, customerName: (id) => findCustomer(id)?.name ?? "" });
  const policyCalls = createPolicyCalls({ policies, partnerTenantId, behaviour, findCustomer });
  const once = createReplay(behaviour);
  const recentCalls: number[] = [];

  const server = await startServer({
    certificate,
    port,
    answer,
    control: (call) => controlPolicies(call, policies),
    failure: (status, call) =>
      status === 429
        ? throttled(behaviour.retryAfterSeconds, call)
        : partnerCenterFailure(typicalError(status, call), call),
  });

  async function answer(call: Call): Promise<Answer> {
    if (isOverLimit()) return throttled(behaviour.retryAfterSeconds, call);
    const caller = await authenticate(call, { entra, tenantId: partnerTenantId, url: server.url });
    if ("code" in caller) return partnerCenterFailure(caller, call);
    const decided = decide(call, caller);
    const compliance: Record<string, string> =
      String(call.headers.validatemfa).toLowerCase() === "true" && caller.user
        ? { isMfaCompliant: String(caller.hasMfa) }
        : {};
    const { headers = {}, body = "" } = decided;
    const mark = behaviour.byteOrderMark && body !== "" ? "\uFEFF" : "";
    // A repeated answer has the ids of its own request, which are not part of what is repeated.
    return { ...decided, headers: { ...headers, ...partnerCenterHeaders(call), ...compliance }, body: mark + body };
  }

  function decide(call: Call, caller: PartnerCenterCaller): Answer {
    const [version, root, ...rest] = call.path.replace(/\/$/, "").split("/").slice(1);
    const path = [version, root].map((part = "") => part.toLowerCase()).join("/");
    const refusal = refuse(call, caller, path);
    if (refusal) return partnerCenterFailure(refusal, call);
    if (path === "v1/selfservepolicy" && rest.length <= 1) return policyAnswer(call, rest[0], caller);
    if (call.method !== "GET") return partnerCenterFailure(partnerCenterErrors.methodNotAllowed(), call);
    if (path === "v1/auditrecords" && rest.length === 0) return asAnswer(auditRecords(call), call);
    return asAnswer(path === "v1/customers" ? customerAnswer(call, rest) : partnerCenterErrors.notFound(), call);
  }

  function refuse(
    { method }: Call,
    { user, hasMfa }: PartnerCenterCaller,
    path: string,
  ): PartnerCenterError | undefined {
    const isPolicy = path === "v1/selfservepolicy";
    if (user === undefined) return isPolicy ? partnerCenterErrors.applicationOnly() : undefined;
    if (behaviour.mfaEnforced && !hasMfa) return partnerCenterErrors.mfaRequired();
    // Every agent may look, only an Admin Agent may turn the switch; the log is the Admin Agent's as well.
    const needsAdmin = (isPolicy && method !== "GET") || path === "v1/auditrecords";
    const suffices = needsAdmin ? user.agentRole === "AdminAgent" : user.agentRole !== undefined;
    return suffices ? undefined : partnerCenterErrors.roleHasNoRights();
  }

  function policyAnswer(call: Call, id: string | undefined, { user, applicationId }: PartnerCenterCaller): Answer {
    const by = { userPrincipalName: user?.userPrincipalName ?? "", applicationId };
    const run = (): Answer => asAnswer(policyCalls(call, id, by), call);
    if (call.method === "GET") return run();
    for (const name of ["MS-RequestId", "MS-CorrelationId"])
      if (!isGuid(String(call.headers[name.toLowerCase()])))
        return partnerCenterFailure(partnerCenterErrors.badRequest(`The header ${name} must be a GUID.`), call);
    return once(call, run);
  }

  function customerAnswer(call: Call, [id, kind, subscriptionId, below, ...more]: readonly string[]): Result {
    if (id === undefined) return customerList(call);
    if (!isGuid(id)) return partnerCenterErrors.invalidCustomerId();
    const customer = findCustomer(id);
    if (customer === undefined) return partnerCenterErrors.customerNotFound();
    if (customer.relationshipToPartner === "none") return partnerCenterErrors.noRelationship(partnerTenantId, id);
    if (kind === undefined) return { success: 200, item: customerDetails(customer) };
    if (kind.toLowerCase() !== "subscriptions" || more.length > 0) return partnerCenterErrors.notFound();
    const all = partnerSubscriptions(customer);
    if (subscriptionId === undefined) return { success: 200, item: collection(all) };
    const one = all.find((item) => "id" in item && item.id === subscriptionId.toLowerCase());
    if (one === undefined) return partnerCenterErrors.notFound();
    if (below === undefined) return { success: 200, item: one };
    const entitlements = azureEntitlements(customer, subscriptionId);
    return below.toLowerCase() === "azureentitlements" && entitlements
      ? { success: 200, item: collection(entitlements) }
      : partnerCenterErrors.notFound();
  }

  function customerList(call: Call): Result {
    const filter = parseCustomerFilter(parameter(call, "filter"));
    if (filter === undefined) return partnerCenterErrors.badRequest("The filter is not supported.");
    const page = takePage(customers, call, {
      idOf: ({ tenantId }) => tenantId,
      // A relationship that has ended takes the customer off the list.
      keep: (one) => one.relationshipToPartner !== "none" && filter(one),
      pageSize: behaviour.pageSize,
    });
    if (page === undefined) return partnerCenterErrors.badRequest("size or MS-ContinuationToken is not valid.");
    return { success: 200, item: pageBody(page.items.map(customerItem), page.token, call, linkTo("customers")) };
  }

  function auditRecords(call: Call): Result {
    const now = Date.now();
    const start = parameter(call, "startDate");
    const end = parameter(call, "endDate");
    const from = start === undefined ? now - defaultAuditDays * day : Date.parse(start);
    // A date without a time means all of that day.
    const to = end === undefined ? now : Date.parse(end) + (/^\d{4}-\d{2}-\d{2}$/.test(end) ? day : 0);
    if (Number.isNaN(from) || Number.isNaN(to) || from > to)
      return partnerCenterErrors.badRequest("startDate and endDate must be dates (yyyy-mm-dd), in this order.");
    const today = Math.floor(now / day) * day;
    if (from < today - auditDays * day)
      return partnerCenterErrors.badRequest(`startDate must not be more than ${auditDays} days in the past.`);
    // A day more, because a day without a time counts as a whole one at both ends.
    if (to - from > (behaviour.auditSpanDays + 1) * day)
      return partnerCenterErrors.badRequest(`No more than ${behaviour.auditSpanDays} days can be asked for at once.`);
    const filter = parseAuditFilter(parameter(call, "filter") ?? null);
    if (filter === undefined) return partnerCenterErrors.badRequest("The filter is not supported.");
    const latest = Math.min(to, now - behaviour.auditLagMilliseconds);
    const keep = (record: AuditRecord): boolean => {
      const at = Date.parse(record.operationDate);
      return at >= from && at <= latest && filter(record);
    };
    const newestFirst = policies.audit.toReversed();
    const page = takePage(newestFirst, call, { idOf: ({ id }) => id, keep, pageSize: behaviour.pageSize });
    if (page === undefined) return partnerCenterErrors.badRequest("size or MS-ContinuationToken is not valid.");
    const body = pageBody(page.items, page.token, call, linkTo("auditrecords"));
    return { success: 200, item: page.token === undefined ? body : { ...body, continuationToken: page.token } };
  }

  function linkTo(path: string): string {
    return behaviour.versionInLinks ? `/v1/${path}` : `/${path}`;
  }

  function isOverLimit(): boolean {
    if (behaviour.callsPerMinute === undefined) return false;
    const now = Date.now();
    recentCalls.push(now);
    while ((recentCalls[0] ?? now) < now - 60_000) recentCalls.shift();
    return recentCalls.length > behaviour.callsPerMinute;
  }

  return { ...server, behaviour, policies, audit: { records: policies.audit, add: policies.addAudit } };
}

function asAnswer(result: Result, call: Call): Answer {
  if ("code" in result) return partnerCenterFailure(result, call);
  const { success: status, item } = result;
  const headers = partnerCenterHeaders(call);
  return item === undefined ? { status, headers } : { status, headers, body: JSON.stringify(item) };
}

function parseCustomerFilter(text: string | undefined): ((customer: Customer) => boolean) | undefined {
  if (text === undefined) return () => true;
  try {
    const { Field, Value, Operator } = JSON.parse(text) as Record<string, unknown>;
    const value = String(Value).toLowerCase();
    if (Operator !== "starts_with") return undefined;
    if (Field === "CompanyName") return ({ name }) => name.toLowerCase().startsWith(value);
    return Field === "Domain" ? ({ domain }) => domain.toLowerCase().startsWith(value) : undefined;
  } catch {
    return undefined;
  }
}
