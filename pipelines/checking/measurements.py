"""What the measurements of a cohort are, name by name, and which of them would be misread."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from clinical.case.shapes import Measurement
from clinical.modalities.measurements.repeats import CONTRADICTION, Taken, settled
from clinical.tables import clock, times
from clinical.tables.table import Row
from clinical.tables.times import Order
from clinical.terms import cells, loinc, normalise, units
from clinical.terms.loinc import Term
from clinical.terms.normalise import UNKNOWN, Understood
from pipelines.checking import suspects
from pipelines.checking.findings import FEWEST, Counted, Finding, listed, ranked, shown
from pipelines.checking.suspects import Suspect

QUANTILES = (5, 25, 50, 75, 95)
FEWEST_FOR_QUANTILES = 20
"""Below this number of values only the median is given; below `FEWEST` nothing is."""
WORTH_TELLING = 0.05
"""Share of refused values from which they are more than single slips."""
LOINC = re.compile(r"\d{1,5}-\d")
SOME_TIME = datetime(2020, 1, 1, 12, tzinfo=UTC)
"""Values are compared with others of their own time, whichever it is."""
SEVERAL = "the name fits several measurements"
IMPLAUSIBLE = "outside the plausible range"


class Value(NamedTuple):
    """One value as a source writes it; `case` and `time` are compared and never printed."""

    case: str
    name: str
    value: str
    unit: str
    time: str = ""
    specimen: str = ""
    table: str = ""


@dataclass(frozen=True)
class MeasurementFound:
    """All values of one name that are read as one term.

    Attributes:
        table: where they stand.
        written: the name in the source.
        label: what a dictionary of the source calls it, or "".
        code, name: LOINC code and name of the term; "" where the name is not known.
        values, cases: how many.
        used: values that are read.
        unit: of the quantiles.
        quantiles: 5, 25, 50, 75 and 95%; None where too few values are used.
        units: units as written.
        refused: reasons, without the values that are used.
        bounds: values given as a bound.
        repeats: values that say again what another one of the same time says.
        contradictions: moments at which two values of one case differ.
        suspects: what another unit would explain.
    """

    table: str
    written: str
    label: str
    code: str
    name: str
    values: int
    cases: int
    used: int
    unit: str
    quantiles: tuple[float | None, ...]
    units: tuple[Counted, ...]
    refused: tuple[Counted, ...]
    bounds: int
    repeats: int
    contradictions: int
    suspects: tuple[Suspect, ...]

    @property
    def share_refused(self) -> float:
        """Of all values."""
        return 1 - self.used / self.values if self.values else 0.0


@dataclass(frozen=True)
class MeasurementsFound:
    """All measurements.

    Attributes:
        known: names that are read as a term, the most frequent first.
        unknown: names that are not, likewise, as far as they may be printed.
        hidden_names, hidden_values: unknown names in fewer than `FEWEST` rows.
    """

    known: tuple[MeasurementFound, ...] = ()
    unknown: tuple[MeasurementFound, ...] = ()
    hidden_names: int = 0
    hidden_values: int = 0


@dataclass
class _Group:
    """Values of one name and one term, as they come in."""

    cases: set[str] = field(default_factory=set)
    triples: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    moments: dict[tuple[str, str], list[tuple[str, str, str]]] = field(
        default_factory=lambda: defaultdict(list)
    )


def read(name: str, value: str, unit: str, specimen: str) -> Measurement:
    """The value as a cohort's reader understands it; equal ones are understood once."""
    return understood(name, value, unit, specimen).measurement


@lru_cache(maxsize=1 << 18)
def understood(name: str, value: str, unit: str, specimen: str) -> Understood:
    """The same, with what is needed to compare values of one time."""
    return normalise.understand(name, value, unit, time=SOME_TIME, specimen=specimen)


