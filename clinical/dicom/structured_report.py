"""A reading as a DICOM structured report: Comprehensive 3D SR with TID 1500, Measurement Report.

The way of IHE AI Results: one measurement group (TID 1501) for each suggestion, with the finding as
a code, the algorithm (TID 4019) with probability and threshold as numbers, and what readers made of
it beside it (accepted, modified, rejected), each with its observer; then one for each length, angle
and area that a reader measured. It is VERIFIED only if the reading is final, and then names who
signed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from pydicom.dataset import Dataset
from pydicom.uid import Comprehensive3DSRStorage

from clinical.case.assessment import Action
from clinical.case.reading import Code, CodeSystem, Finding, Reading, State, Verdict
from clinical.dicom import content
from clinical.dicom.content import Concept
from clinical.dicom.derived import (
    MANUFACTURER,
    SCHEME,
    Maker,
    common,
    evidence,
    notice,
    reference,
)
from clinical.dicom.film import Film
from clinical.dicom.measured import OBSERVER_TYPE, measured, observer
from clinical.dicom.write import derived_uid

ORGANIZATION = "not stated"
"""Of a person who verified: an account of a workspace has a name and a role, and no employer."""

_SYSTEMS: Final[Mapping[CodeSystem, str]] = {
    "SNOMED": "SCT",
    "ICD-10": "I10",
    "ICD-11": "99ICD11",
    "local": SCHEME,
}
_STATES: Final[Mapping[State, Concept]] = {
    "suggested": ("suggested", SCHEME, "At or above the threshold"),
    "below threshold": ("below", SCHEME, "Below the threshold"),
    "withheld": ("withheld", SCHEME, "Withheld"),
    "added": ("not-suggested", SCHEME, "Not suggested by the algorithm"),
}
_VERDICTS: Final[Mapping[Action, Concept]] = {
    "accept": ("accepted", SCHEME, "Accepted"),
    "modify": ("modified", SCHEME, "Modified"),
    "reject": ("rejected", SCHEME, "Rejected"),
    "add": ("added", SCHEME, "Added by the reader"),
}
_REPORT: Concept = ("126000", "DCM", "Imaging Measurement Report")
_LANGUAGE: Concept = ("121049", "DCM", "Language of Content Item and Descendants")
_DEVICE: Concept = ("121007", "DCM", "Device")
_FINDING: Concept = ("121071", "DCM", "Finding")
_RESTS_ON: Concept = ("rests-on", SCHEME, "What the suggestion rests on")
_HELD_BACK: Concept = ("held-back", SCHEME, "Why an input is not shown as evidence")
_COMMENT: Concept = ("121106", "DCM", "Comment")


def report(
    reading: Reading, films: tuple[Film, ...], maker: Maker, remarks: tuple[str, ...] = ()
) -> Dataset:
    """The report of a reading of films of one study.

    Args:
        reading: what was made of the case.
        films: what it was read from, the one to look at first in front.
        maker: program and model.
        remarks: of the film, such as what its millimetres are; those of the reading follow.
    """
    made = Dataset()
    changed = datetime.fromisoformat(reading.changed)
    common(made, films[0], maker, time=changed, series="SR", name=reading.digest)
    made.Modality = "SR"
    made.SOPClassUID = Comprehensive3DSRStorage
    made.ReferencedPerformedProcedureStepSequence = []
    made.PerformedProcedureCodeSequence = []
    made.CompletionFlag = "COMPLETE" if reading.final else "PARTIAL"
    made.PreliminaryFlag = "FINAL" if reading.final else "PRELIMINARY"
    made.VerificationFlag = "VERIFIED" if reading.vouched else "UNVERIFIED"
    if reading.vouched:
        made.VerifyingObserverSequence = [
            _verifying(signed.name, signed.recorded) for signed in reading.vouched
        ]
    made.CurrentRequestedProcedureEvidenceSequence = [evidence(films)]
    root = content.container(
        _REPORT, _tree(reading, films, maker, remarks), template="1500", root=True
    )
    made.update(root)
    return made


def _verifying(name: str, recorded: str) -> Dataset:
    item = Dataset()
    item.VerifyingObserverName = content.person_name(name)
    item.VerifyingOrganization = ORGANIZATION
    item.VerificationDateTime = content.stamp(datetime.fromisoformat(recorded))
    item.VerifyingObserverIdentificationCodeSequence = []
    return item


def _tree(
    reading: Reading, films: tuple[Film, ...], maker: Maker, remarks: tuple[str, ...]
) -> Iterator[Dataset]:
    yield content.code("HAS CONCEPT MOD", _LANGUAGE, ("en", "RFC5646", "English"))
    for name in reading.readers:
        yield from observer(name)
    yield from _device(maker)
    yield content.code(
        "HAS CONCEPT MOD",
        ("121058", "DCM", "Procedure reported"),
        ("363679005", "SCT", "Imaging procedure"),
    )
    library = content.container(
        ("126200", "DCM", "Image Library Group"), [content.image(reference(film)) for film in films]
    )
    yield content.container(("111028", "DCM", "Image Library"), [library], template="1600")
    groups = [_group(found, films[0], maker) for found in reading.findings]
    groups += measured(reading.marks, films)
    if groups:
        yield content.container(("126010", "DCM", "Imaging Measurements"), groups)
    said = (notice(), _standing(reading), *remarks, *reading.remarks)
    yield content.container(
        ("C0034375", "UMLS", "Qualitative Evaluations"),
        [content.text("CONTAINS", _COMMENT, sentence) for sentence in said],
    )


def _device(maker: Maker) -> Iterator[Dataset]:
    """TID 1002 and 1004, a device."""
    yield content.code("HAS OBS CONTEXT", OBSERVER_TYPE, _DEVICE)
    yield content.uid("HAS OBS CONTEXT", ("121012", "DCM", "Device Observer UID"), maker.device_uid)
    for code, meaning, value in (
        ("121013", "Device Observer Name", f"Triptych {maker.version}"),
        ("121014", "Device Observer Manufacturer", MANUFACTURER),
        ("121015", "Device Observer Model Name", maker.model),
        ("121016", "Device Observer Serial Number", maker.model_digest),
    ):
        if value:
            yield content.text("HAS OBS CONTEXT", (code, "DCM", meaning), value)


def _group(found: Finding, film: Film, maker: Maker) -> Dataset:
    """TID 1501, one finding."""
    named = found.codes[-1].display
    items = [
        content.text("HAS OBS CONTEXT", ("112039", "DCM", "Tracking Identifier"), named),
        content.uid(
            "HAS OBS CONTEXT",
            ("112040", "DCM", "Tracking Unique Identifier"),
            derived_uid("finding", film.instance, found.diagnosis),
        ),
        content.code("CONTAINS", _FINDING, _concept(found.codes[0])),
    ]
    if found.state != "added":
        items += _algorithm(maker)
    for name, meaning, value in (
        ("probability", "Calibrated probability", found.probability),
        ("threshold", "Threshold to suggest", found.threshold),
    ):
        if value is not None:
            items.append(content.number((name, SCHEME, meaning), value))
    output = ("algorithm-output", SCHEME, "What the algorithm said")
    items.append(content.code("CONTAINS", output, _STATES[found.state]))
    if found.withheld_because:
        because = ("withheld-because", SCHEME, "Why it is withheld")
        items.append(content.text("CONTAINS", because, found.withheld_because))
    if found.rests_on:
        items.append(content.text("CONTAINS", _RESTS_ON, found.rests_on))
    for name, reason in found.held_back:
        items.append(content.text("CONTAINS", _HELD_BACK, f"{name}: {reason}"))
    for verdict in found.verdicts:
        items += _verdict(verdict)
    return content.container(("125007", "DCM", "Measurement Group"), items, template="1501")


def _algorithm(maker: Maker) -> list[Dataset]:
    """TID 4019: name, version and digest of what made the suggestion."""
    return [
        content.text("HAS CONCEPT MOD", (code, "DCM", meaning), value)
        for code, meaning, value in (
            ("111001", "Algorithm Name", maker.model),
            ("111003", "Algorithm Version", maker.model_digest),
            ("111002", "Algorithm Parameters", f"Triptych {maker.version}"),
        )
    ]


def _verdict(verdict: Verdict) -> Iterator[Dataset]:
    time = datetime.fromisoformat(verdict.recorded)
    said = content.code(
        "CONTAINS", ("verdict", SCHEME, "Reader's verdict"), _VERDICTS[verdict.action]
    )
    yield content.observed(content.within(said, observer(verdict.reader)), time)
    for name, meaning, value in (
        ("reason", "Reason of the verdict", verdict.reason),
        ("confidence", "Confidence of the reader", verdict.confidence or ""),
    ):
        if value:
            plain = value.replace("_", " ").capitalize()
            yield content.code("CONTAINS", (name, SCHEME, meaning), (value, SCHEME, plain))
    if verdict.replacement:
        instead = ("instead", SCHEME, "Diagnosis in its place")
        yield content.code("CONTAINS", instead, _concept(verdict.replacement[0]))


def _concept(code: Code) -> Concept:
    return code.value, _SYSTEMS[code.system], code.display


def _standing(reading: Reading) -> str:
    if reading.vouched:
        names = ", ".join(f"{signed.name} as {signed.role}" for signed in reading.vouched)
        held = ", ".join(found.codes[-1].display for found in reading.conclusion)
        return f"Signed by {names}. Diagnoses that hold: {held or 'none'}."
    return (
        "Not signed: what readers decided so far may change."
        if reading.readers
        else ("Suggestions of an algorithm that nobody has read yet.")
    )
