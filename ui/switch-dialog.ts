/** Asks before a switch is turned: what it means, why it is done, and, for On, whether the cost is understood. */

import "@fluentui/web-components/button.js";
import "@fluentui/web-components/checkbox.js";
import "@fluentui/web-components/dialog-body.js";
import "@fluentui/web-components/dialog.js";
import "@fluentui/web-components/textarea.js";
import type { PermissionState, Product } from "../shared/domain/permission.ts";
import { element } from "./element.ts";
import { guidanceText } from "./guidance-text.ts";
import type { Context } from "./screen.ts";

export interface Question {
  readonly product: Product;
  readonly state: PermissionState;
  readonly customerName: string;
}

export interface Decision {
  /** May be empty for Off. */
  readonly reason: string;
  /** Whether the reader confirmed that the partner pays. */
  readonly acknowledged: boolean;
}

interface DialogElement extends HTMLElement {
  show(): void;
  hide(): void;
}

const longestReason = 500;

/** @returns undefined: the reader thought better of it, or has left the screen */
export function askToSwitch(
  { words, signal }: Pick<Context, "words" | "signal">,
  { product, state, customerName }: Question,
): Promise<Decision | undefined> {
  const isOn = state === "On";
  const title = words.dialog[isOn ? "turnOn" : "turnOff"](product, customerName);
  const consequences = isOn ? words.dialog.consequences : words.dialog.offConsequences;
  const reason = element("fluent-textarea", {
    id: "reason",
    maxlength: longestReason,
    "aria-label": words.dialog.reason,
    placeholder: words.dialog.reasonHint,
    block: true,
    autofocus: !isOn,
  }) as HTMLElement & { value: string };
  const acknowledge = element("fluent-checkbox", {
    id: "acknowledge",
    "aria-label": words.dialog.acknowledge,
    autofocus: isOn,
  }) as HTMLElement & { checked: boolean };
  const complaint = element("p", { class: "complaint", role: "alert" });
  const dialog = element(
    "fluent-dialog",
    { type: "alert", "aria-label": title },
    element(
      "fluent-dialog-body",
      {},
      element("h2", { slot: "title", class: "dialog-title" }, title),
      element(
        "div",
        { class: "stack" },
        element("ul", {}, ...consequences.map((consequence) => element("li", {}, consequence))),
        ...(isOn
          ? [
              element("details", {}, element("summary", {}, words.dialog.guidance), guidanceText(words)),
              element(
                "div",
                { class: "check-row" },
                acknowledge,
                element("label", { for: "acknowledge" }, words.dialog.acknowledge),
              ),
            ]
          : []),
        element("label", { for: "reason" }, words.dialog.reason),
        reason,
        complaint,
      ),
      element("fluent-button", { slot: "action", click: () => dialog.hide() }, words.cancel),
      element(
        "fluent-button",
        { slot: "action", appearance: "primary", click: () => decide() },
        isOn ? words.dialog.confirmOn : words.dialog.confirmOff,
      ),
    ),
  ) as DialogElement;

  const decided = Promise.withResolvers<Decision | undefined>();
  let decision: Decision | undefined;
  const decide = () => {
    const given = reason.value.trim();
    const missing =
      isOn && !acknowledge.checked
        ? words.dialog.acknowledgeMissing
        : isOn && given === ""
          ? words.dialog.reasonMissing
          : "";
    if (missing !== "") {
      complaint.replaceChildren(missing);
      (isOn && !acknowledge.checked ? acknowledge : reason).focus();
      return;
    }
    decision = { reason: given, acknowledged: isOn && acknowledge.checked };
    dialog.hide();
  };
  dialog.addEventListener("toggle", (event) => {
    if (event.target !== dialog || (event as Event as CustomEvent<{ newState: string }>).detail?.newState !== "closed")
      return;
    dialog.remove();
    signal.removeEventListener("abort", leave);
    decided.resolve(decision);
  });
  const leave = () => dialog.hide();
  signal.addEventListener("abort", leave);
  (document.querySelector("main") ?? document.body).append(dialog);
  dialog.show();
  return decided.promise;
}
