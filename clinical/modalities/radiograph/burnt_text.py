"""Text burnt into the pixels, found by RapidOCR (the extra `ocr`): how much, never what it says.

It costs some tenths of a second a film, so that nobody asks unless told to. The models are inside
the package; nothing is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np

from clinical.case.shapes import Array
from clinical.errors import ConfigError
from clinical.modalities.radiograph import picture

PACKAGES = ("rapidocr", "onnxruntime")

SIDES = re.compile(r"[A-Za-z]{0,3}")
"""A side marker: one letter for the side, with up to two of who took the film."""

POSITIONS = frozenset(
    {"AP", "PA", "LEFT", "RIGHT", "LAT", "LATERAL", "ERECT", "UPRIGHT", "STANDING", "SITTING"}
    | {"SUPINE", "SEMI", "PRONE", "DECUBITUS", "PORTABLE", "MOBILE", "BED", "CHEST", "INSP", "EXP"}
)
"""Words for how a film was taken, which name nobody."""

DOUBT = "text other than a side marker is burnt into the pixels; it may name the patient."

_SETTINGS = {
    "Global.log_level": "critical",  # it would log what it read
    "Global.use_cls": False,  # text that stands on its head
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
}


@dataclass(frozen=True)
class BurntText:
    """What was found in one image.

    Attributes:
        boxes: pieces of text.
        unmarked: how many of them are neither a side marker nor words for how it was taken.
        share: of the area that all boxes cover, 0 to 1.
    """

    boxes: int
    unmarked: int
    share: float


def find(image: Array) -> BurntText:
    """Look for text in `image`, rows x columns, as it opens.

    Raises:
        ConfigError: if the extra is not installed.
    """
    shown = picture.grey(image.values, *picture.window_of(image))
    found = _reader()(np.repeat(shown[..., np.newaxis], 3, axis=2))
    boxes = [] if found.boxes is None else list(found.boxes)
    texts = [] if found.txts is None else list(found.txts)
    covered = sum(_area(np.asarray(box, np.float64)) for box in boxes)
    return BurntText(len(boxes), unmarked(texts), min(1.0, covered / shown.size))


def unmarked(texts: Iterable[str]) -> int:
    """How many texts are neither a side marker nor made of words for how a film was taken."""
    return sum(not _is_marker(text) for text in texts)


def _is_marker(text: str) -> bool:
    words = re.findall(r"\w+", text)
    others = "".join(word for word in words if word.upper() not in POSITIONS)
    return SIDES.fullmatch(others) is not None


def _area(corners: Any) -> float:
    """Of a quadrangle, from its corners in order (x, y)."""
    x, y = corners[:, 0], corners[:, 1]
    return float(abs(x @ np.roll(y, 1) - y @ np.roll(x, 1)) / 2)


def demand() -> None:
    """Say at once that text cannot be looked for.

    Raises:
        ConfigError: if the extra is not installed.
    """
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"Pixels cannot be searched for text: {missing[0]} is not installed.",
            remedy='install the extra: pip install "triptych[ocr]"',
        )


@cache
def _reader() -> Any:
    demand()
    from rapidocr import RapidOCR

    return RapidOCR(params=_SETTINGS)
