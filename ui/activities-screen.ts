/** The activity log over all customers, of the days that the reader wants to see. */

import { activityList } from "./activity-list.ts";
import { element } from "./element.ts";
import { activitiesAddress } from "./route.ts";
import type { Context } from "./screen.ts";
import { entitle } from "./screen-title.ts";

export function activitiesScreen(context: Context, query: URLSearchParams): HTMLElement {
  const { words } = context;
  const days = { from: query.get("from") ?? "", to: query.get("to") ?? "" };
  const list = element("div", {});
  const show = () => {
    history.replaceState(null, "", activitiesAddress(days));
    const from = startOf(days.from, 0);
    const to = startOf(days.to, 1);
    list.replaceChildren(
      activityList(context, { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }).area,
    );
  };
  const field = (name: "from" | "to") =>
    element(
      "label",
      {},
      words.activities[name],
      " ",
      element("input", {
        type: "date",
        name,
        value: days[name],
        change: (event) => {
          days[name] = (event.target as HTMLInputElement).value;
          show();
        },
      }),
    );
  entitle(context, words.activities.heading);
  show();
  return element(
    "div",
    { class: "stack" },
    element("h1", { tabindex: -1 }, words.activities.heading),
    element("div", { class: "tools" }, field("from"), field("to")),
    list,
  );
}

/** The beginning of a day in the reader's zone, or of one after it. */
function startOf(day: string, daysLater: number): string | undefined {
  const [year, month, date] = day.split("-").map(Number);
  if (year === undefined || month === undefined || date === undefined) return undefined;
  const start = new Date(year, month - 1, date + daysLater);
  return Number.isNaN(start.getTime()) ? undefined : start.toISOString();
}
