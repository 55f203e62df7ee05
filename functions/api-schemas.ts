/** What the answers of this API hold, member by member, along their types. */

import {
  type Activity,
  type ActivityError,
  type ActivityFinding,
  activityResults,
  findingStatuses,
  operationOf,
  operationTypes,
} from "../shared/domain/activity.ts";
import type { FailedDelivery } from "../shared/domain/delivery.ts";
import { type Finding, findingCodes } from "../shared/domain/drift.ts";
import {
  type Check,
  checkNames,
  checkResults,
  type Eligibility,
  type Evidence,
  type ExaminedSubscription,
  eligibilityResults,
  type IgnoredOwner,
  ignoredOwnerCodes,
  type Owner,
  subscriptionCodes,
} from "../shared/domain/eligibility.ts";
import type { FleetDay } from "../shared/domain/fleet-history.ts";
import type { ManualSteps } from "../shared/domain/manual-steps.ts";
import { azureOffers } from "../shared/domain/partner-sale.ts";
import {
  type Actor,
  actorKinds,
  type Permission,
  permissionStates,
  products,
  type ShownPermission,
  type UnfinishedChange,
} from "../shared/domain/permission.ts";
import type { ListedWebhook, Webhook } from "../shared/domain/webhook.ts";
import { statusOf } from "../shared/http/problem.ts";
import { count, guid, listOf, objectOf, oneOf, orNull, text, time, truth } from "../shared/http/schema.ts";
import { type Health, healthStatuses } from "../shared/use-cases/check-health.ts";
import { type Operation, operationStatuses } from "../shared/use-cases/get-operation.ts";
import type { ListedCustomer } from "../shared/use-cases/list-customers.ts";
import { receptions } from "../shared/use-cases/partner-center-gate.ts";
import type { SetPermissionAnswer } from "../shared/use-cases/set-permission.ts";

const customerId = guid("The customer's Microsoft Entra tenant id, called Microsoft ID in Partner Center.");
const product = oneOf(products, "What the customer may buy.");
const changeId = guid("The change: the id that came with the request for it, or one that was made for it.");
const reason = text("Why, in the words of whoever asked for it.");
const remedy = text("What the operator can do, in plain words.");
const checkedAt = time("When it was looked up.");
const byUserPrincipalName = text("Who did it, as Partner Center's audit records name them.");
const partnerCenterCode = text("Partner Center's own code, such as 900150, or Entra's, if it gave one.");
const principal = {
  principalId: text("Object id of the principal."),
  principalType: text("In the words of Azure, such as User or Group."),
};

const actor = objectOf<Actor>(
  "Actor",
  {
    tenantId: guid("The partner's tenant."),
    objectId: guid("Object id of the user, or of the application's service principal."),
    kind: oneOf(actorKinds, "Whether a user or an application."),
  },
  { name: text("For people to read, never to decide on.") },
);

const switched = {
  customerId,
  product,
  state: oneOf(permissionStates, "Whether the customer's own users may buy."),
  changedAt: orNull(time("When it was last turned; null: never.")),
  changedBy: orNull({ ...actor, description: "Who turned it; null: nobody ever has." }),
  changeId: orNull(guid("The change that turned it; null: none ever has.")),
};

const pending = objectOf<NonNullable<ShownPermission["pending"]>>("PendingChange", {
  changeId: guid("The change: its operation tells how far it has come."),
  state: oneOf(permissionStates, "What the switch is to become."),
  since: time("When it was accepted."),
});

export const permission = objectOf<ShownPermission>("Permission", switched, {
  reason,
  pending: { ...pending, description: "A change that Partner Center has not confirmed yet; absent: none." },
});

export const permissions = objectOf<{ readonly value: readonly ShownPermission[] }>("Permissions", {
  value: listOf(permission, "One for each product."),
});

const manualSteps = {
  steps: listOf(text("One step."), "What an Admin Agent does in Partner Center's portal, in this order."),
  link: text("The customer's Account page in Partner Center.", { format: "uri" }),
  expiresAt: time("When the change is given up if nobody has moved the switch."),
};

export const changedPermission = objectOf<Permission & Pick<SetPermissionAnswer, "changed"> & Partial<ManualSteps>>(
  "ChangedPermission",
  { ...switched, changed: truth("Whether this change turned it; false: it was so already, or is not so yet.") },
  { reason, ...manualSteps },
);

const activityError = objectOf<ActivityError>(
  "ActivityError",
  { code: text("Why it failed, in one word."), message: text("Why it failed.") },
  { partnerCenterCode },
);

