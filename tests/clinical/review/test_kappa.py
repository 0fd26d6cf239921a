"""Cohen's kappa against published numbers, other code, and its own definition."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from clinical.review import kappa as kappa_rules
from clinical.review.kappa import kappa

Ratings = list[tuple[bool, bool]]


def table(both: int, first: int, second: int, neither: int) -> Ratings:
    return (
        [(True, True)] * both
        + [(True, False)] * first
        + [(False, True)] * second
        + [(False, False)] * neither
    )


def large_sample_error(ratings: Ratings) -> float:
    """Equation 13 of Fleiss, Cohen and Everitt 1969, written out."""
    n = len(ratings)
    p = np.zeros((2, 2))
    for a, b in ratings:
        p[int(a), int(b)] += 1 / n
    rows, columns = p.sum(1), p.sum(0)
    observed, chance = float(np.trace(p)), float(rows @ columns)
    value = (observed - chance) / (1 - chance)
    first = sum(p[i, i] * (1 - (rows[i] + columns[i]) * (1 - value)) ** 2 for i in (0, 1))
    second = (1 - value) ** 2 * sum(
        p[i, j] * (columns[i] + rows[j]) ** 2 for i, j in ((0, 1), (1, 0))
    )
    third = (value - chance * (1 - value)) ** 2
    return math.sqrt((first + second - third) / n) / (1 - chance)


@pytest.mark.parametrize("cells", [(20, 5, 10, 15), (45, 15, 25, 15), (3, 2, 1, 60)], ids=str)
def test_value_and_interval(cells: tuple[int, int, int, int]) -> None:
    ratings = table(*cells)
    found = kappa(ratings)

    assert found.value is not None
    assert found.value == pytest.approx(cohen_kappa_score(*zip(*ratings, strict=True)))
    error = large_sample_error(ratings)
    assert found.high == pytest.approx(min(1.0, found.value + 1.959964 * error), abs=1e-6)
    assert found.low == pytest.approx(max(-1.0, found.value - 1.959964 * error), abs=1e-6)


def test_a_known_example() -> None:
    """20 and 15 of 50 agreed: observed 0.70, chance 0.50, kappa 0.40."""
    found = kappa(table(20, 5, 10, 15))
    assert (found.pairs, found.both, found.observed) == (50, 20, pytest.approx(0.70))
    assert found.value == pytest.approx(0.40)


def test_pairs_of_one_case_widen_the_interval() -> None:
    """The same case four times over is not four cases."""
    ratings = table(20, 5, 10, 15)
    alone, fourfold = kappa(ratings), kappa(ratings * 4, list(range(50)) * 4)
    assert fourfold.value == pytest.approx(alone.value)
    assert fourfold.low == pytest.approx(alone.low)
    assert fourfold.cases == 50


@pytest.mark.parametrize("ratings", [[], table(4, 0, 0, 0), table(0, 0, 0, 9)], ids=len)
def test_kappa_is_not_defined_where_only_one_answer_is_given(ratings: Ratings) -> None:
    assert kappa(ratings).value is None


@pytest.mark.parametrize("cells", [(3, 0, 0, 5), (6, 2, 0, 0)], ids=str)
def test_no_interval_where_the_error_would_come_out_as_nothing(
    cells: tuple[int, int, int, int],
) -> None:
    found = kappa(table(*cells))
    assert found.value is not None
    assert (found.low, found.high) == (None, None)


def test_agreement_over_the_cases_of_a_workspace(ward: Any) -> None:
    def found() -> kappa_rules.ReaderKappa:
        with ward.engine.connect() as connection:
            return kappa_rules.reader_kappa(connection)

    assert found().cases == 0
    ward.protocol(second_share=1.0)
    ward.open("dr.bob")
    ward.accept("dr.ada")
    ward.reject("dr.ada", "heart_failure")
    ward.reject("dr.bob")
    ward.sign("dr.ada")
    assert found().cases == 0, "one signature is no pair"
    ward.sign("dr.bob")
    assert (found().cases, found().differing) == (1, 1)
    assert set(found().by_diagnosis) == {"bacterial_pneumonia", "heart_failure"}
    assert found().overall.pairs == 2
    assert found().by_diagnosis["heart_failure"].observed == 1.0
