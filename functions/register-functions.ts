/** Every trigger of the product on one screen. */

import type { app, HttpFunctionOptions } from "@azure/functions";
import type { ReadCaller } from "../shared/http/caller.ts";
import type { ApiHandler, Route } from "../shared/http/route.ts";
import { serve } from "../shared/http/serve.ts";
import type { CheckEligibility } from "../shared/use-cases/check-eligibility.ts";
import type { CheckHealth } from "../shared/use-cases/check-health.ts";
import type { DeliverToWebhook } from "../shared/use-cases/deliver-to-webhook.ts";
import type { DetectDrift } from "../shared/use-cases/detect-drift.ts";
import type { ListFailedDeliveries, ReplayDeliveries } from "../shared/use-cases/failed-deliveries.ts";
import type { FindUiFile } from "../shared/use-cases/find-ui-file.ts";
import type { FollowUpChange, SweepUnfinishedChanges } from "../shared/use-cases/follow-up-changes.ts";
import type { GetCustomer } from "../shared/use-cases/get-customer.ts";
import type { GetFleetHistory } from "../shared/use-cases/get-fleet-history.ts";
import type { GetOperation } from "../shared/use-cases/get-operation.ts";
import type { ListActivities } from "../shared/use-cases/list-activities.ts";
import type { ListCustomers } from "../shared/use-cases/list-customers.ts";
import type { ListWebhooks } from "../shared/use-cases/list-webhooks.ts";
import type { PollPermissionChanges } from "../shared/use-cases/poll-permission-changes.ts";
import type { PurgeChanges } from "../shared/use-cases/purge-changes.ts";
import type { ReadPermissions } from "../shared/use-cases/read-permissions.ts";
import type { RecordActivity } from "../shared/use-cases/record-activity.ts";
import type { SetPermission } from "../shared/use-cases/set-permission.ts";
import type { SubscribeToChanges } from "../shared/use-cases/subscribe-to-changes.ts";
import type { SweepDeliveries } from "../shared/use-cases/sweep-deliveries.ts";
import type { SweepPendingActivities } from "../shared/use-cases/sweep-pending-activities.ts";
import type { SynchroniseCustomers } from "../shared/use-cases/synchronise-customers.ts";
import type { UnsubscribeByCallbackUrl, UnsubscribeFromChanges } from "../shared/use-cases/unsubscribe-from-changes.ts";
import { apiPage } from "./api-page.ts";
import { checkCustomerEligibility, checkEligibility, eligibilityQuery } from "./check-eligibility.ts";
import { continueChange, sweepUnfinishedChanges } from "./continue-change.ts";
import { deliverWebhook } from "./deliver-webhook.ts";
import { detectDrift } from "./detect-drift.ts";
import { listFailedDeliveries, replayDeliveries } from "./failed-deliveries.ts";
import { getCustomer } from "./get-customer.ts";
import { getFleetHistory, historyQuery } from "./get-fleet-history.ts";
import { getOperation, getOperationResult } from "./get-operation.ts";
import { getCustomerPermission, getPermission } from "./get-permission.ts";
import { health } from "./health.ts";
import { activitiesQuery, listActivities } from "./list-activities.ts";
import { customersQuery, listCustomers } from "./list-customers.ts";
import { listPermissions } from "./list-permissions.ts";
import { listWebhooks } from "./list-webhooks.ts";
import { openApi } from "./open-api.ts";
import { pollPermissionChanges, pollQuery } from "./poll-permission-changes.ts";
import { purgeChanges } from "./purge-changes.ts";
import { recordActivity } from "./record-activity.ts";
import { setCustomerPermission, setPermission } from "./set-permission.ts";
import { subscribeToChanges } from "./subscribe-to-changes.ts";
import { swagger } from "./swagger.ts";
import { sweepDeliveries } from "./sweep-deliveries.ts";
import { sweepPendingActivities } from "./sweep-pending-activities.ts";
import { synchroniseCustomers } from "./synchronise-customers.ts";
import { toUi, type UiSignIn, ui } from "./ui.ts";
import { unsubscribeByCallbackUrl, unsubscribeFromChanges } from "./unsubscribe-from-changes.ts";

