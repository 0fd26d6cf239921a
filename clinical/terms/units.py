"""Units as laboratories and monitors write them, and the exact factors between them.

units.csv names, for every quantity, each UCUM unit with the factor and offset that lead to the
quantity's base unit (base = value * factor + offset) and every spelling that is understood.
Nothing outside that table is ever interpreted: "K/uL" is a spelling of 10*3/uL and not kelvin,
because a person wrote that line. Factors are exact fractions; pressure uses 1 mm[Hg] = 133.322 Pa
as UCUM defines it, the katal is 60e6 U, and HbA1c follows the NGSP master equation
(Hoelzel et al., Clin Chem 2004;50:166).
"""

from __future__ import annotations

import csv
import html
import re
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache
from importlib import resources

SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_SUPERSCRIPT_RUN = re.compile(r"[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_POWER_OF_TEN = re.compile(r"^[x*]?10(?:(?:\^|\*\*?|[eE]|exp)(\d{1,2})(?=\D|$)|\((\d{1,2})\))")
_MICRO = re.compile(r"mc(?=g|[lL](?![a-z])|mol|kat|I?U)")
_COUNTED = re.compile(r"^(?:cells|Zellen)(?=[x*]?10)", re.IGNORECASE)


@dataclass(frozen=True)
class Unit:
    """One UCUM unit.

    Attributes:
        code: in UCUM.
        quantity: what it measures; units of one quantity differ by a factor (and offset) only.
        factor, offset: base = value * factor + offset, both exact.
        spellings: how it is found written, already passed through `squeeze`.
        case_bound: spellings that count in exactly these capitals only ("=G/L" in the file).
    """

    code: str
    quantity: str
    factor: Fraction
    offset: Fraction
    spellings: tuple[str, ...]
    case_bound: frozenset[str]


@dataclass(frozen=True)
class Line:
    """A conversion, result = value * slope + intercept, both exact."""

    slope: Fraction
    intercept: Fraction

    def inverse(self) -> Line:
        """The conversion back."""
        return Line(1 / self.slope, -self.intercept / self.slope)


# A table has few units, in many rows.
@lru_cache(maxsize=4096)
def squeeze(raw: str) -> str:
    """Write `raw` without what never changes a unit: spaces, kinds of micro sign, of powers of ten.

    Letter case is kept, because it can change a unit (G/L and g/L).
    """
    # A table that went through a web page may hold &#176;C.
    text = html.unescape(raw) if "&" in raw else raw
    text = _SUPERSCRIPT_RUN.sub(lambda run: "^" + run[0].translate(SUPERSCRIPTS), text)
    text = "".join(text.split()).replace("\u00b5", "u").replace("\u03bc", "u")
    text = _MICRO.sub("u", text).replace("\u00d7", "x").replace("1,73", "1.73")
    return _POWER_OF_TEN.sub(lambda found: f"10*{found[1] or found[2]}", _COUNTED.sub("", text))


@cache
def table() -> dict[str, tuple[Unit, ...]]:
    """Every unit of units.csv by its UCUM code (a code may serve several quantities)."""
    source = resources.files("clinical.terms").joinpath("units.csv").read_text(encoding="utf-8")
    units: dict[str, tuple[Unit, ...]] = {}
    for row in csv.DictReader(source.splitlines()):
        spellings = [row["unit"], *row["spellings"].split(";")]
        unit = Unit(
            row["unit"],
            row["quantity"],
            Fraction(row["factor"]),
            Fraction(row["offset"]),
            tuple(dict.fromkeys(squeeze(s.removeprefix("=")) for s in spellings)),
            frozenset(squeeze(s[1:]) for s in spellings if s.startswith("=")),
        )
        units[unit.code] = (*units.get(unit.code, ()), unit)
    return units


def named(code: str, quantity: str | None = None) -> Unit:
    """The unit `code`, of `quantity` where the code alone does not say.

    Raises:
        ValueError: if units.csv has no such unit, or several and no `quantity` is given.
    """
    found = [u for u in table().get(code, ()) if quantity in (None, u.quantity)]
    if len(found) != 1:
        raise ValueError(f"{len(found)} units {code!r} of quantity {quantity!r} in units.csv")
    return found[0]


def reader(accepted: tuple[Unit, ...]) -> tuple[dict[str, Unit], dict[str, Unit]]:
    """Two dictionaries from spelling to unit: as written, and with letter case ignored.

    A spelling that two of the accepted units share without regard to case is left out of the
    second, so that only its exact form is understood.

    Raises:
        ValueError: if two accepted units share a spelling exactly.
    """
    exact: dict[str, Unit] = {}
    folded: dict[str, Unit | None] = {}
    for unit in accepted:
        for spelling in unit.spellings:
            if exact.setdefault(spelling, unit) is not unit:
                raise ValueError(f"{spelling!r} would be both {unit.code} and another unit")
            if spelling in unit.case_bound:
                continue
            lower = spelling.casefold()
            folded[lower] = unit if folded.get(lower, unit) is unit else None
    return exact, {spelling: unit for spelling, unit in folded.items() if unit}


def conversion(
    source: Unit, target: Unit, molar_mass: Fraction | None, valence: int | None
) -> Line:
    """How a number in `source` becomes one in `target`.

    Mass and substance concentration meet through `molar_mass` (g/mol), charge and substance
    concentration through `valence`. A mass concentration without a mark counts as FEU or DDU when
    the term itself says which.

    Raises:
        ValueError: if the two cannot be converted into each other.
    """
    bridge = _bridge(source, target, molar_mass, valence)
    slope = source.factor * bridge / target.factor
    return Line(slope, (source.offset * bridge - target.offset) / target.factor)


_MARKED_MASS = ("feu_concentration", "ddu_concentration")


def _bridge(
    source: Unit, target: Unit, molar_mass: Fraction | None, valence: int | None
) -> Fraction:
    pair = (source.quantity, target.quantity)
    if pair[0] == pair[1]:
        return Fraction(1)
    if pair[0] == "mass_concentration" and pair[1] in _MARKED_MASS:
        return Fraction(1)
    bridges: dict[tuple[str, str], Fraction] = {}
    if molar_mass:
        bridges["mass_concentration", "substance_concentration"] = 1 / molar_mass
        bridges["substance_concentration", "mass_concentration"] = molar_mass
    if valence:
        bridges["charge_concentration", "substance_concentration"] = Fraction(1, valence)
    if molar_mass and valence:
        bridges["charge_concentration", "mass_concentration"] = molar_mass / valence
    if pair not in bridges:
        raise ValueError(f"{source.code} cannot become {target.code}")
    return bridges[pair]
