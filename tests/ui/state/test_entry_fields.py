"""What the fields of the form say together, and how a case stands in them that is corrected."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import reading_fixture

from clinical.case.case import Case
from clinical.case.shapes import Measurement, Measurements
from clinical.cohorts.entered import Condition, Section
from clinical.cohorts.received import Received
from ui.state import entry_fields
from ui.state.entry_fields import file_key

PNG = Received("files/0001", "film.png", "picture", "ab" * 32, 1)
DICOM = Received("files/0002", "film", "image", "cd" * 32, 1)
ECG = Received("files/0003", "trace", "recording", "ef" * 32, 1)
TABLE = Received("files/0004/table.csv", "trace.csv", "samples", "12" * 32, 1, 0, "250")
NOON = datetime(2024, 3, 1, 12, tzinfo=UTC)


def test_a_new_form_is_empty_but_for_now_and_here() -> None:
    fields = entry_fields.defaults(NOON, "Europe/Berlin")
    assert fields[entry_fields.DECISION] == "2024-03-01 13:00"
    assert fields[entry_fields.ZONE] == "Europe/Berlin"
    assert entry_fields.defaults(NOON, "Nowhere/Land")[entry_fields.ZONE] == "UTC"
    found = entry_fields.entered(fields, (), "added-0007")
    assert (found.case_id, found.patient_id, found.measurements) == ("added-0007", "", ())


def test_what_the_fields_say() -> None:
    fields = {
        entry_fields.PATIENT: " p1 ",
        entry_fields.AGE: "",
        entry_fields.BIRTH: "1964-05-31",
        entry_fields.LABS: "CRP;112;mg/L",
        entry_fields.LABS_TIME: "2024-03-01",
        entry_fields.HISTORY: ["J45.9", "Essential (primary) hypertension", "smoker"],
        entry_fields.since_key("J45.9"): "2019",
        entry_fields.DENIED: ["I26.9"],
        entry_fields.note_key("examination"): "Crackles.",
        file_key("role", DICOM): "prior",
        file_key("view", PNG): entry_fields.UNKNOWN_VIEW,
        file_key("photometric", PNG): "MONOCHROME1",
        file_key("photometric", DICOM): "MONOCHROME1",
    }
    found = entry_fields.entered(fields, (PNG, DICOM, ECG), "added-0001")
    assert (found.patient_id, found.birth_date) == ("p1", "1964-05-31")
    assert found.measurements == (("CRP", "112", "mg/L", "2024-03-01", ""),)
    assert [(f.path, f.view, f.photometric, f.role) for f in found.films] == [
        ("files/0001", "", "MONOCHROME1", ""),
        ("files/0002", "", "", "prior"),
    ]
    assert [file.path for file in found.recordings] == ["files/0003"]
    assert found.history[0] == Condition("J45.9", "Asthma", "2019")
    assert found.history[2] == Condition("smoker", "smoker")
    assert found.history[3].present is False
    assert found.notes == (Section("examination", "Crackles."),)


def test_an_age_counts_before_a_birth_date() -> None:
    fields = {entry_fields.AGE: "61", entry_fields.BIRTH: "1964-05-31"}
    assert entry_fields.entered(fields, (), "x").birth_date == ""


def test_only_a_picture_is_asked_what_it_does_not_say() -> None:
    asked = entry_fields.unanswered({}, (PNG, DICOM, ECG))
    assert set(asked) == {file_key("photometric", PNG), file_key("view", PNG)}
    answered = {file_key("photometric", PNG): "MONOCHROME2", file_key("view", PNG): "PA"}
    assert entry_fields.unanswered(answered, (PNG,)) == {}


def test_a_table_of_samples_is_asked_for_what_it_does_not_say() -> None:
    fields = entry_fields.file_defaults((TABLE,))
    assert fields[file_key("rate", TABLE)] == "250"
    assert set(entry_fields.unanswered(fields, (TABLE, ECG))) == {file_key("unit", TABLE)}
    fields[file_key("unit", TABLE)] = "uV"
    assert entry_fields.unanswered(fields, (TABLE,)) == {}
    found = entry_fields.entered(fields, (ECG, TABLE), "x")
    assert [(file.path, file.rate, file.unit) for file in found.recordings] == [
        ("files/0003", "", ""),
        ("files/0004/table.csv", "250", "uV"),
    ]


def test_a_column_is_what_was_chosen_for_it() -> None:
    fields = {
        entry_fields.LABS: "Test;A;B\nCRP;mg/L;112",
        entry_fields.column_key(1, "A"): "unit",
        entry_fields.column_key(2, "B"): "value",
    }
    assert entry_fields.entered(fields, (), "x").measurements == (("CRP", "112", "mg/L", "", ""),)


def test_a_case_stands_in_the_fields_as_its_record_has_it() -> None:
    fields = entry_fields.of_case(reading_fixture.make_case(1))
    assert fields[entry_fields.PATIENT] == "PAT-001"
    assert fields[entry_fields.AGE] == "67"
    assert fields[entry_fields.HISTORY] == ["J44.9", "I10", "local:smoker"]
    assert fields[entry_fields.DENIED] == ["I80.2"]
    assert fields[entry_fields.note_key("note")].startswith("Cough with rust-coloured sputum")
    again = entry_fields.entered(fields, (), "x")
    assert len(again.measurements) == 19
    assert again.measurements[0][:3] == ("1988-5", "187", "mg/L")


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        (("117", "µmol/l"), "2160-0;117;µmol/l;"),
        (("117,0", "µmol/l"), "2160-0;1.323504;mg/dL;"),
    ],
)
def test_a_value_is_written_as_its_source_did_where_that_says_the_same(
    raw: tuple[str, str], line: str
) -> None:
    item = Measurement("2160-0", "Creatinine", 1.323504, "mg/dL", None, *raw)
    case = Case("c", "p", NOON, {"measurements": Measurements((item,))})
    assert entry_fields.of_case(case)[entry_fields.LABS].splitlines()[1] == line
