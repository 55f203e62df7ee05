/**
 * Every call that leaves the product, and everything that can become of it: what the caller is told, how soon, that
 * nothing is left half done, and that it goes on without a restart. Writes and checks docs/faults.md.
 *
 * FAULTS_SEED: the order of the cells. FAULTS_ONLY: an expression on "call operation, fault"; then no document is checked.
 */

import { readFile, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { makeCustomer } from "../../local/stand-ins/customer.ts";
import { customerAppSecret, partnerTenantId } from "../../local/stand-ins/demo-customers.ts";
import { startManagedIdentity } from "../../local/stand-ins/managed-identity.ts";
import { partnerCenterSecret } from "../../local/stand-ins/partner-application.ts";
import { makeEligibleCustomers } from "../harness/customers.ts";
import { type KeyVaultStandIn, startKeyVault } from "../harness/key-vault.ts";
import { eventually } from "../harness/ledger.ts";
import { type Product, startProduct } from "../harness/product.ts";
import { startReceiver } from "../harness/receiver.ts";
import { admit, makeEligibleTenant } from "../harness/tenants.ts";
import { driftCustomers, driftRow, receiveRow, synchronisationRow } from "./faults/background.ts";
import { documentOf, withoutSeconds } from "./faults/document.ts";
import { type FaultName, faultNames } from "./faults/fault-kinds.ts";
import {
  type Injected,
  injectInto,
  type Row,
  rowsOfKeys,
  rowsWithoutPartnerCenter,
  rowsWithPartnerCenter,
  sharedRows,
  tenantsOfKeys,
} from "./faults/rows.ts";
import type { Played } from "./faults/scene.ts";
import { rowsOfTheList, rowsOfWebhooks } from "./faults/webhooks.ts";

const document = "docs/faults.md";
const seed = Number(process.env.FAULTS_SEED ?? Date.now() % 1_000_000);
const only = process.env.FAULTS_ONLY === undefined ? undefined : new RegExp(process.env.FAULTS_ONLY);
/** Cells of one product that run side by side. */
const some = 8;
/** For cells that mostly wait; there may be fifty webhooks. */
const many = 24;

jest.setTimeout(20 * 60_000);

interface Cell {
  readonly row: Row;
  readonly fault: FaultName;
}
interface Measured extends Played {
  readonly hits: number;
}

const started = performance.now();
const products: Product[] = [];
const closing: { close(): Promise<unknown> }[] = [];
const rows: Row[] = [];
const results = new Map<string, Promise<Measured>>();
const keyOf = ({ row, fault }: Cell) => `${row.call} ${row.operation}, ${fault}`;
const isWanted = (cell: Cell) => only === undefined || only.test(keyOf(cell));

/** Rows whose cells run side by side, or, when they share a call, fault by fault. */
interface Lane {
  readonly rows: readonly Row[];
  /** How many cells. Absent: one after the other. */
  readonly sideBySide?: number;
  /** For rows that meet one fault together. */
  readonly inject?: (fault: FaultName) => Injected;
}

async function playCell({ row, fault }: Cell): Promise<Measured> {
  const { scene, inject } = row.scene(fault);
  await scene.prepare();
  const injected = inject();
  try {
    await scene.suffer();
  } finally {
    injected.lift();
  }
  const hits = injected.hits();
  await scene.recover();
  return { ...scene.played, hits };
}

/** All of a row's neighbours meet the fault at the same time. */
async function playTogether(
  cells: readonly Cell[],
  inject: (fault: FaultName) => Injected,
): Promise<Promise<Measured>[]> {
  const [first] = cells;
  if (first === undefined) return [];
  const scenes = cells.map(({ row, fault }) => row.scene(fault).scene);
  await Promise.all(scenes.map((scene) => scene.prepare()));
  const injected = inject(first.fault);
  const suffered = await Promise.allSettled(scenes.map((scene) => scene.suffer()));
  injected.lift();
  const hits = injected.hits();
  const ends = scenes.map(async (scene, index) => {
    const outcome = suffered[index];
    if (outcome?.status === "rejected") throw outcome.reason;
    await scene.recover();
    return { ...scene.played, hits };
  });
  for (const end of ends) end.catch(() => undefined);
  await Promise.allSettled(ends.filter((_end, index) => !cells[index]?.row.recoversBeside));
  return ends;
}

function start({ rows: ofLane, sideBySide = 1, inject }: Lane): Promise<unknown> {
  const cells = shuffled(ofLane.flatMap((row) => faultNames.map((fault) => ({ row, fault }))).filter(isWanted));
  // What only waits begins first.
  cells.sort((one, other) => Number(other.fault === "hang") - Number(one.fault === "hang"));
  const settle = new Map(cells.map((cell) => [cell, Promise.withResolvers<Measured>()]));
  for (const [cell, { promise }] of settle) {
    promise.catch(() => undefined);
    results.set(keyOf(cell), promise);
  }
  const waiting: Cell[][] =
    inject === undefined ? cells.map((cell) => [cell]) : [...Map.groupBy(cells, ({ fault }) => fault).values()];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const together = next;
      try {
        const played =
          inject === undefined ? await Promise.all(together.map(playCell)) : await playTogether(together, inject);
        for (const [index, cell] of together.entries()) settle.get(cell)?.resolve(played[index] as Promise<Measured>);
      } catch (error) {
        for (const cell of together) settle.get(cell)?.reject(error);
      }
    }
  };
  return Promise.all(Array.from({ length: sideBySide }, work));
}

