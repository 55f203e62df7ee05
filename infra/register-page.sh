#!/usr/bin/env bash
# Registers where the sign-in to the page comes back to: <address of the app>/ui/, as redirect URI of a single-page
# application, beside those that are registered already. azd runs it after provisioning (azure.yaml).
#
#   infra/register-page.sh [address of the app …]     such as https://permissions.example.com
#
# Without an address: SERVICE_API_URI. The application is ENTRA_AUDIENCE. Both from the environment, or from azd's.
# Needs the Azure CLI, signed in as an owner of the application or as somebody who may register applications.
set -euo pipefail

# Of the environment (azd gives its own to hooks), or asked of azd; empty when neither has it.
known() {
  if [ -n "${!1:-}" ]; then
    printf '%s' "${!1}"
  elif command -v azd >/dev/null; then
    # A value that is not there is an error of azd, which says so on stdout.
    value="$(azd env get-value "$1" 2>/dev/null)" && printf '%s' "$value" || true
  fi
}

app_id="$(known ENTRA_AUDIENCE)"
if [ -z "$app_id" ]; then
  echo "ENTRA_AUDIENCE is not set: infra/register-application.sh comes first." >&2
  exit 1
fi
if [ $# -eq 0 ]; then
  address="$(known SERVICE_API_URI)"
  if [ -z "$address" ]; then
    echo "The app has no address yet: azd up registers the page, or infra/register-page.sh https://<host>."
    exit 0
  fi
  set -- "$address"
fi
for address in "$@"; do
  # As Entra: https, or this machine.
  if ! [[ "$address" =~ ^(https://[A-Za-z0-9.-]+|http://localhost)(:[0-9]{1,5})?/?$ ]]; then
    echo "An address is https://<host>, or http://localhost:<port> for development; it is \"$address\"." >&2
    exit 1
  fi
done

registered="$(az ad app show --id "$app_id" --query 'spa.redirectUris[]' --output tsv | tr -d '\r')"
wanted="$registered"
for address in "$@"; do
  uri="${address%/}/ui/"
  grep -qxF "$uri" <<<"$wanted" || wanted="${wanted:+$wanted$'\n'}$uri"
done
if [ "$wanted" != "$registered" ]; then
  az rest --method PATCH --url "https://graph.microsoft.com/v1.0/applications(appId='$app_id')" \
    --headers Content-Type=application/json --output none \
    --body "{\"spa\":{\"redirectUris\":[$(sed 's/.*/"&"/' <<<"$wanted" | paste -sd, -)]}}"
fi
echo "The page may sign in at: $(paste -sd' ' - <<<"$wanted")"
