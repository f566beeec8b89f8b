#!/usr/bin/env bash
# Real servers beside the mocks: Debian's mosquitto, libcoap, kamailio and nginx on loopback, set up well
# and set up badly, each assessed by the rows that concern it. Fails only where a verdict of Probity is wrong.
set -euo pipefail
cd "$(dirname "$0")/../.."

skip() { echo "skipped: $1, because $2"; }
work=$(mktemp -d)
started=()
stop_all() {
    for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait 2>/dev/null || true
    started=()
}
trap 'stop_all; rm -rf "$work"' EXIT

command -v python3 >/dev/null || { skip brokers "python3 is not here"; exit 0; }
probity=${PROBITY:-target/release/probity}
[ -x "$probity" ] || cargo build --release --locked --quiet

# install PROGRAM PACKAGE: whether the program is here, after trying to install it
install() {
    command -v "$1" >/dev/null && return 0
    [ -x "/usr/sbin/$1" ] && return 0
    if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
        DEBIAN_FRONTEND=noninteractive timeout 120 apt-get install -y --no-install-recommends "$2" >/dev/null 2>&1 || true
    fi
    command -v "$1" >/dev/null || [ -x "/usr/sbin/$1" ]
}
PATH=$PATH:/usr/sbin

port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
# listens PORT: waits until something does
listens() {
    for _ in $(seq 100); do
        python3 -c "import socket, sys; s = socket.socket(); s.settimeout(1); sys.exit(s.connect_ex(('127.0.0.1', $1)))" && return 0
        sleep 0.1
    done
    return 1
}
background() { "$@" >>"$work/log" 2>&1 & started+=($!); }

wrong=0 asserted=0
# assess NAME ENDPOINTS MORE ROW...: writes a target file and assesses it by these rows
assess() {
    local name=$1 endpoints=$2 more=$3
    shift 3
    {
        echo "target: 1"
        echo "product: {name: $name, version: '1', vendor: {name: v}}"
        echo "endpoints: {$endpoints}"
        echo "facts: {kind: [hub, api, web, alarm-device], passwords: true}"
        echo "consent: {owner: o, contact: c, environment: lab, mode: lab, window: {from: 2020-01-01T00:00:00Z, until: 2099-01-01T00:00:00Z}}"
        printf '%s\n' "$more"
    } >"$work/$name.yaml"
    local only=()
    for row in "$@"; do only+=(--only "$row"); done
    "$probity" --quiet assess "$work/$name.yaml" --tier 3 "${only[@]}" -o "$work/$name" --force >"$work/$name.txt" 2>&1 || [ $? -le 3 ]
    "$probity" --quiet report "$work/$name" -f json >"$work/$name.json"
}
# expect NAME ROW OUTCOME: of an assessment that was made
expect() {
    asserted=$((asserted + 1))
    python3 - "$work/$1.json" "$1" "$2" "$3" <<'PY' || wrong=$((wrong + 1))
import json, sys
path, name, row, outcome = sys.argv[1:]
report = json.load(open(path))
results = [r for r in report["results"] if r["requirement"] == row]
order = ["failed", "cantTell", "untested", "passed", "inapplicable"]
found = min((r["outcome"] for r in results), key=order.index, default="nothing")
mark = "ok   " if found == outcome else "WRONG"
print(f"{mark} {name}: {row} {found}" + ("" if found == outcome else f", expected {outcome}"))
if found != outcome:
    for r in results:
        print("     ", r["kind"], r.get("endpoint"), r["outcome"], r["reason"])
    sys.exit(1)
PY
}

