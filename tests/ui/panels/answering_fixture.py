"""A stand-in for `clinical.assess.what_if` without a model: says it is ready, then what it is told
to.

    python answering_fixture.py DIGEST MANNER

MANNER "halves" answers every question with the stored assessment, its probabilities halved;
"refuses" with an error; "dies" ends at the first question; "hangs" never answers.
"""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import replace
from pathlib import Path

from clinical.case import assessment as assessments
from clinical.case.assessment import Assessment
from clinical.workspace import store
from clinical.workspace.database import open_workspace


def halved(workspace: str, digest: str) -> Assessment:
    engine = open_workspace(Path(workspace))
    with engine.connect() as connection:
        found = store.get_assessment(connection, digest)
    engine.dispose()
    return replace(
        found,
        suggestions=tuple(replace(s, probability=s.probability / 2) for s in found.suggestions),
    )


def main(digest: str, manner: str) -> None:
    print(json.dumps({"ready": digest}), flush=True)
    for line in sys.stdin:
        question = json.loads(line)
        if manner == "dies":
            return
        if manner == "hangs":
            signal.pause()
        said = (
            {"error": "The model cannot.", "remedy": "try another change"}
            if manner == "refuses"
            else {
                "assessment": assessments.as_json(
                    halved(question["workspace"], question["assessment"])
                )
            }
        )
        print(json.dumps(said), flush=True)


main(*sys.argv[1:])
