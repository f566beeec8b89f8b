"""Runs Probity, sslscan and sslyze on each server of tls-peers.sh and compares what they found, by name."""

import glob, json, os, re, socket, subprocess, sys, threading, time
import xml.etree.ElementTree as ET

work, probity, sslyze = os.environ["WORK"], os.environ["PROBITY"], os.environ.get("SSLYZE")
only = os.environ.get("ONLY", "").split()

# OpenSSL's list gives each suite its number and its name in the standards.
code_of = {}
for line in open(f"{work}/names.txt"):
    found = re.match(r"\s*0x(..),0x(..) - (\S+)\s+- (\S+)", line)
    if found:
        code = f"0x{found[1]}{found[2]}".lower()
        for name in found[3], found[4]:
            code_of[name] = code
# Names in which peers differ from IANA's registry.
GROUPS = {"secp256r1": "P-256", "prime256v1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521", "X25519": "x25519", "X448": "x448"}
VERSIONS = {"SSLv2": "SSL 2.0", "SSLv3": "SSL 3.0", "TLSv1.0": "TLS 1.0", "TLSv1.1": "TLS 1.1", "TLSv1.2": "TLS 1.2", "TLSv1.3": "TLS 1.3"}


def group(name):
    """`secp384r1 (NIST P-384)` and `X25519` as IANA writes them."""
    name = name.split(" (")[0]
    return GROUPS.get(name, name)


def suite(name):
    return code_of.get(name, name)


class Counter:
    """Forwards connections to a port and counts them."""

    def __init__(self, port):
        self.count, self.port = 0, port
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.here = self.listener.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            self.count += 1
            threading.Thread(target=self.forward, args=(near,), daemon=True).start()

    def forward(self, near):
        try:
            far = socket.create_connection(("127.0.0.1", self.port))
        except OSError:
            near.close()
            return
        done = threading.Thread(target=pump, args=(far, near), daemon=True)
        done.start()
        pump(near, far)
        done.join()
        near.close()
        far.close()


def pump(a, b):
    try:
        while data := a.recv(65536):
            b.sendall(data)
        b.shutdown(socket.SHUT_WR)
    except OSError:
        try:
            b.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def measured(command, counter, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL):
    """Runs a command against a counter: its output, its cost in words, its connections."""
    command = [word.replace("PORT", str(counter.here)) for word in command]
    start = time.monotonic()
    child = subprocess.Popen(command, stdout=stdout, stderr=stderr)
    # Killed when it takes too long: a comparison must end.
    guard = threading.Timer(60, child.kill)
    guard.start()
    output = child.stdout.read() if child.stdout else b""
    _, _, usage = os.wait4(child.pid, 0)
    guard.cancel()
    child.returncode = 0
    counter.listener.close()
    cpu, wall, memory = usage.ru_utime + usage.ru_stime, time.monotonic() - start, usage.ru_maxrss / 1024
    return output, f"{counter.count:4} connections {cpu:6.2f} s CPU {wall:6.1f} s {memory:6.1f} MiB", counter.count


def by_probity(port, name):
    target = f"{work}/{name}.yaml"
    text = f"target: 1\nproduct: {{name: Server, version: '1', vendor: {{name: Vendor}}}}\nendpoints:\n  tls: {{url: 'tls://localhost:PORT', server-name: device.example, addresses: [127.0.0.1]}}\n"
    counter = Counter(port)
    open(target, "w").write(text.replace("PORT", str(counter.here)))
    command = [probity, "assess", target, "--profile", f"{work}/profile.yaml", "-o", f"{work}/out-{name}", "--force"]
    with open(f"{work}/{name}.out", "w") as out:
        _, cost, count = measured(command, counter, stdout=out, stderr=out)
    seen, handshake = None, None
    for path in glob.glob(f"{work}/out-{name}/observations/*.json"):
        data = json.load(open(path))
        data = data.get("observation", data)
        seen = data.get("survey", seen)
        handshake = data.get("handshake", handshake)
    if seen is None:
        print(open(f"{work}/{name}.out").read())
        sys.exit(f"{name}: no survey")
    return {
        "versions": {v["version"] for v in seen["versions"] if v["support"] == "supported"},
        "suites": {s["version"]: {suite(n) for n in s["suites"]} for s in seen["suites"]},
        "complete": all(s["complete"] for s in seen["suites"]) and all(g["complete"] for g in seen["groups"]),
        "groups": {g["version"]: {group(n) for n in g["groups"]} for g in seen["groups"]},
        "fields": {f["field"].get("name") or f["field"]["bits"] for f in seen["finite_fields"]},
        "handshake": handshake,
        "connections": seen["connections"],
    }, cost, count