export const operation = objectOf<Omit<Operation, "permission" | "manualSteps"> & Partial<ManualSteps>>(
  "Operation",
  { id: changeId, status: oneOf(operationStatuses, "How far it has come; the last three are final.") },
  { error: activityError, ...manualSteps },
);

const finding = objectOf<Finding>(
  "Finding",
  {
    code: oneOf(findingCodes, "What is not as the record says."),
    product,
    message: text("The same in words."),
    since: time("When it was found."),
  },
  { byUserPrincipalName },
);

export const customer = objectOf<ListedCustomer>(
  "Customer",
  { customerId, permissions: listOf(permission, "One for each product.") },
  {
    name: text("As Partner Center lists it."),
    domain: text("As Partner Center lists it."),
    relationship: text("As Partner Center lists it: reseller for those that the partner sells to."),
    lastSeenAt: time("When Partner Center listed the customer last."),
    lastVerifiedAt: time("When record and policy were last compared."),
    findings: listOf(finding, "What nobody has decided about yet."),
  },
);

const switchesOn = "Customers that have it On.";

export const fleetHistory = objectOf<{ readonly value: readonly FleetDay[] }>("FleetHistory", {
  value: listOf(
    objectOf<FleetDay>("FleetDay", {
      date: text("The day, in UTC.", { pattern: "^\\d{4}-\\d{2}-\\d{2}$" }),
      customersOn: count("Customers with any permission On at the end of the day."),
      on: objectOf<FleetDay["on"]>("FleetPermissions", {
        azureReservations: count(switchesOn),
        azureSavingsPlans: count(switchesOn),
      }),
      turnedOn: count("Permissions that were turned On in the course of the day."),
      turnedOff: count("Permissions that were turned Off in the course of the day."),
    }),
    "The oldest first, one for each day.",
  ),
});

const owner = objectOf<Owner>("Owner", {
  ...principal,
  scope: text("Where the role was assigned."),
  conditional: truth("Constrained delegation: this Owner may assign only some roles."),
});

const ignoredOwner = objectOf<IgnoredOwner>("IgnoredOwner", {
  ...principal,
  code: oneOf(ignoredOwnerCodes, "Why it does not count."),
});

const subscription = objectOf<ExaminedSubscription>(
  "ExaminedSubscription",
  {
    subscriptionId: guid("As Azure Resource Manager knows it."),
    displayName: text("For people to read."),
    state: text("In the words of Azure; Unknown where Azure does not show it."),
    quotaId: text("Tells how it was bought; Unknown where Azure does not show it."),
    counts: truth("Whether it is one that this partner sold and that is active."),
    owners: listOf(owner, "Owners that count."),
    ignoredOwners: listOf(ignoredOwner, "Owners that do not count."),
  },
  {
    offer: oneOf(azureOffers, "As what this partner sold it."),
    code: oneOf(subscriptionCodes, "Why it does not count, or what to know about it although it does."),
  },
);

const subscriptions = listOf(subscription, "What was looked at.");

const verdict = {
  name: oneOf(checkNames, "The precondition."),
  result: oneOf(checkResults, "Whether it holds; Inconclusive: nobody can tell."),
  code: text("The result in one word."),
  message: text("The result in words."),
};
const help = { remedy, link: text("The page where it is done.", { format: "uri" }) };

const check = objectOf<Check>("Check", verdict, help);

export const eligibility = objectOf<Eligibility>(
  "Eligibility",
  {
    customerId,
    result: oneOf(eligibilityResults, "Only Eligible may be turned On."),
    checkedAt,
    checks: listOf(check, "One for each precondition."),
    subscriptions,
  },
  { product },
);

const evidence = objectOf<Evidence>("Evidence", { checkedAt, subscriptions });

const activityFinding = objectOf<ActivityFinding>(
  "ActivityFinding",
  {
    code: oneOf(findingCodes, "What is not as the record says."),
    status: oneOf(findingStatuses, "Closed: it is not so any more, although nobody here has decided it."),
    message: text("The same in words."),
  },
  { byUserPrincipalName },
);

const sha256 = { pattern: "^[0-9a-f]{64}$" };

export const activity = objectOf<Activity>(
  "Activity",
  {
    id: text("The customer's id and the sequence."),
    sequence: count("1, 2, 3 and so on for each customer, without gaps.", { minimum: 1 }),
    customerId,
    product,
    operation: oneOf(Object.values(operationOf), "In the words of Partner Center."),
    result: oneOf(activityResults, "Detected: nothing was switched here, something was found."),
    at: time("When it happened."),
    by: actor,
    requestId: text("The x-ms-request-id of the answer to the request for it."),
    changeId,
    previousHash: text("The hash of the entry before it; 64 zeros for the first one.", sha256),
    hash: text("SHA-256 of this entry's RFC 8785 canonical JSON without this member.", sha256),
  },
  {
    realigned: truth(
      "Present when the permission was so already, and only Partner Center was brought in line with it.",
    ),
    operationType: oneOf(operationTypes, "What was done in Partner Center, in the words of its audit records."),
    error: activityError,
    finding: activityFinding,
    reason,
    acknowledgedCharges: truth("Whether the caller confirmed that the partner pays for what the customer buys."),
    correlationId: text("The caller's own id for what belongs together."),
    evidence,
  },
);

