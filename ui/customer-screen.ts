/** One customer: the two switches, whether they may be turned On and why, when they were, and the log of it all. */

import "@fluentui/web-components/badge.js";
import "@fluentui/web-components/message-bar.js";
import { type Product, products, type ShownPermission } from "../shared/domain/permission.ts";
import type { ListedCustomer } from "../shared/use-cases/list-customers.ts";
import { activityList } from "./activity-list.ts";
import { element } from "./element.ts";
import { eligibilityChecklist } from "./eligibility-checklist.ts";
import { loadingArea } from "./loading-area.ts";
import { type PermissionCard, permissionCard } from "./permission-card.ts";
import { customersAddress, guidanceAddress } from "./route.ts";
import type { Context } from "./screen.ts";
import { entitle } from "./screen-title.ts";
import { timeline } from "./timeline.ts";

interface Opened {
  readonly customer: ListedCustomer;
  readonly permissions: Readonly<Record<Product, Versioned>>;
}

/** A permission, and the version of it that a change must be based on. */
export interface Versioned {
  readonly permission: ShownPermission;
  readonly etag: string;
}

export function customerScreen(context: Context, customerId: string): HTMLElement {
  const { api, words } = context;
  const path = `/api/customers/${customerId}`;
  const screen = loadingArea(context, { class: "customer-area" });

  const readPermission = async (product: Product, signal?: AbortSignal): Promise<Versioned> => {
    const { body, headers } = await api.get<ShownPermission>(`${path}/permissions/${product}`, signal);
    return { permission: body, etag: headers.get("etag") ?? "" };
  };
  const open = async (signal: AbortSignal): Promise<Opened> => {
    const [customer, azureReservations, azureSavingsPlans] = await Promise.all([
      api.get<ListedCustomer>(path, signal),
      readPermission("azureReservations", signal),
      readPermission("azureSavingsPlans", signal),
    ]);
    return { customer: customer.body, permissions: { azureReservations, azureSavingsPlans } };
  };

  const show = ({ customer, permissions }: Opened): HTMLElement => {
    const name = customer.name ?? words.customers.unnamed;
    entitle(context, name);
    const periods = timeline(context, customerId);
    const log = activityList(context, { customerId });
    const refresh = () => {
      periods.refresh();
      log.refresh();
    };
    const cards: PermissionCard[] = products.map((product) =>
      permissionCard(context, {
        customerId,
        customerName: name,
        current: permissions[product],
        read: () => readPermission(product, context.signal),
        changed: refresh,
      }),
    );
    const checklist = eligibilityChecklist(context, customerId, (eligibility) => {
      for (const card of cards) card.judge(eligibility?.result);
    });
    return element(
      "div",
      { class: "stack" },
      element("h1", { tabindex: -1 }, name),
      facts(customer),
      ...findings(customer),
      section(
        "permissions",
        words.customer.permissions,
        element("div", { class: "cards" }, ...cards.map(({ card }) => card)),
        element("p", {}, element("a", { href: guidanceAddress }, words.dialog.guidance)),
      ),
      section("checks", words.eligibility.heading, checklist),
      section("timeline", words.timeline.heading, periods.area),
      section("log", words.activities.ofCustomer, log.area),
    );
  };

  const facts = ({ domain, relationship, lastVerifiedAt }: ListedCustomer): HTMLElement => {
    const { times } = context;
    const verified = lastVerifiedAt === undefined ? words.customers.neverVerified : times.moment(lastVerifiedAt);
    const rows = [
      [words.customer.tenantId, element("code", {}, customerId)],
      [words.customer.domain, domain],
      [words.customer.relationship, words.customer.relationships[relationship?.toLowerCase() ?? ""] ?? relationship],
      [words.customer.verified, verified],
    ] as const;
    return element(
      "dl",
      { class: "facts" },
      ...rows.flatMap(([term, value]) =>
        value === undefined ? [] : [element("div", {}, element("dt", {}, term), element("dd", {}, value))],
      ),
    );
  };

  const findings = ({ findings: found = [] }: ListedCustomer): HTMLElement[] =>
    found.map(({ code, product, since, byUserPrincipalName }) =>
      element(
        "fluent-message-bar",
        { intent: "warning", layout: "multiline", class: "finding" },
        element(
          "div",
          { class: "stack" },
          element("strong", {}, words.products[product]),
          element("span", {}, words.findings[code]),
          element(
            "span",
            { class: "quiet" },
            words.customer.found(context.times.moment(since)),
            byUserPrincipalName !== undefined && ` ${words.customer.foundBy(byUserPrincipalName)}`,
          ),
        ),
      ),
    );

  entitle(context, customerId);
  void screen.load(open, (opened) => {
    const shown = show(opened);
    // The heading is what the reader came for; before, there was none to go to.
    queueMicrotask(() => shown.querySelector<HTMLElement>("h1")?.focus());
    return shown;
  });
  return element(
    "div",
    { class: "stack" },
    element("p", { class: "back" }, element("a", { href: customersAddress() }, words.customer.back)),
    screen.area,
  );
}

function section(id: string, heading: string, ...children: HTMLElement[]): HTMLElement {
  return element(
    "section",
    { id, "aria-labelledby": `${id}-heading`, class: "stack" },
    element("h2", { id: `${id}-heading`, tabindex: -1 }, heading),
    ...children,
  );
}
