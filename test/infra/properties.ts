/**
 * Values against types: unknown, read-only and missing properties, kinds of literals, and literals that a type does not
 * list. A type that lists some and allows any other string is taken at its list: what is newer than the list is added to
 * `infra/types/` on purpose.
 */

import type { Node } from "web-tree-sitter";
import {
  type BicepFile,
  bodyOf,
  childrenOf,
  type Declaration,
  type Finding,
  finding,
  literalOf,
  propertiesOf,
  valueAt,
} from "./bicep.ts";
import {
  alternativesOf,
  isKind,
  type ObjectType,
  propertyOf,
  type ResourceType,
  type TypeSnapshot,
} from "./type-snapshot.ts";

/** What Bicep itself understands of a resource. */
const meta = ["parent", "scope", "dependsOn"];
const functionKinds: Readonly<Record<string, string>> = {
  ...{ string: "string", guid: "string", uniqueString: "string", subscriptionResourceId: "string" },
  ...{ cidrSubnet: "string", replace: "string", empty: "bool", union: "object" },
};

export function propertyFindings(file: BicepFile, types: TypeSnapshot, files: readonly BicepFile[]): Finding[] {
  const found: Finding[] = [];
  for (const { name, type, value } of file.resources) {
    const body = bodyOf(value);
    if (body === undefined) continue;
    const resource = types[type];
    if (resource === undefined) {
      found.push(finding(file.path, body, `${type} is not among the types of infra/types (npm run infra:types)`));
      continue;
    }
    if (!isDeployableTo(resource, file.targetScope))
      found.push(finding(file.path, body, `${type} cannot be deployed to a ${file.targetScope}`));
    const given = propertiesOf(body).find((property) => property.name === "name");
    const literal = literalOf(given?.value);
    const bodyType = resource.bodies[""] ?? resource.bodies[literal ?? ""];
    if (bodyType === undefined) {
      found.push(finding(file.path, body, `name of ${type} must be one of ${Object.keys(resource.bodies).join(", ")}`));
      continue;
    }
    const check = createCheck(file, resource, files, (node, message) => found.push(finding(file.path, node, message)));
    check.object(body, bodyType, name, meta);
    if (isTracked(bodyType) && valueAt(body, "location") === undefined)
      found.push(finding(file.path, body, `${name}: missing property location (LocationRequired)`));
  }
  found.push(...memberFindings(file, types));
  return found;
}

/** Of a resource with tags Azure demands a location, also where its type does not say so. */
function isTracked(type: ObjectType): boolean {
  const location = propertyOf(type, "location");
  return location !== undefined && !location.isRequired && !location.isReadOnly && Object.hasOwn(type, "tags");
}

function isDeployableTo({ scopes }: ResourceType, target: string): boolean {
  return scopes === "AllExceptExtension" || scopes.toLowerCase() === target.toLowerCase();
}

