"""What is kept of a cohort's pixels while it is read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from clinical.cohorts import folder
from clinical.config import CohortConfig, ModelConfig, StudyConfig, TrainingConfig
from pipelines.laboratory.simulate.cohort import simulate
from pipelines.study import read_cohort as reading
from pipelines.study.guards.image_regions import region_rows
from pipelines.study.read_cohort import read_cohort

CASES = 6


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A simulated clinic, which has masks of the lungs."""
    out = tmp_path_factory.mktemp("clinic") / "cohort"
    simulate(CASES, 5, out, rows=128)
    return out


def study_of(cohort: Path) -> StudyConfig:
    return StudyConfig(
        "read",
        CohortConfig(str(cohort)),
        model=ModelConfig(
            modalities={"image": "radiograph"}, encoders={"radiograph": {"image_size": 96}}
        ),
        training=TrainingConfig(augmentations=0),
    )


def test_parts_of_each_image_are_kept_with_its_lungs_known(cohort: Path, tmp_path: Path) -> None:
    read = read_cohort(folder, study_of(cohort), tmp_path)
    names = [cached.case.case_id for cached in read.dataset.cases]
    seen = {cached.case.case_id for cached in read.dataset.cases if cached.images}
    assert set(read.parts) == seen
    rows = region_rows(names, read.parts)
    assert rows.masked == len(seen) > 0
    assert np.isfinite(rows.outside).all(axis=1).tolist() == [name in seen for name in names]
    again = region_rows(names, read_cohort(folder, study_of(cohort), tmp_path).parts)
    np.testing.assert_array_equal(rows.border, again.border)


def test_no_image_is_looked_at_in_parts_where_the_guards_are_off(
    cohort: Path, tmp_path: Path
) -> None:
    assert not read_cohort(folder, study_of(cohort), tmp_path, guards=False).parts


def test_only_a_sample_of_what_is_read_is_looked_at(
    cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MOST_LOOKED_AT", 2)
    study = study_of(cohort)
    limited = replace(study, cohort=replace(study.cohort, limit=3))
    read = read_cohort(folder, limited, tmp_path)
    first = {entry.case_id for entry in folder.index(cohort)[:3]}
    assert len(read.dataset.cases) == 3
    assert set(read.parts) <= first
    assert 0 < len(read.parts) <= 2
