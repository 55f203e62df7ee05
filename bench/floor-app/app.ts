/**
 * The floor that the product is measured against: functions on the same host that do the same calls with the same SDKs
 * and nothing else. No rules, no checks, no time limits, no telemetry. Rows and message are copies of those
 * that the product wrote, so they are as large as the product's.
 */

import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { TableClient } from "@azure/data-tables";
import { app, type HttpRequest, type HttpResponseInit } from "@azure/functions";
import { QueueClient } from "@azure/storage-queue";
import { createRemoteJWKSet, jwtVerify } from "jose";
import type { FloorTemplate } from "../floor.ts";

const { customer, change, pending, message }: FloorTemplate = JSON.parse(
  readFileSync(process.env.FLOOR_TEMPLATE ?? "", "utf8"),
);
const storage = process.env.AzureWebJobsStorage ?? "";
// The SDKs' own retries cost nothing until they are needed, as when Azurite closes a connection that was just chosen.
const table = TableClient.fromConnectionString(storage, "CustomerPermissions", { allowInsecureConnection: true });
const queue = new QueueClient(storage, "activities");
const keys = createRemoteJWKSet(new URL(process.env.FLOOR_KEYS ?? ""));

const rowKeyOf = (id: string) => `customer|${id}`;
/** Also one of 16. */
const bucketOf = (id: string) => id.slice(-1);

async function read(id: string): Promise<object> {
  return table.getEntity(bucketOf(id), rowKeyOf(id));
}

async function toggle(id: string): Promise<object> {
  const partitionKey = bucketOf(id);
  const { etag } = await table.getEntity(partitionKey, rowKeyOf(id));
  await table.submitTransaction([
    ["update", { ...customer, partitionKey, rowKey: rowKeyOf(id) }, "Replace", { etag }],
    ["create", { ...change, partitionKey, rowKey: `change|${id}|${randomUUID()}` }],
    ["create", { ...pending, partitionKey, rowKey: `pending|${Date.now()}|${id}|${randomUUID()}` }],
    // The product removes one; this needs not to be put back.
    ["upsert", { partitionKey, rowKey: `on|${id}` }, "Replace"],
  ]);
  await queue.sendMessage(message);
  return { customerId: id, state: "Off", changed: true };
}

type Work = (id: string) => Promise<object>;

const bare =
  (work: Work) =>
  async ({ params }: HttpRequest): Promise<HttpResponseInit> => ({ jsonBody: await work(params.id ?? "") });

const withToken = (work: Work) => async (http: HttpRequest) => {
  await jwtVerify(http.headers.get("authorization")?.slice("Bearer ".length) ?? "", keys, { algorithms: ["RS256"] });
  return bare(work)(http);
};

for (const [name, work] of Object.entries({ read, toggle })) {
  app.http(name, { methods: ["GET", "PUT"], route: `${name}/{id}`, authLevel: "anonymous", handler: bare(work) });
  app.http(`${name}WithToken`, {
    methods: ["GET", "PUT"],
    route: `${name}-with-token/{id}`,
    authLevel: "anonymous",
    handler: withToken(work),
  });
}

/** Without HTTP in front: so many at once until all ids are through; answers the milliseconds of each. */
app.http("alone", {
  methods: ["POST"],
  route: "alone/{what}/{concurrency}",
  authLevel: "anonymous",
  async handler(http) {
    const ids = [...((await http.json()) as string[])];
    const work = http.params.what === "read" ? read : toggle;
    const milliseconds: number[] = [];
    const begun = performance.now();
    await Promise.all(
      Array.from({ length: Number(http.params.concurrency) }, async () => {
        for (let id = ids.shift(); id !== undefined; id = ids.shift()) {
          const at = performance.now();
          await work(id);
          milliseconds.push(performance.now() - at);
        }
      }),
    );
    return { jsonBody: { milliseconds, elapsed: performance.now() - begun } };
  },
});

const agent = new Agent({ keepAlive: true });

/** So many round trips, one after another. */
app.http("roundTrips", {
  methods: ["POST"],
  route: "round-trips/{count}",
  authLevel: "anonymous",
  async handler({ params, headers, query }) {
    const authorization = headers.get("x-arm-authorization") ?? "";
    for (let trip = 0; trip < Number(params.count); trip++) await get(query.get("url") ?? "", authorization);
    return { jsonBody: {} };
  },
});

function get(url: string, authorization: string): Promise<void> {
  return new Promise((resolve, reject) => {
    request(url, { agent, headers: { authorization } }, (answer) => {
      answer.resume().once("end", () => {
        if (answer.statusCode === 200) resolve();
        else reject(new Error(`The round trip was answered ${answer.statusCode}.`));
      });
    })
      .once("error", reject)
      .end();
  });
}
