"""A de-identified export: nothing that could identify a person is in any file of it.

Every text and time of the workspace that came from outside is a mark that is looked for afterwards.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import fhir_validators
import pytest
from digests import without_digests
from printed_file import unpacked
from sqlalchemy import Engine

from clinical.audit import ledger, retention
from clinical.case.assessment import EvidenceItem, OutOfDistribution, PredictionSet
from clinical.case.case import Case, Problem
from clinical.case.shapes import (
    Array,
    Arrays,
    Event,
    Events,
    Measurement,
    Measurements,
    Text,
    Texts,
)
from clinical.errors import LedgerError
from clinical.export import deidentified
from clinical.export.bundle import export
from clinical.export.deidentified import BEGIN, Pseudonyms
from clinical.export.selection import Selection
from clinical.modalities import dates
from clinical.review import decisions, first_read, progress, protocol
from clinical.review import signature as signature_rules
from clinical.review.intake import record_assessment, record_opened
from clinical.review.progress import Ranked
from clinical.workspace.database import writing
from pipelines.cli import main

MARK = "zaphod"
DATES = ("2025-03", "2025-02", "1931", "04.03.", "March")
DIAGNOSIS = "bacterial_pneumonia"


def marked(example: Any, name: str = "one") -> Case:
    """The example case with a mark in every field that takes a text."""
    case: Case = example.case(f"{MARK}-case-{name}")
    image = case.inputs["image"].arrays[0]
    measured = case.inputs["measurements"]
    assert isinstance(image, Array)
    assert isinstance(measured, Measurements)
    source = {"SOPInstanceUID": "2.25.4242424242", "view": f"{MARK} view", "acquired": "2025-03-04"}
    seen = measured.items[0]
    unknown = replace(seen, code=f"{MARK}:lab", name=f"{MARK} lab", value=424242.0)
    odd = Measurement("2823-3", f"{MARK} name", None, "", None, f"{MARK} raw", "", problem=MARK)
    birth = datetime(1931, 5, 6, tzinfo=example.noon.tzinfo)
    told = Event(f"{MARK}:mrn-424242", f"{MARK} history", birth)
    known = Event("ICD-10:I10", f"{MARK} display", birth)
    return replace(
        case,
        patient_id=f"{MARK} patient",
        site=f"{MARK} hospital",
        inputs={
            "image": Arrays((Array(image.values, source=source),)),
            "measurements": Measurements((seen, unknown, odd)),
            "history": Events((told, known), 93.8, "female"),
            "notes": Texts((Text(f"{MARK} section", f"Mr {MARK} lives in {MARK}.", example.noon),)),
        },
        problems=(Problem(f"{MARK}.csv", MARK, 1, MARK, MARK, MARK),),
    )


def assessed(example: Any, case: Case) -> Any:
    made = example.assessment(case)
    items = (
        EvidenceItem("history", 0, f"{MARK}:mrn-424242", 0.2),
        EvidenceItem("measurements", 0, "1988-5", 0.1),
        EvidenceItem("notes", 0, f"{MARK} lives", 0.1, 0, 9),
    )
    hidden = [replace(s, withheld_because=s.withheld_because and MARK) for s in made.suggestions]
    return replace(
        made,
        suggestions=tuple(hidden),
        explanations=tuple(replace(e, items=items) for e in made.explanations),
        conflicts=(f"{MARK} disagrees",),
        out_of_distribution=OutOfDistribution(1.2, True, (f"{MARK} is far",)),
        problems=(f"{MARK}.csv",),
        unknown_codes=(f"history: 1 of 1 items are unknown to this model: {MARK}",),
        prediction_set=PredictionSet(absent_because=MARK),
    )


@pytest.fixture
def ward(workspace: Engine, example: Any) -> Engine:
    """Two cases of one patient: one read to a signature, one purged; and a reader with a name."""
    cases = [marked(example, name) for name in ("one", "two")]
    reader = f"{MARK}.reader"
    protocol.set_protocol(
        workspace, protocol.Protocol(True, 0.0), f"{MARK}.admin", time=example.noon
    )
    for case in cases:
        with writing(workspace) as connection:
            record_assessment(
                connection, case, assessed(example, case), "system", time=example.noon
            )
        record_opened(workspace, case.case_id, reader, time=example.noon + timedelta(minutes=1))
    with workspace.connect() as connection:
        (first, *_) = ledger.events(connection, case_id=cases[0].case_id, kind="ASSESSED")
    named = {"case_id": cases[0].case_id, "reader": reader}
    digest = str(first.payload["assessment"])
    ranked = (Ranked(DIAGNOSIS, "high"),)
    first_read.commit_first_read(
        workspace, first_read.FirstRead(cases[0].case_id, digest, ranked, reader, example.noon)
    )
    decisions.decide(workspace, example.decision(digest, comment=f"{MARK} told me so", **named))
    added = {"diagnosis": "ICD-10:ZAPHOD424242", "action": "add"}
    decisions.decide(workspace, example.decision(digest, **named, **added))
    with workspace.connect() as connection:
        mine = progress.progress(ledger.events(connection, case_id=cases[0].case_id)).of(reader)
    signature = signature_rules.Signature(
        cases[0].case_id,
        digest,
        reader,
        "reader",
        signature_rules.decisions_digest(mine),
        example.noon + timedelta(minutes=9),
    )
    signature_rules.sign(workspace, signature)
    retention.purge(workspace, [cases[1].case_id], because="erasure", actor=reader)
    return workspace


@pytest.fixture
def content(ward: Engine, example: Any, tmp_path: Path) -> dict[str, bytes]:
    export(ward, tmp_path / "d.zip", actor="auditor", de_identified=True)
    with zipfile.ZipFile(tmp_path / "d.zip") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def lines(data: bytes) -> list[Any]:
    return [json.loads(line) for line in data.splitlines()]


def texts(content: dict[str, bytes]) -> dict[str, str]:
    """Every file as text, the report with its streams unpacked and its pages read."""
    pages = b""
    if shutil.which("pdftotext"):
        command = ["pdftotext", "-raw", "-", "-"]
        done = subprocess.run(command, input=content["report.pdf"], capture_output=True, check=True)
        pages = done.stdout
    read = content | {"report.pdf": unpacked(content["report.pdf"]), "pages": pages}
    return {name: data.decode("utf-8", "replace") for name, data in read.items()}


def digests(ward: Engine) -> set[str]:
    """Every digest of the ledger that names something of a case, and every hash but the last."""
    with ward.connect() as connection:
        events = list(ledger.events(connection))[:-1]
    found = {event.hash for event in events[:-1]}
    for event in events:
        for key in ("assessment", "input", "comment", "digest"):
            found.add(str(event.payload.get(key) or event.hash))
        for key in ("inputs", "assessments", "comments", "pixels"):
            found |= set(event.payload.get(key, ()))
    return found - {events[-1].hash}


def test_no_mark_date_or_digest_is_in_any_file(ward: Engine, content: dict[str, bytes]) -> None:
    for name, text in texts(content).items():
        assert MARK not in text.lower(), name
        told = without_digests(text)
        assert "424242" not in told, name
        if name != "verify.py":
            for date in DATES:
                assert date not in told, name
        for digest in digests(ward):
            assert digest not in text, name


def test_the_marks_are_found_where_nothing_is_left_out(ward: Engine, tmp_path: Path) -> None:
    export(ward, tmp_path / "whole.zip", actor="auditor")
    with zipfile.ZipFile(tmp_path / "whole.zip") as archive:
        whole = texts({name: archive.read(name) for name in archive.namelist()})
    for name in ("events.jsonl", "cases.jsonl", "assessments.jsonl", "comments.jsonl"):
        assert MARK in whole[name]
    for name in ("cases.csv", "decisions.csv", "events.csv", "fhir/bundle.json", "report.pdf"):
        assert MARK in whole[name]
    assert any(digest in whole["events.jsonl"] for digest in digests(ward))


def test_no_picture_and_no_comment_is_in_it(content: dict[str, bytes]) -> None:
    assert b"/Subtype /Image" not in unpacked(content["report.pdf"]).replace(
        b"/Subtype/", b"/Subtype /"
    )
    assert content["comments.jsonl"] == b""
    left = json.loads(content["manifest.json"])["left_out"]
    assert left == {"images": 1, "notes": 1, "comments": 1, "records": 1, "events": 0}


def test_what_a_researcher_needs_stays(content: dict[str, bytes]) -> None:
    (case,) = [line for line in lines(content["cases.jsonl"]) if "purged_by" not in line]
    assert case["inputs"]["history"]["age_years"] == 90
    assert case["inputs"]["history"]["items"][1]["code"] == "ICD-10:I10"
    first, other, odd = case["inputs"]["measurements"]["items"]
    assert (first["code"], first["value"], first["unit"]) == ("1988-5", 184.0, "mg/L")
    assert first["time"] == "2099-12-31T22:30:00+00:00"
    assert (other["code"], other["value"]) == ("other", None)
    assert (odd["code"], odd["name"]) == ("2823-3", "Potassium")
    events = [e for e in lines(content["events.jsonl"]) if len(e["payload"]) > 0]
    one = next(e["case_id"] for e in events if e["kind"] == "DECIDED")
    kinds = [e["kind"] for e in lines(content["events.jsonl"]) if e["case_id"] == one]
    assert kinds[:5] == ["ASSESSED", "OPENED", "FIRST_READ", "SHOWN", "DECIDED"]
    assert kinds[5:] == ["DECIDED", "SIGNED", "TIMED"]
    decided = [e for e in events if e["kind"] == "DECIDED"]
    assert [d["payload"]["diagnosis"] for d in decided] == [DIAGNOSIS, "other"]
    (opened, *_) = [e for e in events if e["kind"] == "OPENED" and e["case_id"] == one]
    assert (opened["actor"], opened["time"][:19]) == ("reader 2", "2100-01-01T00:01:00")
    assert b"case 1" in content["cases.csv"]


def test_the_bundle_is_valid_r4(content: dict[str, bytes]) -> None:
    assert fhir_validators.problems(content["fhir/bundle.json"]) == []


def test_verify_says_what_it_can_and_cannot_check(
    content: dict[str, bytes], ward: Engine, tmp_path: Path
) -> None:
    command = [sys.executable, "-I", "-S", "-c", content["verify.py"].decode()]
    done = subprocess.run([*command, str(tmp_path / "d.zip")], capture_output=True, check=False)
    words = done.stdout.decode()
    assert (done.returncode, done.stderr) == (0, b""), words
    assert "THE RECORD IS INTACT." in words
    assert "DE-IDENTIFIED" in words
    assert "can NOT be checked from here" in words
    assert "signed heads" not in words
    content["cases.csv"] += b"x"
    with zipfile.ZipFile(tmp_path / "spoiled.zip", "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    done = subprocess.run(
        [*command, str(tmp_path / "spoiled.zip")], capture_output=True, check=False
    )
    assert done.returncode == 1
    assert b"cases.csv was changed" in done.stdout


def test_the_ledger_says_that_it_was_de_identified_and_no_table_of_names_is_kept(
    ward: Engine, content: dict[str, bytes]
) -> None:
    with ward.connect() as connection:
        (event,) = ledger.events(connection, kind="EXPORTED")
    assert event.payload["de_identified"] is True
    assert {"selection", "cases"} <= set(event.payload)


def test_names_and_order_are_others_in_the_next_export(
    workspace: Engine, example: Any, tmp_path: Path
) -> None:
    for number in range(12):
        case = example.case(f"c{number:02}")
        history = replace(case.inputs["history"], age_years=40.0 + number)
        case = replace(case, inputs={**case.inputs, "history": history})
        with writing(workspace) as connection:
            record_assessment(connection, case, example.assessment(case), "system")
    orders = []
    for name in ("a.zip", "b.zip"):
        export(workspace, tmp_path / name, actor="auditor", de_identified=True)
        with zipfile.ZipFile(tmp_path / name) as archive:
            cases = lines(archive.read("cases.jsonl"))
        orders.append([case["inputs"]["history"]["age_years"] for case in cases])
        assert [case["case_id"] for case in cases] == [f"case {n}" for n in range(1, 13)]
    assert orders[0] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1])


def test_a_broken_ledger_is_not_de_identified(ward: Engine, tmp_path: Path) -> None:
    with ward.connect() as connection:
        connection.exec_driver_sql("DROP TRIGGER events_no_update")
        connection.exec_driver_sql("UPDATE events SET actor = 'm' WHERE sequence = 2")
        connection.commit()
    with pytest.raises(LedgerError, match="cannot be exported de-identified"):
        export(ward, tmp_path / "d.zip", actor="auditor", de_identified=True)
    assert list(tmp_path.glob("*.zip")) == []


def test_the_command_and_a_selection_without_its_names(
    ward: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ward.url.database
    place = ["--workspace", str(Path(ward.url.database).parent), "--out", str(tmp_path / "d.zip")]
    chosen = ["--case", f"{MARK}-case-one", "--reader", f"{MARK}.reader"]
    assert main(["audit", "export", *place, *chosen, "--de-identified"], {}) == 0
    with zipfile.ZipFile(tmp_path / "d.zip") as archive:
        manifest = json.loads(archive.read("manifest.json"))
    assert manifest["selection"] == "cases chosen by case, reader"
    assert manifest["cases"] == ["case 1"]


@pytest.mark.parametrize(
    ("years", "shown"), [(None, None), (0.4, 0), (71.9, 71), (89.9, 89), (90.0, 90), (104.2, 90)]
)
def test_ages(years: float | None, shown: float | None) -> None:
    assert dates.age(years) == shown


def test_an_onset_is_whole_years_and_tells_no_age_above_89(example: Any) -> None:
    noon = example.noon
    onsets = [noon - timedelta(days=days) for days in (10, 400, 365.25 * 95)]
    history = Events(tuple(Event("I10", "x", onset) for onset in onsets))
    made = deidentified.case(Case("c", "p", noon, {"history": history}), Pseudonyms())
    shape = made.inputs["history"]
    assert isinstance(shape, Events)
    assert [item.onset and item.onset.year for item in shape.items] == [2100, 2099, 2010]
    assert made.decision_time == BEGIN


def test_a_selection_is_told_without_names() -> None:
    assert Selection().kinds() == "all cases"
    assert Selection(study="x", since=BEGIN).kinds() == "cases chosen by study, time"
