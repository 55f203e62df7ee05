/** What callers asked and saw, switch by switch, for the checkers. */

import type { Operation, Write } from "./linearizability.ts";

/** One switch of one customer. */
export interface SwitchName {
  readonly customerId: string;
  readonly product: "azureReservations" | "azureSavingsPlans";
}

/** A change that somebody asked for, under an id of his own. */
export interface AskedChange extends SwitchName {
  readonly state: Write["state"];
  /** `acknowledged`: the caller was told that it is in force. `none`: that it is not, and will not be. */
  readonly end: "acknowledged" | "none" | "unknown";
}

export interface History {
  /** The next moment; no two are the same. */
  tick(): number;
  readonly asked: ReadonlyMap<string, AskedChange>;
  /** How many requests were not answered, or only that nobody knows. */
  lost: number;
  /** How many changes were answered 202. */
  accepted: number;
  acknowledged(): number;
  switches(): readonly SwitchName[];
  operationsOf(name: SwitchName): readonly Operation[];
  add(name: SwitchName, operation: Operation): void;
  /** Notes the id before it is sent. */
  ask(changeId: string, change: SwitchName & Pick<AskedChange, "state">): void;
  /** What became of a change, as far as its caller knows; for one that was unknown it takes the place of that. */
  end(changeId: string, end: AskedChange["end"], operation?: Write): void;
}

export function createHistory(): History {
  let time = 0;
  const operations = new Map<string, Operation[]>();
  const names = new Map<string, SwitchName>();
  const asked = new Map<string, AskedChange>();
  const of = (name: SwitchName): Operation[] => {
    const key = `${name.customerId} ${name.product}`;
    const found = operations.get(key) ?? [];
    operations.set(key, found);
    names.set(key, name);
    return found;
  };
  return {
    tick: () => ++time,
    asked,
    lost: 0,
    accepted: 0,
    acknowledged: () => [...asked.values()].filter(({ end }) => end === "acknowledged").length,
    switches: () => [...names.values()],
    operationsOf: of,
    add: (name, operation) => void of(name).push(operation),
    ask: (changeId, change) => void asked.set(changeId, { ...change, end: "unknown" }),
    end(changeId, end, operation) {
      const change = asked.get(changeId);
      if (change === undefined) throw new Error(`Nobody has asked for ${changeId}.`);
      asked.set(changeId, { ...change, end });
      const list = of(change);
      const before = list.findIndex(
        (each) => each.kind === "write" && each.changeId === changeId && each.outcome === "unknown",
      );
      if (before !== -1) list.splice(before, 1);
      if (operation !== undefined) list.push(operation);
    },
  };
}
