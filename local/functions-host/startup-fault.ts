import { format } from "node:util";

/** What keeps the host from starting, in one sentence for the person who started it; shown without a stack. */
export class StartupFault extends Error {
  override name = "StartupFault";
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : format("%s", error);
}
