"""Thirty pieces of personal data, planted wherever a hospital has them, on the road of a case.

Read from a cohort, assessed, decided on, reported and exported, none of them is in the
ledger, in what is printed or logged, in the name of a file, in a temporary folder, or in a
de-identified export. They are in the store, of course, and in the export that is not de-identified.
"""

from __future__ import annotations

import contextlib
import csv
import io
import logging
import shutil
import tempfile
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pydicom
import pytest
from printed_file import unpacked

from clinical.audit import ledger
from clinical.case.assessment import ReviewDecision
from clinical.review import decisions
from clinical.review.intake import record_opened
from clinical.workspace.database import DATABASE_NAME, opened
from pipelines.cli import main

pytestmark = pytest.mark.long

SAMPLE = Path(__file__).parents[1] / "sample_data" / "cohort"
CASE = "sim-2026-000001"
READER = "dr.reader"

IN_THE_FILM = {
    "PatientName": "Rademacher-Utz^Ottokarine",
    "PatientBirthName": "Zwiebelstrunk",
    "PatientMotherBirthName": "Oelkers-Vandenbosch",
    "PatientAddress": "Krummhoerner Deich 417",
    "PatientTelephoneNumbers": "+49 4923 990417",
    "OtherPatientNames": "Quisti^Mine",
    "MilitaryRank": "Oberstabsbootsfrau",
    "PatientComments": "Nachbarin von Frau Abeltje Brons",
    "InstitutionName": "Klinik Hinterm Siel",
    "InstitutionAddress": "Sielstrasse 88213",
    "ReferringPhysicianName": "Feddersen-Kroog^Tjark",
    "OperatorsName": "Haselnuss^Imke",
    "StationName": "ROE-SIEL-4",
    "AccessionNumber": "ACC-7734190",
    "DeviceSerialNumber": "SN-55120-QX",
    "StudyDescription": "Thorax Quistorp W.",
}
IN_THE_NOTE = (
    "Mrs Hedwigis Plumpudding",
    "born 29.02.1932",
    "MRN 60419-Z",
    "insured as QX112358132",
    "passport C4VF88Q1",
    "wilhelmine@deichpost.example",
    "https://deichpost.example/mine",
    "198.51.100.77",
    "IBAN DE02 9988 7766",
    "drives AUR-WQ 417",
)
IN_THE_TABLES = {
    "patient_id": "PID-Quistorp-0417",
    "site": "Hinterm Siel Ost",
    "history": "as her cousin Gesche Appeldoorn",
    "measurement": "see letter of Dr Knurrhahn",
}
COMMENT = "I know her daughter, Talea Quistorp-Jong"
PLANTED = (*IN_THE_FILM.values(), *IN_THE_NOTE, *IN_THE_TABLES.values(), COMMENT)


@dataclass(frozen=True)
class Road:
    """What is left of one case that went the whole road."""

    workspace: Path
    folder: Path
    temporary: Path
    said: str


def rewrite(cohort: Path, name: str, **changed: str) -> None:
    """Keep the rows of the case, with these cells changed in the first of them."""
    with (SAMPLE / name).open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["case_id"] == CASE]
    rows[0] |= changed
    with (cohort / name).open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def planted(cohort: Path) -> Path:
    (cohort / "images").mkdir(parents=True)
    shutil.copy(SAMPLE / "cohort.toml", cohort)
    patient = IN_THE_TABLES["patient_id"]
    rewrite(cohort, "cases.csv", patient_id=patient, site=IN_THE_TABLES["site"])
    rewrite(cohort, "history.csv", display=IN_THE_TABLES["history"])
    rewrite(cohort, "measurements.csv", value=IN_THE_TABLES["measurement"])
    rewrite(cohort, "notes.csv", text=f"Seen at home. {'; '.join(IN_THE_NOTE)}. Cough and fever.")
    rewrite(cohort, "images.csv")
    film = pydicom.dcmread(SAMPLE / "images" / f"{CASE}.dcm")
    film.PatientID = patient
    for keyword, text in IN_THE_FILM.items():
        setattr(film, keyword, text)
    film.save_as(cohort / "images" / f"{CASE}.dcm")
    return cohort


@pytest.fixture(scope="module")
def road(tmp_path_factory: pytest.TempPathFactory) -> Road:
    folder = tmp_path_factory.mktemp("road")
    workspace, temporary, log = folder / "workspace", folder / "temporary", folder / "log.txt"
    temporary.mkdir()
    cohort = planted(folder / "cohort")
    handler = logging.FileHandler(log)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(temporary))
        patch.setenv("TMPDIR", str(temporary))
        logging.getLogger().addHandler(handler)
        try:
            printed = travel(cohort, folder, workspace)
        finally:
            logging.getLogger().removeHandler(handler)
            handler.close()
    return Road(workspace, folder, temporary, printed + log.read_text(encoding="utf-8"))


