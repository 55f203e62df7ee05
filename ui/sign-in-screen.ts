/** Before the reader is signed in, or when that did not work out. */

import "@fluentui/web-components/button.js";
import "@fluentui/web-components/message-bar.js";
import { element } from "./element.ts";
import type { SignInConfig } from "./session.ts";
import type { Words } from "./words.ts";

/** @param failure Entra's code, or our own `unavailable`; absent: nobody has tried yet */
export function signInScreen(
  words: Words,
  { tenants }: SignInConfig,
  signIn: (tenant: string) => void,
  failure?: string,
): HTMLElement {
  return element(
    "div",
    { class: "stack sign-in" },
    element("h1", { tabindex: -1 }, words.signIn.heading),
    element("p", {}, words.signIn.text),
    failure !== undefined &&
      element("fluent-message-bar", { intent: "error", role: "alert" }, reasonOf(failure, words)),
    ...tenants.map((tenant) =>
      element(
        "div",
        {},
        element(
          "fluent-button",
          { appearance: "primary", size: "large", click: () => signIn(tenant) },
          tenants.length === 1 ? words.signIn.button : words.signIn.buttonOf(tenant),
        ),
      ),
    ),
  );
}

function reasonOf(failure: string, words: Words): string {
  if (failure === "access_denied") return words.signIn.cancelled;
  if (failure === "unavailable") return words.signIn.unavailable;
  return words.signIn.failed(failure);
}

/** Whoever is signed in and holds none of the roles sees nothing of the customers. */
export function noRoleScreen(words: Words, userName: string): HTMLElement {
  return element(
    "div",
    { class: "stack sign-in" },
    element("h1", { tabindex: -1 }, words.signIn.noRole),
    element("p", {}, words.signIn.noRoleText(userName)),
  );
}
