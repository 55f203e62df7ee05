/** A customer's switches as callers see them: reading, turning, conditions, repetition, operations and request ids. */

import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { makeAssignment, roles, scopes } from "../local/stand-ins/customer.ts";
import { makeDemoCustomers, partnerTenantId } from "../local/stand-ins/demo-customers.ts";
import { guidOf } from "../local/stand-ins/guid.ts";
import { makeEligibleCustomers, oneByOne } from "./harness/customers.ts";
import { countRows, eventually, faultsOfLog, readLog } from "./harness/ledger.ts";
import { type Answer, type Product, startProduct } from "./harness/product.ts";

const eligible = makeEligibleCustomers(100);
const nextCustomer = oneByOne(eligible);
const ada = { tenantId: partnerTenantId, objectId: guidOf("user:Ada"), name: "Ada", kind: "User" };
const guid = expect.stringMatching(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/);
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

let product: Product;

beforeAll(async () => {
  product = await startProduct({ customers: [...makeDemoCustomers(), ...eligible] });
});
afterEach(() => {
  product.arm.faults.clear();
  product.entra.faults.clear();
  product.storage.fate = () => "forward";
});
afterAll(() => product?.stop());

type Headers = Record<string, string>;

const pathOf = (customerId: string, which = "azureReservations") => `/customers/${customerId}/permissions/${which}`;
const get = (customerId: string, headers: Headers = {}, which?: string) =>
  product.call("GET", pathOf(customerId, which), { headers });
const put = (customerId: string, body: object, headers: Headers = {}, which?: string) =>
  product.call("PUT", pathOf(customerId, which), { headers, body });
const tagOf = async (customerId: string, which?: string) =>
  (await get(customerId, {}, which)).headers.get("etag") ?? "no tag";
const untouched = (customerId: string, which: string) => ({
  customerId,
  product: which,
  state: "Off",
  changedAt: null,
  changedBy: null,
  changeId: null,
});

function expectRefusal({ status, headers, body }: Answer, wanted: number, code: string, target?: string): void {
  expect({ status, code: body.error?.code, header: headers.get("x-ms-error-code") }).toEqual({
    status: wanted,
    code,
    header: code,
  });
  expect(body.error.message).toMatch(/./);
  if (target !== undefined) expect(body.error.target.toLowerCase()).toBe(target.toLowerCase());
}

/** @returns what a change would leave behind: both switches and the log */
async function traceOf(customerId: string) {
  return [(await product.call("GET", `/customers/${customerId}/permissions`)).body, await readLog(product, customerId)];
}