def travel(cohort: Path, folder: Path, workspace: Path) -> str:
    """The whole road; returns what was printed on it."""
    place = ["--workspace", str(workspace)]
    printed = run("assess", str(cohort), "--out", str(folder / "assessed"), *place)
    printed += run("check", str(cohort))
    decide(workspace)
    printed += run("audit", "verify", *place, "--pixels")
    printed += run("report-agreement", "--out", str(folder / "report"), *place)
    printed += run("audit", "export", "--out", str(folder / "whole.zip"), *place)
    hidden = ["--de-identified", "--actor", "auditor", "--out", str(folder / "hidden.zip")]
    return printed + run("audit", "export", *hidden, *place)


def run(*words: str) -> str:

    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(out):
        code = main(list(words), {})
    assert code in (0, 1), out.getvalue()
    return out.getvalue()


def decide(workspace: Path) -> None:
    with opened(workspace) as engine:
        record_opened(engine, CASE, READER)
        with engine.connect() as connection:
            (assessed,) = ledger.events(connection, case_id=CASE, kind="ASSESSED")
        now, digest = datetime.now(UTC), str(assessed.payload["assessment"])
        diagnosis = "bacterial_pneumonia"
        decided = ReviewDecision(
            CASE, digest, diagnosis, "accept", "", READER, now, comment=COMMENT
        )
        decisions.decide(engine, decided)


def found(text: str) -> list[str]:
    """The markers that a text holds, also in the other spelling of a name in DICOM."""
    lower = text.lower()
    return [mark for mark in PLANTED if any(part in lower for part in spellings(mark))]


def spellings(mark: str) -> list[str]:
    lower = mark.lower()
    return [lower, *(part for part in lower.split("^") if "^" in lower and len(part) > 5)]


def archive(file: Path) -> dict[str, str]:
    with zipfile.ZipFile(file) as packed:
        files = {name: packed.read(name) for name in packed.namelist()}
    files["report.pdf"] = unpacked(files["report.pdf"])
    return {name: data.decode("utf-8", "replace") for name, data in files.items()}


def test_there_are_thirty_and_they_were_read(road: Road) -> None:
    assert len(set(PLANTED)) > 30
    kept = (road.workspace / DATABASE_NAME).read_bytes().decode("utf-8", "replace")
    tables = {mark for field, mark in IN_THE_TABLES.items() if field != "measurement"}
    read = {*IN_THE_NOTE, *tables, COMMENT}  # what stands for a value and is none is not kept
    assert set(found(kept)) >= read, "they are in the store, or nothing is shown by this"


def test_none_is_in_the_ledger(road: Road) -> None:
    with opened(road.workspace) as engine, engine.connect() as connection:
        for table in ("events", "tree_heads", "ledger_head", "accounts"):
            for row in connection.exec_driver_sql(f"SELECT * FROM {table}"):
                assert found(str(tuple(row))) == [], table


def test_of_the_header_of_a_film_only_the_accession_number_is_kept(road: Road) -> None:
    """A department asks for a case by it; it is searched for as the patient's id is."""
    kept = (road.workspace / DATABASE_NAME).read_bytes().decode("utf-8", "replace")
    number = IN_THE_FILM["AccessionNumber"]
    assert {mark for mark in found(kept) if mark in IN_THE_FILM.values()} == {number}


def test_none_is_printed_or_logged(road: Road) -> None:
    assert "intact" in road.said
    assert found(road.said) == []


def test_none_is_left_in_a_temporary_folder_or_names_a_file(road: Road) -> None:
    left = list(road.temporary.rglob("*"))
    assert [place for place in left if place.is_file()] == []  # PyTorch leaves an empty folder
    assert found("\n".join(map(str, left))) == []
    assert found("\n".join(str(file) for file in road.folder.rglob("*"))) == []


def test_none_is_in_the_agreement_report(road: Road) -> None:
    for file in (road.folder / "report").rglob("*"):
        assert found(unpacked(file.read_bytes()).decode("utf-8", "replace")) == [], file.name


def test_none_is_in_a_de_identified_export_and_the_whole_one_holds_them(road: Road) -> None:
    for name, text in archive(road.folder / "hidden.zip").items():
        assert found(text) == [], name
    whole = "\n".join(archive(road.folder / "whole.zip").values())
    assert set(found(whole)) >= {*IN_THE_NOTE, COMMENT}
