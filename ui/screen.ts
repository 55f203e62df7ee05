/** What every screen works with. */

import type { Api } from "./api.ts";
import type { Session } from "./session.ts";
import type { Times } from "./times.ts";
import type { Words } from "./words.ts";

export interface Context {
  readonly api: Api;
  readonly words: Words;
  readonly times: Times;
  readonly session: Session;
  /** Aborted when the reader leaves the screen: what comes later has nowhere to go. */
  readonly signal: AbortSignal;
  /** Tells readers of screen readers what changed where they do not look. */
  announce(text: string): void;
  /** Leaves for Entra, and comes back here. */
  signInAgain(): void;
}

/** @returns what stands in the main part of the page; its first heading gets the focus */
export type Screen = (context: Context) => HTMLElement;
