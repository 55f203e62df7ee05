/** The log's hash chain: whatever is changed, by whom and when, an auditor can verify it from the API alone. */

import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { activityColumns, activityOf } from "../shared/adapters/activity-row.ts";
import { type Activity, hashOf } from "../shared/domain/activity.ts";
import { fingerprintOf, grantChange, type Occasion, type Wish } from "../shared/domain/change.ts";
import { type CustomerRecord, products, untouchedCustomer } from "../shared/domain/permission.ts";
import { faultIn } from "./fakes/chain-verifier.ts";
import { ada, contoso, idOf, noon, robot } from "./fakes/facts.ts";

/** Any text that UTF-8 can carry: control characters, quotes, emoji, what looks like JSON. */
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ unit: "grapheme", maxLength: 10 }),
  fc.constantFrom('"', "\\", '","hash":"', "\u0000\u001f\u007f", "\u2028\u2029", "👩‍💻", "é vs e\u0301", "__proto__"),
);

const evidence = fc.record({
  checkedAt: fc.constant(noon.toISOString()),
  subscriptions: fc.array(
    fc.record({
      subscriptionId: fc.constant(idOf<"subscription">(1)),
      displayName: text,
      state: fc.constant("Enabled"),
      quotaId: fc.constant("CSP_2015-05-01"),
      counts: fc.boolean(),
      owners: fc.array(
        fc.record({
          principalId: fc.uuid(),
          principalType: fc.constant("User"),
          scope: text,
          conditional: fc.boolean(),
        }),
        { maxLength: 2 },
      ),
      ignoredOwners: fc.constant([]),
    }),
    { maxLength: 2 },
  ),
});

const wish = fc.record(
  {
    customerId: fc.constant(contoso),
    product: fc.constantFrom(...products),
    state: fc.constantFrom("On" as const, "Off" as const),
    reason: text,
    subscriptionId: fc.constantFrom(idOf<"subscription">(1), idOf<"subscription">(2)),
    acknowledgedCharges: fc.boolean(),
  },
  { requiredKeys: ["customerId", "product", "state"] },
);

/** The clocks of instances differ, and jump. */
const clock = fc.date({ min: new Date("2000-01-01"), max: new Date("2100-01-01"), noInvalidDate: true });

const occasion = fc.record(
  {
    changeId: fc.uuid().map((id) => id as Occasion["changeId"]),
    by: fc.oneof(
      fc.constant(robot),
      text.map((name) => ({ ...ada, name })),
    ),
    at: clock,
    requestId: text,
    correlationId: text,
    evidence,
  },
  { requiredKeys: ["changeId", "by", "at", "requestId"] },
);

const changes = fc.array(fc.tuple(wish, occasion), { minLength: 1, maxLength: 12 });

function play(steps: readonly (readonly [Wish, Occasion])[]): { record: CustomerRecord; log: Activity[] } {
  let record = untouchedCustomer(contoso);
  const log = steps.map(([step, when]) => {
    const granted = grantChange(record, step, when);
    record = granted.record;
    return granted.activity;
  });
  return { record, log };
}

const endOf = ({ sequence, headHash }: CustomerRecord) => ({ sequence, headHash });

