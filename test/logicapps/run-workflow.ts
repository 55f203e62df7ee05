/**
 * Runs a workflow definition as the Logic Apps runtime would, step by step: the definition itself, not a copy of it.
 * Connectors (mail) are answered by the test.
 */

import { type Action, type Actions, type Definition, isObject, memberOf } from "./definition.ts";
import { evaluated, holds, type Moment } from "./evaluate.ts";
import { runHttpStep, type Sent, type StepResult, type Wires } from "./http-step.ts";
import { textOf, type Value } from "./workflow-functions.ts";

export type StepStatus = StepResult["status"] | "Skipped";

export interface Surroundings {
  readonly parameters: Readonly<Record<string, Value>>;
  readonly wires: Wires;
  readonly now?: () => Date;
  /** What a connector does with its evaluated inputs. */
  readonly connector?: (
    step: string,
    inputs: Value,
  ) => Promise<{ readonly status: StepResult["status"]; readonly body?: Value }>;
  readonly callbackUrl?: string;
}

export interface Run {
  readonly steps: ReadonlyMap<string, { readonly status: StepStatus; readonly outputs?: Value }>;
  /** What whoever asked is answered; absent: nobody is. */
  readonly response?: { readonly statusCode: number; readonly body: Value };
  readonly requests: readonly Sent[];
}

/** @param triggerBody what the request that starts the workflow holds */
export async function runWorkflow(
  definition: Definition,
  surroundings: Surroundings,
  triggerBody?: Value,
): Promise<Run> {
  const steps = new Map<string, { status: StepStatus; outputs?: Value }>();
  const variables = new Map<string, Value>();
  const { wires, connector, now = () => new Date() } = surroundings;
  const moment: Moment = {
    ...surroundings,
    variables,
    now,
    outputs: (step) => steps.get(step)?.outputs,
    trigger: { body: triggerBody },
  };
  let response: Run["response"];
  let hasEnded = false;

  const refusal = refusalOf(definition, triggerBody);
  if (refusal !== undefined) return { steps, requests: wires.requests, response: { statusCode: 400, body: refusal } };
  await runAll(definition.actions);
  return { steps, requests: wires.requests, ...(response === undefined ? {} : { response }) };

  /** Each after those that it waits for. @returns how the whole ends: badly, if an end that was bad went unheeded */
  async function runAll(actions: Actions): Promise<StepStatus> {
    const rest = new Set(Object.keys(actions));
    const heeded = new Set<string>();
    for (const name of rest) steps.delete(name);
    while (rest.size > 0 && !hasEnded) {
      const next = [...rest].find((name) => earlierOf(actions, name).every(([earlier]) => !rest.has(earlier)));
      if (next === undefined) throw new Error(`${[...rest].join(", ")} wait for each other.`);
      rest.delete(next);
      const isDue = earlierOf(actions, next).every(([earlier, states]) =>
        states.includes(steps.get(earlier)?.status ?? ""),
      );
      if (!isDue) steps.set(next, { status: "Skipped" });
      else {
        for (const [earlier] of earlierOf(actions, next)) heeded.add(earlier);
        steps.set(next, await run(next, actions[next] as Action));
      }
    }
    const isBad = Object.keys(actions).some((name) => {
      const status = steps.get(name)?.status;
      return (status === "Failed" || status === "TimedOut") && !heeded.has(name);
    });
    return isBad ? "Failed" : "Succeeded";
  }

  async function run(name: string, action: Action): Promise<{ status: StepStatus; outputs?: Value }> {
    const { type, inputs, expression, limit } = action;
    switch (type) {
      case "Scope":
        return { status: await runAll(action.actions ?? {}) };
      case "If":
        return { status: await runAll((holds(expression, moment) ? action.actions : action.else?.actions) ?? {}) };
      case "Switch": {
        const value = evaluated(expression, moment);
        const found = Object.values(action.cases ?? {}).find((one) => one.case === value);
        return { status: await runAll((found ?? action.default)?.actions ?? {}) };
      }
      case "Until": {
        let status: StepStatus = "Succeeded";
        for (let count = 0; count < (limit?.count ?? 60) && !hasEnded; count++) {
          status = await runAll(action.actions ?? {});
          if (holds(expression, moment)) break;
        }
        return { status };
      }
      case "Query": {
        const from = evaluated(memberOf(inputs, "from"), moment) as Value[];
        const where = memberOf(inputs, "where");
        return succeeded({ body: from.filter((item) => holds(where, { ...moment, item })) });
      }
      case "Select": {
        const from = evaluated(memberOf(inputs, "from"), moment) as Value[];
        return succeeded({ body: from.map((item) => evaluated(memberOf(inputs, "select"), { ...moment, item })) });
      }
      case "Http":
        return runHttpStep(name, evaluated(inputs, moment), wires, limit?.timeout);
      default:
        return runSimple(name, type, evaluated(inputs, moment));
    }
  }

  /** @param inputs evaluated */
  async function runSimple(
    name: string,
    type: string,
    inputs: Value,
  ): Promise<{ status: StepStatus; outputs?: Value }> {
    switch (type) {
      case "ApiConnection":
      case "ApiConnectionWebhook": {
        if (connector === undefined) throw new Error(`Nobody answers the connector of ${name}.`);
        const { status, body } = await connector(name, inputs);
        return { status, outputs: { body } };
      }
      case "Compose":
        return succeeded(inputs);
      case "InitializeVariable":
        for (const { name: variable, value } of inputs.variables) variables.set(variable, value);
        return succeeded(inputs);
      case "SetVariable":
        if (!variables.has(inputs.name)) throw new Error(`${name} sets ${inputs.name}, which nobody made.`);
        variables.set(inputs.name, inputs.value);
        return succeeded(inputs);
      case "Response":
        if (response !== undefined) throw new Error(`${name} answers what was answered.`);
        response = { statusCode: inputs.statusCode, body: inputs.body };
        return succeeded(inputs);
      case "Table":
        return succeeded({ body: htmlTable(inputs.from) });
      case "Terminate":
        hasEnded = true;
        return succeeded(inputs);
      default:
        throw new Error(`${name} is of the type ${type}, which cannot be run here.`);
    }
  }
}

