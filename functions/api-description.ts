/** The API in words: what each function is for, what it takes and what it answers. */

import { findingKinds } from "../shared/domain/customer-filter.ts";
import { permissionStates, products } from "../shared/domain/permission.ts";
import type { AnswerDescription, ApiDescription, RouteDescription } from "../shared/http/api-description.ts";
import { mostPageSize, presetPageSize, skipToken } from "../shared/http/paging.ts";
import {
  mostHistoryDays,
  mostReasonCharacters,
  mostSearchCharacters,
  presetHistoryDays,
  requestIdHeaders,
} from "../shared/http/parameters.ts";
import { bodyOf, count, guid, oneOf, type Schema, text, time, truth } from "../shared/http/schema.ts";
import { apiVersion } from "../shared/http/serve.ts";
import { triggerState } from "../shared/http/trigger-state.ts";
import {
  activitiesPage,
  activity,
  changedPermission,
  customer,
  customersPage,
  deliveryId,
  eligibility,
  error,
  failedDeliveries,
  fleetHistory,
  health,
  newWebhook,
  notification,
  operation,
  permission,
  permissions,
  replayed,
  webhooks,
} from "./api-schemas.ts";
import { eligibilityFields } from "./check-eligibility.ts";
import { replayFields } from "./failed-deliveries.ts";
import { permissionFields } from "./get-permission.ts";
import type { FunctionName } from "./register-functions.ts";
import { permissionChangeFields, wishFields } from "./set-permission.ts";
import { subscriptionFields } from "./subscribe-to-changes.ts";
import { unsubscriptionFields } from "./unsubscribe-from-changes.ts";

const customerId = guid("The customer's Microsoft Entra tenant id, called Microsoft ID in Partner Center.");
const product = oneOf(products, "What the customer may buy.");
const subscriptionId = guid("Look only at this Azure subscription of the customer.");

const fields = {
  customerId,
  product,
  state: oneOf(permissionStates, "What the permission is to become."),
  reason: text("Why: it is kept with the change.", { maxLength: mostReasonCharacters }),
  subscriptionId,
  acknowledgedCharges: truth("The caller confirms that the partner pays for what the customer buys."),
};

const callbackUrl = text("Where to POST every activity: https, and a host that may be called. It is kept secret.", {
  format: "uri",
  maxLength: 2048,
  example: "https://prod-00.westeurope.logic.azure.com/workflows/approve",
});
const subscription = bodyOf("Subscription", subscriptionFields, { callbackUrl, customerId }, ["callbackUrl"]);
const unsubscription = bodyOf("Unsubscription", unsubscriptionFields, { callbackUrl }, unsubscriptionFields);

const replay = bodyOf("Replay", replayFields, { deliveryId }, []);

const permissionInQuestion = bodyOf("PermissionInQuestion", permissionFields, fields, permissionFields);
const eligibilityInQuestion = bodyOf("EligibilityInQuestion", eligibilityFields, fields, ["customerId"]);
const permissionWish = bodyOf("PermissionWish", wishFields, fields, ["state"]);
const namedPermissionWish = bodyOf("NamedPermissionWish", permissionChangeFields, fields, [
  ...permissionFields,
  "state",
]);

const refusals = {
  InvalidRequest: "An id, a parameter, a header or the body is malformed or unknown; target names it.",
  UnsupportedApiVersionValue: "There is no such api-version.",
  RequestTooLarge: "The body is larger than 16 KiB.",
  Unauthenticated: "There is no token, or one that fails a check.",
  AdminAgentRequired: "Only an Admin Agent may turn a permission, or change webhooks.",
  AgentRoleRequired: "The caller holds none of the roles.",
  ScopeRequired: "The user's token lacks the scope.",
  NotFound: "There is no such product, operation or webhook.",
  NoAzureSubscription: "The customer has no active Azure subscription that this partner sold; details hold the checks.",
  OwnerRoleMissing: "None of the customer's own users or groups is Owner; details hold the checks.",
  EligibilityInconclusive: "Nobody can tell, and waiting does not help; details name the remedy.",
  PartnerCenterRefused: "Partner Center says no, and waiting does not help; details name the remedy.",
  ChangeInProgress: "Another change of this customer has not been confirmed by Partner Center yet.",
  TooManyWebhooks: "There are as many webhooks as there may be.",
  ConditionNotMet: "The permission is not as If-Match says.",
  RequestIdReused: "The same request id came with another request.",
  InternalError: "Our fault.",
  DependencyUnavailable:
    "Something that is needed is down, throttled or too slow. Nothing was changed, or the change is complete and repeating the request says so.",
} as const satisfies ApiDescription["refusals"];