authority() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 60 -subj /CN=authority \
        -keyout "$work/ca.key" -out "$work/ca.pem" >/dev/null 2>&1
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost -keyout "$work/key.pem" -out "$work/csr.pem" >/dev/null 2>&1
    printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n' >"$work/ext"
    openssl x509 -req -in "$work/csr.pem" -CA "$work/ca.pem" -CAkey "$work/ca.key" -CAcreateserial -days 50 -extfile "$work/ext" \
        -out "$work/cert.pem" >/dev/null 2>&1
    chmod a+r "$work"/*.pem && chmod a+x "$work"
}
if ! install openssl openssl || ! authority; then skip brokers "openssl makes no certificates here"; exit 0; fi
at="addresses: [127.0.0.1], trust-anchors: ca.pem"

mosquitto_rows() {
    local tls open plain refused
    tls=$(port) open=$(port) plain=$(port) refused=$(port)
    mosquitto_passwd -b -c "$work/passwords" someone something-long
    chmod a+r "$work/passwords"
    printf 'per_listener_settings true\n' >"$work/m.conf"
    listener() { # PORT ANONYMOUS TLS
        printf 'listener %s 127.0.0.1\nallow_anonymous %s\n' "$1" "$2"
        [ "$2" = true ] || printf 'password_file %s\n' "$work/passwords"
        [ "$3" = no ] || printf 'certfile %s\nkeyfile %s\n' "$work/cert.pem" "$work/key.pem"
    }
    { listener "$tls" false yes; listener "$open" true yes; listener "$plain" true no; listener "$refused" false no; } >>"$work/m.conf"
    chmod a+r "$work/key.pem"
    background mosquitto -c "$work/m.conf"
    listens "$refused" || { skip mosquitto "it does not start here"; return; }
    mosquitto_pub -p "$plain" -t home/alarm -m fall -r 2>/dev/null || true
    mosquitto_pub -p "$open" --cafile "$work/ca.pem" -h localhost -t home/alarm -m fall -r 2>/dev/null || true
    topics='fixtures: {mqtt-topics: [home/alarm]}'
    assess mosquitto-with-passwords "b: {url: 'mqtts://localhost:$tls', $at}" "$topics" SEC-29
    expect mosquitto-with-passwords SEC-29 passed
    assess mosquitto-for-anybody "b: {url: 'mqtts://localhost:$open', $at}" "$topics" SEC-29
    expect mosquitto-for-anybody SEC-29 failed
    assess mosquitto-in-clear-text "b: {url: 'mqtt://localhost:$plain', addresses: [127.0.0.1]}" "$topics" SEC-29
    expect mosquitto-in-clear-text SEC-29 failed
    assess mosquitto-passwords-in-clear-text "b: {url: 'mqtt://localhost:$refused', addresses: [127.0.0.1]}" "$topics" SEC-29
    expect mosquitto-passwords-in-clear-text SEC-29 failed
    assess mosquitto-without-topics "b: {url: 'mqtts://localhost:$tls', $at}" "" SEC-29
    expect mosquitto-without-topics SEC-29 passed
}
if install mosquitto mosquitto && install mosquitto_pub mosquitto-clients; then mosquitto_rows; else skip mosquitto "it cannot be installed here"; fi
stop_all

coap_rows() {
    local plain secure
    plain=$(port) secure=$(port)
    background coap-server-openssl -A 127.0.0.1 -p "$plain"
    background coap-server-openssl -A 127.0.0.1 -p "$secure" -k 0123456789abcdef
    sleep 1
    resources='fixtures: {coap-resources: [/time]}'
    assess libcoap-in-clear-text "d: {url: 'coap://localhost:$plain', addresses: [127.0.0.1]}" "$resources" SEC-30
    expect libcoap-in-clear-text SEC-30 failed
    # With a key it serves DTLS one port up, and still answers in clear text on this one.
    assess libcoap-with-a-key "d: {url: 'coap://localhost:$secure', addresses: [127.0.0.1]}" "$resources" SEC-30
    expect libcoap-with-a-key SEC-30 failed
    assess libcoap-nothing-that-matters "d: {url: 'coap://localhost:$plain', addresses: [127.0.0.1]}" 'fixtures: {coap-resources: [/no-such-thing]}' SEC-30
    expect libcoap-nothing-that-matters SEC-30 passed
    assess libcoap-without-resources "d: {url: 'coap://localhost:$plain', addresses: [127.0.0.1]}" "" SEC-30
    expect libcoap-without-resources SEC-30 untested
    assess libcoap-encrypted-port-only "d: {url: 'coaps://localhost:$((secure + 1))', addresses: [127.0.0.1]}" "$resources" SEC-30
    expect libcoap-encrypted-port-only SEC-30 inapplicable
    assess nobody-speaks-coap "d: {url: 'coap://localhost:$(port)', addresses: [127.0.0.1]}" "$resources" SEC-30
    expect nobody-speaks-coap SEC-30 passed
}
if install coap-server-openssl libcoap3-bin; then coap_rows; else skip libcoap "it cannot be installed here"; fi
stop_all

kamailio_rows() {
    local asks answers
    asks=$(port) answers=$(port)
    config() { # PORT SERVER-HEADER REGISTER-ROUTE
        printf 'debug=-1\nlog_stderror=yes\nfork=yes\nchildren=1\ntcp_children=1\nlisten=tcp:127.0.0.1:%s\nlisten=udp:127.0.0.1:%s\n' "$1" "$1"
        for module in tm sl pv auth siputils textops; do printf 'loadmodule "%s.so"\n' "$module"; done
        printf '%s\nrequest_route {\n  if (is_method("OPTIONS")) { sl_send_reply("200", "OK"); exit; }\n' "$2"
        printf '  if (is_method("REGISTER")) { %s exit; }\n  sl_send_reply("404", "Not here");\n}\n' "$3"
    }
    challenge='if (!pv_www_authenticate("$td", "something-long", "0")) { auth_challenge("$td", "0"); }'
    config "$asks" 'server_header="Server: alarms"' "$challenge" >"$work/asks.cfg"
    config "$answers" '' 'sl_send_reply("200", "OK");' >"$work/answers.cfg"
    background kamailio -DD -f "$work/asks.cfg" -Y "$work" -P "$work/asks.pid"
    listens "$asks" || { skip kamailio "it does not start here"; return; }
    background kamailio -DD -f "$work/answers.cfg" -Y "$work" -P "$work/answers.pid"
    listens "$answers" || { skip kamailio "it does not start twice here"; return; }
    assess kamailio-asks "a: {url: 'sip://localhost:$asks', serves: [alarm], addresses: [127.0.0.1]}" "" SEC-14 SEC-15 SEC-18
    expect kamailio-asks SEC-18 passed
    expect kamailio-asks SEC-15 failed
    assess kamailio-answers "a: {url: 'sip://localhost:$answers', serves: [alarm], addresses: [127.0.0.1]}" "" SEC-14 SEC-15 SEC-18
    expect kamailio-answers SEC-18 failed
    expect kamailio-answers SEC-14 failed
}
if install kamailio kamailio; then kamailio_rows; else skip kamailio "it cannot be installed here"; fi
stop_all

nginx_rows() {
    local number=0
    hsts='add_header Strict-Transport-Security "max-age=31536000" always;'
    sniff='add_header X-Content-Type-Options nosniff always;'
    referrer='add_header Referrer-Policy no-referrer always;'
    policy="add_header Content-Security-Policy \"default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'\" always;"
    # serve NAME HEADERS LOCATIONS [CLEAR-TEXT]: starts nginx and assesses it as web and api
    serve() {
        local name=$1 secure clear
        secure=$(port) clear=$(port) number=$((number + 1))
        mkdir -p "$work/n$number" && echo '<!doctype html><html lang=en><title>Care</title><h1>Care</h1></html>' >"$work/n$number/index.html"
        chmod -R a+rX "$work/n$number"
        cat >"$work/n$number.conf" <<NGINX
worker_processes 1; daemon off; pid $work/n$number.pid; error_log $work/n$number.log; user root;
events {}
http {
    types { text/html html; application/json json; } default_type application/octet-stream;
    access_log off; ${5:-server_tokens off;}
    client_body_temp_path $work/t; proxy_temp_path $work/t; fastcgi_temp_path $work/t; uwsgi_temp_path $work/t; scgi_temp_path $work/t;
    server { listen 127.0.0.1:$secure ssl; server_name localhost; ssl_certificate $work/cert.pem; ssl_certificate_key $work/key.pem; root $work/n$number; $2 $3 }
    server { listen 127.0.0.1:$clear; server_name localhost; ${4:-return 301 https://localhost:$secure\$request_uri;} root $work/n$number; }
}
NGINX
        background nginx -c "$work/n$number.conf"
        listens "$secure" || { skip nginx "it does not start here: $(tail -n 1 "$work/n$number.log")"; return 1; }
        assess "$name" "web: {url: 'https://localhost:$secure/', serves: [${6:-web}], $at}, clear: {url: 'http://localhost:$clear/', serves: [clear], addresses: [127.0.0.1]}" \
            "fixtures: {pages: [/], further-ports: [$clear]}" SEC-06 SEC-07 SEC-14
    }
    serve nginx-sound "$hsts $sniff $referrer $policy" "" || return 0
    for row in SEC-06 SEC-07 SEC-14; do expect nginx-sound "$row" passed; done
    serve nginx-without-hsts "$sniff $referrer $policy" "" && expect nginx-without-hsts SEC-06 failed && expect nginx-without-hsts SEC-07 passed
    serve nginx-in-clear-text "$hsts $sniff $referrer $policy" "" "autoindex off;" && expect nginx-in-clear-text SEC-06 failed && expect nginx-in-clear-text SEC-07 passed
    serve nginx-guessing "$hsts $referrer $policy" "" && expect nginx-guessing SEC-07 failed && expect nginx-guessing SEC-06 passed
    serve nginx-framed "$hsts $sniff $referrer" "" && expect nginx-framed SEC-07 failed && expect nginx-framed SEC-06 passed
    serve nginx-with-version "$hsts $sniff $referrer $policy" "" "" "server_tokens on;" && expect nginx-with-version SEC-14 failed && expect nginx-with-version SEC-07 passed
    serve nginx-json "$hsts $sniff" 'location / { default_type application/json; return 200 "{}"; }' "" "" api && expect nginx-json SEC-06 passed && expect nginx-json SEC-14 passed
    serve nginx-refuses "$hsts $sniff $referrer $policy" 'location / { return 401; }' && expect nginx-refuses SEC-06 passed
}
if install nginx nginx-light; then nginx_rows; else skip nginx "it cannot be installed here"; fi
stop_all

echo "$asserted verdicts on real servers, $wrong wrong"
[ "$wrong" = 0 ]
