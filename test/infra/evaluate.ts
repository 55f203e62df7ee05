/**
 * What an expression is at deployment, as far as infra/ needs it: parameters, variables, loops, conditions, outputs of
 * modules, the functions of names.ts. What only Azure knows (`resource.properties…`) is told by azure.ts.
 */

import type { Node } from "web-tree-sitter";
import {
  type BicepFile,
  bodyOf,
  childrenOf,
  literalOf,
  propertiesOf,
  type TypedDeclaration,
  valueAt,
} from "./bicep.ts";

export type Values = Readonly<Record<string, unknown>>;

export interface Azure {
  readonly files: readonly BicepFile[];
  /** By type without version, given the resource's name. */
  readonly properties: Readonly<Record<string, (name: string) => Values>>;
  readonly functions: Readonly<Record<string, (...given: unknown[]) => unknown>>;
}

/** A resource as it would be deployed. */
export interface Deployed {
  /** Without version. */
  readonly type: string;
  readonly id: string;
  /** What is right of the equals sign; `parent` and `scope` are resources with `id` and `name`. */
  readonly body: Values;
  readonly path: string;
  readonly node: Node;
}

export interface Evaluator {
  /** Of a module in this file, with the parameters that it gets here. */
  module(name: string): Evaluator;
  outputs(): Values;
  /** What a resource is given as `properties`. */
  properties(resource: string): unknown;
  /** Of this file and its modules: each turn of a loop, and nothing whose condition does not hold. */
  resources(): Deployed[];
}

/** Reads names of a file: parameters as given or by their default, variables, resources, modules. */
export function createEvaluator(azure: Azure, path: string, params: Values): Evaluator {
  const file = azure.files.find((each) => each.path === path);
  if (file === undefined) throw new Error(`There is no file ${path}.`);
  const named = (name: string): unknown => {
    if (Object.hasOwn(params, name)) return params[name];
    const own = [...file.params, ...file.variables].find((each) => each.name === name);
    if (own?.value !== undefined) return evaluate(own.value);
    const resource = file.resources.find((each) => each.name === name);
    if (resource !== undefined) {
      const { value } = resource;
      if (value?.type === "for_statement") return turnsOf(value).map(([body, locals]) => known(resource, body, locals));
      return known(resource, bodyOf(value));
    }
    return { outputs: evaluator.module(name).outputs() };
  };
  const evaluator: Evaluator = {
    module(name) {
      const module = file.modules.find((each) => each.name === name);
      if (module === undefined) throw new Error(`${path}: ${name} has no value.`);
      const given = valueAt(bodyOf(module.value), "params");
      return createEvaluator(azure, module.type, (given === undefined ? {} : evaluate(given)) as Values);
    },
    outputs: () => Object.fromEntries(file.outputs.map(({ name, value }) => [name, value && evaluate(value)])),
    properties(name) {
      const resource = file.resources.find((each) => each.name === name);
      const given = valueAt(bodyOf(resource?.value), "properties");
      return given && evaluate(given);
    },
    resources: () => [
      ...file.resources.flatMap((resource) =>
        turnsOf(resource.value).map(([body, locals]) => ({
          ...known(resource, body, locals),
          body: evaluate(body, locals) as Values,
          ...{ path, node: body },
        })),
      ),
      ...file.modules.flatMap(({ name, value }) =>
        turnsOf(value).length === 0 ? [] : evaluator.module(name).resources(),
      ),
    ],
  };
  return evaluator;

  /** What other resources may know of one. */
  function known({ type }: TypedDeclaration, body: Node | undefined, locals: Values = {}) {
    const [typeName = ""] = type.split("@");
    const [name, parent] = ["name", "parent"].map((each) => valueAt(body, each));
    const own = name === undefined ? "" : String(evaluate(name, locals));
    const above = parent && (evaluate(parent, locals) as Values);
    const id = above === undefined ? `/${typeName}/${own}` : `${above.id}/${typeName.split("/").at(-1)}/${own}`;
    return { type: typeName, id, name: own, properties: azure.properties[typeName]?.(own) };
  }

  /** What `if` and `for` leave of a declaration: bodies, each with the variables of its turn. */
  function turnsOf(value: Node | undefined, locals: Values = {}): [Node, Values][] {
    if (value === undefined) return [];
    const [first, second, third] = childrenOf(value);
    if (value.type === "if_statement") return first && evaluate(first, locals) ? turnsOf(second, locals) : [];
    if (value.type !== "for_statement" || !first || !second) return [[value, locals]];
    const [item = "", index = ""] =
      first.type === "identifier" ? [first.text] : childrenOf(first).map(({ text }) => text);
    const list = evaluate(second, locals) as readonly unknown[];
    return list.flatMap((each, turn) => turnsOf(third, { ...locals, [item]: each, [index]: turn }));
  }

  function evaluate(node: Node, locals: Values = {}): unknown {
    const parts = childrenOf(node);
    const [first, second, third] = parts;
    const inner = (part: Node) => evaluate(part, locals);
    switch (node.type) {
      case "string":
        return literalOf(node) ?? parts.map((part) => interpolated(part, locals)).join("");
      case "number":
        return Number(node.text);
      case "boolean":
        return node.text === "true";
      case "null":
        return null;
      case "identifier":
        return Object.hasOwn(locals, node.text) ? locals[node.text] : named(node.text);
      case "parenthesized_expression":
        return first && inner(first);
      case "array":
        return parts.map(inner);
      case "for_statement":
        return turnsOf(node, locals).map(([body, ofTurn]) => evaluate(body, ofTurn));
      case "object":
        return Object.fromEntries(
          propertiesOf(node).map(({ name, node: property, value }) => {
            const [key] = childrenOf(property);
            return [name ?? (key && inner(key)), inner(value)];
          }),
        );
      case "ternary_expression":
        if (!first || !second || !third) break;
        return inner(first) ? inner(second) : inner(third);
      case "unary_expression":
        return first && !inner(first);
      case "member_expression":
        return first && second && (inner(first) as Values)[second.text];
      case "subscript_expression":
        return first && second && (inner(first) as Values)[String(inner(second))];
      case "call_expression": {
        const called = azure.functions[first?.text ?? ""];
        if (called === undefined) break;
        return called(...(second === undefined ? [] : childrenOf(second).map(inner)));
      }
      case "binary_expression": {
        if (!first || !second) break;
        const operator = node.children.find((child) => child?.isNamed === false)?.text;
        if (operator === "&&") return Boolean(inner(first)) && Boolean(inner(second));
        if (operator === "==") return inner(first) === inner(second);
        if (operator === "!=") return inner(first) !== inner(second);
      }
    }
    throw new Error(`${path}: "${node.text}" is more than this can evaluate.`);
  }

  function interpolated(part: Node, locals: Values): string {
    const [inner] = childrenOf(part);
    return part.type === "interpolation" && inner !== undefined ? String(evaluate(inner, locals)) : part.text;
  }
}
