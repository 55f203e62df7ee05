/** The activity log, of all customers or of one: page by page, and to be taken along as a file. */

import "@fluentui/web-components/badge.js";
import "@fluentui/web-components/button.js";
import type { Activity } from "../shared/domain/activity.ts";
import type { ListedCustomer } from "../shared/use-cases/list-customers.ts";
import { type ActivityRange, linkOf } from "./activity-range.ts";
import type { Page } from "./api.ts";
import { type DownloadFormat, downloadActivities, downloadFormats } from "./download.ts";
import { element } from "./element.ts";
import { loadingArea } from "./loading-area.ts";
import { whoIs } from "./people.ts";
import { problemMessage } from "./problem-message.ts";
import { customerAddress } from "./route.ts";
import type { Context } from "./screen.ts";
import type { Words } from "./words.ts";

export interface ActivityList {
  readonly area: HTMLElement;
  /** Goes back to the newest. */
  refresh(): void;
}

/** By customer; without those that Partner Center has not listed. */
type Names = ReadonlyMap<string, string>;
type Shown = Page<Activity> & { readonly names: Names };

const pageSize = 20;
const colours = { Succeeded: "success", Failed: "danger", Detected: "warning" } as const;

export function activityList(context: Context, range: ActivityRange): ActivityList {
  const { api, words } = context;
  const first = linkOf(range, pageSize);
  let trail = [first];
  const list = loadingArea(context, { class: "activities-area" });
  const turn = () =>
    list.load(async (signal) => {
      const { body } = await api.get<Page<Activity>>(trail.at(-1) ?? first, signal);
      return { ...body, names: range.customerId === undefined ? await namesOf(body.value, context) : new Map() };
    }, show);
  const goTo = (links: string[]) => {
    trail = links;
    void turn().then(() => list.area.querySelector<HTMLElement>("caption")?.focus());
  };

  const show = ({ value, nextLink, names }: Shown): HTMLElement => {
    if (value.length === 0) return element("p", { class: "empty" }, words.activities.none);
    const isOfAll = range.customerId === undefined;
    const columns = [
      words.activities.at,
      ...(isOfAll ? [words.activities.customer] : []),
      words.activities.operation,
      words.activities.product,
      words.activities.result,
      words.activities.by,
      words.activities.why,
    ];
    return element(
      "div",
      {},
      element(
        "table",
        { class: "activities" },
        element("caption", { class: "unseen", tabindex: -1 }, words.activities.heading),
        element("thead", {}, element("tr", {}, ...columns.map((column) => element("th", { scope: "col" }, column)))),
        element("tbody", {}, ...value.map((activity) => rowOf(activity, isOfAll ? names : undefined, context))),
      ),
      element(
        "nav",
        { class: "pages", "aria-label": `${words.activities.heading}: ${words.customers.pages}` },
        trail.length > 1 && element("fluent-button", { click: () => goTo(trail.slice(0, -1)) }, words.activities.newer),
        nextLink !== undefined &&
          element("fluent-button", { click: () => goTo([...trail, nextLink]) }, words.activities.older),
      ),
    );
  };

  const refresh = () => {
    trail = [first];
    void turn();
  };
  refresh();
  return { area: element("div", { class: "stack" }, downloads(context, range), list.area), refresh };
}

function rowOf(activity: Activity, names: Names | undefined, { words, times }: Context): HTMLElement {
  const { at, customerId, operation, product, result, by, reason, error, acknowledgedCharges, sequence } = activity;
  const cell = (label: string, ...children: (Node | string | false | undefined)[]) =>
    element("td", { "data-label": label }, ...children);
  return element(
    "tr",
    { id: activity.id },
    element(
      "th",
      { scope: "row" },
      element("time", { datetime: at }, times.moment(at)),
      element("span", { class: "quiet" }, `${words.activities.sequence} ${sequence}`),
    ),
    names &&
      cell(
        words.activities.customer,
        element("a", { href: customerAddress(customerId) }, names.get(customerId) ?? element("code", {}, customerId)),
      ),
    cell(words.activities.operation, words.operations[operation]),
    cell(words.activities.product, words.products[product]),
    cell(
      words.activities.result,
      element("fluent-badge", { appearance: "tint", color: colours[result] }, words.results[result]),
    ),
    cell(words.activities.by, whoIs(by, words)),
    cell(
      words.activities.why,
      whatBefell(activity, words) ?? reason,
      error !== undefined &&
        reason !== undefined &&
        element("span", { class: "quiet" }, `${words.customer.reason}: ${reason}`),
      acknowledgedCharges === true && element("span", { class: "quiet" }, words.activities.acknowledged),
    ),
  );
}

/** What was found, or why it failed. */
function whatBefell({ finding, error }: Activity, words: Words): string | undefined {
  if (finding !== undefined) {
    const found = words.findings[finding.code];
    return finding.status === "Closed" ? words.activities.findingClosed(found) : found;
  }
  return error && (words.problems[error.code]?.message ?? error.message);
}

/** The log has ids; people know names. What cannot be had stays an id. */
async function namesOf(activities: readonly Activity[], { api, signal }: Context): Promise<Names> {
  const ids = [...new Set(activities.map(({ customerId }) => customerId))];
  const customers = await Promise.allSettled(ids.map((id) => api.get<ListedCustomer>(`/api/customers/${id}`, signal)));
  return new Map(
    customers.flatMap((customer) => {
      if (customer.status === "rejected") return [];
      const { customerId, name } = customer.value.body;
      return name === undefined ? [] : [[customerId, name] as const];
    }),
  );
}

function downloads(context: Context, range: ActivityRange): HTMLElement {
  const { words } = context;
  const status = element("span", { role: "status", class: "quiet" });
  const trouble = element("div", {});
  let isRunning = false;
  const run = async (format: DownloadFormat) => {
    if (isRunning) return;
    isRunning = true;
    trouble.replaceChildren();
    try {
      const count = await downloadActivities(context, range, format, (soFar) =>
        status.replaceChildren(words.activities.downloading(soFar)),
      );
      status.replaceChildren(words.activities.downloaded(count));
    } catch (error) {
      if (context.signal.aborted) return;
      status.replaceChildren();
      trouble.replaceChildren(problemMessage(error, context, { tryAgain: () => void run(format) }));
    } finally {
      isRunning = false;
    }
  };
  return element(
    "div",
    { class: "downloads" },
    ...downloadFormats.map((format) =>
      element(
        "fluent-button",
        { size: "small", click: () => void run(format), "aria-label": `${words.activities.download}: ${format}` },
        `${words.activities.download} ${format}`,
      ),
    ),
    status,
    trouble,
  );
}
