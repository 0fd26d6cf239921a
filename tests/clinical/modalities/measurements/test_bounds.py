"""A bound is information: kept, shown as written, used as its limit, never stored as measured."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from clinical.case.assessment import EvidenceItem
from clinical.case.shapes import Measurement, Measurements, shape_as_json, shape_from_json
from clinical.modalities.measurements import encoder, words
from clinical.terms import normalise
from clinical.terms.critical import critical

NOW = datetime(2024, 1, 2, tzinfo=UTC)


def crp(raw: str, unit: str = "mg/L") -> Measurement:
    return normalise.measurement("CRP", raw, unit, time=NOW)


@pytest.mark.parametrize(
    ("raw", "unit", "shown"),
    [
        ("<0.3", "mg/L", "C-reactive protein < 0.3 mg/L"),
        ("< 0,5", "mg/dl", "C-reactive protein < 5 mg/L"),
        ("≤5", "mg/L", "C-reactive protein ≤ 5 mg/L"),
        (">=90", "mg/L", "C-reactive protein ≥ 90 mg/L (high)"),
        (">100", "mg/dL", "C-reactive protein > 1000 mg/L (high)"),
    ],
)
def test_a_bound_keeps_its_sign_through_conversion_and_is_shown(
    raw: str, unit: str, shown: str
) -> None:
    item = crp(raw, unit)
    found = words.label(Measurements((item,)), EvidenceItem("measurements", 0, "1988-5", 0.5))

    assert found == shown
    assert (item.raw_value, item.raw_unit) == (raw, unit)


def test_a_bound_is_high_or_low_only_where_all_that_it_allows_is() -> None:
    assert words.marked(crp("<50"), 60.0) == ""  # may be 1
    assert words.marked(crp(">50"), 60.0) == "high"
    potassium = normalise.measurement("K", "<7", "mmol/L")
    assert critical(potassium) is None
    assert critical(normalise.measurement("K", ">7", "mmol/L")) == "high"
    assert critical(normalise.measurement("K", "<2", "mmol/L")) == "low"
    assert critical(normalise.measurement("K", ">2", "mmol/L")) is None


def test_the_model_and_its_rules_take_a_bound_as_its_limit() -> None:
    settings = encoder.fit(
        [Measurements((crp(str(value)),)) for value in range(1, 60)], encoder.Settings()
    )
    bound, exact = (
        encoder.prepare(Measurements((crp(raw),)), settings, decision_time=NOW)
        for raw in (">50", "50")
    )

    assert (bound.features["value"] == exact.features["value"]).all()
    assert (bound.features["context"] == exact.features["context"]).all()
    assert normalise.abnormality(crp(">50")) == normalise.abnormality(crp("50")) > 0


def test_a_bound_survives_json_and_a_measured_value_is_stored_as_before() -> None:
    both = Measurements((crp("<5"), crp("5")))
    data = shape_as_json(both)

    assert data["items"][0]["bound"] == "<"
    assert "bound" not in data["items"][1]
    assert shape_from_json(data, {}) == both


def test_a_deidentified_bound_is_still_one() -> None:
    (item,) = words.deidentified(Measurements((crp("<5"),)), NOW).items

    assert (item.value, item.bound, item.raw_value) == (5.0, "<", "")
