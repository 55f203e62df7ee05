/** Modules: the file exists, gets the parameters that it declares, in their kinds, and has the outputs that are read. */

import { type BicepFile, bodyOf, type Finding, finding, propertiesOf, valueAt } from "./bicep.ts";

export function moduleFindings(file: BicepFile, files: readonly BicepFile[]): Finding[] {
  const found: Finding[] = [];
  for (const { name, type, value } of file.modules) {
    const body = bodyOf(value);
    const target = files.find(({ path }) => path === type);
    if (body === undefined) continue;
    if (target === undefined) {
      found.push(finding(file.path, body, `module ${name}: there is no file ${type}`));
      continue;
    }
    for (const { name: key, node } of propertiesOf(body)) {
      if (!["name", "scope", "params", "dependsOn"].includes(key ?? ""))
        found.push(finding(file.path, node, `module ${name}: unknown property ${key}`));
    }
    if (file.targetScope !== target.targetScope && valueAt(body, "scope") === undefined)
      found.push(finding(file.path, body, `module ${name}: missing scope, for ${type} is of a ${target.targetScope}`));

    const given = propertiesOf(valueAt(body, "params"));
    for (const { name: key, value, node } of given) {
      const param = target.params.find((each) => each.name === key);
      if (param === undefined) {
        found.push(finding(file.path, node, `module ${name}: unknown parameter ${key}`));
        continue;
      }
      const kind = kindOf(file, value.type === "identifier" ? value.text : undefined) ?? kinds[value.type];
      if (kind !== undefined && kind !== param.type)
        found.push(finding(file.path, node, `module ${name}: parameter ${key} is of type ${param.type}, not ${kind}`));
    }
    for (const param of target.params) {
      if (param.value === undefined && !given.some(({ name: key }) => key === param.name))
        found.push(finding(file.path, body, `module ${name}: missing parameter ${param.name}`));
    }
  }
  for (const node of file.root.descendantsOfType("member_expression")) {
    const [, module, output] = /^(\w+)\.outputs\.(\w+)$/.exec(node?.text ?? "") ?? [];
    const declared = file.modules.find(({ name }) => name === module);
    const target = files.find(({ path }) => path === declared?.type);
    if (node === null || target === undefined) continue;
    if (!target.outputs.some(({ name }) => name === output))
      found.push(finding(file.path, node, `module ${module}: unknown output ${output}`));
  }
  return found;
}

const kinds: Readonly<Record<string, string>> = {
  ...{ string: "string", number: "int", boolean: "bool", object: "object", array: "array" },
};

function kindOf(file: BicepFile, name: string | undefined): string | undefined {
  const variable = file.variables.find((each) => each.name === name);
  return file.params.find((each) => each.name === name)?.type ?? kinds[variable?.value?.type ?? ""];
}
