"""What an image does not say of itself is written beside it: on the page and in the report."""

from __future__ import annotations

import numpy as np
import pytest

from clinical.case.shapes import Array, Arrays
from clinical.modalities.radiograph import picture, unstated


def image(**source: str) -> Array:
    return Array(np.zeros((6, 4), np.float32), window=(50, 100), spacing=(0.2, 0.2), source=source)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"format": "DICOM", "ViewPosition": "PA"}, []),
        (
            {"format": "DICOM", "ViewPosition": "PA", "orientation": "unknown"},
            [unstated.ORIENTATION],
        ),
        ({"format": "PNG", "ViewPosition": "PA"}, [unstated.ORIENTATION]),
        ({"format": "DICOM"}, [unstated.VIEW]),
        ({"format": "JPEG"}, [unstated.ORIENTATION, unstated.VIEW]),
        ({}, []),
    ],
)
def test_what_nobody_says(source: dict[str, str], words: list[str]) -> None:
    assert list(unstated.of(image(**source))) == words


@pytest.mark.parametrize(
    ("source", "detector"),
    [
        ({"spacing_from": "ImagerPixelSpacing"}, True),
        ({"spacing_from": "PixelSpacing", "Modality": "DX"}, True),
        (
            {"spacing_from": "PixelSpacing", "Modality": "DX", "spacing_calibration": "GEOMETRY"},
            False,
        ),
        ({"spacing_from": "PixelSpacing", "Modality": "CT"}, False),
        ({"spacing_from": "NominalScannedPixelSpacing", "Modality": "CR"}, False),
        ({}, False),
    ],
)
def test_where_a_millimetre_is_measured(source: dict[str, str], detector: bool) -> None:
    assert unstated.is_at_detector(image(**source)) == detector


def test_the_caption_in_the_report() -> None:
    shown = image(format="DICOM", orientation="unknown", spacing_from="ImagerPixelSpacing")
    (found,) = picture.pictures("image", Arrays((shown,)), None)
    assert found.caption == (
        "4 × 6, window 50 / 100, mm at the detector, orientation not stated in the file, "
        "view not stated"
    )
