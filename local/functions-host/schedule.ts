/** When a timer is due: NCRONTAB with five or six parts in UTC, or a time span between runs. */

import { Cron } from "croner";
import { parseTimeSpan } from "./time-span.ts";

export interface Schedule {
  next(after: Date): Date;
}

export function parseSchedule(text: string): Schedule {
  const interval = parseTimeSpan(text);
  if (interval !== undefined && interval > 0) return { next: (after) => new Date(after.getTime() + interval) };
  // NCRONTAB wants both the day and the weekday to fit; cron's own rule is either.
  const options = { mode: "5-or-6-parts", timezone: "UTC", domAndDow: true, paused: true } as const;
  const cron = new Cron(text.trim(), options);
  return {
    next(after) {
      const next = cron.nextRun(after);
      if (!next) throw new Error(`The schedule '${text}' never comes due.`);
      return next;
    },
  };
}
