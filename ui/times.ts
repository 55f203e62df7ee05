/** Times in the reader's own zone and language. */

import type { Language } from "./language.ts";

export interface Times {
  /** Date and time of day. */
  moment(time: string): string;
  day(time: string): string;
  /** Of a day that is the same for everybody, such as 2026-11-23. */
  date(date: string): string;
  /** Such as "3 days ago". */
  ago(time: string, now?: number): string;
  /** A length of time in its largest unit up to days. */
  length(milliseconds: number): string;
}

const steps = [
  ["minute", 60],
  ["hour", 24],
  ["day", 30],
  ["month", 12],
] as const;

const lengths = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
] as const;

export function timesIn(language: Language): Times {
  const moment = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
  const day = new Intl.DateTimeFormat(language, { dateStyle: "medium" });
  const date = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeZone: "UTC" });
  const relative = new Intl.RelativeTimeFormat(language);
  const justNow = new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(0, "second");
  return {
    moment: (time) => moment.format(new Date(time)),
    day: (time) => day.format(new Date(time)),
    date: (text) => date.format(new Date(text)),
    ago: (time, now = Date.now()) => {
      let amount = (Date.parse(time) - now) / 60_000;
      if (Math.round(amount) === 0) return justNow;
      for (const [unit, size] of steps) {
        if (Math.abs(Math.round(amount)) < size) return relative.format(Math.round(amount), unit);
        amount /= size;
      }
      return relative.format(Math.round(amount), "year");
    },
    length: (milliseconds) => {
      const [unit, size] = lengths.find(([, least]) => milliseconds >= least) ?? lengths[2];
      const format = new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long" });
      return format.format(Math.max(1, Math.round(milliseconds / size)));
    },
  };
}
