/** Finds the function of a request: templates in order of precedence, the method being one more constraint. */

import { type RouteParams, RouteTemplate } from "./route-template.ts";

export interface Route<T> {
  target: T;
  params: RouteParams;
}

interface Entry<T> {
  target: T;
  methods: ReadonlySet<string> | undefined;
  template: RouteTemplate;
}

export class Routes<T> {
  readonly #entries: Entry<T>[] = [];

  add(template: string, methods: readonly string[] | undefined, target: T): void {
    const verbs = methods && new Set(methods.map((method) => method.toUpperCase()));
    this.#entries.push({ target, methods: verbs, template: new RouteTemplate(template) });
    this.#entries.sort((a, b) => compare(a.template.precedence, b.template.precedence));
  }

  /** A known route with another method is no match, so it is a 404 and not a 405, as on the real host. */
  find(method: string, path: string): Route<T> | undefined {
    const segments = segmentsOf(path);
    for (const { methods, template, target } of this.#entries) {
      if (methods && !methods.has(method)) continue;
      const params = template.match(segments);
      if (params) return { target, params };
    }
    return undefined;
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** One trailing slash does not count; an empty segment inside never matches. */
function segmentsOf(path: string): string[] {
  const trimmed = path.endsWith("/") ? path.slice(1, -1) : path.slice(1);
  return trimmed === "" ? [] : trimmed.split("/").map(decodeSegment);
}

/** Kestrel decodes every escape but %2F and leaves broken ones as they are. */
function decodeSegment(segment: string): string {
  if (!segment.includes("%")) return segment;
  return segment
    .split(/(%2f)/i)
    .map((part) => (/^%2f$/i.test(part) ? part : tryDecode(part)))
    .join("");
}

function tryDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
