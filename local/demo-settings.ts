/** The settings under which the app meets Azurite and the stand-ins instead of Azure, for start and tests. */

import { Sentence } from "./sentence.ts";
import { apiAudience, customerAppClientId, customerAppSecret, partnerTenantId } from "./stand-ins/demo-customers.ts";
import { partnerCenterClientId, partnerCenterSecret } from "./stand-ins/partner-application.ts";

export interface DemoPorts {
  readonly app: number;
  readonly entra: number;
  readonly arm: number;
  readonly partnerCenter: number;
  readonly queue: number;
  readonly table: number;
  readonly blob: number;
  /** Entra's door for browsers. */
  readonly browserDoor: number;
}

/** Eight ports in a row, beginning with the app's. */
export function demoPorts(app: number): DemoPorts {
  const [entra, arm, partnerCenter] = [app + 1, app + 2, app + 3];
  const [queue, table, blob] = [app + 4, app + 5, app + 6];
  return { app, entra, arm, partnerCenter, queue, table, blob, browserDoor: app + 7 };
}

/** From PORT, 7071 when absent; throws a sentence for one that leaves no room. */
export function portFrom(environment: NodeJS.ProcessEnv): number {
  const text = environment.PORT || "7071";
  const port = Number(text);
  if (!/^\d+$/.test(text) || port < 1 || port > 65_528)
    throw new Sentence(`PORT must be a number from 1 to 65528, for eight ports in a row; it is "${text}".`);
  return port;
}

export interface DemoRun {
  readonly port: number;
  readonly entraUrl: string;
  /** Where people sign in to the page; absent: at Entra itself. */
  readonly browserDoorUrl?: string;
  readonly armUrl: string;
  /** Connection string of Azurite. */
  readonly storage: string;
  /** Absent: our record is the switch, and Partner Center is not called. */
  readonly partnerCenter?: {
    readonly url: string;
    readonly refreshToken: string;
    /** Who moves the policies there: the product, or whoever calls the stand-in's `/_policies`. */
    readonly mode: "live" | "manual";
  };
}

export function demoSettings({
  port,
  entraUrl,
  browserDoorUrl,
  armUrl,
  storage,
  partnerCenter,
}: DemoRun): Record<string, string> {
  return {
    AzureWebJobsStorage: storage,
    ENTRA_TENANT_ID: partnerTenantId,
    ENTRA_AUDIENCE: apiAudience,
    AZURE_AUTHORITY_HOST: entraUrl,
    ...(browserDoorUrl === undefined ? {} : { BROWSER_AUTHORITY_HOST: browserDoorUrl }),
    AZURE_RESOURCE_MANAGER_ENDPOINT: armUrl,
    CUSTOMER_APP_CLIENT_ID: customerAppClientId,
    CUSTOMER_APP_CLIENT_SECRET: customerAppSecret,
    // So that a receiver of webhooks can be tried on this machine.
    WEBHOOK_HOSTS: "127.0.0.1",
    ...(partnerCenter === undefined
      ? { PARTNER_CENTER_MODE: "off" }
      : {
          PARTNER_CENTER_MODE: partnerCenter.mode,
          PARTNER_CENTER_ENDPOINT: partnerCenter.url,
          PARTNER_CENTER_CLIENT_ID: partnerCenterClientId,
          PARTNER_CENTER_CLIENT_SECRET: partnerCenterSecret,
          PARTNER_CENTER_REFRESH_TOKEN: partnerCenter.refreshToken,
          // So that what is moved in the stand-in by hand is seen within a minute.
          DRIFT_INTERVAL_MINUTES: "0",
        }),
    PORT: String(port),
  };
}

/**
 * The environment of the app's process: the developer's own, without any setting of the product or of Azure that may be
 * lying around there, and without a proxy between the app and loopback (the Azure SDKs obey HTTPS_PROXY).
 */
export function demoEnvironment(
  run: DemoRun,
  caFile: string,
  inherited: NodeJS.ProcessEnv = process.env,
): Record<string, string> {
  const foreign =
    /^(AzureWebJobs|PERMISSIONS_|ENTRA_|AZURE_|BROWSER_AUTHORITY_|CUSTOMER_APP_|PARTNER_CENTER_|APPLICATIONINSIGHTS_|CSP_QUOTA_|ACCEPTED_ROLE_|EXCLUDED_PRINCIPAL_|ELIGIBILITY_TIMEOUT_|REQUIRE_FUNCTION_KEY|DRIFT_|WEBHOOK_|WEBSITE_|IDENTITY_|MSI_)/i;
  const kept = Object.entries(inherited).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !foreign.test(entry[0]),
  );
  const noProxy = [inherited.NO_PROXY ?? inherited.no_proxy, "127.0.0.1", "localhost", "::1"].filter(Boolean).join(",");
  return {
    ...Object.fromEntries(kept),
    NO_PROXY: noProxy,
    no_proxy: noProxy,
    NODE_EXTRA_CA_CERTS: caFile,
    ...demoSettings(run),
  };
}
