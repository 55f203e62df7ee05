/** In live mode what Partner Center or Azure say otherwise than the record is found once, told, and decided by a PUT. */

import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Customer } from "../local/stand-ins/customer.ts";
import { portalActor } from "../local/stand-ins/partner-center-policies.ts";
import { forgetDriftNote, forgetStanding, sweepDrift } from "./harness/drift-note.ts";
import { eventually, faultsOfLog, readLog } from "./harness/ledger.ts";
import { type Product, startProduct } from "./harness/product.ts";
import { makeEligibleTenant } from "./harness/tenants.ts";

const reservations = "AzureReservedInstances";
const policyReads = { method: "GET", path: /^\/v1\/SelfServePolicy/ };

async function startWith(
  customers: readonly Customer[],
  settings: Record<string, string> = {},
): Promise<{ product: Product; put: Put }> {
  const product = await startProduct({
    customers: customers.map((customer) => ({ customer, outcome: "On: a user is Owner" })),
    partnerCenterMode: "live",
    rounds: true,
    settings: { DRIFT_CALLS_PER_RUN: "1000", ...settings },
  });
  const put: Put = async (customer, state) => {
    const path = `/customers/${customer.tenantId}/permissions/azureReservations`;
    const answer = await product.call("PUT", path, { body: { state } });
    return { status: answer.status, ...answer.body };
  };
  return { product, put };
}

type Put = (customer: Customer, state: "On" | "Off") => Promise<{ status: number; changed: boolean; state: string }>;

/** The findings that the list of customers shows. */
async function findingsOf({ call }: Product, { tenantId }: Customer): Promise<{ code: string; since: string }[]> {
  const { body } = await call("GET", "/customers?maxpagesize=200");
  return body.value.find(({ customerId }: { customerId: string }) => customerId === tenantId)?.findings ?? [];
}

const codesOf = async (product: Product, customer: Customer) =>
  (await findingsOf(product, customer)).map(({ code }) => code);

/** The log, whole, as words. */
async function entriesOf(product: Product, { tenantId }: Customer): Promise<string[]> {
  const log = await readLog(product, tenantId);
  expect(faultsOfLog(log)).toEqual([]);
  return log.map((activity) => {
    const { operation, result, finding } = activity as typeof activity & { finding?: { code: string; status: string } };
    return [operation.split(" ")[0], result, finding?.code, finding?.status].filter(Boolean).join(" ");
  });
}

interface Drifting {
  /** Before anything happens outside. */
  readonly isOn: boolean;
  happen(product: Product, customer: Customer): void;
  pass(product: Product, customer: Customer): void;
  /** What the entries say of the policy while it lasts, and after it has passed. */
  readonly operations: readonly [during: string, after: string];
}

const ownersOf = ({ roleAssignments }: Customer) =>
  roleAssignments.filter(({ principalType }) => principalType === "User");

const kinds: Readonly<Record<string, Drifting>> = {
  TurnedOnOutside: {
    isOn: false,
    happen: ({ partnerCenter }, { tenantId }) => void partnerCenter.policies.set(tenantId, [reservations]),
    pass: ({ partnerCenter }, { tenantId }) => void partnerCenter.policies.delete(tenantId),
    operations: ["Create", "Delete"],
  },
  TurnedOffOutside: {
    isOn: true,
    happen: ({ partnerCenter }, { tenantId }) => void partnerCenter.policies.delete(tenantId),
    pass: ({ partnerCenter }, { tenantId }) => void partnerCenter.policies.set(tenantId, [reservations]),
    operations: ["Delete", "Create"],
  },
  OwnerLost: {
    isOn: true,
    happen: (_, customer) => {
      for (const owner of ownersOf(customer)) owner.principalType = "ServicePrincipal";
    },
    pass: (_, customer) => {
      for (const one of customer.roleAssignments.slice(-1)) one.principalType = "User";
    },
    operations: ["Create", "Create"],
  },
  SubscriptionSuspended: {
    isOn: true,
    happen: (_, { subscriptions }) => {
      subscriptions[0]!.state = "Disabled";
    },
    pass: (_, { subscriptions }) => {
      subscriptions[0]!.state = "Enabled";
    },
    operations: ["Create", "Create"],
  },
  SubscriptionGone: {
    isOn: true,
    happen: (_, { subscriptions }) => {
      subscriptions[0]!.quotaId = "PayAsYouGo_2014-09-01";
    },
    pass: (_, { subscriptions }) => {
      subscriptions[0]!.quotaId = "CSP_2015-05-01";
    },
    operations: ["Create", "Create"],
  },
  RelationshipEnded: {
    isOn: true,
    happen: (_, customer) => {
      customer.relationshipToPartner = "none";
    },
    pass: (_, customer) => {
      customer.relationshipToPartner = "reseller";
    },
    operations: ["Create", "Create"],
  },
};

