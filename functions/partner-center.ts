/**
 * The half of the composition root that is there only where Partner Center is followed: live, where we move
 * the policies ourselves, or manual, where an operator does and we watch.
 */

import { createPartnerCenterAudit } from "../shared/adapters/partner-center-audit.ts";
import { createAuditedPolicies } from "../shared/adapters/partner-center-audited-policies.ts";
import type { PartnerCenterOptions } from "../shared/adapters/partner-center-calls.ts";
import { createPartnerCenterCustomers } from "../shared/adapters/partner-center-customers.ts";
import { probeMfa } from "../shared/adapters/partner-center-mfa.ts";
import { createPartnerCenterPolicies } from "../shared/adapters/partner-center-policies.ts";
import { createPartnerCenterSales } from "../shared/adapters/partner-center-sales.ts";
import { createPartnerCenterTokens, type RefreshTokens } from "../shared/adapters/partner-center-tokens.ts";
import { createRefreshTokenSetting, createRefreshTokenVault } from "../shared/adapters/refresh-token-vault.ts";
import type { DriftSettings, PartnerCenterSettings } from "../shared/config.ts";
import type { ChangeId } from "../shared/domain/identifiers.ts";
import type {
  ActivityQueue,
  ChangeQueue,
  Clock,
  KnownCustomers,
  Notebook,
  PartnerSales,
  PermissionStore,
  PolicyWitness,
  SelfServePolicies,
  Telemetry,
} from "../shared/ports.ts";
import type { CheckEligibility } from "../shared/use-cases/check-eligibility.ts";
import { createCompareCustomer } from "../shared/use-cases/compare-customer.ts";
import { createContinueChange } from "../shared/use-cases/continue-change.ts";
import { createDetectDrift, type DetectDrift } from "../shared/use-cases/detect-drift.ts";
import { createFollowUpChange, createSweepUnfinishedChanges } from "../shared/use-cases/follow-up-changes.ts";
import { createMovePolicy } from "../shared/use-cases/move-policy.ts";
import { createPartnerCenterGate } from "../shared/use-cases/partner-center-gate.ts";
import type { SetPermission } from "../shared/use-cases/set-permission.ts";
import { createSynchroniseCustomers } from "../shared/use-cases/synchronise-customers.ts";
import { createWatchPolicy } from "../shared/use-cases/watch-policy.ts";

/** What it shares with the rest of the product. */
export interface Surroundings {
  /** Origin of the token issuer. */
  readonly authorityHost: string;
  /** User-assigned identity that may open the key vault; absent: the system's, or the developer's own login. */
  readonly managedIdentityClientId: string | undefined;
  readonly store: PermissionStore;
  readonly known: KnownCustomers;
  readonly notebook: Notebook;
  readonly queue: ActivityQueue;
  readonly changes: ChangeQueue;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  readonly newId: () => ChangeId;
}

export function followPartnerCenter(settings: PartnerCenterSettings, around: Surroundings) {
  const { tenantId, clientId, manualHours } = settings;
  const { known, notebook, telemetry, clock, changes: reminders } = around;
  const door = { endpoint: settings.endpoint, tokens: tokensOf(settings, around) };
  const gate = createPartnerCenterGate({
    ...{ notebook, telemetry, clock },
    probe: { isMfaCompliant: () => probeMfa(door) },
  });

  // Reminders serve a move that we repeat. An operator's is looked for by the sweep of every minute.
  const changes = manualHours === undefined ? reminders : undefined;
  const witness = witnessOf(settings, door);
  const continueChange = createContinueChange(
    around,
    manualHours === undefined
      ? createMovePolicy({ ...around, policies: policiesOf(settings, door) })
      : createWatchPolicy({ ...around, policies: witness }, manualHours),
  );

  return {
    sales: createPartnerCenterSales(door),
    switching: {
      ...{ policies: witness, continueChange },
      ...(changes === undefined ? {} : { changes }),
      ...(manualHours === undefined ? {} : { manualHours }),
    },
    followUpChange: createFollowUpChange(continueChange, changes, clock),
    sweepUnfinishedChanges: createSweepUnfinishedChanges(around, continueChange),
    synchroniseCustomers: createSynchroniseCustomers({
      ...around,
      partnerCustomers: createPartnerCenterCustomers(door),
      gate,
    }),

    /** The sweep has adapters of its own, because its requests are counted. */
    driftDetection(
      { action, ...options }: DriftSettings,
      setPermission: SetPermission,
      checkEligibilityWith: (sales: PartnerSales) => CheckEligibility,
    ): DetectDrift {
      let requests = 0;
      const counted = { ...door, onRequest: () => void requests++ };
      const compareCustomer = createCompareCustomer(
        {
          ...around,
          policies: witnessOf(settings, counted),
          checkEligibility: checkEligibilityWith(createPartnerCenterSales(counted)),
          setPermission,
          audit: createPartnerCenterAudit({ ...counted, applicationId: clientId }),
        },
        { action, by: { tenantId, objectId: clientId, name: "Drift detection", kind: "Application" } },
      );
      const requestsMade = () => requests;
      return createDetectDrift(
        { compareCustomer, customers: known, notebook, gate, telemetry, clock, requestsMade },
        options,
      );
    },
  };
}

function policiesOf({ tenantId }: PartnerCenterSettings, door: PartnerCenterOptions): SelfServePolicies {
  return createPartnerCenterPolicies({ ...door, partnerTenantId: tenantId });
}

/** An application that signs in alone may not read policies: it reads the records of what became of them. */
function witnessOf(settings: PartnerCenterSettings, door: PartnerCenterOptions): PolicyWitness {
  return settings.refreshToken === undefined ? createAuditedPolicies(door) : policiesOf(settings, door);
}

function tokensOf(
  { endpoint, tenantId, clientId, credential, refreshToken }: PartnerCenterSettings,
  { authorityHost, telemetry, managedIdentityClientId }: Surroundings,
) {
  const refreshTokens = (): RefreshTokens | undefined => {
    if (refreshToken === undefined) return undefined;
    if ("setting" in refreshToken) return createRefreshTokenSetting(refreshToken.setting);
    return createRefreshTokenVault({
      keyVaultUrl: refreshToken.keyVaultUrl,
      ...(managedIdentityClientId === undefined ? {} : { managedIdentityClientId }),
    });
  };
  const kept = refreshTokens();
  return createPartnerCenterTokens({
    ...{ authorityHost, tenantId, clientId, credential, endpoint, telemetry },
    ...(kept === undefined ? {} : { refreshTokens: kept }),
  });
}
