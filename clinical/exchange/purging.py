"""Purging what was received: a case, or all of a patient, from inbox, chart and workspace.

What is asked for is kept in the chart first and forgotten last. In between the workspace is purged,
the ledger is told what goes with it, and then the copies go: files of the watched folder, objects
of the inbox, messages and films of the chart. Each step can be done again, and what goes is found
anew from what is still there, so that a process that is killed anywhere, and started again, leaves
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import Connection

from clinical.audit import ledger, retention
from clinical.dicom.identity import read_identity
from clinical.errors import ImageError
from clinical.exchange import assembly, films_of_cases, matching, watched_folder
from clinical.exchange.assembly_rules import Rules
from clinical.exchange.chart import Chart, Purge, Step
from clinical.exchange.desk import Desk
from clinical.exchange.facts import PatientIdentifier
from clinical.exchange.films_of_cases import Study
from clinical.exchange.inbox import Arrival
from clinical.exchange.known import Film, Heard, Known
from clinical.exchange.matching import Merged
from clinical.exchange.taking_in import take_in
from clinical.wording import counted
from clinical.workspace.database import writing


@dataclass(frozen=True)
class Copies:
    """What was received of a case or a patient, and the cases that were made of it.

    Attributes:
        cases: that the ledger knows.
        messages, films: names in the chart.
        emptied: messages of which only whom they are about is needed still.
        objects: of the inbox.
    """

    cases: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    films: tuple[str, ...] = ()
    emptied: tuple[str, ...] = ()
    objects: tuple[Arrival, ...] = ()


def carry_out(desk: Desk) -> None:
    """Do all that was asked for and is not done; whoever calls works on the inbox alone.

    Raises:
        StoreError: if a disk refuses, or another program uses a file; the same call goes on then.
    """
    purges = desk.chart.purges()
    if not purges:
        return
    for arrival in desk.inbox.waiting():  # or it would be put together afterwards
        take_in(arrival, desk.inbox, desk.chart, desk.rules, desk.habits)
    for purge in purges:
        _remove(desk, purge)
    retention.scrub(desk.engine)
    desk.inbox.scrub()
    desk.chart.scrub()
    for purge in purges:
        desk.chart.end_purge(purge)
    desk.chart.scrub()  # what was asked for held numbers of patients


def _remove(desk: Desk, purge: Purge) -> None:
    """Remove what goes with one purge; bytes may be left in the files, which `carry_out` scrubs."""
    copies = found(desk, purge)
    with desk.engine.connect() as connection:
        held = [case for case in copies.cases if retention.held(connection, case)]
    if held:  # whoever asked has purged them, as a rule
        retention.purge(desk.engine, held, because=purge.because, actor=purge.actor)
    taken = watched_folder.taken_of(desk.watched, copies.objects) if desk.watched else ()
    counts = {
        "cases": len(copies.cases),
        "objects": len(copies.objects),
        "messages": len(copies.messages) + len(copies.emptied),
        "films": len(copies.films),
        "files": len(taken),
    }
    if not purge.told:
        payload = {"because": purge.because, "what": "case" if purge.case_id else "patient"}
        with writing(desk.engine) as connection:
            ledger.append(
                connection,
                "CLEARED",
                actor=purge.actor,
                case_id=purge.case_id,
                payload=payload | counts,
            )
        desk.chart.told_purge(purge)
    for file in taken:
        file.unlink(missing_ok=True)
    for arrival in copies.objects:
        desk.inbox.remove(arrival)
    desk.chart.remove(copies.messages, copies.films, copies.emptied)
    went = ", ".join(counted(counts[name], name) for name in ("objects", "messages", "films"))
    steps = [Step(desk.now(), case, "purged", f"with it went {went}") for case in copies.cases]
    desk.chart.settle("", steps, None)


def found(desk: Desk, purge: Purge) -> Copies:
    """What goes with a purge; what waits in the inbox is not looked at."""
    if purge.case_id:
        return _of_case(desk, purge)
    return _of_patient(desk, purge.patient)


def _of_case(desk: Desk, purge: Purge) -> Copies:
    """The films of a study and what its case may hold, but for what other cases need."""
    rules, purged = desk.rules, _study(desk.chart, desk.rules, purge)
    with desk.engine.connect() as connection:
        copies = Copies(_known_cases(connection, [purge.case_id]))
    if purged is None:
        return copies
    known, mine = purged
    group = {_patient(film, known, rules) for film in mine.films}
    heard = [h for h in known.heard if group & _numbers(h, known, rules)]
    studies = films_of_cases.studies(known.films, rules)
    others = [s for s in studies if s.key != mine.key and _is_of(s, group, known, rules)]
    needed = {film for other in others for film in _films(other, known, group, rules)}
    films = _films(mine, known, group, rules) - needed
    told = [
        h
        for h in assembly.timely(mine, heard, rules)
        if not h.told.facts or assembly.told_of(mine, h, rules)
    ]
    gone = [h for h in told if not any(assembly.told_of(s, h, rules) for s in others)]
    whom = {h.message for s in others for h in assembly.timely(s, gone, rules)}
    digests = films | {_object(h) for h in gone if h.told.facts or h.message not in whom}
    return replace(
        copies,
        messages=tuple(sorted(h.message for h in gone if h.message not in whom)),
        emptied=tuple(sorted(h.message for h in gone if h.message in whom and h.told.facts)),
        films=tuple(sorted(films)),
        objects=desk.inbox.of_digests(digests),
    )


def _study(chart: Chart, rules: Rules, purge: Purge) -> tuple[Known, Study] | None:
    """The study that a case was made of, with all that is known of its patient."""
    for number in _values(purge.patient) if purge.patient else chart.numbers_of_films():
        known = chart.known(number)
        for study in films_of_cases.studies(known.films, rules):
            if chart.case_name(study.key) == purge.case_id:
                return known, study
    return None


def _films(study: Study, known: Known, group: set[PatientIdentifier], rules: Rules) -> set[str]:
    """The films and recordings that the case of a study shows, as they were and are sent."""
    own = [film for film in known.films if _patient(film, known, rules) in group]
    sent = {film.identity.instance for film in study.films}
    if study.moments:
        cut = max(study.moments.values()) + timedelta(minutes=rules.decision_minutes)
        recorded, _ = films_of_cases.recordings(study, cut, own, rules)
        beside = (*films_of_cases.priors(study, own, rules), *recorded)
        sent |= {film.identity.instance for film in beside}
    return {film.digest for film in own if film.identity.instance in sent}


def _object(heard: Heard) -> str:
    """The object of the inbox that a message is in."""
    return heard.message.partition(":")[0]


def _is_of(study: Study, group: set[PatientIdentifier], known: Known, rules: Rules) -> bool:
    return _patient(study.films[0], known, rules) in group


def _of_patient(desk: Desk, given: str) -> Copies:
    """All that is known of a patient, and objects of theirs that never came into the chart."""
    chart, rules = desk.chart, desk.rules
    known = _union(chart.known(value) for value in _values(given))
    merged = _merged(known, rules)
    numbers = {n for h in known.heard for n in _stated(h, rules)}
    numbers |= {matching.resolved(film.number, film.sender, rules) for film in known.films}
    group = {
        merged.patient(n)
        for n in numbers
        if given in (matching.shown(n, rules), matching.shown(merged.patient(n), rules))
    }
    own = {n for n in numbers if merged.patient(n) in group}
    heard = [h for h in known.heard if own & _stated(h, rules)]
    films = [f for f in known.films if matching.resolved(f.number, f.sender, rules) in own]
    keys = [s.key for s in films_of_cases.studies(films, rules)]
    with desk.engine.connect() as connection:
        shown = {given, *(matching.shown(n, rules) for n in own)}
        names = [*map(chart.case_name, keys), *retention.of_patients(connection, shown)]
        cases = _known_cases(connection, names)
    digests = {_object(h) for h in heard} | {film.digest for film in films}
    elsewhere = chart.objects() - digests
    objects = tuple(
        arrival
        for arrival in desk.inbox.settled()
        if arrival.digest in digests
        or (arrival.digest not in elsewhere and _names(desk, arrival, given, own))
    )
    return Copies(
        cases,
        tuple(sorted(h.message for h in heard)),
        tuple(sorted(film.digest for film in films)),
        objects=objects,
    )


def _names(desk: Desk, arrival: Arrival, given: str, own: set[PatientIdentifier]) -> bool:
    """Whether an object that is not in the chart is of the patient.

    One that cannot be read, which nobody can say of whom it is, goes if the number stands in it.
    """
    path = desk.inbox.path(arrival)
    if arrival.kind == "dicom":
        try:
            identity = read_identity(path)
        except ImageError:
            pass
        else:
            stated = PatientIdentifier(identity.patient_id, identity.issuer)
            number = matching.resolved(stated, arrival.sender, desk.rules)
            return number in own or matching.shown(number, desk.rules) == given
    values = {n.value for n in own} or {given}
    marks = b"|".join(re.escape(value.encode()) for value in sorted(values))
    data = path.read_bytes()
    return re.search(rb"(?<![0-9A-Za-z])(?:" + marks + rb")(?![0-9A-Za-z])", data) is not None


def _values(given: str) -> list[str]:
    """What the number itself may be of one as cases carry it, which `matching.shown` made."""
    parts = given.split("@")
    return ["@".join(parts[:count]) for count in range(len(parts), 0, -1)]


def _union(several: Iterable[Known]) -> Known:
    whole = Known()
    for known in several:
        heard = {h.message: h for h in (*whole.heard, *known.heard)}
        films = {f.digest: f for f in (*whole.films, *known.films)}
        whole = replace(whole, heard=tuple(heard.values()), films=tuple(films.values()))
    return whole


def _merged(known: Known, rules: Rules) -> Merged:
    return Merged(((merge, h.sender) for h in known.heard for merge in h.told.merges), rules)


def _patient(film: Film, known: Known, rules: Rules) -> PatientIdentifier:
    number = matching.resolved(film.number, film.sender, rules)
    return _merged(known, rules).patient(number)


def _stated(heard: Heard, rules: Rules) -> set[PatientIdentifier]:
    """All numbers in a message, with the authority that each counts as."""
    person = heard.told.person.identifiers if heard.told.person else ()
    merges = [number for merge in heard.told.merges for number in (merge.kept, merge.retired)]
    found = {matching.resolved(number, heard.sender, rules) for number in (*person, *merges)}
    return {number for number in found if number.value}


def _numbers(heard: Heard, known: Known, rules: Rules) -> set[PatientIdentifier]:
    """The patients that the numbers in a message are of."""
    merged = _merged(known, rules)
    return {merged.patient(number) for number in _stated(heard, rules)}


def _known_cases(connection: Connection, names: Iterable[str]) -> tuple[str, ...]:
    """Those of the names that the ledger knows, once each."""
    return tuple(n for n in dict.fromkeys(names) if ledger.first_of(connection, n))
