"""A cohort with everything wrong in it at once: one message each, the good cases still assessed.

Runs the real command on copies of the embedded cases.
"""

from __future__ import annotations

import csv
import re
import shutil
from pathlib import Path

import pydicom
import pytest

from pipelines.cli import main
from pipelines.commands.demo import SAMPLE_DATA

KEPT = 8
TABLES = ("cases", "images", "measurements", "history", "notes")


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first eight embedded cases."""
    out = tmp_path_factory.mktemp("bad") / "cohort"
    (out / "images").mkdir(parents=True)
    shutil.copy(SAMPLE_DATA / "cohort.toml", out)
    wanted = {f"sim-2026-{number:06d}" for number in range(KEPT)}
    for table in TABLES:
        with (SAMPLE_DATA / f"{table}.csv").open(encoding="utf-8") as lines:
            reader = csv.DictReader(lines)
            rows = [row for row in reader if row["case_id"] in wanted]
            write(out / f"{table}.csv", rows)
    for file in (SAMPLE_DATA / "images").glob("*.dcm"):
        if file.stem in wanted:
            shutil.copy(file, out / "images")
    return out


def write(file: Path, rows: list[dict[str, str]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def read(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture(scope="module")
def spoiled(cohort: Path) -> Path:
    images = sorted((cohort / "images").glob("*.dcm"))
    assert len(images) >= 5
    missing, truncated, gigantic, stranger = images[:4]
    missing.unlink()
    truncated.write_bytes(truncated.read_bytes()[:4000])
    dataset = pydicom.dcmread(gigantic)
    dataset.Rows = dataset.Columns = 65000
    dataset.NumberOfFrames = 3
    dataset.save_as(gigantic)
    dataset = pydicom.dcmread(stranger)
    dataset.PatientID = "somebody-else"
    dataset.save_as(stranger)
    measurements = read(cohort / "measurements.csv")
    measurements[0]["unit"] = "furlong"
    measurements[1]["time"] = "2031-01-01T00:00:00+00:00"
    write(cohort / "measurements.csv", measurements)
    write(
        cohort / "history.csv",
        [{k: v for k, v in row.items() if k != "code"} for row in read(cohort / "history.csv")],
    )
    notes = (cohort / "notes.csv").read_bytes().replace(b"old male", b"old m\x81nnlich", 1)
    (cohort / "notes.csv").write_bytes(notes)
    return cohort


@pytest.fixture(scope="module")
def result(spoiled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("result")
    assert main(["assess", str(spoiled), "--out", str(out)], {}) == 0
    return out


@pytest.mark.parametrize(
    ("file", "column", "words"),
    [
        ("images.csv", "path", "no such image"),
        ("images.csv", "path", "ends before its pixel data"),
        ("images.csv", "path", "12,675,000,000 in all"),
        ("images.csv", "path", "a different patient"),
        ("measurements.csv", "unit", "unit"),
        ("measurements.csv", "time", "after the decision"),
        ("history.csv", "code", "column"),
        ("notes.csv", "text", "UTF-8"),
    ],
)
def test_each_mistake_has_one_message_with_its_place_and_remedy(
    result: Path, file: str, column: str, words: str
) -> None:
    found = [
        row
        for row in read(result / "problems.csv")
        if row["file"] == file and re.search(words, row["reason"])
    ]
    assert len(found) == 1, [
        (row["file"], row["column"], row["reason"]) for row in read(result / "problems.csv")
    ]
    (problem,) = found
    assert problem["column"] == column
    assert problem["remedy"]
    assert problem["row"]


def test_the_good_cases_are_still_assessed(result: Path) -> None:
    assert len((result / "assessments.jsonl").read_text(encoding="utf-8").splitlines()) == KEPT
    assert read(result / "skipped.csv") == []
    assert len(read(result / "problems.csv")) == 8
