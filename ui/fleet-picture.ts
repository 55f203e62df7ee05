/** How many customers could buy at the partner's cost, day by day over the last 90 days. */

import type { FleetDay } from "../shared/domain/fleet-history.ts";
import { element, shape } from "./element.ts";
import { loadingArea } from "./loading-area.ts";
import type { Context } from "./screen.ts";

const daysShown = 90;
const width = 600;
const height = 72;

export function fleetPicture(context: Context): HTMLElement {
  const { words } = context;
  const picture = loadingArea(context, { class: "fleet-area" });
  void picture.load(
    async (signal) => {
      const { body } = await context.api.get<{ value: FleetDay[] }>(`/api/fleet/history?days=${daysShown}`, signal);
      return body.value;
    },
    (days) => pictureOf(days, context),
  );
  return element(
    "section",
    { class: "card fleet", "aria-labelledby": "fleet-heading" },
    element("h2", { id: "fleet-heading" }, words.fleet.heading),
    picture.area,
  );
}

function pictureOf(days: readonly FleetDay[], { words, times }: Context): HTMLElement {
  const [first, last] = [days[0], days.at(-1)];
  if (first === undefined || last === undefined) return element("p", {});
  const { azureReservations, azureSavingsPlans } = last.on;
  const change = words.fleet.change(last.customersOn - first.customersOn);
  const most = Math.max(...days.map(({ customersOn }) => customersOn));
  return element(
    "div",
    { class: "fleet-body" },
    element(
      "div",
      { class: "stack" },
      element("strong", { class: "figure" }, words.fleet.now(last.customersOn)),
      element("span", {}, change),
      element("span", { class: "quiet" }, words.fleet.detail(azureReservations, azureSavingsPlans)),
    ),
    element(
      "figure",
      {},
      shape(
        "svg",
        {
          viewBox: `0 0 ${width} ${height}`,
          preserveAspectRatio: "none",
          role: "img",
          "aria-label": `${times.date(first.date)} – ${times.date(last.date)}: ${words.fleet.axis(most)}, ${change}`,
        },
        shape("path", { class: "fleet-area-shape", d: `${stepsOf(days, most)} V ${height} H 0 Z` }),
        shape("path", { class: "fleet-line", d: stepsOf(days, most) }),
      ),
      element(
        "figcaption",
        { class: "quiet" },
        element("span", {}, times.date(first.date)),
        element("span", {}, words.fleet.axis(most)),
        element("span", {}, times.date(last.date)),
      ),
    ),
  );
}

/** A switch is turned at once, so the line has steps. */
function stepsOf(days: readonly FleetDay[], most: number): string {
  const y = (value: number) => (height - 2 - (value / Math.max(most, 1)) * (height - 6)).toFixed(1);
  const step = width / Math.max(days.length, 1);
  const lines = days.map(
    ({ customersOn }, index) => `${index === 0 ? "M 0" : "V"} ${y(customersOn)} H ${((index + 1) * step).toFixed(1)}`,
  );
  return lines.join(" ");
}
