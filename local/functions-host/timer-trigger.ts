/** Timer triggers: one run at a time, on schedule, at start-up or on demand, with the function's own retry policy. */

import { setTimeout as sleep } from "node:timers/promises";
import type { RegisteredFunction } from "./functions-app.ts";
import type { Invoker } from "./invoker.ts";
import { log } from "./log.ts";
import type { BindingInfo, RetryContext, RetryOptions } from "./rpc.ts";
import { parseSchedule, type Schedule } from "./schedule.ts";
import { resolveSettings } from "./settings.ts";
import { messageOf } from "./startup-fault.ts";
import { newTraceContext } from "./trace-context.ts";

/** setTimeout takes no more than 2^31 ms; a day is well below. */
const longestSleep = 86_400_000;

/** Below a minute the real host keeps no record of the schedule. */
const shortestMonitored = 60_000;

export class TimerTrigger {
  readonly expression: string;
  readonly #schedule: Schedule;
  readonly #runOnStartup: boolean;
  readonly #monitored: boolean;
  readonly #fn: RegisteredFunction;
  readonly #triggerName: string;
  readonly #invoker: Invoker;
  readonly #stop = new AbortController();
  #last = new Date(-62_135_596_800_000);
  #lastRun: Promise<void> = Promise.resolve();

  constructor(fn: RegisteredFunction, triggerName: string, binding: BindingInfo, invoker: Invoker) {
    this.#fn = fn;
    this.#triggerName = triggerName;
    this.#invoker = invoker;
    this.expression = resolveSettings(String(binding.schedule ?? ""));
    this.#schedule = parseSchedule(this.expression);
    const next = this.#schedule.next(new Date()); // Throws now, rather than later, for a date that never comes.
    this.#runOnStartup = binding.runOnStartup === true;
    const interval = this.#schedule.next(next).getTime() - next.getTime();
    this.#monitored = binding.useMonitor !== false && interval >= shortestMonitored;
  }

  start(): void {
    if (this.#runOnStartup) this.fire();
    this.#keepTime().catch((error: unknown) => {
      if (!this.#stop.signal.aborted) log("error", this.#fn.name, `The timer has stopped: ${messageOf(error)}`);
    });
  }

  stop(): void {
    this.#stop.abort();
  }

  /** Runs now, or right after the run that is under way. */
  fire(): void {
    this.#enqueue().catch((error: unknown) => log("error", this.#fn.name, messageOf(error)));
  }

  #enqueue(): Promise<void> {
    const run = this.#lastRun.then(() => this.#runWithRetries());
    this.#lastRun = run.catch(() => undefined);
    return run;
  }

  async #keepTime(): Promise<void> {
    for (;;) {
      const due = this.#schedule.next(new Date()).getTime();
      for (let left = due - Date.now(); left > 0; left = due - Date.now()) {
        await sleep(Math.min(left, longestSleep), undefined, { signal: this.#stop.signal });
      }
      await this.#enqueue();
    }
  }

  async #runWithRetries(): Promise<void> {
    const retry = this.#fn.metadata.retryOptions;
    const maxRetryCount = retry?.maxRetryCount ?? 0;
    let context: RetryContext | undefined;
    for (let attempt = 1; !this.#stop.signal.aborted; attempt += 1) {
      const result = await this.#invoker.invoke(this.#fn, this.#triggerName, {
        data: { json: JSON.stringify(this.#timerInfo()) },
        trace: newTraceContext(),
        ...(context && { retry: context }),
      });
      if (result.succeeded || !retry || (maxRetryCount >= 0 && attempt > maxRetryCount)) break;
      context = { retryCount: attempt, maxRetryCount, exception: { message: messageOf(result.error) } };
      await sleep(retryDelay(retry, attempt), undefined, { signal: this.#stop.signal }).catch(() => undefined);
    }
    this.#last = new Date();
  }

  /** Kept in memory only, so a run that was missed while the host was down is not made up for. */
  #timerInfo(): object {
    const status = {
      Last: dotNetTime(this.#last),
      LastUpdated: dotNetTime(this.#last),
      Next: dotNetTime(this.#schedule.next(new Date())),
    };
    return {
      Schedule: { AdjustForDST: true },
      ScheduleStatus: this.#monitored ? status : null,
      IsPastDue: false,
    };
  }
}

/** A time that was never is 0001-01-01 in .NET. */
function dotNetTime(time: Date): string {
  return time.getTime() < 0 ? "0001-01-01T00:00:00+00:00" : `${time.toISOString().slice(0, -1)}+00:00`;
}

function retryDelay(retry: RetryOptions, attempt: number): number {
  if (retry.retryStrategy !== "exponentialBackoff") return (retry.delayInterval?.seconds ?? 0) * 1000;
  const least = (retry.minimumInterval?.seconds ?? 0) * 1000;
  const most = (retry.maximumInterval?.seconds ?? 0) * 1000;
  return Math.min(most, least * 2 ** (attempt - 1));
}
