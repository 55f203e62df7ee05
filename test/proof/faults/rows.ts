/**
 * The rows of the matrix: each outside call, what a caller asks for that makes it, and for every fault the answer that
 * is expected.
 */

import { randomUUID } from "node:crypto";
import type { FaultRule } from "../../../local/stand-ins/faults.ts";
import { guidOf } from "../../../local/stand-ins/guid.ts";
import type { StandIn } from "../../../local/stand-ins/https-server.ts";
import type { Product } from "../../harness/product.ts";
import type { StorageCall } from "../../harness/storage-proxy.ts";
import { admit, faultsFor, faultsForChange, makeEligibleTenant } from "../../harness/tenants.ts";
import { type FaultName, fateOf, faultNames, faultOf, type Service } from "./fault-kinds.ts";
import { reading, refusing, type Scene, turning } from "./scene.ts";

export interface Injected {
  /** How many calls have met the fault. */
  hits(): number;
  lift(): void;
}

export interface Row {
  readonly call: string;
  readonly operation: string;
  /** Seconds within which the answer must be there. */
  readonly within: number;
  readonly expected: Readonly<Record<FaultName, string>>;
  /** How it goes on when the fault is gone. */
  readonly recovery: string;
  /** That takes long, and may meet the next fault. */
  readonly recoversBeside?: boolean;
  /** A new scene with its own customer, and how its fault is brought about. */
  scene(fault: FaultName): { readonly scene: Scene; readonly inject: () => Injected };
}

/** Of what stands in the contract: storage and signing keys. */
const storageSeconds = 15;
/** The deadline of the eligibility check, and what comes before and after it. */
const checkSeconds = 20 + 5;
/** One call of Partner Center with its retries has 20 seconds, too. */
const partnerCenterSeconds = 20 + 5;
/** No write is begun after 15 seconds; the last one has 8 for an attempt, and is looked for. */
const writeSeconds = 15 + 8 + 7;

export function expecting(usual: string, but: Partial<Record<FaultName, string>> = {}): Row["expected"] {
  return Object.fromEntries(faultNames.map((name) => [name, but[name] ?? usual])) as Record<FaultName, string>;
}
const each = (names: readonly FaultName[], outcome: string) =>
  Object.fromEntries(names.map((name) => [name, outcome])) as Partial<Record<FaultName, string>>;
/** Statuses that Partner Center itself gives a meaning: waiting does not help. */
const saidNo: readonly FaultName[] = ["401", "403", "404", "409", "412"];

const slowIsFine: Partial<Record<FaultName, string>> = { "slow (1.5 s)": "200" };
const atOnce = "at once";
const byItself = "202: by itself, when the queue reminds us (5 s)";

/** Faults of a stand-in, for calls that match. */
export function injectInto(
  server: Pick<StandIn, "faults">,
  service: Service,
  name: FaultName,
  match: NonNullable<FaultRule["match"]>,
): Injected {
  const rule = server.faults.add({ match, fault: faultOf(name, service) });
  return { hits: () => rule.hits, lift: () => server.faults.remove(rule) };
}

/** Faults of storage, for calls that match. */
export function injectIntoStorage(
  { storage }: Product,
  name: FaultName,
  matches: (call: StorageCall) => boolean,
  isTransaction = false,
): Injected {
  let hits = 0;
  let isLifted = false;
  const others = weather.get(storage) ?? new Set();
  if (!weather.has(storage)) {
    weather.set(storage, others);
    storage.fate = (call) => {
      for (const other of others) {
        const fate = other(call);
        if (fate !== undefined) return fate;
      }
      return "forward";
    };
  }
  const fate = (call: StorageCall) => {
    if (isLifted || !matches(call)) return undefined;
    hits += 1;
    return fateOf(name, isTransaction);
  };
  others.add(fate);
  return {
    hits: () => hits,
    lift: () => {
      isLifted = true;
      others.delete(fate);
    },
  };
}
const weather = new WeakMap<object, Set<(call: StorageCall) => ReturnType<typeof fateOf> | undefined>>();

export const nameOf = (row: string, fault: FaultName) => `${row}, ${fault}`;

