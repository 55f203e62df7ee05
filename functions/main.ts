/**
 * The composition root for Azure, `func start` and the embedded host alike: settings → adapters → use
 * cases → functions. It is what "main" in package.json names; importing it registers everything.
 */

import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { app } from "@azure/functions";
import { createApplicationInsights } from "../shared/adapters/application-insights.ts";
import { createArmCustomerDirectory } from "../shared/adapters/arm-customer-directory.ts";
import { consoleTelemetry } from "../shared/adapters/console-telemetry.ts";
import { createCustomerCredentials } from "../shared/adapters/customer-credentials.ts";
import { probeMfa } from "../shared/adapters/partner-center-calls.ts";
import { createPartnerCenterCustomers } from "../shared/adapters/partner-center-customers.ts";
import { createAuditedPolicies } from "../shared/adapters/partner-center-audited-policies.ts";
import { createPartnerCenterPolicies } from "../shared/adapters/partner-center-policies.ts";
import { createPartnerCenterSales } from "../shared/adapters/partner-center-sales.ts";
import { createPartnerCenterTokens } from "../shared/adapters/partner-center-tokens.ts";
import { createRefreshTokenSetting, createRefreshTokenVault } from "../shared/adapters/refresh-token-vault.ts";
import { openStorage } from "../shared/adapters/storage-clients.ts";
import { createStorageProbe } from "../shared/adapters/storage-probe.ts";
import { createStorageActivityQueue, createStorageChangeQueue } from "../shared/adapters/storage-queues.ts";
import { createTableActivityLog } from "../shared/adapters/table-activity-log.ts";
import {
  activityByDayTable,
  activityLogTable,
  activityQueue,
  changeQueue,
  permissionsTable,
} from "../shared/adapters/table-keys.ts";
import { createTableKnownCustomers } from "../shared/adapters/table-known-customers.ts";
import { createTableNotebook } from "../shared/adapters/table-notebook.ts";
import { createTablePendingActivities } from "../shared/adapters/table-pending-activities.ts";
import { createTablePermissionStore } from "../shared/adapters/table-permission-store.ts";
import { type PartnerCenterSettings, readSettings, type StorageSettings } from "../shared/config.ts";
import type { ChangeId } from "../shared/domain/identifiers.ts";
import { createReadCaller } from "../shared/http/caller.ts";
import type { Clock } from "../shared/ports.ts";
import { createCheckEligibility } from "../shared/use-cases/check-eligibility.ts";
import { createCheckHealth } from "../shared/use-cases/check-health.ts";
import { createContinueChange } from "../shared/use-cases/continue-change.ts";
import { createFollowUpChange, createSweepUnfinishedChanges } from "../shared/use-cases/follow-up-changes.ts";
import { createGetCustomer } from "../shared/use-cases/get-customer.ts";
import { createGetOperation } from "../shared/use-cases/get-operation.ts";
import { createListActivities } from "../shared/use-cases/list-activities.ts";
import { createListCustomers } from "../shared/use-cases/list-customers.ts";
import { createPartnerCenterGate } from "../shared/use-cases/partner-center-gate.ts";
import { createMovePolicy } from "../shared/use-cases/move-policy.ts";
import { createPurgeChanges } from "../shared/use-cases/purge-changes.ts";
import { createReadPermissions } from "../shared/use-cases/read-permissions.ts";
import { createLogPendingActivity, createRecordActivity } from "../shared/use-cases/record-activity.ts";
import { createSetPermission, type SetPermissionPorts } from "../shared/use-cases/set-permission.ts";
import { createSweepPendingActivities } from "../shared/use-cases/sweep-pending-activities.ts";
import { createSynchroniseCustomers } from "../shared/use-cases/synchronise-customers.ts";
import { createWatchPolicy } from "../shared/use-cases/watch-policy.ts";
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
const directory = createArmCustomerDirectory(
  settings.azureResourceManager.endpoint,
  createCustomerCredentials(customerApp, callers.authorityHost, callers.isLoopback),
);

