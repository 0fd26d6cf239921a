"""The embedded cohort is what `triptych simulate` makes, small, and read without a problem."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from clinical.case.case import Case
from clinical.case.shapes import Array
from clinical.cohorts import folder
from clinical.dicom.read import read_image
from pipelines.commands.demo import SAMPLE_DATA
from pipelines.laboratory.simulate.cohort import simulate


def rows(file: Path) -> list[Mapping[str, str]]:
    with file.open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


@pytest.fixture(scope="module")
def again(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("again") / "cohort"
    simulate(6, 2026, out, rows=480)
    return out


@pytest.mark.parametrize("table", ["cases", "measurements", "history", "notes", "outcomes"])
def test_the_tables_are_reproduced(again: Path, table: str) -> None:
    made = rows(again / f"{table}.csv")
    wanted = {row["case_id"] for row in made}
    kept = [row for row in rows(SAMPLE_DATA / f"{table}.csv") if row["case_id"] in wanted]
    assert made == kept


def test_the_pixels_are_reproduced(again: Path) -> None:
    files = sorted((again / "images").glob("*.dcm"))
    assert len(files) >= 5
    for file in files:
        kept = SAMPLE_DATA / "images" / file.name
        if kept.read_bytes() == file.read_bytes():
            continue
        # Another processor may round an exponential differently in its last bit.
        difference = np.abs(read_image(kept).values - read_image(file).values)
        assert difference.max() <= 1
        assert (difference > 0).mean() < 0.01


def test_it_is_small_and_every_case_is_whole() -> None:
    size = sum(file.stat().st_size for file in SAMPLE_DATA.rglob("*") if file.is_file())
    assert size <= 12_000_000
    readings = list(folder.read(SAMPLE_DATA))
    assert len(readings) == 48
    assert all(isinstance(reading, Case) and not reading.problems for reading in readings)


def test_masks_cover_the_pixels_of_their_image() -> None:
    from PIL import Image

    images = {
        reading.case_id: reading.inputs["image"].arrays[0]
        for reading in folder.read(SAMPLE_DATA)
        if isinstance(reading, Case) and "image" in reading.inputs
    }
    for row in rows(SAMPLE_DATA / "masks.csv"):
        image = images[row["case_id"]]
        assert isinstance(image, Array)
        with Image.open(SAMPLE_DATA / row["path"]) as mask:
            assert mask.size[::-1] == image.values.shape
            assert np.asarray(mask).any()
