"""The one table of priors and likelihoods, read from `likelihoods.toml` and checked.

The file says how to read itself; these frozen values mirror it entry by entry. Other tables of the
same form can be given, to see what a study makes of another clinic.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from clinical.canonical import sha256
from clinical.errors import ConfigError

TABLE = Path(__file__).with_name("likelihoods.toml")

Numbers = Mapping[str, float]
Photometric = Literal["MONOCHROME1", "MONOCHROME2"]
Compression = Literal["jpeg-ls", "jpeg-2000", "rle", "none"]


@dataclass(frozen=True)
class Visit:
    """How a case comes about and what goes missing. Probabilities, unless named otherwise."""

    years: tuple[int, int]
    second_visit: float
    absent_image: float
    absent_measurements: float
    absent_notes: float
    absent_history: float
    single_value_lost: float
    intensity_spread: float
    intensity_severity: float
    source: str


@dataclass(frozen=True)
class Demographics:
    """Age in years, body mass index in kg/m2, smoking in pack-years."""

    young: Numbers
    old: Numbers
    age_range: tuple[float, float]
    male: float
    bmi: Numbers
    ever_smoker: Numbers
    pack_years: Numbers
    source: str


@dataclass(frozen=True)
class ReportedUnit:
    """How one site reports an analyte: `factor` times the value in the table's unit."""

    code: str
    unit: str
    factor: float
    decimals: int


@dataclass(frozen=True)
class Site:
    """A hospital: its share of cases, severity shift and habits.

    Attributes:
        share: of all cases.
        severity: added to the severity that the laboratory sees.
        bedside: share of AP radiographs at severity 0.
        photometric, kvp, scanner, compression: how radiographs are made and stored; one of the
            compressions each time.
        rooms: with a scanner of its own, for upright and for bedside films each.
        coding: log odds added to every probability that something reaches the coded history.
        abbreviates: probability of each abbreviation in a note.
        prevalence: condition to log odds added to its weight.
        measured: panel to log odds added to its order.
        units: analytes that are reported in other units.
    """

    share: float
    severity: float
    bedside: float
    photometric: Photometric
    kvp: float
    scanner: str
    rooms: int
    compression: tuple[Compression, ...]
    coding: float
    abbreviates: float
    prevalence: Numbers
    measured: Numbers
    units: Mapping[str, ReportedUnit]
    source: str


@dataclass(frozen=True)
class Condition:
    """A diagnosis or a look-alike. `weight` and `risk` are log odds, `follows` probabilities."""

    kind: Literal["diagnosis", "mimic"]
    display: str
    weight: float
    source: str
    icd10: str = ""
    snomed: str = ""
    requires: str = ""
    risk: Numbers = field(default_factory=dict)
    follows: Numbers = field(default_factory=dict)


@dataclass(frozen=True)
class Background:
    """A chronic illness or exposure. All numbers but `recorded` and `drugs` are log odds."""

    code: str
    display: str
    odds: float
    recorded: float
    drugs: tuple[tuple[str, str, float], ...]
    source: str
    age: float = 0.0
    male: float = 0.0
    pack_years: float = 0.0
    bmi: float = 0.0
    recent: bool = False


@dataclass(frozen=True)
class Sign:
    """A symptom or an examination finding; probabilities combined as noisy-or."""

    code: str
    display: str
    kind: Literal["symptom", "finding"]
    base: float
    given: Numbers
    source: str


@dataclass(frozen=True)
class Panel:
    """Measurements that are ordered together. `hours` before the decision, earliest last."""

    base: float
    severity: float
    hours: tuple[float, float]
    again: float
    source: str


@dataclass(frozen=True)
class Analyte:
    """One laboratory value or vital sign, in `unit` (UCUM), as the table's head explains."""

    code: str
    unit: str
    panel: str
    scale: Literal["log", "linear", "gap", "derived"]
    spread: float
    decimals: int
    low: float
    high: float
    source: str
    base: float = 0.0
    ceiling: float = 0.0
    female: float | None = None
    male: float | None = None
    per_decade: float | None = None
    latent: Numbers = field(default_factory=dict)
    given: Numbers = field(default_factory=dict)


