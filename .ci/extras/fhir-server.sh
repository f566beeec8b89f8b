#!/usr/bin/env bash
# A real FHIR server: FHIRStarter (PyPI), with one made-up person and a few measurements. Probity must say
# of it what is so: reads and searches work; there is no link `self`, no paging, no 406, no log-in.
set -euo pipefail
name=fhir-server
skip() { echo "skipped: $name, because $1"; exit 0; }
probity=${PROBITY:-target/release/probity}
[ -x "$probity" ] || probity=target/debug/probity
[ -x "$probity" ] || skip "there is no probity to run"
command -v python3 >/dev/null || skip "there is no python3"

work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/venv" >/dev/null 2>&1 || skip "python3 makes no virtual environment"
timeout 90 "$work/venv/bin/pip" install -q 'fhirstarter==4.2.0' uvicorn >/dev/null 2>&1 || skip "fhirstarter cannot be installed"

cat > "$work/served.py" <<'PY'
import os, socket, sys
os.environ["FHIR_SEQUENCE"] = "R4B"
import uvicorn
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.observation import Observation
from fhir.resources.R4B.patient import Patient
from fhirstarter import FHIRProvider, FHIRStarter, InteractionContext
from fhirstarter.exceptions import FHIRResourceNotFoundError

PERSON = Patient(**{"resourceType": "Patient", "id": "p-1", "birthDate": "1944-05-17", "name": [{"family": "Fixture"}]})
WEIGHTS = [
    Observation(**{
        "resourceType": "Observation", "id": f"o-{n}", "status": "final", "effectiveDateTime": "2026-11-01T10:00:00+01:00",
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
        "subject": {"reference": "Patient/p-1"}, "device": {"reference": "Device/d-1"},
        "valueQuantity": {"value": 70 + n, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
    })
    for n in range(4)
]
provider = FHIRProvider()


@provider.read(Patient)
async def patient(context: InteractionContext, id_: str) -> Patient:
    if id_ != "p-1":
        raise FHIRResourceNotFoundError
    return PERSON


@provider.read(Observation)
async def observation(context: InteractionContext, id_: str) -> Observation:
    found = [o for o in WEIGHTS if o.id == id_]
    if not found:
        raise FHIRResourceNotFoundError
    return found[0]


@provider.search_type(Observation)
async def observations(context: InteractionContext, patient: str | None, code: str | None) -> Bundle:
    ours = patient in (None, "p-1", "Patient/p-1") and (code is None or code.split("|")[-1] == "29463-7")
    found = WEIGHTS if ours else []
    entries = [{"resource": o.model_dump(), "search": {"mode": "match"}} for o in found]
    return Bundle(**{"type": "searchset", "total": len(found), "entry": entries})


app = FHIRStarter(title="sample")
app.add_providers(provider)
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[listener])
PY
"$work/venv/bin/python" "$work/served.py" > "$work/port" 2> "$work/log" &
server=$!
for _ in $(seq 60); do [ -s "$work/port" ] && break; kill -0 "$server" 2>/dev/null || skip "the server does not start: $(tail -1 "$work/log")"; sleep 1; done
port=$(head -1 "$work/port")
[ -n "$port" ] || skip "the server does not start"

cat > "$work/target.yaml" <<YAML
target: 1
product: {name: FHIRStarter sample, version: 4.2.0, vendor: {name: FHIRStarter}}
endpoints: {fhir: {url: "http://127.0.0.1:$port/", serves: [fhir], addresses: [127.0.0.1]}}
facts: {kind: [api, app], health_data: true, personal_data: true}
fixtures: {fhir-person: Patient/p-1}
YAML
only=()
for id in INT-11 INT-14 INT-15 INT-23 INT-24 INT-25 INT-26 INT-27 INT-29; do only+=(--only "$id"); done
"$probity" --quiet assess "$work/target.yaml" --tier 3 "${only[@]}" -o "$work/bundle" > "$work/summary" || [ $? -eq 1 ]
"$probity" report "$work/bundle" --format json > "$work/report.json"
python3 - "$work/report.json" <<'PY'
import json, sys
results = json.load(open(sys.argv[1]))["results"]
expected = {
    ("INT-11", "json-schema"): ("failed", "fhirVersion"),
    ("INT-14", "fhir-resources"): ("cantTell", "packages"),
    ("INT-15", "fhir-measurements"): ("passed", "4 have"),
    ("INT-23", "fhir-read"): ("passed", "Patient"),
    ("INT-23", "fhir-search"): ("failed", "which search"),
    ("INT-24", "fhir-paging"): ("failed", "_count"),
    ("INT-25", "fhir-errors"): ("failed", "OperationOutcome"),
    ("INT-26", "fhir-negotiation"): ("failed", "not refused"),
    ("INT-27", "fhir-versions"): ("inapplicable", "claims neither"),
    ("INT-29", "fhir-authorization"): ("failed", "without a credential"),
}
wrong = []
for (requirement, kind), (outcome, words) in expected.items():
    found = [r for r in results if r["requirement"] == requirement and r["kind"] == kind]
    if not any(v["outcome"] == outcome and words in v["reason"] for v in found):
        wrong.append(f"{requirement} {kind}: expected {outcome} ({words}), got {[(v['outcome'], v['reason']) for v in found]}")
print("\n".join(wrong) or f"{len(expected)} verdicts about a real FHIR server are right")
sys.exit(bool(wrong))
PY
