/**
 * Holds a workflow definition against what the Logic Apps runtime asks for, and against our API. It says what is
 * wrong in words; nothing else in this repository can tell before the workflow is deployed, or fails at night.
 */

import type { OpenApiDocument } from "../harness/openapi.ts";
import { faultsOfHttp } from "./check-http.ts";
import { type Action, type Actions, branchesOf, type Definition, memberOf, textsIn } from "./definition.ts";
import { callsIn, type Expression, expressionsIn, parseTemplate } from "./expression.ts";
import { workflowFunctions } from "./workflow-functions.ts";

const schema =
  "https://schema.management.azure.com/providers/Microsoft.Logic/schemas/2016-06-01/workflowdefinition.json#";

/** What an action of each type cannot be without, as paths from the action. */
const required: Readonly<Record<string, readonly string[]>> = {
  ApiConnection: ["inputs.host.connection.name", "inputs.method", "inputs.path"],
  ApiConnectionWebhook: ["inputs.host.connection.name", "inputs.path", "inputs.body.NotificationUrl"],
  Compose: ["inputs"],
  Http: ["inputs.method", "inputs.uri", "inputs.authentication"],
  HttpWebhook: ["inputs.subscribe.method", "inputs.subscribe.uri", "inputs.subscribe.body"],
  If: ["expression", "actions"],
  InitializeVariable: ["inputs.variables.0.name", "inputs.variables.0.type"],
  Query: ["inputs.from", "inputs.where"],
  Response: ["inputs.statusCode"],
  Scope: ["actions"],
  Select: ["inputs.from", "inputs.select"],
  SetVariable: ["inputs.name", "inputs.value"],
  Switch: ["expression", "cases"],
  Table: ["inputs.from", "inputs.format"],
  Terminate: ["inputs.runStatus"],
  Until: ["expression", "actions", "limit.count", "limit.timeout"],
};

const requiredOfTriggers: Readonly<Record<string, readonly string[]>> = {
  Http: ["inputs.method", "inputs.uri", "inputs.authentication", "recurrence.frequency", "recurrence.interval"],
  HttpWebhook: [
    ...["inputs.subscribe.method", "inputs.subscribe.uri", "inputs.subscribe.body"],
    ...["inputs.unsubscribe.method", "inputs.unsubscribe.uri"],
  ],
  Recurrence: ["recurrence.frequency", "recurrence.interval"],
  Request: ["inputs.schema"],
};

const statuses = ["Succeeded", "Failed", "Skipped", "TimedOut"];
const ofContext = [
  "body",
  "item",
  "listCallbackUrl",
  "outputs",
  "parameters",
  "triggerBody",
  "triggerOutputs",
  "variables",
];
const knownFunctions = new Set([...ofContext, ...Object.keys(workflowFunctions(() => new Date()))]);

/** What may be named at a place, because it has run before, one way or another. */
interface Before {
  readonly actions: ReadonlySet<string>;
  readonly variables: ReadonlySet<string>;
  readonly isInLoop: boolean;
  readonly isInside: boolean;
}

export function faultsOfDefinition(definition: Definition, api: OpenApiDocument): string[] {
  const used = new Set<string>();
  const triggers = Object.entries(definition.triggers);
  const nothing: Before = { actions: new Set(), variables: new Set(), isInLoop: false, isInside: false };
  const names = namesIn(definition.actions);
  const faults = [
    ...(definition.$schema === schema ? [] : [`$schema is not ${schema}.`]),
    ...(triggers.length > 0 ? [] : ["There is no trigger."]),
    ...names.filter((name, index) => names.indexOf(name) !== index).map((name) => `Two actions are called ${name}.`),
    ...triggers.flatMap(([name, trigger]) => [
      ...missingOf(name, trigger.type, trigger, requiredOfTriggers),
      ...faultsOfTexts(name, { inputs: trigger.inputs, recurrence: trigger.recurrence }, nothing),
    ]),
    ...faultsOfSiblings(definition.actions, nothing),
    ...faultsOfSecrets(definition),
    ...faultsOfHttp(definition, api),
  ];
  const unused = Object.keys(definition.parameters).filter((name) => !used.has(name));
  return [...faults, ...unused.map((name) => `Nobody uses the parameter ${name}.`)];

  function faultsOfSiblings(siblings: Actions, before: Before): string[] {
    const cyclic = inCycles(siblings);
    return [
      ...cyclic.map((name) => `${name} waits for itself.`),
      ...Object.entries(siblings).flatMap(([name, action]) => [
        ...faultsOfRunAfter(name, action, siblings),
        ...(cyclic.includes(name) ? [] : faultsOfAction(name, action, knownAt(name, siblings, before))),
      ]),
    ];
  }

  function faultsOfAction(name: string, action: Action, before: Before): string[] {
    const { type, inputs, expression, limit } = action;
    const inner = { ...before, isInside: true, isInLoop: before.isInLoop || type === "Until" };
    const branches = branchesOf(action);
    const atEnd = { ...before, actions: new Set([...before.actions, ...branches.flatMap(namesIn)]) };
    return [
      ...missingOf(name, type, action, required),
      ...faultsOfPlace(name, action, before),
      ...faultsOfVariables(name, action, before),
      ...faultsOfSwitch(name, action),
      ...faultsOfTexts(name, { inputs, limit }, before),
      // Until looks at what its actions have done.
      ...faultsOfTexts(name, { expression }, type === "Until" ? atEnd : before),
      ...branches.flatMap((actions) => faultsOfSiblings(actions, inner)),
    ];
  }

  function faultsOfTexts(place: string, value: object, before: Before): string[] {
    return textsIn(value).flatMap(({ text }) => {
      try {
        return expressionsIn(parseTemplate(text)).flatMap((expression) => faultsOfNames(place, expression, before));
      } catch (error) {
        return [`${place} has an expression that cannot be read: ${(error as Error).message}`];
      }
    });
  }

  function faultsOfNames(place: string, expression: Expression, before: Before): string[] {
    return callsIn(expression).flatMap(({ name, args: [first] }) => {
      if (!knownFunctions.has(name)) return [`${place} calls ${name}, which is unknown.`];
      if (!["body", "outputs", "parameters", "variables"].includes(name)) return [];
      if (first?.kind !== "literal") return [`${place} calls ${name} with something computed.`];
      const wanted = String(first.value);
      if (name === "parameters") {
        used.add(wanted);
        return Object.hasOwn(definition.parameters, wanted) ? [] : [`${place} names no parameter ${wanted}.`];
      }
      const known = name === "variables" ? before.variables : before.actions;
      return known.has(wanted) ? [] : [`${place} names ${name}('${wanted}'), which does not run before it.`];
    });
  }
}

