/**
 * Reads the partner's customers from Partner Center, page by page: a round in as many runs as it takes, with only one
 * page in memory, and a note after each page of where the next run goes on.
 */

import { PartnerCenterRefusal } from "../domain/partner-center-refusal.ts";
import { Refusal } from "../domain/refusal.ts";
import type { Clock, KnownCustomers, Notebook, PartnerCustomers, Progress, Telemetry } from "../ports.ts";
import type { PartnerCenterGate } from "./partner-center-gate.ts";

export interface SynchroniseCustomersPorts {
  readonly partnerCustomers: PartnerCustomers;
  readonly known: KnownCustomers;
  readonly notebook: Notebook;
  readonly gate: PartnerCenterGate;
  readonly telemetry: Telemetry;
  readonly clock: Clock;
  readonly newId: () => string;
}

/** Goes on with the round that is open, or begins one when the last is an hour old; else does nothing. */
export type SynchroniseCustomers = () => Promise<void>;

/** Customers come and go by the day; 10,000 of them are 20 calls a round. */
const intervalMilliseconds = 60 * 60 * 1000;
/** The host ends a run after five minutes, and the next one is due by then. */
const longestRunMilliseconds = 4 * 60 * 1000;

export function createSynchroniseCustomers(ports: SynchroniseCustomersPorts): SynchroniseCustomers {
  const { partnerCustomers, known, notebook, gate, telemetry, clock, newId } = ports;

  return async () => {
    try {
      await run();
    } catch (error) {
      // The list names no customer: whatever Partner Center refuses here, it refuses us.
      if (error instanceof PartnerCenterRefusal) return gate.close(error);
      if (!(error instanceof Refusal)) throw error;
      telemetry.warning("The customers were not read to the end; the next run goes on.", error);
    }
  };

  async function run(): Promise<void> {
    const startedAt = clock.now().getTime();
    // First, because it also keeps the note about how Partner Center receives us up to date.
    if (!(await gate.isOpen())) return;
    let progress = nextRound(await notebook.read("synchronisation"));
    const correlationId = newId();
    let isRepeated = false;
    while (progress !== undefined && clock.now().getTime() - startedAt < longestRunMilliseconds) {
      const page = await partnerCustomers.list(progress.position, { requestId: newId(), correlationId });
      if (page !== undefined) {
        await known.saveSeen(page.items, clock.now());
        progress = await notePage(progress, page.items.length, page.next);
      } else if (isRepeated) {
        // A Partner Center that forgets at once what it has just given would be asked without end.
        telemetry.warning("Partner Center has lost the position in the list of customers twice.", undefined);
        return;
      } else {
        isRepeated = true;
        progress = begin(progress.endedAt);
      }
    }
  }

  /** @returns the round to go on with; undefined: none is due */
  function nextRound(note: Progress | undefined): Progress | undefined {
    if (note?.endedAt === undefined) return note ?? begin(undefined);
    if (note.endedAt < note.startedAt) return note;
    return clock.now().getTime() - Date.parse(note.endedAt) > intervalMilliseconds ? begin(note.endedAt) : undefined;
  }

  function begin(endedAt: string | undefined): Progress {
    return { startedAt: clock.now().toISOString(), ...(endedAt === undefined ? {} : { endedAt }) };
  }

  /** @returns the round to go on with; undefined: this was its last page */
  async function notePage(
    { startedAt, endedAt, done: before = 0 }: Progress,
    count: number,
    position: string | undefined,
  ): Promise<Progress | undefined> {
    const done = before + count;
    if (position !== undefined) {
      const progress = { startedAt, position, done, ...(endedAt === undefined ? {} : { endedAt }) };
      await notebook.write("synchronisation", progress);
      return progress;
    }
    const now = clock.now();
    await notebook.write("synchronisation", { startedAt, done, endedAt: now.toISOString() });
    const seconds = (now.getTime() - Date.parse(startedAt)) / 1000;
    telemetry.event("CustomersSynchronised", {}, { customers: done, seconds });
    return undefined;
  }
}
