"""Bad input, as a table: one message with file, row, column and remedy; other cases untouched."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pydicom
import pytest

from clinical.case.case import Case, Problem, SkippedCase, as_json
from clinical.cohorts import folder
from clinical.errors import CohortError

Writer = Callable[..., None]
Spoil = Callable[[Path, Writer], None]


@dataclass(frozen=True)
class Fault:
    """One way to spoil the sound cohort, and the one message it must give."""

    name: str
    spoil: Spoil
    file: str
    row: int | None
    column: str
    says: str
    hits: tuple[str, ...] = ("c1",)
    skips: bool = False


def edit(file: str, old: str, new: str) -> Spoil:
    def spoil(root: Path, _: Writer) -> None:
        text = (root / file).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} is there {text.count(old)} times"
        (root / file).write_text(text.replace(old, new), encoding="utf-8")

    return spoil


def add(file: str, line: str) -> Spoil:
    def spoil(root: Path, _: Writer) -> None:
        with (root / file).open("a", encoding="utf-8") as stream:
            stream.write(line + "\n")

    return spoil


def encode(file: str, old: str, new: str, encoding: str) -> Spoil:
    def spoil(root: Path, _: Writer) -> None:
        text = (root / file).read_text(encoding="utf-8").replace(old, new)
        (root / file).write_bytes(text.encode(encoding))

    return spoil


def dicom(**facts: str) -> Spoil:
    def spoil(root: Path, write: Writer) -> None:
        write(root / "images" / "c1.dcm", **{"patient_id": "p1", **facts})

    return spoil


def remove(root: Path, _: Writer) -> None:
    (root / "images" / "c1.dcm").unlink()


def truncate(root: Path, _: Writer) -> None:
    path = root / "images" / "c1.dcm"
    path.write_bytes(path.read_bytes()[:-700])


def claim_ten_gigapixels(root: Path, _: Writer) -> None:
    path = root / "images" / "c1.dcm"
    found = pydicom.dcmread(path)
    found.Rows, found.Columns, found.NumberOfFrames = 60000, 60000, 3
    found.save_as(path)


def link_out(root: Path, write: Writer) -> None:
    write(root.parent / "elsewhere.dcm", "p1")
    (root / "images" / "c1.dcm").unlink()
    (root / "images" / "c1.dcm").symlink_to(root.parent / "elsewhere.dcm")


def empty_notes(root: Path, _: Writer) -> None:
    (root / NOTE).write_bytes(b"")


def packed_notes(root: Path, _: Writer) -> None:
    packed = gzip.compress((root / NOTE).read_bytes())
    (root / NOTE).write_bytes(packed[:-9])


def broken_parquet(root: Path, _: Writer) -> None:
    (root / NOTE).unlink()
    (root / "notes.parquet").write_bytes(b"PAR1 not really")


def invent_photometric(root: Path, _: Writer) -> None:
    (root / IMAGE).write_text(
        "case_id,path,photometric,view,time\nc1,images/c1.dcm,RGB,PA,2024-03-01\n"
        "c2,images/c2.png,monochrome2,PA,2024-03-01\n"
    )


ALL = ("c1", "c2", "c3")
IMAGE, LAB, NOTE, CASES = "images.csv", "measurements.csv", "notes.csv", "cases.csv"
C1_IMAGE, C1_LAB = "c1,images/c1.dcm,PA,2024-03-01T10:00", "c1,1988-5,120,mg/L,2024-03-01T09:00"
LATE = "after the decision"

FAULTS = [
    Fault(
        "a missing column",
        edit(LAB, "value,unit,time", "value,units,time"),
        LAB,
        1,
        "unit",
        "the column is missing",
        ALL,
    ),
    Fault(
        "a column that looks like one of ours",
        edit(IMAGE, "view,time", "viewposition,time"),
        IMAGE,
        1,
        "viewposition",
        "may be 'view'; the file is not used",
        ("c1", "c2"),
    ),
    Fault(
        "a time under another name",
        edit(NOTE, "text,time", "text,date"),
        NOTE,
        1,
        "date",
        "its rows may be later than the decision",
        ("c1", "c3"),
    ),
    Fault(
        "a column twice",
        edit(IMAGE, "view,time", "view,view"),
        IMAGE,
        1,
        "view",
        "twice",
        ("c1", "c2"),
    ),
    Fault("a bad unit", edit(LAB, "120,mg/L", "120,furlong"), LAB, 2, "unit", "unit not accepted"),
    Fault("an unknown code", edit(LAB, "1988-5", "9-9"), LAB, 2, "code", "not in the table"),
    Fault("an impossible value", edit(LAB, "120,", "120000,"), LAB, 2, "value", "plausible"),
    Fault("a value that is no number", edit(LAB, "120,", "high,"), LAB, 2, "value", "not a number"),
    Fault("a bound without a limit", edit(LAB, "120,", "inf,"), LAB, 2, "value", "beyond the"),
    Fault("a spoilt specimen", edit(LAB, "120,", "haemolysed,"), LAB, 2, "value", "haemolysed"),
    Fault("a code of urine", edit(LAB, "1988-5", "2161-8"), LAB, 2, "code", "a value of urine"),
    Fault("no value", edit(LAB, "120,", ","), LAB, 2, "value", "no value"),
    Fault("a late value", edit(LAB, "03-01T09:00", "03-01T12:01"), LAB, 2, "time", LATE),
    Fault(
        "a value late only in its own zone",
        edit(LAB, "03-01T09:00", "03-01T11:30-05:00"),
        LAB,
        2,
        "time",
        LATE,
    ),
    Fault("a time that is none", edit(LAB, "2024-03-01T09", "soon"), LAB, 2, "time", "ISO 8601"),
    Fault("a late note", edit(NOTE, "03-01T09:30", "03-02T09:30"), NOTE, 2, "time", LATE),
    Fault("an empty note", edit(NOTE, "Dyspnoea.", ""), NOTE, 3, "text", "empty", ("c3",)),
    Fault("a late onset", edit("history.csv", "2019", "2025"), "history.csv", 2, "onset", LATE),
    Fault("no code", edit("history.csv", "J44.9", ""), "history.csv", 2, "code", "empty"),
    Fault("a late image", edit(IMAGE, "03-01T10:00", "03-01T13:00"), IMAGE, 2, "time", LATE),
    Fault(
        "an image late by its own header",
        dicom(acquired="20240301120001"),
        IMAGE,
        2,
        "path",
        "acquired after the decision",
    ),
    Fault("a missing image", remove, IMAGE, 2, "path", "no such image file"),
    Fault("no path", edit(IMAGE, "images/c1.dcm", ""), IMAGE, 2, "path", "no image file is named"),
    Fault(
        "a path upwards",
        edit(IMAGE, "images/c1.dcm", "../folder/images/c1.dcm"),
        IMAGE,
        2,
        "path",
        "leaves the cohort's folder",
    ),
    Fault(
        "an absolute path", edit(IMAGE, "images/c1.dcm", "/etc/passwd"), IMAGE, 2, "path", "leaves"
    ),
    Fault("a link out of the folder", link_out, IMAGE, 2, "path", "leaves the cohort's folder"),
    Fault("a folder as image", edit(IMAGE, "/c1.dcm", ""), IMAGE, 2, "path", "no such image file"),
    Fault("another patient's DICOM", dicom(patient_id="p2"), IMAGE, 2, "path", "patient"),
    Fault("a truncated DICOM", truncate, IMAGE, 2, "path", ""),
    Fault("ten gigapixels", claim_ten_gigapixels, IMAGE, 2, "path", "pixels"),
    Fault(
        "a photometric that is none",
        invent_photometric,
        IMAGE,
        2,
        "photometric",
        "not one of the two",
        ("c1", "c2"),
    ),
    Fault(
        "an image twice",
        add(IMAGE, "\n".join(2 * ["c1,images/c2.png,AP,2024-03-01T08:00"])),
        IMAGE,
        4,
        "path",
        "the same as another one",
    ),
    Fault(
        "a row of no case", add(LAB, "c9,CRP,3,mg/L,"), LAB, 5, "case_id", "not in cases.csv", ()
    ),
    Fault("a case twice", add(CASES, "c1,p9,,,,,"), CASES, 5, "case_id", "that of row 2", ()),
    Fault("a case without id", add(CASES, ",p9,,,,,"), CASES, 5, "case_id", "no case_id", ()),
    Fault("no patient", edit(CASES, "c1,p1", "c1,"), CASES, 2, "patient_id", "empty", skips=True),
    Fault(
        "a decision that is no time",
        edit(CASES, "2024-03-01T12:00", "noon"),
        CASES,
        2,
        "decision_time",
        "not ISO 8601",
        skips=True,
    ),
    Fault(
        "a patient's id that a spreadsheet rounded",
        edit(CASES, "c1,p1", "c1,1.23457E+11"),
        CASES,
        2,
        "patient_id",
        "rounded by a spreadsheet",
        skips=True,
    ),
    Fault(
        "a word for nobody as patient",
        edit(CASES, "c1,p1", "c1,NA"),
        CASES,
        2,
        "patient_id",
        "a missing value",
        skips=True,
    ),
    Fault(
        "an id with a control character",
        add(CASES, "c\x00,p9,2024-03-01,,,,"),
        CASES,
        5,
        "case_id",
        "cannot be seen",
        (),
    ),
    Fault("a sex that is none", edit(CASES, "female", "yes"), CASES, 2, "sex", "sex is not known"),
    Fault("an age that is none", edit(CASES, "61", "412"), CASES, 2, "age_years", "age is not"),
    Fault(
        "a case with nothing",
        add(CASES, "c4,p4,2024-03-01,,,,"),
        CASES,
        5,
        "",
        "no image, measurement",
        ("c4",),
        skips=True,
    ),
    Fault(
        "a cell that is not UTF-8",
        encode(NOTE, "Cough", "Rücken", "cp850"),
        NOTE,
        2,
        "text",
        "not UTF-8 (the first such byte of the file is byte 42)",
    ),
    Fault(
        "cases.csv not UTF-8",
        encode(CASES, "north", "Köln", "cp850"),
        CASES,
        2,
        "site",
        "not UTF-8",
        skips=True,
    ),
    Fault(
        "a header that is not UTF-8",
        encode(NOTE, "section,", "Ärzte,", "cp850"),
        NOTE,
        1,
        "",
        "the header is not UTF-8",
        ("c1", "c3"),
    ),
    Fault(
        "an open quote",
        edit(NOTE, "Dyspnoea.", '"Dyspnoea.'),
        NOTE,
        3,
        "",
        "not valid CSV",
        ("c3",),
    ),
    Fault("a cell too many", edit(LAB, C1_LAB, C1_LAB + ",x"), LAB, 2, "", "6 cells"),
    Fault("a cell too few", edit(LAB, C1_LAB, "c1,1988-5,120"), LAB, 2, "", "cells"),
    Fault("an empty file", empty_notes, NOTE, 1, "", "no header", ("c1", "c3")),
    Fault(
        "Parquet that is none",
        broken_parquet,
        "notes.parquet",
        None,
        "",
        "not readable Parquet",
        ("c1", "c3"),
    ),
    Fault(
        "cut while it was packed",
        packed_notes,
        NOTE,
        1,
        "",
        "packed with gzip, and cut short or damaged",
        ("c1", "c3"),
    ),
    Fault("packed and not", add("notes.csv.gz", "x"), "notes.csv.gz", None, "", "not used", ()),
    Fault("both forms", add("notes.parquet", "PAR1"), "notes.parquet", None, "", "not used", ()),
]


def read(root: Path) -> tuple[dict[str, Case | SkippedCase], list[Problem]]:
    """Cases by id, and every message there is."""
    found: dict[str, Case | SkippedCase] = {}
    messages: list[Problem] = []
    for reading in folder.read(root):
        match reading:
            case Problem():
                messages.append(reading)
            case SkippedCase():
                found[reading.case_id] = reading
                messages.append(reading.problem)
            case Case():
                found[reading.case_id] = reading
                messages.extend(reading.problems)
    return found, messages


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_one_fault_gives_one_message_and_spares_all_other_cases(
    fault: Fault, folder_root: Path, dicom_writer: Writer
) -> None:
    sound, silence = read(folder_root)
    assert silence == []
    fault.spoil(folder_root, dicom_writer)
    found, messages = read(folder_root)
    assert len(messages) == 1, [str(message) for message in messages]
    message = messages[0]
    assert (message.file, message.row, message.column) == (fault.file, fault.row, fault.column)
    assert fault.says in message.reason
    assert message.remedy
    assert list(found) == [entry.case_id for entry in folder.index(folder_root)]
    assert isinstance(found[fault.hits[0]], SkippedCase) == fault.skips if fault.hits else True
    for case_id, before in sound.items():
        after = found[case_id]
        if case_id not in fault.hits:
            assert isinstance(after, Case)
            assert as_json(after) == as_json(before)


def test_messages_hold_nothing_of_the_patient(folder_root: Path, dicom_writer: Writer) -> None:
    (folder_root / NOTE).write_text(
        "case_id,section,text,time\nc1,Mustermann,Mustermann,Mustermann\n", encoding="utf-8"
    )
    (folder_root / LAB).write_text(
        "case_id,code,value,unit,time\nc1,Mustermann,31337,Mustermann,\nc1,CRP,31337,mg/L,\n"
        "c1,CRP,Mustermann,mg/L,\nc1,CRP,3,Mustermann,\n",
        encoding="utf-8",
    )
    (folder_root / IMAGE).write_text(
        "case_id,path\nc1,Mustermann.dcm\nc1,/Mustermann\nc1,images/c1.dcm\n", encoding="utf-8"
    )
    dicom_writer(folder_root / "images" / "c1.dcm", "Mustermann")
    edit(CASES, "c1,p1,2024-03-01T12:00,north,train,female,61", "c1,p1,2024,,,Mustermann,31337")(
        folder_root, dicom_writer
    )
    _, messages = read(folder_root)
    assert len(messages) >= 10
    assert not [str(m) for m in messages if "Mustermann" in str(m) or "31337" in str(m)]


def test_all_faults_of_a_skipped_case_are_told(folder_root: Path, dicom_writer: Writer) -> None:
    remove(folder_root, dicom_writer)
    edit(CASES, "c1,p1,2024-03-01T12:00,north,train,female,61", "c1,p1,,,,,")(
        folder_root, dicom_writer
    )
    edit("history.csv", "c1,J44.9,COPD,2019", "c1,,,")(folder_root, dicom_writer)
    found, messages = read(folder_root)
    assert isinstance(found["c1"], SkippedCase)
    # The image, the measurement, the history item and the note: none can be placed before a
    # decision that has no time, or used at all.
    assert sorted(message.file for message in messages) == [
        "history.csv",
        "images.csv",
        "measurements.csv",
        "notes.csv",
    ]
    assert {message.case_id for message in messages} == {"c1"}


DIAGNOSES = "[[diagnoses]]"
COHORT_FAULTS = [
    ("cases.csv", ",age_years", ",age_year", r"column age_year: .*may be 'age_years'"),
    ("cases.csv", ",sex,", ",Geschlecht,", r"may be 'sex'.*sex = \"Geschlecht\" under"),
    ("cohort.toml", DIAGNOSES, '[csv]\ndecimal = ";"\n' + DIAGNOSES, "neither a point"),
    ("cohort.toml", DIAGNOSES, '[csv]\ncomma = ";"\n' + DIAGNOSES, "unknown key 'comma'"),
    ("cohort.toml", DIAGNOSES, '[columns.notes]\ntimes = "a"\n' + DIAGNOSES, "'time'"),
    (
        "cohort.toml",
        DIAGNOSES,
        '[columns.cases]\nsite = "ward"\n' + DIAGNOSES,
        "column site: cohort.toml names a column that the file does not have",
    ),
    ("cases.csv", "patient_id,", "patient,", r"cases\.csv, row 1, column patient_id.*rename"),
    ("cohort.toml", "licence", "license", r"unknown key 'license'.*'licence'"),
    ("cohort.toml", "code =", "snomed =", "unknown key 'snomed'"),
    ("cohort.toml", "Europe/Berlin", "Europe/Atlantis", "time_zone is not a known zone"),
    ("cohort.toml", '"CC0"', "0", "licence is not text"),
    ("cohort.toml", '"CC0"', "", "is not TOML"),
    ("cohort.toml", "[[diagnoses]]", "[diagnoses]", "not a list of tables"),
    ("cohort.toml", 'name = "pneumonia"', "", "has no name"),
]


@pytest.mark.parametrize(("file", "old", "new", "says"), COHORT_FAULTS)
def test_a_cohort_that_cannot_be_read_at_all_is_one_error(
    folder_root: Path, dicom_writer: Writer, file: str, old: str, new: str, says: str
) -> None:
    edit(file, old, new)(folder_root, dicom_writer)
    with pytest.raises(CohortError, match=says) as caught:
        list(folder.read(folder_root))
    assert caught.value.remedy


LABEL_FAULTS = [
    ("c2,pneumonia,0", "c2,pneumonia,2", "row 3, column value"),
    ("c1,pneumonia,1", "c1,Pneumonia,1", "row 2, column diagnosis"),
    ("c1,pneumonia,1", "c9,pneumonia,1", "row 2, column case_id"),
    ("c1,pneumonia,1", "c1,pneumonja,1", "row 2, column diagnosis"),
    ("c2,pneumonia,0", "c2,pneumonia,maybe", "row 3, column value"),
    ("c2,pneumonia,0", "c1,pneumonia,0", "row 3, column diagnosis.*already"),
    ("c3,pneumonia,", "c3,pneumonia,,", "row 4.*4 cells"),
    ("c3,pneumonia,", 'c3,"pneumonia,', "row 4.*not valid CSV"),
    ("diagnosis,value", "diagnosis,values", "row 1, column value.*rename"),
]


@pytest.mark.parametrize(("old", "new", "says"), LABEL_FAULTS)
def test_a_label_that_cannot_be_understood_stops_and_names_its_place(
    folder_root: Path, dicom_writer: Writer, old: str, new: str, says: str
) -> None:
    edit("outcomes.csv", old, new)(folder_root, dicom_writer)
    with pytest.raises(CohortError, match=says):
        list(folder.outcomes(folder_root))
    found, messages = read(folder_root)
    assert len(found) == 3
    assert messages == [], "reading cases never opens the labels"
