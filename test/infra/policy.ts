/** What types allow and this product does not: keys, passwords, old TLS, roles that nobody thought about. */

import type { Node } from "web-tree-sitter";
import { type BicepFile, bodyOf, childrenOf, type Finding, finding, literalOf, valueAt } from "./bicep.ts";

/** https://learn.microsoft.com/azure/role-based-access-control/built-in-roles */
export const allowedRoles: Readonly<Record<string, string>> = {
  storageBlobDataOwner: "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
  storageQueueDataContributor: "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
  storageTableDataContributor: "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
  monitoringMetricsPublisher: "3913510d-42f4-4e42-8a64-420c390055eb",
  keyVaultSecretsOfficer: "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
};

/** Value of a property in every resource of a type. */
const demanded: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "Microsoft.Storage/storageAccounts": {
    "properties.allowSharedKeyAccess": "false",
    "properties.allowBlobPublicAccess": "false",
    "properties.supportsHttpsTrafficOnly": "true",
    "properties.minimumTlsVersion": "'TLS1_2'",
  },
  "Microsoft.Web/sites": {
    "properties.httpsOnly": "true",
    "properties.siteConfig.minTlsVersion": "'1.2'",
    "properties.siteConfig.ftpsState": "'Disabled'",
    "identity.type": "'UserAssigned'",
  },
  "Microsoft.Web/sites/basicPublishingCredentialsPolicies": { "properties.allow": "false" },
  "Microsoft.Logic/workflows": { "identity.type": "'SystemAssigned'" },
  "Microsoft.Insights/components": { "properties.DisableLocalAuth": "true" },
  "Microsoft.KeyVault/vaults": { "properties.enableRbacAuthorization": "true", "properties.enableSoftDelete": "true" },
};

const keys = /\b(list[A-Z]\w*|listkeys)\s*\(|AccountKey|SharedAccessKey|accountKey|\bsig=|administratorPassword/;
/** Not on Flex Consumption, where `functionAppConfig` says it: learn.microsoft.com/azure/azure-functions/functions-app-settings */
const notOnFlex = ["FUNCTIONS_WORKER_RUNTIME", "FUNCTIONS_EXTENSION_VERSION", "WEBSITE_RUN_FROM_PACKAGE"];
const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function policyFindings(file: BicepFile): Finding[] {
  const found: Finding[] = [];
  const report = (node: Node, message: string) => found.push(finding(file.path, node, `policy: ${message}`));

  for (const node of file.root.descendantsOfType(["call_expression", "string_content", "identifier"])) {
    if (node === null) continue;
    const key = keys.exec(node.type === "call_expression" ? `${childrenOf(node)[0]?.text}(` : node.text);
    if (key) report(node, `no keys: ${key[0]}`);
    if (notOnFlex.includes(node.text)) report(node, `${node.text} is not for Flex Consumption`);
    if (node.type === "string_content" && guid.test(node.text) && !Object.values(allowedRoles).includes(node.text))
      report(node, `role ${node.text} is not on the list`);
  }

  for (const { type, name, value } of file.resources) {
    const [typeName = ""] = type.split("@");
    const body = bodyOf(value);
    if (body === undefined) continue;
    for (const [path, wanted] of Object.entries(demanded[typeName] ?? {})) {
      const found = at(body, path);
      if (found?.text !== wanted) report(found ?? body, `${name}: ${path} must be ${wanted}`);
    }
    if (typeName === "Microsoft.Authorization/roleAssignments") {
      const scope = valueAt(body, "scope");
      const isOneResource = file.resources.some((each) => each.name === scope?.text);
      if (!isOneResource) report(body, `${name}: the scope of a role must be one resource`);
      const role = at(body, "properties.roleDefinitionId")?.descendantsOfType("identifier").at(-1)?.text;
      const id = literalOf(file.variables.find((variable) => variable.name === role)?.value);
      if (id === undefined || allowedRoles[role ?? ""] !== id) report(body, `${name}: role ${role} is not on the list`);
    }
  }
  for (const { name, node, decorators } of file.params) {
    const isSecure = decorators.some(({ text }) => text === "@secure()");
    if (/secret|password|token$/i.test(name) && name !== "token" && !isSecure)
      report(node, `${name} must be @secure()`);
  }
  return found;
}

function at(node: Node, path: string): Node | undefined {
  return path.split(".").reduce<Node | undefined>((at, name) => at && valueAt(at, name), node);
}
