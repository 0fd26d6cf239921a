"""Each rule just within its bounds, and just beyond."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from clinical.review.kappa import Kappa
from pipelines.agreement import rules
from pipelines.agreement.acceptance import Acceptance, OfDiagnosis
from pipelines.agreement.attention import Took
from pipelines.agreement.cells import share
from pipelines.agreement.inputs import Given, Marked, Measured
from pipelines.agreement.outputs import Expected, mean
from pipelines.agreement.second import Doubled
from pipelines.agreement.switched import Switched
from pipelines.statistics.metrics import Interval

MONTH, NOTHING = "2031-01", Interval(None, None, None, 0, 0)
NO_KAPPA = Kappa(0, 0, 0, 0, None, None, None)
OVERRIDDEN = OfDiagnosis("m", MONTH, "heart_failure", 99, 0, 0, 0, 0, 0, NOTHING, NO_KAPPA)
ACCEPTED = Acceptance("m", "dr.a", MONTH, 60, 60, 60, 50, 50, 0, 0, 0, NOTHING, NOTHING)
TOOK = Took("m", "dr.a", MONTH, 10, 0, 15.0, 19.0, 25.0)
LOW = Doubled("m", MONTH, "heart_failure", 20, 8, Kappa(20, 20, 0.6, 4, 0.2, -0.1, 0.5), 0, 0)
SWITCHED = Switched("m", "", MONTH, 20, 20, 5, 12, 3, 2, 13, 0)
MEASURED = Measured("m", MONTH, "2823-3", 200, 220, 4.9, 4.0, 1.2, 0.3, 0.2)
EXPECTED = Expected("m", MONTH, "heart_failure", 50, mean([0.4] * 50), 0.2, NOTHING, 0)

# rule, a row that it fires for, the same row within its bounds
TABLE: list[tuple[Any, Any, Any]] = [
    (
        rules.overridden,
        replace(OVERRIDDEN, suggested=20, overridden=share(15, 20)),  # from 53%
        replace(OVERRIDDEN, suggested=20, overridden=share(14, 20)),  # from 48%
    ),
    (rules.always_accepted, ACCEPTED, replace(ACCEPTED, accepted=49)),
    (rules.always_accepted, ACCEPTED, replace(ACCEPTED, suggested=49, accepted=49)),
    (rules.hasty, TOOK, replace(TOOK, median=20.0)),
    (rules.hasty, TOOK, replace(TOOK, measured=9)),
    (rules.low_kappa, LOW, replace(LOW, kappa=replace(LOW.kappa, high=0.6))),
    (rules.low_kappa, LOW, replace(LOW, cases=9)),
    (rules.low_kappa, LOW, replace(LOW, differing=4, kappa=replace(LOW.kappa, both=0))),
    (rules.low_kappa, LOW, replace(LOW, diagnosis="")),
    (rules.harmful, SWITCHED, replace(SWITCHED, helpful=5, harmful=8)),
    (rules.harmful, SWITCHED, replace(SWITCHED, helpful=0, harmful=0)),
    (
        rules.outside,
        Marked("m", MONTH, share(6, 50), 0.02),  # from 5.6%
        Marked("m", MONTH, share(5, 50), 0.02),  # from 4.3%
    ),
    (
        rules.missing,
        Given("m", MONTH, "image", share(15, 50), 0.05, NOTHING, 0.01),  # from 19%
        Given("m", MONTH, "image", share(10, 50), 0.05, NOTHING, 0.01),  # from 11%
    ),
    (rules.measured_otherwise, MEASURED, replace(MEASURED, statistic=0.2)),
    (rules.measured_otherwise, MEASURED, replace(MEASURED, limit=0.01, statistic=0.15)),
    (rules.expected_otherwise, EXPECTED, replace(EXPECTED, prevalence=0.3)),
    (
        rules.expected_otherwise,
        replace(EXPECTED, probability=mean([0.1] * 50)),
        replace(EXPECTED, probability=mean([0.15] * 50)),
    ),
]


@pytest.mark.parametrize(("rule", "beyond", "within"), TABLE)
def test_a_rule_fires_beyond_its_bounds_alone(rule: Any, beyond: Any, within: Any) -> None:
    (alert,) = rule([beyond])
    assert alert.rule in rules.RULES
    assert alert.sentence.endswith(".")
    assert rule([within]) == []
    assert rule([replace(beyond, period="")]) == []  # only months: their sum would say it again


def test_a_mean_has_students_interval() -> None:
    found = mean([0.1, 0.2, 0.3, 0.4, 0.5])
    # s = 0.1581, t(0.975; 4) = 2.776
    assert (found.low, found.value, found.high) == pytest.approx((0.1037, 0.3, 0.4963), abs=1e-4)
    assert mean([0.1, 0.2, 0.3, 0.4]).value is None