const nextLink = text("The next page; absent: this is the last one.", { format: "uri" });

interface Page<Item> {
  readonly value: readonly Item[];
  readonly nextLink?: string;
}

export const customersPage = objectOf<Page<ListedCustomer>>(
  "CustomersPage",
  { value: listOf(customer, "In a fixed order.") },
  { nextLink },
);

export const activitiesPage = objectOf<Page<Activity>>(
  "ActivitiesPage",
  { value: listOf(activity, "Newest first.") },
  { nextLink },
);

const webhookMembers = {
  id: text("Of the webhook: 32 hex digits.", { pattern: "^[0-9a-f]{32}$" }),
  callbackHost: text("Host of the callback URL; the rest of it is secret."),
  createdAt: time("When it was made."),
  createdBy: { ...actor, description: "Who made it." },
};
const ofCustomer = { customerId: { ...customerId, description: "Told of this customer only; absent: of all." } };

type NewWebhook = Omit<ListedWebhook, "failingSince"> & Pick<Webhook, "secret">;

/** What delivery.ts posts. */
export const notification = objectOf<{ readonly type: string; readonly timestamp: string; readonly data: Activity }>(
  "Notification",
  {
    type: oneOf(["permission.changed"], "What it is about."),
    timestamp: time("When the activity happened."),
    data: activity,
  },
);

export const newWebhook = objectOf<NewWebhook>(
  "NewWebhook",
  { ...webhookMembers, secret: text("Signs what is delivered, as Standard Webhooks says; keep it secret.") },
  ofCustomer,
);

export const webhooks = objectOf<{ readonly value: readonly ListedWebhook[] }>("Webhooks", {
  value: listOf(
    objectOf<ListedWebhook>("Webhook", webhookMembers, {
      ...ofCustomer,
      failingSince: time("Present when the newest delivery failed: since when all do."),
    }),
    "All of them, the oldest first.",
  ),
});

export const deliveryId = text("Of the delivery: time, customer and sequence of its activity.");

export const failedDeliveries = objectOf<{ readonly value: readonly FailedDelivery[] }>("FailedDeliveries", {
  value: listOf(
    objectOf<FailedDelivery>("FailedDelivery", {
      id: deliveryId,
      activityId: text("The activity that was to be told."),
      customerId,
      failedAt: time("When it was given up."),
      attempts: count("How often it was tried."),
      lastResult: text("What came of the last attempt: HTTP and the status, or why there was none."),
    }),
    "The oldest 200.",
  ),
});

export const replayed = objectOf<{ readonly replayed: number }>("Replayed", {
  replayed: count("How many are tried again: at most 100; repeat it until there are none."),
});

export const health = objectOf<Health>(
  "Health",
  { status: oneOf(healthStatuses, "Whether the service can do its work.") },
  {
    down: listOf(text("A part of storage."), "What did not answer."),
    oldestPendingActivitySeconds: count("Present when an activity waits for the log longer than it ever should."),
    partnerCenter: oneOf(receptions, "How Partner Center received us when it was last asked."),
  },
);

type Detail = Partial<Check> & Partial<UnfinishedChange> & Pick<ActivityError, "partnerCenterCode">;

const detail = objectOf<Detail>(
  "ErrorDetail",
  {},
  {
    ...verdict,
    ...help,
    partnerCenterCode,
    changeId,
    product,
    state: oneOf(permissionStates, "What the change in the way would make of it."),
    since: time("When the change in the way was accepted."),
  },
);

interface Problem {
  readonly code: string;
  readonly message: string;
  readonly target?: string;
  readonly details?: readonly Detail[];
}

export const error = objectOf<{ readonly error: Problem }>("Error", {
  error: objectOf<Problem>(
    "Problem",
    {
      code: oneOf(Object.keys(statusOf), "What went wrong, in one word."),
      message: text("What went wrong, with which value, and what to do."),
    },
    {
      target: text("The parameter, header or field that is to blame."),
      details: listOf(
        detail,
        "What a program or an operator needs to mend it: the checks, the change in the way, or what Partner Center said.",
      ),
    },
  ),
});
