"""A stand-in for `clinical.assess.added` without a model.

    python assessing_fixture.py MANNER

MANNER "works" says each step and that it is done; "refuses" says an error; "dies" ends by a signal;
"hangs" never answers.
"""

from __future__ import annotations

import json
import os
import signal
import sys


def main(manner: str) -> None:
    json.loads(sys.stdin.readline())
    print(json.dumps({"step": "model"}), flush=True)
    if manner == "dies":
        os.kill(os.getpid(), signal.SIGKILL)
    if manner == "hangs":
        signal.pause()
    if manner == "refuses":
        print(json.dumps({"error": "The model cannot.", "remedy": "use another one."}), flush=True)
        sys.exit(2)
    for step in ("assessing", "recording"):
        print(json.dumps({"step": step}), flush=True)
    print(json.dumps({"assessed": "ab" * 32}), flush=True)


main(sys.argv[1])
