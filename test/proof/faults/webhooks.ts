/**
 * Rows of the webhooks: who subscribes, and who is told of what was logged. The switch and its log entry never depend on
 * any of it; and whoever has subscribed is told in the end of what the log holds, of nothing else, and signed.
 */

import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { partnerTenantId } from "../../../local/stand-ins/demo-customers.ts";
import type { Answer as Reply } from "../../../local/stand-ins/https-server.ts";
import type { CustomerId } from "../../../shared/domain/identifiers.ts";
import { webhookIdOf } from "../../../shared/domain/webhook.ts";
import { countRows, readLog } from "../../harness/ledger.ts";
import type { Answer, Product } from "../../harness/product.ts";
import { compareWithLog, type Receiver } from "../../harness/receiver.ts";
import type { StorageCall } from "../../harness/storage-proxy.ts";
import { admit, makeEligibleTenant } from "../../harness/tenants.ts";
import { ageDeliveries, waitingDeliveries, webhooksOf } from "../../harness/waiting-deliveries.ts";
import type { FaultName } from "./fault-kinds.ts";
import { expecting, type Injected, injectInto, injectIntoStorage, nameOf, type Row } from "./rows.ts";
import { again, flawsOf, newPlayed, outcomeOf, reading, type Scene, timed } from "./scene.ts";

/** Of what stands in the contract. */
const storageSeconds = 15;
const inTime = "200, told";
const later = "200, told later";
const unlessSlow = { "slow (1.5 s)": inTime } as const;
const repeatedMessage = "the host repeats the message, after 30 s";
const bySweep = "the sweep, when it has waited for 2.5 min";

interface Side {
  readonly product: Product;
  readonly receiver: Receiver;
}

/** A subscriber to one customer, and all that can be seen of it. */
interface Subscriber extends Side {
  readonly customerId: string;
  readonly webhookId: string;
  readonly path: string;
}

function newSubscriber(side: Side, row: string, fault: FaultName): Subscriber {
  const { tenantId } = admit(side.product, makeEligibleTenant(nameOf(`webhooks, ${row}`, fault)));
  const callbackUrl = `${side.receiver.url}/${tenantId}`;
  const webhookId = webhookIdOf(partnerTenantId, callbackUrl, tenantId as CustomerId);
  return { ...side, customerId: tenantId, webhookId, path: `/${tenantId}` };
}

const subscribe = ({ product, receiver, path, customerId }: Subscriber) =>
  product.call("POST", "/webhooks", { body: { callbackUrl: `${receiver.url}${path}`, customerId } });
const unsubscribe = ({ product, webhookId }: Subscriber) => product.call("DELETE", `/webhooks/${webhookId}`);
const arrivals = ({ receiver, path }: Subscriber) => receiver.arrivals.filter((call) => call.path === path);
const switchOn = ({ product, customerId }: Subscriber) =>
  product.call("PUT", `/customers/${customerId}/permissions/azureReservations`, {
    body: { state: "On" },
    headers: { "Repeatability-Request-ID": randomUUID() },
  });

/** Looks twice a second, since many cells wait at the same time. */
async function until<Thing>(look: () => Promise<Thing>, seconds = 120): Promise<Thing> {
  for (const end = Date.now() + seconds * 1000; ; await pause(500)) {
    try {
      return await look();
    } catch (error) {
      if (Date.now() > end) throw error;
    }
  }
}

function expectStatus({ status, body }: Answer, wanted: number): void {
  if (status !== wanted) throw new Error(`${status} instead of ${wanted}: ${JSON.stringify(body)}`);
}

async function sure(ask: () => Promise<Answer>, wanted: number): Promise<Answer> {
  return until(async () => {
    const answer = await ask();
    expectStatus(answer, wanted);
    return answer;
  }, 60);
}

/** One sweep for all cells that wait for one. */
const sweeps = new WeakMap<Product, Promise<void>>();
function sweep(product: Product): Promise<void> {
  const next =
    sweeps.get(product) ??
    pause(1_000).then(() => {
      sweeps.delete(product);
      return product.trigger("SweepDeliveries");
    });
  sweeps.set(product, next);
  return next;
}

/** @param isToBeSwept nobody else comes back to it, so that time has to pass */
async function untilAllTold(subscriber: Subscriber, isToBeSwept: boolean): Promise<void> {
  const { product, webhookId, customerId } = subscriber;
  await until(async () => {
    if (isToBeSwept && (await ageDeliveries(product, webhookId)) > 0) await sweep(product);
    const { length } = await waitingDeliveries(product, webhookId);
    const { pending } = await countRows(product.connectionString, customerId);
    if (length > 0 || pending > 0 || arrivals(subscriber).length === 0)
      throw new Error(`${arrivals(subscriber).length} have arrived, ${length} wait, ${pending} are pending.`);
  });
}

