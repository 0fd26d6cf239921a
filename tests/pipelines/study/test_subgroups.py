"""Groups of patients, and what is too small to be told."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from clinical.errors import ConfigError
from pipelines.study.subgroups import Subgroups, age_bands, subgroups

CASES = 400


def draw(seed: int = 0) -> tuple[np.ndarray, np.ndarray, list[str]]:
    generator = np.random.default_rng(seed)
    p = expit(generator.normal(-0.5, 1.5, CASES))
    return p, (generator.random(CASES) < p).astype(float), [str(i) for i in range(CASES)]


def judged(columns: dict[str, list[str]], threshold: float | None = 0.5) -> Subgroups:
    return subgroups(*draw(), columns, threshold, samples=100, permuted=100)


def test_figures_of_a_group_are_those_of_its_cases() -> None:
    p, y, _ = draw()
    sex = ["F" if i % 3 else "M" for i in range(CASES)]
    female = np.array(sex) == "F"
    found = judged({"sex": sex})
    assert [(g.column, g.name) for g in found.groups] == [("sex", "F"), ("sex", "M")]
    group = found.groups[0]
    assert (group.patients, group.cases) == (female.sum(), female.sum())
    assert group.auroc.value == pytest.approx(roc_auc_score(y[female], p[female]))
    alerts = p[female] >= 0.5
    assert group.true_positive_rate.value == pytest.approx(alerts[y[female] == 1].mean())
    assert group.false_positive_rate.value == pytest.approx(alerts[y[female] == 0].mean())
    assert (group.calibration_slope.low or 9) < 1 < (group.calibration_slope.high or 0)
    gap = next(gap for gap in found.gaps if gap.figure == "auroc")
    areas = [g.auroc.value or 0 for g in found.groups]
    assert gap.size.value == pytest.approx(max(areas) - min(areas))


def test_a_group_that_is_served_worse_is_found_and_the_others_are_not_blamed() -> None:
    p, y, people = draw()
    site = np.array(["near", "far"])[np.arange(CASES) % 2]
    generator = np.random.default_rng(5)
    p = np.where(site == "far", generator.permutation(p), p)
    sex = ["F" if i % 3 else "M" for i in range(CASES)]
    found = subgroups(
        p, y, people, {"site": site.tolist(), "sex": sex}, 0.5, samples=100, permuted=300
    )
    gaps = {(gap.column, gap.figure): gap for gap in found.gaps}
    assert len(gaps) == 6
    assert (gaps["site", "auroc"].highest, gaps["site", "auroc"].lowest) == ("near", "far")
    assert gaps["site", "auroc"].p == pytest.approx(1 / 301)
    assert gaps["site", "auroc"].adjusted == pytest.approx(6 / 301)
    assert (gaps["sex", "auroc"].adjusted or 0) > 0.05


def test_small_groups_are_named_apart_and_none_of_their_numbers_is_told() -> None:
    _, y, _ = draw()
    site = ["big"] * CASES
    site[:7] = ["tiny"] * 7
    healthy = np.flatnonzero(y == 0)[20:60]
    for i in healthy:
        site[i] = "clinic"
    found = judged({"site": site})
    assert [group.name for group in found.groups] == ["big"]
    assert {(s.name, s.because) for s in found.suppressed} == {
        ("tiny", "fewer than 20 patients"),
        ("clinic", "fewer than 10 positive cases"),
    }
    assert all("7" not in str(asdict(s)) and "40" not in str(asdict(s)) for s in found.suppressed)
    assert all(gap.size.value is None and gap.adjusted is None for gap in found.gaps)


def test_patients_are_counted_not_cases() -> None:
    p, y, _ = draw()
    people = [str(i // 30) for i in range(CASES)]
    sex = ["F" if i // 30 % 2 else "M" for i in range(CASES)]
    found = subgroups(p, y, people, {"sex": sex}, None, samples=20, permuted=20)
    assert not found.groups
    assert {s.because for s in found.suppressed} == {"fewer than 20 patients"}
    loose = subgroups(p, y, people, {"sex": sex}, None, least_patients=5, samples=20, permuted=20)
    assert {group.patients for group in loose.groups} == {7}


def test_the_unstated_are_counted_and_in_no_group() -> None:
    sex = ["" if i < 30 else "F" for i in range(CASES)]
    found = judged({"sex": sex})
    assert found.unstated == {"sex": 30}
    assert [group.cases for group in found.groups] == [CASES - 30]


def test_without_a_threshold_there_are_no_rates() -> None:
    found = judged({"half": ["a", "b"] * (CASES // 2)}, threshold=None)
    assert [gap.figure for gap in found.gaps] == ["auroc"]
    assert all(group.true_positive_rate.value is None for group in found.groups)


def test_nothing_known_is_nothing_found() -> None:
    p, y, people = draw()
    found = subgroups(p, y * np.nan, people, {"sex": ["F"] * CASES}, 0.5)
    assert (found.groups, found.suppressed) == ((), ())


def test_age_bands() -> None:
    ages = [3, 39.9, 40, 64, 65, None, float("nan")]
    assert age_bands(ages, (40, 65)) == [
        "under 40",
        "under 40",
        "40-64",
        "40-64",
        "65 and over",
        "",
        "",
    ]
    with pytest.raises(ConfigError, match="ascending"):
        age_bands(ages, (65, 40))
