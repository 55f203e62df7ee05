// Written by `npm run client` from the service's OpenAPI document; do not edit. Needs nothing but fetch.

export interface ClientOptions {
  /** Such as `https://<function app>.azurewebsites.net/api`. */
  readonly baseUrl: string;
  /** @returns an Entra access token for the API, asked for before every request */
  readonly token: () => Promise<string>;
}

export interface Answer<Body> {
  /** 202: accepted, and not in force yet. */
  readonly status: number;
  readonly body: Body;
  /** For `If-Match` of the next change. */
  readonly etag?: string;
  /** Of a 202: where the answer will be. */
  readonly location?: string;
}

/** The service said no. `code` is for programs, `message` for people. */
export class PermissionsError extends Error {
  override readonly name = "PermissionsError";
  readonly status: number;
  readonly code: string;
  readonly details: readonly unknown[];
  readonly requestId: string | undefined;

  constructor(status: number, code: string, message: string, details: readonly unknown[], requestId?: string) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details;
    this.requestId = requestId;
  }
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly headers: object;
  readonly body?: unknown;
}

const mostAttempts = 4;

/** Sends a request again, under the same request id, when no answer came or the service was busy: that is always safe. */
export class Caller {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /** Follows a 202 until the change is in force, or throws why it is not. */
  async finished<Body>(answer: Answer<Body>): Promise<Answer<Body>> {
    let latest = answer;
    while (latest.status === 202 && latest.location !== undefined) {
      latest = await this.#send<Body>("GET", this.#ours(latest.location), {}, undefined);
    }
    return latest;
  }

  /** All items of a list, page after page. */
  async *all<Item>(
    first: Answer<{ readonly value: readonly Item[]; readonly nextLink?: string }>,
  ): AsyncGenerator<Item> {
    let page = first.body;
    for (;;) {
      yield* page.value;
      if (page.nextLink === undefined) return;
      const next = await this.#send<typeof page>("GET", this.#ours(page.nextLink), {}, undefined);
      page = next.body;
    }
  }

