/** In live mode the policy in Partner Center really moves, and a switch is On only when Partner Center says so. */

import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import type { Fault, FaultRule } from "../local/stand-ins/faults.ts";
import { makeEligibleCustomers, oneByOne } from "./harness/customers.ts";
import { eventually, faultsOfLog, type LoggedActivity, readLog } from "./harness/ledger.ts";
import { type Answer, type Product, startProduct } from "./harness/product.ts";
import { faultsForChange } from "./harness/tenants.ts";

const customers = makeEligibleCustomers(120);
const nextCustomer = oneByOne(customers);
const reservations = "AzureReservedInstances";
const savings = "AzureSavingsPlan";

let product: Product;
beforeAll(async () => {
  product = await startProduct({ customers, partnerCenterMode: "live" });
});
afterEach(() => {
  product.partnerCenter.faults.clear();
  product.entra.partnerUsers[0]!.mfa = true;
  product.partnerCenter.behaviour.writesDoNothing = false;
});
afterAll(() => product.stop());

const put = (
  customerId: string,
  state: "On" | "Off",
  one = "azureReservations",
  headers: Record<string, string> = {},
) => product.call("PUT", `/customers/${customerId}/permissions/${one}`, { body: { state }, headers });

/** Record, policy and log agree, and the log is whole. */
async function expectTruth(customerId: string, resources: string[], entries: [operation: string, result: string][]) {
  const { body } = await product.call("GET", `/customers/${customerId}/permissions`);
  expect(body.value.map(({ state }: { state: string }) => state)).toEqual(
    [reservations, savings].map((resource) => (resources.includes(resource) ? "On" : "Off")),
  );
  expect([...product.partnerCenter.policies.resources(customerId)].sort()).toEqual([...resources].sort());
  const log = await readLog(product, customerId);
  expect(faultsOfLog(log)).toEqual([]);
  expect(log.map(({ operation, result }) => [operation.split(" ")[0], result])).toEqual(entries);
}

/** What the caller of a 202 does: asks for the operation until it has ended. */
async function endOf({ headers }: Answer): Promise<Answer> {
  const path = new URL(headers.get("operation-location") ?? "").pathname.slice("/api".length);
  return eventually(async () => {
    const operation = await product.call("GET", path);
    expect(operation.body.status).not.toBe("Running");
    return operation;
  }, 40_000);
}

async function sweepUnfinished(): Promise<void> {
  const { status } = await fetch(`${product.url}/admin/functions/SweepUnfinishedChanges`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '{"input":""}',
  });
  expect(status).toBe(202);
}

/** How each kind of move is brought about, and what it leaves. */
const moves = {
  create: { before: [], wish: ["On", "azureReservations"], after: [reservations], type: "create_self_serve_policy" },
  merge: {
    before: [savings],
    wish: ["On", "azureReservations"],
    after: [savings, reservations],
    type: "update_self_serve_policy",
  },
  unmerge: {
    before: [savings, reservations],
    wish: ["Off", "azureReservations"],
    after: [savings],
    type: "update_self_serve_policy",
  },
  delete: { before: [reservations], wish: ["Off", "azureReservations"], after: [], type: "delete_self_serve_policy" },
} as const;

async function prepare({
  before,
}: (typeof moves)[keyof typeof moves]): Promise<{ customerId: string; entries: number }> {
  const customerId = nextCustomer();
  for (const resource of before) {
    const { status } = await put(customerId, "On", resource === savings ? "azureSavingsPlans" : "azureReservations");
    expect(status).toBe(200);
  }
  return { customerId, entries: before.length };
}

const writes = /^\/v1\/SelfServePolicy/;

