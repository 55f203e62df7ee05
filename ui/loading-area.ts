/**
 * A part of the page that is filled by something that takes time. It keeps its place meanwhile; what takes longer than
 * 300 ms shows that it is under way.
 */

import "@fluentui/web-components/spinner.js";
import { element } from "./element.ts";
import { problemMessage } from "./problem-message.ts";
import type { Context } from "./screen.ts";

const patienceMilliseconds = 300;

export interface LoadingArea {
  readonly area: HTMLElement;
  /** Fills it, anew as often as it is called; what an earlier call is still waiting for is dropped. */
  load<Value>(work: (signal: AbortSignal) => Promise<Value>, show: (value: Value) => Node): Promise<void>;
}

/** @param attributes of the area, such as a class that keeps its height */
export function loadingArea(context: Context, attributes: Readonly<Record<string, string>> = {}): LoadingArea {
  const area = element("div", attributes);
  let round = 0;
  let earlier = new AbortController();
  const load = async <Value>(work: (signal: AbortSignal) => Promise<Value>, show: (value: Value) => Node) => {
    const own = ++round;
    earlier.abort();
    earlier = new AbortController();
    const signal = AbortSignal.any([context.signal, earlier.signal]);
    const isStale = () => own !== round || context.signal.aborted;
    area.setAttribute("aria-busy", "true");
    const showsProgress = setTimeout(() => {
      if (isStale()) return;
      if (area.childElementCount === 0) area.replaceChildren(progress(context.words.loading));
      else area.classList.add("waiting");
    }, patienceMilliseconds);
    try {
      const value = await work(signal);
      if (!isStale()) area.replaceChildren(show(value));
    } catch (error) {
      if (!isStale()) area.replaceChildren(problemMessage(error, context, { tryAgain: () => void load(work, show) }));
    } finally {
      clearTimeout(showsProgress);
      if (!isStale()) {
        area.classList.remove("waiting");
        area.removeAttribute("aria-busy");
      }
    }
  };
  return { area, load };
}

export function progress(text: string): HTMLElement {
  return element(
    "div",
    { class: "progress", role: "status" },
    element("fluent-spinner", { size: "small", "aria-hidden": "true" }),
    element("span", {}, text),
  );
}
