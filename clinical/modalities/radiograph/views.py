"""The words that sources have for the side from which a chest was taken: views.csv.

After DICOM View Position (PS3.3 C.8.11.5) and what hospitals and public sets write. A word that is
not in the table is not known; nobody takes it for a frontal view.
"""

from __future__ import annotations

import csv
import re
from functools import lru_cache
from pathlib import Path
from typing import Literal, cast

View = Literal["frontal", "lateral", "other"]

PROJECTIONS = ("AP", "PA")
"""From which side a frontal film was taken: from the front, or from behind."""

_TABLE = Path(__file__).with_name("views.csv")


def view_of(word: str) -> View | None:
    """The view that `word` stands for, or None where it is not known.

    Case, hyphens, brackets and doubled blanks do not count.
    """
    known = _words().get(_plain(word))
    return known[0] if known else None


def projection_of(word: str) -> str:
    """ "AP" or "PA", or "" where `word` does not say from which side a frontal film was taken."""
    known = _words().get(_plain(word))
    return known[1] if known else ""


def _plain(word: str) -> str:
    return " ".join(re.findall(r"\w+", word.upper().replace("_", " ")))


@lru_cache(maxsize=1)
def _words() -> dict[str, tuple[View, str]]:
    with _TABLE.open(encoding="utf-8", newline="") as file:
        return {
            _plain(row["word"]): (cast(View, row["view"]), row["projection"])
            for row in csv.DictReader(file)
        }
