/** Rows of what nobody asks for: the queue that activities come through, and the timers that ask Partner Center. */

import { randomUUID } from "node:crypto";
import type { DemoCustomer } from "../../../local/stand-ins/demo-customers.ts";
import { portalActor } from "../../../local/stand-ins/partner-center-policies.ts";
import { forgetDriftNote, forgetNote, forgetStanding, readNote } from "../../harness/drift-note.ts";
import { countRows, eventually, readLog } from "../../harness/ledger.ts";
import type { Product } from "../../harness/product.ts";
import { admit, makeEligibleTenant } from "../../harness/tenants.ts";
import { type FaultName, faultNames } from "./fault-kinds.ts";
import { expecting, type Injected, injectInto, injectIntoStorage, nameOf, type Row } from "./rows.ts";
import { flawsOf, newPlayed, outcomeOf, type Scene, timed } from "./scene.ts";

async function put(product: Product, customerId: string, state: "On" | "Off") {
  const path = `/customers/${customerId}/permissions/azureReservations`;
  const answer = await product.call("PUT", path, {
    body: { state },
    headers: { "Repeatability-Request-ID": randomUUID() },
  });
  if (answer.status !== 200) throw new Error(`PUT ${state} was answered ${answer.status}.`);
  return answer;
}

/** The host polls the queue; while it cannot, the log as read is whole nevertheless. */
export function receiveRow(product: Product): Row {
  return {
    call: "Queue: receive by the trigger",
    operation: "PUT On",
    within: 15,
    expected: expecting("200"),
    recovery: "the host goes on: within 5 s, after a poll that hung within 30 s",
    scene(fault) {
      const { tenantId } = admit(product, makeEligibleTenant(nameOf("receive", fault)));
      const played = newPlayed();
      let injected: Injected | undefined;
      const scene: Scene = {
        played,
        prepare: async () => undefined,
        async suffer() {
          await eventually(async () => {
            if (injected?.hits() === 0) throw new Error("The host does not poll.");
          }, 60_000);
          const { thing: answer, seconds } = await timed(put(product, tenantId, "On"));
          Object.assign(played, { outcome: outcomeOf(answer), seconds });
          played.problems.push(...flawsOf(product, answer));
          const log = await eventually(() => readLog(product, tenantId));
          if (log.length !== 1) played.problems.push(`The log as read has ${log.length} entries.`);
        },
        async recover() {
          const { seconds } = await timed(
            eventually(async () => {
              const { pending, logged, byDay } = await countRows(product.connectionString, tenantId);
              if (pending !== 0 || logged !== 1 || byDay !== 1) throw new Error(`${pending}/${logged}/${byDay} rows`);
              // Before the sweep of the minute could have done it.
            }, 55_000),
          );
          played.recoverySeconds = seconds;
        },
      };
      return {
        scene,
        inject() {
          injected = injectIntoStorage(
            product,
            fault,
            ({ service, method, path }) =>
              service === "queue" && method === "GET" && /^\/activities\/messages/.test(path),
          );
          return injected;
        },
      };
    },
  };
}

const forAnHour: Partial<Record<FaultName, string>> = Object.fromEntries(
  (["401", "403"] as const).map((name) => [name, "refused, asked again in an hour"]),
);
const known = (product: Product) =>
  eventually(async () => {
    const { status, body } = await product.call("GET", "/customers?maxpagesize=200");
    if (status !== 200) throw new Error(`The list of customers was answered ${status}.`);
    return JSON.stringify(body.value.map(({ lastSeenAt: _, lastVerifiedAt: __, ...one }: any) => one));
  });

/** The gate is closed by a refusal: then nothing is asked, and an hour later it is. */
async function passTheHour(product: Product, timer: string, path: RegExp, problems: string[]): Promise<void> {
  const health = await product.call("GET", "/health", { token: null });
  if (health.status !== 200) problems.push(`Health is ${health.status}.`);
  const before = product.partnerCenter.requests.count({ path });
  await product.trigger(timer);
  await new Promise((go) => setTimeout(go, 500));
  if (product.partnerCenter.requests.count({ path }) !== before) problems.push("It is asked again at once.");
  await forgetStanding(product);
}

/** The list of customers, read by the hour: what is known stays known, and the round goes on. */
export function synchronisationRow(product: Product): Row {
  const list = /^\/v1\/customers\?size=500/;
  const ended = async () => {
    const note = await readNote(product, "synchronisation");
    if (note?.endedAt === undefined) throw new Error("The round has not ended.");
  };
  const refused = async () => (await readNote(product, "partnerCenter"))?.refusal !== undefined;
  return {
    call: "Partner Center: customers",
    operation: "timer SynchroniseCustomers",
    within: 23,
    expected: expecting("nothing changed", {
      "slow (1.5 s)": "read",
      ...forAnHour,
      "404": "refused, asked again in an hour",
      "409": "refused, asked again in an hour",
      "412": "refused, asked again in an hour",
    }),
    recovery: "the next run (every 5 min); refused: after an hour",
    scene(fault) {
      const played = newPlayed();
      let before = "";
      let said = 0;
      const warnings = () =>
        product.output.filter((line) => line.includes("The customers were not read to the end")).length;
      const scene: Scene = {
        played,
        async prepare() {
          await forgetStanding(product);
          await forgetNote(product, "synchronisation");
          await product.trigger("SynchroniseCustomers");
          await eventually(ended, 30_000);
          before = await known(product);
          if (before.length < 100) throw new Error(`No customers are known: ${before}`);
          await forgetNote(product, "synchronisation");
          said = warnings();
        },
        async suffer() {
          const run = async () => {
            await product.trigger("SynchroniseCustomers");
            return eventually(async () => {
              if (await refused()) return "refused, asked again in an hour";
              if (warnings() > said) return "nothing changed";
              await ended();
              return "read";
            }, 40_000);
          };
          const { thing: outcome, seconds } = await timed(run());
          Object.assign(played, { outcome, seconds });
          if ((await known(product)) !== before) played.problems.push("Other customers are known than before.");
        },
        async recover() {
          if (await refused()) await passTheHour(product, "SynchroniseCustomers", list, played.problems);
          const { seconds } = await timed(
            product.trigger("SynchroniseCustomers").then(() => eventually(ended, 30_000)),
          );
          played.recoverySeconds = seconds;
          if ((await known(product)) !== before) played.problems.push("Other customers are known after it.");
        },
      };
      return { scene, inject: () => injectInto(product.partnerCenter, "partnerCenter", fault, { path: list }) };
    },
  };
}