async function prepare(put: Put, customer: Customer, isOn: boolean): Promise<void> {
  expect(await put(customer, "On")).toMatchObject({ status: 200 });
  if (!isOn) expect(await put(customer, "Off")).toMatchObject({ status: 200 });
}

describe("each kind of drift", () => {
  const customers = Object.keys(kinds).map((code) => makeEligibleTenant(code));
  const quiet = makeEligibleTenant("Quiet");
  let product: Product;
  let put: Put;
  beforeAll(async () => {
    ({ product, put } = await startWith([...customers, quiet]));
    for (const customer of customers) await prepare(put, customer, kinds[customer.name]!.isOn);
    await prepare(put, quiet, true);
    for (const customer of customers) kinds[customer.name]!.happen(product, customer);
    for (let sweeps = 0; sweeps < 3; sweeps++) await sweepDrift(product);
  }, 90_000);
  afterAll(() => product.stop());

  test.each(Object.entries(kinds))(
    "%s is found once, however many sweeps pass, and shows on the customer",
    async (code, { isOn, operations }) => {
      const customer = customers.find(({ name }) => name === code)!;
      expect(await entriesOf(product, customer)).toEqual([
        ...["Create Succeeded", ...(isOn ? [] : ["Delete Succeeded"])],
        `${operations[0]} Detected ${code} Open`,
      ]);
      expect(await findingsOf(product, customer)).toEqual([
        expect.objectContaining({
          code,
          product: "azureReservations",
          since: expect.any(String),
          message: expect.any(String),
        }),
      ]);
      const last = (await readLog(product, customer.tenantId)).at(-1);
      expect(last).toMatchObject({ by: { kind: "Application", name: "Drift detection" }, result: "Detected" });
    },
  );

  test("a customer with whom all is well has no finding and no entry", async () => {
    expect(await entriesOf(product, quiet)).toEqual(["Create Succeeded"]);
    expect(await findingsOf(product, quiet)).toEqual([]);
  });

  test("who moved the policy is named, as Partner Center's activity log has it", async () => {
    for (const code of ["TurnedOnOutside", "TurnedOffOutside"]) {
      const customer = customers.find(({ name }) => name === code)!;
      expect(await findingsOf(product, customer)).toMatchObject([
        { byUserPrincipalName: portalActor.userPrincipalName },
      ]);
    }
  });

  test("is closed once when it goes away by itself", async () => {
    for (const customer of customers) kinds[customer.name]!.pass(product, customer);
    for (let sweeps = 0; sweeps < 2; sweeps++) await sweepDrift(product);
    for (const customer of customers) {
      const { isOn, operations } = kinds[customer.name]!;
      expect(await entriesOf(product, customer)).toEqual([
        ...["Create Succeeded", ...(isOn ? [] : ["Delete Succeeded"])],
        `${operations[0]} Detected ${customer.name} Open`,
        `${operations[1]} Detected ${customer.name} Closed`,
      ]);
      expect(await findingsOf(product, customer)).toEqual([]);
    }
  }, 60_000);
});

describe("a finding is decided by a PUT", () => {
  const cases = [
    { name: "adopts what was turned On outside", isOn: false, wish: "On" },
    { name: "reverts what was turned On outside", isOn: false, wish: "Off" },
    { name: "adopts what was turned Off outside", isOn: true, wish: "Off" },
    { name: "reverts what was turned Off outside", isOn: true, wish: "On" },
  ] as const;
  const customers = cases.map(({ name }) => makeEligibleTenant(name));
  const ownerless = makeEligibleTenant("without Owner");
  let product: Product;
  let put: Put;
  beforeAll(async () => {
    ({ product, put } = await startWith([...customers, ownerless]));
    for (const [index, { isOn }] of cases.entries()) {
      const customer = customers[index]!;
      await prepare(put, customer, isOn);
      kinds[isOn ? "TurnedOffOutside" : "TurnedOnOutside"]!.happen(product, customer);
    }
    await prepare(put, ownerless, false);
    kinds.TurnedOnOutside!.happen(product, ownerless);
    kinds.OwnerLost!.happen(product, ownerless);
    await sweepDrift(product);
  }, 60_000);
  afterAll(() => product.stop());

  test.each(cases.map((each, index) => ({ ...each, customer: customers[index]! })))(
    "that $name",
    async ({ isOn, wish, customer }) => {
      expect(await codesOf(product, customer)).toEqual([isOn ? "TurnedOffOutside" : "TurnedOnOutside"]);
      expect(await put(customer, wish)).toMatchObject({ status: 200, changed: true, state: wish });
      expect(product.partnerCenter.policies.resources(customer.tenantId)).toEqual(wish === "On" ? [reservations] : []);
      expect(await codesOf(product, customer)).toEqual([]);
      const before = await entriesOf(product, customer);
      expect(before.at(-1)).toBe(wish === "On" ? "Create Succeeded" : "Delete Succeeded");
      await sweepDrift(product);
      expect(await entriesOf(product, customer)).toEqual(before);
    },
    40_000,
  );

  test("but On is adopted only when the customer is eligible, and the finding stays when not", async () => {
    expect(await put(ownerless, "On")).toMatchObject({ status: 409, error: { code: "OwnerRoleMissing" } });
    expect(await codesOf(product, ownerless)).toEqual(["TurnedOnOutside", "OwnerLost"]);
    expect(await put(ownerless, "Off")).toMatchObject({ status: 200, changed: true });
    expect(await codesOf(product, ownerless)).toEqual([]);
    expect(product.partnerCenter.policies.of(ownerless.tenantId)).toBeUndefined();
  });
});