describe("reading", () => {
  test("a customer never touched is Off, with nobody to name", async () => {
    const customerId = randomUUID();
    const both = await product.call("GET", `/customers/${customerId}/permissions`);
    expect([both.status, both.body]).toEqual([
      200,
      { value: [untouched(customerId, "azureReservations"), untouched(customerId, "azureSavingsPlans")] },
    ]);

    const one = await get(customerId, {}, "azureSavingsPlans");
    expect([one.status, one.body]).toEqual([200, untouched(customerId, "azureSavingsPlans")]);
    expect(one.headers.get("etag")).toMatch(/^"[\x21\x23-\x7e]+"$/);
    expect(one.headers.get("content-type")).toMatch(/^application\/json/);
    expect(one.headers.get("cache-control")).toBe("no-store");
  });

  test("an id in upper case is the same customer, and answered in lower case", async () => {
    const customerId = nextCustomer();
    const turned = await put(customerId.toUpperCase(), { state: "On" });
    expect([turned.status, turned.body.customerId]).toEqual([200, customerId]);
    expect((await get(customerId)).body.state).toBe("On");
    expect((await get(customerId.toUpperCase())).body).toEqual((await get(customerId)).body);
    const log = await product.call("GET", `/activities?customerId=${customerId.toUpperCase()}`);
    expect(log.body.value).toHaveLength(1);
    expect(log.body.value[0].customerId).toBe(customerId);
  });

  test("one switch tells who turned it, when and why; the other one knows nothing of it", async () => {
    const customerId = nextCustomer();
    await put(customerId, { state: "On", reason: "Contract 4711" });
    const one = {
      customerId,
      product: "azureReservations",
      state: "On",
      changedAt: time,
      changedBy: ada,
      reason: "Contract 4711",
      changeId: guid,
    };
    expect((await get(customerId)).body).toEqual(one);
    expect((await product.call("GET", `/customers/${customerId}/permissions`)).body).toEqual({
      value: [one, untouched(customerId, "azureSavingsPlans")],
    });
  });

  test("by name, without a route, it is the same", async () => {
    const customerId = nextCustomer();
    await put(customerId, { state: "On" });
    const byRoute = await get(customerId);
    const byName = await product.call("POST", "/GetCustomerPermission", {
      body: { customerId: customerId.toUpperCase(), product: "azureReservations" },
    });
    expect([byName.status, byName.body]).toEqual([200, byRoute.body]);
    expect(byName.headers.get("etag")).toBe(byRoute.headers.get("etag"));
  });

  describe("with If-None-Match", () => {
    let customerId: string;
    let tag: string;
    beforeAll(async () => {
      customerId = nextCustomer();
      await put(customerId, { state: "On" });
      tag = await tagOf(customerId);
    });

    test.each<[string, (tag: string) => string]>([
      ["the tag", (current) => current],
      ["the tag among others", (current) => `"other", ${current} ,W/"x"`],
      ["the tag made weak on the way", (current) => `W/${current}`],
      ["a star", () => "*"],
    ])("%s: 304 without a body", async (_, make) => {
      const { status, headers, body } = await get(customerId, { "if-none-match": make(tag) });
      expect([status, body, headers.get("etag")]).toEqual([304, undefined, tag]);
      expect(headers.get("x-ms-request-id")).toEqual(guid);
    });

    test.each(['"other"', 'W/"other"', '""', '"a","b"'])("%s: the whole answer", async (other) => {
      expect((await get(customerId, { "if-none-match": other })).body).toMatchObject({ state: "On" });
    });

    test.each(["other", '"open', 'x"other"', '"a" "b"', '*, "a"', "", 'w/"a"', '"a",'])(
      "%p: malformed",
      async (wrong) => {
        expectRefusal(await get(customerId, { "if-none-match": wrong }), 400, "InvalidRequest", "If-None-Match");
      },
    );

    test("an old tag after a change: the whole new answer", async () => {
      const other = nextCustomer();
      const old = await tagOf(other);
      await put(other, { state: "On" });
      expect((await get(other, { "if-none-match": old })).body.state).toBe("On");
    });
  });
});

