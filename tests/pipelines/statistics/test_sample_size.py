"""Sample sizes against published examples."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from clinical.errors import ConfigError
from pipelines.statistics.metrics import log_loss
from pipelines.statistics.sample_size import cox_snell_from_auroc, most_cox_snell, sample_size


def test_chagas_disease() -> None:
    # Riley 2019, Stat Med 38:1276, as the authors' program pmsampsize reports it.
    found = sample_size(0.174, 24, 0.288)
    assert (found.shrinkage, found.optimism, found.overall_risk) == (623, 662, 221)
    assert not found.extrapolated
    # The program leaves out the criterion that is the largest here.
    assert found.needed == found.mean_error == 801
    assert found.events == 140
    assert found.events_per_parameter == pytest.approx(801 * 0.174 / 24)


def test_chagas_disease_from_an_auroc() -> None:
    # pmsampsize, by drawing a large sample: 615, 660, 221.
    found = sample_size(0.174, 24, cox_snell_from_auroc(0.89, 0.174))
    assert found.shrinkage == pytest.approx(615, abs=3)
    assert found.optimism == pytest.approx(660, abs=3)


def test_all_four_by_hand() -> None:
    # Pre-eclampsia, the example of Riley 2020: 5 of 100, 30 parameters, 15% of the largest R2.
    found = sample_size(0.05, 30, 0.05)
    assert found.overall_risk == np.ceil(39.2**2 * 0.05 * 0.95)
    log_size = -0.508 + 0.259 * np.log(0.05) + 0.504 * np.log(30) - np.log(0.05)
    assert found.mean_error == np.ceil(np.exp(log_size / 0.544)) == 544
    assert found.shrinkage == np.ceil(30 / (-0.1 * np.log(1 - 0.05 / 0.9)))
    most = 1 - (0.05**0.05 * 0.95**0.95) ** 2
    assert found.most_cox_snell == pytest.approx(most)
    shrink = 0.05 / (0.05 + 0.05 * most)
    assert found.optimism == np.ceil(30 / ((shrink - 1) * np.log(1 - 0.05 / shrink)))
    assert found.needed == found.shrinkage == 5249


@pytest.mark.parametrize(
    ("prevalence", "most"), [(0.5, 0.75), (0.1, 0.48), (0.05, 0.33), (0.01, 0.11)]
)
def test_the_largest_r2_is_that_of_the_papers_table(prevalence: float, most: float) -> None:
    assert most_cox_snell(prevalence) == pytest.approx(most, abs=0.005)


@pytest.mark.parametrize(("auroc", "prevalence"), [(0.7, 0.5), (0.81, 0.2), (0.9, 0.05)])
def test_r2_of_an_auroc_is_that_of_a_large_sample(auroc: float, prevalence: float) -> None:
    from scipy.stats import norm

    generator = np.random.default_rng(0)
    y = (generator.random(200_000) < prevalence).astype(float)
    x = generator.normal(np.sqrt(2) * norm.ppf(auroc) * y, 1)[:, None]
    p = LogisticRegression(C=1e9).fit(x, y).predict_proba(x)[:, 1]
    gain = log_loss(np.full(len(y), y.mean()), y) - log_loss(p, y)
    drawn = 1 - np.exp(-2 * gain)
    assert cox_snell_from_auroc(auroc, prevalence) == pytest.approx(drawn, rel=0.03)


def test_more_parameters_and_weaker_models_need_more() -> None:
    sizes = [sample_size(0.2, n, 0.1).needed for n in (5, 10, 20, 40)]
    assert sizes == sorted(set(sizes))
    weaker = [sample_size(0.2, 10, cox_snell_from_auroc(a, 0.2)).needed for a in (0.9, 0.8, 0.7)]
    assert weaker == sorted(set(weaker))
    assert sample_size(0.2, 40, 0.1).extrapolated


def test_the_prevalence_of_a_certain_model_bounds_r2() -> None:
    assert cox_snell_from_auroc(1 - 1e-9, 0.3) == pytest.approx(most_cox_snell(0.3), abs=1e-3)
    assert cox_snell_from_auroc(0.5 + 1e-9, 0.3) == pytest.approx(0, abs=1e-6)


def test_the_impossible_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"between 0 and 0\.478"):
        sample_size(0.1, 10, 0.5)
    with pytest.raises(ConfigError, match="parameters"):
        sample_size(0.1, 0, 0.1)
    with pytest.raises(ConfigError, match="nothing to predict"):
        most_cox_snell(1.0)
    with pytest.raises(ConfigError, match="AUROC"):
        cox_snell_from_auroc(0.5, 0.3)
