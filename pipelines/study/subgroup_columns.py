"""The columns that cases are grouped by: sex, age band, site, view, and available inputs."""

from __future__ import annotations

from collections.abc import Mapping

from clinical.evaluation import AGE, SEX, SITE, VIEW, EvaluationConfig
from clinical.modalities.kit import person
from clinical.model.calibration import pattern_key
from pipelines.study.guards import acquisition
from pipelines.study.guards.acquisition import Facts
from pipelines.study.own_columns import Named
from pipelines.study.subgroups import age_bands
from pipelines.training.dataset import CachedCase, Dataset

INPUTS = "inputs"


def sex(cached: CachedCase) -> str:
    """Sex as recorded for clinical use; empty where it is not stated."""
    return person(cached.case).sex or ""


def age(cached: CachedCase) -> float | None:
    """Age at the decision in years, or None."""
    return person(cached.case).age_years


def inputs(cached: CachedCase) -> str:
    """Which modalities a case has, for example "history+image"."""
    return pattern_key((*cached.case.inputs, *cached.images))


def columns(
    dataset: Dataset, facts: Facts, named: Named, evaluation: EvaluationConfig
) -> tuple[dict[str, list[str]], dict[str, str]]:
    """The group of every case for each column, and why a column that was asked for has none.

    Args:
        dataset: selected cases.
        facts: how images were made.
        named: columns of the cohort's own.
        evaluation: which columns, and the age bands.
    """
    views: Mapping[str, str] = facts.get(acquisition.VIEW, {})
    ages = [age(cached) for cached in dataset.cases]
    stated = {
        SEX: [sex(cached) for cached in dataset.cases],
        AGE: age_bands(ages, evaluation.age_edges),
        SITE: dataset.sites,
        VIEW: [views.get(cached.case.case_id, "") for cached in dataset.cases],
        **{
            name: [values.get(cached.case.case_id, "") for cached in dataset.cases]
            for name, values in named.items()
        },
    }
    wanted = {name: stated[name] for name in evaluation.subgroups}
    found = {name: groups for name, groups in wanted.items() if any(groups)}
    missing = {name: "stated for no case" for name in wanted if name not in found}
    return found, missing
