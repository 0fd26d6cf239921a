"""The rules by which what a hospital sends becomes cases: the table [assembly] of one TOML file.

Every key has a default, so that the table may be left out; docs/assembly.md has them all.
"""

from __future__ import annotations

import math
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta, tzinfo
from pathlib import Path
from typing import Any

from clinical import canonical
from clinical.config import build, nearest, read_toml
from clinical.errors import ConfigError
from clinical.terms import loinc

TABLE = "assembly"

DECISIONS = ("film", "arrival")
LATER = ("new version", "leave out")
STUDIES = ("study", "accession")


@dataclass(frozen=True)
class Rules:
    """What makes a case, and what goes into it.

    Attributes:
        site: of the cases; no model reads it.
        time_zone: IANA name of the zone of films whose header names none.
        authority: who gives out the numbers by which patients are matched. A number that comes
            without an authority is taken to be of this one, and of several numbers in a message
            the one of this authority counts.
        senders: sender to the authority of its numbers that come without one, where it is another.
        authorities: other spellings of an authority, such as its OID, to the one that is meant.
        codes: the senders' own codes of measurements to a LOINC code, or a name that is known.
        modalities: DICOM modalities of films that make a case.
        regions: words one of which has to stand in the body part or the descriptions of a film.
        region_unstated: whether a film that says no region makes a case, too.
        one_case: what belongs together: the films of one "study", or of one "accession" number.
        views_minutes: how long after the first film another one is a further view of it; a later
            one of the same study is a case of its own.
        decision: the moment of the decision: of the last "film", or of its "arrival".
        decision_minutes: added to that.
        wait_seconds: how long after its first film has arrived a case waits for other views.
        laboratory_hours, vital_hours, note_days, prior_days: how long before the decision a
            result, a vital sign, a text or a film may be; 0: without limit.
        history_days: how long before the decision an item of history was recorded; 0: no limit.
        ecg_hours: how long before the decision an electrocardiogram may be; 0: without limit.
        ecg_alone: whether a study of electrocardiograms makes a case, also without a film.
        prior_films: most films of earlier visits that are shown beside.
        late_hours: how long after the first film has arrived what comes later makes a new version.
        told_later: what becomes of a result that was taken before the film and told after the
            decision: a "new version" with the later decision, or "leave out".
        preliminary: whether results that are not final are used.
        keep_days: after which what arrived is removed from the chart; 0: never.
    """

    site: str = ""
    time_zone: str = "UTC"
    authority: str = ""
    senders: Mapping[str, str] = field(default_factory=dict)
    authorities: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, str] = field(default_factory=dict)
    modalities: tuple[str, ...] = ("CR", "DX")
    regions: tuple[str, ...] = ("CHEST", "THORAX", "LUNG", "CXR", "TORAX", "POUMON")
    region_unstated: bool = False
    one_case: str = "study"
    views_minutes: float = 60.0
    decision: str = "film"
    decision_minutes: float = 0.0
    wait_seconds: float = 0.0
    laboratory_hours: float = 72.0
    vital_hours: float = 24.0
    note_days: float = 30.0
    history_days: float = 0.0
    ecg_hours: float = 24.0
    ecg_alone: bool = False
    prior_days: float = 730.0
    prior_films: int = 1
    late_hours: float = 4.0
    told_later: str = "new version"
    preliminary: bool = True
    keep_days: float = 0.0

    @property
    def zone(self) -> tzinfo:
        """Of films whose header names none."""
        return zoneinfo.ZoneInfo(self.time_zone)

    @property
    def late(self) -> timedelta:
        """How long after the first film what comes later still counts."""
        return timedelta(hours=self.late_hours)

    @property
    def digest(self) -> str:
        """SHA-256 of all of them."""
        return canonical.digest(as_json(self))


def load(path: Path | None) -> Rules:
    """The rules in a file; the defaults where there is none, or it has no such table.

    Raises:
        ConfigError: if the file cannot be read, or a key or value of the table is not one.
    """
    if path is None:
        return Rules()
    data = read_toml(path).get(TABLE, {})
    if not isinstance(data, Mapping):
        raise ConfigError(f"{path.name}: {TABLE} is not a table.", remedy=f"write it as [{TABLE}]")
    return of(data, f"{path.name}: {TABLE}")


def of(data: Mapping[str, Any], where: str = TABLE) -> Rules:
    """The rules of a parsed table.

    Raises:
        ConfigError: for a key that is not one, which it names with the nearest, or a value that
            cannot be used.
    """
    rules: Rules = build(Rules, data, where)
    for name, choices in (
        ("decision", DECISIONS),
        ("told_later", LATER),
        ("one_case", STUDIES),
    ):
        chosen = getattr(rules, name)
        if chosen not in choices:
            raise ConfigError(f"{where}: {name} is {chosen!r}.", remedy=nearest(chosen, choices))
    for spec in fields(Rules):
        value = getattr(rules, spec.name)
        if isinstance(value, int | float) and not 0 <= value < math.inf:
            raise ConfigError(f"{where}: {spec.name} is {value}.", remedy="choose 0 or more")
    if rules.keep_days and rules.keep_days * 24 < rules.late_hours:
        raise ConfigError(
            f"{where}: keep_days is shorter than late_hours.", remedy="keep what can still count"
        )
    _check_zone(rules, where)
    _check_words(rules, where)
    return rules


def _check_zone(rules: Rules, where: str) -> None:
    try:
        zoneinfo.ZoneInfo(rules.time_zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(
            f"{where}: time_zone is {rules.time_zone!r}, which is not known.",
            remedy='write an IANA name such as "Europe/Berlin" or "UTC"',
        ) from None


def _check_words(rules: Rules, where: str) -> None:
    for name in ("modalities", "regions"):
        if not getattr(rules, name):
            raise ConfigError(f"{where}: {name} is empty.", remedy="name one at least")
    for name in ("senders", "authorities", "codes"):
        for key, value in getattr(rules, name).items():
            if not isinstance(value, str) or not value.strip() or not key.strip():
                raise ConfigError(
                    f"{where}: {name} has a value that is not text.", remedy='write "..." = "..."'
                )
    for meant in rules.codes.values():
        if loinc.lookup(meant) is None:
            raise ConfigError(
                f"{where}: codes names {meant!r}, which is no measurement that is known.",
                remedy="write a LOINC code or a name of clinical/terms/measurements.csv",
            )


def as_json(rules: Rules) -> dict[str, Any]:
    """All rules as JSON-compatible values."""
    plain: dict[str, Any] = {}
    for spec in fields(Rules):
        value = getattr(rules, spec.name)
        if isinstance(value, Mapping):
            value = dict(sorted(value.items()))
        plain[spec.name] = list(value) if isinstance(value, tuple) else value
    return plain


LOCAL = frozenset({"site", "authority", "senders", "authorities", "codes", "keep_days"})
"""Rules that name a hospital's own systems, or say nothing of a case; no record holds them."""


def for_record(rules: Rules) -> dict[str, Any]:
    """What the record of a case keeps: the rules that decide, and a digest of all of them."""
    kept = {name: value for name, value in as_json(rules).items() if name not in LOCAL}
    return {**kept, "digest": rules.digest}