interface Case {
  readonly customerId: string;
  readonly changeId: string;
}
type Inject = (
  customer: Case & { readonly tenant: ReturnType<typeof makeEligibleTenant> },
  fault: FaultName,
) => Injected;

/** A customer of its own for every cell. */
function newCase(product: Product, row: string, fault: FaultName) {
  const tenant = admit(product, makeEligibleTenant(nameOf(row, fault)));
  return { tenant, customerId: tenant.tenantId, changeId: randomUUID() };
}

interface Turn {
  readonly operation: "PUT On" | "PUT On, second" | "PUT Off";
  readonly call: string;
  readonly within: number;
  readonly inject: Inject;
  readonly expected: Row["expected"];
  readonly recovery?: string;
  readonly isBlind?: boolean;
}

function turnRow(product: Product, isLive: boolean, { operation, call, inject, isBlind, ...row }: Turn): Row {
  const wish = operation === "PUT Off" ? "Off" : "On";
  const before = {
    "PUT On": [],
    "PUT On, second": ["azureSavingsPlans" as const],
    "PUT Off": ["azureReservations" as const],
  }[operation];
  return {
    recovery: atOnce,
    ...row,
    ...{ call, operation },
    scene(fault) {
      const one = newCase(product, `${isLive} ${call} ${operation}`, fault);
      const { customerId, changeId } = one;
      return {
        scene: turning({ product, customerId, changeId, wish, before, isLive, ...(isBlind ? { isBlind } : {}) }),
        inject: () => inject(one, fault),
      };
    },
  };
}

/** The same for a customer who is to be refused: no fault may make more of it. */
function refusalRow(
  product: Product,
  isLive: boolean,
  { call, inject, expected }: Pick<Turn, "call" | "inject" | "expected">,
  { refusal, spoil }: { readonly refusal: string; spoil(tenant: ReturnType<typeof makeEligibleTenant>): void },
): Row {
  return {
    ...{ call, operation: "PUT On, not eligible", within: checkSeconds, recovery: "at once: refused" },
    expected: { ...expected, "slow (1.5 s)": refusal },
    scene(fault) {
      const one = newCase(product, `not eligible, ${isLive} ${call}`, fault);
      spoil(one.tenant);
      return {
        scene: refusing({ product, customerId: one.customerId, refusal }),
        inject: () => inject(one, fault),
      };
    },
  };
}

interface Check {
  readonly call: string;
  readonly inject: Inject;
  readonly expected: Row["expected"];
}

function checkRow(product: Product, { call, inject, expected }: Check): Row {
  return {
    ...{ call, expected, operation: "GET eligibility", within: checkSeconds, recovery: atOnce },
    scene(fault) {
      const one = newCase(product, `check ${call}`, fault);
      return { scene: eligibilityOf(product, one.customerId), inject: () => inject(one, fault) };
    },
  };
}

export function eligibilityOf(product: Product, customerId: string): Scene {
  return reading({
    product,
    path: `/customers/${customerId}/eligibility`,
    isRight: ({ body }) => body.result === "Eligible",
    mayBeUnknown: ({ body }) => body.result === "Inconclusive",
  });
}

const isOn = (customerId: string) => async (product: Product) => {
  const path = `/customers/${customerId}/permissions/azureReservations`;
  const { status } = await product.call("PUT", path, { body: { state: "On" } });
  if (status !== 200) throw new Error(`A customer could not be prepared: ${status}.`);
};

