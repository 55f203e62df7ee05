// What an operator must know without looking. The names are those of events that the app sends, and of README's table
// "Operate"; a test compares them.
param token string
param location string
param tags object
param componentId string
param email string

var rules = [
  {
    name: 'poison-queue'
    severity: 1
    window: 'PT15M'
    frequency: 'PT5M'
    text: 'A message was moved to a poison queue: it is not ours, or the log is damaged.'
    query: 'traces | where message startswith "Message has reached MaxDequeueCount"'
  }
  {
    name: 'oldest-pending-activity'
    severity: 1
    window: 'PT15M'
    frequency: 'PT5M'
    text: 'An activity waits for the log for more than three minutes: look at the failures of SweepPendingActivities.'
    query: 'customEvents | where name == "PendingActivitiesSwept" | where todouble(customMeasurements.oldestAgeSeconds) > 180'
  }
  {
    name: 'sweep-silent'
    severity: 1
    window: 'PT30M'
    frequency: 'PT15M'
    text: 'SweepPendingActivities has not run for half an hour, and it runs every minute: the app does not start, or is stopped.'
    query: 'customEvents | where name == "PendingActivitiesSwept" | summarize runs = count() | where runs == 0'
  }
  {
    name: 'log-forked'
    severity: 0
    window: 'PT15M'
    frequency: 'PT5M'
    text: 'Somebody wrote to the tables by hand: compare the hashes of both entries.'
    query: 'customEvents | where name == "ActivityLogForked"'
  }
  {
    name: 'drift'
    severity: 2
    window: 'PT15M'
    frequency: 'PT15M'
    text: 'A permission and its customer do not agree: look at the findings of the customer and decide.'
    query: 'customEvents | where name == "DriftDetected"'
  }
  {
    name: 'partner-center-refuses'
    severity: 1
    window: 'PT15M'
    frequency: 'PT15M'
    text: 'Partner Center does not accept our account (second factor, role or sign-in): the event says why.'
    query: 'customEvents | where name in ("PartnerCenterMfaNotCompliant", "PartnerCenterRefused")'
  }
  {
    name: 'server-errors'
    severity: 2
    window: 'PT15M'
    frequency: 'PT5M'
    text: 'Requests were answered with 5xx.'
    query: 'requests | where toint(resultCode) >= 500'
  }
]

resource mail 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(email)) {
  name: 'ag-${token}'
  location: 'Global'
  tags: tags
  properties: {
    groupShortName: 'permissions'
    enabled: true
    emailReceivers: [{ name: 'operators', emailAddress: email, useCommonAlertSchema: true }]
  }
}

resource alerts 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for rule in rules: {
  name: 'alert-${rule.name}-${token}'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: rule.name
    description: rule.text
    severity: rule.severity
    enabled: true
    scopes: [componentId]
    evaluationFrequency: rule.frequency
    windowSize: rule.window
    // One mail when it begins and one when it is over, not one every time it is looked at.
    autoMitigate: true
    criteria: {
      allOf: [
        {
          query: rule.query
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
          failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
        }
      ]
    }
    actions: { actionGroups: empty(email) ? [] : [mail.id] }
  }
}]
