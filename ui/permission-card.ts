/**
 * One switch. It moves when the API says that it has moved, and not before: what the reader does to it asks, and what the
 * API answers turns it.
 */

import "@fluentui/web-components/message-bar.js";
import "@fluentui/web-components/switch.js";
import type { Eligibility } from "../shared/domain/eligibility.ts";
import type { Permission, PermissionState } from "../shared/domain/permission.ts";
import type { Operation } from "../shared/use-cases/get-operation.ts";
import type { Versioned } from "./customer-screen.ts";
import { element } from "./element.ts";
import { progress } from "./loading-area.ts";
import { forgetPending, keepPending, pendingOperation } from "./pending-operations.ts";
import { whoIs } from "./people.ts";
import { isPassing, Problem } from "./problem.ts";
import { factsOf, outsideLink, problemMessage } from "./problem-message.ts";
import type { Context } from "./screen.ts";
import { stateBadge } from "./state-badge.ts";
import { askToSwitch, type Decision } from "./switch-dialog.ts";

export interface PermissionCardOptions {
  readonly customerId: string;
  readonly customerName: string;
  readonly current: Versioned;
  /** Reads it anew. */
  readonly read: () => Promise<Versioned>;
  /** Called when something new stands in the log. */
  readonly changed: () => void;
}

export interface PermissionCard {
  readonly card: HTMLElement;
  /** @param result of the check; undefined: it is not known, so the API is to decide */
  judge(result: Eligibility["result"] | undefined): void;
}

interface SwitchElement extends HTMLElement {
  checked: boolean;
  disabled: boolean;
}

/** What `PUT` answers, and what an operation tells beside its status. */
interface ManualSteps {
  readonly steps?: readonly string[];
  readonly link?: string;
  readonly expiresAt?: string;
}
type Changed = Permission & ManualSteps & { readonly changed: boolean };

/** A repetition carries the same id, so that a change is made once however often it is asked for. */
interface Attempt extends Decision {
  readonly state: PermissionState;
  readonly id: string;
}

/** What people do by hand takes longer, and is looked at by the service once a minute. */
const pollMilliseconds = { byService: 2_000, byHand: 5_000 } as const;

