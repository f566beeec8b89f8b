#!/usr/bin/env bash
# The TLS survey beside sslscan and sslyze on the same servers: the same versions, suites and groups, by name.
# OpenSSL, GnuTLS and nginx on loopback, from Debian; sslyze from PyPI. Fails only where Probity is wrong.
set -euo pipefail
cd "$(dirname "$0")/../.."
skip() { echo "skipped: tls-peers, because $*"; exit 0; }

PROBITY=${PROBITY:-target/release/probity}
[ -x "$PROBITY" ] || skip "$PROBITY is not there"
need=()
for pair in openssl:openssl gnutls-serv:gnutls-bin nginx:nginx-light sslscan:sslscan python3:python3; do
    command -v "${pair%%:*}" >/dev/null || need+=("${pair##*:}")
done
if [ ${#need[@]} -gt 0 ]; then
    { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${need[@]}"; } >/dev/null 2>&1 ||
        skip "${need[*]} cannot be installed"
fi

work=$(mktemp -d)
pids=()
clean() {
    for pid in "${pids[@]:-}"; do [ -z "$pid" ] || kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap clean EXIT
SSLYZE=${SSLYZE:-}
if [ -z "$SSLYZE" ] && python3 -m venv "$work/venv" >/dev/null 2>&1 && "$work/venv/bin/pip" install -q sslyze >/dev/null 2>&1; then
    SSLYZE=$work/venv/bin/sslyze
fi
[ -n "$SSLYZE" ] || echo "sslyze cannot be installed: sslscan alone is compared with"

cd "$work"
for kind in rsa:2048 ec; do
    name=${kind%%:*}
    [ "$name" = ec ] && how=(-newkey ec -pkeyopt ec_paramgen_curve:P-256) || how=(-newkey "$kind")
    openssl req -x509 "${how[@]}" -nodes -keyout "$name.key" -out "$name.pem" -days 30 -subj /CN=device.example \
        -addext subjectAltName=DNS:device.example 2>/dev/null
done
openssl genpkey -genparam -algorithm DH -pkeyopt group:modp_1536 -out dh1536.pem 2>/dev/null
# Security level 0, so that the small prime is taken at all.
printf 'openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\nCipherString = ALL:@SECLEVEL=0\n' >weak.cnf
new=TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256
openssl ciphers -V -stdname -ciphersuites "$new" 'ALL:COMPLEMENTOFALL@SECLEVEL=0' >names.txt
cd - >/dev/null

port=$((20000 + RANDOM % 20000))
next() { port=$((port + 1)); }
serve() { # name, then the command; PORT stands for the port
    local name=$1
    shift
    next
    "${@//PORT/$port}" >"$work/$name.log" 2>&1 </dev/null &
    pids+=($!)
    echo "$name $port" >>"$work/servers"
}
rsa=(-cert "$work/rsa.pem" -key "$work/rsa.key")
ec=(-cert "$work/ec.pem" -key "$work/ec.key")
both=("${rsa[@]}" -dcert "$work/ec.pem" -dkey "$work/ec.key")
s_server=(openssl s_server -accept 127.0.0.1:PORT -www -quiet)
serve openssl-as-it-comes "${s_server[@]}" "${rsa[@]}"
serve openssl-ecdsa "${s_server[@]}" "${ec[@]}"
serve openssl-recommended "${s_server[@]}" "${ec[@]}" -cipher ECDHE+AESGCM:ECDHE+CHACHA20 -groups X25519:P-256
serve openssl-own-order "${s_server[@]}" "${both[@]}" -serverpref -cipher ECDHE+AESGCM:DHE+AESGCM:AES256-SHA256 -groups P-384:P-256
serve openssl-small-prime env OPENSSL_CONF="$work/weak.cnf" "${s_server[@]}" "${rsa[@]}" -no_tls1_3 -cipher 'DHE+AESGCM:@SECLEVEL=0' -dhparam "$work/dh1536.pem"
serve openssl-only-1.3 "${s_server[@]}" "${ec[@]}" -tls1_3
serve openssl-old "${s_server[@]}" "${rsa[@]}" -no_tls1_3 -cipher 'AES128-SHA:DES-CBC3-SHA:ECDHE-RSA-AES128-SHA:@SECLEVEL=0'
serve openssl-everything "${s_server[@]}" "${both[@]}" -cipher 'ALL:COMPLEMENTOFALL:@SECLEVEL=0'
gnutls=(gnutls-serv --quiet --http -p PORT --x509certfile "$work/rsa.pem" --x509keyfile "$work/rsa.key")
serve gnutls-as-it-comes "${gnutls[@]}" --priority NORMAL
serve gnutls-present-day "${gnutls[@]}" --priority 'NORMAL:-VERS-TLS1.0:-VERS-TLS1.1'
serve gnutls-strict "${gnutls[@]}" --priority 'SECURE192:-VERS-ALL:+VERS-TLS1.2:+VERS-TLS1.3'
next
mkdir -p "$work/nginx"
cat >"$work/nginx.conf" <<CONF
daemon off; pid $work/nginx.pid; error_log $work/nginx.log; worker_processes 1;
events {}
http {
    access_log off; client_body_temp_path $work/nginx; proxy_temp_path $work/nginx;
    fastcgi_temp_path $work/nginx; uwsgi_temp_path $work/nginx; scgi_temp_path $work/nginx;
    server {
        listen 127.0.0.1:$port ssl; server_name device.example;
        ssl_certificate $work/rsa.pem; ssl_certificate_key $work/rsa.key;
        ssl_protocols TLSv1.2 TLSv1.3; ssl_prefer_server_ciphers on;
        ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES; ssl_session_tickets on;
    }
    server {
        listen 127.0.0.1:$((port + 1)) ssl; server_name device.example;
        ssl_certificate $work/ec.pem; ssl_certificate_key $work/ec.key;
        ssl_protocols TLSv1.3; ssl_early_data on;
    }
}
CONF
nginx -c "$work/nginx.conf" -e "$work/nginx.log" 2>/dev/null &
pids+=($!)
echo "nginx-usual $port" >>"$work/servers"
echo "nginx-early-data $((port + 1))" >>"$work/servers"
next

cat >"$work/profile.yaml" <<'YAML'
profile: tls-peers
version: 1.0.0
title: TLS beside peers
summary: For comparing surveys.
licence: CC-BY-4.0
pillars:
  - {id: cybersecurity, title: Cybersecurity, title-status: assumed, summary: TLS.}
requirements:
  - id: TLS-1
    pillar: cybersecurity
    title: TLS is surveyed
    statement: Versions, suites, groups and features.
    why: To compare.
    level: MUST
    tier: 1
    sources: [{standard: none}]
    checks:
      - tls-version: {policy: ncsc-nl-2025}
      - tls-suites: {policy: ncsc-nl-2025}
      - tls-groups: {policy: ncsc-nl-2025}
      - tls-features: {policy: ncsc-nl-2025}
      - certificate: {policy: ncsc-nl-2025}
    remedy: none
    limits: none
YAML
PROBITY=$PROBITY SSLYZE=$SSLYZE WORK=$work python3 .ci/extras/tls-peers.py