def measured(
    values: Iterable[Value],
    codes: Mapping[str, str] = MappingProxyType({}),
    labels: Mapping[str, str] = MappingProxyType({}),
) -> MeasurementsFound:
    """What all values of a source say.

    Args:
        values: in any order.
        codes: of cohort.toml, or of a dictionary of the source: local name to what it means.
        labels: local name to what the source calls it.
    """
    groups: dict[tuple[str, str, str], _Group] = defaultdict(_Group)
    for item in values:
        target = codes.get(item.name, item.name)
        found = read(target, item.value, item.unit, item.specimen)
        group = groups[item.table, item.name, found.code]
        group.cases.add(item.case)
        group.triples[item.value, item.unit, item.specimen] += 1
        if item.time:
            group.moments[item.case, item.time].append((item.value, item.unit, item.specimen))
    told = [
        _found((table, name, labels.get(name, "")), code, group, codes.get(name, name))
        for (table, name, code), group in groups.items()
    ]
    told.sort(key=lambda one: (-one.values, one.written, one.code))
    return _parted(told)


def _parted(told: Sequence[MeasurementFound]) -> MeasurementsFound:
    unknown = [one for one in told if not one.code]
    # A name that several measurements share is no free text, however seldom it is there.
    kept = [
        one
        for one in unknown
        if one.values >= FEWEST or LOINC.fullmatch(one.written) or loinc.candidates(one.written)
    ]
    lost = [one for one in unknown if one not in kept]
    return MeasurementsFound(
        tuple(one for one in told if one.code),
        tuple(kept),
        len(lost),
        sum(one.values for one in lost),
    )


