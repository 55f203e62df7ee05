/** In manual mode an operator moves the switch in Partner Center, and a switch is moved here only when it was seen there. */

import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { makeEligibleCustomers, oneByOne } from "./harness/customers.ts";
import { eventually, faultsOfLog, readLog } from "./harness/ledger.ts";
import { type Answer, type Product, startProduct } from "./harness/product.ts";

const reservations = "AzureReservedInstances";
const savings = "AzureSavingsPlan";
const seconds = 1;
const minutes = 60 * seconds;
const hours = 60 * minutes;

describe.each([
  ["the policy", {}, 1 * minutes],
  // Without an account behind it the application is shown no policy, and records may come late.
  ["audit records", { PARTNER_CENTER_REFRESH_TOKEN: undefined }, 16 * minutes],
])("verified by %s,", (witness, settings, untilOvertakenIsSure) => {
  const customers = makeEligibleCustomers(30);
  const nextCustomer = oneByOne(customers);
  let product: Product;
  let behind = 0;
  let token: string;

  beforeAll(async () => {
    product = await startProduct({
      ...{ customers, partnerCenterMode: "manual" },
      settings: { ...settings, PARTNER_CENTER_MANUAL_HOURS: "1" },
    });
    const early = Math.floor(Date.now() / 1000) - 3 * hours;
    token = await product.token({ iat: early, nbf: early });
  });
  afterEach(() => {
    product.partnerCenter.faults.clear();
    product.storage.fate = () => "forward";
  });
  afterAll(() => product.stop());

  /** What is begun from now on was begun so long ago when the next instance looks at it. */
  async function goBack(time: number): Promise<void> {
    await product.kill();
    await product.start({ behind: time });
    behind = time;
  }

  /** The minute is over, and the sweep looks at what is unfinished. */
  async function sweep(): Promise<void> {
    if (behind > 0) await goBack(0);
    const { status } = await fetch(`${product.url}/admin/functions/SweepUnfinishedChanges`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"input":""}',
    });
    expect(status).toBe(202);
  }

  const put = (
    customerId: string,
    state: "On" | "Off",
    one = "azureReservations",
    headers: Record<string, string> = {},
  ) => product.call("PUT", `/customers/${customerId}/permissions/${one}`, { token, body: { state }, headers });
  const pathIn = (answer: Answer, header: string) =>
    new URL(answer.headers.get(header) ?? "").pathname.slice("/api".length);
  const operationOf = (answer: Answer) => product.call("GET", pathIn(answer, "operation-location"), { token });
  const statesOf = async (customerId: string) => {
    const { body } = await product.call("GET", `/customers/${customerId}/permissions`, { token });
    return body.value.map(({ state }: { state: string }) => state);
  };
  const endOf = (answer: Answer) =>
    eventually(async () => {
      const operation = await operationOf(answer);
      expect(operation.body.status).not.toBe("Running");
      return operation;
    });
  const moveByHand = (customerId: string, ...resources: string[]) =>
    product.partnerCenter.policies.set(customerId, resources);

  async function expectLog(customerId: string, entries: [operation: string, result: string][]): Promise<void> {
    const log = await readLog(product, customerId);
    expect(faultsOfLog(log)).toEqual([]);
    expect(log.map(({ operation, result }) => [operation.split(" ")[0], result])).toEqual(entries);
  }

  /** Turned On here and there. */
  async function turnedOn(): Promise<string> {
    const customerId = nextCustomer();
    moveByHand(customerId, reservations);
    expect(await put(customerId, "On")).toMatchObject({ status: 200, body: { state: "On", changed: true } });
    return customerId;
  }

  test("a switch is asked for with steps, and moved when the operator has moved it", async () => {
    const customerId = nextCustomer();
    await goBack(2 * minutes);

    const answer = await put(customerId, "On");

    expect(answer).toMatchObject({ status: 202, body: { state: "Off", changed: false } });
    const { steps, link, expiresAt } = answer.body;
    expect(steps).toHaveLength(6);
    expect(steps.join("\n")).toContain("Under Azure reservations, move the switch next to Allow customer to purchase");
    expect(link).toBe(`https://partner.microsoft.com/dashboard/v2/customers/${customerId}/account`);
    expect(Math.abs(Date.parse(expiresAt) - (Date.now() + 58 * minutes * 1000))).toBeLessThan(20_000);
    expect(answer.headers.get("retry-after")).toBe("60");
    expect((await operationOf(answer)).body).toEqual({
      ...{ id: expect.any(String), status: "Running", steps, link, expiresAt },
    });
    const result = await product.call("GET", pathIn(answer, "location"), { token });
    expect(result).toMatchObject({ status: 202, body: answer.body });

    await sweep();
    expect(await operationOf(answer)).toMatchObject({ body: { status: "Running" } });
    expect([await statesOf(customerId), product.partnerCenter.policies.resources(customerId)]).toEqual([
      ["Off", "Off"],
      [],
    ]);

    moveByHand(customerId, "SomethingElse", reservations);
    await sweep();
    expect((await endOf(answer)).body).toEqual({ id: expect.any(String), status: "Succeeded" });
    expect(await product.call("GET", pathIn(answer, "location"), { token })).toMatchObject({
      ...{ status: 200, body: { state: "On", changed: true } },
    });
    expect(await statesOf(customerId)).toEqual(["On", "Off"]);
    await expectLog(customerId, [["Create", "Succeeded"]]);
    expect((await readLog(product, customerId))[0]).toMatchObject({ by: { name: "Ada", kind: "User" } });
  }, 60_000);

  test("a switch to Off is asked for and followed as well, and the other one is left alone", async () => {
    const customerId = nextCustomer();
    moveByHand(customerId, reservations, savings);
    await put(customerId, "On");
    await put(customerId, "On", "azureSavingsPlans");
    await goBack(2 * minutes);

    const answer = await put(customerId, "Off", "azureSavingsPlans");
    expect(answer).toMatchObject({ status: 202, body: { state: "On", changed: false } });
    expect(answer.body.steps.join("\n")).toContain("Under Azure savings plans, move the switch");
    expect(answer.body.steps.join("\n")).toContain("to the Off position");

    moveByHand(customerId, reservations);
    await sweep();
    expect(await endOf(answer)).toMatchObject({ body: { status: "Succeeded" } });
    expect(await statesOf(customerId)).toEqual(["On", "Off"]);
    await expectLog(customerId, [
      ["Create", "Succeeded"],
      ["Create", "Succeeded"],
      ["Delete", "Succeeded"],
    ]);
  }, 60_000);

  test("what the operator has moved before is granted at once, and asked for again changes nothing", async () => {
    const customerId = await turnedOn();
    expect(await put(customerId, "On")).toMatchObject({ status: 200, body: { changed: false } });
    moveByHand(customerId);

    expect(await put(customerId, "Off")).toMatchObject({ status: 200, body: { state: "Off", changed: true } });
    expect(await put(customerId, "Off")).toMatchObject({ status: 200, body: { changed: false } });
    await expectLog(customerId, [
      ["Create", "Succeeded"],
      ["Delete", "Succeeded"],
    ]);
  });

  test("what is somebody else's is no proof: On is asked for, not granted", async () => {
    const customerId = nextCustomer();
    moveByHand(customerId, "SomethingElse", savings);

    expect(await put(customerId, "On")).toMatchObject({ status: 202 });
    expect(await statesOf(customerId)).toEqual(["Off", "Off"]);
  });

  test("Off on a customer that nobody has ever touched is answered as it is", async () => {
    expect(await put(nextCustomer(), "Off")).toMatchObject({ status: 200, body: { state: "Off", changed: false } });
  });

  test("a switch that nobody moves in time fails, and the log says so", async () => {
    const customerId = nextCustomer();
    const headers = { "repeatability-request-id": randomUUID() };
    await goBack(1 * hours + 16 * minutes);
    const answer = await put(customerId, "On", "azureReservations", headers);
    expect(answer).toMatchObject({ status: 202 });

    await sweep();
    const error = {
      code: "NotConfirmed",
      message: "Nobody has moved the switch in Partner Center within 1 hour, or we could not see it.",
    };
    expect((await endOf(answer)).body).toEqual({ id: expect.any(String), status: "Failed", error });
    expect(await put(customerId, "On", "azureReservations", headers)).toMatchObject({
      ...{ status: 409, body: { error: { code: "PartnerCenterRefused", details: [{ code: "NotConfirmed" }] } } },
    });
    expect(await statesOf(customerId)).toEqual(["Off", "Off"]);
    await expectLog(customerId, [["Create", "Failed"]]);
    expect((await readLog(product, customerId))[0]).toMatchObject({ error });
    expect(await put(customerId, "On")).toMatchObject({ status: 202 });
  }, 60_000);

  test("others of the customer have to wait, but Off overtakes an On that nobody has moved, and ends soon", async () => {
    const customerId = nextCustomer();
    await goBack(untilOvertakenIsSure + 1 * minutes);
    const on = await put(customerId, "On");
    expect(await put(customerId, "On")).toMatchObject({ status: 409, body: { error: { code: "ChangeInProgress" } } });
    expect(await put(customerId, "On", "azureSavingsPlans")).toMatchObject({ status: 409 });
    expect(await put(customerId, "Off", "azureSavingsPlans")).toMatchObject({ status: 200, body: { changed: false } });

    const off = await put(customerId, "Off");
    expect(off).toMatchObject({ status: 202, body: { state: "Off", changed: false } });
    expect(await operationOf(on)).toMatchObject({ body: { status: "Canceled" } });
    await sweep();
    expect(await endOf(off)).toMatchObject({ body: { status: "Succeeded" } });
    await expectLog(customerId, [
      ["Create", "Failed"],
      ["Delete", "Succeeded"],
    ]);
  }, 60_000);

  test("an Off that has overtaken an On which the operator has just moved waits until it is moved back", async () => {
    const customerId = nextCustomer();
    await goBack(untilOvertakenIsSure + 1 * minutes);
    await put(customerId, "On");
    const off = await put(customerId, "Off");
    moveByHand(customerId, reservations);

    await sweep();
    expect(await operationOf(off)).toMatchObject({ body: { status: "Running" } });
    moveByHand(customerId);
    await sweep();
    expect(await endOf(off)).toMatchObject({ body: { status: "Succeeded" } });
  }, 60_000);

  test("while Partner Center is down Off is asked for, never granted, and confirmed later; On is not even asked for", async () => {
    const [toOn, toOff] = [nextCustomer(), await turnedOn()];
    await goBack(2 * minutes);
    product.partnerCenter.faults.down = true;

    for (const customerId of [toOff, toOn]) expect(await put(customerId, "On")).toMatchObject({ status: 503 });
    const off = await put(toOff, "Off");
    expect(off).toMatchObject({ status: 202 });
    expect([await statesOf(toOn), await statesOf(toOff)]).toEqual([
      ["Off", "Off"],
      ["On", "Off"],
    ]);

    product.partnerCenter.faults.down = false;
    moveByHand(toOff);
    await sweep();
    expect(await endOf(off)).toMatchObject({ body: { status: "Succeeded" } });
    await expectLog(toOn, []);
    await expectLog(toOff, [
      ["Create", "Succeeded"],
      ["Delete", "Succeeded"],
    ]);
  }, 90_000);

  test.each(["it was begun", "it was finished"])(
    "a crash just when %s heals",
    async (when) => {
      const customerId = nextCustomer();
      const headers = { "repeatability-request-id": randomUUID() };
      await goBack(2 * minutes);
      const crashAtNextCommit = () =>
        new Promise<void>((crashed) => {
          product.storage.fate = ({ path }) => {
            if (path !== "/$batch") return "forward";
            return { afterwards: () => product.kill().then(crashed) };
          };
        });

      if (when === "it was begun") void crashAtNextCommit();
      await put(customerId, "On", "azureReservations", headers).catch(() => undefined);
      moveByHand(customerId, reservations);
      if (when === "it was finished") {
        await goBack(0);
        const crash = crashAtNextCommit();
        await sweep();
        await crash;
      }
      product.storage.fate = () => "forward";
      await goBack(0);
      await sweep();

      await eventually(async () => {
        expect(await put(customerId, "On", "azureReservations", headers)).toMatchObject({
          ...{ status: 200, body: { state: "On", changed: true } },
        });
      });
      await expectLog(customerId, [["Create", "Succeeded"]]);
    },
    60_000,
  );

  test("a change that waits costs one call of Partner Center a minute, and none of them writes", async () => {
    const customerId = nextCustomer();
    moveByHand(customerId, savings);
    await goBack(2 * minutes);
    await put(customerId, "On");
    await goBack(0);
    product.partnerCenter.requests.clear();
    const callsAbout = () =>
      product.partnerCenter.requests.entries.filter(({ query }) => query.includes(customerId)).length;

    const began = Date.now();
    await sweep();
    await eventually(async () => expect(callsAbout()).toBeGreaterThan(0));
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    // The timer of the minute may have come in between.
    const timers = Math.floor((Date.now() - 30_000) / minutes) - Math.floor((began - 30_000) / minutes);
    expect(callsAbout()).toBeLessThanOrEqual(1 + timers);
    const { entries } = product.partnerCenter.requests;
    expect(new Set(entries.map(({ method }) => method))).toEqual(new Set(["GET"]));
    expect(new Set(entries.map(({ path }) => path))).toEqual(
      new Set([witness === "the policy" ? "/v1/SelfServePolicy" : "/v1/auditrecords"]),
    );
  }, 60_000);
});
