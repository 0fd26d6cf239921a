"""FHIR R4 in a folder: NDJSON of a bulk export, Bundles or single resources, gzipped or not.

https://hl7.org/fhir/R4/ and https://hl7.org/fhir/uv/bulkdata/. What a resource says is understood
by the code that reads what hospitals send (docs/receiving-hl7-and-fhir.md), and then judged by the
rules of the folder format.

- One case is one Encounter of a hospital (class IMP, ACUTE, NONAC, EMER, SS or OBSENC), 24 hours
  after it began. One that ended before is skipped, and one whose beginning is known by its day
  alone.
- **Where no such Encounter says when it began and lasted that long, one case is one patient with
  all that is told of them**, and the decision is the last moment of it: to look at and to assess.
  There are no outcomes then.
- `measurements`: Observations and their components, counted as known from `issued` on; cancelled
  ones are left out. `notes`: texts of reports and documents, counted as known when they were told.
- `history`: conditions, medicines, allergies, age and sex. What was recorded after the decision is
  left out; what does not say when it was recorded counts if it began before the day of the
  Encounter. An allergy is `allergy:<code>`.
- The site is the name of the Encounter's service provider. Outcome: `hospital_death`, by the
  discharge disposition; unknown where there is none, and where the Encounter ended before the
  decision.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from clinical.case.case import Outcome, Problem, SkippedCase
from clinical.cohorts import fhir_files, retold
from clinical.cohorts.cohort import CaseEntry, CohortDescription, Diagnosis, Reading
from clinical.exchange.facts import Fact, HistoryFact, MeasurementFact, NoteFact, Refusal
from clinical.exchange.fhir_bundle import Entry, Sent
from clinical.exchange.fhir_elements import child, children, moment, word
from clinical.exchange.fhir_patients import subject
from clinical.tables import table, times
from clinical.tables.selected import AS_PUBLISHED, positions
from clinical.tables.table import Row
from clinical.terms import codes

NAME = "fhir"
CASES_AT_ONCE = retold.AT_ONCE
WAIT = timedelta(hours=24)
HOSPITAL = {"IMP", "ACUTE", "NONAC", "EMER", "SS", "OBSENC"}
HELD = {"finished", "in-progress", "onleave", "unknown"}
DIED = "exp"

TOLD_LATER = "it was told after the decision; it was not known yet."
UNDATED = "nothing says that it was known before the day of the stay."
CANCELLED = "its sender took it back."
Place = tuple[str, int, str]


@dataclass(frozen=True)
class _Asked:
    """One case.

    Attributes:
        case_id, patient, site: as in the index.
        place: where it is told of.
        decided: the decision, or why there is none.
        began: day on which the stay began, or "" where the case is all that is told of somebody.
        died: the outcome.
    """

    case_id: str
    patient: str
    site: str
    place: Place
    decided: datetime | Problem
    began: str = ""
    died: bool | None = None


@dataclass
class _Person:
    """What is told of one patient, of whatever piece."""

    sex: str = ""
    birth_date: str = ""
    facts: dict[str, tuple[Fact, Place]] = field(default_factory=dict)

    def take(self, found: fhir_files.Patient) -> None:
        """Add what a piece tells; of a resource that is there twice, what was told last."""
        self.sex = self.sex or found.sex
        self.birth_date = self.birth_date or found.birth_date
        for fact, place in found.facts:
            known = self.facts.get(fact.identity)
            if known is None or _known_from(known[0]) <= _known_from(fact):
                self.facts[fact.identity] = fact, place


def describe(root: Path) -> CohortDescription:
    """The name of the folder, and the outcome where there are stays."""
    asked = _asked(root)
    diagnoses = (Diagnosis("hospital_death"),) if any(one.began for one in asked) else ()
    return CohortDescription(root.resolve().name, "FHIR R4", "not stated", diagnoses)


def index(root: Path) -> tuple[CaseEntry, ...]:
    """One entry for each stay in a hospital, or for each patient."""
    return tuple(CaseEntry(one.case_id, one.patient, one.site) for one in _asked(root))


def read(root: Path, wanted: Container[str] | None = None) -> Iterator[Reading]:
    """Cases with `measurements`, `history` and `notes` where they are there."""
    asked = [one for one in _asked(root) if wanted is None or one.case_id in wanted]
    for at in range(0, max(1, len(asked)), retold.AT_ONCE):
        lot = asked[at : at + retold.AT_ONCE]
        people: dict[str, _Person] = {one.patient: _Person() for one in lot}
        for piece in fhir_files.pieces(root):
            told, problems = fhir_files.understood(piece)
            if at == 0:
                yield from problems
            for found in told:
                if found.key in people:
                    people[found.key].take(found)
        for one in lot:
            yield from _case(root, one, people[one.patient])


def outcomes(root: Path) -> Iterator[Outcome]:
    """`hospital_death` of each stay."""
    for one in _asked(root):
        if one.began:
            yield Outcome(one.case_id, "hospital_death", one.died)


def _asked(root: Path) -> list[_Asked]:
    """Every case, in the order of the files.

    Raises:
        CohortError: if the folder holds no FHIR resource of a patient.
    """
    stays: dict[str, _Asked] = {}
    for piece in fhir_files.pieces(root):
        for entry, sent, place in fhir_files.entries(piece, "Encounter"):
            one = _stay(entry, sent, place)
            if one:
                stays.setdefault(one.case_id, one)
    if any(isinstance(one.decided, datetime) for one in stays.values()):
        return list(stays.values())
    people: dict[str, _Asked] = {}
    for piece in fhir_files.pieces(root):
        for found in fhir_files.understood(piece)[0]:
            for fact, place in found.facts:
                known = people.get(found.key)
                last = max(_moments(fact), default=None)
                if last is None or (known and _decided(known) >= last):
                    continue
                first = known.place if known else place
                people[found.key] = _Asked(found.key, found.key, "", first, last)
    if not people:
        reason = "there is no FHIR resource of a patient in it."
        remedy = "give a folder with NDJSON, Bundles or resources, as Encounter.ndjson"
        table.demand(Problem("the folder (*.ndjson, *.json)", reason, remedy=remedy))
    return list(people.values())


def _decided(one: _Asked) -> datetime:
    return one.decided if isinstance(one.decided, datetime) else datetime.min.replace(tzinfo=UTC)


def _stay(entry: Entry, sent: Sent, place: Place) -> _Asked | None:
    """A stay in a hospital, or None for another Encounter or one that is nobody's."""
    resource = entry.resource
    kind, status = word(child(resource, "class"), "code"), word(resource, "status")
    number, who = word(resource, "id"), subject(entry, sent, "")
    if kind not in HOSPITAL or status not in HELD or not number or isinstance(who, Refusal):
        return None
    last = who.person.identifiers[-1]
    period = child(resource, "period")
    began = moment(period, ("start",), UTC)
    ended = moment(period, ("end",), UTC, last=True)
    decided: datetime | Problem
    if began is None or not times.names_moment(word(period, "start")):
        reason = "the moment at which the stay began is not known; the case is not used."
        decided = Problem(place[0], reason, place[1], "Encounter.period", AS_PUBLISHED)
    elif ended is not None and ended < began + WAIT:
        reason = "the stay ended before the decision, 24 hours after it began."
        decided = Problem(place[0], reason, place[1], "Encounter.period", "none; leave it out")
    else:
        decided = began + WAIT
    how = child(child(resource, "hospitalization"), "dischargeDisposition")
    ways = [word(one, "code") for one in children(how, "coding")]
    died = DIED in ways if ways and isinstance(decided, datetime) else None
    site = word(child(resource, "serviceProvider"), "display")
    day = word(period, "start")[:10] or "?"
    patient = fhir_files.key_of(last.value, last.authority)
    return _Asked(number, patient, site, place, decided, day, died)


