"""What leaves of a case: of each reader what stands, of the case what its protocol says."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import read_case
from sqlalchemy import Engine

from clinical.audit import ledger
from clinical.audit.retention import purge
from clinical.case.reading import Code, Reading
from clinical.errors import ReviewError
from clinical.export.case_dicom import case_objects
from clinical.export.leaving import leaving
from clinical.export.reading import check_leaving, codes_of, reading_of
from clinical.review import adjudication, intake, marking, marks, progress, signature
from clinical.review import protocol as protocol_rules
from clinical.review.adjudication import Adjudication
from clinical.review.protocol import PLAIN, Protocol
from clinical.workspace.database import writing

WINDOW = {"function": "LINEAR", "centre": 1800, "width": 3600, "inverted": False}


def gathered(workspace: Engine, case_id: str = "case-1") -> Reading:
    with workspace.connect() as connection:
        return reading_of(connection, case_id)


@pytest.mark.parametrize(
    ("diagnosis", "codes"),
    [
        (
            "heart_failure",
            [
                Code("SNOMED", "84114007", "Heart failure"),
                Code("ICD-10", "I50.9", "Heart failure"),
                Code("local", "heart_failure", "heart failure"),
            ],
        ),
        ("copd_exacerbation", [Code("local", "copd_exacerbation", "COPD exacerbation")]),
        (
            "ICD-10:J90",
            [
                Code("SNOMED", "60046008", "Pleural effusion"),
                Code("ICD-10", "J90", "Pleural effusion"),
            ],
        ),
        ("ICD-10:Z99.9", [Code("ICD-10", "Z99.9", "Z99.9")]),
        ("SNOMED:233604007", [Code("SNOMED", "233604007", "233604007")]),
    ],
)
def test_a_diagnosis_is_coded_where_its_name_is_listed(diagnosis: str, codes: list[Code]) -> None:
    assert list(codes_of(diagnosis)) == codes


def test_a_reading_without_decisions_is_that_of_the_model(workspace: Engine, example: Any) -> None:
    _, assessment = example.recorded(workspace)
    found = gathered(workspace)
    assert [one.diagnosis for one in found.findings] == [
        suggestion.diagnosis for suggestion in assessment.suggestions
    ]
    assert [one.state for one in found.findings] == [
        "suggested",
        "below threshold",
        "below threshold",
        "withheld",
    ]
    assert found.findings[3].probability is None
    assert (found.final, found.readers, found.conclusion, found.vouched) == (False, (), (), ())
    assert found.began == found.changed
    assert "The case is unlike those that the model was trained on." in found.remarks


def test_what_a_reader_added_comes_after_the_suggestions(workspace: Engine, example: Any) -> None:
    digest, _ = example.recorded(workspace)
    read_case.accepted(workspace, example, digest)
    read_case.decide(workspace, example, digest, action="add", diagnosis="ICD-10:J90")
    read_case.sign(workspace, example, digest)
    found = gathered(workspace)
    assert found.findings[-1].state == "added"
    assert {one.diagnosis for one in found.conclusion} == {"bacterial_pneumonia", "ICD-10:J90"}


def test_a_changed_reading_has_another_digest(workspace: Engine, example: Any) -> None:
    digest, _ = example.recorded(workspace)
    seen = [gathered(workspace).digest, gathered(workspace).digest]
    read_case.accepted(workspace, example, digest)
    seen.append(gathered(workspace).digest)
    read_case.sign(workspace, example, digest)
    seen.append(gathered(workspace).digest)
    assert seen[0] == seen[1]
    assert len(set(seen)) == 3


def test_readings_that_differ_are_final_only_by_their_adjudicator(
    workspace: Engine, example: Any
) -> None:
    protocol = Protocol(second_share=1.0)
    protocol_rules.set_protocol(workspace, protocol, actor="chief")
    digest, _ = example.recorded(workspace)
    read_case.accepted(workspace, example, digest)
    read_case.sign(workspace, example, digest)
    with pytest.raises(ReviewError, match="each other"):
        check_leaving(gathered(workspace), protocol)
    second(workspace, example, digest, "dr.bob")
    disputed = gathered(workspace)
    assert (disputed.final, disputed.vouched, len(disputed.signatures)) == (False, (), 2)
    with workspace.connect() as connection:
        now = progress.progress(ledger.events(connection, case_id="case-1"))
    adjudication.adjudicate(
        workspace,
        Adjudication(
            "case-1",
            "dr.eve",
            "adjudicator",
            adjudication.signatures(now),
            frozenset({"bacterial_pneumonia"}),
            example.noon + timedelta(hours=1),
        ),
    )
    found = gathered(workspace)
    check_leaving(found, protocol)
    assert [signed.name for signed in found.vouched] == ["dr.eve"]
    assert [one.diagnosis for one in found.conclusion] == ["bacterial_pneumonia"]
    assert set(found.readers) == {"dr.ada", "dr.bob", "dr.eve"}


def second(workspace: Engine, example: Any, digest: str, name: str) -> None:
    """Another reader rejects the suggestion and signs."""
    intake.record_opened(workspace, "case-1", name)
    read_case.decide(
        workspace, example, digest, action="reject", reason="lab_explains", reader=name
    )
    with workspace.connect() as connection:
        mine = progress.progress(ledger.events(connection, case_id="case-1")).of(name)
    at = example.noon + timedelta(minutes=20)
    decided = signature.decisions_digest(mine)
    signature.sign(workspace, signature.Signature("case-1", digest, name, "reader", decided, at))


def test_lengths_and_key_images_leave_and_words_on_images_stay(
    workspace: Engine, example: Any, tmp_path: Path
) -> None:
    film = read_case.film(tmp_path, example)
    case = read_case.case_of(film, example)
    digest, _ = example.recorded(workspace, case)
    (image,) = case.inputs["image"].arrays
    drawn = [
        {"kind": "length", "frame": 1, "points": [[1, 2], [11, 2]], "text": ""},
        {"kind": "text", "frame": 1, "points": [[3, 3]], "text": "Mrs Doe"},
        {"kind": "key", "frame": 1, "points": [], "text": "", "window": WINDOW},
    ]
    told = marks.read({"image": drawn}, {"image": image})
    assert told is not None
    with writing(workspace) as connection:
        marking.record(connection, "case-1", example.reader, told)
    read_case.signed(workspace, example, digest)
    found = leaving(workspace, "case-1", [film])
    assert [mark.kind for mark in found.reading.marks] == ["length", "key"]
    length = found.reading.marks[0]
    assert [(one.name, one.value, one.unit) for one in length.numbers] == [("length", 5.0, "mm")]
    assert "Millimetres" in length.scale
    names = [made.name for made in case_objects(found)]
    assert names == ["report", "key-images", "heat-map-1", "picture-1"]
    assert b"Mrs Doe" not in b"".join(made.data for made in case_objects(found))


def test_a_case_that_is_not_there_any_more_has_no_reading(workspace: Engine, example: Any) -> None:
    example.recorded(workspace)
    check_leaving(gathered(workspace), PLAIN)
    purge(workspace, ["case-1"], because="erasure", actor="chief")
    for case_id in ("case-1", "case-2"):
        with pytest.raises(ReviewError, match="nothing to read"):
            gathered(workspace, case_id)
