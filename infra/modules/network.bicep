// A virtual network for the app, with private endpoints for what it may touch: one for each role of its identity on
// storage or vault. Made before the app, so that the app finds its package, and `azd deploy` can put one there.
param token string
param location string
param tags object

@description('Addresses of the network, at least a /24; what is peered with it must not overlap.')
param addresses string
param hostStorageId string
param recordStorageId string
param vaultId string

var appSubnet = 'app'
var endpointSubnet = 'endpoints'

// https://learn.microsoft.com/azure/private-link/private-endpoint-dns has the zones; the vault's is not named for its host.
var targets = [
  {
    name: 'host-blob'
    resourceId: hostStorageId
    group: 'blob'
    zone: 'privatelink.blob.${environment().suffixes.storage}'
  }
  {
    name: 'record-queue'
    resourceId: recordStorageId
    group: 'queue'
    zone: 'privatelink.queue.${environment().suffixes.storage}'
  }
  {
    name: 'record-table'
    resourceId: recordStorageId
    group: 'table'
    zone: 'privatelink.table.${environment().suffixes.storage}'
  }
  {
    name: 'vault'
    resourceId: vaultId
    group: 'vault'
    zone: 'privatelink.vaultcore${replace(environment().suffixes.keyvaultDns, '.vault', '')}'
  }
]

// The subnets stand inside: as resources of their own, the next deployment of the network would try to take them out.
resource network 'Microsoft.Network/virtualNetworks@2024-07-01' = {
  name: 'vnet-${token}'
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: [addresses] }
    subnets: [
      {
        // Flex Consumption asks for 40 addresses, no underscore in the name, and nothing else in it.
        // https://learn.microsoft.com/azure/azure-functions/flex-consumption-plan#considerations
        name: appSubnet
        properties: {
          addressPrefix: cidrSubnet(addresses, 26, 0)
          delegations: [{ name: 'flex-consumption', properties: { serviceName: 'Microsoft.App/environments' } }]
        }
      }
      {
        name: endpointSubnet
        properties: { addressPrefix: cidrSubnet(addresses, 27, 2), defaultOutboundAccess: false }
      }
    ]
  }
}

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [for target in targets: {
  name: target.zone
  location: 'global'
  tags: tags
}]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [for (target, index) in targets: {
  parent: zones[index]
  name: 'link-${target.group}-${token}'
  location: 'global'
  tags: tags
  properties: {
    registrationEnabled: false
    virtualNetwork: { id: network.id }
  }
}]

// One after another: two at once of the same account can stand in each other's way.
@batchSize(1)
resource endpoints 'Microsoft.Network/privateEndpoints@2024-07-01' = [for target in targets: {
  name: 'pe-${target.name}-${token}'
  location: location
  tags: tags
  properties: {
    subnet: { id: '${network.id}/subnets/${endpointSubnet}' }
    privateLinkServiceConnections: [
      { name: target.name, properties: { privateLinkServiceId: target.resourceId, groupIds: [target.group] } }
    ]
  }
}]

resource records 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-07-01' = [for (target, index) in targets: {
  parent: endpoints[index]
  name: 'default'
  properties: { privateDnsZoneConfigs: [{ name: target.group, properties: { privateDnsZoneId: zones[index].id } }] }
}]

output appSubnetId string = '${network.id}/subnets/${appSubnet}'