function createCheck(
  file: BicepFile,
  resource: ResourceType,
  files: readonly BicepFile[],
  report: (node: Node, message: string) => void,
) {
  function object(node: Node, type: ObjectType, path: string, alsoKnown: readonly string[] = []): void {
    const given = propertiesOf(node);
    for (const { name, value, node: property } of given) {
      if (name !== undefined && alsoKnown.includes(name)) continue;
      const known = propertyOf(type, name ?? "*");
      if (known === undefined) report(property, `${path}: unknown property ${name}`);
      else if (known.isReadOnly) report(property, `${path}: property ${name} is read-only`);
      else check(value, known.type, `${path}.${name ?? "*"}`);
    }
    for (const name of Object.keys(type)) {
      if (propertyOf(type, name)?.isRequired && !given.some((property) => property.name === name))
        report(node, `${path}: missing property ${name}`);
    }
  }

  function check(node: Node, type: string, path: string): void {
    const alternatives = alternativesOf(type);
    if (alternatives.includes("any")) return;
    const [only = ""] = alternatives;
    const wrong = (kind: string) => report(node, `${path}: ${kind}, where ${type} is wanted`);
    switch (node.type) {
      case "ternary_expression":
        for (const branch of childrenOf(node).slice(1)) check(branch, type, path);
        break;
      case "parenthesized_expression":
        for (const inner of childrenOf(node)) check(inner, type, path);
        break;
      case "for_statement": {
        const body = bodyOf(node);
        if (!only.endsWith("[]")) wrong("an array");
        else if (body !== undefined) check(body, only.slice(0, -2), `${path}[]`);
        break;
      }
      case "object": {
        const known = resource.types[only];
        if (known !== undefined) object(node, known, path);
        else if (only !== "object") wrong("an object");
        break;
      }
      case "array":
        if (!only.endsWith("[]")) wrong("an array");
        else for (const item of childrenOf(node)) check(item, only.slice(0, -2), `${path}[]`);
        break;
      case "string":
        text(literalOf(node), alternatives, path, node);
        break;
      case "number":
        if (!alternatives.includes("int")) wrong("a number");
        break;
      case "boolean":
        if (!alternatives.includes("bool")) wrong("a boolean");
        break;
      case "unary_expression":
      case "binary_expression":
        kind("bool", alternatives, wrong);
        break;
      case "call_expression":
        kind(functionKinds[childrenOf(node)[0]?.text ?? ""] ?? "any", alternatives, wrong);
        break;
      case "identifier":
        named(node, type, path, wrong);
        break;
      case "null":
      case "member_expression":
      case "subscript_expression":
        break;
      default:
        report(node, `${path}: ${node.type} is not understood by this check`);
    }
  }

  function isObjectOrArray(type: string): boolean {
    return type.endsWith("[]") || Object.hasOwn(resource.types, type);
  }

  /** @param value undefined for one that is put together at deployment */
  function text(value: string | undefined, alternatives: readonly string[], path: string, node: Node): void {
    const literals = alternatives.filter((each) => !isKind(each));
    // A literal among others may be called as an object type is: authentication.type "UserAssignedIdentity".
    const isObject = alternatives.length === 1 && isObjectOrArray(alternatives[0] ?? "");
    if (isObject || !(literals.length > 0 || alternatives.includes("string"))) {
      report(node, `${path}: a string, where ${alternatives.join(" | ")} is wanted`);
    } else if (literals.length > 0 && value !== undefined && !literals.includes(value)) {
      report(node, `${path}: "${value}" is none of ${literals.join(", ")}`);
    }
  }

  function named(node: Node, type: string, path: string, wrong: (kind: string) => void): void {
    const variable = file.variables.find(({ name }) => name === node.text);
    const param = file.params.find(({ name }) => name === node.text);
    const allowed = param && allowedOf(file, param.name, files);
    if (variable?.value !== undefined) check(variable.value, type, path);
    else if (allowed !== undefined) for (const each of allowed) check(each, type, path);
    else if (param !== undefined) kind(param.type, alternativesOf(type), wrong);
  }

  function kind(given: string, alternatives: readonly string[], wrong: (kind: string) => void): void {
    if (given === "any" || alternatives.includes(given)) return;
    const [only = ""] = alternatives;
    if (given === "string" && !isObjectOrArray(only) && !isKind(only)) return;
    if (given === "object" && Object.hasOwn(resource.types, only)) return;
    if (given === "array" && only.endsWith("[]")) return;
    wrong(`a value of type ${given}`);
  }

  return { object };
}

/** The values that `@allowed` lists, also where a module gets the parameter of the file above handed down. */
function allowedOf(file: BicepFile, name: string, files: readonly BicepFile[]): readonly Node[] | undefined {
  const param = file.params.find((each) => each.name === name);
  const decorator = param?.decorators.find(({ text }) => text.startsWith("@allowed("));
  const list = decorator?.descendantsOfType("array")[0];
  if (list) return childrenOf(list);
  for (const above of files) {
    for (const { type, value } of above.modules) {
      if (type !== file.path) continue;
      const params = propertiesOf(bodyOf(value)).find((property) => property.name === "params")?.value;
      const given = propertiesOf(params).find((property) => property.name === name)?.value;
      if (given?.type === "identifier" && above !== file) return allowedOf(above, given.text, files);
    }
  }
  return undefined;
}

/** `account.properties.primaryEndpoints.blob`: each step is a property of the resource's type. */
function memberFindings(file: BicepFile, types: TypeSnapshot): Finding[] {
  const found: Finding[] = [];
  const owners = new Map<string, Declaration & { type: string }>(file.resources.map((each) => [each.name, each]));
  for (const node of file.root.descendantsOfType("member_expression")) {
    if (node === null || node.parent?.type === "member_expression") continue;
    const [first = "", ...steps] = node.text.replaceAll(/\s/g, "").split(".");
    const resource = types[owners.get(first.replace(/\[.*\]$/, ""))?.type ?? ""];
    const body = resource && Object.values(resource.bodies)[0];
    if (resource === undefined || body === undefined) continue;
    let type: ObjectType | undefined = body;
    for (const step of steps) {
      const property: string | undefined = type && propertyOf(type, step)?.type;
      if (property === undefined) {
        found.push(finding(file.path, node, `${node.text}: unknown property ${step}`));
        break;
      }
      type = resource.types[property];
    }
  }
  return found;
}
