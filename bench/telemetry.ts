/** The same requests to the product with Application Insights and without it; the ingestion endpoint is on loopback. */

import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { compare, type Figure } from "./figure.ts";
import { interleave, type Patience } from "./interleave.ts";
import { sendAll } from "./load.ts";
import type { Rig } from "./rig.ts";
import { blockOfToggles, goals, isRightAt, readRequest, type Sides } from "./storage-bound.ts";
import { openSwitches } from "./switches.ts";

export async function measureTelemetry(rig: Rig, sides: Sides, patience: Patience): Promise<Figure[]> {
  const { authorization } = rig;
  const { product, switches, customerIds } = sides;
  const ingestion = await startIngestion(rig);
  try {
    const observed = await rig.startProduct("observed", {
      APPLICATIONINSIGHTS_CONNECTION_STRING: `InstrumentationKey=11111111-1111-4111-8111-111111111111;IngestionEndpoint=${ingestion.url}/`,
      FUNCTIONS_WORKER_RUNTIME: "node",
    });
    const connectionString = rig.connectionStringOf("observed");
    /** As often as the other side by now: its first requests were those of the benchmarks before. */
    const warmUp = async (api: string, own: typeof switches) => {
      for (let go = 0; go < (sides.isQuick ? 3 : 15); go++) {
        await own.putBack(customerIds.length);
        await sendAll(own.requests, { concurrency: 8, isRight: own.isRight });
        const reads = [...customerIds, ...customerIds].map(readRequest(api, authorization));
        await sendAll(reads, isRightAt(8));
      }
    };
    const observedSwitches = await openSwitches({ api: observed.url, authorization, connectionString, customerIds });
    for (let second = 0; ingestion.items() === 0; second++) {
      if (second === 20) throw new Error("Application Insights sent nothing within 20 seconds.");
      await pause(1000);
    }
    await warmUp(observed.url, observedSwitches);
    const figures: (Figure | undefined)[] = [];
    for (const concurrency of sides.isQuick ? [8] : [1, 8]) {
      const count = blockOfToggles(concurrency);
      const reads = (app: typeof product) => () =>
        sendAll([...customerIds, ...customerIds].slice(0, 2 * count).map(readRequest(app.url, authorization)), {
          ...isRightAt(concurrency),
          pid: app.pid,
        });
      const toggles = (app: typeof product, own: typeof switches) => async () => {
        await own.putBack(count);
        return sendAll(own.requests.slice(0, count), { concurrency, isRight: own.isRight, pid: app.pid });
      };
      const cases = {
        "permission read": { on: reads(observed), off: reads(product) },
        "toggle Off": { on: toggles(observed, observedSwitches), off: toggles(product, switches) },
      };
      for (const [name, both] of Object.entries(cases)) {
        const { on, off } = await interleave(patience, both);
        const pair = { measured: on, floor: off };
        const title = `telemetry on, ${name}, c = ${concurrency}`;
        figures.push(compare(`${title}: p50`, pair, "p50", goals.telemetry));
        figures.push(compare(`${title}: throughput`, pair, "perSecond", goals.telemetry));
        figures.push(compare(`${title}: CPU of the process`, pair, "cpu"));
      }
    }
    await observed.stop();
    return figures.filter((figure) => figure !== undefined);
  } finally {
    ingestion.close();
  }
}

async function startIngestion({ certificate }: Rig) {
  let items = 0;
  const server = createServer({ cert: certificate.cert, key: certificate.key }, async (request, response) => {
    let received = 0;
    // Counted, not parsed: this process also makes the load.
    for await (const part of request) received += String(part).split('"baseType"').length - 1;
    items += received;
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ itemsReceived: received, itemsAccepted: received, errors: [] }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    items: () => items,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
