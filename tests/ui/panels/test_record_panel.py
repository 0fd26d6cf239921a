"""Below the panels: what readers marked on the images, in words."""

from __future__ import annotations

import numpy as np

from clinical.case.shapes import Array
from clinical.review import marks
from clinical.review.marking import Marked
from ui.panels import record_panel


def test_marks_are_named_by_reader_image_and_number() -> None:
    film = Array(np.zeros((8, 8), np.float32), spacing=(1, 1))
    told = [
        {"kind": "length", "frame": 1, "points": [[0, 0], [3, 4]], "text": "", "window": None},
        {"kind": "arrow", "frame": 1, "points": [[1, 1], [5, 5]], "text": "<b>", "window": None},
    ]
    found = marks.read({"image": told}, {"image": film})
    assert found is not None
    shown = str(record_panel.marks_table([(Marked(7, "", "dr.a", ""), found["image"])]))
    assert "<td>dr.a</td><td>image 1</td><td>Length</td><td>5.0 mm</td>" in shown
    assert "<td>image 2</td><td>Arrow</td><td>&lt;b&gt;</td>" in shown