/** By the seed, so that neighbours differ from run to run. */
function shuffled<Thing>(things: readonly Thing[]): Thing[] {
  let state = seed >>> 0;
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  return things
    .map((thing) => ({ thing, at: next() }))
    .sort((one, other) => one.at - other.at)
    .map(({ thing }) => thing);
}

/** @param tokenLifetimeSeconds short: every call for Partner Center needs a token, and it the refresh token */
async function open(options: Parameters<typeof startProduct>[0], tokenLifetimeSeconds = 3599): Promise<Product> {
  const product = await startProduct(options);
  products.push(product);
  product.entra.tokenLifetimeSeconds = tokenLifetimeSeconds;
  // The SDKs are loaded and the tables made by the first switch, which is no part of any cell.
  const { tenantId } = admit(product, makeEligibleTenant("the first one"));
  const path = `/customers/${tenantId}/permissions/azureReservations`;
  await eventually(async () => {
    const { status, body } = await product.call("PUT", path, { body: { state: "On" } });
    if (status !== 200) throw new Error(`The first switch was answered ${status} ${JSON.stringify(body)}.`);
  }, 60_000);
  return product;
}

const short = 120;

const lanes: (() => Promise<readonly Lane[]>)[] = [
  // What waits longest begins first.
  async () => [rowsOfTheList(await openWithReceiver())],
  async () => [{ sideBySide: many, rows: rowsOfWebhooks(await openWithReceiver()) }],
  async () => {
    const product = await open({ customers: makeEligibleCustomers(1) });
    return [{ sideBySide: some, rows: rowsWithoutPartnerCenter(product) }];
  },
  async () => {
    const product = await open({ customers: makeEligibleCustomers(1), partnerCenterMode: "live" });
    return [{ sideBySide: some, rows: rowsWithPartnerCenter(product) }];
  },
  async () => {
    const product = await open({
      customers: tenantsOfKeys.map((tenantId) => ({
        customer: makeCustomer({ name: tenantId, tenantId }),
        outcome: "tenant",
      })),
      settings: { ENTRA_TENANT_ID: [partnerTenantId, ...tenantsOfKeys].join(",") },
    });
    return [{ sideBySide: some, rows: rowsOfKeys(product) }, { rows: [receiveRow(product)] }];
  },
  async () => {
    const product = await open({ customers: makeEligibleCustomers(1), partnerCenterMode: "live" }, short);
    const path = `/${partnerTenantId}/oauth2/v2.0/token`;
    return [
      {
        rows: sharedRows(product, "Entra: token for Partner Center", { "401": "refused" }),
        inject: (fault) => injectInto(product.entra, "partnerToken", fault, { method: "POST", path }),
      },
    ];
  },
  async () => {
    let vault: KeyVaultStandIn | undefined;
    const product = await open(
      {
        customers: makeEligibleCustomers(1),
        partnerCenterMode: "live",
        settings: async (entra, certificate) => {
          vault = await startKeyVault(entra, certificate);
          const identity = await startManagedIdentity({ entra });
          closing.push(vault, identity);
          vault.versions.push(await entra.issueRefreshToken());
          return {
            PARTNER_CENTER_REFRESH_TOKEN: undefined,
            PARTNER_CENTER_KEY_VAULT_URL: vault.url,
            AZURE_CLIENT_ID: identity.clientId,
            ...identity.environment,
          };
        },
      },
      short,
    );
    const server = vault as unknown as KeyVaultStandIn;
    return [
      {
        rows: sharedRows(product, "Key Vault: refresh token", {}),
        inject: (fault) => injectInto(server, "vault", fault, { method: "GET", path: "/secrets/" }),
      },
    ];
  },
  ...(["synchronisation", "audit records", "policy read"] as const).map((timer) => async () => {
    const customers = timer === "synchronisation" ? makeEligibleCustomers(5) : driftCustomers(timer);
    const product = await open({
      ...{ customers, partnerCenterMode: "live", rounds: true },
      settings: { DRIFT_CALLS_PER_RUN: "1000" },
    });
    return [{ rows: [timer === "synchronisation" ? synchronisationRow(product) : driftRow(product, timer)] }];
  }),
];

