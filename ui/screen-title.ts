/** What the tab, the history and a bookmark call a screen. */

import type { Context } from "./screen.ts";

/** @param name of the screen, most particular; a screen that was left meanwhile has nothing to say */
export function entitle({ words, signal }: Pick<Context, "words" | "signal">, name: string): void {
  if (!signal.aborted) document.title = `${name} – ${words.title}`;
}
