"""The orders of an ORU^R01 and their results: measurements, and reports as texts.

HL7 v2.5.1, chapter 7, section 7.3.1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from clinical.exchange.coded import identity
from clinical.exchange.facts import Fact, MeasurementFact, NoteFact, Refusal, Status
from clinical.exchange.hl7_fields import coded
from clinical.exchange.hl7_message import Segment
from clinical.exchange.hl7_observations import (
    Order,
    Setting,
    is_text,
    issued,
    result,
    status_of,
)
from clinical.exchange.sections import PART_SECTIONS, section

TWO_VALUES = "the same observation is there twice, with different values."
_ONE_EACH = "number the observations of an order in OBX-4"


@dataclass(frozen=True)
class Results:
    """What the orders of one patient hold."""

    facts: tuple[Fact, ...]
    refused: tuple[Refusal, ...]
    unused: Counter[str]


def results(segments: Sequence[Segment], setting: Setting) -> Results:
    """Read the orders among the segments after PID."""
    measured: list[MeasurementFact | Refusal] = []
    texts: list[NoteFact | Refusal] = []
    unused = Counter(
        segment.name for segment in segments if segment.name not in ("ORC", "OBR", "OBX", "SPM")
    )
    for order in orders(segments):
        lines: list[tuple[Segment, Status]] = []
        for obx in order.results:
            status = status_of(obx, order)
            if status is None:
                unused["OBX without a result"] += 1
            elif isinstance(status, Refusal):
                measured.append(status)
            elif is_text(obx):
                lines.append((obx, status))
            else:
                measured.append(result(obx, order, status, setting))
        texts += _notes(order, lines, setting)
    settled, twice = _settled([one for one in measured if not isinstance(one, Refusal)])
    written = [one for one in texts if not isinstance(one, Refusal)]
    refused = [one for one in (*measured, *texts) if isinstance(one, Refusal)]
    return Results((*settled, *written), (*refused, *twice), unused)


def orders(segments: Sequence[Segment]) -> Iterator[Order]:
    """Each order with what belongs to it; results before any order come as one without OBR."""
    common: Segment | None = None
    obr, orc = None, None
    specimens: list[Segment] = []
    found: list[Segment] = []
    for segment in segments:
        if segment.name == "ORC":
            common = segment
        elif segment.name == "OBR":
            if obr or found:
                yield Order(obr, orc, tuple(specimens), tuple(found))
            obr, orc, common = segment, common, None
            specimens, found = [], []
        elif segment.name == "OBX":
            found.append(segment)
        elif segment.name == "SPM":
            specimens.append(segment)
    if obr or found:
        yield Order(obr, orc, tuple(specimens), tuple(found))


def _notes(
    order: Order, lines: Sequence[tuple[Segment, Status]], setting: Setting
) -> Iterator[NoteFact | Refusal]:
    """One text for all lines of one name, in their order."""
    groups: dict[tuple[str, ...], list[tuple[Segment, Status]]] = {}
    for obx, status in lines:
        name = obx.first(3)
        key = (coded(name).system, coded(name).code, name.part(1, 2))
        groups.setdefault(key, []).append((obx, status))
    for names, group in groups.items():
        obx = group[0][0]
        time = issued(order, setting) or order.taken(setting.zone)
        if time is None:
            yield Refusal("MSH-7", "nothing says when the text was told.", "send MSH-7")
            continue
        text = text_of([line for line, status in group if status != "cancelled"])
        status = together([status for _, status in group])
        if not text and status != "cancelled":
            yield Refusal(obx.place(5), "the text is empty.", "send D where there is none")
            continue
        yield NoteFact(
            identity=identity("hl7", "text", setting.sender, order.number or obx.place(), *names),
            section=_title(obx, order),
            text=text,
            time=time,
            status=status,
            place=obx.place(),
        )


def text_of(lines: Sequence[Segment]) -> str:
    """The lines as one text; a repetition is a line of its own."""
    whole = [
        coded(field).text if line.first(2).part(1) in ("CE", "CWE") else field.text
        for line in lines
        for field in line.all(5) or (line.first(5),)
    ]
    return "\n".join(whole).strip()


def together(statuses: Sequence[Status]) -> Status:
    """The status of a text whose lines have these: as certain as the least certain of them."""
    left = [status for status in statuses if status != "cancelled"]
    order: tuple[Status, ...] = ("preliminary", "corrected", "final")
    return next((status for status in order if status in left), "cancelled")


def _title(obx: Segment, order: Order) -> str:
    named = coded(obx.first(3))
    by_suffix = PART_SECTIONS.get(obx.first(3).part(1, 2))
    service = coded(order.obr.first(4)).text if order.obr else ""
    return by_suffix or section(named.code, named.text or service)


def _settled(
    facts: Sequence[MeasurementFact],
) -> tuple[tuple[MeasurementFact, ...], tuple[Refusal, ...]]:
    """One fact for each identity: what was cancelled or preliminary yields to what is final.

    Several that differ in their times are a series, told apart by them; several that differ only
    in their values contradict each other, and none is taken.
    """
    groups: dict[str, list[MeasurementFact]] = {}
    for fact in facts:
        groups.setdefault(fact.identity, []).append(fact)
    kept: list[MeasurementFact] = []
    refused: list[Refusal] = []
    for group in groups.values():
        left = {(one.value, one.unit, one.time): one for one in _most_certain(group)}
        times = {time for _, _, time in left}
        if len(left) == 1:
            kept.extend(left.values())
        elif len(times) == len(left):
            kept += [
                replace(one, identity=identity(one.identity, one.time.isoformat()))
                for one in left.values()
            ]
        else:
            refused += [Refusal(f"{one.place}-4", TWO_VALUES, _ONE_EACH) for one in left.values()]
    return tuple(kept), tuple(refused)


def _most_certain(group: Sequence[MeasurementFact]) -> list[MeasurementFact]:
    for statuses in (("final", "corrected"), ("preliminary",), ("cancelled",)):
        found = [one for one in group if one.status in statuses]
        if found:
            return found
    return []