@dataclass(frozen=True)
class ImageFinding:
    """Something a radiograph may show; probabilities combined as noisy-or; extent is a beta."""

    base: float
    given: Numbers
    extent: Numbers
    source: str


@dataclass(frozen=True)
class Likelihoods:
    """The whole table. `digest` is the SHA-256 of the file it was read from."""

    visit: Visit
    demographics: Demographics
    sites: Mapping[str, Site]
    conditions: Mapping[str, Condition]
    background: Mapping[str, Background]
    signs: Mapping[str, Sign]
    panels: Mapping[str, Panel]
    analytes: Mapping[str, Analyte]
    image: Mapping[str, ImageFinding]
    digest: str

    @property
    def diagnoses(self) -> tuple[str, ...]:
        """Names of the conditions that are labels, in table order, without `none_of_these`."""
        return tuple(key for key, c in self.conditions.items() if c.kind == "diagnosis")


@lru_cache(maxsize=4)
def load(path: Path = TABLE) -> Likelihoods:
    """Read and check a table of priors and likelihoods.

    Raises:
        ConfigError: if the file is not TOML of this form; names the entry.
    """
    content = path.read_bytes()
    try:
        data = tomllib.loads(content.decode())
        table = Likelihoods(
            visit=Visit(**_pairs(data["visit"])),
            demographics=Demographics(**_pairs(data["demographics"])),
            sites={key: _site(value) for key, value in data["sites"].items()},
            conditions=_entries(Condition, data["conditions"]),
            background=_entries(Background, data["background"]),
            signs=_entries(Sign, data["signs"]),
            panels=_entries(Panel, data["panels"]),
            analytes=_entries(Analyte, data["analytes"]),
            image=_entries(ImageFinding, data["image"]),
            digest=sha256(content),
        )
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{path.name} is not a table of priors and likelihoods: {error}",
            remedy="Compare it with pipelines/laboratory/simulate/likelihoods.toml.",
        ) from error
    _check(table, path.name)
    return table


def _entries(kind: type[Any], data: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    return MappingProxyType({key: kind(**_pairs(value)) for key, value in data.items()})


def _pairs(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _frozen(value) for key, value in entry.items()}


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    return MappingProxyType(value) if isinstance(value, dict) else value


def _site(entry: Mapping[str, Any]) -> Site:
    units = {key: ReportedUnit(**unit) for key, unit in entry["units"].items()}
    return Site(**{**_pairs(entry), "units": MappingProxyType(units)})


def _check(table: Likelihoods, file: str) -> None:
    causes = {*table.conditions, *table.background}
    risks = {"age", "male", "pack_years", "bmi", *table.background}
    for key, condition in table.conditions.items():
        _known(condition.risk, risks, f"{file}, conditions.{key}.risk")
        _known(condition.follows, set(table.conditions), f"{file}, conditions.{key}.follows")
        needed = [condition.requires] if condition.requires else []
        _known(needed, set(table.background), f"{file}, conditions.{key}.requires")
    for key, sign in table.signs.items():
        _known(sign.given, causes, f"{file}, signs.{key}.given")
        causes.add(key)  # A sign may depend on the signs above it.
    causes -= set(table.signs)
    for key, analyte in table.analytes.items():
        _known(analyte.given, causes, f"{file}, analytes.{key}.given")
        _known([analyte.panel], set(table.panels), f"{file}, analytes.{key}.panel")
    for key, finding in table.image.items():
        _known(finding.given, causes, f"{file}, image.{key}.given")
    for name, site in table.sites.items():
        _known(site.units, set(table.analytes), f"{file}, sites.{name}.units")
        _known(site.prevalence, set(table.conditions), f"{file}, sites.{name}.prevalence")
        _known(site.measured, set(table.panels), f"{file}, sites.{name}.measured")


def _known(names: Iterable[str], allowed: set[str], place: str) -> None:
    unknown = sorted(set(names) - allowed)
    if unknown:
        raise ConfigError(
            f"{place} names {', '.join(unknown)}, which the table does not define.",
            remedy=f"Use one of: {', '.join(sorted(allowed))}.",
        )
