/** The customers: who may buy what, since when, by whose hand, and where something is not as it should be. */

import "@fluentui/web-components/badge.js";
import "@fluentui/web-components/button.js";
import "@fluentui/web-components/text-input.js";
import { products, type ShownPermission } from "../shared/domain/permission.ts";
import type { ListedCustomer } from "../shared/use-cases/list-customers.ts";
import type { Api, Page } from "./api.ts";
import { element } from "./element.ts";
import { fleetPicture } from "./fleet-picture.ts";
import { loadingArea } from "./loading-area.ts";
import { whoIs } from "./people.ts";
import { customerAddress, customersAddress } from "./route.ts";
import type { Context } from "./screen.ts";
import { entitle } from "./screen-title.ts";
import { stateBadge } from "./state-badge.ts";
import type { Words } from "./words.ts";

const pageSize = 25;
/** A search may go through many customers before it finds one: after so many answers the reader decides to go on. */
const mostRequests = 20;
const typingMilliseconds = 300;

const filters = {
  all: {},
  on: { state: "On" },
  off: { state: "Off" },
  drift: { finding: "Drift" },
  notEligible: { finding: "NotEligible" },
} as const satisfies Record<keyof Words["customers"]["filters"], object>;
type Filter = keyof typeof filters;

interface Shown {
  readonly items: readonly ListedCustomer[];
  readonly next: string | undefined;
}

export function customersScreen(context: Context, query: URLSearchParams): HTMLElement {
  const { words } = context;
  let filter: Filter = (Object.keys(filters) as Filter[]).find((name) => name === query.get("show")) ?? "all";
  let search = query.get("search") ?? "";
  /** The links of the pages up to this one. The browser keeps them with its history, for Back. */
  let trail = keptTrail() ?? [firstPage(filter, search)];
  const list = loadingArea(context, { class: "customers-area" });

  const start = () => {
    // Somebody may have typed, and gone.
    if (context.signal.aborted) return;
    trail = [firstPage(filter, search)];
    void turn();
  };
  const turn = () => {
    // The address says what is looked for, without a new entry in the history for every letter.
    history.replaceState({ trail }, "", customersAddress({ search, show: filter === "all" ? "" : filter }));
    return list.load(
      (signal) => readPage(context.api, trail.at(-1) ?? "", signal),
      (shown) => {
        context.announce(words.customers.shown(shown.items.length, trail.length));
        return tableOf(shown);
      },
    );
  };
  const goTo = async (links: string[]) => {
    trail = links;
    await turn();
    list.area.querySelector<HTMLElement>("caption, .empty")?.focus();
  };

  const tableOf = ({ items, next }: Shown): HTMLElement => {
    const isSearch = search !== "" || filter !== "all" || trail.length > 1;
    if (items.length === 0 && next === undefined) {
      return element("p", { class: "empty", tabindex: -1 }, isSearch ? words.customers.noMatch : words.customers.none);
    }
    const columns = [
      words.customers.columnCustomer,
      ...products.map((product) => words.products[product]),
      words.customers.columnVerified,
    ];
    return element(
      "div",
      {},
      items.length === 0
        ? element("p", { class: "empty", tabindex: -1 }, words.customers.noMatchYet)
        : element(
            "table",
            { class: "customers" },
            element("caption", { class: "unseen", tabindex: -1 }, words.customers.shown(items.length, trail.length)),
            element("thead", {}, element("tr", {}, ...columns.map((text) => element("th", { scope: "col" }, text)))),
            element("tbody", {}, ...items.map((customer) => rowOf(customer, context))),
          ),
      element(
        "nav",
        { class: "pages", "aria-label": words.customers.pages },
        trail.length > 1 &&
          element("fluent-button", { click: () => void goTo(trail.slice(0, -1)) }, words.customers.previous),
        element("span", { "aria-hidden": "true" }, words.customers.shown(items.length, trail.length)),
        next !== undefined &&
          element("fluent-button", { click: () => void goTo([...trail, next]) }, words.customers.next),
      ),
    );
  };

  let typing: ReturnType<typeof setTimeout> | undefined;
  const typed = ({ target }: Event) => {
    search = (target as HTMLInputElement).value.trim();
    clearTimeout(typing);
    typing = setTimeout(start, typingMilliseconds);
  };
  const searchField = element("fluent-text-input", {
    id: "search",
    type: "search",
    placeholder: words.customers.searchHint,
    maxlength: 100,
    "aria-label": words.customers.search,
    value: search,
    autocomplete: "off",
    // Not while Japanese is being composed: half of a word finds nothing.
    input: (event) => (event as InputEvent).isComposing || typed(event),
    compositionend: (event) => typed(event),
  });
  const filterField = element(
    "select",
    {
      id: "show",
      "aria-label": words.customers.filter,
      change: (event) => {
        filter = (event.target as HTMLSelectElement).value as Filter;
        start();
      },
    },
    ...Object.entries(words.customers.filters).map(([name, text]) =>
      element("option", { value: name, selected: name === filter }, text),
    ),
  );
  entitle(context, words.customers.heading);
  void turn();
  return element(
    "div",
    { class: "stack" },
    element("h1", { tabindex: -1 }, words.customers.heading),
    fleetPicture(context),
    element("div", { class: "tools", role: "search" }, searchField, filterField),
    list.area,
  );
}

