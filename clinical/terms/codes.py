"""Codes of a history in one form each: J18.9, ICD-9-CM:428.0, 233604007, N02BE01.

A code may come with its system, in a column of its own or before it ("ICD-10-CM:J18.9",
"http://snomed.info/sct|233604007", an OID), or alone. Alone it is read where its form belongs to
one system only: the form of ICD-10 is that of no other system but for V and some E codes of
ICD-9-CM, a number of 6 to 18 digits with the check digit of SNOMED CT is one of it, and 428.0 with
its dot is of ICD-9-CM. What fits several systems, such as 4280 or V4501, is kept as it was written.

Only the form is judged: whether a code exists, and whether it is the right one, is not.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

SYSTEM_REMEDY = "name the system in a column code_system, such as ICD-10 or ICD-9-CM"

CERTAINTY = "a suspected, excluded or former diagnosis by its last letter; kept as it is"

_URN = "urn:oid:"
_APART = re.compile(r"(?P<system>.+?)\s*[|^:]\s*(?P<code>[^|^:]+)")
_SPACED = re.compile(
    r"(?P<system>icd\W?(?:9|10|11)(?:\W?(?:cm|gm|who))?|snomed(?:\W?ct)?|atc)\s+(?P<code>\S+)",
    re.IGNORECASE,
)
_ICD10 = re.compile(
    r"(?P<category>[A-Z][0-9][0-9AB])\.?(?P<rest>[0-9ABX]{0,3}|[0-9ABX]{3}[0-9A-Z])"
)
_ICD10_MARKS = re.compile(r"(?:\.-|\.?[-†*+!])$")
_ICD9_NUMBER = re.compile(r"(?P<category>\d{3})\.?(?P<rest>\d{0,2})")
_ICD9_V = re.compile(r"(?P<category>V\d{2})\.?(?P<rest>\d{0,2})")
_ICD9_E = re.compile(r"(?P<category>E\d{3})\.?(?P<rest>\d?)")
_ICD9_BARE = re.compile(r"\d{3}\.\d{1,2}|E(?:[89]\d{2}|0[0-3]\d)\.\d|E9\d{2,3}")
_ATC = re.compile(r"[ABCDGHJLMNPRSV]\d{2}[A-Z]{2}(?:\d{2})?")
_ATC_ANY = re.compile(r"[ABCDGHJLMNPRSV](?:\d{2}(?:[A-Z](?:[A-Z](?:\d{2})?)?)?)?")
_AMBIGUOUS_ICD = re.compile(r"V\d{2}\.?\d{0,2}|E8\d{2,3}|E0(?:[0-2]\d|30)\d?|[A-Z]\d{2}[A-Z]")
_CERTAINTY = re.compile(r"([A-Z]\d{2}(?:\.?\d{1,2})?[!+*†]?)\s?([GVAZ])")
_SNOMED = re.compile(r"[1-9]\d{5,17}")
_CONCEPT = ("00", "10")  # the two digits before the check digit, of a concept
_DIGITS = re.compile(r"\d+")


@dataclass(frozen=True)
class Coded:
    """A code as it was understood.

    Attributes:
        code: in the one form of its system, or as it was written.
        problem: why it is kept as it was written where that may be a mistake, or "".
    """

    code: str
    problem: str = ""


def canonical(written: str, system: str = "") -> Coded:
    """One form for a code, where its system is said or its form allows only one.

    Args:
        written: the code; a system before it counts like `system`.
        system: what a column for it holds; "" where there is none.
    """
    text = " ".join(written.split())
    inside, code = _apart(text)
    column = _system(system) if system.strip() else ""
    if column is None:
        return Coded(text, "the code system is not one that is known; the code is kept as it is")
    if inside and column and inside != column:
        return Coded(text, f"the code says {inside} and its column {column}; it is kept as it is")
    named = inside or column
    certainty = _CERTAINTY.fullmatch(code.upper()) if named in ("", "ICD-10") else None
    if certainty:
        if certainty[2] != "G":
            return Coded(text, CERTAINTY)
        code = text = certainty[1]
    if named:
        found = _FORMS[named](code)
        if found is None:
            return Coded(text, f"not of the form of {named}; the code is kept as it is")
        return Coded(found)
    # A source and a name of its own, such as local:smoker, is nobody else's business.
    return Coded(text) if ":" in text else _by_form(text)


def parted(code: str) -> tuple[str, str]:
    """System and code of one that `canonical` brought to its form; "" and all of any other."""
    for system in ("ICD-9-CM", "ICD-11"):
        if code.startswith(f"{system}:"):
            return system, code.removeprefix(f"{system}:")
    for system in ("ATC", "ICD-10", "SNOMED CT"):
        if _FORMS[system](code) == code and not (system == "ATC" and not _ATC.fullmatch(code)):
            return system, code
    return "", code


def is_system(word: str) -> bool:
    """Whether a word names a code system that is known, such as ICD10CM or SNOMED."""
    return bool(_system(word))


def _by_form(text: str) -> Coded:
    upper = text.upper()
    if _ATC.fullmatch(upper):
        return Coded(upper)
    if _ICD9_BARE.fullmatch(upper):
        return Coded(_icd9(upper) or text)
    if _AMBIGUOUS_ICD.fullmatch(_ICD10_MARKS.sub("", upper)):
        return Coded(upper, "a code that several systems have; it is kept as it is")
    tenth = _icd10(upper)
    if tenth:
        return Coded(tenth)
    if _snomed(text):
        return Coded(text)
    if _DIGITS.fullmatch(text):
        return Coded(text, "a bare number, which several systems have; it is kept as it is")
    return Coded(text)


def _apart(text: str) -> tuple[str, str]:
    """The system that stands before a code, or "", and the code."""
    for pattern in (_APART, _SPACED):
        found = pattern.fullmatch(text)
        system = _system(found["system"]) if found else None
        if found and system:
            return system, found["code"].strip()
    return "", text


@cache
def _systems() -> dict[str, str]:
    source = resources.files("clinical.terms").joinpath("code_systems.csv")
    rows = csv.DictReader(source.read_text(encoding="utf-8").splitlines())
    return {_key(word): row["system"] for row in rows for word in row["spellings"].split(";")}


def _system(word: str) -> str | None:
    return _systems().get(_key(word.strip().lower().removeprefix(_URN)))


def _key(word: str) -> str:
    return "".join(character for character in word.casefold() if character.isalnum())


def _dotted(category: str, rest: str) -> str:
    return f"{category}.{rest}" if rest else category


def _icd10(code: str) -> str | None:
    """J18.9 of j189, J18.9 and J18.9*; J18 of J18.-"""
    found = _ICD10.fullmatch(_ICD10_MARKS.sub("", code.upper()))
    return _dotted(found["category"], found["rest"]) if found else None


def _icd9(code: str) -> str | None:
    for pattern in (_ICD9_NUMBER, _ICD9_V, _ICD9_E):
        found = pattern.fullmatch(code.upper())
        if found:
            return f"ICD-9-CM:{_dotted(found['category'], found['rest'])}"
    return None


def _icd11(code: str) -> str | None:
    return f"ICD-11:{code.upper()}" if re.fullmatch(r"[0-9A-Za-z.&/]{4,}", code) else None


def _snomed(code: str) -> str | None:
    concept = _SNOMED.fullmatch(code) and code[-3:-1] in _CONCEPT and _verhoeff(code)
    return code if concept else None


def _atc(code: str) -> str | None:
    return code.upper() if _ATC_ANY.fullmatch(code.upper()) else None


_FORMS = {
    "ICD-10": _icd10,
    "ICD-9-CM": _icd9,
    "ICD-11": _icd11,
    "SNOMED CT": _snomed,
    "ATC": _atc,
}

_PERMUTED = ("0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901",
             "2793806415", "7046913258")  # fmt: skip


def _verhoeff(digits: str) -> bool:
    """Whether the last digit is the check digit of SNOMED CT (Verhoeff's dihedral scheme)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        total = _dihedral(total, int(_PERMUTED[place % 8][int(digit)]))
    return total == 0


def _dihedral(one: int, other: int) -> int:
    """The product in the dihedral group of order ten."""
    if one < 5:
        return (one + other) % 5 if other < 5 else 5 + (one + other - 5) % 5
    return 5 + (one - 5 - other) % 5 if other < 5 else (one - other) % 5