/** What is asked for while storage alone is needed, and Azure for the check. */
export function rowsWithoutPartnerCenter(product: Product): Row[] {
  const list: Inject = ({ tenant }, fault) => injectFor(product.arm, tenant, "arm", fault, /^\/subscriptions\?/);
  const assignments: Inject = ({ tenant }, fault) =>
    injectFor(product.arm, tenant, "arm", fault, "/providers/Microsoft.Authorization/roleAssignments");
  const token: Inject = ({ tenant }, fault) =>
    injectFor(product.entra, tenant, "customerToken", fault, "/oauth2/v2.0/token");
  const storage =
    (matches: (call: StorageCall, one: Case) => boolean, isTransaction = false): Inject =>
    (one, fault) =>
      injectIntoStorage(product, fault, (call) => matches(call, one), isTransaction);
  const pointRead = storage(
    ({ path }, { customerId }) => path.startsWith("/CustomerPermissions(") && path.includes(`'customer|${customerId}'`),
  );
  const transaction = storage(
    ({ path, body }, { customerId }) => path === "/$batch" && body.includes(customerId),
    true,
  );
  const query = storage(({ path }, { customerId }) => path.startsWith("/ActivityLog()") && path.includes(customerId));
  const push = storage(({ service, method, body }, { customerId }) => {
    const message = /<MessageText>([^<]*)</.exec(body)?.[1] ?? "";
    return service === "queue" && method === "POST" && Buffer.from(message, "base64").includes(customerId);
  });

  const turn = (row: Turn) => turnRow(product, false, row);
  const check = (row: Check) => checkRow(product, row);
  const unclear = "409 EligibilityInconclusive";
  const notChecked = expecting("200 Inconclusive", { "slow (1.5 s)": "200 Eligible" });
  const readAt = (
    call: string,
    operation: string,
    path: (id: string) => string,
    right: (body: any) => boolean,
  ): Row => ({
    ...{ call, operation, within: storageSeconds, recovery: atOnce },
    expected: expecting("503", slowIsFine),
    scene(fault) {
      const one = newCase(product, operation, fault);
      return {
        scene: reading({
          ...{ product, path: path(one.customerId) },
          prepare: () => isOn(one.customerId)(product),
          isRight: ({ body }) => right(body),
        }),
        inject: () => (call === "Table: point read" ? pointRead : query)(one, fault),
      };
    },
  });
  /** By the number of rows that are asked for, each list is told from all others. */
  const listOfCustomers: Row = {
    ...{ call: "Table: query", operation: "GET customers", within: storageSeconds, recovery: atOnce },
    expected: expecting("503", slowIsFine),
    scene(fault) {
      const size = 50 + faultNames.indexOf(fault);
      const { customerId } = newCase(product, "GET customers", fault);
      return {
        scene: reading({
          ...{ product, path: `/customers?maxpagesize=${size}` },
          prepare: () => isOn(customerId)(product),
          isRight: ({ body }) => body.value.length === size || (body.value.length > 0 && body.nextLink === undefined),
        }),
        inject: () =>
          injectIntoStorage(
            product,
            fault,
            ({ path }) => path.startsWith("/CustomerPermissions()") && new RegExp(`\\$top=${size + 1}\\b`).test(path),
          ),
      };
    },
  };

  const entra = "Entra: token for the customer's tenant";
  const subscriptions = "ARM: list of subscriptions";
  const roles = "ARM: role assignments";
  return [
    turn({
      ...{ operation: "PUT On", call: entra, inject: token, within: checkSeconds },
      expected: expecting("503", { ...slowIsFine, "401": unclear }),
    }),
    check({ call: entra, inject: token, expected: notChecked }),
    turn({
      ...{ operation: "PUT On", call: subscriptions, inject: list, within: checkSeconds },
      expected: expecting("503", { ...slowIsFine, "403": unclear }),
    }),
    refusalRow(
      ...([product, false] as const),
      { call: subscriptions, inject: list, expected: expecting("503", { "403": unclear }) },
      {
        refusal: "409 NoAzureSubscription",
        spoil: ({ subscriptions: [only] }) => void Object.assign(only ?? {}, { quotaId: "PayAsYouGo_2014-09-01" }),
      },
    ),
    check({ call: subscriptions, inject: list, expected: notChecked }),
    turn({
      ...{ operation: "PUT On", call: roles, inject: assignments, within: checkSeconds },
      expected: expecting("503", { ...slowIsFine, "403": unclear }),
    }),
    refusalRow(
      ...([product, false] as const),
      { call: roles, inject: assignments, expected: expecting("503", { "403": unclear }) },
      {
        refusal: "409 OwnerRoleMissing",
        spoil: ({ roleAssignments }) => {
          for (const one of roleAssignments) if (one.principalType === "User") one.principalType = "ForeignGroup";
        },
      },
    ),
    check({ call: roles, inject: assignments, expected: notChecked }),
    readAt(
      "Table: point read",
      "GET permission",
      (id) => `/customers/${id}/permissions/azureReservations`,
      ({ state }) => state === "On",
    ),
    ...(["PUT On", "PUT Off"] as const).flatMap((operation): Row[] => [
      turn({
        ...{ operation, call: "Table: point read", inject: pointRead, isBlind: true, within: storageSeconds },
        expected: expecting("503", slowIsFine),
      }),
      turn({
        ...{ operation, call: "Table: transaction", inject: transaction, isBlind: true, within: storageSeconds },
        expected: expecting("503", { ...slowIsFine, "200 cut": "200" }),
      }),
      turn({
        ...{ operation, call: "Queue: send", inject: push, within: storageSeconds },
        expected: expecting("200"),
      }),
    ]),
    readAt(
      "Table: query",
      "GET activities",
      (id) => `/activities?customerId=${id}`,
      ({ value }) => value.length === 1,
    ),
    listOfCustomers,
  ];
}