describe("turning a switch", () => {
  test("On and Off, each answered as it is then read", async () => {
    const customerId = nextCustomer();
    for (const state of ["On", "Off"]) {
      const { status, headers, body } = await put(customerId, { state });
      expect([status, body]).toEqual([
        200,
        {
          customerId,
          product: "azureReservations",
          state,
          changedAt: time,
          changedBy: ada,
          changeId: guid,
          changed: true,
        },
      ]);
      const { changed: _, ...permission } = body;
      const read = await get(customerId);
      expect(read.body).toEqual(permission);
      expect(read.headers.get("etag")).toBe(headers.get("etag"));
    }
    expect(faultsOfLog(await readLog(product, customerId))).toEqual([]);
  });

  test("by name, without a route, it is the same", async () => {
    const customerId = nextCustomer();
    const { status, headers, body } = await product.call("POST", "/SetCustomerPermission", {
      body: { customerId, product: "azureSavingsPlans", state: "On", reason: "by name", acknowledgedCharges: true },
    });
    expect([status, body]).toMatchObject([200, { product: "azureSavingsPlans", state: "On", changed: true }]);
    expect(headers.get("etag")).toBe(await tagOf(customerId, "azureSavingsPlans"));
    expect(await readLog(product, customerId)).toMatchObject([{ reason: "by name", acknowledgedCharges: true }]);
  });

  test("to the state it has: nothing changes, nothing is logged, nothing is written, nobody is asked", async () => {
    const customerId = nextCustomer();
    const first = await put(customerId, { state: "On", reason: "first" });
    // The log is written behind the answer: only then do the calls that follow belong to the second request.
    await eventually(async () =>
      expect(await countRows(product.connectionString, customerId)).toMatchObject({ pending: 0, byDay: 1 }),
    );
    const before = await traceOf(customerId);
    const [asked, stored] = [product.arm.requests.count(), product.storage.calls.length];
    const again = await put(customerId, { state: "On", reason: "second" });
    const calls = product.storage.calls.slice(stored).filter(({ body, path }) => `${path}${body}`.includes(customerId));

    expect([again.status, again.body]).toEqual([200, { ...first.body, changed: false }]);
    expect(again.headers.get("etag")).toBe(first.headers.get("etag"));
    expect(product.arm.requests.count()).toBe(asked);
    expect(calls.map(({ method }) => method)).toEqual(["GET"]);
    expect(await traceOf(customerId)).toEqual(before);
  });

  test("Off, when it was never On, is no change", async () => {
    const customerId = randomUUID();
    const { status, body } = await put(customerId, { state: "Off" });
    expect([status, body]).toEqual([200, { ...untouched(customerId, "azureReservations"), changed: false }]);
    expect(await readLog(product, customerId)).toEqual([]);
  });

  test("Off needs neither Azure Resource Manager nor Entra's tokens", async () => {
    const customerId = nextCustomer();
    await put(customerId, { state: "On" });
    product.arm.faults.down = true;
    product.entra.faults.down = true;
    const [armAsked, entraAsked] = [product.arm.requests.count(), product.entra.requests.count()];
    const { status, body } = await put(customerId, { state: "Off" });
    expect([status, body]).toMatchObject([200, { state: "Off", changed: true }]);
    expect([product.arm.requests.count(), product.entra.requests.count()]).toEqual([armAsked, entraAsked]);
  });

  test("On, while Azure Resource Manager is down, is 503 and changes nothing; the next attempt succeeds", async () => {
    const customerId = nextCustomer();
    const before = await traceOf(customerId);
    product.arm.faults.down = true;
    const refused = await put(customerId, { state: "On" });
    expectRefusal(refused, 503, "DependencyUnavailable");
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
    expect(refused.body.error).toEqual({ code: "DependencyUnavailable", message: expect.any(String) });
    expect(await traceOf(customerId)).toEqual(before);
    product.arm.faults.clear();
    expect((await put(customerId, { state: "On" })).status).toBe(200);
  }, 30_000);

  test.each([
    ["Adatum", "OwnerRoleMissing"],
    ["Wingtip Toys", "NoAzureSubscription"],
    ["Proseware", "EligibilityInconclusive"],
  ])("On for %s is refused with the checks, and leaves no trace", async (name, code) => {
    const customerId = product.customer(name).tenantId;
    const before = await traceOf(customerId);
    const refused = await put(customerId, { state: "On" });
    expectRefusal(refused, 409, code);
    expect(refused.body.error.details).toEqual([
      expect.objectContaining({ name: "azureSubscription", code: expect.any(String), message: expect.any(String) }),
      expect.objectContaining({ name: "ownerRole", code: expect.any(String), message: expect.any(String) }),
    ]);
    expect(await traceOf(customerId)).toEqual(before);
    const listed = await product.call("GET", "/customers?maxpagesize=200");
    expect(JSON.stringify(listed.body)).not.toContain(customerId);
  });

  test("On looks only at the subscription that is named", async () => {
    const [first, second] = product.customer("Fabrikam").subscriptions;
    const customerId = product.customer("Fabrikam").tenantId;
    const wrong = await put(customerId, { state: "On", subscriptionId: first?.subscriptionId.toUpperCase() });
    expectRefusal(wrong, 409, "OwnerRoleMissing");
    const right = await put(customerId, { state: "On", subscriptionId: second?.subscriptionId.toUpperCase() });
    expect(right.body.changed).toBe(true);
    expect(await readLog(product, customerId)).toMatchObject([
      { evidence: { subscriptions: [{ subscriptionId: second?.subscriptionId }] } },
    ]);
  });

  test.each([true, false, undefined])("acknowledgedCharges %p is on the record", async (acknowledgedCharges) => {
    const customerId = nextCustomer();
    await put(customerId, { state: "On", ...(acknowledgedCharges === undefined ? {} : { acknowledgedCharges }) });
    const [activity] = await readLog(product, customerId);
    expect(activity).toMatchObject(acknowledgedCharges === undefined ? {} : { acknowledgedCharges });
    expect(Object.hasOwn(activity!, "acknowledgedCharges")).toBe(acknowledgedCharges !== undefined);
  });

  test.each([
    ["500 characters", "x".repeat(500)],
    ["500 emoji", "🙂".repeat(500)],
    ["nothing", ""],
    ["Japanese", "お客様のご依頼により有効化しました"],
    ["quotes and brackets", `"'\`<script>alert(1)</script>{{7*7}}\${x} or '1'='1`],
    ["line ends and tabs", "one\ntwo\r\nthree\tfour\u2028five"],
    ["right-to-left text and its marks", "\u202eطلب العميل\u202c \u200f"],
    ["a NUL and other controls", "a\u0000b\u0001\u001b[31m\u007f\ufeff"],
    ["letters in two forms", "\u00e9 e\u0301 \ufb01"],
    ["blanks around it", "  spaced  "],
  ])("a reason of %s is on the record as it was sent", async (_, reason) => {
    const customerId = nextCustomer();
    const { status, body } = await put(customerId, { state: "On", reason });
    expect([status, body.reason]).toEqual([200, reason]);
    expect((await get(customerId)).body.reason).toBe(reason);
    const log = await readLog(product, customerId);
    expect(log).toMatchObject([{ reason }]);
    expect(faultsOfLog(log)).toEqual([]);
  });

  test.each([
    ["501 characters", "x".repeat(501)],
    ["501 emoji", "🙂".repeat(501)],
  ])("a reason of %s is too long", async (_, reason) => {
    const customerId = nextCustomer();
    expectRefusal(await put(customerId, { state: "On", reason }), 400, "InvalidRequest", "reason");
    expect(await readLog(product, customerId)).toEqual([]);
  });

  test("a reason belongs to its change: the next one without a reason has none", async () => {
    const customerId = nextCustomer();
    await put(customerId, { state: "On", reason: "of the first" });
    const { body } = await put(customerId, { state: "Off" });
    expect(body).not.toHaveProperty("reason");
    expect((await get(customerId)).body).not.toHaveProperty("reason");
  });

  test("eight callers at once turn it once", async () => {
    const customerId = nextCustomer();
    const answers = await Promise.all(Array.from({ length: 8 }, () => put(customerId, { state: "On" })));
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200));
    expect(answers.filter(({ body }) => body.changed)).toHaveLength(1);
    expect(new Set(answers.map(({ body }) => body.changeId)).size).toBe(1);
    expect(await readLog(product, customerId)).toHaveLength(1);
  });

  test("both switches of a customer, turned at once, are both turned", async () => {
    const customerId = nextCustomer();
    const answers = await Promise.all([
      put(customerId, { state: "On" }, {}, "azureReservations"),
      put(customerId, { state: "On" }, {}, "azureSavingsPlans"),
    ]);
    expect(answers.map(({ body }) => body.changed)).toEqual([true, true]);
    const log = await readLog(product, customerId);
    expect(faultsOfLog(log)).toEqual([]);
    expect(log.map((activity) => activity.product).sort()).toEqual(["azureReservations", "azureSavingsPlans"]);
  });

  test("a change that was decided on before another one was written is decided on again, and neither is lost", async () => {
    const customerId = nextCustomer();
    await put(customerId, { state: "On" });
    let isHeld = false;
    product.storage.fate = ({ path }) => {
      if (path !== "/$batch" || isHeld) return "forward";
      isHeld = true;
      return { delay: 1_000 };
    };
    const late = put(customerId, { state: "Off" });
    await eventually(async () => expect(isHeld).toBe(true));
    const early = await put(customerId, { state: "On" }, {}, "azureSavingsPlans");

    expect([early.body.changed, (await late).body.changed]).toEqual([true, true]);
    const [switches, log] = await traceOf(customerId);
    expect(switches.value).toMatchObject([{ state: "Off" }, { state: "On" }]);
    expect(log).toHaveLength(3);
    expect(faultsOfLog(log)).toEqual([]);
  });
});

