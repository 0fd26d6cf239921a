"""The names under which a reader chooses the images of a case."""

from __future__ import annotations

import numpy as np

from clinical.case.case import Case
from clinical.case.shapes import Array, Arrays, Text, Texts
from ui.panels.image_panel import to_read
from ui.state.films import films


def film(size: int) -> Array:
    return Array(np.zeros((size, size), np.float32))


def test_every_image_has_a_name_and_a_prior_stands_beside_its_own() -> None:
    case = Case(
        "c",
        "p",
        None,
        {
            "image": Arrays((film(4), film(5))),
            "prior_image": Arrays((film(6),)),
            "notes": Texts((Text("note", "Short of breath."),)),
        },
    )
    shown = films(case)
    assert [(name, one.modality, one.item) for name, one in shown.items()] == [
        ("image", "image", 0),
        ("image 2", "image", 1),
        ("prior_image", "prior_image", 0),
    ]
    assert list(to_read(shown)) == ["image", "image 2"]
