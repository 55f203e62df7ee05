/**
 * Azure Resource Manager on loopback: subscriptions, role assignments and PIM eligibility of the given customers, seen
 * with the eyes of the caller's token, as documents and reports describe the real one. Nothing is written through it.
 */

import { errors, type JWTPayload } from "jose";
import { type ArmError, armErrors, armFailure, armHeaders, typicalArmError } from "./arm-errors.ts";
import { parseRoleFilter, positionOf } from "./arm-filter.ts";
import { eligibilityItem, roleAssignmentItem, subscriptionItem } from "./arm-shapes.ts";
import { type Customer, roles, type Subscription } from "./customer.ts";
import type { EntraStandIn } from "./entra.ts";
import { isGuid } from "./guid.ts";
import { type Answer, type Call, type StandIn, startServer } from "./https-server.ts";
import type { ServerCertificate } from "./throw-away-ca.ts";

export interface ArmOptions {
  readonly certificate: ServerCertificate;
  readonly port?: number;
  readonly customers: readonly Customer[];
  readonly entra: EntraStandIn;
}

/** What differs between reports about the real service, or between tests. Mutable. */
export interface ArmBehaviour {
  /** Items per page; the real size is not documented. */
  pageSize: number;
  /** Role assignments asked for without the right to read them: reports name both answers. */
  unreadableRoleAssignments: "forbidden" | "empty";
  /** As if `$filter=atScope()` had no effect. */
  ignoresAtScope: boolean;
  /** `true`: the token bucket is enforced (250 reads, 25 more per second), else it is only shown in the headers. */
  throttles: boolean;
}

export interface ArmStandIn extends StandIn {
  readonly customers: readonly Customer[];
  readonly behaviour: ArmBehaviour;
}

const subscriptionVersions = [
  "2014-04-01",
  "2015-11-01",
  "2016-06-01",
  "2018-01-01",
  "2019-06-01",
  "2020-01-01",
  "2021-01-01",
  "2022-12-01",
];
const roleVersions = ["2015-07-01", "2018-01-01-preview", "2020-04-01-preview", "2022-04-01"];
const eligibilityVersions = ["2020-10-01", "2020-10-01-preview"];
const reading: ReadonlySet<string> = new Set([
  roles.owner,
  roles.contributor,
  roles.reader,
  roles.userAccessAdministrator,
]);
const bucketSize = 250;
const refillPerSecond = 25;

interface Caller {
  readonly tenantId: string;
  readonly appId: string;
  readonly objectId: string;
}

/** What a question comes to: an error of ARM's, or all items, of which the server sends a page. */
type Result = ArmError | { readonly item: object } | { readonly items: readonly object[]; readonly counted?: boolean };