async function openWithReceiver() {
  const product = await open({ customers: makeEligibleCustomers(1), settings: { WEBHOOK_HOSTS: "127.0.0.1" } });
  const receiver = await startReceiver(product);
  closing.push(receiver);
  return { product, receiver };
}

interface Outcome extends Cell {
  readonly measured: Measured | undefined;
  /** Why the cell could not be played to its end, most often because nothing went on after the fault. */
  readonly failure: unknown;
}
const outcomes: Outcome[] = [];

beforeAll(async () => {
  const ends: Promise<unknown>[] = [];
  for (const openLane of lanes) {
    const opened = await openLane();
    rows.push(...opened.flatMap((lane) => lane.rows));
    ends.push(...opened.map(start));
  }
  await Promise.all(ends);
  for (const row of inOrder(rows)) {
    for (const fault of faultNames) {
      const [result] = await Promise.allSettled([results.get(keyOf({ row, fault }))]);
      const measured = result?.status === "fulfilled" ? result.value : undefined;
      const failure = result?.status === "rejected" ? result.reason : undefined;
      if (measured !== undefined || failure !== undefined) outcomes.push({ row, fault, measured, failure });
    }
  }
});
afterAll(async () => {
  await Promise.all(products.map((product) => product.stop()));
  await Promise.all(closing.map((each) => each.close()));
  report();
});

/** Rows of one call stand together. */
function inOrder(all: readonly Row[]): Row[] {
  return [...Map.groupBy(all, ({ call }) => call).values()].flat();
}

/** One line for every cell that is not as it should be. */
function complaints(about: (outcome: Outcome & { readonly measured: Measured }) => string | undefined): string[] {
  return outcomes.flatMap((outcome) => {
    const { measured } = outcome;
    const complaint = measured && about({ ...outcome, measured });
    return complaint === undefined ? [] : [`${keyOf(outcome)}: ${complaint}`];
  });
}

