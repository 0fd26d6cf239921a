"""Inclusion and exclusion rules as a study writes them down, in TOML.

    [[include]]
    name = "Adults"
    age = [18, 120]

    [[exclude]]
    name = "Follow-up films"
    first_case_of_patient = true

A rule has a name and exactly one condition. TOML keeps the order within `include` and within
`exclude`, but not between them: all inclusions come first, then all exclusions.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from clinical.case.shapes import Sex
from clinical.config import build, nearest
from clinical.errors import ConfigError

Kind = Literal["include", "exclude"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Has:
    """The case has a modality; measurements of which none could be normalised do not count."""

    modality: str


@dataclass(frozen=True)
class AtLeast:
    """The case has at least this many usable items of a modality; an absent one has none."""

    modality: str
    items: int


@dataclass(frozen=True)
class Age:
    """Age at the decision in years, both bounds included."""

    low: float
    high: float


@dataclass(frozen=True)
class OfSex:
    """Sex as recorded for clinical use."""

    sex: Sex


@dataclass(frozen=True)
class OfSite:
    """The case comes from one of these sites."""

    sites: tuple[str, ...]


@dataclass(frozen=True)
class Known:
    """The outcome is known, whichever it is."""

    diagnosis: str


@dataclass(frozen=True)
class FirstCase:
    """The earliest case of its patient among those that earlier rules have left."""


@dataclass(frozen=True)
class Decided:
    """Decided between two calendar days, both included, by the clock of the case's own place."""

    first: date
    last: date


Condition = Has | AtLeast | Age | OfSex | OfSite | Known | FirstCase | Decided


@dataclass(frozen=True)
class Rule:
    """One rule: cases that meet the condition are kept (include) or removed (exclude)."""

    name: str
    kind: Kind
    condition: Condition


def load_rules(path: Path) -> tuple[Rule, ...]:
    """Read rules from a TOML file.

    Raises:
        ConfigError: if the file is absent, is not TOML, or holds anything but rules.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            f"{path} does not exist.", remedy="give the path of a TOML file"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}.", remedy="correct that line") from None
    return rules(data, path.name)


def rules(data: Mapping[str, Any], where: str) -> tuple[Rule, ...]:
    """Rules from parsed TOML, inclusions first; `where` names the file in errors.

    Raises:
        ConfigError: for an unknown key, a rule without a name or with other than one condition, a
            value that cannot be used, or a name that is used twice.
    """
    for key in data:
        if key not in KINDS:
            raise ConfigError(f"{where}: unknown key {key!r}.", remedy=nearest(key, KINDS))
    found: list[Rule] = []
    for kind in KINDS:
        tables = data.get(kind, [])
        if not isinstance(tables, list):
            raise ConfigError(f"{where}: {kind} is not a list.", remedy=f"write it as [[{kind}]]")
        for number, table in enumerate(tables):
            found.append(_rule(kind, table, f"{where}: [[{kind}]] {number + 1}"))
    names = [rule.name for rule in found]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(
                f"{where}: {names.count(name)} rules are named {name!r}.",
                remedy="give each rule a name of its own",
            )
    return tuple(found)


def _rule(kind: Kind, table: Any, where: str) -> Rule:
    if not isinstance(table, Mapping):
        raise ConfigError(f"{where} is not a table.", remedy=f"write it as [[{kind}]]")
    known = ["name", *CONDITIONS]
    for key in table:
        if key not in known:
            raise ConfigError(f"{where}: unknown key {key!r}.", remedy=nearest(key, known))
    name = table.get("name")
    if not isinstance(name, str) or not name.strip():
        raise ConfigError(f"{where} has no name.", remedy='add name = "..."')
    conditions = [key for key in table if key != "name"]
    if len(conditions) != 1:
        raise ConfigError(
            f"{where} has {len(conditions)} conditions.",
            remedy="give each rule exactly one; write a second rule for a second condition",
        )
    key = conditions[0]
    return Rule(name.strip(), kind, CONDITIONS[key](table[key], f"{where}: {key}"))


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{where} is not text.", remedy='write it as "..."')
    return value


def _at_least(value: Any, where: str) -> AtLeast:
    if not isinstance(value, Mapping):
        raise ConfigError(
            f"{where} is not a table.", remedy='write it as {modality = "...", items = 5}'
        )
    found: AtLeast = build(AtLeast, value, where)
    if found.items < 1:
        raise ConfigError(f"{where}: items is {found.items}.", remedy="choose 1 or more")
    return found


def _pair(value: Any, where: str, example: str) -> tuple[Any, Any]:
    if not isinstance(value, list) or len(value) != 2:
        raise ConfigError(f"{where} is not a pair.", remedy=f"write it as {example}")
    return value[0], value[1]


def _age(value: Any, where: str) -> Age:
    bounds = _pair(value, where, "[18, 120]")
    if not all(isinstance(b, int | float) and not isinstance(b, bool) for b in bounds):
        raise ConfigError(
            f"{where} holds values that are not numbers.", remedy="write years: [18, 120]"
        )
    low, high = bounds
    if not 0 <= low <= high:
        raise ConfigError(f"{where} is [{low}, {high}].", remedy="write the lower bound first")
    return Age(float(low), float(high))


def _sex(value: Any, where: str) -> OfSex:
    for sex in get_args(Sex):
        if value == sex:
            return OfSex(sex)
    remedy = nearest(str(value), get_args(Sex))
    raise ConfigError(f"{where} is {value!r}.", remedy=remedy)


def _sites(value: Any, where: str) -> OfSite:
    sites = [value] if isinstance(value, str) else value
    if not isinstance(sites, list) or not sites:
        raise ConfigError(f"{where} names no site.", remedy='write it as ["A", "B"]')
    return OfSite(tuple(_text(site, where) for site in sites))


def _first_case(value: Any, where: str) -> FirstCase:
    if value is not True:
        raise ConfigError(
            f"{where} is not true.", remedy="write true, and choose between include and exclude"
        )
    return FirstCase()


def _decided(value: Any, where: str) -> Decided:
    first, last = (_day(day, where) for day in _pair(value, where, '["2022-01-01", "2023-12-31"]'))
    if first > last:
        raise ConfigError(f"{where} ends before it begins.", remedy="write the earlier day first")
    return Decided(first, last)


def _day(value: Any, where: str) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return date.fromisoformat(_text(value, where))
    except ValueError:
        raise ConfigError(f"{where}: {value!r} is not a date.", remedy="write 2022-01-31") from None


CONDITIONS: dict[str, Callable[[Any, str], Condition]] = {
    "has": lambda value, where: Has(_text(value, where)),
    "at_least": _at_least,
    "age": _age,
    "sex": _sex,
    "site": _sites,
    "known": lambda value, where: Known(_text(value, where)),
    "first_case_of_patient": _first_case,
    "decided": _decided,
}


def describe(condition: Condition) -> str:
    """A condition in words, for the flow diagram and the report."""
    match condition:
        case Has(modality):
            return f"{modality} present"
        case AtLeast(modality, items):
            return f"{modality}: at least {items} item{'s' if items > 1 else ''}"
        case Age(low, high):
            return f"age {low:g} to {high:g} years"
        case OfSex(sex):
            return f"sex {sex}"
        case OfSite(sites):
            return f"site {' or '.join(sites)}"
        case Known(diagnosis):
            return f"outcome {diagnosis} known"
        case FirstCase():
            return "first case of the patient"
        case Decided(first, last):
            return f"decided {first.isoformat()} to {last.isoformat()}"
