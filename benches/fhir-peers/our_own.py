"""Runs `probity check` over what mutants.mjs made: the sound resources and the mutants, as lines.

    python our_own.py PROGRAM PACKAGE FOLDER

A mutant that is no JSON is judged as a file of its own. Prints the figures that the peers print.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile

program, package, folder = sys.argv[1:4]


def judge(path: str) -> tuple[set[int], float, int]:
    """The lines with an error, the processor time spent, and the most memory in MiB."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [program, "check", path, "--format", "fhir", "--package", package, "--report", "json", "--quiet"],
        stdout=subprocess.PIPE,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    bad = set()
    for report in json.loads(done.stdout)["files"]:
        for finding in report["findings"]:
            if finding["severity"] == "error":
                bad.add(finding.get("position", {}).get("line", 1))
    return bad, spent, after.ru_maxrss >> 10


sound = f"{folder}/sound.ndjson"
with open(sound, encoding="utf-8") as file:
    count = sum(1 for line in file if line.strip())
judge(sound)  # builds the index
bad, spent, memory = judge(sound)
print(f"sound: {len(bad)} of {count} rejected, {count / spent:.0f} resources a second of processor time, start included")
caught = total = 0
with tempfile.TemporaryDirectory() as place, open(f"{folder}/mutants.ndjson", encoding="utf-8") as file:
    batch: list[str] = []

    def flush() -> None:
        global caught
        if batch:
            path = os.path.join(place, "batch.ndjson")
            with open(path, "w", encoding="utf-8") as out:
                out.write("\n".join(batch) + "\n")
            caught += len(judge(path)[0])
            batch.clear()

    for line in file:
        mutant = json.loads(line)
        total += 1
        batch.append(mutant["text"] if "text" in mutant else json.dumps(mutant["mutant"]))
        # A report shows a thousand findings at most.
        if len(batch) == 60:
            flush()
    flush()
print(f"mutants: {caught} of {total} caught ({100 * caught / total:.1f} %)")
print(f"memory: {memory} MiB at most")
