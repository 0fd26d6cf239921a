"""Files that were misread once, here or by other programs: each is read right, or refused by name.

tests/spec/image_cases.csv says of each what must come of it: `equal` to the pixels that an
independent reading gave (`*.expected.npy` beside the file), `read`, or the reason of the refusal.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from clinical.case.shapes import Array
from clinical.dicom.read import read_image
from clinical.errors import ImageError

SPEC = Path(__file__).parents[2] / "spec" / "image_cases.csv"
CASES = Path(__file__).parents[3] / ".." / "shared" / "cases"

pytestmark = pytest.mark.real_data


def rows() -> list[tuple[str, str]]:
    with SPEC.open(encoding="utf-8", newline="") as file:
        return [(row["file"], row["outcome"]) for row in csv.DictReader(file)]


@pytest.mark.parametrize(("name", "outcome"), rows())
def test_a_file_that_was_misread_once(name: str, outcome: str) -> None:
    path = CASES / name
    if not path.exists():
        pytest.skip("the collected cases are not beside this checkout (../shared/cases)")
    found, image = outcome_of(path.resolve())
    if image is not None and outcome == "equal":
        right = np.load(path.with_name(f"{path.name}.expected.npy"))
        # Written as float32 of a product that was rounded in another order: slope 0.01.
        np.testing.assert_allclose(image.values, right, rtol=1e-6)
        found = "equal"
    assert found == outcome


def outcome_of(path: Path) -> tuple[str, Array | None]:
    """The reason of the refusal, or `read` and the image."""
    try:
        return "read", read_image(path)
    except ImageError as error:
        return error.message, None