export interface UseCases {
  readonly setPermission: SetPermission;
  readonly readPermissions: ReadPermissions;
  readonly checkEligibility: CheckEligibility;
  readonly listCustomers: ListCustomers;
  readonly getCustomer: GetCustomer;
  readonly getFleetHistory: GetFleetHistory;
  readonly listActivities: ListActivities;
  readonly getOperation: GetOperation;
  readonly subscribeToChanges: SubscribeToChanges;
  readonly unsubscribeFromChanges: UnsubscribeFromChanges;
  readonly unsubscribeByCallbackUrl: UnsubscribeByCallbackUrl;
  readonly listWebhooks: ListWebhooks;
  readonly listFailedDeliveries: ListFailedDeliveries;
  readonly replayDeliveries: ReplayDeliveries;
  readonly pollPermissionChanges: PollPermissionChanges;
  readonly deliverToWebhook: DeliverToWebhook;
  readonly sweepDeliveries: SweepDeliveries;
  readonly checkHealth: CheckHealth;
  readonly findUiFile: FindUiFile;
  readonly recordActivity: RecordActivity;
  readonly sweepPendingActivities: SweepPendingActivities;
  readonly purgeChanges: PurgeChanges;
  /** Only where Partner Center has to follow. */
  readonly followUpChange?: FollowUpChange;
  readonly detectDrift?: DetectDrift;
  readonly sweepUnfinishedChanges?: SweepUnfinishedChanges;
  readonly synchroniseCustomers?: SynchroniseCustomers;
}

/** In front of every route of the API. The host puts nothing there (host.json: routePrefix), for the page is not below it. */
const base = "api";
const customer = "customers/{customerId}";
const permission = `${customer}/permissions/{product}`;
const webhook = "webhooks/{webhookId}";

/** @param requireFunctionKey as in {@link Registration} */
export function routesOf(use: UseCases, requireFunctionKey = false) {
  const routes = [
    reading("ListCustomers", "customers", listCustomers(use.listCustomers), customersQuery),
    reading("GetCustomer", customer, getCustomer(use.getCustomer)),
    reading("GetFleetHistory", "fleet/history", getFleetHistory(use.getFleetHistory), historyQuery),
    reading("ListPermissions", `${customer}/permissions`, listPermissions(use.readPermissions)),
    reading("GetPermission", permission, getPermission(use.readPermissions)),
    writing("SetPermission", "PUT", permission, setPermission(use.setPermission)),
    reading("CheckEligibility", `${customer}/eligibility`, checkEligibility(use.checkEligibility), eligibilityQuery),
    reading("GetOperation", `${customer}/operations/{changeId}`, getOperation(use.getOperation)),
    reading("GetOperationResult", `${customer}/operations/{changeId}/result`, getOperationResult(use.getOperation)),
    reading("ListActivities", "activities", listActivities(use.listActivities), activitiesQuery),
    reading("ListWebhooks", "webhooks", listWebhooks(use.listWebhooks)),
    writing("SubscribeToChanges", "POST", "webhooks", subscribeToChanges(use.subscribeToChanges)),
    writing("UnsubscribeFromChanges", "DELETE", webhook, unsubscribeFromChanges(use.unsubscribeFromChanges)),
    writing(
      "UnsubscribeByCallbackUrl",
      "POST",
      "webhooks/unsubscribe",
      unsubscribeByCallbackUrl(use.unsubscribeByCallbackUrl),
    ),
    reading("ListFailedDeliveries", `${webhook}/failed-deliveries`, listFailedDeliveries(use.listFailedDeliveries)),
    writing("ReplayDeliveries", "POST", `${webhook}/replay`, replayDeliveries(use.replayDeliveries)),
    reading(
      "PollPermissionChanges",
      "triggers/permission-changes",
      pollPermissionChanges(use.pollPermissionChanges),
      pollQuery,
    ),
    openly("Health", "health", health(use.checkHealth)),
    openly(
      "OpenApi",
      "openapi.json",
      openApi((): readonly Route[] => routes, requireFunctionKey),
    ),
    openly(
      "Swagger",
      "swagger.json",
      swagger((): readonly Route[] => routes, requireFunctionKey),
    ),
    openly(
      "ApiPage",
      "docs",
      apiPage((): readonly Route[] => routes, requireFunctionKey),
    ),

    calledByName("GetCustomerPermission", "read", getCustomerPermission(use.readPermissions)),
    calledByName("SetCustomerPermission", "write", setCustomerPermission(use.setPermission)),
    calledByName("CheckCustomerEligibility", "read", checkCustomerEligibility(use.checkEligibility)),
  ] as const satisfies readonly Route[];
  return routes;
}

