/**
 * Tells how many customers had a permission On, day by day.
 *
 * The switches are read first, then the pending activities, then the log: whatever is written meanwhile is in none of
 * them, or in a later one, which is right. Of the log only what turned a switch is kept, so that a day with very many
 * activities takes no more memory than its switches do.
 */

import {
  addTurn,
  type DayOfTurns,
  dateAfter,
  dayOfTurns,
  type FleetDay,
  lastDates,
  type Turn,
  turnOf,
  type UtcDate,
  utcDateOf,
  walkBack,
} from "../domain/fleet-history.ts";
import { dependencyUnavailable } from "../domain/refusal.ts";
import type { ActivityLog, Clock, KnownCustomers, PendingActivities } from "../ports.ts";

/** @returns so many days, the oldest first, today last */
export type GetFleetHistory = (days: number) => Promise<readonly FleetDay[]>;

export interface FleetHistoryPorts {
  readonly known: Pick<KnownCustomers, "allOn">;
  readonly pending: Pick<PendingActivities, "list">;
  readonly log: Pick<ActivityLog, "turnsOf">;
  readonly clock: Pick<Clock, "now">;
}

const daysAtOnce = 8;
/** Storage is too slow, or there is too much: the caller is not kept waiting. */
const mostMilliseconds = 14_000;

export function createGetFleetHistory(
  { known, pending, log, clock }: FleetHistoryPorts,
  milliseconds = mostMilliseconds,
): GetFleetHistory {
  return async (days) => {
    const deadline = AbortSignal.timeout(milliseconds);
    const { promise: late, reject } = Promise.withResolvers<never>();
    deadline.addEventListener("abort", () => reject(dependencyUnavailable("Storage", { cause: deadline.reason })));
    return Promise.race([read(days, deadline), late]);
  };

  async function read(days: number, deadline: AbortSignal): Promise<readonly FleetDay[]> {
    const now = clock.now();
    const today = utcDateOf(now);
    const walk = walkBack();
    for await (const records of known.allOn()) {
      deadline.throwIfAborted();
      for (const record of records) walk.begin(record);
    }
    const notYetLogged = (await pending.list({})).map((activity) => ({ turn: turnOf(activity), at: activity.at }));
    const pendingTurns = Map.groupBy(notYetLogged, ({ at }) => earlierOf(utcDateOf(new Date(at)), today));
    const seen = new Set(notYetLogged.map(({ turn }) => turn && idOf(turn)));

    const dates = lastDates(now, days);
    const history: FleetDay[] = [];
    for (let first = 0; first < dates.length; first += daysAtOnce) {
      const some = dates.slice(first, first + daysAtOnce);
      const read = await Promise.all(some.map(async (date) => ({ date, day: await readDay(date) })));
      for (const { date, day } of read) history.push(walk.back(date, day));
    }
    return history.reverse();

    async function readDay(date: UtcDate): Promise<DayOfTurns> {
      const day = dayOfTurns();
      for (const { turn } of pendingTurns.get(date) ?? []) if (turn !== undefined) addTurn(day, turn);
      for (const logged of date === today ? [dateAfter(now), date] : [date]) {
        for await (const turns of log.turnsOf(logged)) {
          deadline.throwIfAborted();
          for (const turn of turns) if (!seen.has(idOf(turn))) addTurn(day, turn);
        }
      }
      return day;
    }
  }
}

function earlierOf(one: UtcDate, other: UtcDate): UtcDate {
  return one < other ? one : other;
}

function idOf({ customerId, sequence }: Turn): string {
  return `${customerId}-${sequence}`;
}
