/**
 * One ASP.NET Core route template: `orders/{id:guid}/{page?}/{*rest}`, compiled to match decoded path segments.
 * Literals compare without case. Precedence digits are those of ASP.NET Core's RoutePrecedence.ComputeInbound.
 */

import { parseConstraint } from "./route-constraints.ts";

export type RouteParams = Record<string, string>;

interface Parameter {
  name: string;
  catchAll: boolean;
  optional: boolean;
  fallback: string | undefined;
  constraints: ((value: string) => boolean)[];
}

/** A segment is literals and parameters in turn; nearly always it is one of either. */
interface Segment {
  /** Lower case; spares the pattern for the segments that are only text. */
  literal: string | undefined;
  pattern: RegExp;
  parameters: Parameter[];
  precedence: number;
}

export class RouteTemplate {
  readonly precedence: string;
  readonly #segments: Segment[];
  readonly #catchesAll: boolean;

  constructor(template: string) {
    const trimmed = template.replace(/^~?\/+|\/+$/g, "");
    this.#segments = trimmed === "" ? [] : splitOutsideBraces(trimmed).map(parseSegment);
    this.#catchesAll = this.#segments.at(-1)?.parameters[0]?.catchAll ?? false;
    this.precedence = this.#segments.map((segment) => segment.precedence).join("");
  }

  match(path: readonly string[]): RouteParams | undefined {
    if (path.length > this.#segments.length && !this.#catchesAll) return undefined;
    const params: RouteParams = Object.create(null);
    for (const [at, segment] of this.#segments.entries()) {
      const [only] = segment.parameters;
      if (only?.catchAll) return accept(only, path.slice(at).join("/"), params) ? params : undefined;
      const text = path[at];
      if (text === undefined) {
        if (!only || !accept(only, "", params)) return undefined;
        continue;
      }
      if (text === segment.literal || text.toLowerCase() === segment.literal) continue;
      const values = text === "" || !only ? null : segment.pattern.exec(text);
      if (!values) return undefined;
      for (const [index, parameter] of segment.parameters.entries()) {
        if (!accept(parameter, values[index + 1] ?? "", params)) return undefined;
      }
    }
    return params;
  }
}

function accept(parameter: Parameter, value: string, params: RouteParams): boolean {
  if (value === "") {
    if (parameter.fallback !== undefined) params[parameter.name] = parameter.fallback;
    return parameter.optional || parameter.catchAll || parameter.fallback !== undefined;
  }
  params[parameter.name] = value;
  return parameter.constraints.every((holds) => holds(value));
}

function parseSegment(text: string): Segment {
  const parameters: Parameter[] = [];
  const parts = text.split(/(\{(?:[^{}]|\{\{|\}\}|\{[^{}]*\})*\})/).filter((part) => part !== "");
  const source = parts.map((part) => {
    if (!part.startsWith("{")) return part.replace(/[\\^$.*+?()[\]{}|-]/g, "\\$&");
    parameters.push(parseParameter(part.slice(1, -1)));
    return "(.+?)";
  });
  return {
    literal: parameters.length === 0 ? text.toLowerCase() : undefined,
    pattern: new RegExp(`^${source.join("")}$`, "is"),
    parameters,
    precedence: precedenceOf(parts, parameters),
  };
}

function parseParameter(text: string): Parameter {
  const [, stars = "", name = "", rest = ""] = /^(\*{0,2})([^:=?*]+)(.*)$/s.exec(text) ?? [];
  if (name === "") throw new Error(`The route parameter '{${text}}' has no name.`);
  const optional = rest.endsWith("?");
  const [constraints = "", fallback] = splitDefault(optional ? rest.slice(0, -1) : rest);
  return {
    name,
    catchAll: stars !== "",
    optional,
    fallback,
    constraints: (constraints.match(/:(?:[^:(]|\([^)]*\))+/g) ?? []).map((one) => parseConstraint(one.slice(1))),
  };
}

function splitDefault(text: string): [string, string | undefined] {
  const at = text.indexOf("=");
  return at < 0 || text.startsWith(":regex(") ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function precedenceOf(parts: string[], [parameter]: Parameter[]): number {
  if (!parameter) return 1;
  if (parts.length > 1) return 2;
  const constrained = parameter.constraints.length > 0;
  return parameter.catchAll ? (constrained ? 4 : 5) : constrained ? 2 : 3;
}

function splitOutsideBraces(template: string): string[] {
  return template.match(/(?:\{(?:[^{}]|\{[^{}]*\})*\}|[^/{}])+/g) ?? [];
}