export function permissionCard(
  context: Context,
  { customerId, customerName, current, read, changed }: PermissionCardOptions,
): PermissionCard {
  const { api, words, times, session, signal } = context;
  const { product } = current.permission;
  const path = `/api/customers/${customerId}/permissions/${product}`;
  let { permission, etag } = current;
  let verdict: Eligibility["result"] | undefined;
  let isBusy = false;

  const toggle = element("fluent-switch", {
    id: `switch-${product}`,
    "aria-describedby": `why-${product}`,
  }) as SwitchElement;
  const badge = element("span", {});
  const summary = element("p", { class: "quiet" });
  const why = element("p", { id: `why-${product}`, class: "why" });
  const news = element("div", { class: "news", "aria-live": "polite" });
  const card = element(
    "div",
    { class: "card permission", role: "group", "aria-labelledby": `name-${product}` },
    element("h3", { id: `name-${product}` }, words.products[product], " ", badge),
    element("div", { class: "switch-row" }, toggle, element("label", { for: toggle.id }, words.customer.allow)),
    summary,
    why,
    news,
  );
  toggle.setAttribute("aria-label", `${words.products[product]}: ${words.customer.allow}`);
  toggle.addEventListener("change", () => {
    // It has moved by itself: back, until somebody has decided and the API has agreed.
    settle();
    if (!isBusy) void ask(permission.state === "On" ? "Off" : "On");
  });
  show();
  const unfinished = pendingOperation(customerId, product);
  if (unfinished !== undefined) void follow(unfinished.path, unfinished.state);

  function settle(): void {
    toggle.checked = permission.state === "On";
    const isRefused = permission.state === "Off" && (verdict === "NotEligible" || verdict === "Inconclusive");
    toggle.disabled = !session.maySwitch || isRefused;
    toggle.setAttribute("aria-busy", String(isBusy));
  }

  function show(): void {
    settle();
    badge.replaceChildren(stateBadge(permission.state, words));
    const { changedAt, changedBy, reason } = permission;
    summary.replaceChildren(
      changedAt === null
        ? words.customer.neverChanged
        : words.customer.lastChange(times.moment(changedAt), whoIs(changedBy, words)),
      ...(reason === undefined ? [] : [element("br"), `${words.customer.reason}: ${reason}`]),
    );
    why.replaceChildren(...reasonWhyNot());
  }

  function reasonWhyNot(): (Node | string)[] {
    if (!session.maySwitch) return [words.switching.needsAdminAgent];
    if (permission.state === "On" || verdict === undefined || verdict === "Eligible") return [];
    const text = verdict === "NotEligible" ? words.switching.notEligible : words.switching.cannotTell;
    const toChecks = () => {
      const heading = document.querySelector<HTMLElement>("#checks-heading");
      heading?.scrollIntoView();
      heading?.focus();
    };
    return [text, " ", element("button", { type: "button", class: "link", click: toChecks }, words.switching.toChecks)];
  }

  async function ask(state: PermissionState): Promise<void> {
    isBusy = true;
    const decision = await askToSwitch(context, { product, state, customerName });
    isBusy = false;
    toggle.focus();
    if (decision !== undefined) await attempt({ ...decision, state, id: crypto.randomUUID() });
  }

  async function attempt(wish: Attempt): Promise<void> {
    const { state, reason, acknowledged, id } = wish;
    if (isBusy) return;
    begin(words.switching.working);
    try {
      const answer = await api.put<Changed>(
        path,
        { "if-match": etag, "repeatability-request-id": id },
        { state, ...(reason === "" ? {} : { reason }), ...(acknowledged ? { acknowledgedCharges: true } : {}) },
      );
      const operation = answer.headers.get("operation-location");
      if (answer.status === 202 && operation !== null) {
        // Also when the reader has gone: whoever comes back wants to know.
        keepPending(customerId, product, { path: new URL(operation).pathname, state });
        if (signal.aborted) return;
        changed();
        return await follow(new URL(operation).pathname, state, answer.body);
      }
      if (signal.aborted) return;
      permission = answer.body;
      etag = answer.headers.get("etag") ?? etag;
      ended(answer.body.changed ? words.switching.done(product, state) : words.switching.unchanged(product, state));
    } catch (error) {
      if (signal.aborted) return;
      await refused(error, wish);
    }
  }

  /** Waits until Partner Center has confirmed the change, or it has failed. */
  async function follow(operationPath: string, state: PermissionState, first: ManualSteps = {}): Promise<void> {
    pending(state, first);
    let manual = first;
    for (let looks = 0; ; looks++) {
      const { byService, byHand } = pollMilliseconds;
      // After a reload nobody knows yet how it stands.
      const isByHand = manual.steps !== undefined;
      if (looks > 0 || isByHand) await new Promise((resolve) => setTimeout(resolve, isByHand ? byHand : byService));
      if (signal.aborted) return;
      try {
        const { body } = await api.get<Operation & ManualSteps>(operationPath, signal);
        if (body.status === "Running" || body.status === "NotStarted") {
          manual = body;
          pending(state, manual);
          continue;
        }
        if (body.status !== "Succeeded") throw await reasonOf(operationPath);
        ({ permission, etag } = await read());
        forgetPending(customerId, product);
        return ended(words.switching.done(product, state));
      } catch (error) {
        if (signal.aborted) return;
        const facts = factsOf(error);
        // What cannot be asked at the moment is still pending.
        if (isPassing(facts)) continue;
        const hasFailed = facts.code === "Failed";
        if (hasFailed || facts.code === "NotFound") forgetPending(customerId, product);
        if (hasFailed) changed();
        return failed(error, undefined, hasFailed ? words.switching.failed : undefined);
      }
    }
  }

  /** @returns why a change has failed: its result is the refusal that the request itself would have met */
  async function reasonOf(operationPath: string): Promise<unknown> {
    return api.get(`${operationPath}/result`, signal).then(
      () => new Problem({ code: "Failed", message: "", details: [] }),
      (error: unknown) => {
        if (!(error instanceof Problem) || error.facts.code !== "PartnerCenterRefused") return error;
        // The details say who refused; it need not have been Partner Center.
        return new Problem({ ...error.facts, code: "Failed", message: "" }, { cause: error });
      },
    );
  }

  async function refused(error: unknown, wish: Attempt): Promise<void> {
    const facts = factsOf(error);
    const { code, details } = facts;
    if (code === "ConditionNotMet") ({ permission, etag } = await read().catch(() => ({ permission, etag })));
    // Somebody else's change stands in the log, and so does one of ours that was begun and then refused.
    if (code === "ConditionNotMet" || code === "PartnerCenterRefused") changed();
    const [inTheWay] = details;
    const mayRepeat = isPassing(facts) || code === "InternalError" || code === "ChangeInProgress";
    failed(error, mayRepeat ? () => void attempt(wish) : undefined, undefined);
    if (code === "ChangeInProgress" && inTheWay?.since !== undefined)
      news.append(element("p", { class: "quiet" }, times.moment(inTheWay.since)));
  }

  function begin(text: string): void {
    isBusy = true;
    news.replaceChildren(progress(text));
    settle();
  }

  function pending(state: PermissionState, manual: ManualSteps): void {
    isBusy = true;
    settle();
    const steps = stepsOf(state, manual);
    const text = steps.length === 0 ? words.switching.pending(state) : words.switching.pendingManual(state);
    const key = JSON.stringify([text, steps]);
    // Said once, not with every look.
    if (news.dataset.pending === key && news.childElementCount > 0) return;
    news.dataset.pending = key;
    news.replaceChildren(
      progress(text),
      ...(steps.length === 0 ? [] : [element("ol", {}, ...steps.map((step) => element("li", {}, step)))]),
      ...(manual.link === undefined
        ? []
        : [element("p", {}, outsideLink(manual.link, words.switching.openPartnerCenter, words))]),
    );
  }

  function stepsOf(state: PermissionState, { steps = [], expiresAt = "" }: ManualSteps): readonly string[] {
    if (steps.length === 0) return [];
    const change = { customerId, product, state, expiresAt: times.moment(expiresAt) };
    const own = words.switching.manualSteps(change, steps.length > 6);
    return own.length === 0 ? steps : own;
  }

  function ended(text: string): void {
    isBusy = false;
    delete news.dataset.pending;
    const toActivity = () => document.querySelector<HTMLElement>("#log-heading")?.focus();
    news.replaceChildren(
      element(
        "fluent-message-bar",
        { intent: "success" },
        text,
        " ",
        element("button", { type: "button", class: "link", click: toActivity }, words.switching.toActivity),
      ),
    );
    show();
    changed();
  }

  function failed(error: unknown, tryAgain: (() => void) | undefined, first: string | undefined): void {
    isBusy = false;
    delete news.dataset.pending;
    news.replaceChildren(problemMessage(error, context, { tryAgain, first }));
    show();
  }

  return {
    card,
    judge(result) {
      verdict = result;
      show();
    },
  };
}
