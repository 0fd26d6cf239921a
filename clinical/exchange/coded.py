"""Codes with their systems, and the names that results keep through their corrections."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from clinical.terms import specimens

_LOINC = re.compile(r"(\d{1,5})-(\d)", re.ASCII)


@dataclass(frozen=True)
class Coded:
    """A code, what it is called, and its system: "LOINC", a name, an address, or ""."""

    code: str = ""
    text: str = ""
    system: str = ""


def is_loinc(code: str) -> bool:
    """Whether a code has the form of LOINC and its check digit (Luhn's, modulus 10)."""
    match = _LOINC.fullmatch(code)
    if match is None:
        return False
    doubled = "".join(
        str(int(digit) * (2 if at % 2 == 0 else 1)) for at, digit in enumerate(match[1][::-1])
    )
    return (10 - sum(map(int, doubled)) % 10) % 10 == int(match[2])


def known_specimen(words: Iterable[str]) -> str:
    """The first of some words for a specimen that is known, else the first of all, else ""."""
    named = [word for word in words if word]
    return next((word for word in named if specimens.read(word)), named[0] if named else "")


def identity(*parts: str) -> str:
    """One name for what these parts name together; it tells nobody what they are."""
    text = "\x1f".join(part.strip() for part in parts)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
