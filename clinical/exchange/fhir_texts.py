"""Reports and documents of FHIR R4, as texts: DiagnosticReport and DocumentReference.

https://hl7.org/fhir/R4/diagnosticreport.html and documentreference.html
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, tzinfo

from clinical.exchange.coded import Coded, identity
from clinical.exchange.facts import NoteFact, Refusal, Status
from clinical.exchange.fhir_bundle import Entry, Sent
from clinical.exchange.fhir_elements import (
    Nothing,
    child,
    children,
    coded,
    moment,
    plain_texts,
    told_at,
    word,
)
from clinical.exchange.sections import section

Found = NoteFact | Refusal | Nothing

_REPORT: dict[str, Status] = {
    **dict.fromkeys(("partial", "preliminary"), "preliminary"),
    "final": "final",
    **dict.fromkeys(("amended", "corrected", "appended"), "corrected"),
    **dict.fromkeys(("cancelled", "entered-in-error"), "cancelled"),
}
_DOCUMENT: dict[str, Status] = {
    "preliminary": "preliminary",
    **dict.fromkeys(("", "final"), "final"),
    "amended": "corrected",
    "entered-in-error": "cancelled",
}
_UNDATED = "nothing says when the text was written."


def reports(entry: Entry, own: str, sent: Sent, zone: tzinfo) -> Iterator[Found]:
    """The plain texts of a report, and its conclusion; results are Observations of their own."""
    del sent
    resource = entry.resource
    told = word(resource, "status")
    status = _REPORT.get(told)
    if told == "registered":
        yield Nothing("DiagnosticReport without a result")
        return
    if status is None:
        yield Refusal(entry.place("status"), "the status is not known.", "send final or amended")
        return
    time = told_at(resource, ("issued",), zone) or moment(
        resource, ("effectiveDateTime", "effectivePeriod"), zone, last=True
    )
    if time is None:
        yield Refusal(entry.place("issued"), _UNDATED, "send issued")
        return
    named = coded(child(resource, "code"))
    texts = list(plain_texts(children(resource, "presentedForm"), entry.place("presentedForm")))
    conclusion = word(resource, "conclusion")
    if not texts and not conclusion and status != "cancelled":
        yield Nothing("DiagnosticReport of results alone")
    yield from _whole(entry, own, (named, status, time), texts)
    if conclusion or status == "cancelled":
        name = identity(own, "conclusion")
        shown = "" if status == "cancelled" else conclusion
        yield NoteFact(name, "impression", shown, time, status, entry.place("conclusion"))


def documents(entry: Entry, own: str, sent: Sent, zone: tzinfo) -> Iterator[Found]:
    """The plain texts of a document; one that was superseded is cancelled."""
    del sent
    resource = entry.resource
    status = _DOCUMENT.get(word(resource, "docStatus"))
    current = word(resource, "status")
    if current in ("superseded", "entered-in-error"):
        status = "cancelled"
    if status is None or current not in ("current", "superseded", "entered-in-error"):
        name = "docStatus" if status is None else "status"
        yield Refusal(entry.place(name), "the status is not known.", "send current and final")
        return
    attachments = tuple(child(one, "attachment") for one in children(resource, "content"))
    made = [moment(one, ("creation",), zone, last=True) for one in attachments]
    time = told_at(resource, ("date",), zone) or max((one for one in made if one), default=None)
    if time is None:
        yield Refusal(entry.place("date"), _UNDATED, "send date")
        return
    named = coded(child(resource, "type"))
    texts = list(plain_texts(attachments, entry.place("content")))
    yield from _whole(entry, own, (named, status, time), texts)


def _whole(
    entry: Entry, own: str, what: tuple[Coded, Status, datetime], texts: list[str | Refusal]
) -> Iterator[Found]:
    """All plain texts of a resource as one; what is refused of it is said."""
    named, status, time = what
    if status != "cancelled":
        yield from (one for one in texts if isinstance(one, Refusal))
    text = "\n\n".join(one for one in texts if isinstance(one, str) and one)
    if text or status == "cancelled":
        shown = "" if status == "cancelled" else text
        title = section(named.code, named.text)
        yield NoteFact(own, title, shown, time, status, entry.place())
