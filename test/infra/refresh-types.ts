/**
 * `npm run infra:types`: writes `infra/types/azure.json`, the types of the resources that infra/ and logicapps/ declare,
 * out of Microsoft's MCP server for Azure. That is a program of 137 MB for Linux, so it is installed into a temporary
 * folder and never a dependency. It knows Bicep's types without a network, and is told to send no telemetry.
 */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ObjectType, ResourceType } from "./type-snapshot.ts";

const source = "@azure/mcp-linux-x64@2.0.5";
/** It lists them and cannot load them; infra/types/by-hand.json has what we use of them. */
const byHand = [
  "Microsoft.Insights/actionGroups",
  "Microsoft.Insights/scheduledQueryRules",
  "Microsoft.Network/privateDnsZones",
  "Microsoft.Network/privateDnsZones/virtualNetworkLinks",
];

interface ListedType {
  readonly $type: string;
  readonly name: string;
  readonly properties?: readonly { name: string; type: string; flags?: string }[];
  readonly additionalPropertiesType?: string | null;
  readonly bodyType?: ListedType;
  readonly elements?: readonly ListedType[];
  readonly baseProperties?: ListedType["properties"];
  readonly writableScopes?: string;
}

const root = join(import.meta.dirname, "../..");
const folder = mkdtempSync(join(tmpdir(), "bicep-types-"));
try {
  writeFileSync(join(folder, "package.json"), "{}");
  execFileSync("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", source], { cwd: folder });
  const program = join(folder, "node_modules/@azure/mcp-linux-x64/dist/azmcp");
  const resources = Object.fromEntries(declaredTypes().map((name) => [name, typeOf(program, name)]));
  writeFileSync(join(root, "infra/types/azure.json"), `${JSON.stringify({ source, resources }, null, 2)}\n`);
} finally {
  rmSync(folder, { recursive: true });
}

function declaredTypes(): string[] {
  const texts = ["infra", "logicapps"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".bicep"))
      .map((path) => readFileSync(join(root, folder, path), "utf8")),
  );
  const names = texts.flatMap((text) => text.match(/(?<=')Microsoft\.[\w./]+@[\w-]+(?=')/g) ?? []);
  return [...new Set(names)].filter((name) => !byHand.some((type) => name.startsWith(`${type}@`))).sort();
}

function typeOf(program: string, nameAndVersion: string): ResourceType {
  const [type = ""] = nameAndVersion.split("@");
  const answer = execFileSync(program, ["bicepschema", "get", "--resource-type", type], {
    env: { ...process.env, AZURE_MCP_COLLECT_TELEMETRY: "false" },
    encoding: "utf8",
    maxBuffer: 2 ** 26,
  });
  const listed = JSON.parse(answer).results.BicepSchemaResult as readonly ListedType[];
  const resource = listed.find(({ $type }) => $type === "Resource");
  if (resource?.bodyType === undefined || resource.name !== nameAndVersion) {
    throw new Error(`${source} knows ${resource?.name}, and infra/ declares ${nameAndVersion}.`);
  }
  const { bodyType } = resource;
  const elements = bodyType.elements ?? [bodyType];
  const bodies = elements.map((element) => {
    const name = element.properties?.find(({ name }) => name === "name")?.type ?? "";
    const body = objectOf({
      ...element,
      properties: [...(bodyType.baseProperties ?? []), ...(element.properties ?? [])],
    });
    return [bodyType.elements === undefined ? "" : name, body] as const;
  });

  const types: Record<string, ObjectType> = {};
  const named = new Map(listed.filter(({ $type }) => $type === "Object").map((each) => [each.name, each]));
  const visit = (object: ObjectType) => {
    for (const word of Object.values(object).flatMap((text) => text.match(/\w+/g) ?? [])) {
      const found = named.get(word);
      if (found === undefined || Object.hasOwn(types, word)) continue;
      types[word] = objectOf(found);
      visit(types[word]);
    }
  };
  for (const [, body] of bodies) visit(body);
  return { scopes: resource.writableScopes ?? "", bodies: Object.fromEntries(bodies), types };
}

/** Without descriptions: they are most of it. */
function objectOf({ properties = [], additionalPropertiesType }: ListedType): ObjectType {
  const flag = (flags = "") => (/ReadOnly/.test(flags) ? "readonly " : /Required/.test(flags) ? "required " : "");
  const entries = properties.map(({ name, type, flags }) => [name, `${flag(flags)}${type}`]);
  if (additionalPropertiesType) entries.push(["*", additionalPropertiesType]);
  return Object.fromEntries(entries);
}