describe("any sequence of changes", () => {
  test("gives a chain without gaps that verifies from its JSON and ends where the record says", () => {
    fc.assert(
      fc.property(changes, (steps) => {
        const { record, log } = play(steps);

        expect(faultIn(JSON.stringify(log), endOf(record))).toBeUndefined();
        expect(record.sequence).toBe(steps.length);
        expect(log.map(({ sequence }) => sequence)).toEqual(steps.map((_, index) => index + 1));
      }),
    );
  });

  test("has times that never run backwards, and are the clock's own when it did not jump back", () => {
    fc.assert(
      fc.property(changes, (steps) => {
        const { log } = play(steps);

        let latest = 0;
        for (const [index, { at }] of log.entries()) {
          latest = Math.max(latest, steps[index]![1].at.getTime());
          expect(at).toBe(new Date(latest).toISOString());
        }
      }),
    );
  });

  test("leaves each switch as the last entry about it says, and both Off before", () => {
    fc.assert(
      fc.property(changes, (steps) => {
        const { record, log } = play(steps);

        for (const product of products) {
          const last = log.findLast((entry) => entry.product === product);
          const { state, changedAt, changedBy, changeId, reason } = record.switches[product];
          expect(state).toBe(last?.operation.startsWith("Create") ? "On" : "Off");
          expect({ changedAt, changedBy, changeId, reason }).toEqual({
            changedAt: last?.at ?? null,
            changedBy: last?.by ?? null,
            changeId: last?.changeId ?? null,
            reason: last?.reason,
          });
        }
      }),
    );
  });

  test("says everything that was asked, and nothing that was not", () => {
    fc.assert(
      fc.property(wish, occasion, (asked, when) => {
        const { activity, created, record } = grantChange(untouchedCustomer(contoso), asked, when);

        const { subscriptionId: _, state, ...recorded } = asked;
        const { at, ...occasional } = when;
        expect(activity).toEqual({
          id: `${contoso}-1`,
          sequence: 1,
          ...recorded,
          ...occasional,
          operation: `${state === "On" ? "Create" : "Delete"} Customer Purchase Permissions`,
          result: "Succeeded",
          ...(state === "Off" ? { realigned: true } : {}),
          at: at.toISOString(),
          previousHash: "0".repeat(64),
          hash: activity.hash,
        });
        expect(Object.values(activity)).not.toContain(undefined);
        expect(created).toEqual({
          changeId: when.changeId,
          fingerprint: fingerprintOf(asked),
          at: activity.at,
          status: "Succeeded",
          permission: { customerId: contoso, product: asked.product, ...record.switches[asked.product] },
        });
      }),
    );
  });
});

describe("tampering is seen:", () => {
  const tampered = changes.chain((steps) => {
    const { record, log } = play(steps);
    return fc.record({
      record: fc.constant(record),
      log: fc.constant(log),
      at: fc.nat({ max: log.length - 1 }),
      leaf: fc.nat(),
    });
  });

  test("any value of any entry edited", () => {
    fc.assert(
      fc.property(tampered, ({ record, log, at, leaf }) => {
        const forged = JSON.parse(JSON.stringify(log));
        editLeaf(forged[at], leaf);

        expect(faultIn(JSON.stringify(forged), endOf(record))).toMatch(/^entry \d+ /);
      }),
    );
  });

  test("an entry edited and sealed again", () => {
    fc.assert(
      fc.property(tampered, ({ record, log, at }) => {
        const forged = log.with(at, sealed({ ...log[at]!, reason: `${log[at]!.reason} not` }));

        const fault = faultIn(JSON.stringify(forged), endOf(record));
        expect(fault).toBe(at === log.length - 1 ? "cut off" : `entry ${at + 2} does not follow the one before`);
      }),
    );
  });

  test("a member added to an entry", () => {
    fc.assert(
      fc.property(tampered, ({ log, at }) => {
        const forged = log.map((entry, index) => (index === at ? { ...entry, approvedBy: "nobody" } : entry));

        expect(faultIn(JSON.stringify(forged))).toBe(`entry ${at + 1} was edited`);
      }),
    );
  });

  test("an entry dropped, at the end only by who knows where it ends", () => {
    fc.assert(
      fc.property(tampered, ({ record, log, at }) => {
        const forged = JSON.stringify(log.toSpliced(at, 1));

        if (at < log.length - 1) expect(faultIn(forged)).toBe(`entry ${at + 1} has sequence ${at + 2}`);
        expect(faultIn(forged, endOf(record))).toBeDefined();
      }),
    );
  });

  test("two entries swapped, even with their sequences changed to fit", () => {
    fc.assert(
      fc.property(tampered, ({ log, at }) => {
        fc.pre(at < log.length - 1);
        const [one, other] = [log[at]!, log[at + 1]!];
        const renumbered = (entry: Activity, { id, sequence }: Activity) => ({ ...entry, id, sequence });

        expect(faultIn(JSON.stringify(log.with(at, other).with(at + 1, one)))).toBeDefined();
        expect(
          faultIn(JSON.stringify(log.with(at, renumbered(other, one)).with(at + 1, renumbered(one, other)))),
        ).toBeDefined();
      }),
    );
  });

  test("an entry put in, even sealed and with all later sequences changed to fit", () => {
    fc.assert(
      fc.property(tampered, ({ record, log, at }) => {
        const { sequence, previousHash } = log[at]!;
        const extra = sealed({ ...log[at]!, reason: "forged", sequence, previousHash });
        const later = log.slice(at).map((entry) => {
          const moved = entry.sequence + 1;
          return { ...entry, sequence: moved, id: `${entry.customerId}-${moved}` };
        });

        expect(faultIn(JSON.stringify([...log.slice(0, at), extra, ...later]), endOf(record))).toMatch(
          /does not follow|was edited/,
        );
      }),
    );
  });

  function sealed(entry: Activity): Activity {
    const { hash: _, ...unsealed } = entry;
    return { ...unsealed, hash: hashOf(unsealed) };
  }
});