describe("whatever becomes of a call that leaves the product,", () => {
  test("the fault is met", () => {
    expect(outcomes.length).toBeGreaterThan(0);
    expect(complaints(({ measured }) => (measured.hits > 0 ? undefined : "no call met the fault"))).toEqual([]);
  });

  test("everything goes on when it has passed, without a restart", () => {
    const failures = outcomes.filter(({ failure }) => failure !== undefined);
    expect(failures.map((outcome) => `${keyOf(outcome)}: ${outcome.failure}`)).toEqual([]);
  });

  test("the answer is the one that is expected", () => {
    expect(
      complaints(({ row, fault, measured: { outcome } }) =>
        outcome === row.expected[fault] ? undefined : `${outcome} instead of ${row.expected[fault]}`,
      ),
    ).toEqual([]);
  });

  test("the answer comes in time", () => {
    expect(
      complaints(({ row, measured: { seconds } }) =>
        seconds <= row.within ? undefined : `${seconds.toFixed(1)} s instead of ${row.within} s`,
      ),
    ).toEqual([]);
  });

  test("nothing is left half done, nothing untrue is said, and nothing leaks", () => {
    expect(
      complaints(({ measured: { problems } }) => (problems.length === 0 ? undefined : problems.join("; "))),
    ).toEqual([]);
  });

  test("no secret comes into the app's output, and nothing goes unhandled", () => {
    for (const { output, connectionString } of products) {
      const text = output.join("\n");
      const accountKey = /AccountKey=([^;]+)/.exec(connectionString)?.[1] ?? "no key";
      for (const secret of [customerAppSecret, partnerCenterSecret, accountKey, "Bearer ", "eyJ", "client_secret="])
        expect(text).not.toContain(secret);
      expect(text).not.toMatch(/unhandledRejection|uncaughtException/);
    }
  });

  test("docs/faults.md says so", async () => {
    if (only !== undefined) return;
    const now = documentOf(
      inOrder(rows).map((row) => ({
        ...row,
        cells: new Map(
          outcomes.flatMap(({ row: one, fault, measured }) => (one === row && measured ? [[fault, measured]] : [])),
        ),
      })),
      faultNames,
    );
    const committed = await readFile(document, "utf8").catch(() => "");
    // Only the seconds differ from run to run: then it stays as it is.
    const [is, was] = [now, committed].map((text) => withoutSeconds(text).split("\n"));
    if (is?.join("\n") !== was?.join("\n")) await writeFile(document, now);
    expect(is?.filter((line) => !was?.includes(line))).toEqual([]);
    expect(was?.filter((line) => !is?.includes(line))).toEqual([]);
  });
});

function report(): void {
  const measured = outcomes.flatMap((outcome) => (outcome.measured ? [{ ...outcome, ...outcome.measured }] : []));
  const classes = [...Map.groupBy(measured, ({ outcome }) => outcome)]
    .map(([outcome, { length }]) => `${length} × ${outcome}`)
    .sort((one, other) => Number.parseInt(other, 10) - Number.parseInt(one, 10));
  const slowest = (what: "seconds" | "recoverySeconds") => {
    const [last] = measured.toSorted((one, other) => other[what] - one[what]);
    return last === undefined ? "none" : `${last[what].toFixed(1)} s (${keyOf(last)})`;
  };
  process.stdout.write(
    [
      "",
      `Faults: ${measured.length} of ${outcomes.length} cells played to the end, ${rows.length} rows × ${faultNames.length} faults.`,
      `Answers: ${classes.join(", ")}.`,
      `At the first request after the fault: ${measured.filter(({ tries }) => tries === 1).length} of ${measured.filter(({ tries }) => tries > 0).length}.`,
      `Slowest answer: ${slowest("seconds")}. Slowest recovery: ${slowest("recoverySeconds")}.`,
      `Seed ${seed} (FAULTS_SEED), ${((performance.now() - started) / 1000).toFixed(0)} s.`,
      "",
    ].join("\n"),
  );
}