describe.each(Object.entries(moves))("%s", (name, move) => {
  const [state, one] = move.wish;

  test("is answered 200 when the policy reads as wished, and the log says what was done", async () => {
    const { customerId } = await prepare(move);
    const answer = await put(customerId, state, one);
    expect(answer).toMatchObject({ status: 200, body: { state, changed: true } });
    const before = move.before.map(() => ["Create", "Succeeded"] as [string, string]);
    await expectTruth(customerId, [...move.after], [...before, [state === "On" ? "Create" : "Delete", "Succeeded"]]);
    expect((await readLog(product, customerId)).at(-1)).toMatchObject({ operationType: move.type });
  });

  test("asks Partner Center and storage no more often than it has to", async () => {
    // The first one of all has to make the tables.
    await put(nextCustomer(), "On");
    const { customerId } = await prepare(move);
    const changeId = randomUUID();
    const from = product.storage.calls.length;
    await put(customerId, state, one, { "repeatability-request-id": changeId });

    const asked = product.partnerCenter.requests.entries
      .filter(({ headers }) => headers["ms-correlationid"] === changeId)
      .map(({ method }) => method);
    const ours = product.storage.calls.slice(from).flatMap(({ path, body }) => {
      if (path === "/$batch" && body.includes(changeId)) return ["commit"];
      return [/RowKey='(customer|change)\|/.exec(path)?.[1] ?? []].flat();
    });
    // Only a deletion reads the policy again, and looks again whether it is still wished: it has no etag.
    const isDeletion = name === "delete";
    const write = { create: "POST", merge: "PUT", unmerge: "PUT", delete: "DELETE" }[name];
    expect(asked).toEqual(["GET", ...(isDeletion ? ["GET"] : []), write, "GET"]);
    expect(ours).toEqual([
      ...["customer", "change", "commit", "customer"],
      ...(isDeletion ? ["change"] : []),
      "commit",
    ]);
  });

  test.each([
    ["an answer that was lost before the effect", { kind: "reset" }],
    ["an answer that was lost after the effect", { kind: "afterEffect", answer: "reset" }],
    ["a 500 before the effect", { kind: "status", status: 500 }],
    ["a 500 after the effect", { kind: "afterEffect", answer: 500 }],
    ["a 200 that did nothing", { kind: "noEffect" }],
    ["a 429", { kind: "status", status: 429, headers: { "retry-after": "1" } }],
  ] as [string, Fault][])(
    "survives %s",
    async (_, fault) => {
      const { customerId } = await prepare(move);
      const method = { create: "POST", merge: "PUT", unmerge: "PUT", delete: "DELETE" }[name] ?? "";
      product.partnerCenter.faults.add({ match: { method }, times: 1, fault });
      const answer = await put(customerId, state, one);
      expect([200, 202]).toContain(answer.status);
      if (answer.status === 202) expect((await endOf(answer)).body.status).toBe("Succeeded");
      const before = move.before.map(() => ["Create", "Succeeded"] as [string, string]);
      await expectTruth(customerId, [...move.after], [...before, [state === "On" ? "Create" : "Delete", "Succeeded"]]);
    },
    60_000,
  );

  if (name !== "create") {
    test.each(["400", "409", "412"] as const)(
      "reads again and decides again when the etag is stale (%s)",
      async (staleEtag) => {
        const { customerId } = await prepare(move);
        product.partnerCenter.behaviour.staleEtag = staleEtag;
        const method = { merge: "PUT", unmerge: "PUT", delete: "DELETE" }[name] ?? "";
        const body = { "400": { code: "2055", description: "Etag is no longer valid" }, "409": {}, "412": {} }[
          staleEtag
        ];
        product.partnerCenter.faults.add({
          match: { method },
          times: 1,
          fault: { kind: "status", status: Number(staleEtag), body },
        });
        expect(await put(customerId, state, one)).toMatchObject({ status: 200, body: { state, changed: true } });
        expect([...product.partnerCenter.policies.resources(customerId)].sort()).toEqual([...move.after].sort());
      },
    );
  }

  test.each([
    ["401/900421", 401, "900421", "MfaRequired"],
    ["403/900150", 403, "900150", "RoleMissing"],
    ["403/900329", 403, "900329", "AppOnlyToken"],
  ])(
    "that is refused with %s is answered 409 with the remedy, and logged as failed",
    async (_, status, code, reason) => {
      const { customerId } = await prepare(move);
      const method = { create: "POST", merge: "PUT", unmerge: "PUT", delete: "DELETE" }[name] ?? "";
      product.partnerCenter.faults.add({
        match: { method },
        fault: { kind: "status", status, body: { code, description: "no" } },
      });
      const changeId = randomUUID();
      const answer = await put(customerId, state, one, { "repeatability-request-id": changeId });
      const refused = {
        status: 409,
        body: { error: { code: "PartnerCenterRefused", details: [{ code: reason, partnerCenterCode: code }] } },
      };
      expect(answer).toMatchObject(refused);
      const before = move.before.map(() => ["Create", "Succeeded"] as [string, string]);
      await expectTruth(customerId, [...move.before], [...before, [state === "On" ? "Create" : "Delete", "Failed"]]);

      const error = { code: reason, partnerCenterCode: code, message: expect.stringContaining(`${status}/${code}`) };
      expect((await readLog(product, customerId)).at(-1)).toMatchObject({ error });
      const operation = `/customers/${customerId}/operations/${changeId}`;
      expect((await product.call("GET", operation)).body).toMatchObject({ status: "Failed", error });
      expect(await product.call("GET", `${operation}/result`)).toMatchObject(refused);
    },
  );
});

describe("answers that take their time, are lost, or contradict what is there, side by side:", () => {
  const notFound: Fault = { kind: "status", status: 404, body: { code: "600039", description: "Not found." } };
  const unheard: Fault = { kind: "status", status: 409, body: { code: "409999", description: "A conflict." } };
  const firstWrite = (fault: Fault): FaultRule[] =>
    ["POST", "PUT", "DELETE"].map((method) => ({ match: { method }, times: 1, fault }));
  /** Of the reads those before the write are answered, and none of the three attempts to read it back. */
  const readingBack: FaultRule = { match: { method: "GET" }, times: 3, fault: { kind: "reset" } };
  /** What becomes of each, and how many writes it takes. A refused create is the caller's to repeat. */
  const faults: [what: string, FaultRule[], create: "done" | "refused", writes: number][] = [
    ["a 404/600039 although nothing was gone", firstWrite(notFound), "refused", 2],
    ["a hang before the effect", firstWrite({ kind: "hang" }), "done", 2],
    ["a hang after the effect", firstWrite({ kind: "afterEffect", answer: "hang" }), "done", 1],
    ["a 409 without a word", firstWrite({ kind: "status", status: 409, body: {} }), "done", 2],
    ["a 409 with a code that nobody knows", firstWrite(unheard), "refused", 2],
    ["reading back that fails until later", [readingBack], "done", 1],
  ];
  const cases = Object.entries(moves).flatMap(([name, move]) =>
    faults.map(([what, rules, create, count]) => {
      const isRefused = name === "create" && create === "refused";
      return { name, what, move, rules, isRefused, count: isRefused ? 1 : count };
    }),
  );
  interface Played {
    readonly customerId: string;
    /** Before it was waited for. */
    readonly status: number;
    readonly answer: Answer;
    readonly last: LoggedActivity | undefined;
    readonly writes: number;
  }
  let played: PromiseSettledResult<Played>[] = [];

  async function play({ name, move, rules }: (typeof cases)[number]): Promise<Played> {
    const { customerId } = await prepare(move);
    const changeId = randomUUID();
    // Each write carries the change's id as MS-CorrelationId, so that every case has its own faults.
    const own = faultsForChange(product.partnerCenter, changeId);
    const readsBefore = name === "delete" ? 2 : 1;
    for (const rule of rules) own.add(rule === readingBack ? { ...rule, after: readsBefore } : rule);
    const [state, one] = move.wish;
    let answer = await put(customerId, state, one, { "repeatability-request-id": changeId });
    const { status } = answer;
    if (status === 202) {
      await endOf(answer);
      answer = await put(customerId, state, one, { "repeatability-request-id": changeId });
    }
    const ofChange = product.partnerCenter.requests.entries.filter(
      ({ headers }) => headers["ms-correlationid"] === changeId,
    );
    const last = (await readLog(product, customerId)).at(-1);
    return { customerId, status, answer, last, writes: ofChange.filter(({ method }) => method !== "GET").length };
  }

  // A write that hangs is left behind after 8 seconds: all of them wait at the same time.
  beforeAll(async () => {
    played = await Promise.allSettled(cases.map(play));
  }, 60_000);

  test.each(cases.map((each, index) => ({ ...each, index })))("$name, $what", async (each) => {
    const { move, rules, isRefused, count, index } = each;
    const outcome = played[index];
    if (outcome?.status !== "fulfilled") throw outcome?.reason;
    const { customerId, status, answer, last, writes } = outcome.value;
    const [state] = move.wish;

    const refused = { error: { code: "PartnerCenterRefused", details: [{ code: "Refused" }] } };
    expect(answer).toMatchObject(
      isRefused ? { status: 409, body: refused } : { status: 200, body: { state, changed: true } },
    );
    expect(status).toBe(rules.includes(readingBack) ? 202 : answer.status);
    expect(writes).toBe(count);
    const before = move.before.map(() => ["Create", "Succeeded"] as [string, string]);
    const verb = state === "On" ? "Create" : "Delete";
    await expectTruth(customerId, isRefused ? [...move.before] : [...move.after], [
      ...before,
      [verb, isRefused ? "Failed" : "Succeeded"],
    ]);
    expect(last).toMatchObject(isRefused ? { error: { code: "Refused" } } : { operationType: move.type });
  });
});

test("a policy that is there although we did not know is updated, never doubled", async () => {
  const customerId = nextCustomer();
  product.partnerCenter.policies.set(customerId, ["SomethingElse"]);
  expect(await put(customerId, "On")).toMatchObject({ status: 200 });
  expect(product.partnerCenter.policies.resources(customerId)).toEqual(["SomethingElse", reservations]);
  expect(await put(customerId, "Off")).toMatchObject({ status: 200 });
  expect(product.partnerCenter.policies.resources(customerId)).toEqual(["SomethingElse"]);
});

test("a write that does nothing is never reported as On: 202, and the switch stays Off until it is true", async () => {
  const customerId = nextCustomer();
  product.partnerCenter.behaviour.writesDoNothing = true;
  const answer = await put(customerId, "On");
  expect(answer).toMatchObject({ status: 202, body: { state: "Off", changed: false } });
  expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
  const result = new URL(answer.headers.get("location") ?? "").pathname.slice("/api".length);
  const waiting = await product.call("GET", result);
  expect(waiting).toMatchObject({ status: 202 });
  expect(new URL(waiting.headers.get("location") ?? "").pathname).toBe(`/api${result}`);
  expect(await readLog(product, customerId)).toEqual([]);

  expect(await put(customerId, "On")).toMatchObject({ status: 409, body: { error: { code: "ChangeInProgress" } } });

  product.partnerCenter.behaviour.writesDoNothing = false;
  expect((await endOf(answer)).body).toMatchObject({ status: "Succeeded" });
  expect(await product.call("GET", result)).toMatchObject({ status: 200, body: { state: "On", changed: true } });
  await expectTruth(customerId, [reservations], [["Create", "Succeeded"]]);
}, 60_000);

test("what is pending is shown to whoever reads the switch, with a tag of its own, until it has ended", async () => {
  const customerId = nextCustomer();
  const path = `/customers/${customerId}/permissions/azureReservations`;
  const read = (headers = {}) => product.call("GET", path, { headers });
  const tagOf = ({ headers }: Answer) => headers.get("etag") ?? "";
  const before = await read();
  product.partnerCenter.behaviour.writesDoNothing = true;
  const answer = await put(customerId, "On", "azureReservations", { "if-match": tagOf(before) });
  expect(answer).toMatchObject({ status: 202, body: expect.not.objectContaining({ pending: expect.anything() }) });

  const pending = {
    changeId: answer.headers.get("operation-location")?.split("/").at(-1),
    state: "On",
    since: expect.stringMatching(/^\d{4}-.*Z$/),
  };
  const during = await read({ "if-none-match": tagOf(before) });
  expect(during).toMatchObject({ status: 200, body: { state: "Off", pending } });
  expect(tagOf(during)).not.toBe(tagOf(before));
  expect((await read({ "if-none-match": tagOf(during) })).status).toBe(304);
  const asListed = [{ product: "azureReservations", pending }, { product: "azureSavingsPlans" }];
  const ofCustomer = await product.call("GET", `/customers/${customerId}/permissions`);
  expect(ofCustomer.body.value).toMatchObject(asListed);
  expect(ofCustomer.body.value[1]).not.toHaveProperty("pending");
  expect((await product.call("GET", `/customers/${customerId}`)).body.permissions).toEqual(ofCustomer.body.value);

  // The switch has not moved: who read it before is as right as who read it since.
  for (const tag of [before, during].map(tagOf)) {
    expect(await put(customerId, "On", "azureReservations", { "if-match": tag })).toMatchObject({
      ...{ status: 409, body: { error: { code: "ChangeInProgress", details: [{ product: "azureReservations" }] } } },
    });
  }
  expect((await put(customerId, "On", "azureReservations", { "if-match": '"another"' })).status).toBe(412);

  product.partnerCenter.behaviour.writesDoNothing = false;
  await endOf(answer);
  const after = await read({ "if-none-match": tagOf(during) });
  expect(after).toMatchObject({ status: 200, body: { state: "On" } });
  expect(after.body).not.toHaveProperty("pending");
  for (const tag of [before, during].map(tagOf)) {
    expect((await put(customerId, "Off", "azureReservations", { "if-match": tag })).status).toBe(412);
  }
}, 60_000);

test("what was read while a change was pending is good for If-Match when that one has failed", async () => {
  const customerId = nextCustomer();
  product.partnerCenter.behaviour.writesDoNothing = true;
  const answer = await put(customerId, "On");
  expect(answer.status).toBe(202);
  const path = `/customers/${customerId}/permissions/azureReservations`;
  const during = (await product.call("GET", path)).headers.get("etag") ?? "";
  await product.kill();
  await product.start({ behind: -20 * 60 });
  await sweepUnfinished();
  expect(await endOf(answer)).toMatchObject({ body: { status: "Failed" } });

  product.partnerCenter.behaviour.writesDoNothing = false;
  expect(await product.call("GET", path, { headers: { "if-none-match": during } })).toMatchObject({
    ...{ status: 200, body: expect.not.objectContaining({ pending: expect.anything() }) },
  });
  const again = { "if-match": `"another", ${during}` };
  expect(await put(customerId, "On", "azureReservations", again)).toMatchObject({
    status: 200,
    body: { changed: true },
  });
  await product.kill();
  await product.start();
}, 60_000);

test("a repeated request gets the answer of the change as it stands, and makes no second one", async () => {
  const customerId = nextCustomer();
  const headers = { "repeatability-request-id": randomUUID() };
  product.partnerCenter.behaviour.writesDoNothing = true;
  const first = await put(customerId, "On", "azureReservations", headers);
  expect(first.status).toBe(202);
  expect(await put(customerId, "On", "azureReservations", headers)).toMatchObject({ status: 202 });
  product.partnerCenter.behaviour.writesDoNothing = false;
  await endOf(first);
  expect(await put(customerId, "On", "azureReservations", headers)).toMatchObject({
    status: 200,
    body: { changed: true },
  });
  await expectTruth(customerId, [reservations], [["Create", "Succeeded"]]);
}, 60_000);

test("Off overtakes an On that is stuck, and is confirmed only after its last write has surely landed", async () => {
  const customerId = nextCustomer();
  // An instance that lived a minute ago, so that nobody has to wait until a late write must have landed.
  await product.kill();
  await product.start({ behind: 60 });
  product.partnerCenter.behaviour.writesDoNothing = true;
  const on = await put(customerId, "On");
  expect(on.status).toBe(202);
  product.partnerCenter.behaviour.writesDoNothing = false;

  const off = await put(customerId, "Off");
  expect(off).toMatchObject({ status: 202, body: { state: "Off", changed: false } });
  expect(await endOf(on)).toMatchObject({ body: { status: "Canceled" } });
  // The overtaken On lands late, as a write that was under way would.
  product.partnerCenter.policies.set(customerId, [reservations]);
  await product.kill();
  await product.start();
  await sweepUnfinished();
  expect(await endOf(off)).toMatchObject({ body: { status: "Succeeded" } });
  await expectTruth(
    customerId,
    [],
    [
      ["Create", "Failed"],
      ["Delete", "Succeeded"],
    ],
  );
}, 60_000);

test.each([
  {
    what: "and takes back what that one writes late",
    recorded: [],
    late: [savings, reservations],
    after: [],
    stuck: "It also takes back what this one may bring about in Partner Center.",
    type: "delete_self_serve_policy",
  },
  {
    what: "and leaves it On when that is what our record says",
    recorded: ["azureReservations"],
    late: [savings, reservations],
    after: [reservations],
    stuck: "This permission stays On as recorded.",
    type: "update_self_serve_policy",
  },
])(
  "Off overtakes an On of the other switch that is stuck, $what",
  async ({ recorded, late, after, stuck, type }) => {
    const customerId = nextCustomer();
    await product.kill();
    await product.start({ behind: 60 });
    for (const one of ["azureSavingsPlans", ...recorded]) expect((await put(customerId, "On", one)).status).toBe(200);
    // Somebody took reservations away in Partner Center, or they never were there.
    product.partnerCenter.policies.set(customerId, [savings]);
    product.partnerCenter.behaviour.writesDoNothing = true;
    const on = await put(customerId, "On");
    expect(on.status).toBe(202);
    product.partnerCenter.behaviour.writesDoNothing = false;

    const off = await put(customerId, "Off", "azureSavingsPlans");
    expect(off).toMatchObject({ status: 202, body: { state: "On", changed: false } });
    expect(await endOf(on)).toMatchObject({ body: { status: "Canceled", error: { code: "Overtaken" } } });
    expect(product.partnerCenter.policies.resources(customerId)).toEqual([]);
    // The overtaken On lands late, with what it had read before.
    product.partnerCenter.policies.set(customerId, late);
    await product.kill();
    await product.start();
    await sweepUnfinished();
    expect(await endOf(off)).toMatchObject({ body: { status: "Succeeded" } });

    const before = ["azureSavingsPlans", ...recorded].map(() => ["Create", "Succeeded"] as [string, string]);
    await expectTruth(customerId, after, [...before, ["Create", "Failed"], ["Delete", "Succeeded"]]);
    const [failed, last] = (await readLog(product, customerId)).slice(-2);
    expect(failed).toMatchObject({
      ...{ product: "azureReservations", changeId: on.headers.get("operation-location")?.split("/").at(-1) },
      error: { code: "Overtaken", message: expect.stringContaining(stuck) },
    });
    expect(last).toMatchObject({ product: "azureSavingsPlans", operationType: type });
  },
  60_000,
);

test("On is not even begun while Partner Center is down; Off is accepted and followed up", async () => {
  const customerId = nextCustomer();
  expect(await put(customerId, "On")).toMatchObject({ status: 200 });
  product.partnerCenter.faults.down = true;
  expect(await put(customerId, "On", "azureSavingsPlans")).toMatchObject({ status: 503 });
  const off = await put(customerId, "Off");
  expect(off.status).toBe(202);
  product.partnerCenter.faults.down = false;
  expect(await endOf(off)).toMatchObject({ body: { status: "Succeeded" } });
  await expectTruth(
    customerId,
    [],
    [
      ["Create", "Succeeded"],
      ["Delete", "Succeeded"],
    ],
  );
}, 90_000);

test("On on a switch that is On is verified in Partner Center, and puts right what was moved there", async () => {
  const customerId = nextCustomer();
  await put(customerId, "On");
  expect(await put(customerId, "On")).toMatchObject({ status: 200, body: { changed: false } });
  product.partnerCenter.policies.delete(customerId);
  expect(await put(customerId, "On")).toMatchObject({ status: 200, body: { changed: true } });
  await expectTruth(
    customerId,
    [reservations],
    [
      ["Create", "Succeeded"],
      ["Create", "Succeeded"],
    ],
  );
});

test("a sign-in without a second factor is refused before anything is begun", async () => {
  const customerId = nextCustomer();
  product.partnerCenter.faults.add({
    match: { path: writes },
    fault: { kind: "status", status: 401, body: { code: "900421", description: "MFA required" } },
  });
  expect(await put(customerId, "On")).toMatchObject({
    status: 409,
    body: { error: { code: "PartnerCenterRefused", details: [{ code: "MfaRequired", partnerCenterCode: "900421" }] } },
  });
  await expectTruth(customerId, [], []);
});

test.each(["before the policy is moved", "after the policy was moved", "after the change was finished"])(
  "a crash %s heals to what Partner Center says",
  async (when) => {
    const customerId = nextCustomer();
    const id = randomUUID();
    let commits = 0;
    await product.kill();
    await product.start({ behind: 120 });
    product.storage.fate = ({ path }) => {
      if (path !== "/$batch") return "forward";
      commits += 1;
      if (when === "before the policy is moved" && commits === 1) return { afterwards: () => product.kill() };
      if (when === "after the policy was moved" && commits === 2) {
        void product.kill();
        return "hang";
      }
      if (when === "after the change was finished" && commits === 2) return { afterwards: () => product.kill() };
      return "forward";
    };
    await put(customerId, "On", "azureReservations", { "repeatability-request-id": id }).catch(() => undefined);
    product.storage.fate = () => "forward";
    await product.start();
    await sweepUnfinished();
    await eventually(async () => {
      expect(await put(customerId, "On", "azureReservations", { "repeatability-request-id": id })).toMatchObject({
        status: 200,
        body: { state: "On", changed: true, changeId: id },
      });
    }, 20_000);
    await expectTruth(customerId, [reservations], [["Create", "Succeeded"]]);
    // Whoever knew what was done in Partner Center is gone: the log does not make it up.
    const [entry] = await readLog(product, customerId);
    if (when === "after the policy was moved") expect(entry).not.toHaveProperty("operationType");
    else expect(entry).toMatchObject({ operationType: "create_self_serve_policy" });
  },
  60_000,
);
