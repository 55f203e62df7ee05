/** The client and the examples for partner systems, run against the product as their readers would run them. */

import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, request as forward } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { PermissionsClient, PermissionsError } from "../docs/examples/permissions-client.ts";
import { clientSourceOf, type Document } from "../local/client-source.ts";
import { makeEligibleCustomers, oneByOne } from "./harness/customers.ts";
import { type Product, startProduct } from "./harness/product.ts";

const run = promisify(execFile);
const product = "azureReservations";
const customers = makeEligibleCustomers(12);
const nextCustomer = oneByOne(customers);

let service: Product;
let token: string;
let client: PermissionsClient;
let customerId: string;

beforeAll(async () => {
  service = await startProduct({ customers, partnerCenterMode: "live" });
  token = await service.token();
  client = new PermissionsClient({ baseUrl: `${service.url}/api`, token: async () => token });
});
beforeEach(() => {
  customerId = nextCustomer();
});
afterAll(() => service.stop());

/** Partner Center does nothing with what is written in the first go, so that the change is answered 202. */
const nothingHappens = () =>
  service.partnerCenter.faults.add({ match: { method: "POST" }, times: 3, fault: { kind: "noEffect" } });

/** Stands before the service, and loses the first answer to a request of this method. */
async function startLosing(method: string) {
  let lost = 0;
  const server = createServer((request, response) => {
    const forwarded = forward(`${service.url}${request.url}`, { method: request.method, headers: request.headers });
    forwarded.once("response", (answer) => {
      if (request.method === method && lost++ === 0) return void response.destroy();
      response.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(response);
    });
    request.pipe(forwarded);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api`;
  return { baseUrl, lost: () => Math.min(lost, 1), close: () => server.close() };
}

const environment = () => ({ PATH: process.env.PATH, API: `${service.url}/api`, TOKEN: token });

test("docs/examples/permissions-client.ts is what npm run client makes of the API", async () => {
  const { body } = await service.call("GET", "/openapi.json", { token: null });
  expect(await clientSourceOf(body as Document)).toBe(readFileSync("docs/examples/permissions-client.ts", "utf8"));
});

test("the client turns a permission On under If-Match, and follows a 202 to its end", async () => {
  const { etag, body } = await client.getPermission({ customerId, product });
  expect(body).toMatchObject({ state: "Off" });
  nothingHappens();
  const accepted = await client.setPermission({ customerId, product }, { state: "On" }, { "If-Match": etag ?? "" });
  expect(accepted).toMatchObject({ status: 202, location: expect.stringMatching(/\/operations\/[^/]+\/result/) });

  expect(await client.finished(accepted)).toMatchObject({ status: 200, body: { state: "On", changed: true } });
  expect((await client.getPermission({ customerId, product })).body).toMatchObject({ state: "On" });
  // The permission is not as it was seen any more.
  const late = client.setPermission({ customerId, product }, { state: "Off" }, { "If-Match": etag ?? "" });
  await expect(late).rejects.toMatchObject({ status: 412, code: "ConditionNotMet", requestId: expect.any(String) });
}, 60_000);

test("the client goes through a list page after page, and nowhere else with its token", async () => {
  for (const each of [customerId, nextCustomer(), nextCustomer()]) {
    await client.setPermission({ customerId: each, product }, { state: "On" });
  }
  const found: string[] = [];
  for await (const each of client.all(await client.listCustomers({ state: "On", maxpagesize: 1 }))) {
    found.push(each.customerId);
  }
  expect(found).toContain(customerId);
  expect(new Set(found).size).toBe(found.length);
  const elsewhere = { status: 200, body: { value: [], nextLink: "https://evil.example/api/customers" } };
  await expect(client.all(elsewhere).next()).rejects.toThrow("https://evil.example is not the service.");
});

test("a request whose answer is lost is sent again under the same id, and done once", async () => {
  const { baseUrl, lost, close } = await startLosing("PUT");
  const careful = new PermissionsClient({ baseUrl, token: async () => token });

  const answer = await careful.setPermission({ customerId, product }, { state: "On" });
  close();

  expect(lost()).toBe(1);
  expect(answer).toMatchObject({ status: 200, body: { state: "On", changed: true } });
  const { body } = await client.listActivities({ customerId });
  expect(body.value).toHaveLength(1);
});

test("an error is one with code, status and details", async () => {
  const unknown = client.getPermission({ customerId: "no-guid", product });
  await expect(unknown).rejects.toBeInstanceOf(PermissionsError);
  await expect(unknown).rejects.toMatchObject({ status: 400, code: "InvalidRequest" });
});

test("docs/examples/turn-on.ts does what it says", async () => {
  const { stdout } = await run(process.execPath, ["docs/examples/turn-on.ts", customerId], { env: environment() });
  expect(stdout).toMatch(
    /^azureSubscription: Passed[\s\S]*On since 20[\s\S]*Create Customer Purchase Permissions Succeeded$/m,
  );
});

test("docs/examples/turn-on.sh does what it says, also when Partner Center takes its time", async () => {
  nothingHappens();
  const { stdout } = await run("bash", ["docs/examples/turn-on.sh", customerId], { env: environment() });
  expect(stdout).toMatch(/^200 \{.*"state":"On".*"changed":true\}$/m);
}, 60_000);

/** PowerShell is not on every machine; what the script sends is compared with what the API takes in any case. */
test("docs/examples/turn-on.ps1 asks for what the API has, and does what it says where there is PowerShell", async () => {
  const script = readFileSync("docs/examples/turn-on.ps1", "utf8");
  const { body: api } = await service.call("GET", "/openapi.json", { token: null });
  const [, address = ""] = /^\$permission = "\$api(.*)"$/m.exec(script) ?? [];
  const operations = api.paths[address.replace("$Customer", "{customerId}").replace(product, "{product}")];
  expect([...script.matchAll(/-Method (\w+)/g)].map(([, method = ""]) => method.toLowerCase())).toEqual([
    "get",
    "put",
    "get",
  ]);
  const headers = operations.put.parameters.map(({ name }: { name?: string }) => name);
  for (const [, name] of script.matchAll(/^ {4}'([\w-]+)' +=/gm)) expect(headers).toContain(name);
  const [, sent = ""] = /-Body '(.*)'/.exec(script) ?? [];
  const wish = api.components.schemas.PermissionWish.properties;
  expect(Object.keys(wish)).toEqual(expect.arrayContaining(Object.keys(JSON.parse(sent))));

  const there = await run("pwsh", ["-v"]).then(
    () => true,
    () => false,
  );
  process.stdout.write(there ? "pwsh: run.\n" : "pwsh: not on this machine; compared with the API's document only.\n");
  if (!there) return;
  const { stdout } = await run("pwsh", ["docs/examples/turn-on.ps1", customerId], { env: environment() });
  expect(stdout).toContain('"state":"On"');
}, 60_000);
