/** Somebody who is told of changes: an https server of the test's own, that notes all that arrives. */

import { createHmac } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { type Answer, type Call, type StandIn, startServer } from "../../local/stand-ins/https-server.ts";
import type { LoggedActivity } from "./ledger.ts";
import type { Product } from "./product.ts";

export interface Receiver extends StandIn {
  /** All that has come, oldest first, also what a fault kept from being answered. */
  readonly arrivals: readonly Call[];
  /** What is answered from now on; 204 unless told otherwise. */
  answer: (call: Call) => Answer | Promise<Answer>;
}

/** Products that are to call it need the setting `WEBHOOK_HOSTS=127.0.0.1`. */
export async function startReceiver({ certificate }: Pick<Product, "certificate">): Promise<Receiver> {
  const arrivals: Call[] = [];
  const server = await startServer({
    certificate,
    failure: (status) => ({ status }),
    answer: (call) => receiver.answer(call),
    // It is asked before any fault.
    control(call) {
      arrivals.push(call);
      return undefined;
    },
  });
  const receiver: Receiver = Object.assign(server, { arrivals, answer: (): Answer => ({ status: 204 }) });
  return receiver;
}

export interface Told {
  /** In words: what was announced and is not so, or not signed; none when the log says the same. */
  readonly untrue: readonly string[];
  /** Ids of what stands in the log and was never announced. */
  readonly untold: readonly string[];
  /** How often something was announced again. */
  readonly repeated: number;
}

/** Holds what has arrived against the log as the API answers it. */
export function compareWithLog(arrivals: readonly Call[], log: readonly LoggedActivity[], secret: string): Told {
  const byId = new Map(log.map((entry) => [entry.id, entry]));
  const ids = new Set(arrivals.map(({ headers }) => String(headers["webhook-id"])));
  return {
    untrue: arrivals.flatMap((call) => faultsOfArrival(call, byId, secret)),
    untold: [...byId.keys()].filter((id) => !ids.has(id)),
    repeated: arrivals.length - ids.size,
  };
}

function faultsOfArrival({ headers, body }: Call, log: ReadonlyMap<string, LoggedActivity>, secret: string): string[] {
  const id = String(headers["webhook-id"]);
  const entry = log.get(id);
  if (entry === undefined) return [`${id} was announced and is not in the log.`];
  const { evidence: _, ...data } = entry as LoggedActivity & { readonly evidence?: unknown };
  const faults: string[] = [];
  if (!isDeepStrictEqual(JSON.parse(body), { type: "permission.changed", timestamp: entry.at, data }))
    faults.push(`${id} was announced as something else: ${body}`);
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const signed = createHmac("sha256", key).update(`${id}.${headers["webhook-timestamp"]}.${body}`).digest("base64");
  if (headers["webhook-signature"] !== `v1,${signed}`) faults.push(`${id} was not signed with the webhook's secret.`);
  return faults;
}
