"""A process that answers what-if questions: one JSON line in, one JSON line out, until its input
ends.

The page must not load torch, so it keeps one of these beside it (`ui/state/what_if.py`). The model
is loaded once, with all that a first question would need; every answer goes the one road
(`clinical.assess.assess`). The first line out is {"ready": digest of the model}. A question is
{"workspace", "assessment", "change"}, with "keys" where the workspace is on a server
(`clinical.workspace.place.named`); an answer is {"assessment": ...} in the form of docs/schema.md,
or {"error", "remedy"}.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, TextIO

from clinical.assess import hypothetical
from clinical.assess.assess import Assessor, load_assessor
from clinical.case import assessment as assessments
from clinical.case.assessment import Assessment
from clinical.errors import ModelError, TriptychError
from clinical.modalities.kit import person
from clinical.workspace import store
from clinical.workspace.database import open_workspace
from clinical.workspace.place import from_names


def answer(assessor: Assessor, question: Mapping[str, Any]) -> Assessment:
    """What the model makes of a case that is changed as asked.

    Raises:
        ModelError: if the assessment that is asked about was made by another model.
        ReviewError: if the case cannot be changed like that.
        StoreError: if the workspace does not hold the case.
    """
    engine = open_workspace(from_names(question))
    with engine.connect() as connection:
        base = store.get_assessment(connection, question["assessment"])
        if base.model.digest != assessor.model.identity.digest:
            raise ModelError(
                "This assessment was made by a different model from the one installed.",
                remedy="assess the case again with the installed model",
            )
        case = store.get_case(connection, base.case_id, input_digest=base.input_digest)
    engine.dispose()
    change = hypothetical.from_json(question["change"])
    return assessor.assess(hypothetical.changed(case, change), age_years=person(case).age_years)


def serve(assessor: Assessor, questions: TextIO, answers: TextIO) -> None:
    """Answer line by line until `questions` ends."""
    _say(answers, {"ready": assessor.model.identity.digest})
    for line in questions:
        try:
            found = answer(assessor, json.loads(line))
        except TriptychError as error:
            _say(answers, {"error": error.message, "remedy": error.remedy})
        else:
            _say(answers, {"assessment": assessments.as_json(found)})


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line of the process."""
    parser = argparse.ArgumentParser(prog="clinical.assess.what_if", description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    chosen = parser.parse_args(arguments)
    answers = sys.stdout
    # Whatever a library prints must not come between the answers.
    with redirect_stdout(sys.stderr):
        try:
            assessor = load_assessor(chosen.checkpoint)
        except TriptychError as error:
            _say(answers, {"error": error.message, "remedy": error.remedy})
            return 2
        assessor.warm()
        serve(assessor, sys.stdin, answers)
    return 0


def _say(answers: TextIO, words: Mapping[str, Any]) -> None:
    answers.write(json.dumps(words) + "\n")
    answers.flush()


if __name__ == "__main__":
    sys.exit(main())