def by_sslscan(port):
    output, cost, _ = measured(["sslscan", "--no-colour", "--no-heartbleed", "--no-check-certificate", "--sni-name=device.example", "--xml=-", "127.0.0.1:PORT"], Counter(port))
    tree = ET.fromstring(output)
    suites, groups = {}, {}
    for c in tree.iter("cipher"):
        suites.setdefault(VERSIONS[c.get("sslversion")], set()).add(c.get("id").lower())
    for g in tree.iter("group"):
        groups.setdefault(VERSIONS[g.get("sslversion")], set()).add(group(g.get("name")))
    return {"suites": suites, "groups": groups, "versions": set(suites)}, cost


def by_sslyze(port):
    file = f"{work}/sslyze.json"
    _, cost, _ = measured([sslyze, "--quiet", f"--json_out={file}", "--sni=device.example", "--sslv2", "--sslv3", "--tlsv1", "--tlsv1_1", "--tlsv1_2", "--tlsv1_3", "--elliptic_curves", "127.0.0.1:PORT"], Counter(port))
    result = json.load(open(file))["server_scan_results"][0]["scan_result"]
    suites = {}
    for key, version in (("ssl_3_0", "SSL 3.0"), ("tls_1_0", "TLS 1.0"), ("tls_1_1", "TLS 1.1"), ("tls_1_2", "TLS 1.2"), ("tls_1_3", "TLS 1.3")):
        one = result[f"{key}_cipher_suites"]["result"]
        if one and one["accepted_cipher_suites"]:
            suites[version] = {suite(c["cipher_suite"]["name"]) for c in one["accepted_cipher_suites"]}
    curves = (result["elliptic_curves"]["result"] or {}).get("supported_curves") or []
    return {"suites": suites, "groups": {"all": {group(c["name"]) for c in curves}}, "versions": set(suites)}, cost


def wait_for(port):
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return True
        except OSError:
            time.sleep(0.1)
    return False


wrong = []


def differ(server, peer, what, mine, theirs, complete):
    lacks, more = theirs - mine, mine - theirs
    if lacks and complete:
        wrong.append(f"{server}: {peer} sees {what} {sorted(lacks)} and Probity does not")
    if more:
        print(f"  {what}: {peer} does not see {sorted(more)}")
    if lacks and not complete:
        print(f"  {what}: {len(lacks)} more with {peer}, beyond the budget, which is told")


for line in open(f"{work}/servers"):
    server, port = line.split()
    port = int(port)
    if only and server not in only:
        continue
    if not wait_for(port):
        print(f"\n{server}: does not start here")
        continue
    print(f"\n{server}")
    mine, cost, count = by_probity(port, server)
    print(f"  probity {cost}   {' / '.join(f'{v}: {len(s)}' for v, s in mine['suites'].items())}{'' if mine['complete'] else ' (breaks off)'}")
    print(f"          groups {json.dumps({v: sorted(g) for v, g in mine['groups'].items()})} fields {sorted(map(str, mine['fields']))}")
    if count > 60:
        wrong.append(f"{server}: {count} connections")
    # The budget is made for servers of this decade: what also speaks TLS 1.0 and 1.1 may break off, and tells so.
    if not mine["complete"] and "TLS 1.0" not in mine["versions"]:
        wrong.append(f"{server}: the survey breaks off")
    if server == "nginx-early-data" and "accepted" not in ((mine["handshake"] or {}).get("early_data") or {}):
        wrong.append(f"{server}: early data is {(mine['handshake'] or {}).get('early_data')}")
    if server == "openssl-small-prime" and mine["fields"] != {"modp1536"}:
        wrong.append(f"{server}: fields {mine['fields']}")
    peers = [("sslscan", by_sslscan)] + ([("sslyze", by_sslyze)] if sslyze else [])
    for peer, ask in peers:
        try:
            theirs, cost = ask(port)
        except Exception as error:  # a peer that fails says nothing about Probity
            print(f"  {peer} failed: {error!r}")
            continue
        print(f"  {peer:7} {cost}   {' / '.join(f'{v}: {len(s)}' for v, s in theirs['suites'].items())}")
        differ(server, peer, "versions", mine["versions"], theirs["versions"], True)
        for version in sorted(mine["versions"] | theirs["versions"]):
            differ(server, peer, f"suites of {version}", mine["suites"].get(version, set()), theirs["suites"].get(version, set()), mine["complete"])
        for version, groups in theirs["groups"].items():
            own = set().union(*mine["groups"].values()) if version == "all" else mine["groups"].get(version, set())
            if groups:
                differ(server, peer, f"groups of {version}", own, groups, mine["complete"])

print()
for sentence in wrong:
    print("WRONG", sentence)
sys.exit(1 if wrong else 0)
