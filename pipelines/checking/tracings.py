"""The electrocardiogram files of a folder, read by the one reader that cohorts have for them."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC
from pathlib import Path
from typing import NamedTuple

from clinical.case.case import Problem
from clinical.case.shapes import Array
from clinical.modalities.ecg import rows, tracing
from clinical.modalities.ecg.leads import LIMB, STANDARD, lead_named
from clinical.tables.clock import Clock
from clinical.tables.table import Row
from pipelines.checking.findings import Counted, Finding, Shown, ranked, shown
from pipelines.checking.many_files import again, apart, look_at

ENDING = ".hea"
"""Of the header of a WFDB record; DICOM and CSV are told by what is in them."""
FEWEST_LEADS = 3
"""Columns named after leads from which a table is taken for samples of an electrocardiogram."""
LONG = {"lead", "sample", "value"}
"""Columns of samples that have a row each."""
ASKED = ("The sampling rate is not stated", "The unit of the samples is not stated", "The unit is")


class Tracing(NamedTuple):
    """One file to read, and what its table says of it.

    Attributes:
        path: of the file.
        patient: whose it is, or "".
        rate, unit: of the table, as written, or "".
        whole: whether it is read.
        clock, timed: of the case; whether the table gives a time.
        expected: Patient ID that a DICOM file must not contradict.
    """

    path: Path
    patient: str = ""
    rate: str = ""
    unit: str = ""
    whole: bool = True
    clock: Clock = Clock(UTC, None)
    timed: bool = True
    expected: str | None = None


@dataclass(frozen=True)
class TracingFound:
    """What one file is; `patient` and digests are compared, never printed.

    Attributes:
        refused: why it cannot be used, or "".
        read: whether it was.
        traits: name to value, of what was read.
        doubts: what is doubtful about one that is used.
    """

    patient: str
    bytes_digest: str = ""
    refused: str = ""
    read: bool = False
    traits: Mapping[str, str] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()
    digest: str = ""


@dataclass(frozen=True)
class TracingsFound:
    """All electrocardiograms.

    Attributes:
        files: that are named, or that lie there.
        missing: named, and not there.
        read: that were read.
        traits: name of a trait to its values with the number of files.
        refused, doubts: sentences with the number of files.
        same: tracings that are also there under another file.
        other_patient: of these, under another patient.
    """

    files: int = 0
    missing: int = 0
    read: int = 0
    traits: Mapping[str, Shown] = field(default_factory=dict)
    refused: tuple[Counted, ...] = ()
    doubts: tuple[Counted, ...] = ()
    same: int = 0
    other_patient: int = 0


def are_samples(names: Sequence[str]) -> bool:
    """Whether a table with such columns holds samples of an electrocardiogram.

    Columns V1, V2 and V3 alone are what programs call any variables.
    """
    leads = {lead for name in names if (lead := lead_named(name))}
    several = len(leads) >= FEWEST_LEADS and not leads.isdisjoint(LIMB)
    return several or {name.lower() for name in names} >= LONG


def looked_at(
    files: Sequence[Tracing], jobs: int, done: Callable[[int], None] = lambda _: None
) -> TracingsFound:
    """Look at every file, in so many processes."""
    found = look_at(look, files, jobs, done)
    return replace(summed(found), files=len(files), missing=len(files) - len(found))


def look(one: Tracing) -> TracingFound:
    """One file, and where it is to be read what came of it. Never raises."""
    try:
        with one.path.open("rb") as file:
            found = TracingFound(one.patient, hashlib.file_digest(file, "sha256").hexdigest())
    except OSError as error:
        why = f"The file cannot be opened ({type(error).__name__})."
        return TracingFound(one.patient, refused=why)
    if not one.whole:
        return found
    row = Row(0, (one.rate, one.unit), {"rate": 0, "unit": 1})
    time = one.clock.decision if one.timed else None
    array = rows.tracing_of(
        one.path, row, Problem("", ""), one.clock, time=None, patient_id=one.expected
    )
    if isinstance(array, Problem):
        return replace(found, refused=array.reason)
    doubt = "" if time else one.clock.doubt(array.source, rows.WHAT)
    return read_whole(found, array, one.unit, (doubt,) if doubt else ())


def read_whole(
    found: TracingFound, array: Array, unit: str = "", doubts: tuple[str, ...] = ()
) -> TracingFound:
    """`found` with what was made of the samples.

    Args:
        found: what is known of the file.
        array: its samples, [leads, samples] in mV.
        unit: that its table states.
        doubts: what is known already.
    """
    source = array.source
    told = [*doubts, *(trouble.words for trouble in tracing.troubles(array))]
    if source.get("bridged"):
        told.append(f"short gaps were bridged in {source['bridged']}.")
    if source.get("left_out"):
        told.append(f"longer gaps: {source['left_out']} left out.")
    traits = traits_of(array, unit)
    return replace(
        found, read=True, traits=traits, doubts=tuple(dict.fromkeys(told)), digest=array.digest
    )


def traits_of(array: Array, unit: str = "") -> dict[str, str]:
    """What is worth counting of a tracing that was read."""
    waveform, source = tracing.waveform_of(array), array.source
    recorded = [lead for lead in waveform.leads if lead not in waveform.derived]
    lacking = [lead for lead in STANDARD if lead not in waveform.leads]
    leads = f"{len(recorded)} recorded"
    leads += f", {len(waveform.derived)} computed" if waveform.derived else ""
    told = {
        "format": " ".join(filter(None, (source.get("format"), source.get("kind")))),
        "leads": leads,
        "lacking": " ".join(lacking),
        "rate": f"{source.get('recorded_rate', '?')} per second",
        "unit": f"{unit}, by the table" if unit else "stated in the file",
        "duration": f"{waveform.seconds:.3g} s",
        "signals that are no leads": source.get("not_leads", ""),
        "groups of channels left out": source.get("groups_left_out", ""),
        "patient's own time": "" if source.get("acquired") else "not stated in the file",
    }
    return {name: text for name, text in told.items() if text}


def summed(found: Sequence[TracingFound]) -> TracingsFound:
    """What all files are together."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for one in found:
        for name, value in one.traits.items():
            counts[name][value] += 1
    owners = [one.patient for one in found]
    files, samples = [one.bytes_digest for one in found], [one.digest for one in found]
    return TracingsFound(
        len(found),
        0,
        sum(one.read for one in found),
        {name: shown(told, lambda _: True) for name, told in counts.items()},
        ranked(Counter(one.refused for one in found if one.refused)),
        ranked(Counter(doubt for one in found for doubt in one.doubts)),
        max(again(files), again(samples)),
        max(apart(files, owners), apart(samples, owners)),
    )