/** Everything in the log was announced, and nothing else; and the webhook is well. Then it goes. */
async function judge(subscriber: Subscriber, secret: string): Promise<string[]> {
  const { product, webhookId, customerId } = subscriber;
  const log = await until(() => readLog(product, customerId), 60);
  const { untrue, untold } = compareWithLog(arrivals(subscriber), log, secret);
  const problems = [...untrue, ...untold.map((id) => `${id} was not announced.`)];
  if (log.length !== 1) problems.push(`The log has ${log.length} entries.`);
  await until(async () => {
    const own = JSON.stringify(await webhooksOf(product, customerId));
    if (own !== JSON.stringify([{ id: webhookId, isFailing: false }]))
      throw new Error(`The customer's webhooks: ${own}`);
  }, 30);
  await sure(() => unsubscribe(subscriber), 204);
  return problems;
}

interface Telling {
  readonly call: string;
  readonly expected: Row["expected"];
  readonly recovery: string;
  inject(subscriber: Subscriber, fault: FaultName): Injected;
  /** What the receiver says at first, until the fault is gone. */
  readonly firstReply?: Reply;
  /** The fault comes before the activity has left the outbox: it stays there. */
  readonly isOutbox?: boolean;
  /** The fault comes when the receiver has been told. */
  readonly isAfterwards?: boolean;
  /** It is injected for all rows together. */
  readonly isShared?: boolean;
}

function tellingRow(side: Side, { call, expected, recovery, ...how }: Telling): Row {
  return {
    ...{ call, expected, recovery, operation: "PUT On", within: storageSeconds },
    ...(how.isShared ? { recoversBeside: true } : {}),
    scene(fault) {
      const subscriber = newSubscriber(side, call, fault);
      const { product, receiver, customerId, webhookId, path } = subscriber;
      const played = newPlayed();
      let injected: Injected = { hits: () => 0, lift: () => undefined };
      let secret = "";
      const told = async () => {
        if (arrivals(subscriber).length === 0) throw new Error("The receiver is not told.");
        if (!how.isAfterwards && (await waitingDeliveries(product, webhookId)).length > 0)
          throw new Error("The delivery still waits.");
      };
      /** The product has done what it does under the fault. */
      const hasMet = async () => {
        const isTold = expected[fault].startsWith(inTime) && !expected[fault].startsWith(later);
        if (isTold) await until(told, 60).catch(() => undefined);
        const firstHits = await until(async () => {
          const { byDay } = await countRows(product.connectionString, customerId);
          if (byDay === 0 || injected.hits() === 0) throw new Error("Nothing has met the fault.");
          return injected.hits();
        }, 60);
        // A call that hangs has up to 3.5 s, and a list two tries. Others go on asking for the list.
        if (how.isShared) return pause(fault === "hang" ? 7_500 : 1_000);
        for (let hits = firstHits, before = 0; hits !== before; hits = injected.hits()) {
          before = hits;
          await pause(fault === "hang" ? 4_500 : 1_000);
        }
      };
      const scene: Scene = {
        played,
        async prepare() {
          if (how.firstReply !== undefined) repliesTo(receiver).set(path, how.firstReply);
          secret = (await sure(() => subscribe(subscriber), 201)).body.secret;
        },
        async suffer() {
          if (how.isShared) injected = how.inject(subscriber, fault);
          const { thing: answer, seconds } = await timed(switchOn(subscriber));
          played.problems.push(...flawsOf(product, answer));
          const log = await until(() => readLog(product, customerId), 30);
          if (log.length !== 1) played.problems.push(`The log as read has ${log.length} entries.`);
          await hasMet();
          const isTold = await told().then(
            () => true,
            () => false,
          );
          const { logged, byDay, pending } = await countRows(product.connectionString, customerId);
          const rows = `${logged}/${byDay}/${pending}`;
          if (rows !== `1/1/${Number(Boolean(how.isOutbox) && expected[fault] === later)}`)
            played.problems.push(`rows of the log: ${rows}`);
          Object.assign(played, { outcome: `${outcomeOf(answer)}, ${isTold ? "told" : "told later"}`, seconds });
        },
        async recover() {
          repliesTo(receiver).delete(path);
          const isToBeSwept = recovery.includes(bySweep);
          played.recoverySeconds = (await timed(untilAllTold(subscriber, isToBeSwept))).seconds;
          if (how.isAfterwards && arrivals(subscriber).length > 1) played.outcome += " twice";
          played.problems.push(...(await judge(subscriber, secret)));
        },
      };
      return {
        scene,
        inject() {
          injected = how.inject(subscriber, fault);
          return injected;
        },
      };
    },
  };
}

