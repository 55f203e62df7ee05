/**
 * One switch. It moves when the API says that it has moved, and not before: what the reader does to it asks, and what the
 * API answers turns it.
 */

import "@fluentui/web-components/message-bar.js";
import "@fluentui/web-components/switch.js";
import type { Eligibility } from "../shared/domain/eligibility.ts";
import type { ManualSteps } from "../shared/domain/manual-steps.ts";
import type { PermissionState, ShownPermission } from "../shared/domain/permission.ts";
import type { Operation } from "../shared/use-cases/get-operation.ts";
import type { Versioned } from "./customer-screen.ts";
import { element } from "./element.ts";
import { progress } from "./loading-area.ts";
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

/** What `PUT` answers; an operation tells the steps beside its status, too. */
type Steps = Partial<ManualSteps>;
type Changed = ShownPermission & Steps & { readonly changed: boolean };

/** A change that Partner Center has not confirmed yet. */
interface Pending {
  /** Of its operation, in the API. */
  readonly path: string;
  readonly state: PermissionState;
}

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
  let pending: Pending | undefined;
  /** Of the following of the pending change, which ends when another one takes its place. */
  let following = new AbortController();

  const toggle = element("fluent-switch", {
    id: `switch-${product}`,
    "aria-describedby": `why-${product}`,
  }) as SwitchElement;
  const badge = element("span", {});
  const summary = element("p", { class: "quiet" });
  const why = element("p", { id: `why-${product}`, class: "why" });
  const news = element("div", { class: "news", "aria-live": "polite" });
  const waiting = element("div", { class: "pending", "aria-live": "polite" });
  const card = element(
    "div",
    { class: "card permission", role: "group", "aria-labelledby": `name-${product}` },
    element("h3", { id: `name-${product}` }, words.products[product], " ", badge),
    element("div", { class: "switch-row" }, toggle, element("label", { for: toggle.id }, words.customer.allow)),
    summary,
    why,
    waiting,
    news,
  );
  toggle.setAttribute("aria-label", `${words.products[product]}: ${words.customer.allow}`);
  toggle.addEventListener("change", () => {
    // It has moved by itself: back, until somebody has decided and the API has agreed.
    settle();
    if (!isBusy && pending === undefined) void ask(permission.state === "On" ? "Off" : "On");
  });
  show();
  followWhatIsPending();

  function settle(): void {
    toggle.checked = permission.state === "On";
    const isRefused = permission.state === "Off" && (verdict === "NotEligible" || verdict === "Inconclusive");
    toggle.disabled = !session.maySwitch || isRefused;
    toggle.setAttribute("aria-busy", String(isBusy || pending !== undefined));
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
      if (signal.aborted) return;
      const operation = answer.headers.get("operation-location");
      if (answer.status === 202 && operation !== null) {
        isBusy = false;
        news.replaceChildren();
        changed();
        return void follow({ path: new URL(operation).pathname, state }, answer.body);
      }
      permission = answer.body;
      etag = answer.headers.get("etag") ?? etag;
      ended(answer.body.changed ? words.switching.done(product, state) : words.switching.unchanged(product, state));
    } catch (error) {
      if (signal.aborted) return;
      await refused(error, wish);
    }
  }

  function followWhatIsPending(): void {
    if (permission.pending === undefined) return;
    const { changeId, state } = permission.pending;
    void follow({ path: `/api/customers/${customerId}/operations/${changeId}`, state });
  }

  /** Waits until Partner Center has confirmed the change, or it has failed. */
  async function follow(change: Pending, first: Steps = {}): Promise<void> {
    const { path: operationPath, state } = change;
    following.abort();
    following = new AbortController();
    const until = AbortSignal.any([signal, following.signal]);
    pending = change;
    showPending(state, first);
    let manual = first;
    for (let looks = 0; ; looks++) {
      const { byService, byHand } = pollMilliseconds;
      // After a reload nobody knows yet how it stands.
      const isByHand = manual.steps !== undefined;
      if (looks > 0 || isByHand) await new Promise((resolve) => setTimeout(resolve, isByHand ? byHand : byService));
      if (until.aborted) return;
      try {
        const { body } = await api.get<Operation & Steps>(operationPath, until);
        if (body.status === "Running" || body.status === "NotStarted") {
          manual = body;
          showPending(state, manual);
          continue;
        }
        if (body.status !== "Succeeded") throw await reasonOf(operationPath);
        const newest = await read();
        if (until.aborted) return;
        ({ permission, etag } = newest);
        return ended(words.switching.done(product, state));
      } catch (error) {
        if (until.aborted) return;
        const facts = factsOf(error);
        // What cannot be asked at the moment is still pending.
        if (isPassing(facts)) continue;
        const hasFailed = facts.code === "Failed";
        // Whatever cannot be read now: this one is pending no more.
        const { pending: _, ...asItWas } = permission;
        permission = asItWas;
        await readAgain();
        if (until.aborted) return;
        pending = undefined;
        if (hasFailed) changed();
        failed(error, undefined, hasFailed ? words.switching.failed : undefined);
        return followWhatIsPending();
      }
    }
  }

  /** An On that nobody wants any more is not waited for: Off takes its place. */
  function withdraw(): void {
    if (!isBusy) void ask("Off");
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
    const isOutdated = code === "ConditionNotMet" || code === "ChangeInProgress";
    if (isOutdated && (await readAgain())) pending = undefined;
    // Somebody else's change stands in the log, and so does one of ours that was begun and then refused.
    if (code === "ConditionNotMet" || code === "PartnerCenterRefused") changed();
    const [inTheWay] = details;
    const mayRepeat = isPassing(facts) || code === "InternalError" || code === "ChangeInProgress";
    failed(error, mayRepeat ? () => void attempt(wish) : undefined, undefined);
    if (code === "ChangeInProgress" && inTheWay?.since !== undefined)
      news.append(element("p", { class: "quiet" }, times.moment(inTheWay.since)));
    if (pending === undefined) followWhatIsPending();
    else void follow(pending);
  }

  /** @returns whether it could be read; else it stays as it was last seen */
  async function readAgain(): Promise<boolean> {
    const newest = await read().catch(() => undefined);
    if (newest !== undefined) ({ permission, etag } = newest);
    return newest !== undefined;
  }

  function begin(text: string): void {
    isBusy = true;
    // It says how it ends; what it takes the place of does not.
    following.abort();
    news.replaceChildren(progress(text));
    settle();
  }

  function showPending(state: PermissionState, manual: Steps): void {
    settle();
    const steps = stepsOf(state, manual);
    const text = steps.length === 0 ? words.switching.pending(state) : words.switching.pendingManual(state);
    const key = JSON.stringify([text, steps]);
    // Said once, not with every look.
    if (waiting.dataset.pending === key && waiting.childElementCount > 0) return;
    waiting.dataset.pending = key;
    waiting.replaceChildren(
      progress(text),
      ...(steps.length === 0 ? [] : [element("ol", {}, ...steps.map((step) => element("li", {}, step)))]),
      ...(manual.link === undefined
        ? []
        : [element("p", {}, outsideLink(manual.link, words.switching.openPartnerCenter, words))]),
      ...(state === "On" && session.maySwitch
        ? [element("p", {}, element("fluent-button", { click: withdraw }, words.switching.withdraw))]
        : []),
    );
  }

  function stepsOf(state: PermissionState, { steps = [], expiresAt = "" }: Steps): readonly string[] {
    if (steps.length === 0) return [];
    const change = { customerId, product, state, expiresAt: times.moment(expiresAt) };
    const own = words.switching.manualSteps(change, steps.length > 6);
    return own.length === 0 ? steps : own;
  }

  function ended(text: string): void {
    pending = undefined;
    const toActivity = () => document.querySelector<HTMLElement>("#log-heading")?.focus();
    rest(
      element(
        "fluent-message-bar",
        { intent: "success" },
        text,
        " ",
        element("button", { type: "button", class: "link", click: toActivity }, words.switching.toActivity),
      ),
    );
    changed();
  }

  function failed(error: unknown, tryAgain: (() => void) | undefined, first: string | undefined): void {
    rest(problemMessage(error, context, { tryAgain, first }));
  }

  function rest(said: HTMLElement): void {
    isBusy = false;
    news.replaceChildren(said);
    if (pending === undefined) {
      waiting.replaceChildren();
      delete waiting.dataset.pending;
    }
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
