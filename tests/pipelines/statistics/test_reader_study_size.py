"""Power and size of a reader study, against figures that another program keeps as its reference.

RJafroc 2.1 (Chakraborty) states them for the example of Van Dyke, at its observed difference.
"""

from __future__ import annotations

import pytest

from clinical.errors import ConfigError
from pipelines.statistics.obuchowski_rockette import analyse
from pipelines.statistics.reader_study_size import cases_needed, power
from tests.pipelines.statistics import van_dyke

COMPONENTS = analyse(van_dyke.ratings(), van_dyke.truth()).components
OBSERVED = 0.043800322


def test_power_is_the_reference() -> None:
    assert power(COMPONENTS, OBSERVED, 10, 165) == pytest.approx(0.80541995, abs=5e-9)
    assert power(COMPONENTS, OBSERVED, 6, 111) == pytest.approx(0.5526116, abs=5e-8)


def test_cases_needed_are_the_reference() -> None:
    assert cases_needed(COMPONENTS, OBSERVED, 6).cases == 251
    assert cases_needed(COMPONENTS, OBSERVED, 10).cases == 163


def test_one_case_less_is_not_enough() -> None:
    found = cases_needed(COMPONENTS, OBSERVED, 10)
    assert found.cases is not None
    assert found.power >= 0.8 > power(COMPONENTS, OBSERVED, 10, found.cases - 1)


def test_a_difference_that_no_number_of_cases_shows_asks_for_readers() -> None:
    assert cases_needed(COMPONENTS, 0.01, 3).cases is None


@pytest.mark.parametrize(("difference", "readers"), [(0.0, 5), (0.05, 1)])
def test_nothing_to_plan_for_is_refused(difference: float, readers: int) -> None:
    with pytest.raises(ConfigError):
        cases_needed(COMPONENTS, difference, readers)
