import type { Call, Fate, InMemoryWorld } from "./in-memory-world.ts";

/** A function lets somebody else go before, and the call is then done; an error is thrown. */
export type Step = Fate | Error | (() => unknown);

export type Scripts = Partial<Record<Call, Step[]>>;

/** Gives these fates to the first calls of each name from now on; the others are done. */
export function scriptFates(world: InMemoryWorld, scripts: Scripts): void {
  world.fate = async (call) => {
    const next = scripts[call]?.shift();
    if (next instanceof Error) throw next;
    if (typeof next !== "function") return next ?? "done";
    await next();
    return "done";
  };
}

/**
 * The process dies at its call number `crashAt`: before it is made, or when its answer would come.
 *
 * @returns whether it got as far as that
 */
export async function crashes(
  world: InMemoryWorld,
  crashAt: number,
  when: "before" | "after",
  run: () => Promise<unknown>,
): Promise<boolean> {
  let calls = 0;
  world.fate = () => {
    if (calls++ !== crashAt) return "done";
    if (when === "after") return "replyLost";
    throw new RangeError("killed");
  };
  await run().catch((error: Error) => {
    if (!["RangeError", "Refusal"].includes(error.name)) throw error;
  });
  world.fate = () => "done";
  return calls > crashAt;
}
