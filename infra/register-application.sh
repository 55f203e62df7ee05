#!/usr/bin/env bash
# Registers this API in the partner's Entra tenant, once or again: what is there is brought up to date, nothing is made
# twice. Needs the Azure CLI, signed in as somebody who may register applications (Application Developer, and Cloud
# Application Administrator to demand assignments and to consent for all).
#
#   infra/register-application.sh [display name [address of the app …]]
#
# With an address, or where azd knows it already, infra/register-page.sh registers the page's redirect URI, too.
# Prints the application (client) id, and hands it to azd as ENTRA_AUDIENCE where azd has an environment.
# By hand: README.md, "Register the API".
set -euo pipefail

name="${1:-Customer purchase permissions}"
case "$name" in
  *[\'\"\\]*) echo "A name with quotes or backslashes cannot be looked for." >&2; exit 1 ;;
esac

# Ids of roles and scopes are part of the registration for ever: the same everywhere and in every run.
roles='[
  {"id":"6f1b1f0e-52a5-4c1d-9d0a-6a5f0f3f1a01","value":"AdminAgent","displayName":"Admin Agent","description":"May turn permissions On and Off, and read.","isEnabled":true,"allowedMemberTypes":["User","Application"]},
  {"id":"6f1b1f0e-52a5-4c1d-9d0a-6a5f0f3f1a02","value":"SalesAgent","displayName":"Sales Agent","description":"May read.","isEnabled":true,"allowedMemberTypes":["User","Application"]},
  {"id":"6f1b1f0e-52a5-4c1d-9d0a-6a5f0f3f1a03","value":"HelpdeskAgent","displayName":"Helpdesk Agent","description":"May read.","isEnabled":true,"allowedMemberTypes":["User","Application"]}
]'
api='{"requestedAccessTokenVersion":2,"oauth2PermissionScopes":[
  {"id":"6f1b1f0e-52a5-4c1d-9d0a-6a5f0f3f1b01","value":"Permissions.Read","type":"User","isEnabled":true,"adminConsentDisplayName":"Read purchase permissions","adminConsentDescription":"Read purchase permissions of customers as the signed-in user.","userConsentDisplayName":"Read purchase permissions","userConsentDescription":"Read purchase permissions of customers as you."},
  {"id":"6f1b1f0e-52a5-4c1d-9d0a-6a5f0f3f1b02","value":"Permissions.ReadWrite","type":"User","isEnabled":true,"adminConsentDisplayName":"Turn purchase permissions On and Off","adminConsentDescription":"Read and turn purchase permissions of customers as the signed-in user.","userConsentDisplayName":"Turn purchase permissions On and Off","userConsentDescription":"Read and turn purchase permissions of customers as you."}
]}'
# Tells a token of an application from one of a user.
claims='{"accessToken":[{"name":"idtyp","essential":false}],"idToken":[],"saml2Token":[]}'

found="$(az ad app list --display-name "$name" --query "[?displayName=='$name'].[appId, id]" --output tsv)"
if [ "$(printf '%s' "$found" | grep -c .)" -gt 1 ]; then
  echo "There are several applications called \"$name\". Give one of them another name, or this one." >&2
  exit 1
fi
if [ -z "$found" ]; then
  found="$(az ad app create --display-name "$name" --sign-in-audience AzureADMyOrg --query '[appId, id]' --output tsv | paste -s -)"
fi
read -r app_id object_id <<<"$found"

az rest --method PATCH --url "https://graph.microsoft.com/v1.0/applications/$object_id" \
  --headers Content-Type=application/json --output none \
  --body "{\"identifierUris\":[\"api://$app_id\"],\"api\":$api,\"appRoles\":$roles,\"optionalClaims\":$claims}"

principal_id="$(az ad sp list --filter "appId eq '$app_id'" --query '[0].id' --output tsv)"
if [ -z "$principal_id" ]; then
  principal_id="$(az ad sp create --id "$app_id" --query id --output tsv)"
fi
# Without this any application of the tenant gets a token; it would lack a role, and shall not even exist.
az rest --method PATCH --url "https://graph.microsoft.com/v1.0/servicePrincipals/$principal_id" \
  --headers Content-Type=application/json --output none --body '{"appRoleAssignmentRequired":true}'

if command -v azd >/dev/null && azd env get-values >/dev/null 2>&1; then
  azd env set ENTRA_AUDIENCE "$app_id"
fi
echo "ENTRA_AUDIENCE=$app_id"

# The page is a client of this very application. Where assignment is required users cannot consent by themselves
# (https://learn.microsoft.com/entra/identity/enterprise-apps/assign-user-or-group-access-portal), so this does, for all.
consent() { # to the resource $1, the scopes $2
  local grants="https://graph.microsoft.com/v1.0/oauth2PermissionGrants" found id="" scopes="" wanted scope
  found="$(az rest --method GET --url "$grants?\$filter=clientId%20eq%20'$principal_id'%20and%20consentType%20eq%20'AllPrincipals'" \
    --query "value[?resourceId=='$1'].[id, scope]" --output tsv | tr -d '\r')"
  IFS=$'\t' read -r id scopes <<<"$found" || true
  wanted="$scopes"
  for scope in $2; do
    case " $wanted " in *" $scope "*) ;; *) wanted="${wanted:+$wanted }$scope" ;; esac
  done
  if [ -z "$id" ]; then
    az rest --method POST --url "$grants" --headers Content-Type=application/json --output none \
      --body "{\"clientId\":\"$principal_id\",\"consentType\":\"AllPrincipals\",\"resourceId\":\"$1\",\"scope\":\"$wanted\"}"
  elif [ "$wanted" != "$scopes" ]; then
    az rest --method PATCH --url "$grants/$id" --headers Content-Type=application/json --output none \
      --body "{\"scope\":\"$wanted\"}"
  fi
}
graph_id="$(az ad sp list --filter "appId eq '00000003-0000-0000-c000-000000000000'" --query '[0].id' --output tsv)"
consent "$principal_id" "Permissions.Read Permissions.ReadWrite"
consent "$graph_id" "openid profile offline_access"

ENTRA_AUDIENCE="$app_id" bash "$(dirname "$0")/register-page.sh" "${@:2}"
