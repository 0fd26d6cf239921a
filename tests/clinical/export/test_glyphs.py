"""What the bundled font can draw, against the font library of Pillow."""

from __future__ import annotations

import pytest
from PIL import ImageFont

from clinical.export.glyphs import (
    FONT_FILES,
    REGULAR,
    SCRIPTS,
    UNKNOWN,
    breakable,
    covered,
    drawable,
)

NOWHERE = "\U0010fffe"


def test_names_of_other_languages_stay_and_the_rest_is_marked() -> None:
    assert drawable("Łódź, Ωμέγα, ≥ 65 · −1", REGULAR) == "Łódź, Ωμέγα, ≥ 65 · −1"
    assert drawable("医院 A\n\x07B", REGULAR) == f"{UNKNOWN * 2} A\n{UNKNOWN}B"


def test_only_an_endless_word_may_be_broken() -> None:
    ordinary = "f" * 64 + " pneumonoultramicroscopicsilicovolcanoconiosis\n" + "A" * 80
    assert breakable(ordinary) == ordinary
    endless = breakable(f"before {'x' * 20_000} after")
    assert max(map(len, endless.replace("\u200b", " ").split())) == 16
    assert endless.replace("\u200b", "") == f"before {'x' * 20_000} after"


def test_no_accent_is_taken_from_its_letter() -> None:
    assert "\u200b\u0301" not in breakable("e\u0301" * 100)


@pytest.mark.parametrize("weight", ["Regular", "Bold"])
def test_coverage_is_what_the_font_draws(weight: str) -> None:
    file = FONT_FILES / f"LiberationSans-{weight}.ttf"
    font, known = ImageFont.truetype(str(file), 40), covered(file)
    nothing = bytes(font.getmask(NOWHERE))
    for code in (*range(0x21, 0x7F), *range(0xA1, 0x180), 0x2265, 0x4E00, 0x1F600, 0xE0AA):
        assert (bytes(font.getmask(chr(code))) != nothing) == (code in known), hex(code)


def test_bold_draws_all_that_regular_draws() -> None:
    assert covered(REGULAR) == covered(FONT_FILES / "LiberationSans-Bold.ttf")


@pytest.mark.parametrize(
    "text",
    [
        "Пневмония",
        "肺炎和心力衰竭",
        "肺炎。はい",
        "التهاب رئوي",
        "דלקת ריאות",
        "πνευμονία",
        "폐렴, 뷁쫽",  # the last two are no syllables of KS X 1001
        "ปอดอักเสบ",
        "निमोनिया, हृदय की विफलता",
    ],
)
def test_scripts_of_the_record_can_be_drawn(text: str) -> None:
    assert drawable(text, REGULAR, *SCRIPTS) == text


def test_what_no_font_has_is_a_question_mark() -> None:
    assert drawable("ሳንባ ᎠᎡ", REGULAR, *SCRIPTS) == "??? ??"
