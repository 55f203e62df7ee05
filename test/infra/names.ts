/** Names: each is declared, each declaration is used, each function and decorator is one of Bicep's. */

import type { Node } from "web-tree-sitter";
import { type BicepFile, childrenOf, type Finding, finding, nodesIn } from "./bicep.ts";

/** Those of https://learn.microsoft.com/azure/azure-resource-manager/bicep/bicep-functions that are in use here. */
const functions = [
  ...["cidrSubnet", "empty", "environment", "guid", "loadJsonContent", "replace", "resourceGroup", "string"],
  ...["subscription", "subscriptionResourceId", "tenant", "union", "uniqueString"],
];
const decorators = ["batchSize", "allowed", "description", "maxLength", "maxValue", "minLength", "minValue", "secure"];

export function nameFindings(file: BicepFile): Finding[] {
  const declared = [file.params, file.variables, file.resources, file.modules].flat();
  const used = new Set<string>();
  const found: Finding[] = [];

  const visit = (node: Node, local: ReadonlySet<string>): void => {
    if (node.type === "decorator") {
      const [call] = childrenOf(node);
      const name = call && childrenOf(call)[0];
      if (name !== undefined && !decorators.includes(name.text))
        found.push(finding(file.path, node, `unknown decorator ${name.text}`));
      return;
    }
    if (node.type === "call_expression") {
      const [name, ...rest] = childrenOf(node);
      if (name?.type === "identifier" && !functions.includes(name.text))
        found.push(finding(file.path, node, `unknown function ${name.text}`));
      for (const each of name?.type === "identifier" ? rest : [name, ...rest]) if (each) visit(each, local);
      return;
    }
    if (node.type === "for_statement") {
      const [variable, list, body] = childrenOf(node);
      const names =
        variable === undefined ? [] : nodesIn(variable).filter(({ type }) => /^(identifier|loop_)/.test(type));
      if (list !== undefined) visit(list, local);
      if (body !== undefined) visit(body, new Set([...local, ...names.map(({ text }) => text)]));
      return;
    }
    if (node.type === "object_property") {
      const [key, value] = childrenOf(node);
      if (key !== undefined && key.type !== "identifier") visit(key, local);
      if (value !== undefined) visit(value, local);
      return;
    }
    if (node.type === "identifier" && !local.has(node.text)) {
      used.add(node.text);
      if (!declared.some(({ name }) => name === node.text))
        found.push(finding(file.path, node, `undefined name ${node.text}`));
    }
    for (const child of childrenOf(node)) visit(child, local);
  };
  for (const { value, decorators } of [declared, file.outputs].flat()) {
    for (const node of [...decorators, value]) if (node !== undefined) visit(node, new Set());
  }

  const names = declared.map(({ name }) => name);
  for (const { name, node } of declared) {
    if (names.indexOf(name) !== names.lastIndexOf(name))
      found.push(finding(file.path, node, `${name} is declared twice`));
  }
  for (const { name, node } of [...file.params, ...file.variables]) {
    if (!used.has(name)) found.push(finding(file.path, node, `unused ${name}`));
  }
  return found;
}
