// The two ready workflows. Each has an identity of its own, so that the report can be given a reading role only.
targetScope = 'resourceGroup'

@description('Where the workflows run.')
param location string = resourceGroup().location

@description('Base of the API without a slash at the end, such as https://func-permissions.azurewebsites.net/api.')
@minLength(12)
param apiUrl string

@description('The application (client) id of the API. Never that of Azure Resource Manager: a token for it would open far more than this API.')
@minLength(36)
param apiAudience string

@description('Who decides about a switch to On: mail addresses, separated by semicolons.')
@minLength(3)
param approver string

@description('Who gets the report: mail addresses, separated by semicolons.')
@minLength(3)
param reportRecipient string

@description('Tags of every resource.')
param tags object = {}

var office365Id = subscriptionResourceId('Microsoft.Web/locations/managedApis', location, 'office365')

// Somebody has to sign in to it once, in the portal: see readme.md.
resource office365 'Microsoft.Web/connections@2016-06-01' = {
  name: 'office365-permissions'
  location: location
  tags: tags
  properties: {
    displayName: 'Mail of the purchase permissions'
    api: {
      id: office365Id
    }
  }
}

resource approveBeforeOn 'Microsoft.Logic/workflows@2019-05-01' = {
  name: 'approve-before-on'
  location: location
  tags: tags
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    state: 'Enabled'
    definition: loadJsonContent('approve-before-on.json')
    parameters: {
      apiUrl: { value: apiUrl }
      apiAudience: { value: apiAudience }
      approver: { value: approver }
      '$connections': {
        value: {
          office365: {
            id: office365Id
            connectionId: office365.id
            connectionName: office365.name
          }
        }
      }
    }
  }
}

resource nightlyDriftReport 'Microsoft.Logic/workflows@2019-05-01' = {
  name: 'nightly-drift-report'
  location: location
  tags: tags
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    state: 'Enabled'
    definition: loadJsonContent('nightly-drift-report.json')
    parameters: {
      apiUrl: { value: apiUrl }
      apiAudience: { value: apiAudience }
      recipient: { value: reportRecipient }
      '$connections': {
        value: {
          office365: {
            id: office365Id
            connectionId: office365.id
            connectionName: office365.name
          }
        }
      }
    }
  }
}

@description('Object id that needs the app role AdminAgent.')
output approveBeforeOnPrincipalId string = approveBeforeOn.identity.principalId

@description('Object id that needs the app role HelpdeskAgent or SalesAgent: it only reads.')
output nightlyDriftReportPrincipalId string = nightlyDriftReport.identity.principalId
