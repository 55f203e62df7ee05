// Keeps the refresh token for Partner Center, which the app replaces with every use (hence Secrets Officer), and the
// secret of its application. No protection against purging: both can be made anew, and azd down --purge shall work.
param name string
param location string
param tags object
param appPrincipalId string
param consentPrincipalId string
param isPrivate bool
@secure()
param clientSecret string

var keyVaultSecretsOfficer = 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'
var clientSecretName = 'partner-center-client-secret'

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    // Azure's own deployments put the secret below into it, whatever is closed.
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    networkAcls: { defaultAction: isPrivate ? 'Deny' : 'Allow', bypass: 'AzureServices' }
  }
}

resource secret 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = if (!empty(clientSecret)) {
  parent: vault
  name: clientSecretName
  properties: { value: clientSecret }
}

resource rotate 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, appPrincipalId, keyVaultSecretsOfficer)
  scope: vault
  properties: {
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', keyVaultSecretsOfficer)
  }
}

resource consent 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(consentPrincipalId)) {
  name: guid(vault.id, consentPrincipalId, keyVaultSecretsOfficer)
  scope: vault
  properties: {
    principalId: consentPrincipalId
    principalType: 'User'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', keyVaultSecretsOfficer)
  }
}

output id string = vault.id
output uri string = vault.properties.vaultUri
output clientSecretReference string = '@Microsoft.KeyVault(VaultName=${vault.name};SecretName=${clientSecretName})'
