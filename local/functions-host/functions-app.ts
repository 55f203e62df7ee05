/** What the app registers while it loads: functions, hooks and the programming model of its `@azure/functions`. */

import type { FunctionMetadata, Handler, LogLevel, ProgrammingModel } from "./rpc.ts";

export type HookCallback = (context: Record<string, unknown>) => unknown;

export interface RegisteredFunction {
  name: string;
  metadata: FunctionMetadata;
  handler: Handler;
}

const hookNames = ["appStart", "appTerminate", "preInvocation", "postInvocation", "log"] as const;
export type HookName = (typeof hookNames)[number];

export class FunctionsApp {
  readonly functions = new Map<string, RegisteredFunction>();
  readonly #hooks = new Map<string, HookCallback[]>(hookNames.map((name) => [name, []]));
  /** Lives as long as the app; the worker hands the same object to appStart and appTerminate. */
  readonly #hookData = {};
  #model: ProgrammingModel | undefined;
  #locked = false;

  register(metadata: FunctionMetadata, handler: Handler): void {
    if (this.#locked) throw systemError(Error, "A function can only be registered during app startup.");
    if (this.functions.has(metadata.name)) {
      throw systemError(Error, `A function with name "${metadata.name}" has already been registered.`);
    }
    this.functions.set(metadata.name, { name: metadata.name, metadata, handler });
  }

  addHook(name: string, callback: HookCallback): () => void {
    const callbacks = this.#hooks.get(name);
    if (!callbacks) throw systemError(RangeError, `Unrecognized hook "${name}"`);
    callbacks.push(callback);
    return () => {
      const at = callbacks.indexOf(callback);
      if (at >= 0) callbacks.splice(at, 1);
    };
  }

  hooks(name: HookName): readonly HookCallback[] {
    return this.#hooks.get(name) ?? [];
  }

  async runAppHooks(name: "appStart" | "appTerminate"): Promise<void> {
    for (const callback of this.hooks(name)) await callback({ hookData: this.#hookData });
  }

  /** Log hooks are synchronous in the worker; a broken one must not take the log line, or the request, with it. */
  runLogHooks(entry: { level: LogLevel; message: string; category: string; invocationContext: unknown }): void {
    for (const callback of this.hooks("log")) {
      try {
        callback(Object.assign(entry, { hookData: {} }));
      } catch {}
    }
  }

  set model(model: ProgrammingModel) {
    this.#model = model;
  }

  get model(): ProgrammingModel {
    if (!this.#model) throw new Error("The app has not loaded @azure/functions.");
    return this.#model;
  }

  get hasModel(): boolean {
    return this.#model !== undefined;
  }

  lock(): void {
    this.#locked = true;
  }
}

/** The library looks at this mark to tell the runtime's errors from the app's. */
function systemError(kind: ErrorConstructor | RangeErrorConstructor, message: string): Error {
  return Object.assign(new kind(message), { isAzureFunctionsSystemError: true });
}