function found(schema: Schema, description: string, headers: readonly string[] = []): AnswerDescription {
  return { description, schema, headers };
}

const readPermission = found(permission, "The permission.", ["ETag"]);

const running: AnswerDescription = {
  description: "Accepted, and not yet confirmed by Partner Center. Ask again after Retry-After.",
  schema: changedPermission,
  headers: ["Location", "Retry-After"],
};

const turn: Pick<RouteDescription, "headers" | "answers" | "refusals"> = {
  headers: ["If-Match", ...requestIdHeaders],
  answers: {
    200: {
      description: "In force, and recorded.",
      schema: changedPermission,
      headers: ["ETag"],
      sometimes: ["Repeatability-Result"],
    },
    202: {
      ...running,
      headers: ["Operation-Location", "Location", "Retry-After"],
      sometimes: ["Repeatability-Result"],
    },
  },
  refusals: [
    "NotFound",
    "NoAzureSubscription",
    "OwnerRoleMissing",
    "EligibilityInconclusive",
    "PartnerCenterRefused",
    "ChangeInProgress",
    "ConditionNotMet",
    "RequestIdReused",
  ],
};

/** For people who choose what a workflow does: they are better served by its twin, or by none. */
const notOffered: Pick<RouteDescription, "connector"> = { connector: { visibility: "internal" } };