describe("with If-Match", () => {
  test("the tag of the switch lets a change pass, its successor the next one", async () => {
    const customerId = nextCustomer();
    const first = await put(customerId, { state: "On" }, { "if-match": await tagOf(customerId) });
    expect([first.status, first.body.changed]).toEqual([200, true]);
    const next = await put(customerId, { state: "Off" }, { "if-match": first.headers.get("etag") ?? "" });
    expect([next.status, next.body.changed]).toEqual([200, true]);
  });

  test.each<[string, (tag: string) => string]>([
    ["a star", () => "*"],
    ["the tag among others", (tag) => `"other" , ${tag}`],
  ])("%s lets it pass", async (_, make) => {
    const customerId = nextCustomer();
    const { body } = await put(customerId, { state: "On" }, { "if-match": make(await tagOf(customerId)) });
    expect(body.changed).toBe(true);
  });

  test.each<[string, (tag: string) => string]>([
    ["another tag", () => '"other"'],
    ["the tag, but weak", (tag) => `W/${tag}`],
    ["a part of the tag", (tag) => `${tag.slice(0, -3)}"`],
  ])("%s: 412, and nothing changes", async (_, make) => {
    const customerId = nextCustomer();
    await put(customerId, { state: "On" });
    const before = await traceOf(customerId);
    const headers = { "if-match": make(await tagOf(customerId)) };
    expectRefusal(await put(customerId, { state: "Off" }, headers), 412, "ConditionNotMet", "If-Match");
    const byName = { customerId, product: "azureReservations", state: "Off" };
    expectRefusal(
      await product.call("POST", "/SetCustomerPermission", { headers, body: byName }),
      412,
      "ConditionNotMet",
      "If-Match",
    );
    expect(await traceOf(customerId)).toEqual(before);
  });

  test("a stale tag does not hold even for the state the switch has, nor asks Azure Resource Manager", async () => {
    const customerId = nextCustomer();
    const stale = await tagOf(customerId);
    await put(customerId, { state: "On" });
    const asked = product.arm.requests.count();
    expectRefusal(await put(customerId, { state: "On" }, { "if-match": stale }), 412, "ConditionNotMet");
    await put(customerId, { state: "Off" });
    expectRefusal(await put(customerId, { state: "On" }, { "if-match": stale }), 412, "ConditionNotMet");
    expect(product.arm.requests.count()).toBe(asked);
  });

  test("there and back gives another tag", async () => {
    const customerId = nextCustomer();
    const tags = [await tagOf(customerId)];
    for (const state of ["On", "Off", "On"]) tags.push((await put(customerId, { state })).headers.get("etag") ?? "");
    expect(new Set(tags).size).toBe(4);
  });

  test("a change of one switch leaves the tag of the other", async () => {
    const customerId = nextCustomer();
    const tag = await tagOf(customerId, "azureSavingsPlans");
    await put(customerId, { state: "On" });
    expect(await tagOf(customerId, "azureSavingsPlans")).toBe(tag);
    expect((await put(customerId, { state: "On" }, { "if-match": tag }, "azureSavingsPlans")).body.changed).toBe(true);
  });

  test.each(["other", '"open', '"a" "b"', '*, "a"', "", "0x8D"])(
    "%p is malformed, and nothing changes",
    async (wrong) => {
      const customerId = randomUUID();
      expectRefusal(await put(customerId, { state: "Off" }, { "if-match": wrong }), 400, "InvalidRequest", "If-Match");
    },
  );

  test("of two who saw the same, one comes first and the other is told", async () => {
    const customerId = nextCustomer();
    await put(customerId, { state: "On" });
    const headers = { "if-match": await tagOf(customerId) };
    const answers = await Promise.all(Array.from({ length: 4 }, () => put(customerId, { state: "Off" }, headers)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412]);
  });
});

