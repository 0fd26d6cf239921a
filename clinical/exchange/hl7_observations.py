"""One OBX of HL7 v2: what it is a result of, its value, unit, status and time.

HL7 v2.5.1, chapter 7, section 7.4.2; tables 0125 (value types), 0085 (status), 0078 (flags).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, tzinfo

from clinical.exchange.coded import Coded, identity, known_specimen
from clinical.exchange.facts import MeasurementFact, Refusal, Status
from clinical.exchange.hl7_fields import coded
from clinical.exchange.hl7_message import NULL, Field, Segment
from clinical.exchange.moments import of_stamp
from clinical.exchange.sections import PART_SECTIONS, SECTIONS

STATUS: dict[str, Status] = {
    **dict.fromkeys(("P", "R", "I", "S"), "preliminary"),
    **dict.fromkeys(("F", "U", "V"), "final"),
    **dict.fromkeys(("C", "A", "B"), "corrected"),
    **dict.fromkeys(("D", "W", "X"), "cancelled"),
}
"""OBX-11; O and N (ordered or asked for, no result) hold nothing."""
_OF_ORDER = {"F": "F", "C": "C", "P": "P", "R": "R", "X": "X", "A": "P", "S": "I", "I": "I"}
"""OBR-25 (table 0123) to OBX-11, for an OBX without a status."""

TEXTS = ("TX", "FT", "ST")
_CODED = ("CE", "CWE", "CNE", "CF", "IS", "ID")
_NUMBER = re.compile(r"(?:[<>=≤≥]|&[lg]t;)*\s*[-+]?\d[\d.,]*(?:[eE][-+]?\d+)?", re.ASCII)
_WRITTEN = (("&lt;", "<"), ("&gt;", ">"))
_POWER = re.compile(r"\d{1,2}\s*/.+", re.ASCII)


@dataclass(frozen=True)
class Order:
    """What an OBR and the segments around it say of all its results.

    Attributes:
        number: of the filler, else the placer, with its authority; "" where neither is given.
        obr: None for results that stand before any order.
        orc: the common order before it.
        specimens: its SPM segments.
        results: its OBX segments.
    """

    obr: Segment | None
    orc: Segment | None = None
    specimens: tuple[Segment, ...] = ()
    results: tuple[Segment, ...] = ()

    @property
    def number(self) -> str:
        """Filler order number, else placer order number, with its name space."""
        places = ((self.obr, 3), (self.orc, 3), (self.obr, 2), (self.orc, 2))
        for segment, number in places:
            field = segment.first(number) if segment else None
            if field and field.part(1):
                return "^".join(field.component(at) for at in (1, 2, 3))
        return ""

    def specimen(self) -> str:
        """What was examined, of SPM-4 or OBR-15, in a word that is known where there is one."""
        words: list[str] = []
        for spm in self.specimens:
            words += [spm.first(4).part(1), spm.first(4).part(2)]
        if self.obr:
            source = self.obr.first(15)
            words += [source.part(1, 1), source.part(1, 2), source.part(2)]
        return known_specimen(words)

    def taken(self, zone: tzinfo) -> datetime | None:
        """When the specimen was taken, of OBR-7 or else SPM-17."""
        found = of_stamp(self.obr.first(7).part(1), zone) if self.obr else None
        collected = (of_stamp(spm.first(17).part(1), zone) for spm in self.specimens)
        return found or next((one for one in collected if one), None)


@dataclass(frozen=True)
class Setting:
    """What the whole message says.

    Attributes:
        zone: of stamps without one.
        sender: MSH-3 and MSH-4.
        patient: first identifier of PID, with its authority; "" for all of the message.
        sent: MSH-7.
    """

    zone: tzinfo
    sender: str
    patient: str
    sent: datetime | None


def status_of(obx: Segment, order: Order) -> Status | Refusal | None:
    """The status, None for what is no result, or why it is not understood.

    An OBX without a status has that of its order, and is final where that has none either.
    """
    told = obx.first(11).part(1).upper()
    if not told and order.obr:
        told = _OF_ORDER.get(order.obr.first(25).part(1).upper(), "F")
    told = told or "F"
    empty = not obx.raw(5).strip()
    if told in ("O", "N") or (told in ("I", "P", "S") and empty):
        return None
    status = STATUS.get(told)
    if status is None:
        reason = "the status is not one of the table 0085."
        return Refusal(obx.place(11), reason, "send F, C, P, D or W")
    return "cancelled" if obx.raw(5) == NULL else status


def is_text(obx: Segment) -> bool:
    """Whether it is a line of a text, and not a result.

    A result that is sent as text is one all the same where it has a unit or is a number.
    """
    kind, name = obx.first(2).part(1).upper(), obx.first(3)
    if kind not in (*TEXTS, "CE", "CWE", ""):
        return False
    if name.part(1, 2) in PART_SECTIONS or coded(name).code in SECTIONS:
        return True
    if kind not in ("TX", "FT"):
        return False
    return not obx.raw(6).strip() and not _NUMBER.fullmatch(obx.first(5).text)


def result(
    obx: Segment, order: Order, status: Status, setting: Setting
) -> MeasurementFact | Refusal:
    """The fact of one OBX, or the field that keeps it from being one."""
    named = coded(obx.first(3))
    if not named.code:
        return Refusal(obx.place(3), "the observation is not named.", "send a LOINC code in OBX-3")
    value = _value(obx)
    if status == "cancelled":
        value = "" if isinstance(value, Refusal) else value
    elif isinstance(value, Refusal):
        return value
    time = _time(obx, order, status, setting)
    if isinstance(time, Refusal):
        return time
    return MeasurementFact(
        identity=identity_of(obx, named, order, setting),
        code=named.code,
        system=named.system,
        display=named.text,
        value=value,
        unit=unit(obx.first(6)),
        time=time,
        issued=issued(order, setting),
        status=status,
        specimen=order.specimen(),
        place=obx.place(),
    )


def identity_of(obx: Segment, named: Coded, order: Order, setting: Setting) -> str:
    """The same for a result and its corrections: order, observation, sub-id.

    OBX-21, which names one result for ever, decides alone where it is given. Where no order has a
    number, its patient, service and time stand for it.
    """
    instance = obx.first(21)
    if instance.part(1):
        return identity("hl7", "instance", instance.text)
    number = order.number
    if not number and order.obr:
        obr = order.obr
        number = "\x1e".join((setting.patient, obr.first(4).part(1), obr.first(7).part(1)))
    return identity("hl7", setting.sender, number, named.system, named.code, obx.first(4).text)


def issued(order: Order, setting: Setting) -> datetime | None:
    """When it was told: OBR-22, else MSH-7."""
    told = of_stamp(order.obr.first(22).part(1), setting.zone, last=True) if order.obr else None
    return told or setting.sent


def _time(obx: Segment, order: Order, status: Status, setting: Setting) -> datetime | Refusal:
    own = obx.first(14).part(1)
    found = of_stamp(own, setting.zone) if own else order.taken(setting.zone)
    if found is None and status == "cancelled":
        found = order.taken(setting.zone) or issued(order, setting)
    if found is not None:
        return found
    if own or order.obr is None:
        reason = "the time is missing." if not own else "the time is not understood."
        return Refusal(obx.place(14), reason, "send YYYYMMDDHHMM+ZZZZ")
    reason = "neither OBX-14 nor OBR-7 says when it was measured."
    return Refusal(order.obr.place(7), reason, "send when the specimen was taken in OBR-7")


def _value(obx: Segment) -> str | Refusal:
    kind, fields = obx.first(2).part(1).upper(), obx.all(5)
    if not fields or all(field.raw == NULL for field in fields):
        return Refusal(obx.place(5), "the value is missing.", "send D or X where there is none")
    if kind not in ("NM", "SN", *TEXTS, *_CODED):
        return Refusal(obx.place(2), _why_not(kind), "send NM, SN, ST, CWE, TX or FT")
    values = tuple(dict.fromkeys(_one(field, kind) for field in fields))
    if len(values) > 1 and kind not in _CODED:
        remedy = "send one OBX for each, numbered in OBX-4"
        return Refusal(obx.place(5), "the field has several values.", remedy)
    value = ", ".join(values)
    flags = {flag.part(1) for flag in obx.all(8)}
    beyond = next((flag for flag in ("<", ">") if flag in flags), "")
    return beyond + value if beyond and value[:1].isdigit() else value


def _why_not(kind: str) -> str:
    if kind in ("ED", "RP"):
        return "documents that are embedded or pointed to are not read."
    return "the value type is missing." if not kind else "the value type is not read here."


def _one(field: Field, kind: str) -> str:
    if kind == "SN":
        comparator = field.part(1)
        number = "".join(field.part(at) for at in (2, 3, 4))
        return ("" if comparator == "=" else comparator) + number
    if kind in _CODED:
        return coded(field).text or coded(field).code
    # &lt; comes from senders that wrote XML first.
    text = field.raw
    for written, meant in _WRITTEN:
        text = text.replace(written, meant)
    return Field(text, field.marks).text


def unit(field: Field) -> str:
    """The unit of OBX-6: that of UCUM where a triplet says so, else as the sender writes it.

    The mark of components is also the one of powers, and not all senders escape it: 10^3/uL comes
    as two components, of which the second could be no unit's name.
    """
    for at in (1, 4):
        if field.part(at + 2).upper() in ("UCUM", "HTTP://UNITSOFMEASURE.ORG"):
            return field.component(at)
    first, second = field.component(1), field.component(2)
    if first.lower() in ("10", "x10") and _POWER.fullmatch(second):
        return f"{first}^{second}"
    return first or second
