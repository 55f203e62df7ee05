/**
 * Turning a switch Off, and reading one, against functions on the same host that do the same storage calls and nothing
 * else. What the product does after it has answered (the logging function) is switched off while this runs.
 */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { AppUnderTest } from "./app-under-test.ts";
import { compare, type Figure } from "./figure.ts";
import { openQueue, openTable, templateFrom } from "./floor.ts";
import { interleave, type Patience } from "./interleave.ts";
import { type Answer, type Block, blockOf, type Request, send, sendAll } from "./load.ts";
import type { Rig } from "./rig.ts";
import { openSwitches, replaceRows, type Switches } from "./switches.ts";

export const goals = { toggle: 1.3, read: 1.5, telemetry: 1.15, eligibility: 1.2, coldStart: 1.3 } as const;
export const concurrencies = [1, 8, 32] as const;

/** Requests in a block. Short ones lie closer together, and what disturbs one disturbs the other. */
export const blockOfToggles = (concurrency: number): number => Math.max(24, 3 * concurrency);

export interface Sides {
  /** Only the floor that the goals are about. */
  readonly isQuick: boolean;
  readonly product: AppUnderTest;
  readonly switches: Switches;
  readonly floor: AppUnderTest;
  readonly customerIds: readonly string[];
}

export async function openSides(rig: Rig, customerIds: readonly string[], isQuick: boolean): Promise<Sides> {
  const product = await rig.startProduct("product");
  const { authorization } = rig;
  const connectionString = rig.connectionStringOf("product");
  const switches = await openSwitches({ api: product.url, authorization, connectionString, customerIds });
  const [first] = switches.requests;
  const [firstId] = customerIds;
  if (first === undefined || firstId === undefined) throw new Error("There are no customers.");
  await switches.putBack(1);
  // The change and the entry of an Off, not of the On before it.
  await pause(20);
  await send(first);
  const template = await templateFrom(connectionString, firstId);

  const templateFile = join(rig.folder, "template.json");
  await writeFile(templateFile, JSON.stringify(template));
  const table = openTable(rig.connectionStringOf("floor"));
  await table.createTable();
  await replaceRows(
    table,
    customerIds.map((id) => ({ ...template.customer, partitionKey: id.slice(-1), rowKey: `customer|${id}` })),
  );
  await openQueue(rig.connectionStringOf("floor")).create();
  return { isQuick, product, switches, customerIds, floor: await rig.startFloor("floor", templateFile) };
}

/**
 * So that compiled code meets compiled code: as many requests of each kind to both, since the floor has more sides and
 * would else be warm first.
 */
export async function warmUp(rig: Rig, { product, switches, floor, customerIds }: Sides, goes: number): Promise<void> {
  const limits = isRightAt(8);
  for (let go = 0; go < goes; go++) {
    await switches.putBack(customerIds.length);
    await sendAll(switches.requests, { concurrency: 8, isRight: switches.isRight });
    await sendAll(customerIds.map(floorRequest(rig, floor, "PUT", "toggle")), limits);
    for (let time = 0; time < 2; time++) {
      await sendAll(customerIds.map(readRequest(product.url, rig.authorization)), limits);
      await sendAll(customerIds.map(floorRequest(rig, floor, "GET", "read")), limits);
    }
  }
}

const isOk = ({ status }: Answer): boolean => status === 200;

export async function measureToggles(rig: Rig, sides: Sides, patience: Patience): Promise<Figure[]> {
  const { isQuick, product, switches, floor, customerIds } = sides;
  const queue = openQueue(rig.connectionStringOf("floor"));
  const figures: (Figure | undefined)[] = [];
  for (const concurrency of concurrencies) {
    const count = blockOfToggles(concurrency);
    const ids = customerIds.slice(0, count);
    const onFloor = (path: string) => async () => {
      await queue.clearMessages();
      return sendAll(ids.map(floorRequest(rig, floor, "PUT", path)), {
        ...isRightAt(concurrency),
        pid: floor.pid,
      });
    };
    const blocks = await interleave(patience, {
      product: async () => {
        await switches.putBack(count);
        return sendAll(switches.requests.slice(0, count), { concurrency, pid: product.pid, isRight: switches.isRight });
      },
      floor: onFloor("toggle"),
      ...(isQuick
        ? {}
        : {
            withToken: onFloor("toggle-with-token"),
            alone: async () => {
              await queue.clearMessages();
              return alone(floor, "toggle", concurrency, ids);
            },
          }),
    });
    figures.push(...figuresOf(`toggle Off, c = ${concurrency}`, blocks, goals.toggle));
  }
  return figures.filter((figure) => figure !== undefined);
}

