/**
 * Runs one invocation through the library's own InvocationModel, in the worker's order (worker: InvocationHandler.ts):
 * arguments, pre-invocation hooks, handler, post-invocation hooks, response; then the output bindings (host:
 * WorkerFunctionInvoker.cs), whose failure is the failure of the invocation.
 */

import { randomUUID } from "node:crypto";
import type { FunctionsApp, RegisteredFunction } from "./functions-app.ts";
import { describeError, log } from "./log.ts";
import type {
  CoreInvocationContext,
  InvocationRequest,
  InvocationResponse,
  RetryContext,
  TraceContext,
  TypedData,
} from "./rpc.ts";
import { withTimeLimit } from "./time-limit.ts";

export interface Invocation {
  data: TypedData;
  trace: TraceContext;
  triggerMetadata?: Record<string, TypedData>;
  retry?: RetryContext;
}

export type InvocationResult =
  | { succeeded: true; returnValue: TypedData | null | undefined }
  | { succeeded: false; error: unknown };

/** Delivers what the function put into an output binding. */
export type OutputSender = (fn: RegisteredFunction, bindingName: string, data: TypedData) => Promise<void>;

export class Invoker {
  readonly #app: FunctionsApp;
  readonly #sendOutput: OutputSender;
  readonly #timeoutMs: number | undefined;
  readonly #running = new Set<Promise<unknown>>();

  constructor(app: FunctionsApp, sendOutput: OutputSender, timeoutMs: number | undefined) {
    this.#app = app;
    this.#sendOutput = sendOutput;
    this.#timeoutMs = timeoutMs;
  }

  /** Never rejects: a failure is logged here, with its invocation id, and told to the trigger. */
  async invoke(fn: RegisteredFunction, triggerName: string, invocation: Invocation): Promise<InvocationResult> {
    const invocationId = randomUUID();
    const run = withTimeLimit(this.#timeoutMs, this.#run(fn, triggerName, invocation, invocationId));
    this.#running.add(run);
    try {
      return { succeeded: true, returnValue: await run };
    } catch (error) {
      log("error", fn.name, `Executed 'Functions.${fn.name}' (Failed, Id=${invocationId}). ${describeError(error)}`);
      return { succeeded: false, error };
    } finally {
      this.#running.delete(run);
    }
  }

  async drain(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
  }

  async #run(fn: RegisteredFunction, triggerName: string, invocation: Invocation, invocationId: string) {
    const request: InvocationRequest = {
      invocationId,
      inputData: [{ name: triggerName, data: invocation.data }],
      triggerMetadata: invocation.triggerMetadata ?? {},
      traceContext: invocation.trace,
      ...(invocation.retry && { retryContext: invocation.retry }),
    };
    let context: object | undefined;
    const core: CoreInvocationContext = {
      invocationId,
      request,
      metadata: fn.metadata,
      state: undefined,
      log: (level, category, message) => {
        const entry = { level, message, category, invocationContext: context };
        this.#app.runLogHooks(entry);
        log(entry.level, fn.name, entry.message);
      },
    };

    const model = this.#app.model.getInvocationModel(core);
    const args = await model.getArguments();
    context = args.context;
    const hookData = {};
    const pre = { hookData, invocationContext: context, inputs: args.inputs, functionCallback: fn.handler };
    core.state = "preInvocationHooks";
    for (const hook of this.#app.hooks("preInvocation")) await hook(pre);

    core.state = "invocation";
    const outcome: { result?: unknown; error?: unknown } = {};
    try {
      outcome.result = await model.invokeFunction(context, pre.inputs, pre.functionCallback);
    } catch (error) {
      // A handler may even throw undefined; it has failed all the same.
      outcome.error = error ?? new Error(`The handler threw ${error}.`);
    }

    core.state = "postInvocationHooks";
    const post = { hookData, invocationContext: context, inputs: pre.inputs, result: undefined, error: undefined };
    Object.assign(post, outcome);
    for (const hook of this.#app.hooks("postInvocation")) await hook(post);
    core.state = undefined;
    if (post.error !== undefined && post.error !== null) throw post.error;

    const response = await model.getResponse(context, post.result);
    await this.#sendOutputs(fn, response);
    return response.returnValue;
  }

  async #sendOutputs(fn: RegisteredFunction, response: InvocationResponse): Promise<void> {
    const returned = fn.metadata.bindings.$return;
    if (returned && returned.type !== "http" && response.returnValue) {
      await this.#sendOutput(fn, "$return", response.returnValue);
    }
    for (const { name, data } of response.outputData ?? []) if (name && data) await this.#sendOutput(fn, name, data);
  }
}