describe("a repeated request", () => {
  const repeat = (id: string): Headers => ({ "repeatability-request-id": id });

  test("gets the first answer again", async () => {
    const [customerId, id] = [nextCustomer(), randomUUID()];
    const first = await put(customerId, { state: "On", reason: "why" }, repeat(id));
    const again = await put(customerId, { reason: "why", state: "On" }, repeat(id.toUpperCase()));
    expect(first.body).toMatchObject({ changed: true, changeId: id });
    expect([again.status, again.body]).toEqual([200, first.body]);
    for (const { headers } of [first, again]) {
      expect(headers.get("etag")).toBe(first.headers.get("etag"));
      expect(headers.get("repeatability-result")).toBe("accepted");
    }
    expect(await readLog(product, customerId)).toHaveLength(1);
  });

  test("gets it also after others turned the switch, and turns nothing back", async () => {
    const [customerId, id] = [nextCustomer(), randomUUID()];
    const first = await put(customerId, { state: "On" }, repeat(id));
    await put(customerId, { state: "Off" }, repeat(randomUUID()));
    const before = await traceOf(customerId);
    product.arm.faults.down = true;
    const again = await put(customerId, { state: "On" }, { ...repeat(id), "if-match": '"stale"' });
    expect([again.status, again.body]).toEqual([200, first.body]);
    expect(await traceOf(customerId)).toEqual(before);
    expect((await get(customerId)).body.state).toBe("Off");
  });

  test("gets it through the other door too", async () => {
    const [customerId, id] = [nextCustomer(), randomUUID()];
    const first = await put(customerId, { state: "On" }, repeat(id));
    const again = await product.call("POST", "/SetCustomerPermission", {
      headers: repeat(id),
      body: { customerId, product: "azureReservations", state: "On" },
    });
    expect(again.body).toEqual(first.body);
  });

  test.each<[string, object, string]>([
    ["another state", { state: "Off", reason: "why" }, "azureReservations"],
    ["another reason", { state: "On", reason: "because" }, "azureReservations"],
    ["no reason", { state: "On" }, "azureReservations"],
    ["one field more", { state: "On", reason: "why", acknowledgedCharges: true }, "azureReservations"],
    ["a subscription", { state: "On", reason: "why", subscriptionId: randomUUID() }, "azureReservations"],
    ["another product", { state: "On", reason: "why" }, "azureSavingsPlans"],
  ])("with %s is another request: 422, and nothing changes", async (_, body, which) => {
    const [customerId, id] = [nextCustomer(), randomUUID()];
    await put(customerId, { state: "On", reason: "why" }, repeat(id));
    const before = await traceOf(customerId);
    expectRefusal(await put(customerId, body, repeat(id), which), 422, "RequestIdReused");
    expect(await traceOf(customerId)).toEqual(before);
  });

  test.each(["MS-RequestId", "Idempotency-Key", "repeatability-request-id"])("is known by %s as well", async (name) => {
    const [customerId, id] = [nextCustomer(), randomUUID()];
    const first = await put(customerId, { state: "On" }, repeat(id));
    expect((await put(customerId, { state: "On" }, { [name]: id })).body).toEqual(first.body);
    const all = { ...repeat(id), "MS-RequestId": id.toUpperCase(), "Idempotency-Key": id };
    expect((await put(customerId, { state: "On" }, all)).body).toEqual(first.body);
    expectRefusal(await put(customerId, { state: "Off" }, { [name]: id }), 422, "RequestIdReused");
  });

  test("with two different ids is refused", async () => {
    const customerId = nextCustomer();
    for (const name of ["MS-RequestId", "Idempotency-Key"]) {
      const headers = { ...repeat(randomUUID()), [name]: randomUUID() };
      expectRefusal(await put(customerId, { state: "On" }, headers), 400, "InvalidRequest");
    }
    expect(await readLog(product, customerId)).toEqual([]);
  });

  test.each(["42", "", "not-a-guid", `{${randomUUID()}}`, `${randomUUID()}0`, `${randomUUID()}, ${randomUUID()}`])(
    "with the id %p is refused, whatever the header is called",
    async (id) => {
      for (const name of ["Repeatability-Request-ID", "MS-RequestId", "Idempotency-Key"]) {
        expectRefusal(await put(randomUUID(), { state: "Off" }, { [name]: id }), 400, "InvalidRequest", name);
      }
    },
  );

  test("is one of its customer: the same id at another customer is a new request", async () => {
    const id = randomUUID();
    const [one, other] = [nextCustomer(), nextCustomer()];
    await put(one, { state: "On" }, repeat(id));
    const { status, body } = await put(other, { state: "On", reason: "another body" }, repeat(id));
    expect([status, body]).toMatchObject([200, { customerId: other, changed: true }]);
  });

  test("eight times at once is one change, one activity and one answer", async () => {
    const [customerId, id] = [nextCustomer(), randomUUID()];
    const answers = await Promise.all(Array.from({ length: 8 }, () => put(customerId, { state: "On" }, repeat(id))));
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(200));
    for (const { body } of answers) expect(body).toEqual({ ...answers[0]?.body, changed: true });
    expect(await readLog(product, customerId)).toHaveLength(1);
  });

  test("that was refused is decided anew", async () => {
    const customer = product.customer("Adatum");
    const id = randomUUID();
    expectRefusal(await put(customer.tenantId, { state: "On" }, repeat(id)), 409, "OwnerRoleMissing");
    const [subscription] = customer.subscriptions;
    customer.roleAssignments.push(
      makeAssignment({
        scope: scopes.subscription(subscription!),
        roleDefinitionId: roles.owner,
        principalId: guidOf("the Owner who came later"),
        principalType: "User",
      }),
    );
    const granted = await put(customer.tenantId, { state: "On" }, repeat(id));
    expect([granted.status, granted.body.changed]).toEqual([200, true]);
    expect((await put(customer.tenantId, { state: "On" }, repeat(id))).body).toEqual(granted.body);
  });

  test("that changed nothing is not kept: its id is free for another", async () => {
    const [customerId, id] = [nextCustomer(), randomUUID()];
    expect((await put(customerId, { state: "Off" }, repeat(id))).body.changed).toBe(false);
    expect((await put(customerId, { state: "On" }, repeat(id))).body.changed).toBe(true);
  });
});