def findings(found: TracingsFound) -> Iterator[Finding]:
    """What is to be decided about electrocardiograms, and what is left out."""
    place = "electrocardiograms"
    if found.other_patient:
        yield Finding(
            "decide",
            place,
            "One and the same electrocardiogram belongs to several patients.",
            "find out whose it is; otherwise it may be learnt from and tested on",
            found.other_patient,
        )
    elif found.same:
        text = "Electrocardiograms are there twice or more."
        yield Finding("know", place, text, count=found.same)
    if found.missing:
        yield Finding(
            "know",
            place,
            "Files that the table names do not exist.",
            "add the files, or correct the paths",
            found.missing,
        )
    for item in found.refused:
        if item.text.startswith(ASKED):
            remedy = "write samples per second and mV, uV or V into rate and unit of ecgs.csv"
            yield Finding("decide", place, item.text, remedy, item.count)
    others = [item for item in found.refused if not item.text.startswith(ASKED)]
    if others:
        text = f"Electrocardiograms are left out; the first of the reasons: {others[0].text}"
        count = sum(item.count for item in others)
        yield Finding("know", place, text, "see the table of electrocardiograms", count)
    for item in found.doubts:
        if item.text.startswith(("nobody says when", "the file gives only the day")):
            text = item.text[:1].upper() + item.text[1:]
            yield Finding("decide", place, text, "say it in the table", item.count)
