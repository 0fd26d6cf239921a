"""The values that flow: frozen, comparable by digest, and the same after JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import numpy as np
import pytest

from clinical.case import case as cases
from clinical.case.case import Case, Problem
from clinical.case.shapes import (
    Array,
    Arrays,
    Event,
    Events,
    Measurement,
    Measurements,
    Text,
    Texts,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def full_case() -> Case:
    pixels = np.arange(12, dtype=np.float32).reshape(3, 4)
    crp = Measurement("1988-5", "CRP", 84.0, "mg/L", NOW, "84", "mg/l", (None, 5.0))
    return Case(
        "c1",
        "p1",
        NOW,
        {
            "image": Arrays(
                (Array(pixels, spacing=(0.2, 0.2), window=(6, 12), source={"view": "PA"}),)
            ),
            "measurements": Measurements((crp,)),
            "history": Events((Event("I50.9", "Heart failure", NOW),), 71.5, "female"),
            "notes": Texts((Text("complaint", "Fever.", NOW),)),
        },
        problems=(Problem("images.csv", "reason", 3, "path", "remedy", "c1"),),
    )


def test_a_case_survives_json() -> None:
    case = full_case()
    data = json.loads(json.dumps(cases.as_json(case)))
    image = case.inputs["image"].arrays[0]
    assert isinstance(image, Array)
    again = cases.from_json(data, {image.digest: image.values})
    assert cases.as_json(again) == cases.as_json(case)
    assert cases.input_digest(again) == cases.input_digest(case)


def test_the_input_digest_sees_every_input_but_not_the_name() -> None:
    case = full_case()
    renamed = Case("other", "other", case.decision_time, case.inputs)
    assert cases.input_digest(renamed) == cases.input_digest(case)
    for name in case.inputs:
        assert cases.input_digest(case.without(name)) != cases.input_digest(case)


def test_pixels_cannot_be_changed_and_do_not_alias_their_source() -> None:
    source = np.zeros((2, 2), dtype=np.float32)
    image = Array(source)
    source[0, 0] = 9
    assert image.values[0, 0] == 0
    with pytest.raises(ValueError, match="read-only"):
        image.values[0, 0] = 1


def test_the_pixel_digest_knows_the_shape() -> None:
    assert Array(np.zeros((2, 3))).digest != Array(np.zeros((3, 2))).digest


def test_a_problem_names_its_place() -> None:
    problem = Problem("measurements.csv", "The unit is not known.", 7, "unit", "use mg/L.")
    assert str(problem) == (
        "measurements.csv, row 7, column unit: The unit is not known. Remedy: use mg/L."
    )
