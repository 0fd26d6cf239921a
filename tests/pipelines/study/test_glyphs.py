"""What the bundled font can draw, against the font library of Pillow."""

from __future__ import annotations

import pytest
from PIL import ImageFont

from pipelines.study.glyphs import UNKNOWN, covered, drawable
from pipelines.study.pdf import FONT_FILES, REGULAR

NOWHERE = "\U0010fffe"


def test_names_of_other_languages_stay_and_the_rest_is_marked() -> None:
    assert drawable("Łódź, Ωμέγα, ≥ 65 · −1", REGULAR) == "Łódź, Ωμέγα, ≥ 65 · −1"
    assert drawable("医院 A\n\x07B", REGULAR) == f"{UNKNOWN * 2} A\n{UNKNOWN}B"


@pytest.mark.parametrize("weight", ["Regular", "Bold"])
def test_coverage_is_what_the_font_draws(weight: str) -> None:
    file = FONT_FILES / f"LiberationSans-{weight}.ttf"
    font, known = ImageFont.truetype(str(file), 40), covered(file)
    nothing = bytes(font.getmask(NOWHERE))
    for code in (*range(0x21, 0x7F), *range(0xA1, 0x180), 0x2265, 0x4E00, 0x1F600, 0xE0AA):
        assert (bytes(font.getmask(chr(code))) != nothing) == (code in known), hex(code)


def test_bold_draws_all_that_regular_draws() -> None:
    assert covered(REGULAR) == covered(FONT_FILES / "LiberationSans-Bold.ttf")
