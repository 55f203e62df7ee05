/** Both workflows are run, step by step as they are written, against the running app. */

import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { apiAudience } from "../../local/stand-ins/demo-customers.ts";
import { makeEligibleCustomers, oneByOne } from "../harness/customers.ts";
import { sweepDrift } from "../harness/drift-note.ts";
import { eventually, faultsOfLog, readLog } from "../harness/ledger.ts";
import { type Product, startProduct } from "../harness/product.ts";
import { admit, makeEligibleTenant } from "../harness/tenants.ts";
import type { Definition } from "./definition.ts";
import type { Sent } from "./http-step.ts";
import { type Run, runWebhookHalf, runWorkflow, type Surroundings } from "./run-workflow.ts";

const approve: Definition = JSON.parse(readFileSync("logicapps/approve-before-on.json", "utf8"));
/** As it is, but with pages so small that there are some of them. */
const nightly: Definition = JSON.parse(
  readFileSync("logicapps/nightly-drift-report.json", "utf8").replaceAll("maxpagesize=200", "maxpagesize=20"),
);
const approver = "boss@partner.example";

interface Wish {
  readonly connector?: Surroundings["connector"];
  readonly send?: typeof fetch;
  readonly roles?: readonly string[];
  readonly now?: () => Date;
  readonly onPause?: (milliseconds: number) => void;
}

const approved: Surroundings["connector"] = async () => ({ status: "Succeeded", body: { SelectedOption: "Approve" } });

function surroundingsOf(product: Product, wish: Wish): Surroundings {
  const { connector, send = fetch, roles = ["AdminAgent"], onPause } = wish;
  return {
    parameters: {
      apiUrl: `${product.url}/api`,
      apiAudience,
      approver,
      recipient: approver,
      $connections: { office365: { connectionId: "/connections/office365" } },
    },
    ...(connector === undefined ? {} : { connector }),
    ...(wish.now === undefined ? {} : { now: wish.now }),
    wires: {
      requests: [],
      send,
      token: (audience) => product.entra.issueApplicationToken({ aud: audience, roles }),
      pause: async (milliseconds) => {
        onPause?.(milliseconds);
        await pause(Math.min(milliseconds / 25, 400));
      },
    },
  };
}

const ask = (product: Product, customerId: string, wish: Wish = {}, reason = "Ticket 4711"): Promise<Run> =>
  runWorkflow(approve, surroundingsOf(product, { connector: approved, ...wish }), {
    ...{ customerId, product: "azureReservations", reason },
  });

const stateOf = async (product: Product, customerId: string) =>
  (await product.call("GET", `/customers/${customerId}/permissions/azureReservations`)).body.state;

const puts = ({ requests }: Run): Sent[] => requests.filter(({ method }) => method === "PUT");
const answerOf = ({ response }: Run) => [response?.statusCode, response?.body.outcome];

async function entriesOf(product: Product, customerId: string) {
  const log = await readLog(product, customerId);
  expect(faultsOfLog(log)).toEqual([]);
  return log as ((typeof log)[number] & { reason?: string; acknowledgedCharges?: boolean; by: { kind: string } })[];
}