const replies = new WeakMap<Receiver, Map<string, Reply>>();
/** By path; what the receiver says elsewhere is that it has understood. */
function repliesTo(receiver: Receiver): Map<string, Reply> {
  const known = replies.get(receiver) ?? new Map<string, Reply>();
  if (!replies.has(receiver)) {
    replies.set(receiver, known);
    receiver.answer = ({ path }) => known.get(path) ?? { status: 204 };
  }
  return known;
}

type Matches = (call: StorageCall, subscriber: Subscriber) => boolean;
const inStorage =
  (matches: Matches, isTransaction = false): Telling["inject"] =>
  (subscriber, fault) =>
    injectIntoStorage(subscriber.product, fault, (call) => matches(call, subscriber), isTransaction);
const ofWebhook: Matches = ({ path }, { webhookId }) => path.startsWith("/Webhooks(P") && path.includes(webhookId);
const ofDelivery: Matches = ({ path }, { webhookId }) =>
  path.startsWith("/WebhookDeliveries(P") && path.includes(webhookId);
const withMethod =
  (wanted: string, matches: Matches): Matches =>
  (call, subscriber) =>
    call.method === wanted && matches(call, subscriber);
const decoded = ({ body }: StorageCall) =>
  Buffer.from(/<MessageText>([^<]*)</.exec(body)?.[1] ?? "", "base64").toString();

const listOfWebhooks = (product: Product, fault: FaultName) =>
  injectIntoStorage(product, fault, ({ method, path }) => method === "GET" && path.startsWith("/Webhooks()"));

interface Asking {
  readonly call: string;
  readonly expected: Row["expected"];
  /** It is injected for all rows together. */
  readonly isShared?: boolean;
  inject(subscriber: Subscriber, fault: FaultName): Injected;
}

/** What is answered, is so; and the same wish again makes no second webhook, and no second secret. */
function subscribingRow(side: Side, { call, expected, inject, isShared }: Asking): Row {
  return {
    ...{ call, expected, operation: "POST webhooks", within: storageSeconds, recovery: "at once" },
    scene(fault) {
      const subscriber = newSubscriber(side, `${call}, POST`, fault);
      const { product } = subscriber;
      const played = newPlayed();
      const secrets = new Set<string>();
      const ask = async () => {
        const answer = await subscribe(subscriber);
        if (answer.status === 201) secrets.add(answer.body.secret);
        return answer;
      };
      const scene: Scene = {
        played,
        prepare: async () => undefined,
        async suffer() {
          const { thing: answer, seconds } = await timed(ask());
          Object.assign(played, { outcome: outcomeOf(answer), seconds });
          played.problems.push(...flawsOf(product, answer));
        },
        async recover() {
          await again(played, ask, ({ status }) => status === 201);
          expectStatus(await ask(), 201);
          if (secrets.size !== 1) played.problems.push(`${secrets.size} secrets were answered.`);
          const { length } = await webhooksOf(product, subscriber.customerId);
          if (length !== 1) played.problems.push(`There are ${length} webhooks.`);
          // To be told of something takes longer than until the next fault.
          if (isShared) return void (await sure(() => unsubscribe(subscriber), 204));
          await sure(() => switchOn(subscriber), 200);
          await untilAllTold(subscriber, false);
          played.problems.push(...(await judge(subscriber, [...secrets][0] ?? "")));
        },
      };
      return { scene, inject: () => inject(subscriber, fault) };
    },
  };
}

/** A webhook with a delivery that the receiver has not taken. */
async function leaveWaiting(subscriber: Subscriber): Promise<string> {
  const { product, receiver, webhookId, path } = subscriber;
  repliesTo(receiver).set(path, { status: 500 });
  const { body } = await sure(() => subscribe(subscriber), 201);
  await sure(() => switchOn(subscriber), 200);
  await until(async () => {
    const [row] = await waitingDeliveries(product, webhookId);
    if (row === undefined || !row.delivery0.includes("HTTP 500")) throw new Error("It was not tried.");
  });
  return body.secret;
}

