"""Cases to look at: windows of the file, a prior, several frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import reading_fixture
from numpy.typing import NDArray

from clinical.case.case import Case
from clinical.case.shapes import Array, Arrays
from clinical.case.window import Window
from clinical.review import intake
from clinical.workspace.database import open_workspace, writing

CURVE = 1 / (1 + np.exp(np.linspace(6, -6, 3001)))
TABLE = np.rint(CURVE * 65535).astype("<u2")
STATED = (
    Window("LINEAR", 1500, 900, "NORMAL"),
    Window("LINEAR_EXACT", 1500, 700),
    Window("SIGMOID", 1400, 1300, "SOFT"),
    Window("LUT", 1700, len(TABLE) - 1, "CURVE", TABLE.tobytes()),
)


def frames() -> NDArray[np.float32]:
    """Six planes of 40 x 48, each its own shade with one bright column that wanders."""
    values = np.zeros((6, 40, 48), np.float32)
    for number, plane in enumerate(values):
        plane += 100 * number + np.arange(40)[:, None]
        plane[:, 5 + 6 * number] = 1000
    return values


def looks() -> dict[str, Case]:
    """By case_id."""
    windows = Array(
        reading_fixture.radiograph(1),
        spacing=(0.25, 0.25),
        window=(1500, 900),
        windows=STATED,
        source={"acquired": "2031-03-04T09:00", "spacing_from": "ImagerPixelSpacing"},
    )
    prior = Array(
        reading_fixture.radiograph(2, rows=500, columns=560),
        window=(1200, 2000),
        source={"acquired": "2030-11-20T12:00"},
    )
    tall = Array(  # every other row of a chest: a row is twice as high as a column is wide
        reading_fixture.radiograph(3)[::2],
        spacing=(0.5, 0.25),
        window=(1500, 2600),
        source={"format": "DICOM", "orientation": "unknown"},
    )
    cine = Array(frames(), ("frame", "row", "column"), window=(500, 1000))
    plain = reading_fixture.make_case(1).inputs["image"].arrays[0]
    inputs = {
        "LOOK-PLAIN": {"image": plain},
        "LOOK-PRIOR": {"image": windows, "prior_image": prior},
        "LOOK-CINE": {"image": cine},
        "LOOK-TALL": {"image": tall},
    }
    return {
        case_id: Case(
            case_id,
            f"P-{case_id}",
            reading_fixture.DECISION,
            {name: Arrays((image,)) for name, image in images.items()},
        )
        for case_id, images in inputs.items()
    }


def make_workspace(folder: Path) -> Path:
    """A workspace of `looks()` in `folder`, each with an assessment."""
    engine = open_workspace(folder, create=True)
    for case in looks().values():
        with writing(engine) as connection:
            assessment = reading_fixture.make_assessment(case)
            intake.record_assessment(connection, case, assessment, "system")
    engine.dispose()
    return folder
