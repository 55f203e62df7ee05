/**
 * A caller who reads and turns switches, hangs up now and then, repeats what was not answered, with the same id, or
 * leaves it, and notes all of it. Every answer that the contract does not know is a failure of the test.
 */

import { setTimeout as pause } from "node:timers/promises";
import type { History, SwitchName } from "./history.ts";
import type { Seen, SwitchState, Write } from "./linearizability.ts";
import type { Answer, Product } from "./product.ts";
import type { Random } from "./random.ts";

export interface CallerOptions {
  readonly product: Product;
  readonly history: History;
  readonly random: Random;
  /** Resolves when there is an instance to talk to. */
  readonly ready?: () => Promise<void>;
  /** Changes are accepted first and in force later, and one of a customer stands in the way of another. */
  readonly isLive?: boolean;
  /** How often the caller hangs up before the answer. */
  readonly impatience?: number;
  /** How often a request that was not answered is sent again. */
  readonly persistence?: number;
  /** How often the caller surely wishes another state than the one last seen; else it is left to chance. */
  readonly contrariness?: number;
}

export interface Caller {
  read(name: SwitchName): Promise<void>;
  turn(name: SwitchName, state: SwitchState, options?: { readonly ifUnchanged?: boolean }): Promise<void>;
  /** One of these, by chance. */
  act(name: SwitchName): Promise<void>;
  /** Asks what became of a change until it has ended. */
  follow(changeId: string): Promise<void>;
}

const patienceMilliseconds = 60_000;

export function createCaller(options: CallerOptions): Caller {
  const { product, history, random, isLive = false, impatience = 0, persistence = 0.75, contrariness = 0.7 } = options;
  const ready = options.ready ?? (async () => undefined);
  /** What this caller last saw of a switch. */
  const known = new Map<string, Seen & { readonly etag: string }>();
  const keyOf = ({ customerId, product: one }: SwitchName) => `${customerId} ${one}`;
  const pathOf = ({ customerId, product: one }: SwitchName) => `/customers/${customerId}/permissions/${one}`;

  /** @returns undefined when there was no answer, or only that nobody knows */
  async function ask(method: string, path: string, call: Parameters<Product["call"]>[2] = {}, mayHangUp = true) {
    await ready();
    const milliseconds = mayHangUp && random.chance(impatience) ? random.between(1, 80) : patienceMilliseconds;
    const answer = await product
      .call(method, path, { ...call, signal: AbortSignal.timeout(milliseconds) })
      .catch(() => undefined);
    if (answer === undefined || answer.status === 503) {
      history.lost += 1;
      return undefined;
    }
    return answer;
  }

  function see(name: SwitchName, { headers, body }: Answer): Seen {
    const seen = { state: body.state, changeId: body.changeId };
    known.set(keyOf(name), { ...seen, etag: headers.get("etag") ?? "" });
    return seen;
  }

  async function read(name: SwitchName): Promise<void> {
    const invoked = history.tick();
    const answer = await ask("GET", pathOf(name));
    if (answer === undefined) return;
    if (answer.status !== 200) throw unexpected(answer, "GET", pathOf(name));
    history.add(name, { kind: "read", invoked, answered: history.tick(), seen: see(name, answer) });
  }

  async function turn(name: SwitchName, state: SwitchState, { ifUnchanged = false } = {}): Promise<void> {
    const before = ifUnchanged ? known.get(keyOf(name)) : undefined;
    const changeId = random.guid();
    const write = { kind: "write", changeId, state, ...(before && { expected: before.changeId }) } as const;
    const headers = { "repeatability-request-id": changeId, ...(before && { "if-match": before.etag }) };
    history.ask(changeId, { ...name, state });
    const begun = history.tick();
    /** A sending that was not answered may still take effect, although a later one was told otherwise. */
    const leave = () =>
      history.end(changeId, "unknown", {
        ...{ ...write, invoked: begun, answered: Number.POSITIVE_INFINITY, outcome: "unknown" },
      });
    for (let sending = 1; ; sending++) {
      const invoked = sending === 1 ? begun : history.tick();
      const answer = await ask("PUT", pathOf(name), { headers, body: { state } });
      if (answer === undefined) {
        if (!random.chance(persistence)) return leave();
        await pause(random.between(5, 250));
        continue;
      }
      const answered = history.tick();
      const { status, body } = answer;
      if (status === 200 && body.changed === true) {
        if (body.state !== state || body.changeId !== changeId) throw unexpected(answer, "PUT", pathOf(name));
        see(name, answer);
        return history.end(changeId, "acknowledged", { ...write, invoked: begun, answered, outcome: "changed" });
      }
      // Whoever repeats a request gets the answer that was lost, not that somebody has done it already.
      if (status === 200 && body.changeId === changeId) throw unexpected(answer, "PUT", pathOf(name));
      if (isLive && status === 202) {
        history.accepted += 1;
        leave();
        return followFrom({ ...write, invoked: begun });
      }
      if (sending > 1) leave();
      else history.end(changeId, "none");
      const saw = (outcome: Write["outcome"]) => history.add(name, { ...write, invoked, answered, outcome });
      if (status === 200 && body.state === state) return saw({ unchanged: see(name, answer).changeId });
      if (status === 412 && before !== undefined) return saw("conditionNotMet");
      if (isLive && status === 409 && tolerable.includes(body.error.code)) return pause(random.between(100, 600));
      throw unexpected(answer, "PUT", pathOf(name));
    }
  }

  async function followFrom(write: Omit<Write, "answered" | "outcome">): Promise<void> {
    const { changeId } = write;
    const { customerId } = history.asked.get(changeId) ?? {};
    const path = `/customers/${customerId}/operations/${changeId}`;
    for (const until = Date.now() + 150_000; Date.now() < until; await pause(random.between(400, 800))) {
      const answer = await ask("GET", path, {}, false);
      if (answer === undefined) continue;
      // Nothing was begun under this id, as far as anybody can see.
      if (answer.status === 404) return;
      if (answer.status !== 200) throw unexpected(answer, "GET", path);
      const { status } = answer.body;
      if (status === "Running") continue;
      if (status !== "Succeeded") return history.end(changeId, "none");
      return history.end(changeId, "acknowledged", { ...write, answered: history.tick(), outcome: "changed" });
    }
    throw new Error(`The operation of ${path} does not end.`);
  }

  return {
    read,
    turn,
    async act(name) {
      const choice = random.next();
      if (choice < 0.35) return read(name);
      const seen = known.get(keyOf(name));
      const isOpposite = seen !== undefined && random.chance(contrariness);
      const other = seen?.state === "On" ? "Off" : "On";
      await turn(name, isOpposite ? other : random.pick(["On", "Off"]), { ifUnchanged: choice > 0.8 });
    },
    async follow(changeId) {
      const change = history.asked.get(changeId);
      if (change === undefined) throw new Error(`Nobody has asked for ${changeId}.`);
      const operation = history
        .operationsOf(change)
        .find((each) => each.kind === "write" && each.changeId === changeId && each.outcome === "unknown");
      if (operation?.kind === "write") await followFrom(operation);
    },
  };
}

/** What is refused in live mode: another change is under way, or Partner Center would not have this one. */
const tolerable = ["ChangeInProgress", "PartnerCenterRefused"];

function unexpected({ status, body }: Answer, method: string, path: string): Error {
  return new Error(`${method} ${path} was answered ${status} ${JSON.stringify(body)}.`);
}
