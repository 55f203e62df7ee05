/**
 * Loads the Application Insights SDK as a plain sender: everything it would collect by itself is off, since the
 * Functions host reports requests, logs and metrics already, and application-insights.ts the calls we make.
 */

import type { TelemetryClient } from "applicationinsights";

export interface ApplicationInsightsOptions {
  readonly connectionString: string;
  /** Identity that may publish metrics (`Authorization=AAD`); absent: the key in the connection string is enough. */
  readonly managedIdentityClientId?: string;
}

/** The invocation something belongs to, in the words of the host's `traceparent`. */
export interface Trace {
  readonly traceId: string;
  readonly spanId: string;
  readonly functionName: string;
}

export interface Item {
  readonly track: (client: TelemetryClient) => void;
  readonly trace: Trace | undefined;
}

export interface Sdk {
  /** @throws when the SDK could not be set up: `initialize` itself only logs that */
  track(item: Item): void;
  /** Sends what was tracked; settles also when that failed, at the latest after the exporter's 30 s. */
  flush(): Promise<void>;
}

/**
 * Switches that have no option. They are written here and not read in config.ts because they are no settings of ours:
 * the SDK reads them while it loads. What an operator has set stays.
 */
const environment = {
  APPLICATION_INSIGHTS_NO_STATSBEAT: "1",
  APPLICATIONINSIGHTS_SDKSTATS_DISABLED: "true",
  APPLICATIONINSIGHTS_OPENTELEMETRY_RESOURCE_METRIC_DISABLED: "true",
};

export async function loadSdk({ connectionString, managedIdentityClientId }: ApplicationInsightsOptions): Promise<Sdk> {
  for (const [name, value] of Object.entries(environment)) process.env[name] ??= value;

  const { TelemetryClient, wrapWithCorrelationContext } = await import("applicationinsights");
  const client = new TelemetryClient(connectionString);
  const off = { enabled: false };
  client.config.enableAutoCollectExceptions = false;
  client.config.azureMonitorOpenTelemetryOptions = {
    azureMonitorExporterOptions: {
      connectionString,
      // Retries from disk need a writable one, and would keep telemetry in the clear on it.
      disableOfflineStorage: true,
      ...(managedIdentityClientId !== undefined && { credential: await identity(managedIdentityClientId) }),
    },
    // Anything else is a rate limit, 5 traces a second when left out: of 200 calls in a burst none was sent.
    tracesPerSecond: 0,
    enableStandardMetrics: false,
    enablePerformanceCounters: false,
    enableLiveMetrics: false,
    instrumentationOptions: {
      ...{ http: off, azureSdk: off, mongoDb: off, mySql: off, postgreSql: off, redis: off, redis4: off },
      ...{ bunyan: off, winston: off, console: off },
    },
  };
  client.initialize();

  return {
    track({ track, trace }) {
      if (trace === undefined) track(client);
      else wrapWithCorrelationContext(() => track(client), correlationOf(trace))();
    },
    flush: () => client.flush(),
  };
}

async function identity(clientId: string) {
  const { ManagedIdentityCredential } = await import("@azure/identity");
  return new ManagedIdentityCredential({ clientId });
}

function correlationOf({ traceId, spanId, functionName }: Trace) {
  return {
    operation: {
      name: functionName,
      id: traceId,
      parentId: spanId,
      // Sampled, whatever the host decided for its own telemetry.
      traceparent: { version: "00", traceId, spanId, traceFlag: "1", parentId: "", legacyRootId: "" },
    },
    customProperties: { getProperty: () => "", setProperty() {} },
  };
}