const functions = {
  ListCustomers: {
    tag: "Customers",
    summary: "List customers",
    description:
      "Customers that were ever switched here, or that Partner Center listed, page by page. A page may hold fewer than asked for, or none, and still have a nextLink.",
    answers: { 200: found(customersPage, "One page.") },
  },
  GetCustomer: {
    tag: "Customers",
    summary: "Get a customer",
    description: "One customer as the list shows it. One never heard of has every permission Off.",
    answers: { 200: found(customer, "The customer.") },
  },
  GetFleetHistory: {
    tag: "Customers",
    summary: "Get the history of the permissions",
    description:
      "How many customers had a permission On at the end of each day (UTC), and how many permissions were turned on it. Today, the last one, is as it is now.",
    answers: { 200: found(fleetHistory, "One item for each day.") },
  },
  ListPermissions: {
    tag: "Permissions",
    summary: "List a customer's permissions",
    description: "All permissions of a customer. A customer never touched has them Off.",
    answers: { 200: found(permissions, "The permissions.") },
  },
  GetPermission: {
    tag: "Permissions",
    summary: "Get a permission",
    description: "One permission of a customer.",
    headers: ["If-None-Match"],
    answers: {
      200: readPermission,
      304: { description: "It is still as If-None-Match says.", headers: ["ETag"] },
    },
    refusals: ["NotFound"],
  },
  SetPermission: {
    tag: "Permissions",
    summary: "Turn a permission On or Off",
    description:
      "On is granted only to a customer who passes the eligibility check; Off is never refused for want of it. The state and the entry of the activity log are written together. Repeating a request is always safe.",
    body: permissionWish,
    ...turn,
  },
  CheckEligibility: {
    tag: "Permissions",
    summary: "Check whether a customer may buy",
    description: "What would be said to a switch to On, with the evidence. Writes nothing.",
    answers: { 200: found(eligibility, "The result, which may be that nobody can tell.") },
    refusals: ["NotFound"],
  },
  GetOperation: {
    tag: "Permissions",
    summary: "Get the status of a change",
    description: "How a change stands; kept for 30 days.",
    answers: { 200: { description: "The status.", schema: operation, sometimes: ["Retry-After"] } },
    refusals: ["NotFound"],
  },
  GetOperationResult: {
    tag: "Permissions",
    summary: "Get the result of a change",
    description: "202 while the change runs, then what the request for it would have been answered.",
    answers: { 200: found(changedPermission, "In force, and recorded.", ["ETag"]), 202: running },
    refusals: ["NotFound", "PartnerCenterRefused"],
  },
  ListActivities: {
    tag: "Activities",
    summary: "List activities",
    description: "The activity log of one customer or of all, newest first, page by page.",
    answers: { 200: found(activitiesPage, "One page.") },
  },
  ListWebhooks: {
    tag: "Webhooks",
    summary: "List webhooks",
    description: "Who is told of activities, without what is secret about it.",
    answers: { 200: found(webhooks, "All webhooks.") },
  },
  SubscribeToChanges: {
    tag: "Webhooks",
    summary: "Subscribe to activities",
    description:
      "Every activity that is recorded from now on is posted to the callback URL, at least once and in no particular order, with the headers and the signature of Standard Webhooks; webhook-id is the activity's id. The same request again finds the same webhook.",
    connector: {
      trigger: {
        kind: "webhook",
        starts: "single",
        hint: "To see it work, turn a permission On or Off.",
        callbackField: "callbackUrl",
        notification: { description: "What is posted to the callback URL.", schema: notification },
      },
    },
    body: subscription,
    answers: { 201: found(newWebhook, "It is there.", ["Location"]) },
    refusals: ["TooManyWebhooks"],
  },
  UnsubscribeFromChanges: {
    tag: "Webhooks",
    summary: "Remove a webhook",
    description: "With all that was still to be delivered to it. One that is not there is removed already.",
    answers: { 204: { description: "It is not there any more." } },
  },
  UnsubscribeByCallbackUrl: {
    tag: "Webhooks",
    summary: "Remove the webhooks of a callback URL",
    description: "UnsubscribeFromChanges for workflows, which know nothing but their own address.",
    body: unsubscription,
    answers: { 204: { description: "None is there any more." } },
  },
  ListFailedDeliveries: {
    tag: "Webhooks",
    summary: "List failed deliveries",
    description: "What was given up, because the receiver did not take it for three days.",
    answers: { 200: found(failedDeliveries, "They stay until they are replayed, or the webhook is removed.") },
    refusals: ["NotFound"],
  },
  ReplayDeliveries: {
    tag: "Webhooks",
    summary: "Replay failed deliveries",
    description: "Tries one failed delivery again, or the oldest hundred.",
    body: replay,
    answers: { 200: found(replayed, "They are being delivered.") },
    refusals: ["NotFound"],
  },
  PollPermissionChanges: {
    tag: "Activities",
    summary: "Poll for new activities",
    description:
      "Polling trigger of Logic Apps: tells activities one by one, the oldest first, each when it is half a minute old. Location is where to ask next.",
    connector: {
      trigger: {
        kind: "polling",
        starts: "single",
        hint: "To see it work, turn a permission On or Off, and wait for half a minute.",
        state: triggerState,
      },
    },
    answers: {
      200: found(activity, "The next activity. Retry-After is 0 when there is another.", ["Location", "Retry-After"]),
      202: { description: "There is none yet.", headers: ["Location", "Retry-After"] },
    },
  },
  Health: {
    tag: "Service",
    summary: "Get the health of the service",
    description: "Looks at storage only.",
    ...notOffered,
    answers: {
      200: found(health, "The service can do its work."),
      503: found(health, "It cannot; down tells why."),
    },
  },
  OpenApi: {
    tag: "Service",
    summary: "Get this document as OpenAPI 3.0",
    description: "The description of this API as OpenAPI 3.0.",
    answers: {
      200: {
        description: "The document.",
        schema: { type: "object", description: "An OpenAPI 3.0 document." },
        headers: ["Access-Control-Allow-Origin"],
      },
    },
    ...notOffered,
  },
  Swagger: {
    tag: "Service",
    summary: "Get this document as Swagger 2.0",
    description: "The same description for Power Platform and Logic Apps.",
    answers: {
      200: {
        description: "The document.",
        schema: { type: "object", description: "A Swagger 2.0 document." },
        headers: ["Access-Control-Allow-Origin"],
      },
    },
    ...notOffered,
  },
  ApiPage: {
    tag: "Service",
    summary: "Get this description as a page",
    description: "The same description for people.",
    answers: {
      200: {
        description: "The page.",
        schema: text("HTML without any script."),
        mediaType: "text/html",
        headers: ["Content-Security-Policy", "Referrer-Policy"],
      },
    },
    ...notOffered,
  },
  GetCustomerPermission: {
    tag: "By name",
    summary: "Get a permission by name",
    description: "GetPermission without route parameters, for the native Azure Functions action of Logic Apps.",
    ...notOffered,
    body: permissionInQuestion,
    answers: { 200: readPermission },
    refusals: ["NotFound"],
  },
  SetCustomerPermission: {
    tag: "By name",
    summary: "Turn a permission On or Off by name",
    description: "SetPermission without route parameters, for the native Azure Functions action of Logic Apps.",
    ...notOffered,
    body: namedPermissionWish,
    ...turn,
  },
  CheckCustomerEligibility: {
    tag: "By name",
    summary: "Check whether a customer may buy by name",
    description: "CheckEligibility without route parameters, for the native Azure Functions action of Logic Apps.",
    ...notOffered,
    body: eligibilityInQuestion,
    answers: { 200: found(eligibility, "The result, which may be that nobody can tell.") },
    refusals: ["NotFound"],
  },
} as const satisfies Record<FunctionName, RouteDescription>;

