/** What the article tells the partner, and a text for the customer to copy. */

import "@fluentui/web-components/button.js";
import { element } from "./element.ts";
import { outsideLink } from "./problem-message.ts";
import type { Words } from "./words.ts";

const article = "https://learn.microsoft.com/partner-center/customers/give-customers-permission";

export function guidanceText(words: Words, heading: "h2" | "h3" = "h3"): HTMLElement {
  const status = element("span", { role: "status", class: "quiet" });
  const letter = element(
    "pre",
    { class: "letter", tabindex: 0, role: "region", "aria-label": words.guidance.forCustomer },
    words.guidance.letter,
  );
  const copy = async () => {
    await navigator.clipboard.writeText(words.guidance.letter).then(
      () => status.replaceChildren(words.guidance.copied),
      // Without leave to write to the clipboard the text is marked, to be copied by hand.
      () => getSelection()?.selectAllChildren(letter),
    );
  };
  return element(
    "div",
    { class: "stack guidance" },
    element(heading, {}, words.guidance.forPartner),
    element("ul", {}, ...words.guidance.points.map((point) => element("li", {}, point))),
    element("p", {}, outsideLink(article, words.guidance.source, words)),
    element(heading, {}, words.guidance.forCustomer),
    letter,
    element("div", {}, element("fluent-button", { click: () => void copy() }, words.guidance.copy), " ", status),
  );
}
