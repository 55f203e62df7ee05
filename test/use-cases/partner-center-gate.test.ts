/** The gate before Partner Center: one question an hour, closed after a refusal, unmoved by an outage. */

import { describe, expect, test } from "@jest/globals";
import { PartnerCenterRefusal, type PartnerCenterRefusalReason } from "../../shared/domain/partner-center-refusal.ts";
import { dependencyUnavailable } from "../../shared/domain/refusal.ts";
import { createPartnerCenterGate } from "../../shared/use-cases/partner-center-gate.ts";
import { noon } from "../fakes/facts.ts";
import { createInMemoryCustomers } from "../fakes/in-memory-customers.ts";
import { createInMemoryWorld } from "../fakes/in-memory-world.ts";

const hour = 60 * 60 * 1000;
const noonPlus = (milliseconds: number) => new Date(noon.getTime() + milliseconds).toISOString();
const refusal = (reason: PartnerCenterRefusalReason, message: string = reason) =>
  new PartnerCenterRefusal(reason, message);

function createGate() {
  const world = createInMemoryWorld();
  const customers = createInMemoryCustomers(world);
  const { notebook, probe } = customers;
  const { telemetry, clock } = world;
  let failure: Error | undefined;
  customers.fate = (call) => {
    if (call === "probe.isMfaCompliant" && failure !== undefined) throw failure;
  };
  return {
    world,
    customers,
    gate: createPartnerCenterGate({ notebook, probe, telemetry, clock }),
    /** What the probe meets from now on. */
    meet(met: Error | undefined) {
      failure = met;
    },
    standing: () => customers.note("partnerCenter"),
    probes: () => customers.calls.filter((call) => call === "probe.isMfaCompliant").length,
    events: () => world.events.map(({ name }) => name),
  };
}

describe("a gate that nobody has closed", () => {
  test.each([
    [true, true, []],
    [undefined, null, []],
    [false, false, ["PartnerCenterMfaNotCompliant"]],
  ])("is open when Partner Center says %s of our second factor, and notes it", async (said, noted, told) => {
    const { gate, customers, standing, events } = createGate();
    customers.isMfaCompliant = said;

    expect(await gate.isOpen()).toBe(true);

    expect(standing()).toEqual({ checkedAt: noonPlus(0), isMfaCompliant: noted, askAgainAt: noonPlus(hour) });
    expect(events()).toEqual(told);
  });

  test("asks once an hour, however many want to pass", async () => {
    const { gate, world, probes } = createGate();

    for (const _ of "123") await gate.isOpen();
    world.moveClock(hour - 1);
    await gate.isOpen();
    expect(probes()).toBe(1);
    world.moveClock(1);
    await gate.isOpen();
    expect(probes()).toBe(2);
  });

  test("tells once that the second factor is missing, and again when it went missing again", async () => {
    const { gate, world, customers, events } = createGate();

    for (const said of [false, false, true, false]) {
      customers.isMfaCompliant = said;
      await gate.isOpen();
      world.moveClock(hour);
    }

    expect(events()).toEqual(["PartnerCenterMfaNotCompliant", "PartnerCenterMfaNotCompliant"]);
  });

  test("stays open in an outage, notes nothing, and asks again the next time", async () => {
    const { gate, meet, standing, probes, world } = createGate();
    const outage = dependencyUnavailable("Partner Center");
    meet(outage);

    expect([await gate.isOpen(), await gate.isOpen()]).toEqual([true, true]);

    expect(standing()).toBeUndefined();
    expect(probes()).toBe(2);
    const message = "Partner Center did not say how it receives us; what it said last holds.";
    expect(world.warnings).toEqual([
      { message, cause: outage },
      { message, cause: outage },
    ]);
  });

  test("is closed by a question that is refused", async () => {
    const { gate, meet, standing, events } = createGate();
    meet(refusal("SignInRequired", "AADSTS700082"));

    expect(await gate.isOpen()).toBe(false);

    expect(standing()).toEqual({
      checkedAt: noonPlus(0),
      isMfaCompliant: null,
      refusal: { reason: "SignInRequired", message: "AADSTS700082", since: noonPlus(0) },
      askAgainAt: noonPlus(hour),
    });
    expect(events()).toEqual(["PartnerCenterRefused"]);
  });

  test("does not take a fault of ours for an answer", async () => {
    const { gate, meet } = createGate();
    meet(new TypeError("a fault"));

    await expect(gate.isOpen()).rejects.toThrow("a fault");
  });
});