/** Who was told that it is unsubscribed is not told of anything any more. */
function unsubscribingRow(side: Side, { call, expected, inject }: Asking): Row {
  return {
    ...{ call, expected, operation: "DELETE webhook", within: storageSeconds, recovery: "at once" },
    scene(fault) {
      const subscriber = newSubscriber(side, `${call}, DELETE`, fault);
      const { product, receiver, webhookId, path, customerId } = subscriber;
      const played = newPlayed();
      const scene: Scene = {
        played,
        prepare: async () => void (await leaveWaiting(subscriber)),
        async suffer() {
          const { thing: answer, seconds } = await timed(unsubscribe(subscriber));
          Object.assign(played, { outcome: outcomeOf(answer), seconds });
          played.problems.push(...flawsOf(product, answer));
        },
        async recover() {
          await again(
            played,
            () => unsubscribe(subscriber),
            ({ status }) => status === 204,
          );
          repliesTo(receiver).delete(path);
          const { length } = arrivals(subscriber);
          const { body } = await sure(() => product.call("GET", "/webhooks"), 200);
          if (body.value.some(({ id }: { id: string }) => id === webhookId)) played.problems.push("It is listed.");
          // The next attempt would have come eleven seconds after the first.
          await pause(12_000);
          if (arrivals(subscriber).length > length) played.problems.push("It is told of something nevertheless.");
          if ((await waitingDeliveries(product, webhookId)).length > 0) played.problems.push("Deliveries are left.");
          const log = await until(() => readLog(product, customerId), 30);
          if (log.length !== 1) played.problems.push(`The log has ${log.length} entries.`);
        },
      };
      return { scene, inject: () => inject(subscriber, fault) };
    },
  };
}

/** What was given up is listed, until it is tried anew; then it comes, whatever became of the answer. */
function replayingRow(side: Side, { call, expected, inject }: Asking): Row {
  return {
    ...{ call, expected, operation: "POST replay", within: storageSeconds },
    recovery: `at once; 200 cut: ${bySweep}`,
    scene(fault) {
      const subscriber = newSubscriber(side, `${call}, replay`, fault);
      const { product, receiver, webhookId, path } = subscriber;
      const played = newPlayed();
      let secret = "";
      const failed = async () =>
        (await sure(() => product.call("GET", `/webhooks/${webhookId}/failed-deliveries`), 200)).body.value.length;
      const replay = () => product.call("POST", `/webhooks/${webhookId}/replay`, { body: {} });
      const scene: Scene = {
        played,
        async prepare() {
          secret = await leaveWaiting(subscriber);
          const fourDaysAgo = new Date(Date.now() - 4 * 24 * 60 * 60_000);
          await until(async () => {
            if ((await ageDeliveries(product, webhookId, fourDaysAgo)) > 0) await sweep(product);
            if ((await failed()) !== 1) throw new Error("It is not given up.");
          });
          repliesTo(receiver).delete(path);
        },
        async suffer() {
          const { thing: answer, seconds } = await timed(replay());
          Object.assign(played, { outcome: outcomeOf(answer), seconds });
          played.problems.push(...flawsOf(product, answer));
          const left = await failed();
          if (answer.status === 200 && left + answer.body.replayed !== 1)
            played.problems.push(`${answer.body.replayed} are replayed, ${left} are left.`);
        },
        async recover() {
          const before = arrivals(subscriber).length - (played.outcome === "200" ? 1 : 0);
          await again(played, replay, ({ status }) => status === 200);
          await untilAllTold(subscriber, true);
          if (arrivals(subscriber).length <= before) played.problems.push("It has not come.");
          if ((await failed()) !== 0) played.problems.push("It is still listed.");
          played.problems.push(...(await judge(subscriber, secret)));
        },
      };
      return { scene, inject: () => inject(subscriber, fault) };
    },
  };
}

