"""A drafted case as a folder of tables and films, read by the reader of every cohort.

There is no second way to read a film or a potassium: see `clinical.cohorts.entered`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from clinical.case.case import Case
from clinical.cohorts import entered
from clinical.cohorts.entered import Condition, Entered, File, Section
from clinical.exchange import assembly_rules
from clinical.exchange.assembly import Draft
from clinical.exchange.assembly_rules import Rules
from clinical.exchange.chart import Chart
from clinical.exchange.facts import HistoryFact, MeasurementFact
from clinical.exchange.films_of_cases import taken
from clinical.exchange.known import Film
from clinical.terms import loinc
from clinical.wording import counted
from clinical.workspace import scratch

SEXES = {"F": "female", "FEMALE": "female", "M": "male", "MALE": "male"}
"""HL7 table 0001, DICOM (0010,0040) and FHIR AdministrativeGender; the others mean not known."""

LOINC = "LOINC"


@dataclass(frozen=True, eq=False)
class Built:
    """A case that was read.

    Attributes:
        case: or None where nothing of it can be read.
        why: the reader's own words, where there is none.
    """

    case: Case | None
    why: str = ""


def build(draft: Draft, case_id: str, chart: Chart, rules: Rules) -> Built:
    """Read a drafted case.

    Raises:
        StoreError: if there is no room for its tables.
    """
    with scratch.folder() as root:
        (root / "files").mkdir(mode=0o700)
        entered.write(_entered(draft, case_id, chart, rules, root), root)
        found = entered.read(root)
    if found.case is None:
        return Built(None, " ".join(problem.reason for problem in found.problems))
    return Built(found.case)


def _entered(draft: Draft, case_id: str, chart: Chart, rules: Rules, root: Path) -> Entered:
    films = [(film, "") for film in draft.films] + [(film, "prior") for film in draft.priors]
    return Entered(
        case_id,
        draft.patient,
        _whole_second(draft.decision).isoformat(),
        zone=rules.time_zone,
        site=rules.site,
        sex=SEXES.get(draft.sex.strip().upper(), ""),
        birth_date=draft.birth_date.isoformat() if draft.birth_date else "",
        films=tuple(
            _file(film, role, number, chart, root) for number, (film, role) in enumerate(films, 1)
        ),
        recordings=tuple(
            _file(film, "", number, chart, root)
            for number, film in enumerate(draft.recordings, len(films) + 1)
        ),
        measurements=tuple(_cells(fact, rules) for fact in draft.measurements),
        decimal=".",
        history=tuple(map(_condition, draft.history)),
        notes=tuple(Section(n.section, n.text, n.time.isoformat()) for n in draft.notes),
    )


def _whole_second(moment: datetime) -> datetime:
    """Not before the moment: the last of what is in the case is at it."""
    return moment.replace(microsecond=0) + timedelta(seconds=bool(moment.microsecond))


def _file(film: Film, role: str, number: int, chart: Chart, root: Path) -> File:
    path = f"files/{number:04d}"
    source = chart.film_file(film)
    try:
        os.link(source, root / path)
    except OSError:  # of another disk
        shutil.copyfile(source, root / path)
    return File(path, role=role, dicom_patient_id=film.identity.patient_id)


def _cells(fact: MeasurementFact, rules: Rules) -> tuple[str, ...]:
    """Code, value, unit, time and specimen, in the order of `pasted.ROLES`."""
    return (_code(fact, rules), fact.value, fact.unit, fact.time.isoformat(), fact.specimen)


def _code(fact: MeasurementFact, rules: Rules) -> str:
    """A LOINC code as it is; of a sender's own code what the rules say, or a name that is known."""
    if fact.system == LOINC:
        return fact.code
    if fact.code in rules.codes:
        return rules.codes[fact.code]
    known = [name for name in (fact.code, fact.display) if name and loinc.candidates(name)]
    return next(iter(known), fact.display or fact.code)


def _condition(fact: HistoryFact) -> Condition:
    code = f"{fact.system}|{fact.code}" if fact.system and fact.code else fact.code
    display = fact.display
    if fact.kind == "allergy":  # not to be taken for the medicine of that code
        code, display = f"allergy:{display or fact.code}", f"Allergy: {display or fact.code}"
    onset = fact.onset.isoformat() if fact.onset else ""
    return Condition(code or display, display, onset, present=fact.present)


def provenance(draft: Draft, case: Case, rules: Rules) -> dict[str, Any]:
    """What the record keeps of how a case was put together: counts, minutes and rules.

    Minutes are before the decision; neither a number of a patient or an order nor a value is there.
    """
    decision = draft.decision
    films = [_ago(when, decision) for film in draft.films if (when := taken(film, rules))]
    results = [fact.time for fact in draft.measurements]
    return {
        "rules": assembly_rules.for_record(rules),
        "films": films,
        "priors": len(draft.priors),
        "recordings": len(draft.recordings),
        "results": _span(results, decision),
        "history": len(draft.history),
        "notes": len(draft.notes),
        "moved": _ago(draft.cut, decision),
        "left_out": [list(one) for one in draft.left_out],
        "unread": len(case.problems),
    }


def _span(times: Sequence[datetime], decision: datetime) -> Mapping[str, int]:
    if not times:
        return {"count": 0}
    first, last = (_ago(moment, decision) for moment in (min(times), max(times)))
    return {"count": len(times), "first": first, "last": last}


def _ago(moment: datetime, decision: datetime) -> int:
    return round((decision - moment).total_seconds() / 60)


def words(assembled: Mapping[str, Any]) -> str:
    """One line for the trail, of a `provenance`: what went into the case, and what did not."""
    parts = (
        ("films", len(assembled["films"])),
        ("films of earlier visits", assembled["priors"]),
        ("electrocardiograms", assembled.get("recordings", 0)),
        ("results", assembled["results"]["count"]),
        ("items of history", assembled["history"]),
        ("notes", assembled["notes"]),
    )
    said = "from " + ", ".join(counted(count, name) for name, count in parts if count)
    if assembled["left_out"]:
        left = (f"{counted(count, name)} {why}" for name, why, count in assembled["left_out"])
        said += f"; left out: {', '.join(left)}"
    if assembled["unread"]:
        said += f"; {counted(assembled['unread'], 'messages')} of the reader"
    return said
