/** Mistakes about the virtual network, each by a change of a Bicep file, and the words of the finding that must name it. */

import type { Mistake } from "./planted-mistakes.ts";

const main = "main.bicep";
const app = "modules/function-app.bicep";
const host = "modules/host-storage.bicep";
const network = "modules/network.bicep";
const record = "modules/record-storage.bicep";
const vault = "modules/vault.bicep";

export const networkMistakes: readonly Mistake[] = [
  {
    what: "public access left on",
    path: record,
    from: "isPrivate ? 'Disabled' : 'Enabled'",
    to: "'Enabled'",
    named: /public access to \S+strec\S+ is left on/,
  },
  {
    what: "public access left on by silence",
    path: host,
    from: "    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'\n",
    to: "",
    named: /public access to \S+sthost\S+ is left on/,
  },
  {
    what: "a vault that is not told of the network",
    path: main,
    from: "consentPrincipalId: consentPrincipalId\n    isPrivate: virtualNetwork",
    to: "consentPrincipalId: consentPrincipalId\n    isPrivate: false",
    named: /public access to \S+kv-\S+ is left on/,
  },
  {
    what: "a firewall that lets all in",
    path: vault,
    from: "defaultAction: isPrivate ? 'Deny' : 'Allow'",
    to: "defaultAction: 'Allow'",
    named: /firewall of \S+kv-\S+ lets all in/,
  },
  {
    what: "a misspelt state of public access",
    path: vault,
    from: "isPrivate ? 'Disabled' :",
    to: "isPrivate ? 'Off' :",
    named: /public access to \S+kv-\S+ is left on/,
  },
  {
    what: "storage that is closed without a network",
    path: host,
    from: "isPrivate ? 'Disabled' : 'Enabled'",
    to: "'Disabled'",
    named: /closed although there is no network/,
  },
  {
    what: "a network that nobody asked for",
    path: main,
    from: "'modules/network.bicep' = if (virtualNetwork) {",
    to: "'modules/network.bicep' = {",
    named: /is made although nobody asked for it/,
  },
  {
    what: "a missing private endpoint",
    path: network,
    from: "privateEndpoints@2024-07-01' = [for target in targets: {",
    to: "privateEndpoints@2024-07-01' = [for target in targets: if (target.group != 'table') {",
    named: /no private endpoint for table of \S+strec/,
  },
  {
    what: "a private endpoint of another account",
    path: network,
    from: "resourceId: recordStorageId\n    group: 'queue'",
    to: "resourceId: hostStorageId\n    group: 'queue'",
    named: /no private endpoint for queue of \S+strec/,
  },
  {
    what: "a private endpoint of another service",
    path: network,
    from: "group: 'table'",
    to: "group: 'queue'",
    named: /no private endpoint for table of \S+strec/,
  },
  {
    what: "a zone without its link",
    path: network,
    from: "parent: zones[index]",
    to: "parent: zones[0]",
    named: /zone privatelink\.queue\.core\.windows\.net has no link/,
  },
  {
    what: "a link to something else",
    path: network,
    from: "virtualNetwork: { id: network.id }",
    to: "virtualNetwork: { id: vaultId }",
    named: /zone privatelink\.vaultcore\.azure\.net has no link/,
  },
  {
    what: "machines that register names",
    path: network,
    from: "registrationEnabled: false",
    to: "registrationEnabled: true",
    named: /lets machines register names/,
  },
  {
    what: "a zone named for its host",
    path: network,
    from: "'privatelink.vaultcore$",
    to: "'privatelink.vault$",
    named: /has no record in zone privatelink\.vaultcore\.azure\.net/,
  },
  {
    what: "a zone with a misspelt name",
    path: network,
    from: "'privatelink.table.$",
    to: "'privatelink.tables.$",
    named: /has no record in zone privatelink\.table\.core\.windows\.net/,
  },
  {
    what: "a zone with a fixed place",
    path: network,
    from: "location: 'global'",
    to: "location: location",
    named: /must be global/,
  },
  {
    what: "a private endpoint without a name in its zone",
    path: network,
    from: "privateDnsZoneId: zones[index].id",
    to: "privateDnsZoneId: zones[0].id",
    named: /pe-vault\S+ has no record in zone/,
  },
  {
    what: "a misspelt property of a resource of a loop",
    path: network,
    from: "zones[index].id",
    to: "zones[index].ids",
    named: /unknown property ids/,
  },
  {
    what: "a missing delegation",
    path: network,
    from: "          delegations: [{ name: 'flex-consumption', properties: { serviceName: 'Microsoft.App/environments' } }]\n",
    to: "",
    named: /must be delegated to Microsoft\.App\/environments/,
  },
  {
    what: "the delegation of another plan",
    path: network,
    from: "'Microsoft.App/environments'",
    to: "'Microsoft.Web/serverFarms'",
    named: /must be delegated to Microsoft\.App\/environments/,
  },
  {
    what: "private endpoints in the app's subnet",
    path: network,
    from: "endpointSubnet}'",
    to: "appSubnet}'",
    named: /in the subnet that belongs to the app/,
  },
  {
    what: "a subnet that is too small for the app",
    path: network,
    from: "cidrSubnet(addresses, 26, 0)",
    to: "cidrSubnet(addresses, 28, 0)",
    named: /must be a \/27 or larger/,
  },
  {
    what: "subnets that overlap",
    path: network,
    from: "cidrSubnet(addresses, 27, 2)",
    to: "cidrSubnet(addresses, 27, 1)",
    named: /subnet app overlaps/,
  },
  {
    what: "a subnet outside of the network",
    path: network,
    from: "cidrSubnet(addresses, 27, 2)",
    to: "'10.91.0.0/27'",
    named: /subnet endpoints is outside/,
  },
  {
    what: "a name that Flex Consumption refuses",
    path: network,
    from: "'app'",
    to: "'the_app'",
    named: /no underscore/,
  },
  {
    what: "an app outside of the network",
    path: app,
    from: "empty(subnetId) ? null : subnetId",
    to: "empty(subnetId) ? subnetId : null",
    named: /the app is in no subnet/,
  },
  {
    what: "an app that is in a network which is not made",
    path: main,
    from: "virtualNetwork ? network.outputs.appSubnetId : ''",
    to: "network.outputs.appSubnetId",
    named: /in a network that is not made/,
  },
  {
    what: "an app that does not wait for its private endpoints",
    path: main,
    from: "network.outputs.appSubnetId",
    to: "'/Microsoft.Network/virtualNetworks/vnet-abcdefghijklm/subnets/app'",
    named: /does not wait for the private endpoints/,
  },
];
