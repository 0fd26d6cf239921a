#!/usr/bin/env python3
"""Run what has just failed twice more, by itself: a race is named, a fault stops the change.

A test that fails among thousands of others at once and passes alone, twice, is a race in the test
or in the program. It is printed, to be mended next; it says nothing of the change that is judged.
More than three at once are no coincidence.
"""

import json
import subprocess
import sys
from pathlib import Path

MOST = 3
ROUNDS = 2

file = Path(".pytest_cache/v/cache/lastfailed")
failed = sorted(json.loads(file.read_text(encoding="utf-8"))) if file.exists() else []
if not 0 < len(failed) <= MOST:
    sys.exit(f"{len(failed)} tests failed; only 1 to {MOST} are run again.")
print("Failed, and now run by themselves:", *failed, sep="\n  ", flush=True)
for _ in range(ROUNDS):
    command = [".venv/bin/pytest", "-p", "no:cacheprovider", *failed]
    if subprocess.run(command, check=False).returncode:
        sys.exit("They fail by themselves too.")
print(f"RACES, TO BE MENDED (they passed {ROUNDS} times alone):", *failed, sep="\n  ")
