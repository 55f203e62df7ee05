/** What a month costs with so many customers, in calls that are counted elsewhere and assumptions that docs/operations.md states. */

import { operationCosts, prices } from "./operation-costs.ts";

const hours = 730;
const minutes = hours * 60;
const nights = hours / 24;
/** From docs/scale.md: requests of storage of one run, where they are most. */
const counted = { driftOfHundred: 14, synchronisationOf500: 16, purge: 276 };
const functions = { gigabytes: 2, leastSeconds: 1, gigabyteSecond: 0.000_026, execution: 0.4 / 1e6 };
const each = {
  changes: 1,
  reads: 100,
  logs: 4,
  rounds: hours / 6,
  partnerCenterCalls: 1 + 3 * 0.03,
  secondsOfCall: 0.6,
};

interface Month {
  readonly tables: number;
  readonly queues: number;
  readonly executions: number;
  readonly gigabyteSeconds: number;
  readonly partnerCenter: number;
}

export function monthOf(customers: number): Month {
  const { liveOff, liveOn, logging, read, customerActivities, emptySweep } = operationCosts;
  const changes = customers * each.changes;
  const requests = customers * (each.changes + each.reads + each.logs);
  const driftCalls = customers * each.partnerCenterCalls * each.rounds;
  const timers = 3 * minutes + minutes / 5 + nights;
  return {
    tables:
      changes * (Math.max(liveOff.tables, liveOn.tables) + logging.tables) +
      customers * (each.reads * read.tables + each.logs * customerActivities.tables) +
      // One look at its own note for each run of a timer that goes over all customers, found or not.
      minutes * (2 * emptySweep.tables + 1) +
      minutes / 5 +
      customers * each.rounds * (1 + counted.driftOfHundred / 100) +
      Math.ceil(customers / 500) * counted.synchronisationOf500 * hours +
      nights * counted.purge,
    queues: changes * (liveOff.queues + logging.queues),
    executions: requests + changes + timers,
    gigabyteSeconds:
      functions.gigabytes * ((requests + changes + timers) * functions.leastSeconds + driftCalls * each.secondsOfCall),
    partnerCenter:
      changes * Math.max(liveOff.partnerCenter, liveOn.partnerCenter) + driftCalls + (customers / 500) * hours,
  };
}

export function monthTable(): string {
  const rows = [1_000, 10_000].map((customers) => {
    const { tables, queues, executions, gigabyteSeconds, partnerCenter } = monthOf(customers);
    const storage = tables * prices.tables + queues * prices.queues;
    const compute = executions * functions.execution + gigabyteSeconds * functions.gigabyteSecond;
    const cells = [
      thousands(customers),
      ...[tables, queues, partnerCenter, executions, gigabyteSeconds].map((number) => thousands(number)),
      ...[storage, compute, storage + compute].map((amount) => `$${amount.toFixed(2)}`),
    ];
    return `| ${cells.join(" | ")} |`;
  });
  return `| Customers | Calls of tables | of queues | of Partner Center | Executions | GB-seconds | Storage | Functions | A month |
|---|---|---|---|---|---|---|---|---|
${rows.join("\n")}
`;
}

/** Two digits are more than the assumptions are worth. */
function thousands(number: number): string {
  const digits = 10 ** Math.max(0, Math.floor(Math.log10(number)) - 1);
  return (Math.round(number / digits) * digits).toLocaleString("en-US");
}
