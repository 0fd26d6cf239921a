"""Which case a card is about: the newest assessed one of the patient whom the client names.

Patients are matched as everything that arrives is (`clinical.exchange.matching`): by a number and
by who gave it out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from clinical.exchange import chart_files, fhir_patients, matching
from clinical.exchange.assembly_rules import Rules
from clinical.exchange.facts import Person
from clinical.exchange.fhir_bundle import Entry
from clinical.exchange.fhir_elements import Element, word

if TYPE_CHECKING:
    from clinical.exchange.chart import Chart


class Listed(NamedTuple):
    """A case of the worklist.

    Attributes:
        case_id: the case.
        patient: as cases carry it (`matching.shown`).
        decision_time: of the case, or None.
        assessed: whether a model has looked at it as it is now.
    """

    case_id: str
    patient: str
    decision_time: datetime | None
    assessed: bool


def person_in(patient: object, patient_id: str, server: str) -> Person | None:
    """Who a prefetched Patient is; None for anything else, and for another than is meant.

    Args:
        patient: the resource.
        patient_id: `context.patientId`.
        server: address of the client's FHIR server, or "".
    """
    if not isinstance(patient, dict) or word(patient, "resourceType") != "Patient":
        return None
    if not patient_id or word(patient, "id") != patient_id or _means_something_else(patient):
        return None
    return fhir_patients.person(Entry(patient, "Patient"), server.rstrip("/"))


def _means_something_else(patient: Element) -> bool:
    return bool(patient.get("modifierExtension") or patient.get("implicitRules"))


def patients(
    person: Person, sender: str, rules: Rules, chart: Chart | None = None
) -> frozenset[str]:
    """How cases of this person may carry their patient; empty where nothing can be matched.

    Args:
        person: as the client names them.
        sender: the client, whose numbers may come without an authority.
        rules: of matching.
        chart: knows which numbers became one, or None.
    """
    number = matching.whose(person, sender, rules)
    if number is None:
        return frozenset()
    numbers = frozenset({number})
    if chart is not None:
        heard = chart.known(number.value).heard
        merges = [(merge, one.sender) for one in heard for merge in one.told.merges]
        numbers = matching.Merged(merges, rules).together(number)
    return frozenset(matching.shown(one, rules) for one in numbers)


def newest(
    listed: Iterable[Listed], patients: Collection[str], now: datetime, within: timedelta | None
) -> str | None:
    """The assessed case of the latest decision, if that is not too long ago.

    Args:
        listed: all cases.
        patients: as `patients` gives them.
        now: with time zone.
        within: how long ago the decision may be; None: any time.
    """
    found = [
        (_aware(one.decision_time), one.case_id)
        for one in listed
        if one.assessed and one.patient in patients and one.decision_time is not None
    ]
    moment, case_id = max(found, default=(now, None))
    return case_id if within is None or now - moment <= within else None


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def chart_in(inbox: Path | None) -> Chart | None:
    """The chart of a receiver, if it has put anything together yet.

    Raises:
        StoreError: if it cannot be used.
    """
    if inbox is None or not (inbox / chart_files.DATABASE_NAME).is_file():
        return None
    # With a chart comes what reads films, which a page without an inbox does not load.
    from clinical.exchange.chart import open_existing_chart

    return open_existing_chart(inbox)
