/**
 * What the virtual network must be, looked at as it would be deployed, with the parameter and without: whatever the
 * app's identity has a role on is closed to the public, has a private endpoint, and a name that leads there.
 */

import type { Node } from "web-tree-sitter";
import { isWithin, parseRange } from "./addresses.ts";
import { createAzure } from "./azure.ts";
import { type BicepFile, bodyOf, type Finding, finding } from "./bicep.ts";
import { createEvaluator, type Deployed } from "./evaluate.ts";
import { allowedRoles } from "./policy.ts";

/** Which service of a resource a role is for. */
const serviceOfRole: Readonly<Record<string, string>> = {
  [allowedRoles.storageBlobDataOwner ?? ""]: "blob",
  [allowedRoles.storageQueueDataContributor ?? ""]: "queue",
  [allowedRoles.storageTableDataContributor ?? ""]: "table",
  [allowedRoles.keyVaultSecretsOfficer ?? ""]: "vault",
};

/** https://learn.microsoft.com/azure/private-link/private-endpoint-dns */
const zoneOfService: Readonly<Record<string, string>> = {
  blob: "privatelink.blob.core.windows.net",
  queue: "privatelink.queue.core.windows.net",
  table: "privatelink.table.core.windows.net",
  vault: "privatelink.vaultcore.azure.net",
};

/** Of the subnet of a Flex Consumption app: learn.microsoft.com/azure/azure-functions/flex-consumption-plan#considerations */
const delegation = "Microsoft.App/environments";
/** The smallest range with 40 addresses beside the five that Azure keeps. */
const longestPrefix = 26;

const closable = ["Microsoft.Storage/storageAccounts", "Microsoft.KeyVault/vaults"];
const required = {
  ...{ environmentName: "test", location: "westeurope", consentPrincipalId: "somebody" },
  ...{ entraAudience: "11111111-1111-4111-8111-111111111111", customerAppClientId: "x" },
};

interface Subnet {
  readonly name: string;
  readonly properties: { addressPrefix: string; delegations?: { properties: { serviceName: string } }[] };
}

export function networkFindings(files: readonly BicepFile[]): Finding[] {
  const deployed = (virtualNetwork: boolean): Deployed[] =>
    createEvaluator(createAzure(files), "main.bicep", { ...required, virtualNetwork }).resources();
  return [...openFindings(deployed(false)), ...closedFindings(deployed(true)), ...orderFindings(files)];
}

function report({ path, node }: { path: string; node: Node }, message: string): Finding {
  return finding(path, node, `network: ${message}`);
}

function propertiesOf({ body }: Deployed): any {
  return body.properties ?? {};
}

function ofType(resources: readonly Deployed[], type: string): Deployed[] {
  return resources.filter((each) => each.type === type);
}

function openFindings(resources: readonly Deployed[]): Finding[] {
  const found = resources
    .filter(({ type }) => type.startsWith("Microsoft.Network/"))
    .map((each) => report(each, `${each.id} is made although nobody asked for it`));
  for (const each of resources.filter(({ type }) => closable.includes(type))) {
    const { publicNetworkAccess, networkAcls } = propertiesOf(each);
    if (publicNetworkAccess !== "Enabled" || networkAcls?.defaultAction !== "Allow")
      found.push(report(each, `${each.id} is closed although there is no network`));
  }
  for (const each of ofType(resources, "Microsoft.Web/sites"))
    if (propertiesOf(each).virtualNetworkSubnetId) found.push(report(each, "the app is in a network that is not made"));
  return found;
}

