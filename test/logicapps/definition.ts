/**
 * A workflow definition of Logic Apps (Consumption), as far as ours go.
 *
 * https://learn.microsoft.com/azure/logic-apps/logic-apps-workflow-actions-triggers
 */

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
export type JsonObject = { readonly [name: string]: Json };
export type Actions = Readonly<Record<string, Action>>;

export interface Action {
  readonly type: string;
  readonly runAfter?: Readonly<Record<string, readonly string[]>>;
  readonly inputs?: Json;
  readonly limit?: { readonly count?: number; readonly timeout?: string };
  readonly operationOptions?: string;
  readonly expression?: Json;
  readonly actions?: Actions;
  readonly else?: { readonly actions: Actions };
  readonly cases?: Readonly<Record<string, { readonly case: Json; readonly actions: Actions }>>;
  readonly default?: { readonly actions: Actions };
}

export interface Trigger {
  readonly type: string;
  readonly inputs?: Json;
  readonly recurrence?: JsonObject;
}

export interface Definition {
  readonly $schema: string;
  readonly contentVersion: string;
  readonly parameters: Readonly<Record<string, { readonly type: string; readonly defaultValue?: Json }>>;
  readonly triggers: Readonly<Record<string, Trigger>>;
  readonly actions: Actions;
}

/** Lists of actions inside an action: what a scope, a loop or a branch holds. */
export function branchesOf(action: Action): Actions[] {
  const all = [action.actions, action.else?.actions, action.default?.actions];
  const cases = Object.values(action.cases ?? {}).map(({ actions }) => actions);
  return [...all, ...cases].filter((actions) => actions !== undefined);
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @returns the member at the end of the path, if there is one */
export function memberOf(value: unknown, ...path: readonly string[]): Json | undefined {
  let at: unknown = value;
  for (const name of path) at = isObject(at) && Object.hasOwn(at, name) ? at[name] : undefined;
  return at as Json | undefined;
}

/** Every text in a value, with the names that lead to it. */
export function textsIn(value: unknown, path: readonly string[] = []): { path: readonly string[]; text: string }[] {
  if (typeof value === "string") return [{ path, text: value }];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) => textsIn(member, [...path, name]));
}