const partnerCenter = settings.partnerCenter && openPartnerCenter(settings.partnerCenter);

const checkEligibility = createCheckEligibility(directory, clock, {
  rules: eligibility,
  timeoutSeconds: eligibility.timeoutSeconds,
  report: {
    authorityHost: callers.authorityHost,
    customerAppId: "clientId" in customerApp ? customerApp.clientId : undefined,
  },
  ...(partnerCenter === undefined ? {} : { partnerSales: partnerCenter.sales }),
});
const logPendingActivity = createLogPendingActivity(pending, log, telemetry);

registerFunctions(app, {
  readCaller: createReadCaller(callers),
  requireFunctionKey: settings.requireFunctionKey,
  queues: { connection: storage.connectionName, activities: activityQueue, changes: changeQueue },
  useCases: {
    setPermission: createSetPermission({
      store,
      queue: activityPush,
      checkEligibility,
      telemetry,
      clock,
      newChangeId,
      ...(partnerCenter === undefined ? {} : { partnerCenter }),
    }),
    readPermissions: createReadPermissions(store),
    checkEligibility,
    listCustomers: createListCustomers(known),
    getCustomer: createGetCustomer(known),
    listActivities: createListActivities(pending, log),
    getOperation: createGetOperation(store, partnerCenter?.manualHours),
    checkHealth: createCheckHealth(
      createStorageProbe(permissions, activities),
      pending,
      clock,
      partnerCenter?.notebook,
    ),
    recordActivity: createRecordActivity(pending, log, logPendingActivity),
    sweepPendingActivities: createSweepPendingActivities(pending, logPendingActivity, telemetry, clock),
    purgeChanges: createPurgeChanges(store, clock),
    ...(partnerCenter === undefined
      ? {}
      : {
          followUpChange: createFollowUpChange(partnerCenter.continueChange, partnerCenter.changes, clock),
          sweepUnfinishedChanges: createSweepUnfinishedChanges(store, partnerCenter.continueChange, clock),
          synchroniseCustomers: partnerCenter.synchroniseCustomers,
        }),
  },
});

function openPartnerCenter(partnerCenter: PartnerCenterSettings): NonNullable<SetPermissionPorts["partnerCenter"]> {
  const { endpoint, tenantId, manualHours } = partnerCenter;
  const tokens = openPartnerCenterTokens(partnerCenter);
  const policies = createPartnerCenterPolicies({ endpoint, partnerTenantId: tenantId, tokens });
  const ports = { store, queue: activityPush, telemetry, clock, newId: newChangeId };
  if (manualHours === undefined) {
    const changes = createStorageChangeQueue(queue(changeQueue));
    return { policies, changes, continueChange: createContinueChange(ports, createMovePolicy({ ...ports, policies })) };
  }
  const witness = partnerCenter.refreshToken === undefined ? createAuditedPolicies({ endpoint, tokens }) : policies;
  const watch = createWatchPolicy({ ...ports, policies: witness }, manualHours);
  return { policies: witness, manualHours, continueChange: createContinueChange(ports, watch) };
}

function openPartnerCenterTokens({ endpoint, tenantId, clientId, credential, refreshToken }: PartnerCenterSettings) {
  const application = { authorityHost: callers.authorityHost, tenantId, clientId, credential, endpoint, telemetry };
  if (refreshToken === undefined) return createPartnerCenterTokens(application);
  return createPartnerCenterTokens({
    ...application,
    refreshTokens:
      "setting" in refreshToken
        ? createRefreshTokenSetting(refreshToken.setting)
        : createRefreshTokenVault({ keyVaultUrl: refreshToken.keyVaultUrl, ...identityOf(storage.connection) }),
  });
}

/** The identity that opens storage opens the key vault too. */
function identityOf(connection: StorageSettings["connection"]): { managedIdentityClientId?: string } {
  const clientId = "managedIdentityClientId" in connection ? connection.managedIdentityClientId : undefined;
  return clientId === undefined ? {} : { managedIdentityClientId: clientId };
}
