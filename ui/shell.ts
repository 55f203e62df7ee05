/** What stands around every screen: where one can go, who one is, and how the page looks and speaks. */

import "@fluentui/web-components/button.js";
import { element } from "./element.ts";
import { chooseLanguage, chosenLanguage, type Language, languages } from "./language.ts";
import { activitiesAddress, customersAddress, guidanceAddress, type Route } from "./route.ts";
import type { Session } from "./session.ts";
import { chooseTheme, chosenTheme, type Theme, themes } from "./theme.ts";
import type { Words } from "./words.ts";

export interface Shell {
  readonly page: HTMLElement;
  /** Puts a screen into the main part, and marks the way to it. */
  show(screen: HTMLElement, route?: Route["screen"]): void;
  announce(text: string): void;
}

const languageNames: Readonly<Record<Language, string>> = { en: "English", ja: "日本語" };

/**
 * @param session absent: nobody is signed in
 * @param languageChanged when the reader wants another one
 */
export function shell(words: Words, session: Session | undefined, languageChanged: () => void): Shell {
  const main = element("main", { id: "main", tabindex: -1 });
  const live = element("div", { class: "unseen", role: "status" });
  const links = [
    ["customers", customersAddress(), words.shell.customers],
    ["activities", activitiesAddress(), words.shell.activities],
    ["guidance", guidanceAddress, words.shell.guidance],
  ].map(([screen = "", href, text]) => element("a", { href, "data-screen": screen }, text));
  const role = session?.roles[0];
  const page = element(
    "div",
    { class: "shell" },
    element("button", { type: "button", class: "skip", click: () => main.focus() }, words.shell.skip),
    element(
      "header",
      {},
      element("strong", { class: "brand" }, words.title),
      session !== undefined && element("nav", { "aria-label": words.shell.navigation }, ...links),
      element(
        "div",
        { class: "settings" },
        selection(words.shell.language, "language", languages, languageNames, chosenLanguage(), (language) => {
          chooseLanguage(language);
          languageChanged();
        }),
        selection<Theme>(words.shell.theme, "theme", themes, words.shell.themes, chosenTheme(), chooseTheme),
        session !== undefined &&
          element(
            "span",
            { class: "reader" },
            session.name,
            role !== undefined && element("span", { class: "quiet" }, ` ${words.shell.roles[role]}`),
          ),
        session !== undefined &&
          element(
            "fluent-button",
            { size: "small", appearance: "subtle", click: () => session.signOut() },
            words.shell.signOut,
          ),
      ),
    ),
    main,
    live,
  );
  return {
    page,
    show(screen, route) {
      for (const link of links) {
        const isHere = link.dataset.screen === route || (route === "customer" && link.dataset.screen === "customers");
        if (isHere) link.setAttribute("aria-current", "page");
        else link.removeAttribute("aria-current");
      }
      const note =
        session !== undefined && role !== undefined && !session.maySwitch && route !== "guidance"
          ? [element("p", { class: "note" }, words.shell.readsOnly(words.shell.roles[role]))]
          : [];
      main.replaceChildren(...note, screen);
    },
    announce: (text) => live.replaceChildren(text),
  };
}

function selection<Value extends string>(
  label: string,
  name: string,
  values: readonly Value[],
  names: Readonly<Record<Value, string>>,
  chosen: Value,
  choose: (value: Value) => void,
): HTMLElement {
  return element(
    "select",
    {
      name,
      "aria-label": label,
      change: (event) => choose((event.target as HTMLSelectElement).value as Value),
    },
    ...values.map((value) => element("option", { value, selected: value === chosen }, names[value])),
  );
}
