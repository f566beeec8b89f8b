#!/usr/bin/env bash
# Real servers that other people wrote, on loopback: Orthanc (medical imaging) and PowerDNS (name service), from
# Debian. Read-only runs; asserts that the run ends, that what is told can be repeated, and that nothing is told
# that these servers do not do.
set -euo pipefail
cd "$(dirname "$0")/../.."
skip() { echo "skipped: api-servers, because $*"; exit 0; }
probity=${PROBITY:-target/release/probity}
[ -x "$probity" ] || skip "there is no $probity"
missing=()
command -v Orthanc >/dev/null || missing+=(orthanc)
command -v pdns_server >/dev/null || missing+=(pdns-server pdns-backend-sqlite3 sqlite3)
if [ ${#missing[@]} -gt 0 ]; then
    [ "$(id -u)" = 0 ] || skip "${missing[*]} cannot be installed by this user"
    # Nothing is started by the packages: their services are ours to start, on loopback.
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d && chmod +x /usr/sbin/policy-rc.d
    DEBIAN_FRONTEND=noninteractive timeout 90 apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null 2>&1 ||
        { rm -f /usr/sbin/policy-rc.d; skip "${missing[*]} cannot be installed here"; }
    rm -f /usr/sbin/policy-rc.d
fi
work=$(mktemp -d)
pids=()
cleanup() { for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done; rm -rf "$work"; }
trap cleanup EXIT
port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
wait_for() { for _ in $(seq 100); do (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return 0; sleep 0.1; done; return 1; }

cat >"$work/profile.yaml" <<'YAML'
profile: api-servers
version: 1.0.0
title: Real servers
summary: A read-only API run.
licence: CC-BY-4.0
pillars:
  - {id: api, title: API, title-status: confirmed, summary: The interface.}
requirements:
  - id: API-01
    pillar: api
    title: Answers agree with the description
    statement: Answers agree with the description.
    why: Partners build against it.
    level: MUST
    tier: 1
    sources: [{standard: OpenAPI Specification, edition: '3.1.1', clause: '4.8'}]
    checks:
      - api-behaviour: {read-only: true}
        on: api
    remedy: Change one of the two.
YAML

# name, address, credential, document -> the run's result in $work/name.json
assess() {
    cat >"$work/$1.yaml" <<YAML
target: 1
product: {name: $1, version: '1', vendor: {name: Debian}}
endpoints: {api: {url: '$2'}}
credentials: {reader: {endpoint: api, env: API_SECRET, $3}}
documents: {$4}
consent: {owner: this script, contact: root@localhost, window: {from: 2020-01-01T00:00:00Z, until: 2100-01-01T00:00:00Z}, environment: lab, highest-effect: intrusive}
YAML
    timeout 60 "$probity" -q assess "$work/$1.yaml" --profile "$work/profile.yaml" -o "$work/$1-bundle" >/dev/null || [ $? -le 2 ]
    "$probity" report "$work/$1-bundle" -f json -o "$work/$1.json"
    "$probity" report "$work/$1-bundle" -f har -o "$work/$1.har"
    "$probity" report "$work/$1-bundle" -f wfc -o "$work/$1.wfc.json"
    "$probity" -q verify "$work/$1-bundle" >/dev/null
    python3 - "$work/$1.json" "$work/$1.har" "$1" <<'PY'
import json, re, sys
result = json.load(open(sys.argv[1]))["results"][0]
entries = json.load(open(sys.argv[2]))["log"]["entries"]
print(f"{sys.argv[3]}: {result['outcome']}: {result['reason']} ({len(entries)} requests)")
for evidence in result.get("evidence", []):
    print("   ", str(evidence.get("observed"))[:200])
# Nothing but reading, and nothing that restarts, resets or executes.
assert all(e["request"]["method"] in ("GET", "HEAD", "OPTIONS", "PROPFIND") for e in entries), "more than reading"
power = re.compile(r"shutdown|reset|restart|execute")
assert not any(power.search(e["request"]["url"]) for e in entries), "an operation of power was called"
assert len(entries) > 5, "the run did not reach the server"
assert "fault in Probity" not in json.dumps(result), "a fault of ours"
PY
}

if command -v Orthanc >/dev/null; then
    http=$(port) dicom=$(port)
    mkdir "$work/orthanc"
    cat >"$work/orthanc.json" <<JSON
{"Name": "extra", "StorageDirectory": "$work/orthanc", "IndexDirectory": "$work/orthanc", "HttpPort": $http, "DicomPort": $dicom,
 "RemoteAccessAllowed": false, "AuthenticationEnabled": true, "RegisteredUsers": {"tester": "extra-secret-5521"}, "Plugins": []}
JSON
    Orthanc --openapi="$work/orthanc-openapi.json" "$work/orthanc.json" >/dev/null 2>&1 || true
    Orthanc "$work/orthanc.json" >"$work/orthanc.log" 2>&1 &
    pids+=($!)
    if [ -s "$work/orthanc-openapi.json" ] && wait_for "$http"; then
        API_SECRET=extra-secret-5521 assess orthanc "http://127.0.0.1:$http" "scheme: basic, user: tester" "api-description: orthanc-openapi.json"
    else
        echo 'skipped: Orthanc, because it does not start here'
    fi
fi

if command -v pdns_server >/dev/null && command -v sqlite3 >/dev/null; then
    http=$(port) dns=$(port)
    schema=$(find /usr/share -name 'schema.sqlite3.sql*' 2>/dev/null | head -n 1)
    if [ -n "$schema" ]; then
        case $schema in *.gz) zcat "$schema" ;; *) cat "$schema" ;; esac | sqlite3 "$work/pdns.db"
        mkdir "$work/pdns"
        pdns_server --config-dir="$work/pdns" --daemon=no --guardian=no --local-address=127.0.0.1 --local-port="$dns" --launch=gsqlite3 \
            --gsqlite3-database="$work/pdns.db" --webserver=yes --webserver-address=127.0.0.1 --webserver-port="$http" --api=yes \
            --api-key=extra-secret-5521 --socket-dir="$work/pdns" >"$work/pdns.log" 2>&1 &
        pids+=($!)
    fi
    # Its own description is behind its key, so it is handed over as a file.
    if [ -n "$schema" ] && wait_for "$http" &&
        curl -sf -H 'X-API-Key: extra-secret-5521' -H 'Accept: application/json' "http://127.0.0.1:$http/api/docs" -o "$work/powerdns.json"; then
        mv "$work/powerdns.json" "$work/powerdns-openapi.json"
        API_SECRET=extra-secret-5521 assess powerdns "http://127.0.0.1:$http/api/v1" "scheme: header, name: X-API-Key" \
            "api-description: powerdns-openapi.json"
    else
        echo 'skipped: PowerDNS, because it does not start here'
    fi
fi