interface Finding {
  readonly code: string;
  readonly status: string;
  readonly byUserPrincipalName?: string;
}

/** One whole round over all known customers, or as far as it comes. */
async function sweep(product: Product, isOver: () => Promise<boolean>): Promise<void> {
  const from = new Date().toISOString();
  const begin = async () => {
    await forgetDriftNote(product);
    await product.trigger("DetectDrift");
  };
  await begin();
  await eventually(async () => {
    const note = await readNote(product, "drift");
    const hasEnded = note?.endedAt !== undefined && note.endedAt >= note.startedAt;
    const isOurs = note !== undefined && note.startedAt >= from;
    // The timer's own run was under way, and has seen what was there before.
    if (hasEnded && !isOurs) await begin();
    if (!(hasEnded && isOurs) && !(await isOver())) throw new Error(`The round has not ended: ${JSON.stringify(note)}`);
  }, 60_000);
}

type DriftCall = "audit records" | "policy read";
const driftCustomer = (call: DriftCall, fault: FaultName) => makeEligibleTenant(nameOf(`drift, ${call}`, fault));
/** They have to be known to Partner Center from the beginning. */
export const driftCustomers = (call: DriftCall): DemoCustomer[] =>
  faultNames.map((fault) => ({ customer: driftCustomer(call, fault), outcome: "On: a user is Owner" }));

/** What the comparison of records and policies says of a switch that somebody else has turned. */
const driftOutcomes: Readonly<Record<DriftCall, Pick<Row, "expected" | "recovery">>> = {
  "audit records": {
    expected: expecting("found, without a name", { "slow (1.5 s)": "found, with a name" }),
    recovery: "the next finding has its name again",
  },
  "policy read": {
    expected: expecting("nothing said", { "slow (1.5 s)": "found, with a name", ...forAnHour }),
    recovery: "the next round finds it; refused: after an hour",
  },
};
const driftPaths: Readonly<Record<DriftCall, (customerId: string) => RegExp>> = {
  "audit records": (customerId) => new RegExp(`^/v1/auditrecords.*${customerId}`),
  "policy read": (customerId) => new RegExp(`^/v1/SelfServePolicy\\?entity_id=${customerId}`),
};

export function driftRow(product: Product, call: DriftCall): Row {
  const path = driftPaths[call];
  return {
    ...driftOutcomes[call],
    within: 45,
    call: `Partner Center: ${call}`,
    operation: "timer DetectDrift",
    scene(fault) {
      const customerId = driftCustomer(call, fault).tenantId;
      const played = newPlayed();
      const findings = async () =>
        (await readLog(product, customerId)).flatMap((one) => ("finding" in one ? [one.finding as Finding] : []));
      const refused = async () => (await readNote(product, "partnerCenter"))?.refusal !== undefined;
      const { policies } = product.partnerCenter;
      const scene: Scene = {
        played,
        async prepare() {
          await forgetStanding(product);
          // What is moved here is seen by the next round, which is the one under the fault.
          await put(product, customerId, "On");
          await put(product, customerId, "Off");
        },
        async suffer() {
          policies.set(customerId, ["AzureReservedInstances"]);
          const { seconds } = await timed(sweep(product, refused));
          const [found, ...more] = await findings();
          const outcome = (await refused())
            ? "refused, asked again in an hour"
            : found === undefined
              ? "nothing said"
              : found.byUserPrincipalName === undefined
                ? "found, without a name"
                : "found, with a name";
          Object.assign(played, { outcome, seconds });
          if (more.length > 0) played.problems.push("It is found more than once.");
          const { body } = await product.call("GET", `/customers/${customerId}/permissions/azureReservations`);
          if (body.state !== "Off") played.problems.push(`The record says ${body.state}.`);
        },
        async recover() {
          if (await refused()) await passTheHour(product, "DetectDrift", path(customerId), played.problems);
          const { seconds } = await timed(sweep(product, async () => false));
          played.recoverySeconds = seconds;
          const all = await findings();
          if (all.length !== 1) played.problems.push(`After the fault it is found ${all.length} times.`);
          if (played.outcome.startsWith("found")) {
            // Found and told once. The next time that it is turned there, the finding has a name again.
            policies.delete(customerId);
            await sweep(product, async () => false);
            policies.set(customerId, ["AzureReservedInstances"]);
            await sweep(product, async () => false);
            const last = (await findings()).at(-1);
            if (last?.byUserPrincipalName !== portalActor.userPrincipalName)
              played.problems.push(`After the fault there is no name: ${JSON.stringify(last)}`);
          }
          // All is well again for the next one.
          policies.delete(customerId);
        },
      };
      return {
        scene,
        inject: () => injectInto(product.partnerCenter, "partnerCenter", fault, { path: path(customerId) }),
      };
    },
  };
}
