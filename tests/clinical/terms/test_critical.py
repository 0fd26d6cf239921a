"""Critical values: published limits, in whatever unit the value comes."""

from __future__ import annotations

import pytest

from clinical.case.shapes import Measurement
from clinical.terms.critical import Side, critical, limits
from clinical.terms.loinc import lookup


def measured(code: str, value: float | None, unit: str) -> Measurement:
    return Measurement(code, "made", value, unit, None, "", unit)


@pytest.mark.parametrize(
    ("code", "value", "unit", "side"),
    [
        ("2823-3", 6.5, "mmol/L", "high"),
        ("2823-3", 6.4, "mmol/L", None),
        ("2823-3", 2.5, "mmol/L", "low"),
        ("2160-0", 400.0, "umol/L", "high"),
        ("2160-0", 300.0, "umol/L", None),
        ("59408-5", 91.0, "%", "low"),
        ("8310-5", 41.0, "Cel", None),
        ("33959-8", 100.0, "ng/mL", None),
        ("2823-3", None, "", None),
        ("local:made-up", 1.0, "mmol/L", None),
        ("2823-3", 9.0, "furlong", None),
    ],
)
def test_critical(code: str, value: float | None, unit: str, side: Side | None) -> None:
    assert critical(measured(code, value, unit)) == side


def test_every_limit_is_of_a_known_term_and_a_plausible_value() -> None:
    for code, (low, high) in limits().items():
        term = lookup(code)
        assert term is not None
        assert term.code == code
        for limit in (low, high):
            assert limit is None or term.plausible[0] < limit < term.plausible[1]