function injectFor(
  server: StandIn,
  tenant: Parameters<typeof faultsFor>[1],
  service: Service,
  fault: FaultName,
  path: string | RegExp,
): Injected {
  return injectInto({ faults: faultsFor(server, tenant) }, service, fault, { path });
}

/** What is asked for while Partner Center is followed, live. */
export function rowsWithPartnerCenter(product: Product): Row[] {
  const { partnerCenter } = product;
  const onPath =
    (path: (customerId: string) => RegExp): Inject =>
    ({ customerId }, fault) =>
      injectInto(partnerCenter, "partnerCenter", fault, { method: "GET", path: path(customerId) });
  /** The body of a write names the customer, and the stand-in tells by headers. */
  const write =
    (method: string): Inject =>
    ({ changeId }, fault) =>
      injectInto({ faults: faultsForChange(partnerCenter, changeId) }, "partnerCenter", fault, { method });
  const policyRead = onPath((customerId) => new RegExp(`^/v1/SelfServePolicy\\?entity_id=${customerId}`));
  const turn = (row: Turn) => turnRow(product, true, row);
  const refused = "409 PartnerCenterRefused";
  const done: Partial<Record<FaultName, string>> = { ...slowIsFine, "200 cut": "200", "200 other JSON": "200" };
  const policy = "Partner Center: policy read";
  const writing = { within: writeSeconds, recovery: byItself };

  return [
    turn({
      ...{ operation: "PUT On", call: policy, inject: policyRead, within: partnerCenterSeconds },
      expected: expecting("503", { ...slowIsFine, ...each(saidNo, refused) }),
    }),
    turn({
      ...{ operation: "PUT Off", call: policy, inject: policyRead, within: partnerCenterSeconds, recovery: byItself },
      expected: expecting("202", { ...slowIsFine, ...each(saidNo, refused) }),
    }),
    turn({
      ...{ operation: "PUT On", call: "Partner Center: policy write (POST)", inject: write("POST"), ...writing },
      // 409: there is one already, which only reading can tell.
      expected: expecting("202", { ...done, ...each(["401", "403", "404", "412"], refused) }),
    }),
    turn({
      ...{ operation: "PUT On, second", call: "Partner Center: policy write (PUT)", inject: write("PUT"), ...writing },
      // 404/600039, 409 and 412: it has changed meanwhile, which only reading can tell.
      expected: expecting("202", { ...done, ...each(["401", "403"], refused) }),
    }),
    turn({
      ...{ operation: "PUT Off", call: "Partner Center: policy write (DELETE)", inject: write("DELETE"), ...writing },
      expected: expecting("202", { ...done, ...each(["401", "403"], refused) }),
    }),
    ...Object.entries({
      customer: "$",
      subscriptions: "/subscriptions$",
      azureEntitlements: "/subscriptions/[^/]+/azureEntitlements$",
    }).flatMap(([name, below]): Row[] => {
      const call = `Partner Center: ${name}`;
      const inject = onPath((customerId) => new RegExp(`^/v1/customers/${customerId}${below}`));
      return [
        turn({
          ...{ operation: "PUT On", call, inject, within: checkSeconds },
          expected: expecting("503", { ...slowIsFine, ...each(saidNo, "409 EligibilityInconclusive") }),
        }),
        refusalRow(
          ...([product, true] as const),
          { call, inject, expected: expecting("503", each(saidNo, "409 EligibilityInconclusive")) },
          {
            refusal: "409 NoAzureSubscription",
            spoil: (tenant) => {
              // What was sold is told by one of the calls, and whether it is active by another.
              for (const one of tenant.subscriptions)
                Object.assign(one, name === "subscriptions" ? { soldAs: "notSold" } : { state: "Disabled" });
            },
          },
        ),
        checkRow(product, {
          ...{ call, inject },
          expected: expecting("200 Inconclusive", { "slow (1.5 s)": "200 Eligible" }),
        }),
      ];
    }),
  ];
}

