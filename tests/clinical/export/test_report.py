"""The PDF report: archival, whole, in any script, and what it says."""

from __future__ import annotations

import base64
import io
import re
import zipfile
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from printed_file import needs_poppler, text_of, unpacked
from sqlalchemy import Engine

from clinical import formatting
from clinical.audit import ledger
from clinical.case.assessment import Explanation, HeatMap
from clinical.case.case import Case
from clinical.case.shapes import Array, Arrays, Measurements
from clinical.export import card_blocks, pdf
from clinical.export.bundle import export
from clinical.export.card_blocks import Block
from clinical.modalities.kit import Picture, pictures
from clinical.modalities.radiograph.picture import grey, window_of
from clinical.review import decisions as decisions_rules
from clinical.review import intake, progress
from clinical.review import signature as signature_rules
from clinical.review.decisions import record_decision
from clinical.review.intake import record_assessment
from clinical.terms import normalise
from clinical.wording import RESEARCH_USE
from clinical.workspace.database import writing

HOSTILE = '#panic("no") $x_1 *b* `c` <d> @e \\ "\n& <script>'
SCRIPTS = "肺炎证据不足 Пневмония δοκιμή"


def report_of(workspace: Engine, out: Path, example: Any) -> bytes:
    export(workspace, out, actor="auditor", time=example.noon + timedelta(days=1))
    with zipfile.ZipFile(out) as archive:
        return archive.read("report.pdf")


@needs_poppler
def test_a_case_read_without_a_model_has_all_but_what_a_model_says(
    workspace: Engine, example: Any, tmp_path: Path
) -> None:
    with writing(workspace) as connection:
        intake.record_import(connection, example.case(), "system")
    intake.record_opened(workspace, "case-1", example.reader)
    added = example.decision("", action="add", diagnosis="ICD-10:J18.9")
    with writing(workspace) as connection:
        record_decision(connection, added)

    made = text_of(report_of(workspace, tmp_path / "record.zip", example))
    for words in ("read without a model", "C-reactive protein", "Cough and fever.", "added"):
        assert words in made
    for words in ("Suggestions", "Evidence for", "cannot be shown"):
        assert words not in made


@needs_poppler
def test_a_bound_and_codes_that_the_model_does_not_know_are_in_the_report(
    workspace: Engine, example: Any, tmp_path: Path
) -> None:
    plain = example.case()
    bound = normalise.measurement("CRP", "< 0,5", "mg/dl", time=example.noon)
    case = replace(plain, inputs={**plain.inputs, "measurements": Measurements((bound,))})
    told = "history: 1 of 2 items are unknown to this model: 4280"
    found = replace(example.assessment(case), unknown_codes=(told,))
    with writing(workspace) as connection:
        record_assessment(connection, case, found, "system", time=example.noon)

    made = text_of(report_of(workspace, tmp_path / "record.zip", example))

    assert "< 5 mg/L" in made
    assert "Unknown to this model" in made
    assert told in made


def test_it_is_pdf_a_3_with_the_events_and_the_digests_inside(
    workspace: Engine, example: Any, tmp_path: Path
) -> None:
    example.recorded(workspace)
    made = report_of(workspace, tmp_path / "record.zip", example)
    inside = unpacked(made)
    assert b"<pdfaid:part>3</pdfaid:part>" in inside
    assert b"<pdfaid:conformance>B</pdfaid:conformance>" in inside
    assert b"(events.jsonl)" in inside
    assert b"(manifest.json)" in inside
    with zipfile.ZipFile(tmp_path / "record.zip") as archive:
        assert archive.read("events.jsonl") in inside  # byte for byte
    assert set(re.findall(rb"\(D:(\d{8})", inside)) == {b"20250305"}


def test_all_text_is_in_fonts_that_are_inside(
    workspace: Engine, example: Any, tmp_path: Path
) -> None:
    digest, _ = example.recorded(workspace)
    with writing(workspace) as connection:
        record_decision(connection, example.decision(digest, comment=f"{SCRIPTS} التهاب"))
    inside = unpacked(report_of(workspace, tmp_path / "record.zip", example))
    names = set(re.findall(rb"/BaseFont\s*/[A-Z]{6}\+([A-Za-z-]+)", inside))
    assert {b"LiberationSans", b"NotoSansArabic-Regular", b"NotoSansSC-Regular"} <= names