test("DRIFT_ACTION=turnOff turns Off what should not be On, in record and Partner Center, and never anything On", async () => {
  const codes = ["TurnedOnOutside", "TurnedOffOutside", "OwnerLost", "SubscriptionSuspended", "SubscriptionGone"];
  const customers = codes.map((code) => makeEligibleTenant(code));
  const { product, put } = await startWith(customers, { DRIFT_ACTION: "turnOff" });
  try {
    for (const customer of customers) await prepare(put, customer, kinds[customer.name]!.isOn);
    for (const customer of customers) kinds[customer.name]!.happen(product, customer);
    for (let sweeps = 0; sweeps < 2; sweeps++) await sweepDrift(product);
    for (const customer of customers) {
      const entries = await entriesOf(product, customer);
      expect(product.partnerCenter.policies.of(customer.tenantId)).toBeUndefined();
      if (customer.name === "TurnedOffOutside") {
        expect(entries.slice(1)).toEqual(["Delete Detected TurnedOffOutside Open"]);
        expect(await codesOf(product, customer)).toEqual(["TurnedOffOutside"]);
        continue;
      }
      expect(entries.slice(-2)).toEqual([`Create Detected ${customer.name} Open`, "Delete Succeeded"]);
      expect(await codesOf(product, customer)).toEqual([]);
      const { body } = await product.call("GET", `/customers/${customer.tenantId}/permissions/azureReservations`);
      expect(body).toMatchObject({
        state: "Off",
        changedBy: { name: "Drift detection", kind: "Application" },
        reason: expect.stringContaining(customer.name),
      });
    }
  } finally {
    await product.stop();
  }
}, 60_000);

test("an account without MFA costs one probe and one customer at most, however often the timer comes", async () => {
  const customers = [makeEligibleTenant("One"), makeEligibleTenant("Two")];
  const { product, put } = await startWith(customers);
  try {
    for (const customer of customers) await prepare(put, customer, true);
    product.entra.partnerUsers[0]!.mfa = false;
    await product.kill();
    await forgetStanding(product);
    await forgetDriftNote(product);
    product.partnerCenter.requests.clear();
    await product.start();
    await product.trigger("DetectDrift");
    await eventually(async () => expect(product.partnerCenter.requests.count()).toBeGreaterThan(0));
    for (let runs = 0; runs < 3; runs++) {
      await product.trigger("DetectDrift");
      await new Promise((go) => setTimeout(go, 700));
    }
    // A refused token is renewed once: so each of the two questions is two requests.
    const { requests } = product.partnerCenter;
    expect(requests.count({ path: /^\/v1\/customers\?size=1$/ })).toBeLessThanOrEqual(2);
    expect(requests.count(policyReads)).toBeLessThanOrEqual(2);
    expect(requests.count()).toBe(requests.count({ path: /^\/v1\/(customers\?size=1$|SelfServePolicy)/ }));
  } finally {
    await product.stop();
  }
}, 60_000);

test("MFA that is lost between two probes is refused once, and closes the gate", async () => {
  const customers = Array.from({ length: 12 }, (_, index) => makeEligibleTenant(`Customer ${index}`));
  const { product, put } = await startWith(customers);
  try {
    for (const customer of customers) await prepare(put, customer, true);
    await sweepDrift(product);
    product.partnerCenter.faults.add({
      match: policyReads,
      fault: { kind: "status", status: 401, body: { code: "900421", description: "MFA required" } },
    });
    product.partnerCenter.requests.clear();
    await forgetDriftNote(product);
    for (let runs = 0; runs < 4; runs++) {
      await product.trigger("DetectDrift");
      await new Promise((go) => setTimeout(go, 700));
    }
    expect(product.partnerCenter.requests.count(policyReads)).toBe(2);
    expect(product.partnerCenter.requests.count()).toBe(2);
  } finally {
    await product.stop();
  }
}, 60_000);