describe("the operation of a change", () => {
  test("has succeeded, under the caller's id or ours", async () => {
    const [customerId, id] = [nextCustomer(), randomUUID()];
    await put(customerId, { state: "On" }, { "MS-RequestId": id });
    const { changeId } = (await put(customerId, { state: "Off" })).body;
    for (const each of [id, id.toUpperCase(), changeId]) {
      const { status, body } = await product.call("GET", `/customers/${customerId}/operations/${each}`);
      expect([status, body]).toEqual([200, { id: each.toLowerCase(), status: "Succeeded" }]);
    }
  });

  test("is not known to other customers, and one that never was is not found", async () => {
    const [customerId, id] = [nextCustomer(), randomUUID()];
    await put(customerId, { state: "On" }, { "MS-RequestId": id });
    for (const path of [`${nextCustomer()}/operations/${id}`, `${customerId}/operations/${randomUUID()}`]) {
      expectRefusal(await product.call("GET", `/customers/${path}`), 404, "NotFound", "changeId");
    }
  });
});

describe("request ids", () => {
  test("every answer has one of its own, whatever the status", async () => {
    const customerId = nextCustomer();
    const stale = { "if-match": '"stale"' };
    const reused = { "repeatability-request-id": randomUUID() };
    await put(customerId, { state: "On" }, reused);
    const answers = [
      await get(customerId),
      await get(customerId, { "if-none-match": "*" }),
      await get("no-guid"),
      await product.call("GET", pathOf(customerId), { token: null }),
      await product.call("GET", pathOf(customerId), { token: await product.token({ roles: [] }) }),
      await get(customerId, {}, "azureEverything"),
      await put(product.customer("Litware").tenantId, { state: "On" }),
      await put(customerId, { state: "Off" }, stale),
      await put(customerId, { state: "Off" }, reused),
      await product.call("PUT", pathOf(customerId), { body: " ".repeat(20_000) }),
      await product.call("GET", "/health", { token: null }),
    ];
    product.storage.fate = () => ({ status: 503 });
    answers.push(await get(customerId));
    expect(answers.map(({ status }) => status)).toEqual([200, 304, 400, 401, 403, 404, 409, 412, 422, 413, 200, 503]);
    const ids = answers.map(({ headers }) => headers.get("x-ms-request-id"));
    for (const id of ids) expect(id).toEqual(guid);
    expect(new Set(ids).size).toBe(answers.length);
  });

  const trace = "0af7651916cd43dd8448eb211c80319c";
  test.each<[string, Headers, string | undefined, Headers]>([
    [
      "x-ms-client-request-id",
      { "x-ms-client-request-id": "mine-1" },
      "mine-1",
      { "x-ms-client-request-id": "mine-1" },
    ],
    ["MS-CorrelationId", { "MS-CorrelationId": "order/7" }, "order/7", { "ms-correlationid": "order/7" }],
    ["traceparent", { traceparent: `00-${trace}-b7ad6b7169203331-01` }, trace, {}],
    [
      "all of them, of which MS-CorrelationId counts",
      {
        traceparent: `00-${trace}-b7ad6b7169203331-01`,
        "x-ms-client-request-id": "mine-2",
        "MS-CorrelationId": "order/8",
      },
      "order/8",
      { "x-ms-client-request-id": "mine-2", "ms-correlationid": "order/8" },
    ],
    ["none", {}, undefined, {}],
    ["an odd traceparent", { traceparent: "00-xyz" }, undefined, {}],
    ["one that is too long", { "x-ms-client-request-id": "x".repeat(129) }, undefined, {}],
    ["one with blanks", { "MS-CorrelationId": "a b" }, undefined, {}],
    ["one with other letters", { "x-ms-client-request-id": "ä" }, undefined, {}],
  ])("of the caller: %s", async (_, headers, correlationId, echoed) => {
    const customerId = nextCustomer();
    const answer = await put(customerId, { state: "On" }, headers);
    expect(answer.status).toBe(200);
    for (const name of ["x-ms-client-request-id", "ms-correlationid"]) {
      expect(answer.headers.get(name)).toBe(echoed[name] ?? null);
    }
    const [activity] = (await readLog(product, customerId)) as { requestId?: string; correlationId?: string }[];
    expect(activity?.requestId).toBe(answer.headers.get("x-ms-request-id"));
    expect(activity?.correlationId).toBe(correlationId);
  });

  test("of the caller come back with refusals too", async () => {
    const headers = { "x-ms-client-request-id": "mine-3", "MS-RequestId": randomUUID() };
    const refused = await product.call("GET", "/activities", { token: null, headers });
    expect(refused.headers.get("x-ms-client-request-id")).toBe("mine-3");
    expect(refused.headers.get("ms-requestid")).toBe(headers["MS-RequestId"]);
  });
});