const keyOperations = ["GET permission", "PUT Off"] as const;
const tenantFor = (operation: (typeof keyOperations)[number], fault: FaultName) =>
  guidOf(`partner's tenant: ${operation}, ${fault}`);
/** Each cell has a tenant of the partner for itself, since keys that were had once are kept. */
export const tenantsOfKeys = keyOperations.flatMap((operation) =>
  faultNames.map((fault) => tenantFor(operation, fault)),
);

export function rowsOfKeys(product: Product): Row[] {
  const row = (
    operation: (typeof keyOperations)[number],
    scene: (fault: FaultName, call: { readonly token: string }) => Scene,
  ): Row => ({
    ...{ call: "Entra: signing keys", operation, within: storageSeconds },
    expected: expecting("503", slowIsFine),
    recovery: "after 1 s, for which a failed fetch is not repeated",
    scene(fault) {
      const tenantId = tenantFor(operation, fault);
      const call = { token: "" };
      const made = scene(fault, call);
      const prepare = async () => {
        const earlier = Math.floor(Date.now() / 1000) - 300;
        const iss = `${product.entra.url}/${tenantId}/v2.0`;
        call.token = await product.token({ tid: tenantId, iss, iat: earlier, nbf: earlier });
        await made.prepare();
      };
      return {
        scene: { ...made, prepare },
        inject: () => injectInto(product.entra, "keys", fault, { path: `/${tenantId}/discovery/v2.0/keys` }),
      };
    },
  });
  return [
    row("GET permission", (fault, call) => {
      const { customerId } = newCase(product, "keys, GET permission", fault);
      return reading({
        ...{ product, call, path: `/customers/${customerId}/permissions/azureReservations`, backOffSeconds: 1 },
        prepare: () => isOn(customerId)(product),
        isRight: ({ body }) => body.state === "On",
      });
    }),
    row("PUT Off", (fault, call) => {
      const { customerId } = newCase(product, "keys, PUT Off", fault);
      return turning({
        ...{ product, customerId, call, wish: "Off", before: ["azureReservations"] },
        backOffSeconds: 1,
      });
    }),
  ];
}

/** Of a call that all customers share. Its rows meet each fault together. */
export function sharedRows(product: Product, call: string, unlike: Partial<Record<FaultName, "refused">>): Row[] {
  const names = Object.keys(unlike) as FaultName[];
  const none = (): Injected => ({ hits: () => 1, lift: () => undefined });
  const turn = (row: Pick<Turn, "operation" | "expected" | "recovery">) =>
    turnRow(product, true, { ...row, call, inject: none, within: partnerCenterSeconds });
  return [
    turn({
      operation: "PUT On",
      expected: expecting("503", { ...slowIsFine, ...each(names, "409 PartnerCenterRefused") }),
      recovery: atOnce,
    }),
    turn({
      operation: "PUT Off",
      expected: expecting("202", { ...slowIsFine, ...each(names, "409 PartnerCenterRefused") }),
      recovery: byItself,
    }),
    checkRow(product, {
      ...{ call, inject: none },
      expected: expecting("200 Inconclusive", { "slow (1.5 s)": "200 Eligible" }),
    }),
  ];
}
