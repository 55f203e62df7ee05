/** The Bicep that deploys workflows, held against the definitions it loads: each file is there, each parameter is given. */

import {
  type BicepFile,
  bodyOf,
  childrenOf,
  type Finding,
  finding,
  literalOf,
  propertiesOf,
  valueAt,
} from "../infra/bicep.ts";
import type { Definition } from "./definition.ts";

/** @param definitions by file name, as `loadJsonContent` has it */
export function workflowFindings(files: readonly BicepFile[], definitions: ReadonlyMap<string, Definition>): Finding[] {
  const found: Finding[] = [];
  for (const file of files) {
    for (const { name, type, value } of file.resources) {
      if (!type.startsWith("Microsoft.Logic/workflows@")) continue;
      const properties = valueAt(bodyOf(value), "properties");
      if (properties === undefined) continue;
      const report = (message: string, node = properties) =>
        found.push(finding(file.path, node, `workflow ${name}: ${message}`));

      const loaded = valueAt(properties, "definition");
      const [called, given] = loaded?.type === "call_expression" ? childrenOf(loaded) : [];
      const path = called?.text === "loadJsonContent" ? literalOf(given && childrenOf(given)[0]) : undefined;
      const definition = definitions.get(path ?? "");
      if (definition === undefined) {
        report(`there is no definition ${path ?? loaded?.text}`, loaded);
        continue;
      }
      const parameters = propertiesOf(valueAt(properties, "parameters"));
      for (const parameter of parameters) {
        if (!Object.hasOwn(definition.parameters, parameter.name ?? ""))
          report(`${path} has no parameter ${parameter.name}`, parameter.node);
        if (valueAt(parameter.value, "value") === undefined)
          report(`parameter ${parameter.name} has no value`, parameter.node);
      }
      for (const [parameter, { defaultValue }] of Object.entries(definition.parameters)) {
        const isGiven = parameters.some((each) => each.name === parameter);
        // What connects to other services is empty in the definition, and never right so.
        const isOptional = defaultValue !== undefined && parameter !== "$connections";
        if (!isGiven && !isOptional) report(`missing parameter ${parameter}`);
      }
      const connections = propertiesOf(
        valueAt(parameters.find((each) => each.name === "$connections")?.value, "value"),
      ).map((each) => each.name);
      for (const wanted of connectionsOf(definition))
        if (!connections.includes(wanted)) report(`missing connection ${wanted}`);
    }
  }
  return found;
}

/** Names that steps use as `parameters('$connections')['office365']`. */
function connectionsOf(definition: Definition): string[] {
  const used = JSON.stringify(definition).matchAll(/parameters\('\$connections'\)\['(\w+)'\]/g);
  return [...new Set([...used].map(([, name = ""]) => name))];
}
