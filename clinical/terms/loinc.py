"""The measurements that are recognised, and their reference ranges.

measurements.csv has one row per LOINC term: canonical UCUM unit, plausible range (beyond it a
value is taken for an error), molar mass in g/mol, valence, further accepted units, further LOINC
codes of the same thing (another property or method), names that mean this term alone, names it
shares with other terms so that the unit or the specimen has to decide, the specimen it is of
("" for what is measured on the person), and where the plausible range comes from: the code of a
sibling whose range it is, a source, or "", which is this project's own judgement. ranges.csv has
the reference ranges.

Short names are this project's own. LOINC codes are copyright Regenstrief Institute, Inc. and the
LOINC Committee, available at no cost under the licence at loinc.org/license.
"""

from __future__ import annotations

import csv
import difflib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache, lru_cache
from importlib import resources
from typing import Literal, get_args

from clinical.case.shapes import Sex
from clinical.terms import units
from clinical.terms.units import Line, Unit

Scale = Literal["linear", "log"]
ADULT_FROM = 18.0


@dataclass(frozen=True)
class Term:
    """One measurement that is understood.

    Attributes:
        code: LOINC.
        name: what to show a person.
        unit: canonical UCUM unit; every normalised value is in it.
        scale: on which its distances are judged; "log" where values span decades.
        plausible: lowest and highest value taken for real, in `unit`, inclusive.
        molar_mass: g/mol, or None where mass and substance are not converted.
        valence: for mEq/L, or None.
        accepted: UCUM codes of all units it may come in, `unit` first.
        equivalents: further LOINC codes read as this term.
        aliases: names that mean this term and no other.
        shared_names: names it shares with other terms; unit or specimen must tell them apart.
        specimen: "blood", "arterial blood", "venous blood", or "" for what has none.
        range_from: where the plausible range comes from: the code of another term, a source, or "".
        lines: from the code of each accepted unit, the conversion to `unit`.
        exact_spellings, folded_spellings: accepted units by spelling, with and without case.
    """

    code: str
    name: str
    unit: str
    scale: Scale
    plausible: tuple[float, float]
    molar_mass: float | None
    valence: int | None
    accepted: tuple[str, ...]
    equivalents: tuple[str, ...]
    aliases: tuple[str, ...]
    shared_names: tuple[str, ...]
    specimen: str
    range_from: str
    lines: Mapping[str, Line] = field(repr=False, compare=False, hash=False)
    exact_spellings: Mapping[str, Unit] = field(repr=False, compare=False, hash=False)
    folded_spellings: Mapping[str, Unit] = field(repr=False, compare=False, hash=False)

    def read_unit(self, raw: str) -> str | None:
        """UCUM code of the unit written as `raw`, or None if it is not accepted here."""
        spelling = units.squeeze(raw)
        unit = self.exact_spellings.get(spelling) or self.folded_spellings.get(spelling.casefold())
        return unit.code if unit else None


@dataclass(frozen=True)
class ReferenceRow:
    """One row of ranges.csv: who it is for, the limits, and where they come from.

    Attributes:
        sex: None is for both.
        ages: from (inclusive) and to (exclusive), in years; None is for a person of unknown age.
        high_per_year: how much `high` grows for each year above the lower end of `ages`.
    """

    sex: Sex | None
    ages: tuple[float, float] | None
    low: float | None
    high: float | None
    high_per_year: float
    source: str


def _rows(file: str) -> list[dict[str, str]]:
    text = resources.files("clinical.terms").joinpath(file).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _number(text: str) -> float | None:
    return float(text) if text else None


def _list(text: str) -> tuple[str, ...]:
    return tuple(item for item in text.split(";") if item)


def _term(row: dict[str, str]) -> Term:
    if row["scale"] not in get_args(Scale):
        raise ValueError(f"measurements.csv: {row['code']} has scale {row['scale']!r}")
    accepted = _accepted(row["unit"], tuple(row["accepted"].split()), row["code"])
    molar_mass = Fraction(row["molar_mass"]) if row["molar_mass"] else None
    valence = int(row["valence"]) if row["valence"] else None
    lines = {u.code: units.conversion(u, accepted[0], molar_mass, valence) for u in accepted}
    exact, folded = units.reader(accepted)
    return Term(
        code=row["code"],
        name=row["name"],
        unit=row["unit"],
        scale="log" if row["scale"] == "log" else "linear",
        plausible=(float(row["low"]), float(row["high"])),
        molar_mass=float(molar_mass) if molar_mass else None,
        valence=valence,
        accepted=tuple(u.code for u in accepted),
        equivalents=tuple(row["equivalents"].split()),
        aliases=_list(row["aliases"]),
        shared_names=_list(row["shared"]),
        specimen=row["specimen"],
        range_from=row["range_from"],
        lines=lines,
        exact_spellings=exact,
        folded_spellings=folded,
    )


_QUANTITY_OF_PERCENT = {
    "4548-4": "glycated_fraction",
    **dict.fromkeys(
        ["770-8", "736-9", "5905-5", "713-8", "706-2", "26508-2", "26505-8", "38518-7"],
        "leukocyte_fraction",
    ),
}


