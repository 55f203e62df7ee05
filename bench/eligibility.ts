/**
 * The eligibility check over 1, 5 and 20 subscriptions: how often it calls Azure Resource Manager, exactly, and how long
 * it takes beside the same number of bare round trips one after another. The stand-in answers after a fixed delay.
 */

import { request } from "node:https";
import { type Customer, scopes } from "../local/stand-ins/customer.ts";
import { customerAppClientId, customerAppSecret } from "../local/stand-ins/demo-customers.ts";
import { assign, makeTenant } from "../test/harness/tenants.ts";
import { compare, type Figure } from "./figure.ts";
import { interleave, type Patience } from "./interleave.ts";
import { send, sendAll } from "./load.ts";
import type { Rig } from "./rig.ts";
import { goals, type Sides } from "./storage-bound.ts";

const delayMilliseconds = 30;

interface Case {
  readonly name: string;
  readonly customer: Customer;
  /** The fewest with which the question can be answered, four subscriptions at a time. */
  readonly calls: number;
  /** Of these, one after another. */
  readonly roundTrips: number;
  readonly result: "Eligible" | "NotEligible";
}

export function makeCases(): Case[] {
  return [1, 5, 20].flatMap((count) => {
    // The list, the first subscription, the others in fours.
    const all = { calls: 1 + count, roundTrips: 2 + Math.ceil((count - 1) / 4) };
    const first: Case = {
      name: `${count} subscriptions, Owner of the first`,
      customer: tenantOf(`First of ${count}`, count, 0),
      ...{ calls: 2, roundTrips: 2, result: "Eligible" },
    };
    const last: Case = {
      name: `${count} subscriptions, Owner of the last`,
      customer: tenantOf(`Last of ${count}`, count, count - 1),
      ...{ ...all, result: "Eligible" },
    };
    const nobody: Case = {
      name: `${count} subscriptions, no Owner`,
      customer: tenantOf(`None of ${count}`, count),
      // And one more, for who could activate the role.
      ...{ calls: all.calls + 1, roundTrips: all.roundTrips + 1, result: "NotEligible" },
    };
    return count === 1 ? [first, nobody] : [first, last, nobody];
  });
}

function tenantOf(name: string, count: number, owned?: number): Customer {
  const customer = makeTenant(
    name,
    Array.from({ length: count }, () => ({})),
  );
  const subscription = owned === undefined ? undefined : customer.subscriptions[owned];
  if (subscription !== undefined) assign(customer, { scope: scopes.subscription(subscription) });
  return customer;
}

export async function measureEligibility(
  rig: Rig,
  { isQuick, product, floor }: Sides,
  cases: readonly Case[],
  patience: Patience,
): Promise<Figure[]> {
  const slow = rig.arm.faults.add({ fault: { kind: "slow", ms: delayMilliseconds } });
  const figures: (Figure | undefined)[] = [];
  for (const { name, customer, calls, roundTrips, result } of cases) {
    const check = {
      method: "GET",
      url: `${product.url}/customers/${customer.tenantId}/eligibility`,
      headers: { authorization: rig.authorization },
    };
    // The token is fetched once an hour, and does not belong to the check.
    await send(check);
    rig.arm.requests.clear();
    await send(check);
    const counted = rig.arm.requests.count();
    figures.push({
      ...{ name: `eligibility, ${name}: calls`, unit: "calls", measured: counted, floor: calls, rounds: 1 },
      ...{ ratio: counted / calls, low: counted / calls, high: counted / calls, goal: 1 },
    });
    // The longest and the shortest will do.
    if (isQuick && customer.subscriptions.length !== 20) continue;
    const bare = {
      method: "POST",
      url: `${floor.url}/round-trips/${roundTrips}?url=${encodeURIComponent(`${rig.arm.url}/subscriptions?api-version=2016-06-01`)}`,
      headers: { "x-arm-authorization": `Bearer ${await tokenFor(rig, customer)}` },
      body: "{}",
    };
    const blocks = await interleave(patience, {
      product: () =>
        sendAll([check, check], {
          concurrency: 1,
          isRight: ({ status, text }) => status === 200 && text.includes(`"result":"${result}"`),
        }),
      floor: () => sendAll([bare, bare], { concurrency: 1, isRight: ({ status }) => status === 200 }),
    });
    figures.push(
      compare(
        `eligibility, ${name}: ${roundTrips} round trips`,
        { measured: blocks.product, floor: blocks.floor },
        "p50",
        goals.eligibility,
      ),
    );
  }
  rig.arm.faults.remove(slow);
  return figures.filter((figure) => figure !== undefined);
}

async function tokenFor({ entra, arm, certificate }: Rig, { tenantId }: Customer): Promise<string> {
  const body = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: customerAppClientId,
    client_secret: customerAppSecret,
    scope: `${arm.url}/.default`,
  }).toString();
  const text = await new Promise<string>((resolve, reject) => {
    request(
      `${entra.url}/${tenantId}/oauth2/v2.0/token`,
      {
        method: "POST",
        ca: certificate.ca,
        headers: { "content-type": "application/x-www-form-urlencoded", "content-length": Buffer.byteLength(body) },
      },
      (answer) => answer.toArray().then((parts) => resolve(parts.map(String).join("")), reject),
    )
      .once("error", reject)
      .end(body);
  });
  const { access_token } = JSON.parse(text) as { access_token?: string };
  if (access_token === undefined) throw new Error(`Entra's stand-in gave no token: ${text}`);
  return access_token;
}
