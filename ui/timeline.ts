/** The periods in which a customer's permissions were On, with who turned them On and why. */

import type { Activity } from "../shared/domain/activity.ts";
import type { Page } from "./api.ts";
import { element } from "./element.ts";
import { loadingArea } from "./loading-area.ts";
import { whoIs } from "./people.ts";
import { type Period, periodsOf } from "./periods.ts";
import type { Context } from "./screen.ts";

const entries = 200;

export function timeline(context: Context, customerId: string): { readonly area: HTMLElement; refresh(): void } {
  const { api, words, times } = context;
  const list = loadingArea(context, { class: "timeline-area" });
  const query = new URLSearchParams({ customerId, maxpagesize: String(entries) });
  const refresh = () =>
    void list.load(
      async (signal) => (await api.get<Page<Activity>>(`/api/activities?${query}`, signal)).body,
      ({ value, nextLink }) => {
        const periods = periodsOf(value);
        return element(
          "div",
          { class: "stack" },
          periods.length === 0
            ? element("p", { class: "empty" }, words.timeline.none)
            : element("ol", { class: "timeline" }, ...periods.map(itemOf)),
          nextLink !== undefined && element("p", { class: "quiet" }, words.timeline.onlyNewest(entries)),
        );
      },
    );

  const itemOf = ({ product, from, to, by, reason }: Period): HTMLElement =>
    element(
      "li",
      { "data-open": to === undefined },
      element("strong", {}, words.products[product]),
      element(
        "span",
        {},
        [
          from === undefined ? "" : words.timeline.from(times.moment(from)),
          to === undefined ? words.timeline.stillOn : words.timeline.until(times.moment(to)),
          from === undefined
            ? ""
            : `(${times.length((to === undefined ? Date.now() : Date.parse(to)) - Date.parse(from))})`,
        ].join(" "),
      ),
      by !== undefined && element("span", { class: "quiet" }, words.timeline.by(whoIs(by, words))),
      reason !== undefined && element("q", {}, reason),
    );

  refresh();
  return { area: list.area, refresh };
}
