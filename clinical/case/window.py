"""How a file asks to be displayed: window or lookup table, and the VOI LUT function (C.11.2)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Function = Literal["LINEAR", "LINEAR_EXACT", "SIGMOID", "LUT"]

FULL = 65535


@dataclass(frozen=True)
class Window:
    """One way from values to greys, DICOM PS3.3 C.11.2.1.

    Attributes:
        function: VOI LUT Function (C.11.2.1.3), or LUT for a table (C.11.2.1.1).
        centre, width: in the unit of the values, as the function takes them. For a table: middle
            of, and distance between, the values that its first and last entry are for.
        explanation: what the file calls it, upper case, or "".
        table: for LUT, little-endian uint16 greys, 0 black to 65535 white, at equal steps.
    """

    function: Function
    centre: float
    width: float
    explanation: str = ""
    table: bytes = b""

    def mirrored(self, top: float) -> Window:
        """The same greys inverted, for values that became `top` - value (MONOCHROME1)."""
        # LINEAR is not symmetric about its centre: it maps centre - 1/2 to the middle grey.
        centre = top - self.centre + (1 if self.function == "LINEAR" else 0)
        table = (FULL - np.frombuffer(self.table, "<u2")[::-1]).astype("<u2").tobytes()
        return Window(self.function, centre, self.width, self.explanation, table)

    def apply(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Greys from 0 (black) to 1 (white), same shape as `values`."""
        distance = np.asarray(values, np.float64) - self.centre
        match self.function:
            case "LINEAR":
                grey = (distance + 0.5) / max(self.width - 1, 1e-6) + 0.5
            case "LINEAR_EXACT":
                grey = distance / self.width + 0.5
            case "SIGMOID":
                grey = 0.5 * (1 + np.tanh(2 * distance / self.width))  # 1 / (1 + exp(-4 d / w))
            case "LUT":
                greys = np.frombuffer(self.table, "<u2") / FULL
                at = (distance / self.width + 0.5) * (len(greys) - 1)
                grey = np.interp(at, np.arange(len(greys)), greys)
        clipped: NDArray[np.float64] = np.clip(grey, 0, 1)
        return clipped


def as_json(window: Window) -> dict[str, Any]:
    """`window` as JSON-compatible values; the table in base64, left out where there is none."""
    data: dict[str, Any] = {
        "function": window.function,
        "centre": window.centre,
        "width": window.width,
        "explanation": window.explanation,
    }
    if window.table:
        data["table"] = base64.b64encode(window.table).decode()
    return data


def from_json(data: Mapping[str, Any]) -> Window:
    """The window that `as_json` wrote."""
    table = base64.b64decode(data.get("table", ""))
    return Window(data["function"], data["centre"], data["width"], data["explanation"], table)
