"""What a value was measured in: urine is not blood.

specimens.csv has the words for a specimen, in a column of its own or inside a name ("Sodium,
urine", "Kreatinin im Urin", "U-Na"), with the codes of HL7 v2 table 0487 and SNOMED CT.
other_specimens.csv has LOINC codes that belong to other specimens than the measurements that are
understood, most of them from the list of laboratory items of the open MIMIC-III demo.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources

from clinical.terms.loinc import Term, candidates, plain

_DRAWN = ("arterial blood", "venous blood")
BLOODS = ("blood", "whole blood", "arterial blood", "venous blood")
_PRECISE = {"whole blood": "whole blood", "arterial blood": "arterial", "venous blood": "venous"}
_LETTERS = {"U": "urine", "S": "blood", "B": "blood"}
_LETTER = re.compile(r"([USB])-(.+)")
_SHORT = ("csf", "lcr", "lcs", "iu", "is", "ip")
_LINK = re.compile(r"\s(?:im|in|of|en|dans|from|aus)(?:\s(?:le|la|les|the|el))?\s*$", re.I)
_BETWEEN = " ,;:-–/([{"
_JOINED = ("urin", "serum", "plasma", "liquor", "pleura", "aszites")
_PROPERTY = re.compile(
    r"\[(?:#|mass|moles|volume|entitic|ratio|enzymatic|units|presence|partial)[^\]]*\]", re.I
)
_METHOD = re.compile(r"\bby (?:automated count|manual count|test strip|calculation)\s*$", re.I)
_WORD = re.compile(r"[^\W_]+")
_LOINC = re.compile(r"(?:loinc:)?\s*(\d{1,5}-\d)", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Named:
    """A name without the specimen that it holds.

    Attributes:
        name: what is left.
        specimen: a word of specimens.csv, or "" where the name holds none.
    """

    name: str
    specimen: str = ""


def _rows(file: str) -> list[dict[str, str]]:
    text = resources.files("clinical.terms").joinpath(file).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def _words() -> dict[str, str]:
    return {
        plain(word): row["specimen"]
        for row in _rows("specimens.csv")
        for word in (row["specimen"], *row["spellings"].split(";"))
    }


@cache
def other_specimens() -> dict[str, tuple[str, str]]:
    """LOINC code to name and specimen, for codes that are of no specimen that is understood."""
    return {row["code"]: (row["name"], row["specimen"]) for row in _rows("other_specimens.csv")}


def read(cell: str) -> str | None:
    """The specimen that a cell names, "" for an empty cell, None for a word that is not known."""
    return _words().get(plain(cell)) if cell.strip() else ""


def of_code(code: str) -> tuple[str, str] | None:
    """Name and specimen of a LOINC code of another specimen, or None."""
    found = _LOINC.fullmatch(code.strip())
    return other_specimens().get(found[1]) if found else None


@lru_cache(maxsize=4096)
def within(name: str) -> Named:
    """`name` without the specimen at its beginning or end; `name` itself where it means something.

    "Sodium, Urine" gives "Sodium" of urine; "arterial lactate" is a name of its own.
    """
    text = name.strip()
    if candidates(text):
        return Named(text)
    letter = _LETTER.fullmatch(text)
    if letter and candidates(letter[2]):
        return Named(letter[2], _LETTERS[letter[1]])
    bare = " ".join(_METHOD.sub("", _PROPERTY.sub(" ", text)).split())
    return _at_an_end(bare) or _joined(bare) or Named(bare if candidates(bare) else text)


def _at_an_end(text: str) -> Named | None:
    """The longest specimen that the words end or begin with."""
    words = list(_WORD.finditer(text))
    for length in range(min(4, len(words) - 1), 0, -1):
        first, last = words[length - 1].end(), words[-length].start()
        for found, rest in ((text[last:], text[:last]), (text[:first], text[first:])):
            key = plain(found)
            if (len(key) > 3 or key in _SHORT) and key in _words():
                return Named(_LINK.sub("", rest).strip(_BETWEEN), _words()[key])
    return None


def _joined(text: str) -> Named | None:
    """Of words written together, as German does: Urinkreatinin."""
    for word in _JOINED:
        rest = text[len(word) :]
        if text.casefold().startswith(word) and candidates(rest):
            return Named(rest, _words()[plain(word)])
    return None


def precise(name: str, specimen: str) -> str:
    """The name with its specimen where together they are a name of their own, else `name`.

    "pH" of arterial blood is "pH arterial".
    """
    word = _PRECISE.get(specimen)
    if word is None:
        return name
    together = f"{name} {word}"
    return together if candidates(together) else name


def fitting(found: tuple[Term, ...], specimen: str) -> tuple[Term, ...]:
    """Those of `found` that a value of `specimen` can be; the ones of exactly it, if any."""
    exact = tuple(term for term in found if specimen in _DRAWN and term.specimen == specimen)
    return exact or tuple(term for term in found if fits(term, specimen))


def fits(term: Term, specimen: str) -> bool:
    """Whether a value of `specimen` ("" for unknown) can be one of `term`."""
    if not specimen:
        return True
    if specimen not in BLOODS:
        return False
    if not term.specimen:
        # A blood gas analyser lists temperature and oxygen beside its results, as of blood.
        return specimen == "blood"
    return not (specimen in _DRAWN and term.specimen in _DRAWN and specimen != term.specimen)