def _moments(fact: Fact) -> list[datetime]:
    """Every time that a fact names."""
    match fact:
        case MeasurementFact():
            found = [fact.time, fact.issued]
        case HistoryFact():
            found = [fact.onset, fact.recorded]
        case NoteFact():
            found = [fact.time]
    return [one for one in found if one]


def _known_from(fact: Fact) -> datetime:
    return max(_moments(fact), default=datetime.min.replace(tzinfo=UTC))


def _case(root: Path, one: _Asked, person: _Person) -> Iterator[Reading]:
    if isinstance(one.decided, Problem):
        yield SkippedCase(one.case_id, replace(one.decided, case_id=one.case_id))
        return
    case = _row(
        one.place,
        case_id=one.case_id,
        patient_id=one.patient,
        decision_time=one.decided.isoformat(),
        site=one.site,
        sex=person.sex,
        birth_date=person.birth_date,
    )
    rows: dict[str, list[Row]] = {"measurements": [], "history": [], "notes": []}
    problems: list[Problem] = []
    for fact, place in person.facts.values():
        why = _why_not(fact, one)
        if why:
            file, number, element = place
            problems.append(Problem(file, why, number, element, retold.AFTERWARDS))
        else:
            stem, row = _retold(fact, place)
            rows[stem].append(row)
    yield from retold.read(root, case, rows, {}, also=problems)


def _why_not(fact: Fact, one: _Asked) -> str:
    """Why a fact is no part of a case, or ""; what is later than the decision says so itself."""
    if isinstance(one.decided, Problem):
        return ""
    if fact.status == "cancelled":
        return CANCELLED
    match fact:
        case MeasurementFact():
            late = fact.issued is not None and fact.issued > one.decided >= fact.time
            return TOLD_LATER if late else ""
        case HistoryFact() if fact.recorded is not None:
            return TOLD_LATER if fact.recorded > one.decided else ""
        case HistoryFact():
            before = fact.onset is not None and fact.onset.date().isoformat() < one.began
            return UNDATED if one.began and not before else ""
    return ""


def _retold(fact: Fact, place: Place) -> tuple[str, Row]:
    """The table of the folder format that a fact belongs to, and its row there."""
    match fact:
        case MeasurementFact():
            named = fact.code if fact.system == "LOINC" else fact.display or fact.code
            return "measurements", _row(
                place,
                code=named,
                value=fact.value,
                unit=fact.unit,
                specimen=fact.specimen,
                time=fact.time.isoformat(),
            )
        case HistoryFact():
            system, code = _coded(fact)
            return "history", _row(
                place,
                code=code,
                code_system=system,
                display=fact.display,
                onset=fact.onset.isoformat() if fact.onset else "",
                present="1" if fact.present else "0",
            )
        case NoteFact():
            time = fact.time.isoformat()
            return "notes", _row(place, section=fact.section, text=fact.text, time=time)


def _coded(fact: HistoryFact) -> tuple[str, str]:
    """Code system, where it is one that is known, and the code; an allergy is no medicine."""
    known = codes.is_system(fact.system)
    short = fact.system.rstrip("/").rpartition("/")[2] or "fhir"
    code = fact.code if known else f"{short}:{fact.code}"
    if fact.kind == "allergy":
        return "", f"allergy:{code}"
    return (fact.system if known else ""), code


def _row(place: Place, **cells: str) -> Row:
    file, number, _ = place
    return Row(number, tuple(cells.values()), positions(tuple(cells)), None, file)
