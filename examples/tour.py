"""A tour of Triptych from made-up patients to a verified record, in half a minute.

    python examples/tour.py OUT

Run it, then read it from top to bottom; every step is a call that your own program could make, and
the remark beside it names the command that does the same. OUT is a new folder. Everything is
simulated. Research use only. Not a medical device.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from datetime import UTC, datetime
from pathlib import Path

from clinical.assess.assess import load_assessor
from clinical.audit.verify import Verdict, verify
from clinical.case.assessment import Assessment, ReviewDecision, assessment_digest
from clinical.case.case import Case
from clinical.cohorts import folder
from clinical.export.bundle import export
from clinical.formatting import percent
from clinical.review.decisions import decide
from clinical.review.intake import record_assessment, record_opened
from clinical.wording import words
from clinical.workspace.database import open_workspace, writing
from pipelines.laboratory.simulate.cohort import simulate

CASES = 4
READER = "dr.tour"


def make_patients(out: Path) -> Path:
    """A cohort in the folder format (docs/cohort-format.md): `triptych simulate`."""
    cohort = out / "cohort"
    simulate(CASES, seed=7, out=cohort, rows=256)
    return cohort


def assess(cohort: Path, workspace: Path) -> list[Assessment]:
    """Every case through the model that ships, stored and recorded: `triptych assess`.

    Where a case cannot be read, `folder.read` yields the reason in its place.
    """
    assessor = load_assessor()
    made = []
    engine = open_workspace(workspace, create=True)
    for case in folder.read(cohort):
        if isinstance(case, Case):
            assessment = assessor.assess(case)
            with writing(engine) as connection:  # the case, its assessment and the event, or none
                record_assessment(connection, case, assessment, actor="system")
            made.append(assessment)
    engine.dispose()
    return made


def describe(assessment: Assessment) -> str:
    """What a reader is shown of an assessment, in lines of text."""
    lines = [f"{assessment.case_id}, read from {', '.join(assessment.used)}"]
    for suggestion in assessment.suggestions[:3]:
        reading = suggestion.withheld_because or percent(suggestion.probability)
        lines.append(f"  {words(suggestion.diagnosis)}: {reading}")
    for explanation in assessment.explanations[:1]:
        lines.append(f"  what speaks for or against {words(explanation.diagnosis)}:")
        for item in explanation.items[:4]:
            lines.append(f"    {item.modality}, {item.label}: {item.relevance:+.2f}")
    return "\n".join(lines)


def accept_the_first(assessment: Assessment, workspace: Path) -> None:
    """A reader opens the case and accepts the first suggestion: a click on the page."""
    engine = open_workspace(workspace)
    record_opened(engine, assessment.case_id, READER)
    decision = ReviewDecision(
        case_id=assessment.case_id,
        assessment_digest=assessment_digest(assessment),  # binds it to what was on the screen
        diagnosis=assessment.suggestions[0].diagnosis,
        action="accept",
        reason="",
        reader=READER,
        time=datetime.now(UTC),
    )
    decide(engine, decision)
    engine.dispose()


def export_record(workspace: Path, out: Path) -> Verdict:
    """The record as one ZIP, and what its ledger is worth afterwards: `triptych audit export`."""
    engine = open_workspace(workspace)
    export(engine, out, actor="auditor")
    with engine.connect() as connection:
        verdict = verify(connection)
    engine.dispose()
    return verdict


def check(record: Path) -> str:
    """What a stranger does who was sent the ZIP: run the verify.py inside, with Python alone."""
    with zipfile.ZipFile(record) as archive:
        verifier = archive.extract("verify.py", record.parent)
    command = [sys.executable, "-I", "-S", verifier, str(record)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def tour(out: Path) -> list[Assessment]:
    """All steps in order; prints what it finds."""
    workspace, record = out / "workspace", out / "record.zip"
    assessments = assess(make_patients(out), workspace)
    shown = [a for a in assessments if a.suggestions[0].withheld_because is None]
    fullest = max(shown, key=lambda assessment: len(assessment.used))
    print(describe(fullest))
    accept_the_first(fullest, workspace)
    verdict = export_record(workspace, record)
    print(f"ledger: {verdict.events} events, {'intact' if verdict.intact else verdict.reason}")
    print(check(record))
    return assessments


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python examples/tour.py OUT")
    tour(Path(sys.argv[1]))