/** Of calls that name the webhook, so that all cells can be played side by side. */
export function rowsOfWebhooks(side: Side): Row[] {
  const { receiver } = side;
  const telling = (row: Telling) => tellingRow(side, row);
  return [
    telling({
      call: "Receiver: callback",
      expected: expecting(later, {
        ...unlessSlow,
        ...{ "200 HTML": inTime, "200 cut": inTime, "200 other JSON": inTime },
      }),
      recovery: "by itself, after 10 s",
      inject: ({ path }, fault) => injectInto(receiver, "receiver", fault, { method: "POST", path }),
    }),
    telling({
      call: "Table: delivery written",
      expected: expecting(later, { ...unlessSlow, "200 cut": inTime }),
      recovery: repeatedMessage,
      isOutbox: true,
      inject: inStorage(
        ({ method, path, body }, { webhookId }) =>
          method === "POST" && path.startsWith("/WebhookDeliveries") && body.includes(webhookId),
      ),
    }),
    telling({
      call: "Queue: send (delivery)",
      expected: expecting(later, { ...unlessSlow, "200 cut": inTime }),
      recovery: bySweep,
      inject: inStorage(
        (call, { webhookId }) =>
          call.method === "POST" && call.path.startsWith("/deliveries/messages") && decoded(call).includes(webhookId),
      ),
    }),
    telling({
      call: "Table: point read (delivery)",
      expected: expecting(later, unlessSlow),
      recovery: repeatedMessage,
      inject: inStorage(withMethod("GET", ofDelivery)),
    }),
    telling({
      call: "Table: point read (webhook)",
      expected: expecting(later, unlessSlow),
      recovery: repeatedMessage,
      inject: inStorage(withMethod("GET", ofWebhook)),
    }),
    telling({
      call: "Table: delivery taken",
      expected: expecting(later, { ...unlessSlow, "200 cut": inTime }),
      recovery: `${repeatedMessage}; 412, or a reply that is lost: ${bySweep}`,
      inject: inStorage(withMethod("PUT", ofDelivery)),
    }),
    telling({
      call: "Table: delivery removed",
      expected: expecting(`${inTime} twice`, { ...unlessSlow, "200 cut": inTime }),
      recovery: `${bySweep} after the last attempt, tells it again, with the same id`,
      isAfterwards: true,
      inject: inStorage(withMethod("DELETE", ofDelivery)),
    }),
    telling({
      call: "Table: webhook noted as failing",
      expected: expecting(later),
      recovery: `by itself, after 10 s, or ${bySweep}`,
      firstReply: { status: 500 },
      inject: inStorage(withMethod("PATCH", ofWebhook)),
    }),
    subscribingRow(side, {
      call: "Table: query (deliveries)",
      expected: expecting("503", { "slow (1.5 s)": "201" }),
      inject: inStorage(
        ({ path }, { webhookId }) => path.startsWith("/WebhookDeliveries()") && path.includes(webhookId),
      ),
    }),
    subscribingRow(side, {
      call: "Table: webhook written",
      expected: expecting("503", { "slow (1.5 s)": "201", "200 cut": "201" }),
      inject: inStorage(
        ({ method, path, body }, { customerId }) =>
          method === "POST" && path.startsWith("/Webhooks") && body.includes(customerId),
      ),
    }),
    unsubscribingRow(side, {
      call: "Table: webhook removed",
      expected: expecting("503", { "slow (1.5 s)": "204", "200 cut": "204" }),
      inject: inStorage(withMethod("DELETE", ofWebhook)),
    }),
    unsubscribingRow(side, {
      call: "Table: transaction (deliveries)",
      expected: expecting("503", { "slow (1.5 s)": "204" }),
      inject: inStorage(({ path, body }, { webhookId }) => path === "/$batch" && body.includes(webhookId), true),
    }),
    replayingRow(side, {
      call: "Table: transaction (deliveries)",
      expected: expecting("503", { "slow (1.5 s)": "200" }),
      inject: inStorage(({ path, body }, { webhookId }) => path === "/$batch" && body.includes(webhookId), true),
    }),
  ];
}

/** Of the list of all webhooks, for which every activity asks. They meet each fault together. */
export function rowsOfTheList(side: Side): { readonly rows: Row[]; inject(fault: FaultName): Injected } {
  const { product } = side;
  const call = "Table: query (webhooks)";
  let current: Injected = { hits: () => 0, lift: () => undefined };
  const shared: Telling["inject"] = () => current;
  return {
    inject(fault) {
      current = listOfWebhooks(product, fault);
      return current;
    },
    rows: [
      {
        ...{ call, operation: "GET webhooks", within: storageSeconds, recovery: "at once" },
        expected: expecting("503", { "slow (1.5 s)": "200" }),
        scene(fault) {
          const subscriber = newSubscriber(side, `${call}, GET`, fault);
          return {
            scene: reading({
              ...{ product, path: "/webhooks" },
              prepare: async () => void (await sure(() => subscribe(subscriber), 201)),
              isRight: ({ body }) => body.value.some(({ id }: { id: string }) => id === subscriber.webhookId),
            }),
            inject: () => current,
          };
        },
      },
      subscribingRow(side, {
        ...{ call, inject: shared, isShared: true },
        expected: expecting("503", { "slow (1.5 s)": "201" }),
      }),
      tellingRow(side, {
        call,
        expected: expecting(later, unlessSlow),
        recovery: repeatedMessage,
        isOutbox: true,
        isShared: true,
        inject: shared,
      }),
    ],
  };
}