/** Names of all actions, however deep. */
function namesIn(actions: Actions): string[] {
  return Object.entries(actions).flatMap(([name, action]) => [name, ...branchesOf(action).flatMap(namesIn)]);
}

function missingOf(
  name: string,
  type: string,
  thing: object,
  table: Readonly<Record<string, readonly string[]>>,
): string[] {
  const paths = table[type];
  if (paths === undefined) return [`${name} is of the type ${type}, which is unknown here.`];
  return paths.filter((path) => reach(thing, path) === undefined).map((path) => `${name} lacks ${path}.`);
}

function reach(thing: unknown, path: string): unknown {
  return path.split(".").reduce((at: any, name) => at?.[name], thing);
}

function faultsOfRunAfter(name: string, { runAfter = {} }: Action, siblings: Actions): string[] {
  return Object.entries(runAfter).flatMap(([earlier, states]) => [
    ...(Object.hasOwn(siblings, earlier) ? [] : [`${name} runs after ${earlier}, which is not beside it.`]),
    ...(states.length > 0 && states.every((state) => statuses.includes(state))
      ? []
      : [`${name} runs after ${earlier} in a state that there is not.`]),
  ]);
}

function earlierThan(name: string, siblings: Actions, found = new Set<string>()): Set<string> {
  for (const earlier of Object.keys(siblings[name]?.runAfter ?? {})) {
    if (found.has(earlier) || !Object.hasOwn(siblings, earlier)) continue;
    found.add(earlier);
    earlierThan(earlier, siblings, found);
  }
  return found;
}

function inCycles(siblings: Actions): string[] {
  return Object.keys(siblings).filter((name) => earlierThan(name, siblings).has(name));
}

function knownAt(name: string, siblings: Actions, before: Before): Before {
  const earlier = [...earlierThan(name, siblings)];
  const actions = earlier.flatMap((one) => [one, ...branchesOf(siblings[one] as Action).flatMap(namesIn)]);
  const variables = earlier.flatMap((one) => {
    const variable = reach(siblings[one], "inputs.variables.0.name");
    return typeof variable === "string" ? [variable] : [];
  });
  return {
    ...before,
    actions: new Set([...before.actions, ...actions]),
    variables: new Set([...before.variables, ...variables]),
  };
}

function faultsOfPlace(name: string, { type }: Action, { isInLoop, isInside }: Before): string[] {
  if (type === "InitializeVariable" && isInside) return [`${name} makes a variable inside another action.`];
  if ((type === "Response" || type === "Terminate") && isInLoop) return [`${name} stands in a loop.`];
  return [];
}

function faultsOfVariables(name: string, { type, inputs }: Action, { variables }: Before): string[] {
  if (type !== "SetVariable") return [];
  const variable = String(memberOf(inputs, "name"));
  const readsItself = textsIn(memberOf(inputs, "value")).some(({ text }) => text.includes(`variables('${variable}')`));
  return [
    ...(variables.has(variable) ? [] : [`${name} sets ${variable}, which is not made before it.`]),
    ...(readsItself ? [`${name} sets ${variable} from itself, which the runtime refuses.`] : []),
  ];
}

function faultsOfSwitch(name: string, { type, cases = {}, default: otherwise }: Action): string[] {
  if (type !== "Switch") return [];
  const values = Object.values(cases).map((one) => one.case);
  return [
    ...(new Set(values).size === values.length ? [] : [`${name} has two branches for one case.`]),
    ...(otherwise === undefined ? [`${name} has no default.`] : []),
  ];
}

const secretWords = /[?&](code|sig)=|AccountKey=|SharedAccessSignature|\bBearer /i;
const secretNames = /^(x-functions-key|authorization|password|secret|pfx|ocp-apim-subscription-key)$/i;

function faultsOfSecrets(definition: Definition): string[] {
  return textsIn({ triggers: definition.triggers, actions: definition.actions }).flatMap(({ path, text }) => {
    const name = path.at(-1) ?? "";
    const isSecret = secretWords.test(text) || secretNames.test(name) || (name === "code" && path.at(-2) === "queries");
    return isSecret ? [`${path.join(".")} holds a key or a secret.`] : [];
  });
}
