"""HL7 v2 messages as what they tell of patients: ORU (results), ADT (persons, merges), MDM (texts).

Every field that is read and every refusal is in docs/receiving-hl7-and-fhir.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from itertools import pairwise

from clinical.exchange.coded import Coded, identity
from clinical.exchange.facts import (
    Fact,
    HistoryFact,
    Kind,
    Merge,
    Person,
    Refusal,
    Status,
    Told,
)
from clinical.exchange.hl7_documents import documents
from clinical.exchange.hl7_fields import coded, merges, person, zone_of
from clinical.exchange.hl7_message import Message, Segment, parse, split
from clinical.exchange.hl7_observations import Setting
from clinical.exchange.hl7_results import results
from clinical.exchange.moments import of_stamp


@dataclass(frozen=True)
class Habits:
    """What senders do that their messages do not say.

    Attributes:
        undeclared: codec of messages that name no character set in MSH-18.
        processing: kinds of MSH-11 that are taken; T is training and D debugging.
    """

    undeclared: str = "utf-8"
    processing: tuple[str, ...] = ("P",)


USUAL = Habits()

TYPES = ("ORU", "ADT", "MDM")
MERGES = ("A18", "A30", "A34", "A36", "A39", "A40", "A46", "A47")
BY_HAND = ("A23", "A24", "A29", "A37", "A43", "A44", "A45")
"""Events that delete, link, unlink or move records; nothing here does that by itself."""
WITH_TEXT = ("T02", "T04", "T06", "T08", "T10", "T11")
_ENVELOPE = ("MSH", "SFT", "EVN", "PID", "PD1", "MRG")


def told(data: bytes, zone: tzinfo, habits: Habits = USUAL) -> tuple[Told, ...]:
    """What one message, or a file of several, says of each person.

    Args:
        data: as received.
        zone: of time stamps without an offset, where MSH-7 has none either.
        habits: of the senders.
    """
    messages = split(data)
    found: list[Told] = []
    for number, one in enumerate(messages, start=1):
        message = parse(one, habits.undeclared)
        if isinstance(message, Refusal):
            here: tuple[Told, ...] = (Told(None, refused=(message,)),)
        else:
            here = of_message(message, zone, habits)
        found += [_in_file(part, number) for part in here] if len(messages) > 1 else here
    return tuple(found)


def _in_file(part: Told, number: int) -> Told:
    before = f"message[{number}] "
    return replace(
        part,
        facts=tuple(replace(fact, place=before + fact.place) for fact in part.facts),
        refused=tuple(replace(one, place=before + one.place) for one in part.refused),
    )


def of_message(message: Message, zone: tzinfo, habits: Habits = USUAL) -> tuple[Told, ...]:
    """What a message says of each person in it; see `told`."""
    refused = unsupported(message, habits)
    if refused:
        return (Told(None, refused=(refused,)),)
    starts = [at for at, segment in enumerate(message.segments) if segment.name == "PID"]
    if not starts:
        reason = "the message has no PID."
        return (Told(None, refused=(Refusal("PID", reason, "name the patient in PID"),)),)
    ends = [*starts, len(message.segments)]
    setting = _setting(message, zone_of(message, zone))
    return tuple(
        _of_person(message.kind, message.segments[start:end], setting)
        for start, end in pairwise(ends)
    )


def unsupported(message: Message, habits: Habits = USUAL) -> Refusal | None:
    """Why a message is none that is read here, by MSH alone, or None."""
    kind, event = message.kind
    if kind not in TYPES:
        return Refusal("MSH-9", "the type of the message is not read here.", "send ORU, ADT or MDM")
    if kind == "ADT" and event in BY_HAND:
        reason = "the event deletes, links or moves records."
        return Refusal("MSH-9", reason, "do it by hand, or send a merge (A40)")
    if kind == "MDM" and event not in WITH_TEXT:
        return Refusal("MSH-9", "the event carries no text.", "send T02, T04, T06, T08, T10 or T11")
    use = message.header.first(11).part(1).upper()
    if use and use not in habits.processing:
        reason = "the message is not of production."
        return Refusal("MSH-11", reason, "send P, or take messages for training on purpose")
    version = message.header.first(12).part(1)
    if version and not version.startswith("2"):
        return Refusal("MSH-12", "the version is not 2.x.", "send 2.5.1")
    return None


def _of_person(kind: tuple[str, str], segments: Sequence[Segment], message: Setting) -> Told:
    pid, others = segments[0], segments[1:]
    who = person(pid)
    if isinstance(who, Refusal):
        return Told(None, refused=(who,))
    first, (what, event) = who.identifiers[0], kind
    setting = replace(message, patient=f"{first.value}\x1f{first.authority}")
    if what == "ORU":
        found = results(others, setting)
        return _told(who, found.facts, found.refused, found.unused)
    if what == "MDM":
        texts = list(documents(event, others, setting))
        return _told(who, texts, (), _counted(others, ("TXA", "OBX")))
    joined, refused = _merges(pid, others) if event in MERGES else ((), ())
    known = list(_history(others, setting))
    return _told(who, known, refused, _counted(others, ("DG1", "AL1")), joined)


def _told(
    who: Person,
    found: Sequence[Fact | Refusal],
    refused: Sequence[Refusal],
    unused: Counter[str],
    joined: tuple[Merge, ...] = (),
) -> Told:
    return Told(
        person=who,
        facts=tuple(one for one in found if not isinstance(one, Refusal)),
        merges=joined,
        refused=(*(one for one in found if isinstance(one, Refusal)), *refused),
        unused=tuple(sorted(unused.items())),
    )


def _counted(segments: Sequence[Segment], read: Sequence[str]) -> Counter[str]:
    return Counter(one.name for one in segments if one.name not in (*read, *_ENVELOPE))


def _setting(message: Message, zone: tzinfo) -> Setting:
    header = message.header
    event = next(iter(message.named("EVN")), None)
    recorded = of_stamp(event.first(2).part(1), zone, last=True) if event else None
    return Setting(
        zone=zone,
        sender=f"{header.first(3).text}\x1f{header.first(4).text}",
        patient="",
        sent=recorded or of_stamp(header.first(7).part(1), zone, last=True),
    )


def _merges(
    pid: Segment, segments: Sequence[Segment]
) -> tuple[tuple[Merge, ...], tuple[Refusal, ...]]:
    found = [segment for segment in segments if segment.name == "MRG"]
    if not found:
        reason = "the event joins two numbers, and MRG is missing."
        return (), (Refusal("MRG", reason, "send the former number in MRG-1"),)
    parts = [merges(pid, mrg) for mrg in found]
    return (
        tuple(one for done, _ in parts for one in done),
        tuple(one for _, refused in parts for one in refused),
    )


def _history(segments: Sequence[Segment], setting: Setting) -> Iterator[HistoryFact | Refusal]:
    for segment in segments:
        if segment.name == "DG1":
            yield _diagnosis(segment, setting)
        elif segment.name == "AL1":
            yield _known(segment, coded(segment.first(3)), setting, "allergy", 6, "final")


def _diagnosis(dg1: Segment, setting: Setting) -> HistoryFact | Refusal:
    """DG1: a working or admitting diagnosis (table 0052) is preliminary."""
    named = coded(dg1.first(3))
    named = Coded(named.code, named.text, named.system or dg1.first(2).part(1))
    if not named.code or named.text == "":
        text = dg1.first(4).text
        named = replace(named, code=named.code or text, text=text)
    status: Status = "preliminary" if dg1.first(6).part(1).upper() in ("W", "A") else "final"
    if dg1.first(21).part(1).upper() == "D":
        status = "cancelled"
    return _known(dg1, named, setting, "diagnosis", 5, status)


def _known(
    segment: Segment, named: Coded, setting: Setting, kind: Kind, onset: int, status: Status
) -> HistoryFact | Refusal:
    """A coded entry; `recorded` is the message's time, as the entry has none of its own."""
    if not named.code:
        remedy = f"send a code or a text in {segment.name}-3"
        return Refusal(segment.place(3), "the entry has no code and no text.", remedy)
    own = segment.first(20).part(1) if segment.name == "DG1" else ""
    return HistoryFact(
        identity=identity("hl7", kind, setting.patient, own or named.system, own or named.code),
        code=named.code,
        system=named.system,
        display=named.text or named.code,
        onset=of_stamp(segment.first(onset).part(1), setting.zone, "year"),
        recorded=setting.sent,
        status=status,
        kind=kind,
        place=segment.place(),
    )
