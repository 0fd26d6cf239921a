"""Pixels on their way to the browser come back as they were."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
from numpy.typing import NDArray

from clinical.case import Array
from clinical.errors import ImageError
from ui.viewer import component, transport


def back(samples: transport.Samples) -> NDArray[np.float64]:
    return samples.values.astype(np.float64) * samples.slope + samples.intercept


@pytest.mark.parametrize(
    "values",
    [
        [[0, 4095], [17, 2048]],
        [[-1024, 3071], [0, 1]],
        [[0, 65535], [1, 65534]],
        [[-32768, 32767], [5, 6]],
        [[7, 7], [7, 7]],
        [[0.25, 0.25], [0.25, 0.25]],
    ],
    ids=["12 bit", "signed", "16 bit", "16 bit signed", "flat", "flat fraction"],
)
def test_whole_numbers_are_lossless(values: list[list[float]]) -> None:
    array = Array(np.array(values, np.float32))
    samples = transport.to_samples(array)

    assert samples.exact
    np.testing.assert_array_equal(back(samples), array.values)


def test_fractions_are_within_half_a_step() -> None:
    values = np.random.default_rng(3).normal(0, 900, (40, 30)).astype(np.float32)
    samples = transport.to_samples(Array(values))

    assert not samples.exact
    assert np.abs(back(samples) - values).max() <= samples.slope * 0.501


def test_a_wide_range_of_whole_numbers_is_rounded_and_says_so() -> None:
    assert not transport.to_samples(Array(np.array([[0, 70000]], np.float32))).exact


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_numbers_are_refused(bad: float) -> None:
    with pytest.raises(ImageError, match="not numbers"):
        transport.to_samples(Array(np.array([[0, bad]], np.float32)))


def test_volumes_are_refused() -> None:
    with pytest.raises(ImageError, match="single planes"):
        transport.to_samples(Array(np.zeros((2, 2, 2), np.float32), ("slice", "row", "column")))


def test_message_holds_header_and_samples() -> None:
    array = Array(np.array([[1, 2, 3], [4, 5, 700]], np.float32))
    message = transport.to_bytes(array.digest, transport.to_samples(array))
    (length,) = struct.unpack_from("<I", message)
    header = json.loads(message[4 : 4 + length])
    samples = np.frombuffer(message[4 + length :], "<u2").reshape(header["rows"], header["columns"])

    assert header["digest"] == array.digest
    np.testing.assert_array_equal(samples * header["slope"] + header["intercept"], array.values)


def test_the_window_of_the_file_comes_first() -> None:
    values = np.arange(100, dtype=np.float32).reshape(10, 10)

    assert transport.windows(Array(values, window=(40, 20)))[0].centre == 40
    assert transport.windows(Array(values))[0].centre == pytest.approx(49.9, abs=0.5)
    assert all(window.width > 0 for window in transport.windows(Array(np.zeros((4, 4)))))


def test_the_viewer_message_is_small_and_free_of_pixels() -> None:
    array = Array(np.zeros((2000, 2000), np.float32))
    data = component.viewer_data(array, "image", None, "Heart failure")

    assert len(json.dumps(data)) < 2000
    assert data["heat"] is None
    assert data["digest"] == array.digest


@pytest.mark.parametrize("names", [component.CARRIER, component.VIEWER])
def test_bundles_are_one_module_with_one_default_export(names: tuple[str, ...]) -> None:
    code = component.bundle(names)
    lines = code.splitlines()

    assert not [line for line in lines if line.startswith("import ")]
    assert len([line for line in lines if line.startswith("export ")]) == 1
    assert "http" not in code