def test_a_validator_takes_it_for_pdf_a_3b(workspace: Engine, example: Any, tmp_path: Path) -> None:
    page = pytest.importorskip("page", reason="page-validation is not installed")
    example.recorded(workspace, example.case(note="Пневмония. ปอดอักเสบ. निमोनिया. التهاب."))
    made = report_of(workspace, tmp_path / "record.zip", example)
    found = page.validate_pdf_bytes(made, profile="3b")
    assert found.rules.total > 100
    # It counts the last byte of a stream that ends with a carriage return to the end of the line,
    # so that the lengths are checked here instead.
    known = "PDFA3B-STREAM-LENGTH-001"
    assert [f"{f.rule_id} {f.message}" for f in found.failures if f.rule_id != known] == []
    streams = list(re.finditer(rb"/Length (\d+)[^>]*>>\s*stream\r?\n", made))
    assert len(streams) > 10
    for stream in streams:
        after = made[stream.end() + int(stream[1]) :][:11]
        assert after.strip().startswith(b"endstream"), after


def test_the_validator_would_say_so(workspace: Engine, example: Any, tmp_path: Path) -> None:
    page = pytest.importorskip("page", reason="page-validation is not installed")
    example.recorded(workspace)
    made = report_of(workspace, tmp_path / "record.zip", example)
    other = made.replace(b"<pdfaid:part>3</pdfaid:part>", b"<pdfaid:part>9</pdfaid:part>")
    assert other != made
    assert not page.validate_pdf_bytes(other, profile="3b").is_compliant


@needs_poppler
def test_a_hostile_note_and_other_scripts_are_shown_as_text(
    workspace: Engine, example: Any, tmp_path: Path
) -> None:
    digest, _ = example.recorded(workspace, example.case(note=HOSTILE))
    with writing(workspace) as connection:
        record_decision(connection, example.decision(digest, comment=SCRIPTS + HOSTILE))
    text = text_of(report_of(workspace, tmp_path / "record.zip", example))
    assert text.count('#panic("no")') == 4  # note, its quotation in sentence and list, comment
    plain = re.sub(r"\s", "", text)
    assert re.sub(r"\s", "", SCRIPTS) in plain


@needs_poppler
def test_every_page_says_research_use(workspace: Engine, example: Any, tmp_path: Path) -> None:
    for case_id in ("case-1", "case-2"):
        example.recorded(workspace, example.case(case_id))
    *pages, rest = text_of(report_of(workspace, tmp_path / "record.zip", example)).split("\f")
    assert rest == ""
    assert len(pages) >= 4
    assert all(RESEARCH_USE in page for page in pages)
    assert "The ledger is intact" in pages[0]


@needs_poppler
def test_a_long_report_has_the_first_cases_and_says_where_the_rest_is(
    workspace: Engine, example: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "MOST_CASES", 1)
    monkeypatch.setattr(pdf, "MOST_ROWS", 2)
    for number in range(1, 4):
        example.recorded(workspace, example.case(f"case-{number}"))
    text = " ".join(text_of(report_of(workspace, tmp_path / "record.zip", example)).split())
    assert "shows the first 1 of 3 cases in full and lists 2" in text
    assert "patient of case-1" in text
    assert "patient of case-2" not in text
    assert "case-2 2025" in text
    assert "case-3" not in text
    with zipfile.ZipFile(tmp_path / "record.zip") as archive:
        assert b"case-3" in archive.read("cases.csv")


@needs_poppler
def test_a_broken_ledger_is_said_on_the_cover(
    workspace: Engine, example: Any, tmp_path: Path
) -> None:
    example.recorded(workspace)
    with workspace.connect() as connection:
        connection.exec_driver_sql("DROP TRIGGER events_no_update")
        connection.exec_driver_sql("UPDATE events SET actor = 'm' WHERE sequence = 2")
        connection.exec_driver_sql("DELETE FROM pixels")
        connection.commit()
    text = text_of(report_of(workspace, tmp_path / "record.zip", example))
    assert "The ledger is BROKEN at event 2" in text
    assert "This case cannot be shown" in text


