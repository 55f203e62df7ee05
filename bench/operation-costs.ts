/**
 * What each operation asks of others, and what a million of them cost. test/operation-costs.test.ts counts the calls at
 * the proxy and the stand-ins; docs/cost.md is this table in words.
 */

export interface OperationCost {
  readonly operation: string;
  /** Calls of Table Storage: a transaction of several rows is one. */
  readonly tables: number;
  readonly queues: number;
  readonly arm: number;
  readonly partnerCenter: number;
  readonly remark?: string;
}

const none = { queues: 0, arm: 0, partnerCenter: 0 };

export const operationCosts = {
  read: { operation: "Read a permission", tables: 1, ...none },
  sameState: { operation: "Turn a switch to what it is already (off mode)", tables: 1, ...none },
  off: { operation: "Turn a switch Off (off mode)", tables: 2, queues: 1, arm: 0, partnerCenter: 0 },
  on: {
    operation: "Turn a switch On (off mode)",
    ...{ tables: 2, queues: 1, arm: 2, partnerCenter: 0 },
    remark: "Owner of the first subscription; up to one call of ARM more for each further subscription",
  },
  liveOff: {
    operation: "Turn a switch Off (live mode)",
    ...{ tables: 5, queues: 1, arm: 0, partnerCenter: 4 },
    remark: "the policy is deleted",
  },
  liveOn: {
    operation: "Turn a switch On (live mode)",
    ...{ tables: 4, queues: 1, arm: 2, partnerCenter: 6 },
    remark: "a new policy, Owner of the first subscription",
  },
  logging: {
    operation: "Log one activity",
    ...{ tables: 5, queues: 2, arm: 0, partnerCenter: 0 },
    remark:
      "after every change; both calls of the queue are the Functions host's, which fetches up to 16 messages with one",
  },
  delivery: {
    operation: "Tell one webhook of one activity",
    ...{ tables: 5, queues: 3, arm: 0, partnerCenter: 0 },
    remark: "at the first attempt; two of the calls of the queue are the Functions host's",
  },
  poll: {
    operation: "Poll for activities",
    tables: 18,
    ...none,
    remark: "of all customers, when fewer than 50 wait",
  },
  customerPoll: { operation: "Poll for a customer's activities", tables: 2, ...none },
  emptySweep: { operation: "Sweep with nothing to do", tables: 16, ...none, remark: "every minute" },
  list: {
    operation: "List 50 customers",
    tables: 1,
    ...none,
    remark: "with so many customers that one of 16 buckets fills the page",
  },
  shortList: {
    operation: "List customers, when there are few",
    tables: 16,
    ...none,
    remark: "every bucket is looked into",
  },
  search: {
    operation: "Search for customers",
    tables: 32,
    ...none,
    remark: "by name, where Partner Center is followed, with fewer than 1,000 customers in each of 16 buckets",
  },
  fleetHistory: {
    operation: "History of 90 days",
    tables: 123,
    ...none,
    remark:
      "a call more for each thousand activities of a day, and for each thousand customers of a bucket that are On",
  },
  customerActivities: { operation: "List a customer's activities", tables: 2, ...none },
} as const satisfies Readonly<Record<string, OperationCost>>;

/**
 * US dollars for one call, pay as you go, locally redundant, general purpose v2. As they were in July 2026; see
 * https://azure.microsoft.com/pricing/details/storage/tables/ and …/queues/.
 */
export const prices = { tables: 0.00036 / 10_000, queues: 0.004 / 10_000 };
const minutesOfMonth = 730 * 60;

const costOf = ({ tables, queues }: OperationCost): number => tables * prices.tables + queues * prices.queues;

export function costDocument(): string {
  const rows = Object.values<OperationCost>(operationCosts).map((cost) => {
    const { operation, tables, queues, arm, partnerCenter, remark } = cost;
    const name = remark === undefined ? operation : `${operation}: ${remark}`;
    return `| ${name} | ${tables} | ${queues} | ${arm} | ${partnerCenter} | ${dollars(costOf(cost) * 1e6)} |`;
  });
  const change = costOf(operationCosts.off) + costOf(operationCosts.logging);
  const sweeping = costOf(operationCosts.emptySweep) * minutesOfMonth;
  return `# What an operation costs

Generated from \`bench/operation-costs.ts\` by \`node local/launch.mjs bench --costs\`. \`test/operation-costs.test.ts\` counts the calls of storage at a proxy, those of Azure Resource Manager (ARM) and Partner Center (PC) at the stand-ins, and fails when this table is wrong.

| operation | tables | queues | ARM | PC | a million cost |
|---|---|---|---|---|---|
${rows.join("\n")}

Prices: $0.00036 for 10,000 calls of Table Storage and $0.004 for 10,000 calls of Queue Storage, locally redundant, general purpose v2, pay as you go, as of July 2026. They were taken from published estimates that quote the Azure Retail Prices API, not from a bill: look at the pricing pages of [tables](https://azure.microsoft.com/pricing/details/storage/tables/) and [queues](https://azure.microsoft.com/pricing/details/storage/queues/) for your region. A transaction of several rows is counted as one call. ARM and Partner Center cost nothing, but are throttled. The Functions host itself is not counted: executions, and its polling of the queues.

- A million changes with their log cost ${dollars(change * 1e6)} of storage.
- The sweep that finds nothing costs ${dollars(sweeping)} a month.
- Tokens come on top: one call of Entra for each customer and hour in which its subscriptions are looked at, and one an hour for Partner Center.
`;
}

function dollars(amount: number): string {
  return amount < 0.1 ? `$${amount.toFixed(3)}` : `$${amount.toFixed(2)}`;
}
