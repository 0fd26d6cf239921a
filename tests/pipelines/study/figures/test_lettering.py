"""Names that fit their place."""

from __future__ import annotations

from PIL import ImageFont

from pipelines.study.figures.lettering import shortened, text_width
from pipelines.study.pdf import REGULAR

NAMES = [f"University Hospital of Somewhere, campus {n}" for n in (1, 2)]


def test_what_fits_stays() -> None:
    assert shortened("site A", 80, 12) == "site A"


def test_a_long_name_keeps_both_ends() -> None:
    one, two = (shortened(name, 160, 12) for name in NAMES)
    assert one.startswith("University")
    assert one.endswith("campus 1")
    assert one != two
    assert text_width(one, 12) <= 160


def test_no_room_leaves_one_letter() -> None:
    assert shortened("University", 1, 12) == "U"


def test_text_is_not_wider_than_it_is_said_to_be() -> None:
    font = ImageFont.truetype(str(REGULAR), 100)
    for text in (*NAMES, "triptych: image alone: 0.917 [0.883, 0.950]", "MMMM 100%", "illicit"):
        assert font.getlength(text) <= text_width(text, 100) * 1.02
