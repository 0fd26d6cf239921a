"""Which images are marked: a model of smooth round shadows against everything else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from clinic_of_two import write_cohort
from PIL import Image

from clinical.case.shapes import Array, Arrays
from clinical.cohorts.sources import source
from clinical.errors import ModelError
from clinical.modalities.encoding import mean_embedding
from clinical.modalities.radiograph import encoder
from clinical.model.domain import fit_envelope
from clinical.model.model import EncoderSpec, Model
from pipelines.assessing import domain_check
from pipelines.assessing.domain_check import AS_IT_IS, REFUSED, Marked

SETTINGS = encoder.Settings(image_size=96)


def shadow(seed: int) -> np.ndarray:
    """A bright disc in the upper left of a dim field, never twice in the same place."""
    generator = np.random.default_rng(seed)
    row, column = generator.normal(40, 3), generator.normal(40, 3)
    rows, columns = np.mgrid[:128, :128]
    disc = 1 / (1 + np.exp((np.hypot(rows - row, columns - column) - 25) / 4))
    grain = generator.normal(0, 0.01, disc.shape)
    return np.asarray(255 * (0.2 + 0.6 * disc + grain).clip(0, 1), dtype=np.float32)


@pytest.fixture(scope="module")
def model(model_of_two: Model) -> Model:
    prepared = [encoder.prepare(Arrays((Array(shadow(seed)),)), SETTINGS) for seed in range(60)]
    clouds = np.stack(
        [e for p in prepared if (e := mean_embedding(p, encoder.EMBEDDING)) is not None]
    )
    return replace(
        model_of_two,
        specs={"image": EncoderSpec("radiograph", SETTINGS)},
        envelopes={"image": fit_envelope(clouds[:40], clouds[40:])},
    )


def score(model: Model, kind: str, seed: int) -> float:
    changed = domain_check.KINDS[kind](shadow(seed), np.random.default_rng(seed))
    return domain_check.image_score(model, "image", model.specs["image"], changed)


def test_ordinary_images_pass_and_spoilt_ones_are_marked(model: Model) -> None:
    assert np.mean([score(model, AS_IT_IS, seed) <= 1 for seed in range(100, 115)]) > 0.8
    for kind in ("upside down", "inverted", "nothing but noise"):
        assert all(score(model, kind, seed) > 1 for seed in range(100, 105)), kind


def test_a_cohort_is_judged_as_it_is_and_spoilt(model: Model, tmp_path: Path) -> None:
    cohort = write_cohort(tmp_path / "cohort", cases=4)
    lines = ["case_id,path,photometric"]
    for number in range(3):  # the fourth case has no image
        Image.fromarray(shadow(300 + number).astype(np.uint8)).save(cohort / f"{number}.png")
        lines.append(f"c{number:04d},{number}.png,MONOCHROME2")
    (cohort / "images.csv").write_text("\n".join(lines) + "\n")
    rows = {row.kind: row for row in domain_check.check_cohort(model, source("folder"), cohort)}
    assert set(rows) == set(domain_check.KINDS)
    assert {row.images for row in rows.values()} == {3}
    assert rows[AS_IT_IS].median < 1 < rows["nothing but noise"].median
    assert rows["nothing but noise"].marked == 3


def test_files_are_counted_by_what_they_are(model: Model, tmp_path: Path) -> None:
    Image.fromarray(shadow(200).astype(np.uint8)).save(tmp_path / "one.png")
    (tmp_path / "letter.txt").write_text("no image")
    found = {row.kind: row for row in domain_check.check_files(model, tmp_path)}
    assert found["no DICOM modality"].images == 1
    assert found[REFUSED].images == found[REFUSED].marked == 1


def test_a_model_without_images_is_named(model_of_two: Model, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="does not read images"):
        domain_check.check_files(model_of_two, tmp_path)


def test_the_table_gives_numbers_and_shares() -> None:
    rows = [Marked("hand", 4, 3, 1.5), Marked(REFUSED, 0, 0, float("nan"))]
    assert "| hand | 4 | 3 (75%) | 1.50 |" in domain_check.table(rows)
    assert "| refused by the reader | 0 | - | - |" in domain_check.table(rows)
