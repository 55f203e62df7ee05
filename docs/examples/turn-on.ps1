# Turns a customer's permission On: ./turn-on.ps1 -Customer <customer id>, with API and TOKEN in the environment.
# PowerShell 7.4 or newer. Repeating a request under the same id is always safe: it is done once.
param([Parameter(Mandatory)] [guid] $Customer)
$ErrorActionPreference = 'Stop'
$api = $env:API ?? 'http://localhost:7071/api'
$token = ConvertTo-SecureString $env:TOKEN -AsPlainText
$asked = @{ Authentication = 'Bearer'; Token = $token; AllowUnencryptedAuthentication = $api.StartsWith('http://localhost') }
$permission = "$api/customers/$Customer/permissions/azureReservations"

$seen = Invoke-WebRequest @asked -Method Get -Uri $permission
$answer = Invoke-WebRequest @asked -Method Put -Uri $permission -ContentType 'application/json' -Headers @{
    'If-Match'                 = $seen.Headers.ETag[0]
    'Repeatability-Request-ID' = [guid]::NewGuid()
} -Body '{"state":"On","reason":"Ticket 4711","acknowledgedCharges":true}'

# 202: Partner Center has not confirmed it yet. The answer will be where Location says.
while ($answer.StatusCode -eq 202) {
    $next = $answer.Headers.Location[0]
    Start-Sleep -Seconds ([int] $answer.Headers.'Retry-After'[0])
    $answer = Invoke-WebRequest @asked -Method Get -Uri $next
}
$answer.Content
