/** Bicep files as trees, by the grammar of tree-sitter-bicep. In a file that it cannot read, the places are named. */

import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Language, type Node, Parser } from "web-tree-sitter";

/** Texts by path, such as "main.bicep" and "modules/vault.bicep". */
export type BicepTexts = ReadonlyMap<string, string>;

export interface Declaration {
  readonly name: string;
  readonly node: Node;
  /** What is right of the equals sign. */
  readonly value: Node | undefined;
  readonly decorators: readonly Node[];
}

export interface TypedDeclaration extends Declaration {
  /** Written type: "string", "int" …; of a resource "Microsoft.Web/sites@2024-11-01"; of a module its path. */
  readonly type: string;
}

export interface BicepFile {
  readonly path: string;
  readonly root: Node;
  readonly targetScope: string;
  readonly params: readonly TypedDeclaration[];
  readonly variables: readonly Declaration[];
  readonly resources: readonly TypedDeclaration[];
  readonly modules: readonly TypedDeclaration[];
  readonly outputs: readonly TypedDeclaration[];
}

export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

export function finding(path: string, { startPosition }: Node, message: string): Finding {
  return { path, line: startPosition.row + 1, message };
}

export function readBicepTexts(folder = "infra"): BicepTexts {
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".bicep"));
  return new Map(paths.map((path) => [path, readFileSync(join(folder, path), "utf8")]));
}

export async function createBicepParser(): Promise<(path: string, text: string) => BicepFile> {
  await Parser.init();
  const grammar = createRequire(join(process.cwd(), "package.json")).resolve(
    "tree-sitter-bicep/tree-sitter-bicep.wasm",
  );
  // Bytes, not the path: jest has no dynamic import, by which the loader would get at the file system.
  const parser = new Parser().setLanguage(await Language.load(readFileSync(grammar)));
  return (path, text) => {
    const tree = parser.parse(text);
    if (tree === null) throw new Error(`${path} was not parsed.`);
    return fileOf(path, tree.rootNode);
  };
}

export function syntaxFindings({ path, root }: BicepFile): Finding[] {
  if (!root.hasError) return [];
  const wrong = nodesIn(root).filter((node) => node.isError || node.isMissing);
  return wrong.map((node) => finding(path, node, `syntax: "${node.text.split("\n")[0]}"`));
}

function fileOf(path: string, root: Node): BicepFile {
  let decorators: Node[] = [];
  const declarations = childrenOf(root).flatMap((node) => {
    const above = decorators;
    decorators = node.type === "decorators" ? childrenOf(node) : [];
    return node.type === "decorators" || node.type === "comment" ? [] : [{ node, decorators: above }];
  });
  const all = (kind: string) =>
    declarations
      .filter(({ node }) => node.type === kind)
      .map(({ node, decorators }) => {
        const [name, ...rest] = childrenOf(node);
        const equals = node.children.findIndex((child) => child?.type === "=");
        const value = equals < 0 ? undefined : node.children.slice(equals + 1).find((child) => child?.isNamed);
        const [type] = rest.filter((child) => child.id !== value?.id);
        return {
          name: name?.text ?? "",
          node,
          decorators,
          value: value ?? undefined,
          type: literalOf(type) ?? type?.text ?? "",
        };
      });
  const scope = childrenOf(root).find(({ type }) => type === "target_scope_assignment");
  return {
    ...{ path, root },
    targetScope: literalOf(scope && childrenOf(scope)[0]) ?? "resourceGroup",
    params: all("parameter_declaration"),
    variables: all("variable_declaration"),
    resources: all("resource_declaration"),
    modules: all("module_declaration"),
    outputs: all("output_declaration"),
  };
}

export function childrenOf(node: Node): Node[] {
  return node.namedChildren.filter((child) => child !== null);
}

export function nodesIn(node: Node): Node[] {
  return [node, ...node.children.filter((child) => child !== null).flatMap(nodesIn)];
}

/** @returns the text of a string without interpolation */
export function literalOf(node: Node | undefined): string | undefined {
  if (node?.type !== "string" || childrenOf(node).some(({ type }) => type === "interpolation")) return undefined;
  return childrenOf(node)
    .map(({ type, text }) => (type === "escape_sequence" ? text.slice(1) : text))
    .join("");
}

/** @returns what is declared, without `if (…)` and `for … in …` around it */
export function bodyOf(value: Node | undefined): Node | undefined {
  if (value?.type !== "for_statement" && value?.type !== "if_statement") return value;
  return bodyOf(childrenOf(value).at(-1));
}

/** Name and value of each property; a name that is put together at deployment is undefined. */
export function propertiesOf(object: Node | undefined): { name: string | undefined; value: Node; node: Node }[] {
  if (object?.type !== "object") return [];
  return childrenOf(object)
    .filter(({ type }) => type === "object_property")
    .flatMap((node) => {
      const [key, value] = childrenOf(node);
      if (key === undefined || value === undefined) return [];
      return [{ name: key.type === "identifier" ? key.text : literalOf(key), value, node }];
    });
}

export function valueAt(object: Node | undefined, name: string): Node | undefined {
  return propertiesOf(object).find((property) => property.name === name)?.value;
}