test("the hash of an entry is what it was in the first release", () => {
  // Computed once by other means (Python: hashlib, json.dumps with sorted keys and no blanks).
  const { activity } = grantChange(
    untouchedCustomer(contoso),
    {
      customerId: contoso,
      product: "azureReservations",
      state: "On",
      reason: 'Offer 7 "é" 👩‍💻\n',
      acknowledgedCharges: true,
    },
    { changeId: idOf<"change">(1), by: ada, at: noon, requestId: "request-1", correlationId: "correlation-1" },
  );

  expect(activity.hash).toBe("dbe925976c9c9b081345a77b213e33311282e8aab79c3de8c2b15b2d079bad2a");
});

test("the hash leaves out nothing but the hash itself", () => {
  const { activity } = grantChange(
    untouchedCustomer(contoso),
    { customerId: contoso, product: "azureSavingsPlans", state: "Off" },
    { changeId: idOf<"change">(1), by: robot, at: noon, requestId: "r" },
  );
  const { hash, ...unsealed } = activity;

  expect(hashOf(unsealed)).toBe(hash);
  expect(hashOf(activity)).toBe(hash);
});

test("two wishes have the same fingerprint exactly when they ask for the same, in whatever order", () => {
  fc.assert(
    fc.property(wish, fc.oneof(wish, fc.constant(undefined)), (one, another) => {
      const other = another ?? Object.fromEntries(Object.entries(one).reverse());
      const same = JSON.stringify(Object.entries(one).sort()) === JSON.stringify(Object.entries(other).sort());

      expect(fingerprintOf(one) === fingerprintOf(other as Wish)).toBe(same);
    }),
  );
});

test("an entry of any length and script comes back from its table row, and no column ends inside a character", () => {
  fc.assert(
    fc.property(fc.nat({ max: 3 }), fc.nat({ max: 70_000 }), (offset, length) => {
      const reason = "x".repeat(offset) + "👩‍💻".repeat(Math.ceil(length / 5));
      const { activity } = grantChange(
        untouchedCustomer(contoso),
        { customerId: contoso, product: "azureReservations", state: "Off", reason },
        { changeId: idOf<"change">(1), by: ada, at: noon, requestId: "r" },
      );

      const columns = activityColumns(activity);

      for (const column of Object.values(columns)) {
        expect(column.isWellFormed()).toBe(true);
        expect(column.length).toBeLessThanOrEqual(32_000);
      }
      expect(activityOf(columns)).toEqual(activity);
    }),
    { numRuns: 30 },
  );
});

/** Edits the value number `choice` (modulo their number) somewhere inside, so that its JSON is another one. */
function editLeaf(entry: object, choice: number): void {
  const leaves = leavesOf(entry);
  const { holder, name } = leaves[choice % leaves.length]!;
  const value = holder[name];
  holder[name] = typeof value === "number" ? value + 1 : typeof value === "boolean" ? !value : `${value} `;
}

interface Leaf {
  readonly holder: Record<string, unknown>;
  readonly name: string;
}

function leavesOf(holder: object): Leaf[] {
  return Object.entries(holder).flatMap(([name, value]) =>
    typeof value === "object" && value !== null
      ? leavesOf(value)
      : [{ holder: holder as Record<string, unknown>, name }],
  );
}
