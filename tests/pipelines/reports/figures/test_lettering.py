"""Names that fit their place."""

from __future__ import annotations

from PIL import ImageFont

from clinical.export.glyphs import REGULAR
from pipelines.reports.figures.lettering import TOO_LARGE, shortened, text_width

FONT = ImageFont.truetype(str(REGULAR), 100)
NAMES = [f"University Hospital of Somewhere, campus {n}" for n in (1, 2)]


def test_what_fits_stays() -> None:
    assert shortened("site A", 80, 12) == "site A"


def test_a_long_name_keeps_both_ends() -> None:
    one, two = (shortened(name, 160, 12) for name in NAMES)
    assert one.startswith("University")
    assert one.endswith("campus 1")
    assert one != two
    assert FONT.getlength(one) * 12 / 100 <= 160


def test_no_room_leaves_one_letter() -> None:
    assert shortened("University", 1, 12) == "U"


def test_widths_are_on_the_large_side_by_a_tenth() -> None:
    for text in (*NAMES, "triptych: image alone: 0.917 [0.883, 0.950]", "mammography alone"):
        width = text_width(text, 100)
        assert FONT.getlength(text) * TOO_LARGE <= width <= FONT.getlength(text) * 1.25