const webhookId = text("The webhook.", { pattern: "^[0-9a-f]{32}$", example: "0123456789abcdef0123456789abcdef" });

const repeatable = guid(
  "Makes the request repeatable: the same id with the same request gets the first answer again, for at least 24 hours.",
);

export const apiDescription: ApiDescription = {
  title: "Customer purchase permissions",
  description:
    "Lets a Microsoft CSP partner decide, customer by customer, who may buy Azure reservations and Azure savings plans at the partner's cost. Lists of values may grow.",
  license: { name: "MIT", url: "https://opensource.org/license/mit" },
  tags: {
    Customers: "Customers known to the service.",
    Permissions: "The switches of a customer.",
    Activities: "The log of everything that was switched or found.",
    Webhooks: "Being told of every activity.",
    Service: "The service itself.",
    "By name": "The same operations for callers that cannot fill in a route.",
  },
  functions,
  parameters: {
    path: { customerId, product, changeId: guid("The change, as in Operation-Location."), webhookId },
    query: {
      "api-version": { ...oneOf([apiVersion], "Optional as long as there is only one."), default: apiVersion },
      customerId: guid("Only this customer's."),
      product,
      subscriptionId,
      state: oneOf(permissionStates, "On: customers with any permission On. Off: those with none."),
      search: text("A part of the name or domain, or the beginning of the customer's id; large or small letters.", {
        maxLength: mostSearchCharacters,
      }),
      finding: oneOf(
        findingKinds,
        "Customers of whom something was found. Drift: a permission was turned elsewhere. NotEligible: what an On needs is gone. Any: either.",
      ),
      days: count("So many days, today among them.", {
        ...{ minimum: 1, maximum: mostHistoryDays, default: presetHistoryDays },
      }),
      from: time("Not before this time."),
      to: time("Before this time."),
      maxpagesize: count(`Items of a page; more than ${mostPageSize} are taken for ${mostPageSize}.`, {
        minimum: 1,
        default: presetPageSize,
      }),
      [triggerState]: text("Part of Location, and only good as that; absent: tell what happens from now on."),
      [skipToken]: text("Part of nextLink, and only good as that."),
    },
    header: {
      "If-Match": text("Entity tags, or *: refuse unless the permission still has one of them."),
      "If-None-Match": text("Entity tags, or *: answer 304 if the permission still has one of them."),
      ...Object.fromEntries(requestIdHeaders.map((name) => [name, repeatable])),
      "x-ms-client-request-id": text("The caller's own id; it comes back, and is kept as correlationId."),
      "MS-CorrelationId": text("The same; goes before x-ms-client-request-id."),
      traceparent: text("W3C trace context; its trace id is kept as correlationId if there is no other."),
    },
  },
  answerHeaders: {
    "x-ms-request-id": guid("To be quoted when asking about this request."),
    "x-ms-client-request-id": text("As sent."),
    "MS-CorrelationId": text("As sent."),
    "MS-RequestId": text("As sent."),
    ETag: text("Tag of the permission, for If-Match and If-None-Match."),
    Location: text(
      "Of a change: 202 until it has ended, then its result. Of what was made: where it is. Of a trigger: where to ask next.",
      { format: "uri" },
    ),
    "Operation-Location": text("Status of the change.", { format: "uri" }),
    "Retry-After": count("Seconds to wait."),
    "Repeatability-Result": oneOf(["accepted"], "Present when the request has an id."),
    "WWW-Authenticate": text("Asks for a bearer token."),
    "Access-Control-Allow-Origin": oneOf(["*"], "Any page may read it."),
    "Content-Security-Policy": text("Nothing is loaded, nothing runs."),
    "Referrer-Policy": oneOf(["no-referrer"], "Links tell nobody where they were followed."),
  },
  refusals,
  error,
  connector: {
    titles: {
      maxpagesize: "Page Size",
      value: "Items",
      at: "Time",
      traceparent: "Trace Parent",
      down: "What Is Down",
      steps: "Steps for the Operator",
    },
    hidden: ["api-version", skipToken],
    choices: {
      // Where Partner Center is not followed the service knows no names: people fill in the id themselves there.
      customerId: {
        operationId: "ListCustomers",
        parameters: { maxpagesize: mostPageSize },
        collection: "value",
        value: "customerId",
        title: "name",
      },
    },
  },
};
