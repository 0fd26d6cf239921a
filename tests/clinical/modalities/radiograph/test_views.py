"""The words for a view, and which image of a case they put in front."""

from __future__ import annotations

import pytest

from clinical.modalities.radiograph.views import View, view_of

WORDS: dict[View | None, tuple[str, ...]] = {
    "frontal": ("PA", "ap", "AP-Portable", "Chest PA", "frontal", "Postero-anterior", " AP "),
    "lateral": (
        *("L", "LL", "RL", "lat", "LATERAL", "Lateral view", "LLAT", "LEFT LATERAL"),
        *("LATERAL-LEFT", "P-LAT", "RIGHT LATERAL", "Lateral (L)", "XTL", "ML", "LM", "l_lat"),
    ),
    "other": ("LAO", "rlo", "LLO", "LLD", "OBLIQUE", "AP lordotic", "Axial"),
    None: ("", "XX", "upright", "see report", "PALAT", "AP/LAT", "1"),
}


@pytest.mark.parametrize(
    ("word", "view"), [(word, view) for view, words in WORDS.items() for word in words]
)
def test_words_for_a_view(word: str, view: View | None) -> None:
    assert view_of(word) == view
