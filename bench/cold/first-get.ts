/**
 * One cold start, in a process that does nothing else: loads the app in the current folder and calls its function
 * GetPermission once, as the worker would. Prints what that took, in milliseconds, as JSON.
 *
 * No HTTP server stands around it: in Azure it belongs to the host, another process, which is there already.
 */

import { installCoreModule } from "../../local/functions-host/core-module.ts";
import { Invoker } from "../../local/functions-host/invoker.ts";
import { loadApp } from "../../local/functions-host/load-app.ts";
import { newTraceContext } from "../../local/functions-host/trace-context.ts";

const http = JSON.parse(process.env.REQUEST ?? "");
const worker = installCoreModule();
const invoker = new Invoker(worker, () => Promise.resolve(), undefined);

const usedBefore = process.cpuUsage();
const begin = performance.now();
await loadApp(process.cwd());
const loaded = performance.now();
const fn = worker.functions.get("GetPermission");
if (fn === undefined) throw new Error("The app has no function GetPermission.");
const [trigger = ""] = Object.keys(fn.metadata.bindings);
const result = await invoker.invoke(fn, trigger, { data: { http }, trace: newTraceContext() });
const answered = performance.now();
const { user, system } = process.cpuUsage(usedBefore);

const answer = result.succeeded ? result.returnValue?.http : undefined;
if (answer?.statusCode !== "200") throw new Error(`The first GET was answered ${JSON.stringify(result)}.`);
const measured = { load: loaded - begin, get: answered - loaded, total: answered - begin, cpu: (user + system) / 1000 };
process.stdout.write(JSON.stringify(measured), () => process.exit(0));