def _found(named: tuple[str, str, str], code: str, group: _Group, target: str) -> MeasurementFound:
    term = loinc.lookup(code)
    used: list[tuple[float, int]] = []
    reasons, unit_counts = Counter[str](), Counter[str]()
    by_unit: dict[str, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    bounds = 0
    for (value, unit, specimen), n in group.triples.items():
        item = read(target, value, unit, specimen)
        unit_counts[unit] += n
        bounds += n * (bool(item.bound) or item.problem == cells.BOUND)
        if item.value is not None:
            used.append((item.value, n))
        else:
            reasons[item.problem] += n
        number = suspects.number(value)
        if number is not None:
            by_unit[unit][0].extend([number] * n)
            if item.problem.startswith(IMPLAUSIBLE):
                by_unit[unit][1].extend([number] * n)
    return MeasurementFound(
        *named,
        term.code if term else "",
        term.name if term else "",
        group.triples.total(),
        len(group.cases),
        sum(n for _, n in used),
        term.unit if term else "",
        quantiles(used),
        shown(unit_counts, is_unit).counts,
        ranked(reasons),
        bounds,
        *_at_one_time(target, group),
        tuple(_suspects(term, by_unit)) if term else (),
    )


def _at_one_time(target: str, group: _Group) -> tuple[int, int]:
    """Values that repeat another one of their time, and moments whose values contradict."""
    repeats = contradictions = 0
    for (_, time), said in group.moments.items():
        if len(said) > 1:
            row, within = Row(0, (), {}), _within_day(time)
            taken = [Taken("", row, understood(target, *one), within) for one in said]
            kept, _ = settled(taken)
            repeats += len(said) - len(kept)
            contradictions += any(item.problem == CONTRADICTION for item in kept)
    return repeats, contradictions


def _within_day(text: str) -> bool:
    """Whether a time or a number of days says when within a day, in either order of its date."""
    days = clock.number(text)
    if days is not None and abs(days) <= clock.LONGEST_OFFSET:
        return not days.is_integer()
    orders: tuple[Order, ...] = "day", "month"
    return any(times.names_moment(text, dict.fromkeys("-/.", order)) for order in orders)


def _suspects(
    term: Term, by_unit: Mapping[str, tuple[list[float], list[float]]]
) -> Iterator[Suspect]:
    for unit, (raw, refused) in by_unit.items():
        yield from suspects.of(term, unit, raw, refused)


def is_unit(text: str) -> bool:
    """Whether a text is a unit of the table of units, in any spelling."""
    return not text or units.squeeze(text).casefold() in _spellings()


@lru_cache(maxsize=1)
def _spellings() -> frozenset[str]:
    return frozenset(
        spelling.casefold()
        for same in units.table().values()
        for unit in same
        for spelling in unit.spellings
    )


def quantiles(used: Sequence[tuple[float, int]]) -> tuple[float | None, ...]:
    """5, 25, 50, 75 and 95% of values with their counts; None where too few."""
    total = sum(n for _, n in used)
    if total < FEWEST:
        return (None,) * len(QUANTILES)
    values = np.repeat([value for value, _ in used], [n for _, n in used])
    found = [float(f"{one:.6g}") for one in np.percentile(values, QUANTILES)]
    if total < FEWEST_FOR_QUANTILES:
        return (None, None, found[2], None, None)
    return tuple(found)


def findings(found: MeasurementsFound) -> Iterator[Finding]:
    """What is to be decided about measurements, and what is good to know."""
    yield from _without_unit(found.known)
    for one in found.known:
        yield from _of_known(one, f"{one.table}, {shown_name(one)}")
    for one in found.unknown:
        several = [item for item in one.refused if item.text.startswith(SEVERAL)]
        if several:
            yield Finding(
                "decide",
                f"{one.table}, {shown_name(one)}",
                f"The values are not used: {several[0].text}.",
                "write the LOINC code that is meant, or say it in [codes]",
                several[0].count,
            )
    unknown = [one for one in found.unknown if one.refused and one.refused[0].text == UNKNOWN]
    if unknown:
        most = ", ".join(f"{shown_name(one)} ({one.values:,})" for one in unknown[:5])
        more = f", and {len(unknown) - 5:,} more" if len(unknown) > 5 else ""
        yield Finding(
            "know",
            "measurements",
            f"Names are not in the table of measurements; their values are kept, and not used:"
            f" {most}{more}.",
            "see the proposal for [codes], or use LOINC codes",
            sum(one.values for one in unknown),
        )
    if found.hidden_names:
        yield Finding(
            "know",
            "measurements",
            f"Names in fewer than {FEWEST} rows each are not known either"
            f" ({found.hidden_names:,}); they are not printed, because they may be anything.",
            "look for them in the reader's own messages, which name the rows",
            found.hidden_values,
        )


def _without_unit(known: Sequence[MeasurementFound]) -> Iterator[Finding]:
    """One finding for all values of a table without a unit."""
    tables: dict[str, list[str]] = defaultdict(list)
    counts = Counter[str]()
    for one in known:
        lost = sum(item.count for item in one.refused if item.text.startswith("no unit given"))
        if lost < FEWEST:
            continue
        usual = next((f" (usual in {s.would_be})" for s in one.suspects if not s.stated), "")
        tables[one.table].append(f"{shown_name(one)}{usual}")
        counts[one.table] += lost
    for table, names in tables.items():
        yield Finding(
            "decide",
            table,
            f"Values have no unit, and are not used: {', '.join(names)}.",
            "say the unit of each",
            counts[table],
        )


def shown_name(one: MeasurementFound) -> str:
    """The name as written, with what a dictionary of the source calls it."""
    return f"{one.written} {one.label}".strip()


def meant_by_unit(one: MeasurementFound) -> Term | None:
    """The term that name and unit mean where the code that a dictionary states has no such unit."""
    if one.used or not one.units or not one.label:
        return None
    fitting = [
        term
        for term in loinc.candidates(one.label)
        if term.code != one.code and all(term.read_unit(unit.text) for unit in one.units)
    ]
    return fitting[0] if len(fitting) == 1 else None


def _of_known(one: MeasurementFound, place: str) -> Iterator[Finding]:
    for suspect in (one for one in one.suspects if one.stated):
        yield Finding(
            "decide", place, f"{suspect}.", "correct the unit, or confirm it", suspect.count
        )
    if one.contradictions:
        yield Finding(
            "decide",
            place,
            "Values of one case at one time differ.",
            "keep one of them, or say which specimen or device each is of",
            one.contradictions,
        )
    other = meant_by_unit(one)
    if other is not None:
        yield Finding(
            "decide",
            place,
            f"The dictionary says {one.code} {one.name}, and the unit {one.units[0].text} says"
            f" {other.code} {other.name}.",
            "choose one of the two in [codes]",
            one.values,
        )
        return
    others = tuple(item for item in one.refused if not item.text.startswith("no unit given"))
    lost = sum(item.count for item in others)
    if lost >= max(FEWEST, WORTH_TELLING * one.values) and not any(s.stated for s in one.suspects):
        yield Finding(
            "know",
            place,
            f"Values are kept and not used: {listed(others)}.",
            "correct the unit or the value, or leave the row out",
            lost,
        )
