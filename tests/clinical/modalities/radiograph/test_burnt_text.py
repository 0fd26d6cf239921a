"""Text burnt into a film is counted and measured, and what it says is never kept."""

from __future__ import annotations

import logging
from importlib.util import find_spec

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from clinical.case.shapes import Array
from clinical.errors import ConfigError
from clinical.export.glyphs import REGULAR
from clinical.modalities.radiograph import burnt_text

needs_ocr = pytest.mark.skipif(
    any(find_spec(name) is None for name in burnt_text.PACKAGES),
    reason="the extra ocr is not installed",
)


def film(*texts: tuple[str, tuple[int, int]]) -> Array:
    shade = np.add.outer(np.linspace(20, 120, 480), np.linspace(0, 60, 480)).astype(np.uint8)
    drawn = Image.fromarray(shade)
    for text, place in texts:
        font = ImageFont.truetype(str(REGULAR), 22)
        ImageDraw.Draw(drawn).text(place, text, fill=250, font=font)
    return Array(np.asarray(drawn, np.float32), window=(128, 256))


@pytest.mark.parametrize(
    ("text", "marker"),
    [
        ("R", True),
        ("L AJ", True),
        ("AP ERECT", True),
        ("mobile", True),
        ("18.20 hrs", False),
        ("DOE JANE", False),
        ("DOE JO", False),
        ("12.03.1961", False),
        ("MRN 4711", False),
    ],
)
def test_what_is_a_side_marker(text: str, marker: bool) -> None:
    assert burnt_text.unmarked([text]) == (0 if marker else 1)


@needs_ocr
def test_a_name_is_found_and_not_repeated(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        found = burnt_text.find(film(("ROBERTSON JANE 1961", (20, 20)), ("R", (430, 40))))
    assert found.boxes >= 1
    assert found.unmarked == 1
    assert 0.005 < found.share < 0.1
    assert "ROBERTSON" not in caplog.text
    assert "ROBERTSON" not in repr(found)


@needs_ocr
def test_an_empty_film_has_no_text() -> None:
    assert burnt_text.find(film()) == burnt_text.BurntText(0, 0, 0.0)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(burnt_text, "find_spec", lambda _: None)
    burnt_text._reader.cache_clear()
    with pytest.raises(ConfigError, match="rapidocr is not installed") as caught:
        burnt_text.find(film())
    assert "triptych[ocr]" in str(caught.value)
