/**
 * What an expression is at deployment, as far as infra/ needs it: parameters, variables, outputs of modules, the functions
 * of names.ts. What only Azure knows (`resource.properties…`) is told by the test.
 */

import type { Node } from "web-tree-sitter";
import { type BicepFile, bodyOf, childrenOf, literalOf, propertiesOf, valueAt } from "./bicep.ts";

export type Values = Readonly<Record<string, unknown>>;

export interface Azure {
  readonly files: readonly BicepFile[];
  /** By type without version, given the resource's name. */
  readonly properties: Readonly<Record<string, (name: string) => Values>>;
  readonly functions: Readonly<Record<string, (...given: unknown[]) => unknown>>;
}

export interface Evaluator {
  /** Of a module in this file, with the parameters that it gets here. */
  module(name: string): Evaluator;
  outputs(): Values;
  /** What a resource is given as `properties`. */
  properties(resource: string): unknown;
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
      const [type = ""] = resource.type.split("@");
      const given = valueAt(bodyOf(resource.value), "name");
      const resourceName = given === undefined ? "" : String(evaluate(given));
      return { id: `/${type}/${resourceName}`, name: resourceName, properties: azure.properties[type]?.(resourceName) };
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
  };
  return evaluator;

  function evaluate(node: Node): unknown {
    const parts = childrenOf(node);
    const [first, second, third] = parts;
    switch (node.type) {
      case "string":
        return literalOf(node) ?? parts.map((part) => interpolated(part)).join("");
      case "number":
        return Number(node.text);
      case "boolean":
        return node.text === "true";
      case "null":
        return null;
      case "identifier":
        return named(node.text);
      case "parenthesized_expression":
        return first && evaluate(first);
      case "array":
        return parts.map(evaluate);
      case "object":
        return Object.fromEntries(
          propertiesOf(node).map(({ name, node: property, value }) => {
            const [key] = childrenOf(property);
            return [name ?? (key && evaluate(key)), evaluate(value)];
          }),
        );
      case "ternary_expression":
        if (!first || !second || !third) break;
        return evaluate(first) ? evaluate(second) : evaluate(third);
      case "unary_expression":
        return first && !evaluate(first);
      case "member_expression":
        return first && second && (evaluate(first) as Values)[second.text];
      case "call_expression": {
        const called = azure.functions[first?.text ?? ""];
        if (called === undefined) break;
        return called(...(second === undefined ? [] : childrenOf(second).map(evaluate)));
      }
      case "binary_expression": {
        if (!first || !second) break;
        const operator = node.children.find((child) => child?.isNamed === false)?.text;
        if (operator === "&&") return Boolean(evaluate(first)) && Boolean(evaluate(second));
        if (operator === "==") return evaluate(first) === evaluate(second);
        if (operator === "!=") return evaluate(first) !== evaluate(second);
      }
    }
    throw new Error(`${path}: "${node.text}" is more than this can evaluate.`);
  }

  function interpolated(part: Node): string {
    const [inner] = childrenOf(part);
    return part.type === "interpolation" && inner !== undefined ? String(evaluate(inner)) : part.text;
  }
}
