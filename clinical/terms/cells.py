"""What the cell of a value says: a number, a bound, a flag or a unit beside it, or why it is none.

Only what cannot mean anything else is read. A result in words ("neg"), a degree ("1+"), a range
("5-10") and a spoilt specimen ("haemolysed") are told apart, because a person who reads why a
value is not used should not be told only that it is no number.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from clinical.case.shapes import Bound

BOUND = "beyond the assay: given as a bound, not a value"

_DIGITS = r"(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d{1,3})?"
_PLAIN = re.compile(r"-?\d{1,15}(?:\.\d{1,15})?", re.ASCII)
_CELL = re.compile(
    rf"(?P<mark>[*!↑↓]+|HH?(?=\s)|LL?(?=\s))?\s*(?P<bound><=|>=|=<|=>|[<>≤≥])?\s*"
    rf"(?P<number>[+-]?{_DIGITS})(?P<rest>.*)",
    re.ASCII | re.DOTALL,
)
_FLAG = re.compile(r"(?:^|(?<=\s))[(\[]?(?:HH?|LL?|AA?|N|\*+|!+|↑+|↓+)[)\]]?$|[*!↑↓]+$")
_LETTER_FLAG = re.compile(r"^(?:HH?|LL?)$")
_DECIMAL_COMMA = re.compile(r"[+-]?(?:0,\d+|\d+,(?:\d{1,2}|\d{4,}))", re.ASCII)
_ENDLESS = re.compile(r"[+-]?(?:inf|infinity|∞)", re.IGNORECASE)
_BOUND_WORDS = {
    "<": (
        "less than",
        "lower than",
        "below",
        "under",
        "kleiner als",
        "kleiner",
        "unter",
        "menor de",
    ),
    ">": ("greater than", "more than", "above", "over", "größer als", "größer", "über", "mayor de"),
    "≤": ("at most",),
    "≥": ("at least",),
}
_SIGNS: dict[str, Bound] = {
    **{"<": "<", ">": ">", "≤": "≤", "≥": "≥"},
    **{"<=": "≤", "=<": "≤", ">=": "≥", "=>": "≥"},
}
_SPOILT = {
    "haemolysed": ("haemol", "hemol", "hämol"),
    "lipaemic": ("lipaem", "lipem", "lipäm"),
    "icteric": ("icter", "ikter"),
    "clotted": ("clot", "geronnen", "coagul"),
    "too small": ("qns", "quantity not sufficient", "insufficient", "zu wenig material"),
}
_PENDING = ("pending", "in process", "folgt", "to follow", "ausstehend", "in arbeit")
_NOT_DONE = ("not done", "notdone", "done", "cancel", "nicht bestimmt", "n.b", "unable", "hold")
_QUALITATIVE = re.compile(
    r"(?:neg|pos|normal|none|trace|spur|nachweisbar|nicht nachweisbar|not detected|detected|"
    r"reactive|non-?reactive|absent|present|few|many|rare|occasional|mod|lg|sm|tr)[a-z]*\.?"
    r"|[1-4]\s*\++|\++|\(\+\)|-",
    re.IGNORECASE,
)
_RANGE = re.compile(rf"{_DIGITS}\s*(?:-|–|to|bis)\s*{_DIGITS}", re.ASCII | re.IGNORECASE)
_PAIR = re.compile(rf"{_DIGITS}\s*/\s*{_DIGITS}", re.ASCII)
_RATIO = re.compile(r"1\s*:\s*\d+", re.ASCII)


@dataclass(frozen=True)
class Cell:
    """What a cell says.

    Attributes:
        number: as written, or None where there is none.
        bound: "<" or ">" where the assay only says that the value is below or above `number`.
        unit: written behind the number, or "".
        step: what one unit in the last written place is worth.
        problem: why there is no number, or "".
    """

    number: float | None
    bound: Bound = ""
    unit: str = ""
    step: float = 0.0
    problem: str = ""


def read(raw: str) -> Cell:
    """Read one cell. Never raises; a problem never repeats what the cell holds."""
    if _PLAIN.fullmatch(raw):
        return Cell(float(raw), step=_step(raw))
    text = " ".join(raw.replace("\u2212", "-").split())
    if not text:
        return Cell(None, problem="no value given")
    if _ENDLESS.fullmatch(text):
        return Cell(None, problem=BOUND)
    told = _without_a_number(text)
    if told:
        return Cell(None, problem=told)
    found = _CELL.fullmatch(_with_signs(text))
    if not found:
        return Cell(None, problem="not a number")
    number, problem = _number(found["number"])
    rest = found["rest"]
    if number is None or re.match(r"[\d.,'’]|\s\d", rest):
        return Cell(None, problem=problem or _THOUSANDS)
    sign = found["bound"] or ""
    bound: Bound = _SIGNS[sign] if sign else ""
    return Cell(number, bound, _unit(rest), _step(found["number"]))


_THOUSANDS = "not an unambiguous number: write a decimal point and no thousands separator"


def _with_signs(text: str) -> str:
    """ "LESS THAN 10" as "<10"."""
    lower = text.casefold()
    for sign, phrases in _BOUND_WORDS.items():
        for phrase in phrases:
            if lower.startswith(f"{phrase.casefold()} "):
                return sign + text[len(phrase) + 1 :]
    return text


def _unit(rest: str) -> str:
    """What stands behind a number, without flags."""
    text = rest.strip()
    return "" if _LETTER_FLAG.match(text) else _FLAG.sub("", text).strip()


def _without_a_number(text: str) -> str:
    """Why a cell without a number to use has none, or ""."""
    lower = text.casefold()
    for state, beginnings in _SPOILT.items():
        if any(beginning in lower for beginning in beginnings):
            return f"the specimen was {state}: no value is used"
    if any(lower.startswith(word) for word in _PENDING):
        return "the result was not there yet"
    if any(lower.startswith(word) for word in _NOT_DONE):
        return "it was not measured"
    if _QUALITATIVE.fullmatch(text):
        return "a result in words or degrees, not a number"
    if _RANGE.fullmatch(text):
        return "a range, not one value"
    if _PAIR.fullmatch(text):
        return "two values in one cell; give each a row of its own"
    return "a titre, not a number" if _RATIO.fullmatch(text) else ""


def _number(text: str) -> tuple[float | None, str]:
    if _DECIMAL_COMMA.fullmatch(text):
        text = text.replace(",", ".")
    elif "," in text:
        return None, _THOUSANDS
    number = float(text)
    return (number, "") if math.isfinite(number) else (None, "not a finite number")


def _step(text: str) -> float:
    mantissa, _, exponent = text.lower().replace(",", ".").partition("e")
    decimals = len(mantissa.partition(".")[2])
    return float(10.0 ** (int(exponent or 0) - decimals))
