/** On or Off, at a glance. */

import "@fluentui/web-components/badge.js";
import type { PermissionState } from "../shared/domain/permission.ts";
import { element } from "./element.ts";
import type { Words } from "./words.ts";

export function stateBadge(state: PermissionState, words: Words): HTMLElement {
  return element(
    "fluent-badge",
    state === "On" ? { appearance: "filled", color: "brand" } : { appearance: "tint", color: "informative" },
    words.states[state],
  );
}
