/** The guidance on a screen of its own. */

import { element } from "./element.ts";
import { guidanceText } from "./guidance-text.ts";
import type { Screen } from "./screen.ts";
import { entitle } from "./screen-title.ts";

export const guidanceScreen: Screen = (context) => {
  const { words } = context;
  entitle(context, words.guidance.heading);
  return element(
    "div",
    { class: "stack" },
    element("h1", { tabindex: -1 }, words.guidance.heading),
    guidanceText(words, "h2"),
  );
};
