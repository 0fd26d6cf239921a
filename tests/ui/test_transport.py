"""Pixels on their way to the browser come back as they were."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from clinical.case.shapes import Array
from clinical.case.window import Window
from clinical.errors import ImageError
from clinical.modalities.radiograph import unstated
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


@pytest.mark.parametrize(
    ("array", "aspect"),
    [
        (Array(np.zeros((2, 2), np.float32)), 1),
        (Array(np.zeros((2, 2), np.float32), spacing=(0.5, 0.25)), 2),
        (Array(np.zeros((2, 2), np.float32), source={"PixelAspectRatio": "3:4"}), 0.75),
    ],
)
def test_how_high_a_pixel_is_for_its_width(array: Array, aspect: float) -> None:
    assert unstated.aspect(array) == aspect


def test_more_than_a_series_of_planes_is_refused() -> None:
    four = Array(np.zeros((2, 2, 2, 2), np.float32), ("time", "slice", "row", "column"))
    with pytest.raises(ImageError, match="not 4 dimensions"):
        transport.to_samples(four)


def test_what_streamlit_would_not_send_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "LARGEST_BYTES", 100)
    with pytest.raises(ImageError, match="the viewer takes 50"):
        transport.to_samples(Array(np.zeros((8, 8), np.float32)))


def unpacked(message: bytes) -> tuple[dict[str, Any], NDArray[np.uint16]]:
    (length,) = struct.unpack_from("<I", message)
    header = json.loads(message[4 : 4 + length])
    size = (header["frames"], header["rows"], header["columns"])
    return header, np.frombuffer(message[4 + length :], "<u2").reshape(size)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"spacing_from": "PixelSpacing", "Modality": "DX"}, "ImagerPixelSpacing"),
        (
            {"spacing_from": "PixelSpacing", "Modality": "DX", "spacing_calibration": "GEOMETRY"},
            "PixelSpacing",
        ),
        ({"spacing_from": "PixelSpacing", "Modality": "CT"}, "PixelSpacing"),
        ({"spacing_from": "NominalScannedPixelSpacing"}, "NominalScannedPixelSpacing"),
        ({}, ""),
    ],
)
def test_a_millimetre_is_one_at_the_detector_unless_it_was_calibrated(
    source: dict[str, str], said: str
) -> None:
    assert unstated.spacing_from(Array(np.zeros((2, 2), np.float32), source=source)) == said


def test_message_holds_header_and_samples() -> None:
    source = {"spacing_from": "ImagerPixelSpacing"}
    values = np.array([[1, 2, 3], [4, 5, 700]], np.float32)
    array = Array(values, spacing=(0.2, 0.3), source=source)
    header, samples = unpacked(transport.message(array))

    assert header["id"] == transport.frame_id(array)
    assert header["spacing"] == [0.2, 0.3]
    assert header["spacingFrom"] == "ImagerPixelSpacing"
    assert header["range"] == 699
    np.testing.assert_array_equal(samples[0] * header["slope"] + header["intercept"], array.values)


def test_all_frames_travel_in_one_message_with_the_spacing_of_their_planes() -> None:
    values = np.arange(24, dtype=np.float32).reshape(4, 2, 3)
    array = Array(values, ("frame", "row", "column"), (5, 0.2, 0.3))
    header, samples = unpacked(transport.message(array))

    assert header["frames"] == 4
    assert header["spacing"] == [0.2, 0.3]
    np.testing.assert_array_equal(samples * header["slope"] + header["intercept"], values)


def test_the_same_pixels_with_another_window_or_spacing_are_another_frame() -> None:
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    arrays = [Array(values), Array(values, window=(4, 4)), Array(values, spacing=(1, 1))]
    assert len({transport.frame_id(array) for array in arrays}) == 3


def test_the_window_of_the_file_comes_first() -> None:
    values = np.arange(100, dtype=np.float32).reshape(10, 10)

    assert transport.presets(Array(values, window=(40, 20)))[0].window.centre == 40
    assert transport.presets(Array(values))[0].window.centre == pytest.approx(49.9, abs=0.5)
    flat = transport.presets(Array(np.zeros((4, 4))))
    assert [preset.label for preset in flat] == ["Default", "Lung", "Mediastinum", "Full"]
    assert all(preset.window.width > 0 for preset in flat)


def test_several_windows_of_the_file_are_named_by_it_and_have_keys() -> None:
    table = np.array([0, 30000, 65535], "<u2").tobytes()
    stated = (
        Window("SIGMOID", 5, 7, "NORMAL"),
        Window("LINEAR", 6, 9),
        Window("LUT", 5, 2, "NORMAL", table),
    )
    array = Array(np.arange(12, dtype=np.float32).reshape(3, 4), window=(5, 7), windows=stated)
    shown = transport.presets(array)

    assert [preset.label for preset in shown[:4]] == ["Normal", "Window", "Normal 2", "Lung"]
    assert [preset.key for preset in shown] == ["1", "2", "3", "4", "5", "6"]
    header, _ = unpacked(transport.message(array))
    assert header["presets"][0]["function"] == "SIGMOID"
    assert base64.b64decode(header["presets"][2]["table"]) == table


def test_the_viewer_message_is_small_and_free_of_pixels() -> None:
    array = Array(np.zeros((2000, 2000), np.float32))
    film = component.Film(array, b"", "image", "Current 2031-03-04", "frontal")
    data = component.viewer_data(film, film)

    assert len(json.dumps(data)) < 1000
    assert component.heat_data(film, None, "Heart failure")["heat"] is None
    assert data["frame"] == data["prior"]["frame"] == transport.frame_id(array)