export async function measureReads(rig: Rig, sides: Sides, patience: Patience): Promise<Figure[]> {
  const { isQuick, product, floor, customerIds } = sides;
  const figures: (Figure | undefined)[] = [];
  for (const concurrency of concurrencies) {
    // Reads are twice as fast.
    const ids = [...customerIds, ...customerIds].slice(0, 2 * blockOfToggles(concurrency));
    const onFloor = (path: string) => () =>
      sendAll(ids.map(floorRequest(rig, floor, "GET", path)), { ...isRightAt(concurrency), pid: floor.pid });
    const blocks = await interleave(patience, {
      product: () =>
        sendAll(ids.map(readRequest(product.url, rig.authorization)), { ...isRightAt(concurrency), pid: product.pid }),
      floor: onFloor("read"),
      ...(isQuick
        ? {}
        : { withToken: onFloor("read-with-token"), alone: () => alone(floor, "read", concurrency, ids) }),
    });
    figures.push(...figuresOf(`permission read, c = ${concurrency}`, blocks, goals.read));
  }
  return figures.filter((figure) => figure !== undefined);
}

export const readRequest =
  (api: string, authorization: string) =>
  (customerId: string): Request => ({
    method: "GET",
    url: `${api}/customers/${customerId}/permissions/azureReservations`,
    headers: { authorization },
  });

export const isRightAt = (concurrency: number) => ({ concurrency, isRight: isOk });

const floorRequest =
  ({ authorization }: Rig, { url }: AppUnderTest, method: string, path: string) =>
  (id: string): Request => ({
    method,
    url: `${url}/${path}/${id}`,
    headers: { authorization },
    ...(method === "PUT" ? { body: '{"state":"Off","reason":"Renewal of the yearly agreement"}' } : {}),
  });

/** The calls inside the floor's process, without any HTTP request in front. */
async function alone(
  { url }: AppUnderTest,
  what: "toggle" | "read",
  concurrency: number,
  ids: readonly string[],
): Promise<Block> {
  const body = JSON.stringify(ids);
  const { status, text } = await send({ method: "POST", url: `${url}/alone/${what}/${concurrency}`, body });
  if (status !== 200) throw new Error(`The floor answered ${status}.`);
  const { milliseconds, elapsed } = JSON.parse(text) as { milliseconds: number[]; elapsed: number };
  return blockOf(milliseconds, elapsed);
}

function figuresOf(
  name: string,
  {
    product,
    floor,
    withToken = [],
    alone = [],
  }: { readonly product: Block[]; readonly floor: Block[]; readonly withToken?: Block[]; readonly alone?: Block[] },
  goal: number,
): (Figure | undefined)[] {
  const against = (blocks: Block[]) => ({ measured: product, floor: blocks });
  return [
    compare(`${name}: p50`, against(floor), "p50", goal),
    compare(`${name}: throughput`, against(floor), "perSecond", goal),
    compare(`${name}: CPU of the process`, against(floor), "cpu"),
    compare(`${name}: CPU of the process, floor checks the token too`, against(withToken), "cpu"),
    compare(`${name}: p50, floor checks the token too`, against(withToken), "p50"),
    compare(`${name}: throughput, floor checks the token too`, against(withToken), "perSecond"),
    compare(`${name}: p50, SDK calls without HTTP in front`, against(alone), "p50"),
  ];
}
