/**
 * Application Insights behind the Telemetry port: events, warnings, and the HTTP calls our invocations make, each tied
 * to the request that the Functions host reports.
 */

import { AsyncLocalStorage } from "node:async_hooks";
import type { app, InvocationContext } from "@azure/functions";
import type { Telemetry } from "../ports.ts";
import { createTelemetryQueue } from "./application-insights-queue.ts";
import { type ApplicationInsightsOptions, loadSdk, type Trace } from "./application-insights-sdk.ts";
import { nameCause, writeWarning } from "./console-telemetry.ts";
import { type OutgoingCall, watchOutgoingCalls } from "./outgoing-calls.ts";

export interface ApplicationInsights {
  readonly telemetry: Telemetry;
  /** Ties invocations to their telemetry, and sends what is left when the worker ends. */
  registerHooks(hook: Pick<typeof app.hook, "preInvocation" | "appTerminate">): void;
}

export function createApplicationInsights(options: ApplicationInsightsOptions): ApplicationInsights {
  const traces = new AsyncLocalStorage<Trace>();
  const queue = createTelemetryQueue(() => loadSdk(options));

  const telemetry: Telemetry = {
    event(name, properties, measurements) {
      const trace = traces.getStore();
      const event = { name, properties: { ...properties, ...operation(trace) }, measurements: { ...measurements } };
      queue.send({ trace, track: (client) => client.trackEvent(event) });
    },
    warning(message, cause) {
      writeWarning(message, cause);
      const trace = traces.getStore();
      const properties = { cause: nameCause(cause), ...operation(trace) };
      queue.send({ trace, track: (client) => client.trackTrace({ message, severity: "Warning", properties }) });
    },
  };

  function outgoingCall(call: OutgoingCall, trace: Trace): void {
    // Worked out when the invocation does not wait for it any more.
    const dependency = () => {
      const url = call.url();
      return {
        name: call.method,
        data: url,
        target: URL.parse(url)?.host ?? "",
        time: call.startedAt,
        duration: call.milliseconds,
        resultCode: call.result,
        success: call.succeeded,
        dependencyTypeName: "HTTP",
        // With a method the exporter knows it for HTTP, and names it after the path.
        properties: { "http.method": call.method, ...operation(trace) },
      };
    };
    queue.send({ trace, track: (client) => client.trackDependency(dependency()) });
  }

  return {
    telemetry,
    registerHooks(hook) {
      // Of invocations only: other calls are mostly those of the SDK, and would report each other for ever.
      watchOutgoingCalls(() => traces.getStore(), outgoingCall);

      hook.preInvocation((context) => {
        const trace = traceOf(context.invocationContext);
        if (trace === undefined) return;
        const handler = context.functionHandler;
        context.functionHandler = (...inputs) => traces.run(trace, () => handler(...inputs));
      });
      hook.appTerminate(() => queue.close());
    },
  };
}

function traceOf({ traceContext, functionName }: InvocationContext): Trace | undefined {
  const [, traceId, spanId] = /^[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-/.exec(traceContext?.traceParent ?? "") ?? [];
  return traceId === undefined || spanId === undefined ? undefined : { traceId, spanId, functionName };
}

/** The exporter turns this property into the tag by which the portal groups. */
function operation(trace: Trace | undefined): Readonly<Record<string, string>> {
  return trace === undefined ? {} : { "ai.operation.name": trace.functionName };
}