def _accepted(unit: str, others: tuple[str, ...], code: str) -> tuple[Unit, ...]:
    quantity = _QUANTITY_OF_PERCENT.get(code, "fraction") if unit == "%" else None
    first = units.named(unit, quantity)
    return (first, *(units.named(u, quantity if u in ("%", "1") else None) for u in others))


@cache
def terms() -> tuple[Term, ...]:
    """Every measurement that is understood, in the order of measurements.csv."""
    return tuple(_term(row) for row in _rows("measurements.csv"))


def plain(name: str) -> str:
    """`name` without case, umlauts, accents, spaces and punctuation; % and # are kept."""
    text = unicodedata.normalize("NFKC", name).casefold()
    for written, read in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("γ", "gamma"), ("α", "alpha")):
        text = text.replace(written, read)
    text = unicodedata.normalize("NFKD", text)
    return "".join(c for c in text if c.isalnum() or c in "%#")


@cache
def _by_code() -> dict[str, Term]:
    return {code: t for t in terms() for code in (t.code, *t.equivalents)}


@cache
def _by_name() -> dict[str, tuple[Term, ...]]:
    found: dict[str, dict[str, Term]] = defaultdict(dict)
    for term in terms():
        for name in (term.name, *term.aliases, *term.shared_names):
            found[plain(name)][term.code] = term
    return {name: tuple(candidates.values()) for name, candidates in found.items()}


@lru_cache(maxsize=4096)
def candidates(code_or_name: str) -> tuple[Term, ...]:
    """All terms that `code_or_name` may mean: one for a LOINC code, several for a shared name."""
    text = code_or_name.strip()
    if text[:6].casefold() == "loinc:":
        text = text[6:].strip()
    by_code = _by_code().get(text)
    if by_code:
        return (by_code,)
    return _by_name().get(plain(text), ()) or _said_twice(text)


_ALSO = re.compile(r"([^()]+)\(([^()]+)\)([^()]*)")


def _said_twice(text: str) -> tuple[Term, ...]:
    """What a name and its abbreviation in brackets both mean: "GOT (AST)"; else nothing."""
    found = _ALSO.fullmatch(text)
    if not found:
        return ()
    outside = _by_name().get(plain(found[1] + found[3]), ())
    inside = _by_name().get(plain(found[2]), ())
    return tuple(term for term in outside if term in inside)


def lookup(code_or_name: str) -> Term | None:
    """The term a LOINC code or a name stands for, or None.

    None also for a name that several terms share ("neutrophils", "D-dimer", "troponin"):
    `measurement` can still place those where the unit tells them apart.
    """
    found = candidates(code_or_name)
    return found[0] if len(found) == 1 else None


def nearest(name: str) -> str:
    """The known name that `name` is a slip of, or ""."""
    shown = {plain(one): one for term in terms() for one in (term.name, *term.aliases)}
    near = difflib.get_close_matches(plain(name), shown, n=1, cutoff=0.8)
    return shown[near[0]] if near else ""


@cache
def reference_rows() -> dict[str, tuple[ReferenceRow, ...]]:
    """ranges.csv by LOINC code."""
    found: dict[str, list[ReferenceRow]] = defaultdict(list)
    for row in _rows("ranges.csv"):
        ages: tuple[float, float] | None = None
        if row["age_from"] != "unknown":
            ages = (float(row["age_from"]), float(row["age_to"] or "inf"))
        found[row["code"]].append(
            ReferenceRow(
                sex="female" if row["sex"] == "female" else "male" if row["sex"] else None,
                ages=ages,
                low=_number(row["low"]),
                high=_number(row["high"]),
                high_per_year=float(row["high_per_year"] or 0),
                source=row["source"],
            )
        )
    return {code: tuple(rows) for code, rows in found.items()}


@lru_cache(maxsize=16384)
def reference_range(
    code: str, *, sex: Sex | None = None, age_years: float | None = None
) -> tuple[float | None, float | None]:
    """Lower and upper reference limit in the term's canonical unit; None is "no limit".

    Unknown sex takes the widest of both. Unknown age takes the row made for it, else the widest of
    all adult rows. An age that no row covers has no range: a child is never judged as an adult.
    """
    term = _by_code().get(code)
    known = age_years if age_years is not None and age_years == age_years else None
    rows = [
        row
        for row in reference_rows().get(term.code if term else code, ())
        if sex is None or row.sex in (None, sex)
    ]
    if known is None:
        fitting = [row for row in rows if row.ages is None]
        fitting = fitting or [r for r in rows if r.ages and r.ages[1] > ADULT_FROM]
    else:
        fitting = [row for row in rows if row.ages and row.ages[0] <= known < row.ages[1]]
    if not fitting:
        return None, None
    lows = [row.low for row in fitting]
    highs = [_high(row, known) for row in fitting]
    return (
        None if None in lows else min(low for low in lows if low is not None),
        None if None in highs else max(high for high in highs if high is not None),
    )


def _high(row: ReferenceRow, age: float | None) -> float | None:
    if row.high is None or not row.high_per_year or row.ages is None or age is None:
        return row.high
    return row.high + row.high_per_year * (age - row.ages[0])