function keptTrail(): string[] | undefined {
  return (history.state as { readonly trail?: string[] } | null)?.trail;
}

function firstPage(filter: Filter, search: string): string {
  const query = new URLSearchParams({ maxpagesize: String(pageSize), ...filters[filter] });
  if (search !== "") query.set("search", search);
  return `/api/customers?${query}`;
}

/** Goes on where the API left off without finding enough. */
async function readPage(api: Api, link: string, signal: AbortSignal): Promise<Shown> {
  const items: ListedCustomer[] = [];
  let next: string | undefined = link;
  for (let requests = 0; next !== undefined && items.length < pageSize && requests < mostRequests; requests++) {
    const { body }: { readonly body: Page<ListedCustomer> } = await api.get<Page<ListedCustomer>>(next, signal);
    items.push(...body.value);
    next = body.nextLink;
  }
  return { items, next };
}

function rowOf(customer: ListedCustomer, { words, times }: Context): HTMLElement {
  const { customerId, name, domain, permissions, lastVerifiedAt, findings = [] } = customer;
  const [finding] = findings;
  const problem =
    finding &&
    element(
      "fluent-badge",
      { appearance: "tint", color: "danger", title: words.findings[finding.code] },
      words.customers.filters[finding.code.startsWith("Turned") ? "drift" : "notEligible"],
    );
  return element(
    "tr",
    {},
    element(
      "th",
      { scope: "row" },
      element("a", { href: customerAddress(customerId) }, name ?? words.customers.unnamed),
      element("span", { class: "quiet" }, domain ?? customerId),
      problem,
    ),
    ...products.map((product) =>
      cell(words.products[product], ...switchSummary(permissions.find((each) => each.product === product))),
    ),
    cell(
      words.customers.columnVerified,
      lastVerifiedAt === undefined
        ? element("span", { class: "quiet" }, words.customers.neverVerified)
        : element("time", { datetime: lastVerifiedAt, title: times.moment(lastVerifiedAt) }, times.ago(lastVerifiedAt)),
    ),
  );

  function switchSummary(permission: ShownPermission | undefined): (Node | string | false)[] {
    const { state = "Off", changedAt = null, changedBy = null, pending } = permission ?? {};
    return [
      stateBadge(state, words),
      pending !== undefined &&
        element("fluent-badge", { appearance: "tint", color: "warning" }, words.customers.pending(pending.state)),
      element(
        "span",
        { class: "quiet" },
        changedAt === null
          ? words.customers.neverOn
          : words.customers.since(times.day(changedAt), whoIs(changedBy, words)),
      ),
    ];
  }
}

/** On a narrow screen, where the head of the table is not shown, each cell says what it is. */
function cell(label: string, ...children: (Node | string | false)[]): HTMLElement {
  return element("td", { "data-label": label }, ...children);
}
