/**
 * Gives every registered function its trigger. A function whose binding makes no sense is reported and left out, and the
 * others run: the real host does the same.
 */

import type { Fire } from "./admin-endpoint.ts";
import type { RegisteredFunction } from "./functions-app.ts";
import type { HostOptions } from "./host-json.ts";
import type { HttpTrigger } from "./http-trigger.ts";
import type { Invoker } from "./invoker.ts";
import { log } from "./log.ts";
import { queueService } from "./queue-connection.ts";
import { triggerMetadata } from "./queue-message.ts";
import { QueueProcessor, type RunMessage } from "./queue-processor.ts";
import { QueueTrigger } from "./queue-trigger.ts";
import type { BindingInfo } from "./rpc.ts";
import { isDisabled, resolveSettings } from "./settings.ts";
import { messageOf } from "./startup-fault.ts";
import { TimerTrigger } from "./timer-trigger.ts";
import { newTraceContext } from "./trace-context.ts";

export class Triggers {
  readonly http: HttpTrigger;
  readonly queues: QueueTrigger[] = [];
  readonly timers: TimerTrigger[] = [];
  /** One line each for the person at the terminal; a path takes the place of a URL until the port is known. */
  readonly summary: { name: string; detail: string; path?: string }[] = [];
  needsKey = false;
  readonly #fires = new Map<string, Fire>();
  readonly #invoker: Invoker;
  readonly #options: HostOptions;

  constructor(http: HttpTrigger, invoker: Invoker, options: HostOptions) {
    this.http = http;
    this.#invoker = invoker;
    this.#options = options;
  }

  findFire(name: string): Fire | undefined {
    return this.#fires.get(name.toLowerCase());
  }

  notifyQueue(queueName: string): void {
    for (const queue of this.queues) if (queue.queueName === queueName) queue.notify();
  }

  async add(fn: RegisteredFunction): Promise<void> {
    if (isDisabled(fn.name)) {
      this.summary.push({ name: fn.name, detail: "disabled" });
      return;
    }
    try {
      const [triggerName, binding] = triggerOf(fn);
      const type = binding.type.toLowerCase();
      if (type === "httptrigger") this.#addHttp(fn, triggerName, binding);
      else if (type === "queuetrigger") await this.#addQueue(fn, triggerName, binding);
      else if (type === "timertrigger") this.#addTimer(fn, triggerName, binding);
      else throw new Error(`This host has HTTP, queue and timer triggers, but no '${binding.type}'.`);
    } catch (error) {
      log("error", fn.name, `The function is left out: ${messageOf(error)}`);
    }
  }

  #addHttp(fn: RegisteredFunction, triggerName: string, binding: BindingInfo): void {
    const { methods, path, needsKey } = this.http.add(fn, triggerName, binding);
    this.needsKey ||= needsKey;
    this.summary.push({ name: fn.name, detail: `[${methods}]`, path });
  }

  async #addQueue(fn: RegisteredFunction, triggerName: string, binding: BindingInfo): Promise<void> {
    const service = await queueService(String(binding.connection ?? "AzureWebJobsStorage"));
    const name = resolveSettings(String(binding.queueName ?? ""));
    if (!isQueueName(name)) throw new Error(`'${name}' cannot be the name of a queue.`);
    const queue = service.getQueueClient(name);
    const poisonName = `${name}-poison`;
    const run: RunMessage = (data, metadata) =>
      this.#invoker.invoke(fn, triggerName, { data, triggerMetadata: metadata, trace: newTraceContext() });
    const processor = new QueueProcessor({
      queue,
      poisonQueue:
        name.endsWith("-poison") || !isQueueName(poisonName) ? undefined : service.getQueueClient(poisonName),
      options: this.#options.queues,
      functionName: fn.name,
      run,
      onPoisoned: (queueName) => this.notifyQueue(queueName),
    });
    this.queues.push(new QueueTrigger(queue, processor, this.#options.queues, fn.name));
    // Fired by hand there is no message: nothing is retried, nothing is poisoned.
    this.#fires.set(fn.name.toLowerCase(), (input) => {
      run({ string: input }, triggerMetadata(input, undefined)).catch(() => undefined);
    });
    this.summary.push({ name: fn.name, detail: `queue ${name}` });
  }

  #addTimer(fn: RegisteredFunction, triggerName: string, binding: BindingInfo): void {
    const timer = new TimerTrigger(fn, triggerName, binding, this.#invoker);
    this.timers.push(timer);
    this.#fires.set(fn.name.toLowerCase(), () => timer.fire());
    this.summary.push({ name: fn.name, detail: `timer ${timer.expression}` });
  }
}

function triggerOf(fn: RegisteredFunction): [string, BindingInfo] {
  const found = Object.entries(fn.metadata.bindings).find(([, binding]) => /trigger$/i.test(binding.type));
  if (!found) throw new Error("It has no trigger.");
  for (const [name, { type, direction }] of Object.entries(fn.metadata.bindings)) {
    if (name === found[0] || (direction === "out" && /^(http|queue)$/i.test(type))) continue;
    throw new Error(`This host has HTTP and queue outputs, but no '${type}' ${direction}put.`);
  }
  return found;
}

function isQueueName(name: string): boolean {
  return /^(?=.{3,63}$)[a-z\d]+(?:-[a-z\d]+)*$/.test(name);
}
