"""The MEDS dataset: valid by the standard's own schemas, read back the same, with its event."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import meds
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine

from clinical import canonical
from clinical.audit import ledger, retention
from clinical.audit.verify import verify
from clinical.case.case import Case
from clinical.case.shapes import Events, Measurements, Texts
from clinical.cohorts import meds as source
from clinical.errors import ConfigError, LedgerError, StoreError
from clinical.export import meds as export
from clinical.export.meds import export_meds
from clinical.export.selection import Selection
from clinical.review import decisions, progress, signature
from clinical.review.intake import record_assessment
from clinical.workspace.database import writing

ASKED = ("bacterial_pneumonia", "heart_failure")


@pytest.fixture
def signed(workspace: Engine, example: Any) -> Engine:
    """Two cases; the first is signed, with one diagnosis accepted and one rejected."""
    digest, _ = example.recorded(workspace)
    for diagnosis, action in zip(ASKED, ("accept", "reject"), strict=True):
        reason = "not_clinically_plausible" if action == "reject" else ""
        decision = example.decision(digest, diagnosis=diagnosis, action=action, reason=reason)
        decisions.decide(workspace, decision)
    with workspace.connect() as connection:
        mine = progress.progress(ledger.events(connection, case_id="case-1")).of(example.reader)
    of = signature.decisions_digest(mine)
    at = example.noon + timedelta(minutes=9)
    signature.sign(
        workspace, signature.Signature("case-1", digest, example.reader, "reader", of, at)
    )
    with writing(workspace) as connection:
        other = example.case("case-2")
        record_assessment(connection, other, example.assessment(other), "system")
    return workspace


@pytest.fixture
def out(signed: Engine, tmp_path: Path) -> Path:
    export_meds(signed, tmp_path / "meds", actor="dr.ada")
    return tmp_path / "meds"


def rows(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(path).to_pylist()
    return found


def codes(found: Iterable[dict[str, Any]], subject: int = 1) -> list[str]:
    return [row["code"] for row in found if row["subject_id"] == subject]


def test_every_file_is_valid_by_the_schemas_of_the_standard(out: Path) -> None:
    meds.DataSchema.validate(pq.read_table(out / "data/0.parquet"))
    meds.CodeMetadataSchema.validate(pq.read_table(out / "metadata/codes.parquet"))
    for path in (out / "labels").iterdir():
        meds.LabelSchema.validate(pq.read_table(path))
    told = json.loads((out / meds.dataset_metadata_filepath).read_text(encoding="utf-8"))
    meds.DatasetMetadataSchema.validate(told)


def test_the_schemas_would_say_so(out: Path) -> None:
    table = pq.read_table(out / "data/0.parquet")
    with pytest.raises(Exception, match="subject_id"):
        meds.DataSchema.validate(table.drop_columns(["subject_id"]))
    as_text = table.set_column(0, "subject_id", table.column("subject_id").cast(pa.string()))
    with pytest.raises(Exception, match="subject_id"):
        meds.DataSchema.validate(as_text)


def test_a_subject_is_in_one_place_and_in_the_order_of_time(out: Path) -> None:
    found = rows(out / "data/0.parquet")
    assert [row["subject_id"] for row in found] == sorted(row["subject_id"] for row in found)
    of_one = [row for row in found if row["subject_id"] == 1]
    assert [row["code"] for row in of_one if row["time"] is None] == ["GENDER//F"]
    times = [row["time"] for row in of_one if row["time"]]
    assert times == sorted(times)
    assert set(codes(of_one)) == {
        *("GENDER//F", "MEDS_BIRTH", "TRIPTYCH//DECISION", "IMAGE", "NOTE//Presenting complaint"),
        *("LOINC//1988-5", "LOINC//2823-3", "LOINC//2951-2"),
        *("ICD-10:I10", "ABSENT//ICD-10:J44"),
    }
    assert set(codes(of_one)) <= {row["code"] for row in rows(out / "metadata/codes.parquet")}


def test_it_is_read_back_as_the_case_that_it_was(out: Path, example: Any) -> None:
    (found,) = source.read(out)
    assert isinstance(found, Case)
    before = example.case()
    measured, history, notes = (found.inputs[name] for name in ("measurements", "history", "notes"))
    assert isinstance(measured, Measurements)
    assert isinstance(history, Events)
    assert isinstance(notes, Texts)
    used = [m for m in before.inputs["measurements"].items if m.value is not None]
    assert {(m.code, m.value, m.unit, m.time) for m in measured.items} == {
        (m.code, m.value, m.unit, m.time) for m in used
    }
    assert {(e.code, e.present) for e in history.items} == {("I10", True), ("J44", False)}
    assert (history.sex, history.age_years) == ("female", 71.0)
    assert notes.items == before.inputs["notes"].items
    assert found.decision_time == before.decision_time
    assert found.inputs["image"].arrays[0].values.shape == (40, 30)
    assert [(p.row, p.column) for p in found.problems] == [(11, "view")]  # it said none before


def test_labels_are_what_finished_readings_hold(out: Path, example: Any) -> None:
    assert {o.diagnosis: o.value for o in source.outcomes(out)} == {
        "bacterial_pneumonia": True,
        "heart_failure": False,
    }
    (entry,) = source.index(out)
    assert entry.patient_id == "1"
    (label,) = rows(out / "labels/heart_failure.parquet")
    assert label["prediction_time"] == example.noon.replace(tzinfo=None)


def test_the_event_names_the_digest_of_all_files(signed: Engine, out: Path) -> None:
    files = {
        path.relative_to(out).as_posix(): canonical.sha256(path.read_bytes())
        for path in out.rglob("*")
        if path.is_file()
    }
    with signed.connect() as connection:
        *_, last = ledger.events(connection)
        assert verify(connection).intact
    assert (last.kind, last.actor, last.payload["what"]) == ("EXPORTED", "dr.ada", "meds")
    assert (last.payload["cases"], last.payload["files"]) == (2, canonical.digest(files))


def test_what_is_left_out_is_counted_and_a_purged_case_is_not_there(
    signed: Engine, tmp_path: Path
) -> None:
    retention.purge(signed, ["case-1"], because="erasure", actor="dr.eve")
    done = export_meds(signed, tmp_path / "meds", actor="dr.ada")
    assert (done.subjects, done.cases, done.labels, done.unused) == (1, 1, 0, 1)
    assert {row["case_id"] for row in rows(tmp_path / "meds/data/0.parquet")} == {"case-2", None}
    (found,) = source.read(tmp_path / "meds")  # without a label, its decision says when it was
    assert isinstance(found, Case)
    assert list(source.outcomes(tmp_path / "meds")) == []


def test_where_nothing_can_be_recorded_nothing_is_written(
    signed: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise LedgerError("The ledger is full.")

    monkeypatch.setattr(export.ledger, "append", refuse)
    with pytest.raises(LedgerError):
        export_meds(signed, tmp_path / "meds", actor="dr.ada")
    assert [path.name for path in tmp_path.iterdir()] == ["workspace"]


def test_a_folder_that_is_there_is_not_touched_and_an_unknown_case_is_said(
    signed: Engine, tmp_path: Path
) -> None:
    (tmp_path / "meds").mkdir()
    with pytest.raises(ConfigError, match="there already"):
        export_meds(signed, tmp_path / "meds", actor="dr.ada")
    wanted = Selection(frozenset({"case-9"}))
    with pytest.raises(StoreError, match="holds no assessed case"):
        export_meds(signed, tmp_path / "other", actor="dr.ada", wanted=wanted)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["meds", "workspace"]
