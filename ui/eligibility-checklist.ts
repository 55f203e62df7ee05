/** The two conditions as a checklist, with what was looked at and what to do where one is not met. */

import "@fluentui/web-components/badge.js";
import "@fluentui/web-components/button.js";
import type { Check, Eligibility, ExaminedSubscription } from "../shared/domain/eligibility.ts";
import { element } from "./element.ts";
import { loadingArea, progress } from "./loading-area.ts";
import { explain, outsideLink } from "./problem-message.ts";
import type { Context } from "./screen.ts";

const colours = { Passed: "success", Failed: "danger", Inconclusive: "warning" } as const;
const marks = { Passed: "✓", Failed: "✕", Inconclusive: "?" } as const;
const intents = { Eligible: "success", NotEligible: "error", Inconclusive: "warning" } as const;

/** @param judged is told the outcome, or undefined while nobody knows */
export function eligibilityChecklist(
  context: Context,
  customerId: string,
  judged: (eligibility: Eligibility | undefined) => void,
): HTMLElement {
  const { api, words, times } = context;
  const list = loadingArea(context, { class: "checks-area" });
  list.area.append(progress(words.eligibility.checking));
  const check = () => {
    judged(undefined);
    return list.load(
      async (signal) => {
        const { body } = await api.get<Eligibility>(`/api/customers/${customerId}/eligibility`, signal);
        return body;
      },
      (eligibility) => {
        judged(eligibility);
        context.announce(words.eligibility.results[eligibility.result]);
        return show(eligibility);
      },
    );
  };

  const show = ({ result, checks, subscriptions, checkedAt }: Eligibility): HTMLElement =>
    element(
      "div",
      { class: "stack" },
      element("fluent-message-bar", { intent: intents[result] }, words.eligibility.results[result]),
      element("ol", { class: "checks" }, ...checks.map(itemOf)),
      subscriptions.length > 0 &&
        element(
          "details",
          { class: "evidence", open: result !== "Eligible" },
          element("summary", {}, words.eligibility.evidence(subscriptions.length)),
          ...subscriptions.map(evidenceOf),
        ),
      element("p", { class: "quiet" }, words.eligibility.checkedAt(times.moment(checkedAt))),
    );

  const itemOf = (item: Check): HTMLElement => {
    const { name, result, link } = item;
    const { message, remedy } = explain(item, words.eligibility.codes);
    return element(
      "li",
      { "data-result": result },
      element(
        "div",
        { class: "check-title" },
        element(
          "fluent-badge",
          { appearance: "tint", color: colours[result], shape: "rounded" },
          `${marks[result]} ${words.eligibility.checkResults[result]}`,
        ),
        element("strong", {}, words.eligibility.checks[name]),
      ),
      element("p", {}, message),
      remedy !== undefined && element("p", {}, element("strong", {}, `${words.eligibility.remedy}: `), remedy),
      link !== undefined && element("p", {}, outsideLink(link, words.eligibility.openLink, words)),
    );
  };

  const evidenceOf = (subscription: ExaminedSubscription): HTMLElement => {
    const { displayName, subscriptionId, state, quotaId, counts, code, owners, ignoredOwners } = subscription;
    const type = (principalType: string) => words.eligibility.principalTypes[principalType] ?? principalType;
    const terms: (readonly [string, (Node | string)[]])[] = [
      [words.eligibility.state, [words.eligibility.states[state] ?? state]],
      [words.eligibility.quotaId, [words.eligibility.states[quotaId] ?? quotaId]],
      [
        words.eligibility.owners,
        owners.length === 0
          ? [words.eligibility.noOwners]
          : owners.map(({ principalId, principalType, scope, conditional }) =>
              element(
                "div",
                {},
                `${type(principalType)} `,
                element("code", {}, principalId),
                element("span", { class: "quiet" }, ` ${words.eligibility.atScope(scope)}`),
                conditional && ` (${words.eligibility.conditional})`,
              ),
            ),
      ],
      [
        words.eligibility.ignoredOwners,
        ignoredOwners.length === 0
          ? [words.eligibility.noOwners]
          : ignoredOwners.map(({ principalId, principalType, code: why }) =>
              element(
                "div",
                {},
                `${type(principalType)} `,
                element("code", {}, principalId),
                `: ${words.eligibility.ignored[why]}`,
              ),
            ),
      ],
    ];
    return element(
      "article",
      { class: "card" },
      element(
        "h3",
        {},
        displayName,
        " ",
        element(
          "fluent-badge",
          { appearance: "tint", color: counts ? "success" : "subtle" },
          counts ? words.eligibility.counts : words.eligibility.countsNot,
        ),
      ),
      element(
        "p",
        { class: "quiet" },
        element("code", {}, subscriptionId),
        code !== undefined && ` ${words.eligibility.subscriptionCodes[code] ?? code}`,
      ),
      element(
        "dl",
        { class: "facts" },
        ...terms.map(([term, values]) => element("div", {}, element("dt", {}, term), element("dd", {}, ...values))),
      ),
    );
  };

  void check();
  return element(
    "div",
    { class: "stack" },
    list.area,
    element("div", {}, element("fluent-button", { click: () => void check() }, words.eligibility.again)),
  );
}
