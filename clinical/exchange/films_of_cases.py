"""Which films make a case, which belong together, and which are of earlier visits."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from clinical.exchange import matching
from clinical.exchange.assembly_rules import Rules
from clinical.exchange.known import Film
from clinical.modalities.radiograph.views import view_of
from clinical.tables import clock, times

FOR_PROCESSING = "FOR PROCESSING"

TAKEN_LATER = "from after the film"
TOO_OLD = "older than the rules take"
UNDATED = "without a time"


@dataclass(frozen=True)
class Study:
    """Films that are read together.

    Attributes:
        key: of the case.
        films: those that make it, the earliest first.
        opened: when the first of them arrived.
        moments: digest of a film to when it was taken; to when it arrived, where the rules say so.
        why: why they make no case, or "".
    """

    key: str
    films: tuple[Film, ...]
    opened: datetime
    moments: Mapping[str, datetime] = field(default_factory=dict)
    why: str = ""


def no_case(film: Film, rules: Rules) -> str:
    """Why a DICOM object makes no case, or ""."""
    identity = film.identity
    if film.is_ecg:
        if not film.number.value.strip():
            return "it names no patient"
        return "" if rules.ecg_alone else "it is an electrocardiogram"
    if identity.modality not in {name.upper() for name in rules.modalities}:
        return f"its modality is {identity.modality or 'not stated'}"
    if identity.intent == FOR_PROCESSING:
        return "it is for processing, not for reading"
    told = set(re.findall(r"\w+", f"{identity.body_part} {identity.described}"))
    if not told and not rules.region_unstated:
        return "it does not say which part of the body it shows"
    wanted = {word.upper() for word in rules.regions}
    if told and not any(word.startswith(tuple(wanted)) for word in told):
        return "it is of another part of the body"
    return "" if film.number.value.strip() else "it names no patient"


def taken(film: Film, rules: Rules) -> datetime | None:
    """When a film was taken, by the last date that its header states, or None.

    A film that states only its day is taken to be of when it arrived, if that was on the same day.
    """
    stated = film.identity.latest or film.identity.acquired
    found = clock.instant(stated, rules.zone) if stated else None
    if found is None or times.names_moment(stated):
        return found
    arrived = film.arrived.astimezone(rules.zone)
    return film.arrived if arrived.date() == found.astimezone(rules.zone).date() else None


def studies(films: Iterable[Film], rules: Rules) -> list[Study]:
    """The films that make cases, as they belong together.

    Films of one study are together if they are of the same patient and were taken within
    `views_minutes` of its first; later ones of the same study make a second case, and so on. Of a
    film that was sent again under the same identifier the last counts that came within
    `late_hours`; what it made under another patient before is left out.
    """
    groups: dict[str, list[Film]] = {}
    opened: dict[str, datetime] = {}
    gone: dict[str, Film] = {}
    for first, film, former in _sent(films, rules):
        if not no_case(film, rules):
            groups.setdefault(_key(film, rules), []).append(film)
            opened[film.digest] = first
        gone |= {_key(one, rules): one for one in former if not no_case(one, rules)}
    found: list[Study] = []
    for key, together in groups.items():
        found += _apart(key, together, opened, rules)
    why = "its film was sent again as that of another patient or study"
    return found + [
        Study(f"{key}\x1f0", (film,), film.arrived, why=why)
        for key, film in gone.items()
        if key not in groups
    ]


def _sent(films: Iterable[Film], rules: Rules) -> Iterator[tuple[datetime, Film, list[Film]]]:
    """Each film: when it first arrived, as it is now, and as it was before."""
    sent: dict[str, list[Film]] = {}
    for film in sorted(films, key=lambda film: (film.arrived, film.digest)):
        sent.setdefault(film.identity.instance, []).append(film)
    for same in sent.values():
        first = same[0].arrived
        timely = [film for film in same if film.arrived <= first + rules.late]
        yield first, timely[-1], timely[:-1]


def _key(film: Film, rules: Rules) -> str:
    identity = film.identity
    number = matching.resolved(film.number, film.sender, rules)
    own = identity.accession if rules.one_case == "accession" else ""
    together = own or identity.study or identity.instance
    if film.is_ecg:
        together = f"ecg {identity.study or identity.instance}"
    return f"{together}\x1f{number.authority}\x1f{number.value}"


def _apart(
    key: str, films: Sequence[Film], arrived: Mapping[str, datetime], rules: Rules
) -> list[Study]:
    """One study as one case, or as several where its films were taken far apart."""
    by_arrival = rules.decision == "arrival"
    moments = {f.digest: arrived[f.digest] if by_arrival else taken(f, rules) for f in films}
    dated = {digest: moment for digest, moment in moments.items() if moment}
    lost = tuple(film for film in films if film.digest not in dated)
    placed = sorted(
        (film for film in films if film.digest in dated),
        key=lambda film: (dated[film.digest], film.identity.instance),
    )
    parts: list[list[Film]] = []
    for film in placed:
        first = dated[parts[-1][0].digest] if parts else None
        within = timedelta(minutes=rules.views_minutes)
        if first is not None and dated[film.digest] <= first + within:
            parts[-1].append(film)
        else:
            parts.append([film])
    found = []
    for number, part in enumerate(parts):
        own = {film.digest: dated[film.digest] for film in part}
        opened = min(arrived[film.digest] for film in part)
        found.append(Study(f"{key}\x1f{number}", tuple(part), opened, own))
    if lost:
        why = "nobody says at what time the film was taken"
        opened = min(arrived[film.digest] for film in lost)
        found.append(Study(f"{key}\x1fundated", lost, opened, why=why))
    return found


def priors(study: Study, own: Iterable[Film], rules: Rules) -> tuple[Film, ...]:
    """Films of the same patient of before this study: the latest, frontal ones first."""
    first = min(study.moments.values())
    here = {film.digest for film in study.films}
    limit = timedelta(days=rules.prior_days)
    found = []
    for film in own:
        when = taken(film, rules) if film.digest not in here and not film.is_ecg else None
        timely = film.arrived <= study.opened + rules.late
        if when and timely and when < first and not (limit and when < first - limit):
            found.append((view_of(film.identity.view) == "frontal", when, film.digest, film))
    found.sort(key=lambda one: one[:3], reverse=True)
    return tuple(film for *_, film in found[: rules.prior_films])


def recordings(
    study: Study, cut: datetime, own: Iterable[Film], rules: Rules
) -> tuple[tuple[Film, ...], Counter[str]]:
    """The electrocardiograms of a case, the earliest first, and why others are left out.

    Args:
        study: of the case.
        cut: nothing in the case was recorded later.
        own: all DICOM objects of its patient.
        rules: of assembly.
    """
    sent: dict[str, Film] = {}
    for one in sorted(own, key=lambda one: (one.arrived, one.digest)):
        if one.is_ecg and one.arrived <= study.opened + rules.late:
            sent[one.identity.instance] = one  # sent again, it counts as it was sent last
    window = timedelta(hours=rules.ecg_hours)
    found: list[tuple[datetime, str, Film]] = []
    left: Counter[str] = Counter()
    for one in sent.values():
        when = taken(one, rules)
        if when is None:
            left[UNDATED] += 1
        elif when > cut:
            left[TAKEN_LATER] += 1
        elif window and when < cut - window:
            left[TOO_OLD] += 1
        else:
            found.append((when, one.identity.instance, one))
    return tuple(one for *_, one in sorted(found, key=lambda one: one[:2])), left
