"""What the cells of a column of sexes mean, decided by all of them together.

M is a man beside F, W or K and a woman (mujer) beside H (hombre). 1 and 2 are those of ISO/IEC 5218
where 2 is there; of a column that has only 0 and 1 nobody can say which is which.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from clinical.case.shapes import Sex

_FEMALE = (
    "female f w woman girl weiblich frau femme féminin feminin femenino femenina feminino feminina"
    " mujer mulher donna femmina femminile vrouw kvinna kvinde kvinne kobieta žena ž"
)
_MALE = (
    "male man boy männlich maennlich mann homme masculin masculino masculina hombre varón varon"
    " homem uomo maschio maschile mand mężczyzna muž h"
)
_UNKNOWN = (
    "unknown other unbekannt divers diverse d u unk x o nan na n/a null none missing - ?"
    " indeterminate undetermined ambiguous"
)

WORDS: Mapping[str, Sex | None] = {
    "": None,
    **dict.fromkeys(_FEMALE.split(), "female"),
    **dict.fromkeys(_MALE.split(), "male"),
    **dict.fromkeys(_UNKNOWN.split(), None),
}
"""Cells that mean one thing whatever stands beside them, in small letters."""

Meaning = Mapping[str, Sex | str | None]
"""Cell in small letters to what it means; a sentence says why that cannot be known."""

NOT_KNOWN = "the sex is not known to this reader; it is left out."
ONE_OF_TWO = (
    "the column has only the numbers 0 and 1, and which of them is female is nowhere said; the sex"
    " is left out."
)
M_OF_TWO = (
    "m is a man in one language and a woman in another, and the column has words of both; the sex"
    " is left out."
)
SAME_LETTER = (
    "the letter is a man in one language and a woman in another, and the column does not decide"
    " it; the sex is left out."
)

_ISO_5218: dict[str, Sex | None] = {"0": None, "1": "male", "2": "female", "9": None}
_OF_A_WOMAN = {"f", "w", "k", "ž", "female", "weiblich", "frau", "woman"}
_OF_HOMBRE = {"h", "hombre", "mujer"}


def cell(text: str) -> str:
    """A cell as it is looked up: small letters, and 1 for 1.0."""
    small = text.casefold()
    return small[:-2] if small in ("0.0", "1.0", "2.0", "9.0") else small


def meaning(cells: Iterable[str], told: Mapping[str, Sex | None] | None = None) -> Meaning:
    """What every cell of a column means.

    Args:
        cells: all of the column.
        told: cell to sex, as the cohort says; taken as it is.
    """
    told = {cell(key): value for key, value in (told or {}).items()}
    seen = {cell(text) for text in cells} - set(told)
    found: dict[str, Sex | str | None] = {
        one: WORDS.get(one, NOT_KNOWN) if one in WORDS else NOT_KNOWN for one in seen
    }
    found |= _numbers(seen) | _letters(seen)
    return {**found, **told}


def said(found: Meaning) -> Iterator[str]:
    """What was found that is not female and male, f and m: a clause each."""
    if found.get("2") == "female":
        yield "1 and 2 in sex are read as male and female (ISO/IEC 5218)"
    if found.get("m") == "female":
        yield "m in sex is read as female (mujer), because h is there"


def _numbers(seen: set[str]) -> dict[str, Sex | str | None]:
    numbers = seen & set(_ISO_5218)
    if numbers & {"0", "1"} and "2" not in numbers:
        # 0 is "unknown" of the one code and a sex of the other.
        return dict.fromkeys(numbers & {"0", "1"}, ONE_OF_TWO) | (
            {"9": None} if "9" in numbers else {}
        )
    return {number: _ISO_5218[number] for number in numbers}


def _letters(seen: set[str]) -> dict[str, Sex | str | None]:
    """M, V, K and N, which are one sex, the other or neither by language."""
    found: dict[str, Sex | str | None] = {}
    if "v" in seen:  # Spanish has varón and mujer, Dutch man and vrouw
        found["v"] = "male" if "f" in seen and not seen & {"m", "h"} else SAME_LETTER
    if "m" in seen:
        found["m"] = "male"
        if "v" in seen:
            found["m"] = SAME_LETTER
        elif seen & _OF_HOMBRE:
            found["m"] = M_OF_TWO if seen & _OF_A_WOMAN else "female"
    if "k" in seen:  # kvinna, kvinde, kobieta, kadın
        found["k"] = "female"
    if "n" in seen:  # not known of one language, a woman of Finnish and Hungarian
        found["n"] = SAME_LETTER
        if "f" in seen and not seen & {"m", "male"}:
            found["f"] = SAME_LETTER  # férfi, a man
    return found
