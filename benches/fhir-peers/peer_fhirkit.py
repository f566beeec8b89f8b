"""Runs the Rust crate fhirkit, by its wheel, over what mutants.mjs made.

    python peer_fhirkit.py FOLDER

Prints how many sound resources were rejected, how many mutants were caught, and resources a second of
processor time. It reads and judges structure and primitives; it knows no value sets and no invariants.
"""

import json
import resource
import sys
import time

import fhirkit

folder = sys.argv[1]


def accepts(text: str) -> bool:
    try:
        return not any(str(issue.severity) == "error" for issue in fhirkit.validate(text))
    except ValueError:
        return False


with open(f"{folder}/sound.ndjson", encoding="utf-8") as file:
    sound = file.read().splitlines()
begun = time.process_time()
rejected = sum(not accepts(line) for line in sound)
spent = time.process_time() - begun
print(f"sound: {rejected} of {len(sound)} rejected, {len(sound) / spent:.0f} resources a second of processor time")
caught = total = 0
with open(f"{folder}/mutants.ndjson", encoding="utf-8") as file:
    for line in file:
        mutant = json.loads(line)
        text = mutant["text"] if "text" in mutant else json.dumps(mutant["mutant"])
        total += 1
        caught += not accepts(text)
print(f"mutants: {caught} of {total} caught ({100 * caught / total:.1f} %)")
print(f"memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MiB at most")
