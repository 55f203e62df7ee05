// Everything that `azd up` makes. Of the subscription, so that azd can make and delete the resource group with what is
// in it. Plain resources in modules of our own: `npm test` checks every property without a registry or a sign-in.
targetScope = 'subscription'

@description('Name of the azd environment; part of every name.')
@minLength(1)
@maxLength(32)
param environmentName string

@description('Region. It must offer Flex Consumption.')
@minLength(1)
param location string

@description('ENTRA_AUDIENCE: application (client) id of this API; infra/register-application.sh makes it.')
@minLength(36)
@maxLength(36)
param entraAudience string

@description('ENTRA_TENANT_ID: the partner\'s tenant, several separated by commas; empty: the tenant of the subscription.')
param entraTenantId string = ''

@description('CUSTOMER_APP_CLIENT_ID: multi-tenant application that trusts the managed identity made here.')
@minLength(36)
@maxLength(36)
param customerAppClientId string

@description('CSP_QUOTA_IDS, ACCEPTED_ROLE_IDS, EXCLUDED_PRINCIPAL_IDS: empty means the default.')
param cspQuotaIds string = ''
param acceptedRoleIds string = ''
param excludedPrincipalIds string = ''

@description('WEBHOOK_HOSTS: hosts of callback URLs beside those of Logic Apps, Power Automate, Power Platform and App Service.')
param webhookHosts string = ''

@minValue(1)
@maxValue(120)
param eligibilityTimeoutSeconds int = 20

param requireFunctionKey bool = false

@allowed(['off', 'live', 'manual'])
param partnerCenterMode string = 'off'

@minValue(1)
@maxValue(720)
param partnerCenterManualHours int = 24

@description('PARTNER_CENTER_TENANT_ID: empty means the only ENTRA_TENANT_ID.')
param partnerCenterTenantId string = ''
param partnerCenterClientId string = ''

@description('Kept in the key vault; empty: what is there stays.')
@secure()
param partnerCenterClientSecret string = ''

@description('Whether an Admin Agent account signed in (npm run partner-center:consent). false: manual mode by audit records.')
param partnerCenterHasAccount bool = true

@allowed(['report', 'turnOff'])
param driftAction string = 'report'

@minValue(0)
@maxValue(10080)
param driftIntervalMinutes int = 360

@minValue(1)
@maxValue(10000)
param driftCallsPerRun int = 100

@description('Instances that are always warm and always paid for; 0: none.')
@minValue(0)
@maxValue(20)
param alwaysReadyInstances int = 0

@minValue(40)
@maxValue(1000)
param maximumInstances int = 40

@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('Of the account with the switches and the log. ZRS: copies in three zones.')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS'])
param recordRedundancy string = 'Standard_ZRS'

@minValue(30)
@maxValue(730)
param telemetryRetentionDays int = 90

@description('Who gets the alerts by mail; empty: they are seen in the portal only.')
param alertEmail string = ''

@description('Object id of the user who runs npm run partner-center:consent and so writes into the key vault; empty: nobody.')
param consentPrincipalId string = ''

@description('Storage and vault answer in a virtual network only, by private endpoints. The door of the app stays public.')
param virtualNetwork bool = false

@description('Of the virtual network: at least a /24.')
param virtualNetworkAddresses string = '10.90.0.0/24'

var token = uniqueString(subscription().id, environmentName, location)
var tags = { 'azd-env-name': environmentName }
var followsPartnerCenter = partnerCenterMode != 'off'

