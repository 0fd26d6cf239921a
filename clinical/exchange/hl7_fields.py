"""What the data types of HL7 v2 say: coded elements, identifiers, the zone, and who it is about.

HL7 v2.5.1, chapter 2A.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import tzinfo

from clinical.exchange.coded import Coded, is_loinc
from clinical.exchange.facts import Merge, PatientIdentifier, Person, Refusal
from clinical.exchange.hl7_message import Field, Message, Segment
from clinical.exchange.moments import day_of_stamp, of_stamp, stamp_names_zone

_LOINC_NAMES = ("LN", "LOINC", "LNC", "2.16.840.1.113883.6.1", "HTTP://LOINC.ORG")
_PRIVATE = ("SS", "DL", "PPN", "CC", "BC", "BA", "CZ", "TAX")
_OF_A_STAY = ("VN", "AN", "ANC", "ANT")
_NO_PATIENTS = (*_PRIVATE, *_OF_A_STAY)
"""Types of identifiers (table 0203) that are not kept: those that no system of a hospital is asked
by, and those of visits and accounts, which another patient's number may be the same as."""

UNKNOWN_PATIENT = "no identifier of the patient is given."


def zone_of(message: Message, zone: tzinfo) -> tzinfo:
    """The zone of the message's stamps without one: that of MSH-7, if it names any.

    A sender's clock is turned twice a year and MSH-7 only tells how it stands now: where `zone`
    stands the same way at that moment, `zone` is taken, which knows the rest of the year as well.
    """
    sent = message.header.first(7).part(1)
    told = of_stamp(sent, zone) if stamp_names_zone(sent) else None
    if told is None or told.astimezone(zone).utcoffset() == told.utcoffset():
        return zone
    return told.tzinfo or zone


def coded(field: Field) -> Coded:
    """The triplet with a LOINC code, else the first that has a code; a text alone is its own code.

    An identifier with the form and the check digit of LOINC is one where no system is named.
    """
    triplets = [
        Coded(field.part(at), field.component(at + 1), field.part(at + 2)) for at in (1, 4, 10)
    ]
    text = next((one.text for one in triplets if one.text), "") or field.component(9)
    filled = [one for one in triplets if one.code]
    for one in filled:
        if one.system.upper() in _LOINC_NAMES or (not one.system and is_loinc(one.code)):
            return Coded(one.code, one.text or text, "LOINC")
    return replace(filled[0], text=filled[0].text or text) if filled else Coded(text, text)


def identifier(field: Field) -> PatientIdentifier | None:
    """A CX: the number and who gave it out, by its name or else its universal id."""
    value = field.part(1)
    if not value or field.part(5).upper() in _NO_PATIENTS:
        return None
    return PatientIdentifier(value, field.part(4, 1) or field.part(4, 2))


def identifiers(pid: Segment) -> tuple[PatientIdentifier, ...]:
    """Those of PID-3, medical record numbers first."""
    # Stable: what the sender puts first stays first among its equals.
    ranked = sorted(pid.all(3), key=lambda field: field.part(5).upper() not in ("MR", "PI", "PT"))
    found = (identifier(field) for field in ranked)
    return tuple(dict.fromkeys(one for one in found if one is not None))


def person(pid: Segment) -> Person | Refusal:
    """Who PID is about: identifiers, sex, day of birth."""
    known = identifiers(pid)
    if not known:
        remedy = "send a medical record number in PID-3"
        return Refusal(pid.place(3), UNKNOWN_PATIENT, remedy)
    return Person(known, pid.first(8).part(1), day_of_stamp(pid.first(7).part(1)))


def merges(pid: Segment, mrg: Segment) -> tuple[tuple[Merge, ...], tuple[Refusal, ...]]:
    """What MRG-1 retires, each with what PID keeps of the same authority."""
    kept, done, refused = identifiers(pid), [], []
    fields = [one for one in map(identifier, mrg.all(1)) if one is not None]
    if not fields:
        reason = "no identifier is given that is to be merged."
        refused.append(Refusal(mrg.place(1), reason, "send the former number in MRG-1"))
    for retired in fields:
        same = [one for one in kept if one.authority == retired.authority]
        if not same and len(kept) == 1 and not (kept[0].authority and retired.authority):
            same = list(kept)
        if not same:
            reason = "PID-3 has no identifier of the same assigning authority."
            refused.append(Refusal(mrg.place(1), reason, "name the authority of both numbers"))
        elif same[0] != retired:
            done.append(Merge(same[0], retired))
    return tuple(done), tuple(refused)