/**
 * What an HttpWebhook trigger does when its workflow is enabled (`subscribe`) or disabled (`unsubscribe`).
 *
 * @returns what was answered; a subscription that fails leaves the workflow without a trigger
 */
export async function runWebhookHalf(
  { triggers }: Pick<Definition, "triggers">,
  half: "subscribe" | "unsubscribe",
  { wires, parameters, callbackUrl, now = () => new Date() }: Surroundings & { readonly callbackUrl: string },
): Promise<StepResult> {
  const [name, trigger] = Object.entries(triggers).find(([, { type }]) => type === "HttpWebhook") ?? [];
  if (name === undefined) throw new Error("There is no HttpWebhook trigger.");
  const moment: Moment = { parameters, callbackUrl, now, variables: new Map(), outputs: () => undefined };
  return runHttpStep(`${name}.${half}`, evaluated(memberOf(trigger?.inputs, half), moment), wires);
}

function earlierOf(actions: Actions, name: string): [string, readonly string[]][] {
  return Object.entries(actions[name]?.runAfter ?? {});
}

function succeeded(outputs: Value): { status: StepStatus; outputs: Value } {
  return { status: "Succeeded", outputs };
}

/** @returns why a request trigger that validates does not take a body */
function refusalOf({ triggers }: Definition, body: Value): string | undefined {
  const [trigger] = Object.values(triggers);
  if (trigger?.type !== "Request") return undefined;
  const schema: Value = memberOf(trigger.inputs, "schema");
  const missing = schema.required.find((name: string) => !Object.hasOwn(body, name));
  if (missing !== undefined) return `${missing} is missing.`;
  const wrong = Object.entries<Value>(isObject(body) ? body : {}).find(([name, value]) => {
    const { pattern = "", enum: values, maxLength = Number.POSITIVE_INFINITY } = schema.properties[name] ?? {};
    const isText = typeof value === "string" && new RegExp(pattern).test(value) && value.length <= maxLength;
    return !isText || (values !== undefined && !values.includes(value));
  });
  return wrong === undefined ? undefined : `${wrong[0]} is not as described.`;
}

function htmlTable(rows: readonly Readonly<Record<string, Value>>[]): string {
  const cell = (value: Value) =>
    textOf(value).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
  const [first = {}] = rows;
  const line = (tag: string, values: readonly Value[]) =>
    `<tr>${values.map((value) => `<${tag}>${cell(value)}</${tag}>`).join("")}</tr>`;
  return `<table>${line("th", Object.keys(first))}${rows.map((row) => line("td", Object.values(row))).join("")}</table>`;
}