describe("approve-before-on", () => {
  const customers = makeEligibleCustomers(20);
  const next = oneByOne(customers);
  let product: Product;
  beforeAll(async () => {
    product = await startProduct({ customers });
  });
  afterAll(() => product.stop());

  test("turns the permission On once it is approved, with the tag that was read and an id of the run", async () => {
    const customerId = next();
    let mail: any;
    const run = await ask(product, customerId, {
      connector: async (_, inputs) => {
        mail = inputs;
        expect(await stateOf(product, customerId)).toBe("Off");
        return { status: "Succeeded", body: { SelectedOption: "Approve" } };
      },
    });
    expect(answerOf(run)).toEqual([200, "TurnedOn"]);
    expect(run.response?.body.permission).toMatchObject({ state: "On", changed: true });
    expect(run.requests.map(({ method, status }) => `${method} ${status}`)).toEqual(["GET 200", "GET 200", "PUT 200"]);
    const [put] = puts(run);
    expect(put?.headers).toMatchObject({ "If-Match": expect.stringMatching(/^"[^"]+"$/) });
    expect(run.response?.body.permission.changeId).toBe(put?.headers["Repeatability-Request-ID"]);
    expect(mail.body.Message).toMatchObject({
      To: approver,
      Options: "Approve, Reject",
      Subject: expect.stringContaining(customerId),
    });
    const [entry] = await entriesOf(product, customerId);
    expect(entry).toMatchObject({
      reason: `Ticket 4711 (approved by mail to ${approver})`,
      acknowledgedCharges: true,
      by: { kind: "Application" },
    });
  });

  test.each<[string, Awaited<ReturnType<NonNullable<Surroundings["connector"]>>>, unknown[]]>([
    ["is rejected", { status: "Succeeded", body: { SelectedOption: "Reject" } }, [403, "Rejected"]],
    ["is decided by nobody", { status: "TimedOut" }, [409, "NoDecision"]],
    ["could not be asked about", { status: "Failed" }, [502, "NotAsked"]],
  ])("a request that %s changes nothing", async (_, answer, outcome) => {
    const customerId = next();
    const run = await ask(product, customerId, { connector: async () => answer });
    expect(answerOf(run)).toEqual(outcome);
    expect(puts(run)).toEqual([]);
    expect(await entriesOf(product, customerId)).toEqual([]);
  });

  test("nobody is asked about what is On already", async () => {
    const customerId = next();
    await ask(product, customerId);
    const run = await ask(product, customerId, { connector: nobodyIsAsked });
    expect(answerOf(run)).toEqual([200, "AlreadyOn"]);
    expect(await entriesOf(product, customerId)).toHaveLength(1);
  });

  test("whoever is touched meanwhile is not turned On by an old approval", async () => {
    const customerId = next();
    const path = `/customers/${customerId}/permissions/azureReservations`;
    const run = await ask(product, customerId, {
      connector: async () => {
        for (const state of ["On", "Off"]) await product.call("PUT", path, { body: { state } });
        return { status: "Succeeded", body: { SelectedOption: "Approve" } };
      },
    });
    expect(answerOf(run)).toEqual([412, "ChangedMeanwhile"]);
    expect(await stateOf(product, customerId)).toBe("Off");
  });

  test("a customer who is eligible no more when it is approved is refused with our code", async () => {
    const tenant = admit(product, makeEligibleTenant("Loses its Owner"));
    const run = await ask(product, tenant.tenantId, {
      connector: async () => {
        for (const one of tenant.roleAssignments) one.principalType = "ServicePrincipal";
        return { status: "Succeeded", body: { SelectedOption: "Approve" } };
      },
    });
    expect(answerOf(run)).toEqual([409, "OwnerRoleMissing"]);
  });

  test("an answer that is lost on its way is asked for again, and nothing happens twice", async () => {
    const customerId = next();
    let lost = 0;
    const run = await ask(product, customerId, {
      send: async (url, request) => {
        const answer = await fetch(url, request);
        if (request?.method === "PUT" && lost++ < 2) throw new Error("The connection is gone.");
        return answer;
      },
    });
    expect(answerOf(run)).toEqual([200, "TurnedOn"]);
    expect(run.response?.body.permission.changed).toBe(true);
    const sent = puts(run);
    expect(sent.map(({ status }) => status)).toEqual([undefined, undefined, 200]);
    expect(new Set(sent.map(({ headers }) => JSON.stringify(headers))).size).toBe(1);
    expect(await entriesOf(product, customerId)).toHaveLength(1);
  });

  test("what is busy is asked again, as long as it says", async () => {
    const customerId = next();
    const pauses: number[] = [];
    const busy = [429, 503, 408];
    const run = await ask(product, customerId, {
      onPause: (milliseconds) => pauses.push(milliseconds),
      send: async (url, request) => {
        const status = request?.method === "PUT" ? busy.shift() : undefined;
        return status === undefined
          ? fetch(url, request)
          : new Response("", { status, ...(status === 429 ? { headers: { "retry-after": "3" } } : {}) });
      },
    });
    expect(answerOf(run)).toEqual([200, "TurnedOn"]);
    expect(pauses).toEqual([3_000, 20_000, 40_000]);
  });

  test("an identity without the role is told so, and asks nobody", async () => {
    const run = await ask(product, next(), { roles: [], connector: nobodyIsAsked });
    expect(answerOf(run)).toEqual([502, "Unavailable"]);
    expect(run.response?.body.error.code).toBe("AgentRoleRequired");
  });

  test("a body that is not as described starts nothing", async () => {
    const run = await ask(product, "contoso");
    expect(run.response?.statusCode).toBe(400);
    expect(run.requests).toEqual([]);
    for (const reason of ["x".repeat(301), '<a href="https://example.com">Approve</a>']) {
      expect((await ask(product, next(), {}, reason)).response?.statusCode).toBe(400);
    }
  });
});

const nobodyIsAsked: Surroundings["connector"] = () => Promise.reject(new Error("Somebody was asked."));

describe("approve-before-on, for those who may not", () => {
  let product: Product;
  beforeAll(async () => {
    product = await startProduct();
  });
  afterAll(() => product.stop());

  test.each([
    ["Adatum", "NotEligible"],
    ["Proseware", "Inconclusive"],
  ])("nobody is asked about %s", async (name, outcome) => {
    const run = await ask(product, product.customer(name).tenantId, { connector: nobodyIsAsked });
    expect(answerOf(run)).toEqual([409, outcome]);
    expect(run.response?.body.checks).toContainEqual(expect.objectContaining({ remedy: expect.any(String) }));
  });
});

describe("approve-before-on, where Partner Center has to follow", () => {
  const customers = makeEligibleCustomers(5);
  const next = oneByOne(customers);
  let product: Product;
  beforeAll(async () => {
    product = await startProduct({ customers, partnerCenterMode: "live" });
  });
  afterEach(() => {
    product.partnerCenter.behaviour.writesDoNothing = false;
  });
  afterAll(() => product.stop());

  test("follows Location until Partner Center has confirmed", async () => {
    const customerId = next();
    product.partnerCenter.behaviour.writesDoNothing = true;
    let polls = 0;
    const run = await ask(product, customerId, {
      onPause: (milliseconds) => {
        expect(milliseconds).toBe(5_000);
        if (++polls === 2) product.partnerCenter.behaviour.writesDoNothing = false;
      },
    });
    expect(answerOf(run)).toEqual([200, "TurnedOn"]);
    expect(run.response?.body.permission).toMatchObject({ state: "On", changed: true });
    const [first, ...polled] = run.requests.filter(({ step }) => step === "Turn_on");
    expect(first).toMatchObject({ method: "PUT", status: 202 });
    const id = first?.headers["Repeatability-Request-ID"];
    for (const { method, url } of polled) {
      expect({ method, url }).toEqual({
        method: "GET",
        url: `${product.url}/api/customers/${customerId}/operations/${id}/result`,
      });
    }
    expect(polled.length).toBeGreaterThanOrEqual(2);
    expect(polled.at(-1)?.status).toBe(200);
    expect(await entriesOf(product, customerId)).toHaveLength(1);
    expect(product.partnerCenter.policies.resources(customerId)).toEqual(["AzureReservedInstances"]);
  });

  test("a change that is overtaken while it waits ends with its reason", async () => {
    const customerId = next();
    product.partnerCenter.behaviour.writesDoNothing = true;
    let polls = 0;
    const path = `/customers/${customerId}/permissions/azureReservations`;
    const offs: Promise<unknown>[] = [];
    const run = await ask(product, customerId, {
      onPause: () => {
        if (++polls === 2) offs.push(product.call("PUT", path, { body: { state: "Off" } }));
      },
    });
    await Promise.all(offs);
    expect(answerOf(run)).toEqual([409, "PartnerCenterRefused"]);
  });

  test("another change in the way is named", async () => {
    const customerId = next();
    product.partnerCenter.behaviour.writesDoNothing = true;
    const run = await ask(product, customerId, {
      connector: async () => {
        const other = `/customers/${customerId}/permissions/azureSavingsPlans`;
        expect((await product.call("PUT", other, { body: { state: "On" } })).status).toBe(202);
        return { status: "Succeeded", body: { SelectedOption: "Approve" } };
      },
    });
    expect(answerOf(run)).toEqual([409, "ChangeInProgress"]);
  });

  test("what is never confirmed is answered after two days of waiting", async () => {
    product.partnerCenter.behaviour.writesDoNothing = true;
    const days = 2 * 24 * 60 * 60;
    let asked = 0;
    const run = await ask(product, next(), {
      // As if each answer asked for twelve hours.
      send: async (url, request) => {
        const { status, headers, ...rest } = await fetch(url, request).then(async (answer) => ({
          status: answer.status,
          headers: new Headers(answer.headers),
          text: await answer.text(),
        }));
        if (status === 202) headers.set("retry-after", String(days / 4));
        if (status === 202) asked++;
        return new Response(rest.text, { status, headers });
      },
    });
    expect(answerOf(run)).toEqual([504, "NotConfirmed"]);
    expect(asked).toBe(5);
  });
});

describe("nightly-drift-report", () => {
  const customers = makeEligibleCustomers(45);
  const tomorrow = () => new Date(Date.now() + 24 * 60 * 60 * 1000);
  let product: Product;
  beforeAll(async () => {
    product = await startProduct({
      customers,
      partnerCenterMode: "live",
      rounds: true,
      settings: { DRIFT_CALLS_PER_RUN: "10000" },
    });
  }, 60_000);
  afterAll(() => product.stop());

  async function report(wish: Wish = {}): Promise<{ run: Run; mails: any[] }> {
    const mails: any[] = [];
    const connector: Surroundings["connector"] = async (_, { body }) => {
      mails.push(body);
      return { status: "Succeeded" };
    };
    const run = await runWorkflow(
      nightly,
      surroundingsOf(product, { roles: ["HelpdeskAgent"], now: tomorrow, connector, ...wish }),
    );
    return { run, mails };
  }

  test("sends nothing when there is nothing to tell", async () => {
    const { run, mails } = await report();
    expect(mails).toEqual([]);
    expect(run.requests.map(({ status }) => status)).toEqual([200, 200]);
  });

  test("tells of every customer with findings and everything that was found, page by page, in one mail", async () => {
    await product.trigger("SynchroniseCustomers");
    await eventually(async () => {
      const { body } = await product.call("GET", "/customers?maxpagesize=200");
      expect(body.value).toHaveLength(customers.length);
    }, 20_000);
    for (const { customer } of customers)
      product.partnerCenter.policies.set(customer.tenantId, ["AzureReservedInstances"]);
    await sweepDrift(product);
    const { run, mails } = await report();
    expect(run.requests.filter(({ step }) => step === "Get_customers")).toHaveLength(3);
    expect(run.requests.filter(({ step }) => step === "Get_activities")).toHaveLength(3);
    expect(mails).toHaveLength(1);
    const [{ To, Subject, Body }] = mails;
    expect(To).toBe(approver);
    expect(Subject).toBe("Purchase permissions: 45 customers to decide about, 45 findings yesterday");
    expect(Body).toContain("All customers and all activities were read.");
    for (const { customer } of customers) expect(Body).toContain(customer.tenantId);
    expect(Body.match(/<td>TurnedOnOutside<\/td>/g)).toHaveLength(45);
  }, 60_000);

  test("does not tell tomorrow's findings today, nor today's twice", async () => {
    const inThreeDays = () => new Date(Date.now() + 3 * 24 * 60 * 60 * 1000);
    for (const now of [() => new Date(), inThreeDays]) {
      const { mails } = await report({ now });
      expect(mails[0]?.Subject).toContain("45 customers to decide about, 0 findings");
    }
  });

  test("says that it is incomplete when the list breaks off, and sends the rest", async () => {
    const { run, mails } = await report({
      send: (url, request) =>
        String(url).includes("/customers?") && String(url).includes("skipToken")
          ? Promise.reject(new Error("gone"))
          : fetch(url, request),
    });
    expect(run.requests.filter(({ step }) => step === "Get_customers").map(({ status }) => status)).toEqual([
      200,
      ...Array(5).fill(undefined),
    ]);
    expect(mails).toHaveLength(1);
    expect(mails[0].Subject).toContain("20 customers to decide about, 45 findings");
    expect(mails[0].Body).toContain("INCOMPLETE");
  });

  test("says so, too, when it may read nothing", async () => {
    const { mails } = await report({ roles: [] });
    expect(mails[0].Body).toContain("INCOMPLETE");
    expect(mails[0].Subject).toContain("0 customers");
  });
});

describe("an HttpWebhook trigger", () => {
  const callbackUrl = "https://prod-01.westeurope.logic.azure.com/workflows/1/triggers/x/run?sig=s";
  const half = (uri: string) => ({
    ...{ method: "POST", uri: `@{parameters('apiUrl')}${uri}`, body: { callbackUrl: "@{listCallbackUrl()}" } },
    authentication: { type: "ManagedServiceIdentity", audience: "@parameters('apiAudience')" },
  });
  const inputs = { subscribe: half("/webhooks"), unsubscribe: half("/webhooks/unsubscribe") };
  const triggers = { Changes: { type: "HttpWebhook", inputs } };

  let product: Product;
  beforeAll(async () => {
    product = await startProduct({ customers: [] });
  }, 60_000);
  afterAll(() => product.stop());

  test("is known to the service from when its workflow is enabled until it is disabled, each as often as it is repeated", async () => {
    const run = (which: "subscribe" | "unsubscribe") =>
      runWebhookHalf({ triggers }, which, { ...surroundingsOf(product, {}), callbackUrl });
    const hosts = async () =>
      (await product.call("GET", "/webhooks")).body.value.map(
        ({ callbackHost }: { callbackHost: string }) => callbackHost,
      );

    for (const _ of ["once", "again"]) expect((await run("subscribe")).status).toBe("Succeeded");
    expect(await hosts()).toEqual(["prod-01.westeurope.logic.azure.com"]);
    for (const _ of ["once", "again"]) expect((await run("unsubscribe")).status).toBe("Succeeded");
    expect(await hosts()).toEqual([]);
  });

  test("is not there when its identity may only read", async () => {
    const surroundings = { ...surroundingsOf(product, { roles: ["SalesAgent"] }), callbackUrl };
    expect((await runWebhookHalf({ triggers }, "subscribe", surroundings)).status).toBe("Failed");
  });
});
