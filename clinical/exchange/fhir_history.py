"""Conditions, medicines and allergies of FHIR R4, as facts of the history.

https://hl7.org/fhir/R4/condition.html, medicationstatement.html, medicationrequest.html and
allergyintolerance.html
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, tzinfo

from clinical.exchange.coded import Coded
from clinical.exchange.facts import HistoryFact, Kind, Refusal, Status
from clinical.exchange.fhir_bundle import Entry, Sent
from clinical.exchange.fhir_elements import (
    Nothing,
    begun,
    child,
    code_of,
    coded,
    told_at,
    word,
)

Found = HistoryFact | Refusal | Nothing

_CERTAINTY: dict[str, Status] = {
    **dict.fromkeys(("", "confirmed", "refuted"), "final"),
    **dict.fromkeys(("unconfirmed", "provisional", "differential"), "preliminary"),
    "entered-in-error": "cancelled",
}
_TAKEN: dict[str, Status] = {
    **dict.fromkeys(("active", "completed", "stopped", "on-hold", "not-taken"), "final"),
    "intended": "preliminary",
    "entered-in-error": "cancelled",
}
_ORDERED: dict[str, Status] = {
    **dict.fromkeys(("active", "completed", "stopped", "on-hold"), "final"),
    "draft": "preliminary",
    **dict.fromkeys(("cancelled", "entered-in-error"), "cancelled"),
}
_NO_ORDER = ("proposal", "plan", "option")


def conditions(entry: Entry, own: str, sent: Sent, zone: tzinfo) -> Iterator[Found]:
    """A diagnosis; a refuted one is known not to be there, a resolved one was there."""
    del sent
    yield _judged(entry, own, "diagnosis", ("onsetDateTime", "onsetPeriod"), zone)


def allergies(entry: Entry, own: str, sent: Sent, zone: tzinfo) -> Iterator[Found]:
    """An allergy or intolerance; a refuted one is known not to be there."""
    del sent
    yield _judged(entry, own, "allergy", ("onsetDateTime", "onsetPeriod"), zone)


def _judged(
    entry: Entry, own: str, kind: Kind, onset: tuple[str, ...], zone: tzinfo
) -> HistoryFact | Refusal:
    resource = entry.resource
    certainty = code_of(child(resource, "verificationStatus"))
    status = _CERTAINTY.get(certainty)
    if status is None:
        reason = "the status is not one of FHIR R4."
        return Refusal(entry.place("verificationStatus"), reason, "send confirmed or refuted")
    named = coded(child(resource, "code"))
    if not named.code:
        return Refusal(entry.place("code"), _UNNAMED, "send a code or a text")
    return _fact(
        entry,
        own,
        (named, kind, status, certainty != "refuted"),
        (begun(resource, onset, zone), told_at(resource, ("recordedDate",), zone)),
    )


_UNNAMED = "the entry has no code and no text."


def statements(entry: Entry, own: str, sent: Sent, zone: tzinfo) -> Iterator[Found]:
    """A medicine that the patient takes, took, or does not take."""
    resource = entry.resource
    told = word(resource, "status")
    status = _TAKEN.get(told)
    if status is None:
        yield Refusal(entry.place("status"), "the status is not known.", "send active or completed")
        return
    began = begun(resource, ("effectiveDateTime", "effectivePeriod"), zone)
    recorded = told_at(resource, ("dateAsserted",), zone)
    yield _medicine(entry, own, sent, (status, told != "not-taken"), (began, recorded))


def requests(entry: Entry, own: str, sent: Sent, zone: tzinfo) -> Iterator[Found]:
    """A medicine that was ordered; a proposal or a plan is preliminary."""
    resource = entry.resource
    status = _ORDERED.get(word(resource, "status"))
    if resource.get("doNotPerform") is True:
        yield Nothing("MedicationRequest that asks not to give")
    elif status is None:
        yield Refusal(entry.place("status"), "the status is not known.", "send active or completed")
    else:
        if status == "final" and word(resource, "intent") in _NO_ORDER:
            status = "preliminary"
        ordered = begun(resource, ("authoredOn",), zone)
        recorded = told_at(resource, ("authoredOn",), zone)
        yield _medicine(entry, own, sent, (status, True), (ordered, recorded))


def _medicine(
    entry: Entry,
    own: str,
    sent: Sent,
    judged: tuple[Status, bool],
    when: tuple[datetime | None, datetime | None],
) -> HistoryFact | Refusal:
    named = _medication(entry, sent)
    if not named.code:
        remedy = "send the Medication, or its code in medicationCodeableConcept"
        return Refusal(entry.place("medication"), "the medicine is not named.", remedy)
    status, present = judged
    return _fact(entry, own, (named, "medicine", status, present), when)


def _medication(entry: Entry, sent: Sent) -> Coded:
    named = coded(child(entry.resource, "medicationCodeableConcept"))
    reference = child(entry.resource, "medicationReference")
    if named.code or not reference:
        return named
    found = sent.find(word(reference, "reference"), entry)
    if found is not None and found.kind == "Medication":
        return coded(child(found.resource, "code"))
    return Coded(word(reference, "display"), word(reference, "display"))


def _fact(
    entry: Entry,
    own: str,
    what: tuple[Coded, Kind, Status, bool],
    when: tuple[datetime | None, datetime | None],
) -> HistoryFact:
    named, kind, status, present = what
    return HistoryFact(
        identity=own,
        code=named.code,
        system=named.system,
        display=named.text or named.code,
        onset=when[0],
        recorded=when[1],
        status=status,
        kind=kind,
        present=present,
        place=entry.place(),
    )