describe("a closed gate", () => {
  test("asks nothing for an hour, then one question, and opens when that is answered", async () => {
    const { gate, world, probes, standing, events } = createGate();

    await gate.close(refusal("RoleMissing", "403/900150"));
    expect(await gate.isOpen()).toBe(false);
    world.moveClock(hour - 1);
    expect(await gate.isOpen()).toBe(false);
    expect(probes()).toBe(0);
    world.moveClock(1);
    expect(await gate.isOpen()).toBe(true);

    expect(probes()).toBe(1);
    expect(standing()).toEqual({ checkedAt: noonPlus(hour), isMfaCompliant: true, askAgainAt: noonPlus(2 * hour) });
    expect(world.events).toEqual([
      { name: "PartnerCenterRefused", properties: { reason: "RoleMissing", message: "403/900150" } },
    ]);
    expect(events()).toHaveLength(1);
  });

  test("remembers since when it is refused for the same reason, and tells of each reason once", async () => {
    const { gate, world, meet, standing } = createGate();

    await gate.close(refusal("RoleMissing"));
    world.moveClock(hour);
    meet(refusal("RoleMissing", "again"));
    expect(await gate.isOpen()).toBe(false);
    expect(standing()).toMatchObject({
      checkedAt: noonPlus(hour),
      refusal: { message: "again", since: noonPlus(0) },
      askAgainAt: noonPlus(2 * hour),
    });

    await gate.close(refusal("SignInRequired"));
    expect(standing()).toMatchObject({ refusal: { reason: "SignInRequired", since: noonPlus(hour) } });
    expect(world.events).toMatchObject([
      { name: "PartnerCenterRefused", properties: { reason: "RoleMissing" } },
      { name: "PartnerCenterRefused", properties: { reason: "SignInRequired" } },
    ]);
  });

  test("for want of the second factor stays closed while that is missing, and tells of it once", async () => {
    const { gate, world, customers, standing, events } = createGate();
    customers.isMfaCompliant = false;

    expect(await gate.isOpen()).toBe(true);
    await gate.close(refusal("MfaRequired"));
    world.moveClock(hour);
    expect(await gate.isOpen()).toBe(false);
    expect(standing()).toMatchObject({
      isMfaCompliant: false,
      refusal: { since: noonPlus(0) },
      askAgainAt: noonPlus(2 * hour),
    });
    expect(events()).toEqual(["PartnerCenterMfaNotCompliant"]);

    customers.isMfaCompliant = true;
    world.moveClock(hour);
    expect(await gate.isOpen()).toBe(true);
    expect(standing()).toEqual({ checkedAt: noonPlus(2 * hour), isMfaCompliant: true, askAgainAt: noonPlus(3 * hour) });
  });

  test("for want of the second factor says so, although nobody has asked for it", async () => {
    const { gate, standing, events } = createGate();

    await gate.close(refusal("MfaRequired"));

    expect(standing()).toMatchObject({ isMfaCompliant: false, refusal: { reason: "MfaRequired" } });
    expect(events()).toEqual(["PartnerCenterMfaNotCompliant"]);
  });

  test("for another reason opens when Partner Center answers, also that the second factor is missing", async () => {
    const { gate, world, customers, standing } = createGate();
    await gate.close(refusal("RoleMissing"));
    customers.isMfaCompliant = false;
    world.moveClock(hour);

    expect(await gate.isOpen()).toBe(true);

    expect(standing()).toEqual({ checkedAt: noonPlus(hour), isMfaCompliant: false, askAgainAt: noonPlus(2 * hour) });
  });

  test("for another reason keeps what was known of the second factor", async () => {
    const { gate, standing } = createGate();

    await gate.isOpen();
    await gate.close(refusal("RoleMissing"));

    expect(standing()).toMatchObject({ isMfaCompliant: true, refusal: { reason: "RoleMissing" } });
  });

  test("stays closed in an outage, for no longer than was noted", async () => {
    const { gate, world, meet, standing } = createGate();
    await gate.close(refusal("RoleMissing"));
    const noted = standing();
    world.moveClock(hour);
    meet(dependencyUnavailable("Partner Center"));

    expect(await gate.isOpen()).toBe(false);

    expect(standing()).toEqual(noted);
    meet(undefined);
    expect(await gate.isOpen()).toBe(true);
  });
});
