#!/usr/bin/env bash
# Turns a customer's permission On: ./turn-on.sh <customer id>, with API and TOKEN in the environment.
# Needs curl. Repeating a request under the same id is always safe: it is done once.
set -euo pipefail
customer=$1
api=${API:-http://localhost:7071/api}
permission="$api/customers/$customer/permissions/azureReservations"
headers=$(mktemp)
trap 'rm -f "$headers"' EXIT

ask() { curl -sS --retry 3 -D "$headers" -H "Authorization: Bearer $TOKEN" "$@"; }
header() { tr -d '\r' <"$headers" | sed -n "s/^$1: //Ip" | tail -1; }
status() { sed -n 's/^HTTP[^ ]* \([0-9]*\).*/\1/p' "$headers" | tail -1; }

ask "$permission" >/dev/null
answer=$(ask -X PUT "$permission" \
  -H "If-Match: $(header etag)" \
  -H "Repeatability-Request-ID: $(cat /proc/sys/kernel/random/uuid 2>/dev/null || uuidgen)" \
  -H "Content-Type: application/json" \
  -d '{"state":"On","reason":"Ticket 4711","acknowledgedCharges":true}')

# 202: Partner Center has not confirmed it yet. The answer will be where Location says.
while [ "$(status)" = 202 ]; do
  next=$(header location)
  sleep "$(header retry-after)"
  answer=$(ask "$next")
done
echo "$(status) $answer"
[ "$(status)" = 200 ]
