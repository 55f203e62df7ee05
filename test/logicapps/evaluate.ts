/** What the texts of a workflow definition mean at a moment of a run. */

import { type Expression, parseTemplate } from "./expression.ts";
import { textOf, type Value, workflowFunctions } from "./workflow-functions.ts";

export interface Moment {
  readonly parameters: Readonly<Record<string, Value>>;
  readonly variables: ReadonlyMap<string, Value>;
  /** Of steps that have run or were skipped, by name. */
  readonly outputs: (step: string) => Value;
  readonly trigger?: Value;
  /** The item that a filter or a selection looks at. */
  readonly item?: Value;
  readonly callbackUrl?: string;
  readonly now: () => Date;
}

/** @returns the same value with every expression in it evaluated */
export function evaluated(value: Value, moment: Moment): Value {
  if (typeof value === "string") return evaluatedText(value, moment);
  if (Array.isArray(value)) return value.map((one) => evaluated(one, moment));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, evaluated(one, moment)]));
}

/** @returns whether a condition holds, written as the designer does (`{"and":[…]}`) or as one expression */
export function holds(condition: Value, moment: Moment): boolean {
  if (typeof condition === "string") return evaluatedText(condition, moment) === true;
  const [[name, operands]] = Object.entries(condition) as [[string, Value]];
  if (name === "and") return operands.every((one: Value) => holds(one, moment));
  if (name === "or") return operands.some((one: Value) => holds(one, moment));
  if (name === "not") return !holds(operands, moment);
  const compare = workflowFunctions(moment.now)[name];
  if (compare === undefined) throw new Error(`The condition ${name} is not known here.`);
  return compare(...operands.map((one: Value) => evaluated(one, moment)));
}

function evaluatedText(text: string, moment: Moment): Value {
  const template = parseTemplate(text);
  if (template.kind === "whole") return meaningOf(template.expression, moment);
  return template.parts.map((part) => (typeof part === "string" ? part : textOf(meaningOf(part, moment)))).join("");
}

function meaningOf(expression: Expression, moment: Moment): Value {
  switch (expression.kind) {
    case "literal":
      return expression.value;
    case "member": {
      const of = meaningOf(expression.of, moment);
      const name = String(meaningOf(expression.name, moment));
      if (of === null || of === undefined) {
        if (expression.isSafe) return null;
        throw new Error(`Nothing has no member ${name}.`);
      }
      if (Object.hasOwn(of, name)) return of[name];
      if (expression.isSafe) return null;
      throw new Error(`There is no member ${name}.`);
    }
    case "call":
      return called(
        expression.name,
        expression.args.map((one) => meaningOf(one, moment)),
        moment,
      );
  }
}

function called(name: string, args: readonly Value[], moment: Moment): Value {
  const [first] = args;
  switch (name) {
    case "body":
      return moment.outputs(first)?.body ?? null;
    case "item":
      return moment.item;
    case "listCallbackUrl":
      return moment.callbackUrl;
    case "outputs":
      return moment.outputs(first) ?? null;
    case "parameters":
      return found(moment.parameters[first], `parameter ${first}`);
    case "triggerBody":
      return moment.trigger?.body ?? null;
    case "variables":
      return found(moment.variables.get(first), `variable ${first}`);
    default:
      return found(workflowFunctions(moment.now)[name], `function ${name}`)(...args);
  }
}

function found<Thing>(thing: Thing | undefined, what: string): Thing {
  if (thing === undefined) throw new Error(`There is no ${what}.`);
  return thing;
}
