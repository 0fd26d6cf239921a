"""The distances between two sets of images are nothing for the same and grow with the shift."""

from pathlib import Path

import numpy as np
import pytest

from clinical.case.shapes import Array
from clinical.errors import CohortError
from pipelines.laboratory.simulate import realism

Pictures = list[tuple[str, Array]]


def pictures(seed: int, count: int = 10, gamma: float = 1.0, grain: float = 0.0) -> Pictures:
    """Smooth blots; `gamma` shifts their grey levels, `grain` their spectra."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:96, :96] / 96
    made = []
    for patient in range(count):
        cx, cy = rng.uniform(0.3, 0.7, 2)
        values = np.exp(-8 * ((x - cx) ** 2 + (y - cy) ** 2)) ** gamma
        values = values + grain * rng.standard_normal(values.shape)
        made.append((f"p{patient}", Array(values.astype(np.float32), spacing=(1, 1))))
    return made


def between(a: Pictures, b: Pictures) -> realism.Distances:
    first, second = realism.sample(a), realism.sample(b)
    axes = realism.principal_axes(np.concatenate([first.features, second.features]), 4)
    return realism.distances(first, second, axes)


def test_a_set_is_at_no_distance_from_itself() -> None:
    found = between(pictures(1), pictures(1))
    assert found.wasserstein == found.jensen_shannon == found.spectrum_db == 0
    assert found.frechet == pytest.approx(0, abs=1e-6)


def test_another_draw_is_near_and_a_shifted_set_is_far() -> None:
    near = between(pictures(1), pictures(2))
    darker = between(pictures(1), pictures(2, gamma=3.0))
    grainy = between(pictures(1), pictures(2, grain=0.1))
    assert darker.wasserstein > 3 * near.wasserstein
    assert darker.jensen_shannon > 1.5 * near.jensen_shannon
    assert grainy.spectrum_db > 3 * near.spectrum_db
    assert darker.frechet > 2 * near.frechet
    assert grainy.frechet > 2 * near.frechet


def test_the_slope_of_a_power_law_is_its_exponent() -> None:
    frequency = np.arange(1, 192) / (2 * 192)
    assert realism.slope(np.log10(frequency**-2.6)) == pytest.approx(-2.6)


def test_frechet_distance_of_two_known_gaussians() -> None:
    rows = np.random.default_rng(0).standard_normal((400, 3))
    assert realism.frechet(rows, rows + np.array([2.0, 0, 0])) == pytest.approx(4.0)
    wider = (rows - rows.mean(axis=0)) * 2
    expected = np.trace(np.cov(rows, rowvar=False))
    assert realism.frechet(rows - rows.mean(axis=0), wider) == pytest.approx(expected)


def test_halves_share_no_patient() -> None:
    whole = realism.Sample(
        np.zeros((6, 2)), np.zeros((6, 2)), np.zeros((6, 2)), ("a", "a", "b", "c", "c", "d")
    )
    one, other = realism.halves(whole, np.random.default_rng(0))
    assert set(one.patients) | set(other.patients) == {"a", "b", "c", "d"}
    assert not set(one.patients) & set(other.patients)


def test_a_cohort_without_radiographs_says_so(tmp_path: Path) -> None:
    (tmp_path / "cohort.toml").write_text('name = "none"\n')
    (tmp_path / "cases.csv").write_text(
        "case_id,patient_id,decision_time\nc1,p1,2024-01-01T00:00:00Z\n"
    )
    with pytest.raises(CohortError, match="no radiographs"):
        realism.compare(tmp_path, tmp_path, real_source="folder")


def test_the_table_names_each_distance_once() -> None:
    same = realism.Distances(0.1, 0.2, 0.3, 0.4)
    rows = realism.table(realism.Realism(10, 20, same, same, -2.0, -2.1, 12))
    assert len({what for what, _, _ in rows}) == len(rows) == 5