@needs_poppler
def test_where_everything_is_withheld_one_sentence_says_so(
    workspace: Engine, example: Any, tmp_path: Path
) -> None:
    case = example.case()
    assessment = example.assessment(case)
    silent = tuple(replace(s, withheld_because="No image") for s in assessment.suggestions)
    with writing(workspace) as connection:
        record_assessment(connection, case, replace(assessment, suggestions=silent), "system")
    text = " ".join(text_of(report_of(workspace, tmp_path / "record.zip", example)).split())
    assert text.count("The model suggests nothing for this case: No image.") == 1
    assert "On the list" not in text


@needs_poppler
def test_a_withheld_number_is_not_shown(workspace: Engine, example: Any, tmp_path: Path) -> None:
    case = example.case()
    assessment = example.assessment(case)
    hidden = tuple(
        replace(s, probability=0.7654, withheld_because="No image.") if s.withheld_because else s
        for s in assessment.suggestions
    )
    with writing(workspace) as connection:
        record_assessment(connection, case, replace(assessment, suggestions=hidden), "system")
    text = text_of(report_of(workspace, tmp_path / "record.zip", example))
    assert "withheld: No image." in text.replace("\n", " ")
    assert "77%" not in text


@needs_poppler
def test_a_signature_shows_who_when_and_what_it_means_beside_earlier_values(
    workspace: Engine, example: Any, tmp_path: Path
) -> None:
    digest, _ = example.recorded(workspace)
    for decision in ({"action": "reject", "reason": "lab_explains"}, {}):
        decisions_rules.decide(workspace, example.decision(digest, **decision))
    with workspace.connect() as connection:
        mine = progress.progress(ledger.events(connection, case_id="case-1")).of(example.reader)
    at, decisions = example.noon + timedelta(minutes=9), signature_rules.decisions_digest(mine)
    signature = signature_rules.Signature("case-1", digest, example.reader, "reader", decisions, at)
    at = datetime.fromisoformat(signature_rules.sign(workspace, signature).time)

    words = " ".join(text_of(report_of(workspace, tmp_path / "record.zip", example)).split())
    signed = f"{example.reader} reader signed {signature_rules.MEANINGS['reviewed']}"
    assert f"{at:%Y-%m-%d %H:%M} {signed}" in words.replace(" UTC", "")
    assert "bacterial pneumonia: rejected (superseded)" in words


@needs_poppler
def test_a_case_without_image_or_measurements_has_a_page_too(
    workspace: Engine, example: Any, tmp_path: Path
) -> None:
    case = Case("bare", "p", None, {})
    assessment = replace(example.assessment(case), explanations=(), used=(), missing=("image",))
    with writing(workspace) as connection:
        record_assessment(connection, case, assessment, "system")
    text = text_of(report_of(workspace, tmp_path / "record.zip", example))
    assert "bare" in text
    assert "Nobody has signed." in text


@needs_poppler
def test_one_endless_word_stops_no_export(workspace: Engine, example: Any, tmp_path: Path) -> None:
    example.recorded(workspace, example.case("long", note="x" * 40_000))
    example.recorded(workspace, example.case("short"))
    text = text_of(report_of(workspace, tmp_path / "record.zip", example))
    assert "No trauma." in text
    assert text.count("x") > 40_000


