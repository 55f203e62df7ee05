/**
 * Answers `require("@azure/functions-core")`, the way by which `@azure/functions` finds its runtime.
 * Same seam as the real worker's (worker: setupCoreModule.ts): `Module.prototype.require`, which also serves ESM apps,
 * because the library itself is CommonJS.
 */

import { Module } from "node:module";
import { FunctionsApp, type HookCallback } from "./functions-app.ts";
import { log } from "./log.ts";
import type { FunctionMetadata, Handler, LogLevel, ProgrammingModel } from "./rpc.ts";
import { StartupFault } from "./startup-fault.ts";

class Disposable {
  readonly #dispose: () => void;

  constructor(dispose: () => void) {
    this.#dispose = dispose;
  }

  dispose(): void {
    this.#dispose();
  }
}

let installed = false;

/** Once per process: the library keeps its first answer, and Node its first copy of the app's modules. */
export function installCoreModule(): FunctionsApp {
  if (installed) throw new StartupFault("One process can hold one Functions app: start another process for another.");
  installed = true;

  const app = new FunctionsApp();
  const coreModule = {
    version: "3.11.0",
    hostVersion: "4.1000.0",
    registerFunction(metadata: FunctionMetadata, handler: Handler) {
      app.register(metadata, handler);
      return new Disposable(() => app.functions.delete(metadata.name));
    },
    registerHook: (name: string, callback: HookCallback) => new Disposable(app.addHook(name, callback)),
    setProgrammingModel(model: ProgrammingModel) {
      app.model = model;
    },
    getProgrammingModel: () => app.model,
    log: (level: LogLevel, _category: string, message: string) => log(level, "app", message),
    Disposable,
  };
  Module.prototype.require = new Proxy(Module.prototype.require, {
    apply(target, self, args) {
      return args[0] === "@azure/functions-core" ? coreModule : Reflect.apply(target, self, args);
    },
  });
  return app;
}
