/** Tells what went wrong and what helps, in the reader's language as far as the code is known. */

import "@fluentui/web-components/button.js";
import "@fluentui/web-components/message-bar.js";
import { type Child, element, present } from "./element.ts";
import { Problem, type ProblemDetail, type ProblemFacts } from "./problem.ts";
import type { Context } from "./screen.ts";
import type { Explained, Words } from "./words.ts";

export interface ProblemOptions {
  /** Offered as a button. */
  readonly tryAgain?: (() => void) | undefined;
  /** Said before the rest. */
  readonly first?: string | undefined;
}

/** @param error whatever was thrown; what is no {@link Problem} is a fault of the page and goes to the console too */
export function problemMessage(
  error: unknown,
  { words, signInAgain }: Pick<Context, "words" | "signInAgain">,
  { tryAgain, first }: ProblemOptions = {},
): HTMLElement {
  const facts = factsOf(error);
  const mustSignIn = facts.code === "SignedOut" || facts.code === "Unauthenticated";
  const { message = facts.message, remedy } = words.problems[facts.code] ?? {};
  const button = mustSignIn
    ? action(words.signIn.button, signInAgain)
    : tryAgain !== undefined && action(words.again, tryAgain);
  return element(
    "fluent-message-bar",
    { intent: "error", layout: "multiline", role: "alert", class: "problem" },
    element(
      "div",
      { class: "stack" },
      element("strong", {}, first ?? words.problemHeading),
      element("span", {}, message, " ", remedy),
      ...facts.details.map((detail) => detailMessage(detail, words)),
      facts.requestId !== undefined && element("span", { class: "quiet" }, words.requestId(facts.requestId)),
    ),
    button && element("div", { slot: "actions" }, button),
  );
}

/** @returns a verdict in the reader's language, or else in the API's own words */
export function explain(
  { code, message, remedy }: Pick<ProblemDetail, "code" | "message" | "remedy">,
  known: Readonly<Record<string, Explained>>,
): Explained {
  const own = known[code ?? ""];
  // A remedy that the API does not give is not needed, such as for a check that passed.
  const translated = own?.remedy !== undefined && remedy !== undefined ? own.remedy : remedy;
  return {
    ...(own?.message === undefined && message === undefined ? {} : { message: own?.message ?? message ?? "" }),
    ...(translated === undefined ? {} : { remedy: translated }),
  };
}

export function factsOf(error: unknown): ProblemFacts {
  if (error instanceof Problem) return error.facts;
  reportError(error);
  return { code: "InternalError", message: String(error), details: [] };
}

function detailMessage(detail: ProblemDetail, words: Words): Child {
  if (detail.result === "Passed") return undefined;
  // A check says more about itself than the refusal that is called the same.
  const known = detail.result === undefined ? words.problems : words.eligibility.codes;
  const { message, remedy } = explain(detail, known);
  if (message === undefined && remedy === undefined) return undefined;
  return element(
    "span",
    {},
    ...present([message, " ", remedy, " ", detail.partnerCenterCode && `(${detail.partnerCenterCode})`]),
    detail.link !== undefined && element("span", {}, " ", outsideLink(detail.link, words.eligibility.openLink, words)),
  );
}

/** A link that leaves the page; only the web, whatever an answer says. */
export function outsideLink(href: string, text: string, words: Words): Child {
  const isWeb = URL.parse(href)?.protocol === "https:";
  if (!isWeb) return undefined;
  return element(
    "a",
    { href, target: "_blank", rel: "noopener noreferrer" },
    text,
    element("span", { class: "unseen" }, ` (${words.opensElsewhere})`),
  );
}

function action(text: string, run: () => void): HTMLElement {
  return element("fluent-button", { click: run, size: "small" }, text);
}