  protected call<Body>({ method, path, query = {}, headers, body }: Call): Promise<Answer<Body>> {
    const url = new URL(`${this.#options.baseUrl}${path}`);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, String(value));
    const once = method === "GET" ? {} : { "Repeatability-Request-ID": crypto.randomUUID() };
    const names = Object.keys(headers).map((name) => name.toLowerCase());
    const isNamed = ["repeatability-request-id", "ms-requestid", "idempotency-key"].some((name) =>
      names.includes(name),
    );
    return this.#send<Body>(method, url, { ...(isNamed ? {} : once), ...headers }, body);
  }

  async #send<Body>(method: string, url: URL, headers: object, body: unknown): Promise<Answer<Body>> {
    for (let attempt = 1; ; attempt++) {
      const response = await this.#attempt(method, url, headers, body).catch((error: unknown) => {
        if (attempt === mostAttempts) throw error;
      });
      const wait = Number(response?.headers.get("retry-after") ?? 1);
      if (response === undefined || (response.status === 503 && attempt < mostAttempts)) {
        await pause(wait);
        continue;
      }
      const text = await response.text();
      const content = text === "" ? undefined : JSON.parse(text);
      if (!response.ok && response.status !== 304) {
        const { code = "Unknown", message = `Answered ${response.status}.`, details = [] } = content?.error ?? {};
        const requestId = response.headers.get("x-ms-request-id") ?? undefined;
        throw new PermissionsError(response.status, code, message, details, requestId);
      }
      if (response.status === 202) await pause(wait);
      const [etag, location] = ["etag", "location"].map((name) => response.headers.get(name));
      return {
        status: response.status,
        body: content as Body,
        ...(etag == null ? {} : { etag }),
        ...(location == null ? {} : { location }),
      };
    }
  }

  async #attempt(method: string, url: URL, headers: object, body: unknown): Promise<Response> {
    return fetch(url, {
      method,
      // The token goes nowhere else.
      redirect: "error",
      headers: {
        ...headers,
        authorization: `Bearer ${await this.#options.token()}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  /** @throws Error when a link leads to somebody else, who must not see the token */
  #ours(link: string): URL {
    const url = new URL(link, this.#options.baseUrl);
    if (url.origin !== new URL(this.#options.baseUrl).origin) throw new Error(`${url.origin} is not the service.`);
    return url;
  }
}

function pause(seconds: number): Promise<void> {
  return new Promise((go) => setTimeout(go, Math.min(Number.isFinite(seconds) ? seconds : 1, 60) * 1000));
}

/** A change that Partner Center has not confirmed yet; absent: none. */
export interface PendingChange {
  readonly changeId: string;
  readonly state: "On" | "Off";
  readonly since: string;
}

export interface Permission {
  readonly customerId: string;
  readonly product: "azureReservations" | "azureSavingsPlans";
  readonly state: "On" | "Off";
  readonly changedAt: string | null;
  readonly changedBy: {
    readonly tenantId: string;
    readonly objectId: string;
    readonly kind: "User" | "Application";
    readonly name?: string;
  } | null;
  readonly changeId: string | null;
  readonly reason?: string;
  readonly pending?: PendingChange;
}

export interface Finding {
  readonly code:
    | "TurnedOnOutside"
    | "TurnedOffOutside"
    | "OwnerLost"
    | "SubscriptionGone"
    | "SubscriptionSuspended"
    | "RelationshipEnded";
  readonly product: "azureReservations" | "azureSavingsPlans";
  readonly message: string;
  readonly since: string;
  readonly byUserPrincipalName?: string;
}

export interface Customer {
  readonly customerId: string;
  readonly permissions: readonly Permission[];
  readonly name?: string;
  readonly domain?: string;
  readonly relationship?: string;
  readonly lastSeenAt?: string;
  readonly lastVerifiedAt?: string;
  readonly findings?: readonly Finding[];
}

export interface CustomersPage {
  readonly value: readonly Customer[];
  readonly nextLink?: string;
}

export interface ErrorDetail {
  readonly name?: "azureSubscription" | "ownerRole";
  readonly result?: "Passed" | "Failed" | "Inconclusive";
  readonly code?: string;
  readonly message?: string;
  readonly remedy?: string;
  readonly link?: string;
  readonly partnerCenterCode?: string;
  readonly changeId?: string;
  readonly product?: "azureReservations" | "azureSavingsPlans";
  readonly state?: "On" | "Off";
  readonly since?: string;
}

export interface Problem {
  readonly code:
    | "InvalidRequest"
    | "UnsupportedApiVersionValue"
    | "Unauthenticated"
    | "AdminAgentRequired"
    | "AgentRoleRequired"
    | "ScopeRequired"
    | "NotFound"
    | "NoAzureSubscription"
    | "OwnerRoleMissing"
    | "EligibilityInconclusive"
    | "PartnerCenterRefused"
    | "ChangeInProgress"
    | "TooManyWebhooks"
    | "ConditionNotMet"
    | "RequestTooLarge"
    | "RequestIdReused"
    | "InternalError"
    | "DependencyUnavailable";
  readonly message: string;
  readonly target?: string;
  readonly details?: readonly ErrorDetail[];
}

export interface FleetPermissions {
  readonly azureReservations: number;
  readonly azureSavingsPlans: number;
}

export interface FleetDay {
  readonly date: string;
  readonly customersOn: number;
  readonly on: FleetPermissions;
  readonly turnedOn: number;
  readonly turnedOff: number;
}

export interface FleetHistory {
  readonly value: readonly FleetDay[];
}

export interface Permissions {
  readonly value: readonly Permission[];
}

export interface PermissionWish {
  readonly state: "On" | "Off";
  readonly reason?: string;
  readonly subscriptionId?: string;
  readonly acknowledgedCharges?: boolean;
}

export interface ChangedPermission {
  readonly customerId: string;
  readonly product: "azureReservations" | "azureSavingsPlans";
  readonly state: "On" | "Off";
  readonly changedAt: string | null;
  readonly changedBy: {
    readonly tenantId: string;
    readonly objectId: string;
    readonly kind: "User" | "Application";
    readonly name?: string;
  } | null;
  readonly changeId: string | null;
  readonly changed: boolean;
  readonly reason?: string;
  readonly steps?: readonly string[];
  readonly link?: string;
  readonly expiresAt?: string;
}

export interface Check {
  readonly name: "azureSubscription" | "ownerRole";
  readonly result: "Passed" | "Failed" | "Inconclusive";
  readonly code: string;
  readonly message: string;
  readonly remedy?: string;
  readonly link?: string;
}

export interface Owner {
  readonly principalId: string;
  readonly principalType: string;
  readonly scope: string;
  readonly conditional: boolean;
}

export interface IgnoredOwner {
  readonly principalId: string;
  readonly principalType: string;
  readonly code: "PartnerPrincipal" | "NotAUserOrGroup" | "ExcludedPrincipal" | "BelowSubscription";
}

export interface ExaminedSubscription {
  readonly subscriptionId: string;
  readonly displayName: string;
  readonly state: string;
  readonly quotaId: string;
  readonly counts: boolean;
  readonly owners: readonly Owner[];
  readonly ignoredOwners: readonly IgnoredOwner[];
  readonly offer?: "Azure plan" | "Azure Global";
  readonly code?:
    | "OtherTenant"
    | "NotACspOffer"
    | "UnknownCspOffer"
    | "NotActive"
    | "NotSoldByPartner"
    | "SaleNotActive"
    | "NotVisible"
    | "Warned"
    | "PastDue"
    | "NotExamined"
    | "NoAssignmentsVisible"
    | "DependencyUnavailable"
    | "ReaderRoleMissing"
    | "CustomerAppNotConsented"
    | "CustomerAppRejected"
    | "CustomerTenantNotFound"
    | "SubscriptionOfOtherTenant"
    | "SubscriptionNotFound";
}

export interface Eligibility {
  readonly customerId: string;
  readonly result: "Eligible" | "NotEligible" | "Inconclusive";
  readonly checkedAt: string;
  readonly checks: readonly Check[];
  readonly subscriptions: readonly ExaminedSubscription[];
  readonly product?: "azureReservations" | "azureSavingsPlans";
}

export interface ActivityError {
  readonly code: string;
  readonly message: string;
  readonly partnerCenterCode?: string;
}

export interface Operation {
  readonly id: string;
  readonly status: "NotStarted" | "Running" | "Succeeded" | "Failed" | "Canceled";
  readonly error?: ActivityError;
  readonly steps?: readonly string[];
  readonly link?: string;
  readonly expiresAt?: string;
}

export interface Actor {
  readonly tenantId: string;
  readonly objectId: string;
  readonly kind: "User" | "Application";
  readonly name?: string;
}

export interface ActivityFinding {
  readonly code:
    | "TurnedOnOutside"
    | "TurnedOffOutside"
    | "OwnerLost"
    | "SubscriptionGone"
    | "SubscriptionSuspended"
    | "RelationshipEnded";
  readonly status: "Open" | "Closed";
  readonly message: string;
  readonly byUserPrincipalName?: string;
}

export interface Evidence {
  readonly checkedAt: string;
  readonly subscriptions: readonly ExaminedSubscription[];
}

export interface Activity {
  readonly id: string;
  readonly sequence: number;
  readonly customerId: string;
  readonly product: "azureReservations" | "azureSavingsPlans";
  readonly operation: "Create Customer Purchase Permissions" | "Delete Customer Purchase Permissions";
  readonly result: "Succeeded" | "Failed" | "Detected";
  readonly at: string;
  readonly by: Actor;
  readonly requestId: string;
  readonly changeId: string;
  readonly previousHash: string;
  readonly hash: string;
  readonly realigned?: boolean;
  readonly operationType?: "create_self_serve_policy" | "update_self_serve_policy" | "delete_self_serve_policy";
  readonly error?: ActivityError;
  readonly finding?: ActivityFinding;
  readonly reason?: string;
  readonly acknowledgedCharges?: boolean;
  readonly correlationId?: string;
  readonly evidence?: Evidence;
}

export interface ActivitiesPage {
  readonly value: readonly Activity[];
  readonly nextLink?: string;
}

export interface Webhook {
  readonly id: string;
  readonly callbackHost: string;
  readonly createdAt: string;
  readonly createdBy: Actor;
  readonly customerId?: string;
  readonly failingSince?: string;
}

export interface Webhooks {
  readonly value: readonly Webhook[];
}

export interface Subscription {
  readonly callbackUrl: string;
  readonly customerId?: string;
}

export interface NewWebhook {
  readonly id: string;
  readonly callbackHost: string;
  readonly createdAt: string;
  readonly createdBy: Actor;
  readonly secret: string;
  readonly customerId?: string;
}

export interface Unsubscription {
  readonly callbackUrl: string;
}

export interface FailedDelivery {
  readonly id: string;
  readonly activityId: string;
  readonly customerId: string;
  readonly failedAt: string;
  readonly attempts: number;
  readonly lastResult: string;
}

export interface FailedDeliveries {
  readonly value: readonly FailedDelivery[];
}

export interface Replay {
  readonly deliveryId?: string;
}

export interface Replayed {
  readonly replayed: number;
}

export interface Health {
  readonly status: "Healthy" | "Unhealthy";
  readonly down?: readonly string[];
  readonly oldestPendingActivitySeconds?: number;
  readonly partnerCenter?: "Ready" | "MfaNotCompliant" | "Refused";
}

export interface PermissionInQuestion {
  readonly customerId: string;
  readonly product: "azureReservations" | "azureSavingsPlans";
}

export interface NamedPermissionWish {
  readonly customerId: string;
  readonly product: "azureReservations" | "azureSavingsPlans";
  readonly state: "On" | "Off";
  readonly reason?: string;
  readonly subscriptionId?: string;
  readonly acknowledgedCharges?: boolean;
}

export interface EligibilityInQuestion {
  readonly customerId: string;
  readonly product?: "azureReservations" | "azureSavingsPlans";
  readonly subscriptionId?: string;
}

/** What any request may carry. */
export interface Headers {
  readonly "x-ms-client-request-id"?: string;
  readonly "MS-CorrelationId"?: string;
  readonly traceparent?: string;
}

/** One method for each operation of the service. */
export class PermissionsClient extends Caller {
  /** List customers */
  listCustomers(
    parameters: {
      readonly state?: "On" | "Off";
      readonly search?: string;
      readonly finding?: "Drift" | "NotEligible" | "Any";
      readonly maxpagesize?: number;
      readonly skipToken?: string;
    } = {},
    headers: Headers = {},
  ): Promise<Answer<CustomersPage>> {
    return this.call({
      method: "GET",
      path: `/customers`,
      query: {
        state: parameters.state,
        search: parameters.search,
        finding: parameters.finding,
        maxpagesize: parameters.maxpagesize,
        skipToken: parameters.skipToken,
      },
      headers,
    });
  }

  /** Get a customer */
  getCustomer(parameters: { readonly customerId: string }, headers: Headers = {}): Promise<Answer<Customer>> {
    return this.call({ method: "GET", path: `/customers/${encodeURIComponent(parameters.customerId)}`, headers });
  }

  /** Get the history of the permissions */
  getFleetHistory(parameters: { readonly days?: number } = {}, headers: Headers = {}): Promise<Answer<FleetHistory>> {
    return this.call({ method: "GET", path: `/fleet/history`, query: { days: parameters.days }, headers });
  }

  /** List a customer's permissions */
  listPermissions(parameters: { readonly customerId: string }, headers: Headers = {}): Promise<Answer<Permissions>> {
    return this.call({
      method: "GET",
      path: `/customers/${encodeURIComponent(parameters.customerId)}/permissions`,
      headers,
    });
  }

  /** Get a permission */
  getPermission(
    parameters: { readonly customerId: string; readonly product: "azureReservations" | "azureSavingsPlans" },
    headers: Headers & { readonly "If-None-Match"?: string } = {},
  ): Promise<Answer<Permission>> {
    return this.call({
      method: "GET",
      path: `/customers/${encodeURIComponent(parameters.customerId)}/permissions/${encodeURIComponent(parameters.product)}`,
      headers,
    });
  }

  /** Turn a permission On or Off */
  setPermission(
    parameters: { readonly customerId: string; readonly product: "azureReservations" | "azureSavingsPlans" },
    body: PermissionWish,
    headers: Headers & {
      readonly "If-Match"?: string;
      readonly "Repeatability-Request-ID"?: string;
      readonly "MS-RequestId"?: string;
      readonly "Idempotency-Key"?: string;
    } = {},
  ): Promise<Answer<ChangedPermission>> {
    return this.call({
      method: "PUT",
      path: `/customers/${encodeURIComponent(parameters.customerId)}/permissions/${encodeURIComponent(parameters.product)}`,
      headers,
      body,
    });
  }

  /** Check whether a customer may buy */
  checkEligibility(
    parameters: {
      readonly customerId: string;
      readonly product?: "azureReservations" | "azureSavingsPlans";
      readonly subscriptionId?: string;
    },
    headers: Headers = {},
  ): Promise<Answer<Eligibility>> {
    return this.call({
      method: "GET",
      path: `/customers/${encodeURIComponent(parameters.customerId)}/eligibility`,
      query: { product: parameters.product, subscriptionId: parameters.subscriptionId },
      headers,
    });
  }

  /** Get the status of a change */
  getOperation(
    parameters: { readonly customerId: string; readonly changeId: string },
    headers: Headers = {},
  ): Promise<Answer<Operation>> {
    return this.call({
      method: "GET",
      path: `/customers/${encodeURIComponent(parameters.customerId)}/operations/${encodeURIComponent(parameters.changeId)}`,
      headers,
    });
  }

  /** Get the result of a change */
  getOperationResult(
    parameters: { readonly customerId: string; readonly changeId: string },
    headers: Headers = {},
  ): Promise<Answer<ChangedPermission>> {
    return this.call({
      method: "GET",
      path: `/customers/${encodeURIComponent(parameters.customerId)}/operations/${encodeURIComponent(parameters.changeId)}/result`,
      headers,
    });
  }

  /** List activities */
  listActivities(
    parameters: {
      readonly customerId?: string;
      readonly from?: string;
      readonly to?: string;
      readonly maxpagesize?: number;
      readonly skipToken?: string;
    } = {},
    headers: Headers = {},
  ): Promise<Answer<ActivitiesPage>> {
    return this.call({
      method: "GET",
      path: `/activities`,
      query: {
        customerId: parameters.customerId,
        from: parameters.from,
        to: parameters.to,
        maxpagesize: parameters.maxpagesize,
        skipToken: parameters.skipToken,
      },
      headers,
    });
  }

  /** List webhooks */
  listWebhooks(headers: Headers = {}): Promise<Answer<Webhooks>> {
    return this.call({ method: "GET", path: `/webhooks`, headers });
  }

  /** Subscribe to activities */
  subscribeToChanges(body: Subscription, headers: Headers = {}): Promise<Answer<NewWebhook>> {
    return this.call({ method: "POST", path: `/webhooks`, headers, body });
  }

  /** Remove a webhook */
  unsubscribeFromChanges(
    parameters: { readonly webhookId: string },
    headers: Headers = {},
  ): Promise<Answer<undefined>> {
    return this.call({ method: "DELETE", path: `/webhooks/${encodeURIComponent(parameters.webhookId)}`, headers });
  }

  /** Remove the webhooks of a callback URL */
  unsubscribeByCallbackUrl(body: Unsubscription, headers: Headers = {}): Promise<Answer<undefined>> {
    return this.call({ method: "POST", path: `/webhooks/unsubscribe`, headers, body });
  }

  /** List failed deliveries */
  listFailedDeliveries(
    parameters: { readonly webhookId: string },
    headers: Headers = {},
  ): Promise<Answer<FailedDeliveries>> {
    return this.call({
      method: "GET",
      path: `/webhooks/${encodeURIComponent(parameters.webhookId)}/failed-deliveries`,
      headers,
    });
  }

  /** Replay failed deliveries */
  replayDeliveries(
    parameters: { readonly webhookId: string },
    body: Replay,
    headers: Headers = {},
  ): Promise<Answer<Replayed>> {
    return this.call({
      method: "POST",
      path: `/webhooks/${encodeURIComponent(parameters.webhookId)}/replay`,
      headers,
      body,
    });
  }

  /** Poll for new activities */
  pollPermissionChanges(
    parameters: { readonly triggerState?: string; readonly customerId?: string } = {},
    headers: Headers = {},
  ): Promise<Answer<Activity | undefined>> {
    return this.call({
      method: "GET",
      path: `/triggers/permission-changes`,
      query: { triggerState: parameters.triggerState, customerId: parameters.customerId },
      headers,
    });
  }

  /** Get the health of the service */
  health(headers: Headers = {}): Promise<Answer<Health>> {
    return this.call({ method: "GET", path: `/health`, headers });
  }

  /** Get a permission by name */
  getCustomerPermission(body: PermissionInQuestion, headers: Headers = {}): Promise<Answer<Permission>> {
    return this.call({ method: "POST", path: `/GetCustomerPermission`, headers, body });
  }

  /** Turn a permission On or Off by name */
  setCustomerPermission(
    body: NamedPermissionWish,
    headers: Headers & {
      readonly "If-Match"?: string;
      readonly "Repeatability-Request-ID"?: string;
      readonly "MS-RequestId"?: string;
      readonly "Idempotency-Key"?: string;
    } = {},
  ): Promise<Answer<ChangedPermission>> {
    return this.call({ method: "POST", path: `/SetCustomerPermission`, headers, body });
  }

  /** Check whether a customer may buy by name */
  checkCustomerEligibility(body: EligibilityInQuestion, headers: Headers = {}): Promise<Answer<Eligibility>> {
    return this.call({ method: "POST", path: `/CheckCustomerEligibility`, headers, body });
  }
}
