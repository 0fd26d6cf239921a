"""What a reader had on the screen when they decided: window, position and heat map, as numbers.

The browser reports it (`read` takes nothing else than what fits), and it is kept in the payload of
the event that it belongs to. Images go by the name of their input, diagnoses by their code.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from clinical.wording import words

FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID", "LUT")
"""VOI functions, DICOM PS3.3 C.11.2.1.2 and C.11.2.1.3; LUT is a table of the file."""

MOST_SEEN = 20


@dataclass(frozen=True)
class Look:
    """One image as it was shown.

    Attributes:
        image: name of the input.
        function, centre, width: the window, in the unit of the image.
        inverted: greys were turned round.
        diagnosis: whose heat map lay over it, or "".
    """

    image: str
    function: str
    centre: float
    width: float
    inverted: bool
    diagnosis: str


@dataclass(frozen=True)
class Viewed:
    """What a reader had before them at one moment, and what they had seen of the case until then.

    Attributes:
        look: at this moment.
        plane: which frame, from 1.
        zoom: screen pixels of an image pixel's longer side, in percent.
        box: what of the image was in view: left, top, right, bottom in image pixels.
        turn: rows of the rotation and reflection, each -1, 0 or 1; (1, 0, 0, 1) is upright.
        prior: whether the image of the earlier visit stood beside it.
        opacity, threshold: of the heat map, in percent; how it was set where none was shown.
        seen: each look and for how many seconds it was on the screen since the case was opened,
            longest first; looks of less than a second, and more than `MOST_SEEN`, are left out.
    """

    look: Look
    plane: int
    zoom: float
    box: tuple[float, float, float, float]
    turn: tuple[int, int, int, int]
    prior: bool
    opacity: int
    threshold: int
    seen: tuple[tuple[Look, float], ...] = ()


def read(report: object, images: Collection[str], diagnoses: Collection[str]) -> Viewed | None:
    """What the browser reported, or None where it reported nothing that can be.

    Args:
        report: JSON-compatible; everything in it is checked.
        images: names of the inputs that are images.
        diagnoses: codes that a heat map of this case may have.
    """
    if not isinstance(report, Mapping):
        return None
    try:
        seen = [(_look(one, images, diagnoses), _number(one["seconds"])) for one in report["seen"]]
        now = report["now"]
        turn = tuple(int(_number(_within(part, (-1, 0, 1)))) for part in now["turn"])
        left, top, right, bottom = (_number(edge) for edge in now["box"])
        a, b, c, d = turn
        return Viewed(
            _look(now, images, diagnoses),
            int(_number(now["plane"])),
            _number(now["zoom"]),
            (left, top, right, bottom),
            (a, b, c, d),
            bool(now["prior"]),
            int(_number(now["opacity"])),
            int(_number(now["threshold"])),
            tuple(seen[:MOST_SEEN]),
        )
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def as_json(viewed: Viewed) -> dict[str, Any]:
    """For the payload of an event (docs/ledger.md)."""
    now = {name: value for name, value in asdict(viewed).items() if name not in ("look", "seen")}
    return {
        **asdict(viewed.look),
        **now,
        "box": list(viewed.box),
        "turn": list(viewed.turn),
        "seen": [{**asdict(look), "seconds": seconds} for look, seconds in viewed.seen],
    }


def said(view: object) -> str:
    """A recorded view in words, or "" where there is none: "window 40/400, heat map of ... at 50%".

    The record may have been tampered with, and is told all the same.
    """
    if not isinstance(view, Mapping):
        return ""
    many = _seconds(view.get("seen"))
    parts = [
        _window(view),
        "greys inverted" if view.get("inverted") is True else "",
        f"{_heat(view)} at {view.get('opacity')}%" if view.get("diagnosis") else "no heat map",
        f"after {many}" if many else "",
    ]
    return ", ".join(part for part in parts if part)


def _window(view: Mapping[str, Any]) -> str:
    kind = {"SIGMOID": " (sigmoid)", "LUT": " (table)"}.get(str(view.get("function")), "")
    return f"window {_short(view.get('centre'))}/{_short(view.get('width'))}{kind}"


def _heat(view: Mapping[str, Any]) -> str:
    return f"heat map of {words(str(view.get('diagnosis', '')))}"


def _seconds(seen: object) -> str:
    """Seconds for each heat map, and without one, over all windows."""
    total: dict[str, float] = {}
    for one in seen if isinstance(seen, list) else ():
        if isinstance(one, Mapping) and isinstance(one.get("seconds"), int | float):
            name = str(one.get("diagnosis", ""))
            total[name] = total.get(name, 0.0) + one["seconds"]
    ordered = sorted(total.items(), key=lambda pair: -pair[1])
    return " and ".join(
        f"{seconds:.0f} s {f'with that of {words(name)}' if name else 'without a heat map'}"
        for name, seconds in ordered
    )


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else "?"


def _look(part: Mapping[str, Any], images: Collection[str], diagnoses: Collection[str]) -> Look:
    return Look(
        str(_within(part["image"], images)),
        str(_within(part["function"], FUNCTIONS)),
        _number(part["centre"]),
        _number(part["width"]),
        bool(part["inverted"]),
        str(_within(part["diagnosis"], ("", *diagnoses))),
    )


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("not a number")
    return float(value)


def _within(value: object, known: Collection[object]) -> object:
    if value not in known:
        raise ValueError("not one of these")
    return value