// What shared/config.ts reads, but for storage and telemetry, whose addresses modules/function-app.bicep knows.
var productSettings = {
  ENTRA_TENANT_ID: empty(entraTenantId) ? tenant().tenantId : entraTenantId
  ENTRA_AUDIENCE: entraAudience
  AZURE_AUTHORITY_HOST: environment().authentication.loginEndpoint
  AZURE_RESOURCE_MANAGER_ENDPOINT: environment().resourceManager
  CUSTOMER_APP_CLIENT_ID: customerAppClientId
  CUSTOMER_APP_MANAGED_IDENTITY_CLIENT_ID: identity.outputs.clientId
  CSP_QUOTA_IDS: cspQuotaIds
  ACCEPTED_ROLE_IDS: acceptedRoleIds
  EXCLUDED_PRINCIPAL_IDS: excludedPrincipalIds
  WEBHOOK_HOSTS: webhookHosts
  ELIGIBILITY_TIMEOUT_SECONDS: string(eligibilityTimeoutSeconds)
  REQUIRE_FUNCTION_KEY: string(requireFunctionKey)
  PARTNER_CENTER_MODE: partnerCenterMode
  PARTNER_CENTER_MANUAL_HOURS: string(partnerCenterManualHours)
  PARTNER_CENTER_TENANT_ID: partnerCenterTenantId
  PARTNER_CENTER_CLIENT_ID: partnerCenterClientId
  PARTNER_CENTER_CLIENT_SECRET: followsPartnerCenter ? vault.outputs.clientSecretReference : ''
  PARTNER_CENTER_KEY_VAULT_URL: followsPartnerCenter && partnerCenterHasAccount ? vault.outputs.uri : ''
  DRIFT_ACTION: driftAction
  DRIFT_INTERVAL_MINUTES: string(driftIntervalMinutes)
  DRIFT_CALLS_PER_RUN: string(driftCallsPerRun)
}

resource group 'Microsoft.Resources/resourceGroups@2025-04-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    name: 'id-${token}'
    location: location
    tags: tags
  }
}

module telemetry 'modules/telemetry.bicep' = {
  name: 'telemetry'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    retentionDays: telemetryRetentionDays
    appPrincipalId: identity.outputs.principalId
  }
}

module hostStorage 'modules/host-storage.bicep' = {
  name: 'host-storage'
  scope: group
  params: {
    name: 'sthost${token}'
    location: location
    tags: tags
    appPrincipalId: identity.outputs.principalId
    isPrivate: virtualNetwork
  }
}

module recordStorage 'modules/record-storage.bicep' = {
  name: 'record-storage'
  scope: group
  params: {
    name: 'strec${token}'
    location: location
    tags: tags
    sku: recordRedundancy
    appPrincipalId: identity.outputs.principalId
    isPrivate: virtualNetwork
  }
}

module vault 'modules/vault.bicep' = {
  name: 'vault'
  scope: group
  params: {
    name: 'kv-${token}'
    location: location
    tags: tags
    appPrincipalId: identity.outputs.principalId
    consentPrincipalId: consentPrincipalId
    isPrivate: virtualNetwork
    clientSecret: partnerCenterClientSecret
  }
}

module network 'modules/network.bicep' = if (virtualNetwork) {
  name: 'network'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    addresses: virtualNetworkAddresses
    hostStorageId: hostStorage.outputs.id
    recordStorageId: recordStorage.outputs.id
    vaultId: vault.outputs.id
  }
}

module functionApp 'modules/function-app.bicep' = {
  name: 'function-app'
  scope: group
  params: {
    name: 'func-${token}'
    location: location
    tags: tags
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    deploymentContainerUrl: hostStorage.outputs.deploymentContainerUrl
    hostBlobUri: hostStorage.outputs.blobUri
    hostQueueUri: hostStorage.outputs.queueUri
    recordQueueUri: recordStorage.outputs.queueUri
    recordTableUri: recordStorage.outputs.tableUri
    telemetryConnection: telemetry.outputs.connection
    alwaysReadyInstances: alwaysReadyInstances
    maximumInstances: maximumInstances
    instanceMemoryMB: instanceMemoryMB
    subnetId: virtualNetwork ? network.outputs.appSubnetId : ''
    productSettings: productSettings
  }
}

module alerts 'modules/alerts.bicep' = {
  name: 'alerts'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    componentId: telemetry.outputs.componentId
    email: alertEmail
  }
}

output AZURE_RESOURCE_GROUP string = group.name
output SERVICE_API_NAME string = functionApp.outputs.name
output SERVICE_API_URI string = functionApp.outputs.uri
@description('Subject of the federated credential of the customer application.')
output IDENTITY_PRINCIPAL_ID string = identity.outputs.principalId
output KEY_VAULT_URI string = vault.outputs.uri
