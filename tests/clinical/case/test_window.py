"""Greys by PS3.3 C.11.2.1, at the points that the standard's formulas make easy to check."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from clinical.case import window
from clinical.case.case import Case, as_json, from_json, input_digest
from clinical.case.shapes import Array, Arrays, shape_as_json
from clinical.case.window import Function, Window

OLD_DIGEST = "0e136773914772be3ceaa18a9fc19d425a1a588d22c096c3ede78f2e0b4e92b2"
TABLE = np.array([0, 6553, 32768, 65535], "<u2").tobytes()


@pytest.mark.parametrize(
    ("function", "value", "grey"),
    [
        # C.11.2.1.2.1: a centre of 2048 and a width of 4096 map 0 to black and 4095 to white.
        ("LINEAR", 0, 0),
        ("LINEAR", 2047.5, 0.5),
        ("LINEAR", 4095, 1),
        ("LINEAR_EXACT", 0, 0),
        ("LINEAR_EXACT", 2048, 0.5),
        ("LINEAR_EXACT", 4096, 1),
        ("SIGMOID", 2048, 0.5),
        ("SIGMOID", 4096, 1 / (1 + np.exp(-2))),
        ("SIGMOID", 0, 1 / (1 + np.exp(2))),
    ],
)
def test_functions_of_the_standard(function: Function, value: float, grey: float) -> None:
    assert Window(function, 2048, 4096).apply(np.array([value]))[0] == pytest.approx(grey)


def test_a_table_holds_its_ends_and_is_straight_between_entries() -> None:
    greys = Window("LUT", 11.5, 3, table=TABLE).apply(np.array([0, 10, 11, 12, 12.5, 13, 99]))
    np.testing.assert_allclose(greys * 65535, [0, 0, 6553, 32768, 49151.5, 65535, 65535], atol=0.1)


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID", "LUT"])
def test_mirrored_windows_show_mirrored_values_with_greys_inverted(function: Function) -> None:
    stated = Window(function, 40, 30, "BONE", TABLE if function == "LUT" else b"")
    values = np.arange(0, 101)
    np.testing.assert_allclose(
        stated.mirrored(100).apply(100 - values), 1 - stated.apply(values), atol=2e-5
    )


def test_a_width_of_one_is_a_threshold() -> None:
    assert list(Window("LINEAR", 10, 1).apply(np.array([9, 10]))) == [0, 1]


@pytest.mark.parametrize(
    "stated", [Window("SIGMOID", 5, 7, "SOFT"), Window("LUT", 5, 3, "", TABLE)]
)
def test_windows_survive_json(stated: Window) -> None:
    assert window.from_json(json.loads(json.dumps(window.as_json(stated)))) == stated


def case_with(**attributes: Any) -> Case:
    pixels = np.arange(12, dtype=np.float32).reshape(3, 4)
    return Case("c1", "p1", None, {"image": Arrays((Array(pixels, window=(6, 12), **attributes),))})


def test_cases_stored_before_windows_were_kept_have_the_same_digest() -> None:
    # Computed before the field existed.
    assert "windows" not in shape_as_json(case_with().inputs["image"])
    assert input_digest(case_with()) == OLD_DIGEST


def test_windows_travel_with_the_case() -> None:
    case = case_with(windows=(Window("SIGMOID", 5, 7, "SOFT"), Window("LUT", 5, 3, "", TABLE)))
    image = case.inputs["image"].arrays[0]
    assert isinstance(image, Array)
    again = from_json(json.loads(json.dumps(as_json(case))), {image.digest: image.values})
    found = again.inputs["image"].arrays[0]
    assert isinstance(found, Array)
    assert found.windows == image.windows
    assert input_digest(again) == input_digest(case) != OLD_DIGEST
