/** The API in words: what each function is for, what it takes and what it answers. */

import { permissionStates, products } from "../shared/domain/permission.ts";
import type { AnswerDescription, ApiDescription, RouteDescription } from "../shared/http/api-description.ts";
import { mostPageSize, presetPageSize, skipToken } from "../shared/http/paging.ts";
import { mostReasonCharacters, requestIdHeaders } from "../shared/http/parameters.ts";
import { bodyOf, count, guid, oneOf, type Schema, text, time, truth } from "../shared/http/schema.ts";
import { apiVersion } from "../shared/http/serve.ts";
import {
  activitiesPage,
  changedPermission,
  customer,
  customersPage,
  eligibility,
  error,
  health,
  operation,
  permission,
  permissions,
} from "./api-schemas.ts";
import { eligibilityFields } from "./check-eligibility.ts";
import { permissionFields } from "./get-permission.ts";
import type { FunctionName } from "./register-functions.ts";
import { permissionChangeFields, wishFields } from "./set-permission.ts";

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
  AdminAgentRequired: "Only an Admin Agent may turn a permission.",
  AgentRoleRequired: "The caller holds none of the roles.",
  ScopeRequired: "The user's token lacks the scope.",
  NotFound: "There is no such product or operation.",
  NoAzureSubscription: "The customer has no active Azure subscription that this partner sold; details hold the checks.",
  OwnerRoleMissing: "None of the customer's own users or groups is Owner; details hold the checks.",
  EligibilityInconclusive: "Nobody can tell, and waiting does not help; details name the remedy.",
  PartnerCenterRefused: "Partner Center says no, and waiting does not help; details name the remedy.",
  ChangeInProgress: "Another change of this customer has not been confirmed by Partner Center yet.",
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

const functions = {
  ListCustomers: {
    tag: "Customers",
    summary: "List customers",
    description: "Customers that were ever switched here, or that Partner Center listed, page by page.",
    answers: { 200: found(customersPage, "One page.") },
  },
  GetCustomer: {
    tag: "Customers",
    summary: "Get a customer",
    description: "One customer as the list shows it. One never heard of has every permission Off.",
    answers: { 200: found(customer, "The customer.") },
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
  Health: {
    tag: "Service",
    summary: "Get the health of the service",
    description: "Looks at storage only.",
    answers: {
      200: found(health, "The service can do its work."),
      503: found(health, "It cannot; down tells why."),
    },
  },
  OpenApi: {
    tag: "Service",
    summary: "Get this document",
    description: "The description of this API as OpenAPI 3.0.",
    answers: {
      200: {
        description: "The document.",
        schema: { type: "object", description: "An OpenAPI 3.0 document." },
        headers: ["Access-Control-Allow-Origin"],
      },
    },
  },
  GetCustomerPermission: {
    tag: "By name",
    summary: "Get a permission by name",
    description: "GetPermission without route parameters, for the native Azure Functions action of Logic Apps.",
    body: permissionInQuestion,
    answers: { 200: readPermission },
    refusals: ["NotFound"],
  },
  SetCustomerPermission: {
    tag: "By name",
    summary: "Turn a permission On or Off by name",
    description: "SetPermission without route parameters, for the native Azure Functions action of Logic Apps.",
    body: namedPermissionWish,
    ...turn,
  },
  CheckCustomerEligibility: {
    tag: "By name",
    summary: "Check whether a customer may buy by name",
    description: "CheckEligibility without route parameters, for the native Azure Functions action of Logic Apps.",
    body: eligibilityInQuestion,
    answers: { 200: found(eligibility, "The result, which may be that nobody can tell.") },
    refusals: ["NotFound"],
  },
} as const satisfies Record<FunctionName, RouteDescription>;

const repeatable = guid(
  "Makes the request repeatable: the same id with the same request gets the first answer again, for at least 24 hours.",
);

export const apiDescription: ApiDescription = {
  title: "Customer purchase permissions",
  description:
    "Lets a Microsoft CSP partner decide, customer by customer, who may buy Azure reservations and Azure savings plans at the partner's cost. Lists of values may grow.",
  tags: {
    Customers: "Customers known to the service.",
    Permissions: "The switches of a customer.",
    Activities: "The log of everything that was switched or found.",
    Service: "The service itself.",
    "By name": "The same operations for callers that cannot fill in a route.",
  },
  functions,
  parameters: {
    path: { customerId, product, changeId: guid("The change, as in Operation-Location.") },
    query: {
      "api-version": { ...oneOf([apiVersion], "Optional as long as there is only one."), default: apiVersion },
      customerId: guid("Only this customer's."),
      product,
      subscriptionId,
      state: oneOf(permissionStates, "On: customers with any permission On. Off: those with none."),
      from: time("Not before this time."),
      to: time("Before this time."),
      maxpagesize: count(`Items of a page; more than ${mostPageSize} are taken for ${mostPageSize}.`, {
        minimum: 1,
        default: presetPageSize,
      }),
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
    Location: text("202 until the change has ended, then its result.", { format: "uri" }),
    "Operation-Location": text("Status of the change.", { format: "uri" }),
    "Retry-After": count("Seconds to wait.", { minimum: 1 }),
    "Repeatability-Result": oneOf(["accepted"], "Present when the request has an id."),
    "WWW-Authenticate": text("Asks for a bearer token."),
    "Access-Control-Allow-Origin": oneOf(["*"], "Any page may read it."),
  },
  refusals,
  error,
};
