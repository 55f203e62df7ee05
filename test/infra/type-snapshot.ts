/**
 * The types of Azure's resources as `infra/types/` keeps them. `azure.json` is written by `npm run infra:types` from what
 * Microsoft's MCP server knows of Bicep; `by-hand.json` holds those that it lists and cannot load.
 */

import { readFileSync } from "node:fs";

/** Names of properties, and their types; "*" is the type of those that have no name of their own. */
export type ObjectType = Readonly<Record<string, string>>;

export interface ResourceType {
  /** Where it is deployed to: "ResourceGroup", "Subscription" … */
  readonly scopes: string;
  /** Of the whole resource; several where its name decides. */
  readonly bodies: Readonly<Record<string, ObjectType>>;
  readonly types: Readonly<Record<string, ObjectType>>;
}

export interface Property {
  readonly type: string;
  readonly isRequired: boolean;
  readonly isReadOnly: boolean;
}

/** Keys are type and version, "Microsoft.Web/sites@2024-11-01". */
export type TypeSnapshot = Readonly<Record<string, ResourceType>>;

export function readTypeSnapshot(): TypeSnapshot {
  const read = (name: string) => JSON.parse(readFileSync(`infra/types/${name}.json`, "utf8")).resources as TypeSnapshot;
  return { ...read("azure"), ...read("by-hand") };
}

/** @returns undefined for a name that the object does not know; where some are known, "and any other" hides misspellings */
export function propertyOf(type: ObjectType, name: string): Property | undefined {
  const isMap = Object.keys(type).length === 1;
  const text = Object.hasOwn(type, name) || !isMap ? type[name] : type["*"];
  if (text === undefined) return undefined;
  const [, flag, rest = ""] = /^(?:(required|readonly) )?(.*)$/.exec(text) ?? [];
  return { type: rest, isRequired: flag === "required", isReadOnly: flag === "readonly" };
}

/** What a type string allows: kinds ("string", "int", "bool"), names of object types, arrays ("X[]"), or literals. */
export function alternativesOf(type: string): readonly string[] {
  return type.split(" | ");
}

export function isKind(alternative: string): boolean {
  return ["string", "int", "bool", "any", "object", "array"].includes(alternative);
}