/** Each of them is described in api-description.ts. */
export type FunctionName = ReturnType<typeof routesOf>[number]["name"];

function reading<Name extends string>(
  name: Name,
  route: string,
  handler: ApiHandler,
  query: readonly string[] = [],
): Route<Name> {
  return { name, method: "GET", route, access: "read", query, handler };
}

function writing<Name extends string>(
  name: Name,
  method: "PUT" | "POST" | "DELETE",
  route: string,
  handler: ApiHandler,
): Route<Name> {
  return { name, method, route, access: "write", handler };
}

function openly<Name extends string>(name: Name, route: string, handler: ApiHandler): Route<Name> {
  return { name, method: "GET", route, access: "anonymous", handler };
}

/**
 * The native Azure Functions action of Logic Apps calls only functions without a route of their own, by their name. The
 * host serves such a one beside {@link base}, so a second one has the URL that all others have: see registerFunctions.
 */
function calledByName<Name extends string>(name: Name, access: "read" | "write", handler: ApiHandler): Route<Name> {
  return { name, method: "POST", access, handler };
}

export interface Registration {
  readonly useCases: UseCases;
  readonly readCaller: ReadCaller;
  readonly signIn: UiSignIn;
  /** Ask for a key of the Functions host besides the token. */
  readonly requireFunctionKey: boolean;
  readonly queues: {
    /** Name of the setting with their storage. */
    readonly connection: string;
    readonly activities: string;
    readonly changes: string;
    readonly deliveries: string;
  };
}

export function registerFunctions(
  { http, storageQueue, timer }: Pick<typeof app, "http" | "storageQueue" | "timer">,
  { useCases, readCaller, signIn, requireFunctionKey, queues }: Registration,
): void {
  for (const route of routesOf(useCases, requireFunctionKey)) {
    const asksForKey = requireFunctionKey && route.access !== "anonymous";
    const answering: HttpFunctionOptions = {
      methods: [route.method],
      authLevel: asksForKey ? "function" : "anonymous",
      handler: serve(route, readCaller, asksForKey ? ["code"] : []),
    };
    if (route.route === undefined) {
      http(route.name, answering);
      http(`${route.name}ByUrl`, { ...answering, route: `${base}/${route.name}` });
    } else {
      http(route.name, { ...answering, route: `${base}/${route.route}` });
    }
  }
  const browsers: Pick<HttpFunctionOptions, "methods" | "authLevel"> = {
    methods: ["GET", "HEAD"],
    authLevel: "anonymous",
  };
  http("OperatorsPage", { ...browsers, route: "ui/{*path}", handler: ui(useCases.findUiFile, signIn) });
  // An empty route would be the function's name. No path is left that this matches but the empty one.
  http("Root", { ...browsers, route: "{nothing:maxlength(0)?}", handler: toUi });
  storageQueue("RecordActivity", {
    queueName: queues.activities,
    connection: queues.connection,
    handler: recordActivity(useCases.recordActivity),
  });
  timer("SweepPendingActivities", {
    schedule: "0 * * * * *",
    handler: sweepPendingActivities(useCases.sweepPendingActivities),
  });
  storageQueue("DeliverWebhook", {
    queueName: queues.deliveries,
    connection: queues.connection,
    handler: deliverWebhook(useCases.deliverToWebhook),
  });
  timer("SweepDeliveries", { schedule: "30 * * * * *", handler: sweepDeliveries(useCases.sweepDeliveries) });
  if (useCases.followUpChange !== undefined) {
    storageQueue("ContinueChange", {
      queueName: queues.changes,
      connection: queues.connection,
      handler: continueChange(useCases.followUpChange),
    });
  }
  if (useCases.detectDrift !== undefined) {
    timer("DetectDrift", { schedule: "15 * * * * *", handler: detectDrift(useCases.detectDrift) });
  }
  if (useCases.sweepUnfinishedChanges !== undefined) {
    timer("SweepUnfinishedChanges", {
      schedule: "30 * * * * *",
      handler: sweepUnfinishedChanges(useCases.sweepUnfinishedChanges),
    });
  }
  if (useCases.synchroniseCustomers !== undefined) {
    timer("SynchroniseCustomers", {
      schedule: "45 */5 * * * *",
      handler: synchroniseCustomers(useCases.synchroniseCustomers),
    });
  }
  timer("PurgeChanges", { schedule: "0 30 3 * * *", handler: purgeChanges(useCases.purgeChanges) });
}