function closedFindings(resources: readonly Deployed[]): Finding[] {
  const found: Finding[] = [];
  for (const each of resources.filter(({ type }) => closable.includes(type))) {
    const { publicNetworkAccess, networkAcls } = propertiesOf(each);
    if (publicNetworkAccess !== "Disabled") found.push(report(each, `public access to ${each.id} is left on`));
    if (networkAcls?.defaultAction !== "Deny") found.push(report(each, `the firewall of ${each.id} lets all in`));
  }

  const endpoints = ofType(resources, "Microsoft.Network/privateEndpoints");
  const connectionOf = (endpoint: Deployed) =>
    propertiesOf(endpoint).privateLinkServiceConnections?.[0]?.properties ?? { groupIds: [] };
  for (const role of ofType(resources, "Microsoft.Authorization/roleAssignments")) {
    const { id } = role.body.scope as { id: string };
    const service = serviceOfRole[String(propertiesOf(role).roleDefinitionId).split("/").at(-1) ?? ""];
    if (service === undefined) continue;
    const leadsThere = (endpoint: Deployed) =>
      connectionOf(endpoint).privateLinkServiceId === id && connectionOf(endpoint).groupIds.includes(service);
    if (!endpoints.some(leadsThere)) found.push(report(role, `no private endpoint for ${service} of ${id}`));
  }

  const networks = ofType(resources, "Microsoft.Network/virtualNetworks");
  const subnets = new Map<string, Subnet>();
  for (const network of networks) {
    const { addressSpace, subnets: own } = propertiesOf(network);
    const ranges = (own as Subnet[]).map(({ name, properties }) => {
      subnets.set(`${network.id}/subnets/${name}`, { name, properties });
      return { name, range: parseRange(properties.addressPrefix) };
    });
    const space = addressSpace.addressPrefixes.map(parseRange);
    for (const [index, { name, range }] of ranges.entries()) {
      if (!space.some((each: typeof range) => isWithin(range, each)))
        found.push(report(network, `subnet ${name} is outside of the network`));
      if (ranges.slice(index + 1).some((each) => isWithin(range, each.range) || isWithin(each.range, range)))
        found.push(report(network, `subnet ${name} overlaps with another`));
    }
  }
  const delegatedTo = (subnet?: Subnet) => subnet?.properties.delegations?.[0]?.properties.serviceName;

  const links = ofType(resources, "Microsoft.Network/privateDnsZones/virtualNetworkLinks");
  const parentOf = ({ body }: Deployed) => (body.parent as { id: string } | undefined)?.id;
  for (const zone of ofType(resources, "Microsoft.Network/privateDnsZones")) {
    const own = links.filter((link) => parentOf(link) === zone.id);
    const leadsHere = (link: Deployed) => networks.some(({ id }) => id === propertiesOf(link).virtualNetwork.id);
    if (!own.some(leadsHere)) found.push(report(zone, `zone ${zone.body.name} has no link to the network`));
    for (const each of [zone, ...own])
      if (each.body.location !== "global") found.push(report(each, `the place of ${each.id} must be global`));
    for (const link of own)
      if (propertiesOf(link).registrationEnabled !== false)
        found.push(report(link, `${link.id} lets machines register names in the zone`));
  }

  const zoneGroups = ofType(resources, "Microsoft.Network/privateEndpoints/privateDnsZoneGroups");
  for (const endpoint of endpoints) {
    const subnet = subnets.get(propertiesOf(endpoint).subnet.id);
    if (subnet === undefined) found.push(report(endpoint, `${endpoint.id} is in no subnet of the network`));
    if (delegatedTo(subnet)) found.push(report(endpoint, `${endpoint.id} is in the subnet that belongs to the app`));
    const configs = zoneGroups
      .filter((group) => parentOf(group) === endpoint.id)
      .flatMap((group) => propertiesOf(group).privateDnsZoneConfigs);
    for (const service of connectionOf(endpoint).groupIds) {
      const zone = zoneOfService[service];
      const ids = configs.map(({ properties }) => properties.privateDnsZoneId);
      if (!ids.includes(`/Microsoft.Network/privateDnsZones/${zone}`))
        found.push(report(endpoint, `${endpoint.id} has no record in zone ${zone}`));
    }
  }

  for (const app of ofType(resources, "Microsoft.Web/sites")) {
    const subnet = subnets.get(propertiesOf(app).virtualNetworkSubnetId);
    if (subnet === undefined) {
      found.push(report(app, "the app is in no subnet of the network"));
      continue;
    }
    if (delegatedTo(subnet) !== delegation) found.push(report(app, `its subnet must be delegated to ${delegation}`));
    if (subnet.name.includes("_")) found.push(report(app, "the name of its subnet must have no underscore"));
    if (parseRange(subnet.properties.addressPrefix).prefix > longestPrefix)
      found.push(report(app, `its subnet must be a /${longestPrefix} or larger`));
  }
  return found;
}

/** An output of a module is there when all of the module is made, endpoints and names included. */
function orderFindings(files: readonly BicepFile[]): Finding[] {
  const main = files.find(({ path }) => path === "main.bicep");
  const nameOf = (file: string) => main?.modules.find(({ type }) => type === `modules/${file}.bicep`);
  const [network, app] = [nameOf("network"), nameOf("function-app")];
  const body = bodyOf(app?.value);
  if (main === undefined || body === undefined || network === undefined) return [];
  const waits = body.text.includes(`${network.name}.outputs.`);
  return waits ? [] : [report({ path: main.path, node: body }, "the app does not wait for the private endpoints")];
}
