/**
 * The composition root for Azure, `func start` and the embedded host alike: settings → adapters → use
 * cases → functions. It is what "main" in package.json names; importing it registers everything.
 *
 * A cold start waits for whatever is imported here, and for each file more than for each line: our own code is one file
 * in `dist/`, each SDK another that its adapter imports when it is needed.
 */

import { randomBytes, randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { app } from "@azure/functions";
import { createApplicationInsights } from "../shared/adapters/application-insights.ts";
import { createArmCustomerDirectory } from "../shared/adapters/arm-customer-directory.ts";
import { consoleTelemetry } from "../shared/adapters/console-telemetry.ts";
import { createCustomerCredentials } from "../shared/adapters/customer-credentials.ts";
import { httpsCallbacks } from "../shared/adapters/https-callbacks.ts";
import { openStorage } from "../shared/adapters/storage-clients.ts";
import { createStorageProbe } from "../shared/adapters/storage-probe.ts";
import {
  createStorageActivityQueue,
  createStorageChangeQueue,
  createStorageDeliveryQueue,
} from "../shared/adapters/storage-queues.ts";
import { createTableActivityLog } from "../shared/adapters/table-activity-log.ts";
import { createTableDeliveries } from "../shared/adapters/table-deliveries.ts";
import {
  activityByDayTable,
  activityLogTable,
  activityQueue,
  changeQueue,
  deliveriesTable,
  deliveryQueue,
  permissionsTable,
  webhooksTable,
} from "../shared/adapters/table-keys.ts";
import { createTableKnownCustomers } from "../shared/adapters/table-known-customers.ts";
import { createTableNotebook } from "../shared/adapters/table-notebook.ts";
import { createTablePendingActivities } from "../shared/adapters/table-pending-activities.ts";
import { createTablePermissionStore } from "../shared/adapters/table-permission-store.ts";
import { createTableWebhooks } from "../shared/adapters/table-webhooks.ts";
import { createUiFiles } from "../shared/adapters/ui-files.ts";
import { readSettings } from "../shared/config.ts";
import { workflowHosts } from "../shared/domain/callback-url.ts";
import type { ChangeId } from "../shared/domain/identifiers.ts";
import { createReadCaller, type ReadCaller } from "../shared/http/caller.ts";
import type { Clock, PartnerSales } from "../shared/ports.ts";
import { createAnnouncements } from "../shared/use-cases/announce-activity.ts";
import { createCheckEligibility } from "../shared/use-cases/check-eligibility.ts";
import { createCheckHealth } from "../shared/use-cases/check-health.ts";
import { createAttemptDelivery, createDeliverToWebhook } from "../shared/use-cases/deliver-to-webhook.ts";
import { createListFailedDeliveries, createReplayDeliveries } from "../shared/use-cases/failed-deliveries.ts";
import { createFindUiFile } from "../shared/use-cases/find-ui-file.ts";
import { createGetCustomer } from "../shared/use-cases/get-customer.ts";
import { createGetFleetHistory } from "../shared/use-cases/get-fleet-history.ts";
import { createGetOperation } from "../shared/use-cases/get-operation.ts";
import { createListActivities } from "../shared/use-cases/list-activities.ts";
import { createListCustomers } from "../shared/use-cases/list-customers.ts";
import { createListWebhooks } from "../shared/use-cases/list-webhooks.ts";
import { createPollPermissionChanges } from "../shared/use-cases/poll-permission-changes.ts";
import { createPurgeChanges } from "../shared/use-cases/purge-changes.ts";
import { createReadPermissions } from "../shared/use-cases/read-permissions.ts";
import { createLogPendingActivity, createRecordActivity } from "../shared/use-cases/record-activity.ts";
import { createSetPermission } from "../shared/use-cases/set-permission.ts";
import { createSubscribeToChanges } from "../shared/use-cases/subscribe-to-changes.ts";
import { createSweepDeliveries } from "../shared/use-cases/sweep-deliveries.ts";
import { createSweepPendingActivities } from "../shared/use-cases/sweep-pending-activities.ts";
import {
  createUnsubscribeByCallbackUrl,
  createUnsubscribeFromChanges,
} from "../shared/use-cases/unsubscribe-from-changes.ts";
import { followPartnerCenter } from "./partner-center.ts";
import { registerFunctions } from "./register-functions.ts";

const settings = readSettings(process.env);
const { storage, callers, customerApp, eligibility } = settings;

const clock: Clock = { now: () => new Date(), pause: (milliseconds) => pause(milliseconds) };
const newChangeId = () => randomUUID() as string as ChangeId;
const insights = settings.applicationInsights && createApplicationInsights(settings.applicationInsights);
insights?.registerHooks(app.hook);
const telemetry = insights?.telemetry ?? consoleTelemetry;

const { table, queue } = openStorage(storage.connection);
const permissions = table(permissionsTable);
const activities = queue(activityQueue);
const activityPush = createStorageActivityQueue(activities);
const store = createTablePermissionStore(permissions);
const pending = createTablePendingActivities(permissions);
const log = createTableActivityLog(table(activityLogTable), table(activityByDayTable));
const known = createTableKnownCustomers(permissions, { withProfiles: settings.partnerCenter !== undefined });
const webhooks = createTableWebhooks(table(webhooksTable));
const deliveries = createTableDeliveries(table(deliveriesTable));
const notebook = createTableNotebook(permissions);
const directory = createArmCustomerDirectory(
  settings.azureResourceManager.endpoint,
  createCustomerCredentials(customerApp, callers.authorityHost, callers.isLoopback),
);

const partnerCenter =
  settings.partnerCenter &&
  followPartnerCenter(settings.partnerCenter, {
    authorityHost: callers.authorityHost,
    // The identity that opens storage opens the key vault too.
    managedIdentityClientId:
      "managedIdentityClientId" in storage.connection ? storage.connection.managedIdentityClientId : undefined,
    ...{ store, known, notebook, telemetry, clock, newId: newChangeId },
    queue: activityPush,
    changes: createStorageChangeQueue(queue(changeQueue)),
  });

const checkEligibilityWith = (partnerSales?: PartnerSales) =>
  createCheckEligibility(directory, clock, {
    rules: eligibility,
    timeoutSeconds: eligibility.timeoutSeconds,
    report: {
      authorityHost: callers.authorityHost,
      customerAppId: "clientId" in customerApp ? customerApp.clientId : undefined,
    },
    ...(partnerSales === undefined ? {} : { partnerSales }),
  });
const checkEligibility = checkEligibilityWith(partnerCenter?.sales);
const setPermission = createSetPermission({
  store,
  queue: activityPush,
  checkEligibility,
  telemetry,
  clock,
  newChangeId,
  ...(partnerCenter === undefined ? {} : { partnerCenter: partnerCenter.switching }),
});
const identify = createReadCaller(callers);
const readCaller: ReadCaller = (authorization) => {
  const caller = identify(authorization);
  // The first caller waits for Entra's signing keys; what every request needs after that is loaded meanwhile. Whoever
  // uses the table is told when that fails.
  permissions().catch(() => undefined);
  return caller;
};
const delivering = { webhooks, deliveries, queue: createStorageDeliveryQueue(queue(deliveryQueue)), telemetry, clock };
const announcements = createAnnouncements(delivering);
const logPendingActivity = createLogPendingActivity(pending, log, telemetry, announcements);
const attemptDelivery = createAttemptDelivery({ ...delivering, callbacks: httpsCallbacks });
const unsubscribeFromChanges = createUnsubscribeFromChanges(webhooks, deliveries, telemetry);

registerFunctions(app, {
  readCaller,
  signIn: callers,
  requireFunctionKey: settings.requireFunctionKey,
  queues: {
    connection: storage.connectionName,
    activities: activityQueue,
    changes: changeQueue,
    deliveries: deliveryQueue,
  },
  useCases: {
    setPermission,
    readPermissions: createReadPermissions(store),
    checkEligibility,
    listCustomers: createListCustomers(known),
    getCustomer: createGetCustomer(known),
    getFleetHistory: createGetFleetHistory({ known, pending, log, clock }),
    listActivities: createListActivities(pending, log),
    getOperation: createGetOperation(store, partnerCenter?.switching.manualHours),
    subscribeToChanges: createSubscribeToChanges({
      ...{ webhooks, deliveries, telemetry, clock },
      newSecret: () => `whsec_${randomBytes(32).toString("base64")}`,
      hosts: [...workflowHosts, ...settings.webhooks.hosts],
    }),
    unsubscribeFromChanges,
    unsubscribeByCallbackUrl: createUnsubscribeByCallbackUrl(webhooks, unsubscribeFromChanges),
    listWebhooks: createListWebhooks(webhooks),
    listFailedDeliveries: createListFailedDeliveries(webhooks, deliveries),
    replayDeliveries: createReplayDeliveries(webhooks, deliveries, announcements, clock),
    pollPermissionChanges: createPollPermissionChanges(pending, log, clock),
    sweepDeliveries: createSweepDeliveries(webhooks, deliveries, attemptDelivery, telemetry, clock),
    deliverToWebhook: createDeliverToWebhook(webhooks, deliveries, attemptDelivery, clock),
    checkHealth: createCheckHealth(
      createStorageProbe(permissions, activities),
      pending,
      clock,
      partnerCenter && notebook,
    ),
    // Beside the folder of what is built of this file.
    findUiFile: createFindUiFile(createUiFiles(new URL("../ui/", import.meta.url))),
    recordActivity: createRecordActivity(pending, log, logPendingActivity),
    sweepPendingActivities: createSweepPendingActivities(pending, logPendingActivity, telemetry, clock),
    purgeChanges: createPurgeChanges(store, clock),
    ...(partnerCenter === undefined
      ? {}
      : {
          followUpChange: partnerCenter.followUpChange,
          sweepUnfinishedChanges: partnerCenter.sweepUnfinishedChanges,
          synchroniseCustomers: partnerCenter.synchroniseCustomers,
          detectDrift: partnerCenter.driftDetection(settings.drift, setPermission, checkEligibilityWith),
        }),
  },
});
