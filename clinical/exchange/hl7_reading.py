r"""A signed reading as an HL7 v2.5.1 message, ORU^R01: what holds, what was suggested, who signed.

OBX 1 and on are the diagnoses that hold. Then follow, for each suggestion, its probability, its
threshold and what each reader made of it, with one OBX-4 (sub-identifier) for each suggestion.
OBX-3 is LOINC 29308-4, Diagnosis, for what holds, and of the private system 99TRIPTYCH for what
LOINC has no code for. A reading that is not final makes no message: most receivers file whatever
comes as a result.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from clinical.case.reading import Code, CodeSystem, Finding, Reading, Subject, Verdict
from clinical.errors import ReviewError
from clinical.exchange import hl7_text
from clinical.review.decisions import ACTED, REASONS
from clinical.wording import RESEARCH_USE

SYSTEM = "99TRIPTYCH"
MARKS = "^~\\&"
CODEC = "utf-8"

escaped = partial(hl7_text.escaped, new_line=hl7_text.NEW_LINE)

_SYSTEMS: Final[Mapping[CodeSystem, str]] = {
    "SNOMED": "SCT",
    "ICD-10": "I10",
    "ICD-11": "I11",
    "local": SYSTEM,
}


@dataclass(frozen=True)
class Envelope:
    """From whom to whom (MSH-3 to MSH-6).

    Attributes:
        application, facility: of the sender.
        to_application, to_facility: of the receiver; "" where it does not matter.
    """

    application: str = "TRIPTYCH"
    facility: str = ""
    to_application: str = ""
    to_facility: str = ""


DEFAULT = Envelope()


def message(reading: Reading, subject: Subject, envelope: Envelope = DEFAULT) -> bytes:
    """The message, its segments ended by carriage returns, without MLLP's own marks.

    Args:
        reading: signed by all who have to.
        subject: whom it is about.
        envelope: from whom to whom.

    Raises:
        ReviewError: if the reading is not final.
    """
    if not reading.vouched:
        raise ReviewError(
            "Only a signed reading is sent as a result.",
            remedy="sign the case, by all the readers that it needs.",
        )
    lines = [_header(reading, envelope), _patient(subject), _order(reading, subject)]
    for number, observed in enumerate(_observations(reading), start=1):
        lines.append(f"OBX|{number}|{observed}")
    notes = (RESEARCH_USE, *reading.remarks)
    lines += [f"NTE|{number}|L|{escaped(note)}" for number, note in enumerate(notes, start=1)]
    return "".join(f"{line}\r" for line in lines).encode(CODEC)


def _header(reading: Reading, envelope: Envelope) -> str:
    told = (
        envelope.application,
        envelope.facility,
        envelope.to_application,
        envelope.to_facility,
    )
    ends = "|".join(escaped(part) for part in told)
    time, control = _time(reading.changed), reading.digest[:20]
    return f"MSH|{MARKS}|{ends}|{time}||ORU^R01^ORU_R01|{control}|P|2.5.1|||AL|NE||UNICODE UTF-8"


def _patient(subject: Subject) -> str:
    number = f"{escaped(subject.patient_id)}^^^{escaped(subject.issuer)}^MR"
    family, _, given = subject.name.partition("^")
    name = f"{escaped(family)}^{escaped(given.replace('^', ' ').strip())}".rstrip("^")
    rest = (name or "^^^^^^U", "", escaped(subject.birth_date), escaped(subject.sex))
    return f"PID|1||{number}||{'|'.join(rest)}".rstrip("|")


def _order(reading: Reading, subject: Subject) -> str:
    filler = f"{reading.digest[:20]}^{SYSTEM}"
    signed = reading.vouched[-1]
    fields = {
        1: "1",
        2: escaped(subject.accession),
        3: filler,
        4: "18748-4^Diagnostic imaging study^LN",
        7: _time(reading.began),
        18: escaped(subject.accession),
        22: _time(signed.recorded),
        24: "RAD",
        25: "F",
        32: escaped(signed.name),
    }
    return "OBR|" + "|".join(fields.get(number, "") for number in range(1, 33))


def _observations(reading: Reading) -> Iterator[str]:
    signed = reading.vouched[-1]
    time, by = signed.recorded, signed.name
    for found in reading.conclusion:
        yield _observed("CWE", "29308-4^Diagnosis^LN", "", _coded(found.codes), time, by)
    if not reading.conclusion:
        yield _observed("ST", "29308-4^Diagnosis^LN", "", "none of the suggestions holds", time, by)
    for number, found in enumerate(reading.findings, start=1):
        yield from _suggestion(reading, found, str(number))


def _suggestion(reading: Reading, found: Finding, group: str) -> Iterator[str]:
    model = reading.model.digest if reading.model else ""
    by_model = {"time": reading.began, "equipment": model}
    if found.state != "added":
        named = _coded(found.codes)
        yield _observed(
            "CWE", _own("suggestion", "Suggestion of a model"), group, named, **by_model
        )
        yield _observed(
            "ST", _own("state", "State of the suggestion"), group, found.state, **by_model
        )
    for code, text, value in (
        ("probability", "Calibrated probability", found.probability),
        ("threshold", "Threshold to suggest", found.threshold),
    ):
        if value is not None:
            yield _observed("NM", _own(code, text), group, f"{value:.9g}", **by_model)
    for verdict in found.verdicts:
        yield from _verdict(verdict, found, group)


def _verdict(verdict: Verdict, found: Finding, group: str) -> Iterator[str]:
    by = {"time": verdict.recorded, "by": verdict.reader}
    named = _own("verdict", f"Verdict on {found.codes[-1].display}")
    yield _observed("ST", named, group, ACTED[verdict.action], **by)
    if verdict.reason:
        why = escaped(REASONS.get(verdict.reason, verdict.reason))
        yield _observed("ST", _own("reason", "Reason of the verdict"), group, why, **by)
    if verdict.replacement:
        instead = _coded(verdict.replacement)
        yield _observed("CWE", _own("instead", "Diagnosis in its place"), group, instead, **by)


def _observed(
    kind: str,
    name: str,
    group: str,
    value: str,
    time: str,
    by: str = "",
    equipment: str = "",
) -> str:
    """OBX-2 and on; OBX-16 is who observed, OBX-18 by what."""
    unit = "1^no units^UCUM" if kind == "NM" else ""
    fields = {
        2: kind,
        3: name,
        4: group,
        5: value,
        6: unit,
        11: "F",
        14: _time(time),
        16: escaped(by),
        18: f"{equipment}^{SYSTEM}" if equipment else "",
    }
    return "|".join(fields.get(number, "") for number in range(2, 19)).rstrip("|")


def _own(code: str, text: str) -> str:
    return f"{code}^{escaped(text)}^{SYSTEM}"


def _coded(codes: Iterable[Code]) -> str:
    """CWE: the best known code, and one other as the alternate."""
    return "^".join(
        f"{escaped(code.value)}^{escaped(code.display)}^{_SYSTEMS[code.system]}"
        for code in list(codes)[:2]
    )


def _time(stamp: str) -> str:
    return f"{datetime.fromisoformat(stamp):%Y%m%d%H%M%S%z}"