export async function startArm({ certificate, port, customers, entra }: ArmOptions): Promise<ArmStandIn> {
  const behaviour: ArmBehaviour = {
    pageSize: 1000,
    unreadableRoleAssignments: "forbidden",
    ignoresAtScope: false,
    throttles: false,
  };
  const buckets = new Map<string, { tokens: number; at: number }>();
  const server = await startServer({
    certificate,
    port,
    answer,
    failure: (status) => armFailure(typicalArmError(status)),
  });

  async function answer(call: Call): Promise<Answer> {
    const caller = await authenticate(call);
    if ("code" in caller) return armFailure(caller);
    const path = segments(call.path);
    const bucket = take(path?.[1], caller);
    if (behaviour.throttles && bucket.remaining < 0) return armFailure(armErrors.throttled(1, path?.[1]));
    const result = call.method === "GET" && path ? ask(path, call.query, caller) : armErrors.missingSubscription();
    const headers = { ...armHeaders(), ...bucket.headers };
    if ("code" in result) {
      const failure = armFailure(result);
      return { ...failure, headers: { ...failure.headers, ...bucket.headers } };
    }
    const body = "item" in result ? result.item : page(result.items, call, result.counted);
    return { status: 200, headers, body: JSON.stringify(body) };
  }

  async function authenticate({ headers }: Call): Promise<Caller | ArmError> {
    const token = /^Bearer (.+)$/i.exec(headers.authorization ?? "")?.[1];
    if (token === undefined) return armErrors.noToken("common");
    let claims: JWTPayload;
    try {
      claims = await entra.verify(token);
    } catch (error) {
      if (!(error instanceof errors.JWTExpired)) return armErrors.invalidToken("common");
      const { exp = 0, tid } = error.payload;
      return armErrors.expiredToken(String(tid), new Date(exp * 1000));
    }
    const { aud, tid, appid, oid } = claims;
    if (typeof tid !== "string" || typeof oid !== "string") return armErrors.invalidToken("common");
    const audiences = [server.url, "https://management.azure.com", "https://management.core.windows.net"];
    if (typeof aud !== "string" || !audiences.includes(aud.replace(/\/$/, "")))
      return armErrors.wrongAudience(tid, String(aud));
    return { tenantId: tid.toLowerCase(), appId: String(appid), objectId: oid };
  }

  function ask([root = "", id, ...rest]: readonly string[], query: URLSearchParams, caller: Caller): Result {
    const version = query.get("api-version");
    if (!version) return armErrors.missingApiVersion();
    if (root.toLowerCase() !== "subscriptions") return armErrors.missingSubscription();
    if (id === undefined || rest.length === 0) {
      if (!subscriptionVersions.includes(version)) return armErrors.invalidApiVersion(version, subscriptionVersions);
      return id === undefined ? listSubscriptions(version, caller) : getSubscription(id, version, caller);
    }
    const place = find(id, caller);
    if ("code" in place) return place;
    const provider = rest.findIndex((part) => part.toLowerCase() === "providers");
    const [namespace = "", type = "", ...more] = rest.slice(provider + 1);
    if (provider < 0 || namespace.toLowerCase() !== "microsoft.authorization" || more.length > 0)
      return armErrors.invalidResourceType(type, namespace, version);
    const scope = ["", "subscriptions", id, ...rest.slice(0, provider)].join("/");
    if (type.toLowerCase() === "roleassignments" && roleVersions.includes(version))
      return listRoleAssignments(place, scope, query.get("$filter"), caller);
    if (type.toLowerCase() === "roleeligibilityscheduleinstances" && eligibilityVersions.includes(version))
      return listEligibility(place, scope, query.get("$filter"), caller);
    return armErrors.invalidResourceType(type, namespace, version);
  }

  function listSubscriptions(version: string, caller: Caller): Result {
    const items = customers
      .filter(({ tenantId }) => tenantId.toLowerCase() === caller.tenantId)
      .flatMap((customer) => customer.subscriptions.map((subscription) => ({ customer, subscription })))
      .filter((place) => sees(place, caller))
      .map(({ customer, subscription }) => subscriptionItem(customer, subscription, version));
    return { items, counted: version >= "2022" };
  }

  function getSubscription(id: string, version: string, caller: Caller): Result {
    const place = find(id, caller);
    if ("code" in place) return place;
    if (!sees(place, caller))
      return forbidden(caller, "Microsoft.Resources/subscriptions/read", `/subscriptions/${id}`);
    return { item: subscriptionItem(place.customer, place.subscription, version) };
  }

  function listRoleAssignments(place: Place, scope: string, filterText: string | null, caller: Caller): Result {
    const filter = parseRoleFilter(filterText);
    if (filter === undefined) return armErrors.unsupportedQuery(filterText ?? "");
    if (!mayRead(place, scope, caller)) {
      if (behaviour.unreadableRoleAssignments === "empty") return { items: [] };
      return forbidden(caller, "Microsoft.Authorization/roleAssignments/read", scope);
    }
    return {
      items: select(place, place.customer.roleAssignments, scope, filter).map((one) =>
        roleAssignmentItem(one, place.subscription.subscriptionId),
      ),
    };
  }

  function listEligibility(place: Place, scope: string, filterText: string | null, caller: Caller): Result {
    const filter = parseRoleFilter(filterText);
    if (filter === undefined) return armErrors.unsupportedQuery(filterText ?? "");
    if (!mayRead(place, scope, caller))
      return forbidden(caller, "Microsoft.Authorization/roleEligibilityScheduleInstances/read", scope);
    if (!place.customer.hasPim) return armErrors.noPim();
    return {
      items: select(place, place.customer.eligibleRoles, scope, filter).map((one) =>
        eligibilityItem(one, place.subscription.subscriptionId),
      ),
    };
  }

  function select<T extends Customer["roleAssignments"][number]>(
    { customer, subscription }: Place,
    all: readonly T[],
    scope: string,
    { atScope, principals }: NonNullable<ReturnType<typeof parseRoleFilter>>,
  ): readonly T[] {
    const wanted = principals?.(customer);
    const withBelow = !atScope || behaviour.ignoresAtScope;
    return all.filter((one) => {
      const position = positionOf(one, scope, subscription);
      if (position === "elsewhere" || (position === "below" && !withBelow)) return false;
      return wanted === undefined || wanted.has(one.principalId.toLowerCase());
    });
  }

  function find(id: string, { tenantId }: Caller): Place | ArmError {
    if (!isGuid(id)) return armErrors.invalidSubscriptionId(id);
    for (const customer of customers)
      for (const subscription of customer.subscriptions) {
        if (subscription.subscriptionId.toLowerCase() !== id.toLowerCase()) continue;
        const owner = customer.tenantId.toLowerCase();
        return owner === tenantId ? { customer, subscription } : armErrors.wrongTenant(tenantId, owner);
      }
    return armErrors.subscriptionNotFound(id);
  }

  /** A role anywhere in a subscription makes it visible in the list. */
  function sees({ customer, subscription }: Place, { objectId }: Caller): boolean {
    return customer.roleAssignments.some(
      (one) => one.principalId === objectId && positionOf(one, scopeOf(subscription), subscription) !== "elsewhere",
    );
  }

  function mayRead({ customer, subscription }: Place, scope: string, { objectId }: Caller): boolean {
    return customer.roleAssignments.some(
      (one) =>
        one.principalId === objectId &&
        reading.has(one.roleDefinitionId.toLowerCase()) &&
        positionOf(one, scope, subscription) === "atOrAbove",
    );
  }

  function page(items: readonly object[], { path, query }: Call, counted = false): object {
    const given = [...query].find(([name]) => name.toLowerCase() === "$skiptoken")?.[1];
    const start = given === undefined ? 0 : Number.parseInt(Buffer.from(given, "base64url").toString(), 10) || 0;
    const end = start + behaviour.pageSize;
    const shown = items.slice(start, end);
    const count = counted ? { count: { type: "Total", value: items.length } } : {};
    if (end >= items.length) return { value: shown, ...count };
    const rest = [...query].filter(([name]) => name.toLowerCase() !== "$skiptoken");
    const next = new URLSearchParams([...rest, ["$skiptoken", Buffer.from(String(end)).toString("base64url")]]);
    return { value: shown, ...count, nextLink: `${server.url}${path}?${next}` };
  }

  /** Facts/arm.md §4: per subscription (or tenant) and principal. */
  function take(subscriptionId: string | undefined, { objectId, tenantId }: Caller) {
    const key = `${subscriptionId ?? tenantId} ${objectId}`;
    const now = Date.now();
    const { tokens, at } = buckets.get(key) ?? { tokens: bucketSize, at: now };
    const remaining = Math.min(bucketSize, tokens + ((now - at) / 1000) * refillPerSecond) - 1;
    buckets.set(key, { tokens: Math.max(0, remaining), at: now });
    const shown = String(Math.max(0, Math.floor(remaining)));
    const headers: Record<string, string> =
      subscriptionId === undefined
        ? { "x-ms-ratelimit-remaining-tenant-reads": shown }
        : {
            "x-ms-ratelimit-remaining-subscription-reads": shown,
            "x-ms-ratelimit-remaining-subscription-global-reads": String(15 * bucketSize - 1),
          };
    return { remaining, headers };
  }

  return { ...server, customers, behaviour };
}

interface Place {
  readonly customer: Customer;
  readonly subscription: Subscription;
}

function scopeOf({ subscriptionId }: Subscription): string {
  return `/subscriptions/${subscriptionId}`;
}

function forbidden({ appId, objectId }: Caller, action: string, scope: string): ArmError {
  return armErrors.forbidden(appId, objectId, action, scope);
}

/** `undefined` for what ARM does not take for a path of its own: a double slash, a bad escape. */
function segments(path: string): readonly string[] | undefined {
  const parts = path.replace(/\/$/, "").split("/").slice(1);
  if (parts.length === 0 || parts.includes("")) return undefined;
  try {
    return parts.map(decodeURIComponent);
  } catch {
    return undefined;
  }
}