@needs_poppler
def test_a_case_that_cannot_be_set_has_a_page_that_says_so(
    workspace: Engine, example: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = "data:image/png;base64," + base64.b64encode(b"no picture").decode()

    def some_broken(case: Case, explanation: Explanation | None) -> list[Picture]:
        shown = pictures(case, explanation)
        return [replace(one, uri=broken) for one in shown] if case.case_id == "case-2" else shown

    monkeypatch.setattr("clinical.export.case_page.pictures", some_broken)
    for number in range(1, 5):
        example.recorded(workspace, example.case(f"case-{number}"))
    text = text_of(report_of(workspace, tmp_path / "record.zip", example))
    assert text.count("This case cannot be shown") == 1
    assert "This could not be typeset" in text
    assert text.count("Cough and fever.") >= 3


@needs_poppler
def test_an_empty_workspace_has_a_report(workspace: Engine, example: Any, tmp_path: Path) -> None:
    assert "No case was chosen." in text_of(report_of(workspace, tmp_path / "r.zip", example))


def test_a_model_card_is_read_in_blocks() -> None:
    words = (
        "# Model card: x\n\n**Bold** `code`\n\n## Limits\n- one\n\n"
        "| a | b |\n| --- | --- |\n| 1 | 2 |\n"
    )
    assert list(card_blocks.blocks(words)) == [
        Block("paragraph", "Bold code"),
        Block("heading", "Limits"),
        Block("item", "one"),
        Block("table", rows=(("a", "b"), ("1", "2"))),
    ]


# Pictures


def decoded(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


def test_the_window_is_the_linear_function_of_dicom() -> None:
    # PS3.3 C.11.2.1.2.1, example: centre 2048, width 4096 maps 0 to 0 and 4095 to 255.
    values = np.array([[-5, 0, 2047.5, 4095, 9000]], np.float32)
    assert grey(values, 2048, 4096).tolist() == [[0, 0, 128, 255, 255]]
    assert grey(np.array([[np.nan, np.inf]], np.float32), 50, 100).tolist() == [[0, 255]]


def test_a_window_is_chosen_where_the_image_has_none() -> None:
    ramp = Array(np.linspace(100, 200, 10000, dtype=np.float32).reshape(100, 100))
    centre, width = window_of(ramp)
    assert centre == pytest.approx(150.5, abs=0.1)
    assert width == pytest.approx(99, abs=0.2)
    assert window_of(Array(np.full((3, 3), np.nan, np.float32))) == (1.0, 2.0)


def test_the_heat_map_lies_where_its_box_says() -> None:
    case = Case("c", "p", None, {"image": Arrays((Array(np.zeros((800, 400), np.float32)),))})
    heat_map = HeatMap("image", ((0.0, 0.0), (0.0, 1.0)), (0.0, -200.0, 800.0, 600.0))
    (picture,) = pictures(case, Explanation("d", "m", {}, (heat_map,), ()))
    assert decoded(picture.uri).size == (180, 360)
    (layer,) = picture.layers
    assert (layer.left, layer.top, layer.width, layer.height) == (-200.0, 0.0, 800.0, 800.0)
    alpha = np.asarray(decoded(layer.uri).getchannel("A"))
    assert alpha[0, 0] == 0
    assert alpha[-1, -1] == alpha.max() == round(0.62 * 255)


@needs_poppler
def test_a_drawing_is_set_as_it_is_and_its_words_can_be_searched(
    workspace: Engine, example: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawing = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="90mm" height="30mm" viewBox="0 0 90 30">'
        '<path d="M0 9h90" stroke="#111111"/><text y="20" font-size="5">aVF</text></svg>'
    )
    uri = f"data:image/svg+xml;base64,{base64.b64encode(drawing.encode()).decode()}"
    trace = Picture("trace", uri, 90, 30, "25 mm/s", wide=True)
    monkeypatch.setattr("clinical.export.case_page.pictures", lambda case, top: [trace])
    example.recorded(workspace)
    text = text_of(report_of(workspace, tmp_path / "record.zip", example))
    assert "trace, 25 mm/s" in text
    assert "aVF" in text


# Words


@pytest.mark.parametrize(
    ("probability", "words"),
    [(0.0, "<1%"), (0.0099, "<1%"), (0.01, "1%"), (0.834, "83%"), (0.99, "99%"), (1.0, ">99%")],
)
def test_probabilities_never_claim_certainty(probability: float, words: str) -> None:
    assert formatting.percent(probability) == words


@pytest.mark.parametrize(
    ("recorded", "said"),
    [
        (
            "pneumothorax: image alone gives 100%, notes 0%",
            "pneumothorax: image alone gives >99%, notes <1%",
        ),
        ("image alone gives 10%, notes 90%", "image alone gives 10%, notes 90%"),
    ],
)
def test_a_recorded_conflict_never_claims_certainty(recorded: str, said: str) -> None:
    assert formatting.uncertain(recorded) == said
